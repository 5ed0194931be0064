{{ config(meta={'empty_without': ['int_spend__coverage']}) }}
select channel_id, day from {{ ref('int_spend__coverage') }}
