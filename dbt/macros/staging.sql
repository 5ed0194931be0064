{#
  How delivered rows become staged rows. A staging model is `stage_entity(entity, parts)`: parts are
  selects that give the entity's canonical columns as text, one per raw table: `as_delivered` for the
  user's own tables, `from_table` for a system's. What does not type: key, money or a required column
  -> the row is rejected; any other -> the value is NULL. Either way it is listed in ops.quarantine.
  A row that is no record of the entity (a template, a copy) says so in `_left_out`: it stays, counted
  apart, and no figure holds it.
#}

{# The user's own tables: raw columns are the canonical ones. #}
{% macro as_delivered(entity) -%}
    select *, cast(null as {{ dbt.type_string() }}) as _left_out from {{ source('raw', 'files__' ~ entity) }}
{%- endmacro %}

{% macro stage_entity(entity, parts) %}
{%- set columns = entity_columns(entity) %}
{%- set required_any = required_any(entity) %}
{%- set marked = marked_columns(columns) %}
with

run as (
    select
        settings.timezone as company_timezone,
        settings.country as company_country,
        settings.personal_data = 'clear' as keeps_personal_data,
        settings.utc_offset_seconds as company_offset_seconds,
        settings.offset_valid_from as company_offset_valid_from,
        '^(' || coalesce((select string_agg(source_name, '|') from {{ source('raw', 'workspace__sources') }}), '') || '):' as source_prefixes,
        (select max(key) from {{ source('vault', 'hash_key') }}) as vault_key
    from {{ source('raw', 'workspace__settings') }} as settings
),

delivered as (
    select * from (
        {{ parts | join(' union all ') }}
    ) as parts
    {%- if is_incremental() %}
    where _landing_key not in (select distinct staged._landing_key from {{ this }} as staged)
    {%- endif %}
),

cleaned as (
    select
        delivered.* replace (
            {%- for name, kind, is_required in columns %}
            {{ as_clean_text('delivered.' ~ name) }} as {{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        ),
        run.*
    from delivered
    cross join run
),

{%- if marked %}
currency_marks as (select word, meaning from {{ ref('words') }} where subject = 'currency_mark'),

marked as (
    select
        cleaned.*,
        {%- for name in marked %}
        {{ is_other_currency(name, currency_mark('cleaned.' ~ name), name ~ '_mark.meaning') }} as {{ name }}__is_other_currency{{ ',' if not loop.last }}
        {%- endfor %}
    from cleaned
    {%- for name in marked %}
    left join currency_marks as {{ name }}_mark on {{ currency_mark('cleaned.' ~ name) }} = {{ name }}_mark.word
    {%- endfor %}
),
{% endif %}
typed as (
    select
        *,
        {%- for name, kind, is_required in columns if kind in ['instant', 'date'] %}
        {{ time_kind(name) }} as {{ name }}__kind,
        {{ as_written_time(name, name ~ '__order') }} as {{ name }}__written,
        {%- endfor %}
        {%- for name, kind, is_required in columns if kind not in ['instant', 'date', 'text', 'key', 'reference'] %}
        {% if kind == 'price' and name in marked %}case when not {{ name }}__is_other_currency then {{ typed_value(name, kind) }} end{% else %}{{ typed_value(name, kind) }}{% endif %} as {{ name }}__typed,
        {%- endfor %}
    from {{ 'marked' if marked else 'cleaned' }}
),

instants as (
    select
        *,
        {%- for name, kind, is_required in columns if kind == 'instant' %}
        {{ instant_of(name) }} as {{ name }}__utc,
        {%- endfor %}
        {%- for name, kind, is_required in columns if kind == 'date' %}
        {{ day_of(name) }} as {{ name }}__typed,
        {%- endfor %}
    from typed
),

final as (
    select
        source_name,
        {%- for name, kind, is_required in columns %}
        {{ staged_columns(name, kind) }},
        {%- endfor %}
        case when _left_out is null then {{ listed_issues(columns, required_any) }} end as _issues,
        _left_out is not null or {{ rejecting_condition(columns, required_any) }} as _is_row_rejected,
        {{ lineage_columns() | join(', ') }}
    from instants
)

select * from final
{% endmacro %}

{# Columns of money beside a currency, which they may contradict. #}
{% macro marked_columns(columns) -%}
    {%- set names = columns | map('first') | list -%}
    {%- set found = [] -%}
    {%- for name, kind, is_required in columns if kind in ['money', 'price'] and 'currency' in names -%}{%- do found.append(name) -%}{%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#
  Whether a mark ("$", "руб", "eur") is that of another currency than the row's, told by its code. `codes`: what the
  mark may stand for, NULL where nobody knows it; three Latin letters are a code themselves.
#}
{% macro is_other_currency(name, mark, codes) -%}
    {%- set code = 'upper(coalesce(cleaned.currency, cleaned._default_currency))' -%}
    case
        when {{ mark }} is null or not regexp_matches(coalesce({{ code }}, ''), '^[A-Z]{3}$') then false
        when case when {{ codes }} is not null then contains({{ codes }}, {{ code }}) else not regexp_matches({{ mark }}, '^[a-z]{3}$') or {{ mark }} = lower({{ code }}) end then false
        else {{ as_number('cleaned.' ~ name, 'cleaned.' ~ name ~ '__decimal', 'decimal(18, 4)') }} is not null
    end
{%- endmacro %}

{# Typed expression of every kind but instants and dates. #}
{% macro typed_value(name, kind) -%}
    {%- if kind == 'money' -%} {{ in_whole_units(as_number(name, name ~ '__decimal', 'decimal(18, 4)')) }}
    {%- elif kind == 'price' -%} {{ as_number(name, name ~ '__decimal', 'decimal(18, 4)') }}
    {%- elif kind in ['number', 'share'] -%} {{ as_number(name, name ~ '__decimal', 'decimal(18, 8)', takes_percent=true) }}
    {%- elif kind == 'integer' -%} cast({{ as_number(name, name ~ '__decimal', 'decimal(18, 4)') }} as bigint)
    {%- elif kind == 'boolean' -%}
    case
        when lower({{ name }}) in ('1', 'true', 't', 'yes', 'y', 'да', 'истина', 'x') then true
        when lower({{ name }}) in ('0', 'false', 'f', 'no', 'n', 'нет', 'ложь', '-') then false
    end
    {%- elif kind == 'phone' -%} {{ as_keyed_hash(as_phone_digits(name)) }}
    {%- elif kind == 'email' -%} {{ as_keyed_hash(as_email(name)) }}
    {%- elif kind == 'person' -%} case when {{ name }} like '%@%' then {{ as_keyed_hash(as_email(name)) }} else {{ name }} end
    {%- else -%} {{ exceptions.raise_compiler_error('stage_entity: unknown kind ' ~ kind) }}
    {%- endif -%}
{%- endmacro %}

{# Money of a system that counts in cents or micros, in whole units: exact, rounded half-up once. #}
{% macro in_whole_units(amount) -%}
    case when _money_factor = 1 then {{ amount }}
        else cast(round(cast({{ amount }} as decimal(28, 4)) * _money_factor, 4) as decimal(18, 4)) end
{%- endmacro %}

{# UTC instant: an offset decides; a date alone is midnight in the company's zone; else the source's zone. #}
{% macro instant_of(name) -%}
    case {{ name }}__kind
        when 'u' then {{ name }}__written
        when 'd' then {{ local_to_utc(name ~ '__written', 'company_timezone', 'company_offset_seconds', 'company_offset_valid_from') }}
        when 'l' then {{ local_to_utc(name ~ '__written', '_timezone', '_utc_offset_seconds', '_offset_valid_from') }}
    end
{%- endmacro %}

{#
  Day of a column of days. The day that is written, at midnight or in an offset of its own; but the company's day
  of an instant that stands in UTC: in unix seconds, with a Z, or in a source whose clock is UTC.
#}
{% macro day_of(name) -%}
    cast(case
        when {{ name }}__kind = 'd' or {{ seconds_of_day(name ~ '__written') }} = 0 then {{ name }}__written
        when {{ name }}__kind = 'u' and regexp_matches({{ name }}, '^\d{4}-.*[+-](0[1-9]|1\d|00:?[1-9])[:\d]*$') then try_cast(left({{ name }}, 10) as timestamp)
        when {{ name }}__kind = 'u' or _timezone = 'UTC'
            then {{ utc_to_local(name ~ '__written', 'company_timezone', 'company_offset_seconds', 'company_offset_valid_from') }}
        else {{ name }}__written
    end as date)
{%- endmacro %}

{# Business date: never shifted where no time of day was written. #}
{% macro business_date_of(name) -%}
    cast(case
        when {{ name }}__kind = 'd' or ({{ name }}__kind = 'l' and _timezone = company_timezone) then {{ name }}__written
        else {{ utc_to_local(name ~ '__utc', 'company_timezone', 'company_offset_seconds', 'company_offset_valid_from') }}
    end as date)
{%- endmacro %}

{% macro staged_columns(name, kind) -%}
    {%- if kind == 'instant' %}{{ name }}__utc as {{ name }},
        {{ business_date_of(name) }} as {{ name[:-3] }}_on
    {%- elif kind in ['key', 'reference'] %}{{ as_reference(name) }} as {{ name }}
    {%- elif name in ['manager_name', 'approved_by'] %}{{ as_person_name(name) }} as {{ name }}
    {%- elif name == 'customer_name' %}{{ as_customer_name(name) }} as {{ name }}
    {%- elif name in ['deal_name', 'title', 'rationale'] %}case when keeps_personal_data then {{ name }} else {{ without_contacts(name) }} end as {{ name }}
    {%- elif kind == 'text' %}{{ name }}
    {%- else %}{{ name }}__typed as {{ name }}
    {%- endif -%}
{%- endmacro %}

{# What is wrong with a row, NULL for a clean one: parts `column|code|value`, apart by control characters. #}
{% macro listed_issues(columns, required_any) -%}
    {%- set marked = marked_columns(columns) -%}
    case when false
        {%- for name, kind, is_required in columns if kind not in ['text', 'person', 'reference'] or is_required %} or {{ has_issue(name, kind, is_required, marked) }}{% endfor %}
        or {{ lacks_all(required_any) }}
    then concat_ws(chr(30),
        case when {{ lacks_all(required_any) }} then '{{ required_any | first }}' || chr(31) || 'missing_value' || chr(31) end,
        {%- for name, kind, is_required in columns if kind not in ['text', 'person', 'reference'] or is_required %}
        case when {{ has_issue(name, kind, is_required, marked) }} then {{ told_issue(name, kind, marked) }} end{{ ',' if not loop.last }}
        {%- endfor %})
    end
{%- endmacro %}

{% macro told_issue(name, kind, marked) -%}
    {%- set codes = {'instant': 'not_a_time', 'date': 'not_a_time', 'boolean': 'not_a_yes_or_no', 'phone': 'not_a_phone', 'email': 'not_an_email'} -%}
    '{{ name }}' || chr(31) || case when {{ name }} is null then 'missing_value'{% if name in marked %} when {{ name }}__is_other_currency then 'other_currency'{% endif %} else '{{ codes.get(kind, "not_a_number") }}' end
    || chr(31) || {% if kind in ['phone', 'email'] %}'(withheld)'{% else %}coalesce(left({{ name }}, 200), ''){% endif %}
{%- endmacro %}

{% macro has_issue(name, kind, is_required, marked) -%}
    ({%- if is_required %}{{ name }} is null{% else %}false{% endif -%}
    {%- if kind == 'instant' %} or ({{ name }} is not null and {{ name }}__written is null)
    {%- elif kind not in ['text', 'person', 'key', 'reference'] %} or ({{ name }} is not null and {{ name }}__typed is null){% if name in marked %} or {{ name }}__is_other_currency{% endif %}
    {%- endif -%})
{%- endmacro %}

{% macro lacks_all(required_any) -%}
    {%- if required_any %}({{ required_any | join(' is null and ') }} is null){% else %}false{% endif -%}
{%- endmacro %}

{% macro rejecting_condition(columns, required_any) -%}
    {%- set marked = marked_columns(columns) -%}
    ({{ lacks_all(required_any) }}{% for name, kind, is_required in columns if is_required or kind in ['key', 'money'] %} or {{ has_issue(name, kind, is_required, marked) }}{% endfor %})
{%- endmacro %}

{# Files that left raw/ or were superseded leave staging before new ones are appended. #}
{% macro drop_withdrawn_files() %}
{% if is_incremental() %}
delete from {{ this }} where _landing_key not in (select landed.landing_key from {{ source('raw', 'landed') }} as landed)
{% endif %}
{% endmacro %}
