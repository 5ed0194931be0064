{{ config(meta={'empty_without': ['int_deals__moves']}) }}
-- One row per deal x event that a stage stands for (`counts_as`): its first entry into such a stage.
-- A stage that was only ever seen, not entered, tells no day.
select deal_id, event, occurred_at, occurred_on, _source_file, _source_row from (
    select
        deal_id, counts_as as event, entered_at as occurred_at, entered_on as occurred_on, _source_file, _source_row,
        row_number() over (partition by deal_id, counts_as order by move_number) as entry_number
    from {{ ref('int_deals__moves') }}
    where counts_as is not null and is_dated
) as entries
where entry_number = 1
