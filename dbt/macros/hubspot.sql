{#
  HubSpot: outcomes by the definition of the stage, else by what the record says, else by the stages that
  every account begins with; merged records; dates of the API, which are instants.
#}

{# Stage without the pipeline that exports of several pipelines put behind it: `Proposal (Sales Pipeline)`. #}
{% macro hubspot_stage() -%}
    case
        when nullif(trim(pipeline), '') is not null and right(trim(dealstage), length(trim(pipeline)) + 3) = ' (' || trim(pipeline) || ')'
            then left(trim(dealstage), length(trim(dealstage)) - length(trim(pipeline)) - 3)
        else coalesce(dealstage, connector_stage_id)
    end
{%- endmacro %}

{# Outcome of a stage that every account begins with, by its id or its English label; others say nothing. #}
{% macro hubspot_known_outcome(stage) -%}
    case lower(replace(trim({{ stage }}), ' ', ''))
        when 'closedwon' then 'won'
        when 'closedlost' then 'lost'
        {%- for open_one in ['appointmentscheduled', 'qualifiedtobuy', 'presentationscheduled', 'decisionmakerboughtin', 'decisionmakerbought-in', 'contractsent'] %}
        when '{{ open_one }}' then 'open'
        {%- endfor %}
    end
{%- endmacro %}

{#
  Outcome of a defined stage. A closed one is won at probability 1 and lost at 0; what is closed at another
  probability nobody told. Tables of a connector call a stage closed that is won only: at probability 0 it
  may be a lost one or an open one.
#}
{% macro hubspot_defined_outcome() -%}
    {%- set chance = as_number('probability', 'probability__decimal', 'decimal(18, 8)', takes_percent=true) -%}
    case
        when {{ is_yes('closed_won') }} then 'won'
        when {{ is_yes('is_closed') }} or nullif(trim(is_closed), '') is null then
            case {{ chance }} when 1 then 'won' when 0 then 'lost'
                else case when not {{ is_yes('is_closed') }} and {{ chance }} is not null then 'open' end end
        when nullif(trim(closed_won), '') is not null and {{ chance }} = 0 then null
        else 'open'
    end
{%- endmacro %}

{# The first record of another object that this one is linked with, in JSON. #}
{% macro hubspot_linked(links) -%}{{ json_text(links, '$[0].id') }}{%- endmacro %}

{# The primary company among the first five links of an object, else the first; links of all others are unlabeled or have a label. #}
{% macro hubspot_linked_company(links, object) -%}
    case
        {%- for place in range(5) %}
        when {{ json_text(links, '$[' ~ place ~ '].type') }} = '{{ object }}_to_company' then {{ json_text(links, '$[' ~ place ~ '].id') }}
        {%- endfor %}
        else {{ hubspot_linked(links) }}
    end
{%- endmacro %}

{# The first of several ids in a cell. #}
{% macro hubspot_first(value) -%}nullif(trim({{ nth_part(value, "';'", 1) }}), ''){%- endmacro %}

{# Contacts and companies are numbered apart: a contact as a customer says that it is one. #}
{% macro hubspot_contact_id(value) -%}'contact_' || nullif(trim({{ value }}), ''){%- endmacro %}

{# Business day, in the clock of the source, of a date that the API writes as an instant. #}
{% macro hubspot_day(value) -%}
    case when {{ time_kind('trim(' ~ value ~ ')') }} = 'u'
        then left(cast({{ utc_to_local(as_written_time('trim(' ~ value ~ ')', "'ymd'"), 'raw_._timezone', 'raw_._utc_offset_seconds', 'raw_._offset_valid_from') }} as {{ dbt.type_string() }}), 10)
        else {{ value }} end
{%- endmacro %}

{% macro is_hubspot_gone() -%}({{ is_yes('archived') }} or {{ is_yes('is_deleted') }} or {{ is_yes('fivetran_deleted') }}){%- endmacro %}

{# Time of a version: that of its deletion, where it is told. #}
{% macro hubspot_updated_at() -%}coalesce(archived_at, updated_at, lastmodifieddate, fivetran_synced){%- endmacro %}

{#
  Join to the record that a merged one became: `survivor_id`. Told by the surviving record's list of ids, or
  by a table of merges (`survivor`, `merged` are its columns). Of two that name each other the greater id stays.
#}
{% macro hubspot_merges(table, survivor, merged) %}
    left join (
        with told as (
            select source_name, trim(id) as survivor_id, trim(part) as merged_id
            from (select source_name, id, {{ each_part('merged_object_ids', "';'") }} as part from {{ source('raw', 'hubspot__' ~ table) }} where merged_object_ids is not null) as parts
            union
            select source_name, trim({{ survivor }}), trim({{ merged }})
            from {{ source('raw', 'hubspot__link') }} where {{ survivor }} is not null and {{ merged }} is not null
        )

        select told.source_name as merged_source, told.merged_id, max(told.survivor_id) as survivor_id
        from told
        left join told as reverse
            on told.source_name = reverse.source_name and told.merged_id = reverse.survivor_id and told.survivor_id = reverse.merged_id
        where told.merged_id <> '' and told.merged_id <> told.survivor_id
            and (reverse.merged_id is null or lpad(told.survivor_id, 20, '0') > lpad(told.merged_id, 20, '0'))
        group by told.source_name, told.merged_id
    ) as merges on raw_.source_name = merged_source and trim(raw_.id) = merged_id
{% endmacro %}

{# Join to every entry of a property's history that a record carries: `told_value, told_before, told_at, told_place`. #}
{% macro hubspot_history(table, property) %}
    inner join (
        select
            told_source, told_landing, told_row, told_at, told_value,
            lag(told_value) over (partition by told_source, told_landing, told_row order by told_at) as told_before
        from (
            select source_name as told_source, _landing_key as told_landing, _source_row as told_row, {{ json_text('entry', '$.timestamp') }} as told_at, {{ json_text('entry', '$.value') }} as told_value
            from (
                select source_name, _landing_key, _source_row, {{ each_json_item(property ~ '_history') }} as entry
                from {{ source('raw', 'hubspot__' ~ table) }} where {{ property }}_history is not null
            ) as entries
        ) as told_entries
    ) as told on raw_.source_name = told_source and raw_._landing_key = told_landing and raw_._source_row = told_row
{% endmacro %}

{# Join to the pipeline of a stage by its id: `placed_pipeline`; ids of two pipelines tell none. #}
{% macro hubspot_pipeline_of(stage) %}
    left join (
        select source_name as placed_source, trim(id) as placed_stage, max(pipeline_id) as placed_pipeline
        from {{ source('raw', 'hubspot__stage') }}
        group by 1, 2 having count(distinct pipeline_id) = 1
    ) as placed on raw_.source_name = placed_source and trim({{ stage }}) = placed_stage
{% endmacro %}

{# Join to the first deal and contact of an engagement in tables of links. #}
{% macro hubspot_engagement_links() %}
    left join (
        select source_name as joined_source, trim(engagement_id) as joined_id, min(deal_id) as joined_deal, min(contact_id) as joined_contact
        from {{ source('raw', 'hubspot__link') }} where engagement_id is not null group by 1, 2
    ) as joined on raw_.source_name = joined_source and trim(raw_.id) = joined_id
{% endmacro %}

{# What makes a contact a lead: a stage of life in sales, or a lead status. #}
{% macro hubspot_stage_of_life() -%}lower(replace(replace(trim(lifecyclestage), ' ', ''), '_', '')){%- endmacro %}
{% macro hubspot_lead_status() -%}nullif(lower(replace(replace(trim(lead_status), ' ', ''), '_', '')), ''){%- endmacro %}

{# Branches of a case: the primary team among the first five of an owner, else the first. #}
{% macro hubspot_primary_team(teams) -%}
    {%- for place in range(5) %}
    when {{ json_text(teams, '$[' ~ place ~ '].primary') }} = 'true' then {{ json_text(teams, '$[' ~ place ~ '].name') }}
    {%- endfor %}
    else {{ json_text(teams, '$[0].name') }}
{%- endmacro %}
