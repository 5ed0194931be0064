{{ config(meta={'empty_without': ['int_deals__attributed']}) }}
-- One row per deal x span of days on which it was open in the evening with one stage, owner, amount and planned close.
-- `from_on` included, `to_on` excluded, NULL: still so on the run's day. Deals closed without a date are in no span.
-- Without a history a value holds from the opening on; what was first seen holds before it was seen.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

deals as (select * from {{ ref('int_deals__attributed') }}),

current_deals as (select deal_id, stage_name, stage_outcome from {{ ref('int_deals__current') }}),

outcomes as (select * from {{ ref('int_deals__outcomes') }}),

moves as (select * from {{ ref('int_deals__moves') }}),

changes as (select * from {{ ref('int_deals__changes') }} where field <> 'stage'),

-- since when a source tells of plans: its first delivered change of one, else its first delivery
plans_known as (
    select
        seen.source_name, coalesce(told.known_from, seen.known_from) as known_from
    from (
        select united.source_name, min(landings.observed_on) as known_from
        from {{ ref('int_deals__united') }} as united
        inner join {{ ref('int_landings__observed') }} as landings on united._landing_key = landings._landing_key
        group by united.source_name
    ) as seen
    left join (
        select deals.source_name, min(changes.changed_on) as known_from
        from changes inner join deals on changes.deal_id = deals.deal_id
        where changes.field = 'planned_close_on' and not changes.is_inferred group by deals.source_name
    ) as told on seen.source_name = told.source_name
),

known as (
    select changes.deal_id, min(changes.changed_on) as first_known_on
    from {{ ref('int_deals__changes') }} as changes cross join settings
    where changes.is_dated and changes.changed_on <= settings.as_of group by changes.deal_id
),

entered as (
    select
        deals.deal_id, deals.source_name, deals.pipeline, outcomes.is_told, outcomes.outcome, outcomes.lost_on,
        case when current_deals.stage_outcome = 'open' then current_deals.stage_name end as stage_seen,
        coalesce(deals.opened_on, known.first_known_on, settings.as_of) as entered_on
    from deals
    cross join settings
    inner join outcomes on deals.deal_id = outcomes.deal_id
    inner join current_deals on deals.deal_id = current_deals.deal_id
    left join known on deals.deal_id = known.deal_id
    where (outcomes.outcome <> 'won' or outcomes.won_on is not null) and (outcomes.outcome <> 'lost' or outcomes.lost_on is not null)
),

-- told by a history of stages: the moves are the spans ----------------------------------------------------

told_spans as (
    select
        entered.deal_id, moves.pipeline, moves.stage_name, moves.entered_on as stage_entered_on,
        greatest(moves.entered_on, entered.entered_on) as from_on, moves.left_on as to_on
    from moves
    inner join entered on moves.deal_id = entered.deal_id
    where entered.is_told and moves.outcome = 'open'
    union all
    -- open before the first stage that is told
    select
        entered.deal_id, moves.pipeline, case when moves.outcome = 'open' then moves.stage_name end,
        cast(null as date), entered.entered_on, moves.entered_on
    from moves
    inner join entered on moves.deal_id = entered.deal_id
    where entered.is_told and moves.move_number = 1 and entered.entered_on < moves.entered_on
    union all
    -- its history tells of days after the run's alone
    select entered.deal_id, entered.pipeline, cast(null as {{ dbt.type_string() }}), cast(null as date), entered.entered_on, cast(null as date)
    from entered
    left join moves on entered.deal_id = moves.deal_id
    where entered.is_told and moves.deal_id is null
),

-- told by the record: from the opening to the close, and again from a reopening ----------------------------

closings as (
    select entered.deal_id, greatest(spells.won_on, entered.entered_on) as from_on, spells.ended_on as to_on
    from {{ ref('int_deals__won_spells') }} as spells
    inner join entered on spells.deal_id = entered.deal_id
    where not entered.is_told and coalesce(spells.ended_on, date '9999-12-31') > greatest(spells.won_on, entered.entered_on)
),

reopened as (select distinct deal_id from closings where to_on is not null),

-- few deals are reopened: each opening of theirs lasts to the next close
reopened_closings as (
    select closings.deal_id, closings.from_on, closings.to_on
    from closings
    inner join reopened on closings.deal_id = reopened.deal_id
    union all
    select entered.deal_id, greatest(entered.lost_on, entered.entered_on), cast(null as date)
    from entered
    inner join reopened on entered.deal_id = reopened.deal_id
    where entered.outcome = 'lost'
),

openings as (
    select entered.deal_id, entered.entered_on as from_on from entered inner join reopened on entered.deal_id = reopened.deal_id
    union
    select deal_id, to_on from reopened_closings where to_on is not null
),

