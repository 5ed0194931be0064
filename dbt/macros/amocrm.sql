{#
  amoCRM: statuses 142 (won) and 143 (lost) are the same in every pipeline; a status of type 1 is the
  unsorted inbox; times are unix seconds, 0 for none; values inside events are an array or an object.
  Exports name stages by their words only.
#}

{% macro amocrm_seconds(value) -%}
    case when regexp_matches({{ value }}, '^\s*\d{9,11}\s*$') then cast(trim({{ value }}) as bigint) end
{%- endmacro %}

{# Id of a person or a record; the robot and nobody are 0. #}
{% macro amocrm_id(value) -%}nullif(nullif(trim({{ value }}), ''), '0'){%- endmacro %}

{# What stands inside the first value of an event. #}
{% macro amocrm_value(value, path) -%}
    coalesce({{ json_text(value, '$[0].' ~ path) }}, {{ json_text(value, '$.' ~ path) }})
{%- endmacro %}

{# The main contact among the first five linked ones, else the first. #}
{% macro amocrm_main_contact(contacts) -%}
    case
        {%- for place in range(5) %}
        when {{ json_text(contacts, '$[' ~ place ~ '].is_main') }} = 'true' then {{ json_text(contacts, '$[' ~ place ~ '].id') }}
        {%- endfor %}
        else {{ json_text(contacts, '$[0].id') }}
    end
{%- endmacro %}

{# Contacts and companies are numbered apart: a contact as a customer says that it is one. #}
{% macro amocrm_contact_id(value) -%}'contact_' || {{ amocrm_id(value) }}{%- endmacro %}

{# The first of several phones or addresses in one cell. #}
{% macro amocrm_first(value) -%}{{ nth_part(value, "','", 1) }}{%- endmacro %}

{# Outcome by the id of the status, else by the names that every account begins with; other names say nothing. #}
{% macro amocrm_outcome() -%}
    case
        when trim(status_id) = '142' then 'won'
        when trim(status_id) = '143' then 'lost'
        when nullif(trim(status_id), '') is not null then 'open'
        when {{ amocrm_stage_name() }} in ('успешно реализовано', 'closed - won') then 'won'
        when {{ amocrm_stage_name() }} in ('закрыто и не реализовано', 'closed - lost') then 'lost'
        when {{ amocrm_stage_name() }} in ('неразобранное', 'первичный контакт', 'переговоры', 'принимают решение',
            'согласование договора', 'incoming leads', 'initial contact', 'discussions', 'decision making', 'contract discussion') then 'open'
    end
{%- endmacro %}
{% macro amocrm_stage_name() -%}replace(replace({{ as_match_name('stage_name') }}, '–', '-'), '—', '-'){%- endmacro %}

{# Sign or word of a currency in the header of an export; Excel writes a question mark for one that its encoding lacks. #}
{% macro amocrm_currency(value) -%}
    case lower(trim({{ value }}))
        when '₽' then 'RUB' when 'руб' then 'RUB' when 'руб.' then 'RUB' when 'р.' then 'RUB'
        when '$' then 'USD' when '€' then 'EUR' when '₸' then 'KZT' when '₴' then 'UAH' when '£' then 'GBP' when '?' then null
        else {{ value }}
    end
{%- endmacro %}

{% macro amocrm_amount() -%}coalesce(nullif(trim(price_with_minor_units), ''), price){%- endmacro %}

{# When a deal was closed; open ones have a word, a 0, or the day of an earlier close. #}
{% macro amocrm_closed_at() -%}
    case
        when {{ amocrm_outcome() }} = 'open' then null
        when lower(trim(closed_at)) in ('0', '-', '—', 'не закрыта', 'не закрыто', 'не закрыт', 'not closed', 'open') then null
        else closed_at
    end
{%- endmacro %}

{# Records of the deleted list that say no more than that. #}
{% macro is_amocrm_mark() -%}
    {{ is_yes('is_deleted') }} and nullif(trim(status_id), '') is null and nullif(trim(stage_name), '') is null
{%- endmacro %}

{#
  Joins to what else is known of a lead: `told_*` of its events and deletions, `is_unsorted` whether it
  stands in the inbox. Marks of deletion are events and records of the deleted list; the last one counts.
#}
{% macro amocrm_known_of_leads() %}
    left join ({{ amocrm_told() }}) as told on raw_.source_name = told_source and trim(raw_.id) = told_id
    left join ({{ amocrm_inbox() }}) as inbox on raw_.source_name = inbox_source and trim(raw_.status_id) = inbox_id
{%- endmacro %}

{% macro amocrm_inbox() -%}
    select distinct source_name as inbox_source, trim(id) as inbox_id
    from {{ source('raw', 'amocrm__status') }} where trim(type) = '1'
{%- endmacro %}

{% macro amocrm_told() -%}
    select
        source_name as told_source, lead_id as told_id,
        count(case when mark = 'move' then 1 end) as told_moves,
        count(case when mark = 'move' and not (is_from_inbox and status_after = '143') then 1 end) as told_other_moves,
        min(case when mark = 'move' and is_from_inbox then second end) as told_exit,
        min(case when mark = 'move' then second end) as told_first_move,
        max(case when mark = 'move' then second end) as told_last_move,
        max_by(status_after, case when mark = 'move' then place end) as told_last_status,
        min_by(status_before, case when mark = 'move' then place end) as told_first_status,
        min_by(pipeline_before, case when mark = 'move' then place end) as told_first_pipeline,
        max_by(mark, case when mark <> 'move' then place end) as told_mark,
        max(case when mark <> 'move' then second end) as told_marked
    from ({{ amocrm_marks() }}) as marks
    where second is not null
    group by source_name, lead_id
{%- endmacro %}

{% macro amocrm_marks() -%}
    select
        source_name, lead_id, mark, second, second || '/' || event_id as place, status_before, pipeline_before, status_after,
        inbox_id is not null as is_from_inbox
    from (
        select
            source_name, trim(entity_id) as lead_id, {{ amocrm_seconds('created_at') }} as second, coalesce(id, '') as event_id,
            case type when 'lead_status_changed' then 'move' when 'lead_deleted' then 'deleted' else 'restored' end as mark,
            {{ amocrm_value('value_before', 'lead_status.id') }} as status_before,
            {{ amocrm_value('value_before', 'lead_status.pipeline_id') }} as pipeline_before,
            {{ amocrm_value('value_after', 'lead_status.id') }} as status_after
        from {{ source('raw', 'amocrm__event') }}
        where type in ('lead_status_changed', 'lead_deleted', 'lead_restored')
    ) as events
    left join ({{ amocrm_inbox() }}) as inbox on events.source_name = inbox_source and status_before = inbox_id
    union all
    select source_name, lead_id, 'deleted', second, second || '/', null, null, null, false
    from (
        select source_name, trim(id) as lead_id, coalesce({{ amocrm_seconds('updated_at') }}, cast(epoch(_observed_at) as bigint)) as second
        from {{ source('raw', 'amocrm__lead') }} where {{ is_yes('is_deleted') }}
    ) as deleted_records
{%- endmacro %}

{# Whether a version of a record was deleted after it was written. #}
{% macro is_amocrm_gone() -%}
    ({{ is_yes('is_deleted') }} or coalesce(told_mark = 'deleted' and told_marked >= {{ amocrm_seconds('updated_at') }}, false))
{%- endmacro %}

{# The time of a version: that of its deletion, where it was deleted afterwards. #}
{% macro amocrm_updated_at() -%}
    case when told_mark = 'deleted' and told_marked > {{ amocrm_seconds('updated_at') }}
        then cast(told_marked as {{ dbt.type_string() }}) else updated_at end
{%- endmacro %}

{# Why a record is a lead only: it never left the inbox, or left it as declined and for nothing else. #}
{% macro amocrm_only_a_lead() -%}
    case
        when inbox_id is not null or (nullif(trim(status_id), '') is null and {{ amocrm_stage_name() }} in ('неразобранное', 'incoming leads'))
            then 'unsorted'
        when trim(status_id) = '143' and told_moves > 0 and told_other_moves = 0 then 'declined_from_unsorted'
    end
{%- endmacro %}
