{#
  CTE `newest`: one row per key: the newest version, by `updated_at`, then the observation of the delivery, then
  content and row. Rows of keys that occur once never pass through a window. Which keys occur more than once is
  known by `entity` (int_records__repeated), or counted here.
#}
{% macro newest_version(relation, key, updated_at='updated_at', entity=none) %}
repeated as (
    {%- if entity %}
    select record_key as repeated_key from {{ ref('int_records__repeated') }} where entity = '{{ entity }}'
    {%- else %}
    select {{ key }} as repeated_key from {{ relation }} where not _is_row_rejected group by {{ key }} having count(*) > 1
    {%- endif %}
),

newest as (
    select accepted.*, 1 as version_rank
    from {{ relation }} as accepted
    left join repeated on accepted.{{ key }} = repeated.repeated_key
    where not accepted._is_row_rejected and repeated.repeated_key is null
    union all
    select ranked.* from (
        select accepted.*, row_number() over (
            partition by accepted.{{ key }}
            order by {% if updated_at %}accepted.{{ updated_at }} desc nulls last, {% endif %}accepted._observed_at desc nulls last,
                accepted._file_sha256 desc, accepted._source_row desc) as version_rank
        from {{ relation }} as accepted
        inner join repeated on accepted.{{ key }} = repeated.repeated_key
        where not accepted._is_row_rejected
    ) as ranked
    where ranked.version_rank = 1
),
{% endmacro %}

{#
  CTE `deletions`(gone_key, deleted_on) of the CTE `newest`: records that their newest version says are deleted, and those
  that are absent from the first full delivery after the last one that held them. The day is that of the version, else of
  the delivery. A row that was refused is no absence.
#}
{% macro deletions(relation, key) %}
observations as (select _landing_key, observed_on from {{ ref('int_landings__observed') }}),

full_deliveries as (
    select accepted.source_name, accepted._delivery_id, min(accepted._observed_at) as observed_at, min(observations.observed_on) as observed_on
    from {{ relation }} as accepted
    inner join observations on accepted._landing_key = observations._landing_key
    where accepted._is_full_delivery group by accepted.source_name, accepted._delivery_id
),

last_seen as (
    select accepted.{{ key }} as gone_key, accepted.source_name, max(accepted._observed_at) as seen_at
    from {{ relation }} as accepted
    inner join (select distinct source_name from full_deliveries) as full_sources
        on accepted.source_name = full_sources.source_name
    where accepted._left_out is null
    group by accepted.{{ key }}, accepted.source_name
),

deletions as (
    select gone_key, coalesce(min(said_on), min(absent_on)) as deleted_on from (
        select newest.{{ key }} as gone_key, coalesce(newest.updated_on, observations.observed_on) as said_on, cast(null as date) as absent_on
        from newest
        inner join observations on newest._landing_key = observations._landing_key
        where newest.is_deleted
        union all
        select last_seen.gone_key, cast(null as date), full_deliveries.observed_on
        from last_seen
        inner join full_deliveries
            on last_seen.source_name = full_deliveries.source_name and full_deliveries.observed_at > last_seen.seen_at
    ) as told
    group by gone_key
),
{% endmacro %}

{# CTE `last_full`(source_name, observed_at): when the last full delivery of an entity began; rows of before it are gone. #}
{% macro last_full_delivery(entity) %}
last_full as (
    select source_name, max(observed_at) as observed_at from (
        select source_name, _delivery_id, min(_observed_at) as observed_at from {{ ref('stg_workspace__landings') }}
        where entity = '{{ entity }}' and _is_full_delivery group by source_name, _delivery_id
    ) as deliveries group by source_name
),
{% endmacro %}

{# Native money at a rate: rounded half-up once, here. #}
{% macro to_reporting(amount, rate) -%}
    case when {{ rate }} = 1 then cast({{ amount }} as decimal(18, 4)) else {{ rounded_product(amount, rate) }} end
{%- endmacro %}

{# Money times a factor, rounded half-up once. Rounding first says the same as the cast alone at a third of its cost. #}
{% macro rounded_product(amount, factor) -%}
    cast(round(cast({{ amount }} as decimal(24, 4)) * {{ factor }}, 4) as decimal(18, 4))
{%- endmacro %}

{#
  CTE `costs`(keys, cost) of the CTE `relation`, which has `deal_id` and `amount`: what its deals cost at the rates of a day.
  A rate that is missing leaves the cost unknown.
#}
{% macro costs_of(relation, keys, day) %}
costs as (
    select
        {%- for key in keys %} {{ relation }}.{{ key }},{% endfor %}
        case when count(*) = count(case when parts.currency = settings.reporting_currency then 1 else rates.rate end)
            then cast(sum(case when parts.currency = settings.reporting_currency then parts.cost_native else {{ to_reporting('parts.cost_native', 'rates.rate') }} end)
                + case when sum(parts.cost_share) = 0 then 0 else {{ rounded_product('max(' ~ relation ~ '.amount)', 'sum(parts.cost_share)') }} end as decimal(18, 4))
        end as cost
    from {{ relation }}
    cross join settings
    inner join {{ ref('int_deals__costs') }} as parts on {{ relation }}.deal_id = parts.deal_id
    left join rates on parts.currency = rates.currency and {{ relation }}.{{ day }} = rates.day
    group by {% for key in keys %}{{ relation }}.{{ key }}{{ ', ' if not loop.last }}{% endfor %}
),
{% endmacro %}

{# What a share of something is; most often the share is the whole. #}
{% macro part_of(value, share, type, scale) -%}
    case when {{ share }} = 1 then cast({{ value }} as {{ type }}) else cast(round({{ value }} * {{ share }}, {{ scale }}) as {{ type }}) end
{%- endmacro %}

{# Reference written as a bare id of its own source, unless it names one. #}
{% macro as_reference_of(value, source_name) -%}
    case when {{ value }} like '%:%' then {{ value }} else {{ source_name }} || ':' || {{ value }} end
{%- endmacro %}

{# Native money of a billing period at a rate -> per month: rounded half-up once; the step between drops the double's own noise. #}
{% macro per_month(amount, rate) -%}
    cast(cast(cast(cast({{ amount }} as decimal(24, 4)) * {{ rate }} as double) / billing_months as decimal(28, 9)) as decimal(18, 4))
{%- endmacro %}

{# Whether an activity took place: one without a status did. #}
{% macro is_done(status, meaning) -%}
    case when {{ status }} is null then true else coalesce({{ meaning }}, '') = 'done' end
{%- endmacro %}

{# Where merged records went, of the CTE `links`(key, merged_into): the end of the chain. Each round doubles the reach: 16 steps. #}
{% macro ends_of_merges(key) -%}
    with
    {%- for round in range(4) %}
    {%- set reached = 'reached_' ~ loop.index0 if loop.index0 else 'links' %}
    reached_{{ loop.index }} as (
        select near.{{ key }}, coalesce(far.merged_into, near.merged_into) as merged_into
        from {{ reached }} as near left join {{ reached }} as far on near.merged_into = far.{{ key }}
    ){{ ',' if not loop.last }}
    {%- endfor %}
    select {{ key }}, merged_into as survivor_id from reached_4
{%- endmacro %}
