{#
  CTEs that leave one row per key: the newest version, by `updated_at`, then the observation of the
  delivery, then content and row. Rows of keys that occur once never pass through a window.
#}
{% macro newest_version(relation, key, updated_at='updated_at') %}
accepted as (
    select * from {{ relation }} where not _is_row_rejected
),

repeated as (
    select {{ key }} as repeated_key from accepted group by {{ key }} having count(*) > 1
),

newest as (
    select accepted.*, 1 as version_rank
    from accepted
    left join repeated on accepted.{{ key }} = repeated.repeated_key
    where repeated.repeated_key is null
    union all
    select ranked.* from (
        select accepted.*, row_number() over (
            partition by accepted.{{ key }}
            order by {% if updated_at %}accepted.{{ updated_at }} desc nulls last, {% endif %}accepted._observed_at desc nulls last,
                accepted._file_sha256 desc, accepted._source_row desc) as version_rank
        from accepted
        inner join repeated on accepted.{{ key }} = repeated.repeated_key
    ) as ranked
    where ranked.version_rank = 1
),
{% endmacro %}

{#
  CTE `deleted_keys`: keys of records that are gone by the run's day: marked deleted, or absent from
  the first full delivery after the last one that held them.
#}
{% macro deleted_keys(relation, key) %}
full_deliveries as (
    select source_name, _delivery_id, min(_observed_at) as observed_at
    from {{ relation }} where _is_full_delivery group by source_name, _delivery_id
),

last_seen as (
    select accepted.{{ key }} as gone_key, accepted.source_name, max(accepted._observed_at) as seen_at
    from accepted
    inner join (select distinct source_name from full_deliveries) as full_sources
        on accepted.source_name = full_sources.source_name
    group by accepted.{{ key }}, accepted.source_name
),

deleted_keys as (
    select last_seen.gone_key, min(cast(full_deliveries.observed_at as date)) as deleted_on
    from last_seen
    inner join full_deliveries
        on last_seen.source_name = full_deliveries.source_name and full_deliveries.observed_at > last_seen.seen_at
    group by last_seen.gone_key
    union all
    select newest.{{ key }}, coalesce(newest.updated_on, cast(newest._observed_at as date))
    from newest where newest.is_deleted
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