record_spans as (
    select openings.deal_id, openings.from_on, min(closings.from_on) as to_on
    from openings
    left join reopened_closings as closings on openings.deal_id = closings.deal_id and closings.from_on >= openings.from_on
    group by openings.deal_id, openings.from_on
    union all
    -- closed once at most
    select
        entered.deal_id, entered.entered_on,
        {{ earlier_end('closings.from_on', "case when entered.outcome = 'lost' then greatest(entered.lost_on, entered.entered_on) end") }}
    from entered
    left join closings on entered.deal_id = closings.deal_id
    left join reopened on entered.deal_id = reopened.deal_id
    where not entered.is_told and reopened.deal_id is null
),

labels as (
    select
        deal_id, pipeline, stage_name, case when is_dated then entered_on end as stage_entered_on,
        case when entered_on = first_on then date '1900-01-01' else entered_on end as from_on, next_on as to_on
    from (
        select
            deal_id, pipeline, stage_name, is_dated, entered_on,
            min(entered_on) over (partition by deal_id) as first_on,
            lead(entered_on) over (partition by deal_id order by move_number) as next_on
        from moves where outcome = 'open'
    ) as placed
    where coalesce(next_on, date '9999-12-31') > entered_on
),

staged_spans as (
    select deal_id, pipeline, stage_name, stage_entered_on, from_on, to_on from told_spans
    union all
    select
        spans.deal_id, coalesce(labels.pipeline, entered.pipeline), coalesce(labels.stage_name, entered.stage_seen), labels.stage_entered_on,
        greatest(spans.from_on, coalesce(labels.from_on, spans.from_on)),
        least(coalesce(spans.to_on, labels.to_on), coalesce(labels.to_on, spans.to_on))
    from record_spans as spans
    inner join entered on spans.deal_id = entered.deal_id
    left join labels
        on spans.deal_id = labels.deal_id and labels.from_on < coalesce(spans.to_on, date '9999-12-31')
        and coalesce(labels.to_on, date '9999-12-31') > spans.from_on
),

-- owner, amount and planned close over time, for the deals in which they changed ---------------------------

field_turns as (
    select
        deal_id, field, old_value, new_value, changed_on,
        row_number() over (partition by deal_id, field order by changed_at, is_inferred, _source_file, _source_row) as change_number,
        lead(changed_on) over (partition by deal_id, field order by changed_at, is_inferred, _source_file, _source_row) as next_on
    from changes
),

field_spans as (
    select deal_id, field, new_value as value, changed_on as from_on, coalesce(next_on, date '9999-12-31') as to_on
    from field_turns where coalesce(next_on, date '9999-12-31') > changed_on
    union all
    select deal_id, field, case when field = 'owner' then coalesce(old_value, new_value) else old_value end, date '1900-01-01', changed_on
    from field_turns where change_number = 1
),
{% for field in ['owner', 'amount', 'planned_close_on'] %}
{{ field }}_spans as (select deal_id, value, from_on, to_on from field_spans where field = '{{ field }}'),
{% endfor %}
split as (
    select
        spans.deal_id, spans.pipeline, spans.stage_name, spans.stage_entered_on,
        greatest(spans.from_on
            {%- for field in ['owner', 'amount', 'planned_close_on'] %}, coalesce({{ field }}_spans.from_on, spans.from_on){% endfor %}) as from_on,
        least(coalesce(spans.to_on, date '9999-12-31')
            {%- for field in ['owner', 'amount', 'planned_close_on'] %}, coalesce({{ field }}_spans.to_on, date '9999-12-31'){% endfor %}) as to_on,
        owner_spans.deal_id is not null as has_owners, owner_spans.value as owner,
        amount_spans.deal_id is not null as has_amounts, amount_spans.value as amount,
        planned_close_on_spans.deal_id is not null as has_plans, planned_close_on_spans.value as planned_close_on
    from staged_spans as spans
    {%- for field in ['owner', 'amount', 'planned_close_on'] %}
    left join {{ field }}_spans
        on spans.deal_id = {{ field }}_spans.deal_id and {{ field }}_spans.from_on < coalesce(spans.to_on, date '9999-12-31')
        and {{ field }}_spans.to_on > spans.from_on
    {%- endfor %}
)

select
    split.deal_id, deals.source_name, split.pipeline, split.stage_name, split.stage_entered_on,
    split.from_on,
    case when split.to_on <= settings.as_of then split.to_on end as to_on,
    case when split.has_owners then coalesce(split.owner, 'not_given') else deals.manager_now_id end as manager_id,
    case when split.has_amounts then cast(split.amount as decimal(18, 4)) else deals.amount_native end as amount_native,
    deals.currency,
    case when split.has_plans then cast(split.planned_close_on as date) else deals.planned_close_on end as planned_close_on,
    plans_known.known_from as plan_known_from,
    deals.channel_id, deals.partner_id, deals.lead_id, deals.customer_id,
    deals._source_file, deals._source_row
from split
cross join settings
inner join deals on split.deal_id = deals.deal_id
left join plans_known on deals.source_name = plans_known.source_name
where split.from_on < split.to_on and split.from_on <= settings.as_of
