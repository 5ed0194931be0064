{#
  Named systems: which entities each one's staging models fill, and how a raw table of a system
  becomes canonical columns as text.
#}

{# One line per system: the models `stg_<system>__<entity>` that exist. #}
{% macro staged_systems() %}
{{ return({
    'amocrm': ['managers', 'customers', 'leads', 'deals', 'deal_stages', 'deal_changes', 'stages', 'activities'],
    'bitrix24': ['managers', 'customers', 'products', 'leads', 'deals', 'deal_items', 'deal_stages', 'stages', 'activities'],
    'hubspot': ['managers', 'customers', 'leads', 'deals', 'deal_items', 'deal_stages', 'deal_changes', 'stages', 'activities'],
    'salesforce': ['managers', 'customers', 'products', 'leads', 'deals', 'deal_items', 'deal_stages', 'deal_changes', 'stages', 'activities'],
    'yandex_direct': ['spend'],
    'google_ads': ['spend'],
    'meta_ads': ['spend'],
    'vk_ads': ['spend'],
    'stripe': ['subscriptions', 'customers', 'payments', 'products'],
    'recurly': ['subscriptions', 'customers', 'payments', 'products'],
}) }}
{% endmacro %}

{#
  All staged rows of an entity. What nobody delivers is an empty view instead of a table: it is left out
  here, so that it costs nothing, unless it is all there is.
#}
{% macro united(entity) %}
{%- set columns = staged_columns_of(entity) | join(', ') %}
{%- set own = ref('stg_files__' ~ entity) %}
{%- set delivered = [] %}
{%- for system, entities in staged_systems().items() if entity in entities %}
{%- set staged = ref('stg_' ~ system ~ '__' ~ entity) %}
{%- if is_staged_table(staged) %}{% do delivered.append(staged) %}{% endif %}
{%- endfor %}
{%- if is_staged_table(own) or not delivered %}{% do delivered.insert(0, own) %}{% endif %}
{%- for staged in delivered %}
select {{ columns }} from {{ staged }}
{{- ' union all' if not loop.last }}
{%- endfor %}
{% endmacro %}

{% macro is_staged_table(relation) %}
{%- set existing = load_cached_relation(relation) if execute else none %}
{{ return(existing is not none and existing.type == 'table') }}
{% endmacro %}

{# Every column of a staged table, in one order. #}
{% macro staged_columns_of(entity) %}
{%- set columns = ['source_name'] %}
{%- for name, kind, is_required in entity_columns(entity) %}
{%- do columns.append(name) %}
{%- if kind == 'instant' %}{% do columns.append(name[:-3] ~ '_on') %}{% endif %}
{%- endfor %}
{{ return(columns + ['_issues', '_is_row_rejected'] + lineage_columns()) }}
{% endmacro %}

{#
  A raw table of a system as an entity's canonical columns. `mapped`: canonical name -> an own column, or
  an expression of text, or [expression, own column (or list of them, the first that was read) whose
  spelling of dates or numbers it keeps]. What is not mapped is NULL; what workspace.yml maps or sets
  (`own_<name>`) wins. `left_out`: why a row is no record of the entity, NULL where it is one. `empties`:
  words that stand for nothing, lower case. `joined`: joins to other raw tables, whose columns have names
  of their own. `only`: the rows of a table that add to an entity which is not its first; for the first,
  every row stands here, kept or left out.
#}
{% macro from_table(system, table, entity, mapped, left_out='null', empties=[], joined='', only='') -%}
    select
        raw_.source_name,
        {%- for name, kind, is_required in entity_columns(entity) %}
        {%- set given = mapped.get(name, 'null') %}
        {%- set value = given if given is string else given[0] %}
        {%- set format = given[1] if given is not string else (given if modules.re.fullmatch('[a-z_0-9]+', given) and given != 'null' else none) %}
        coalesce(raw_.own_{{ name }}, {{ without_empties(value, empties) }}) as {{ name }},
        {%- if kind in ['instant', 'date'] %}
        {{ spelling_of(name, format, '__order') }},
        {%- elif kind in ['money', 'price', 'number', 'share', 'integer'] %}
        {{ spelling_of(name, format, '__decimal') }},
        {%- endif %}
        {%- endfor %}
        raw_._timezone, raw_._utc_offset_seconds, raw_._offset_valid_from, raw_._money_factor,
        {% for column in lineage_columns()[:-1] %}raw_.{{ column }}, {% endfor -%}
        cast({{ left_out }} as {{ dbt.type_string() }}) as _left_out
    from {{ source('raw', system ~ '__' ~ table) }} as raw_
    {{ joined }}
    {{ 'where ' ~ only if only }}
{%- endmacro %}

{% macro spelling_of(name, format, note) -%}
    {%- set formats = ([format] if format is string else format) if format else [] %}
    case when raw_.own_{{ name }} is not null then raw_.own_{{ name }}{{ note }} else coalesce({% for own in formats %}raw_.{{ own }}{{ note }}, {% endfor %}null) end as {{ name }}{{ note }}
{%- endmacro %}

{% macro without_empties(value, empties) -%}
    {%- if value == 'null' or not empties %}{{ value }}
    {%- else %}case when lower(trim({{ value }})) in ('{{ empties | join("', '") }}') then null else {{ value }} end
    {%- endif -%}
{%- endmacro %}

{# Yes in any of the spellings of exports, false where nothing is written. #}
{% macro is_yes(value) -%}
    coalesce(lower(trim({{ value }})) in ('true', '1', 'yes', 'y', 'да', 't'), false)
{%- endmacro %}

{# Outcome of a row whose system says whether it is won and whether it is closed; NULL where that is not told. #}
{% macro outcome_of(is_won, is_closed) -%}
    case
        when {{ is_yes(is_won) }} then 'won'
        when {{ is_yes(is_closed) }} and nullif(trim({{ is_won }}), '') is not null then 'lost'
        when nullif(trim({{ is_closed }}), '') is not null and not {{ is_yes(is_closed) }} then 'open'
    end
{%- endmacro %}
