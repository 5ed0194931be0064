{#
  What Bitrix24 writes in its own way: links of 0, semantics, funnels inside stage codes, lists of phones,
  dictionaries. Companies and contacts number apart: CO_ and C_ are the portal's own short names of them.
#}
{% macro bitrix24_link(value) -%} nullif(nullif(trim({{ value }}), '0'), '') {%- endmacro %}

{% macro bitrix24_outcome(semantics) -%}
    case upper(trim({{ semantics }}))
        when 'S' then 'won' when 'SUCCESS' then 'won'
        when 'F' then 'lost' when 'FAILURE' then 'lost' when 'APOLOGY' then 'lost'
        when 'P' then 'open' when 'PROCESS' then 'open'
    end
{%- endmacro %}

{# A stage of a funnel is `C<funnel>:<code>`; a bare code belongs to the general funnel, number 0. #}
{% macro bitrix24_pipeline(category, stage) -%}
    coalesce(nullif(trim({{ category }}), ''), case
        when regexp_matches({{ stage }}, '^C[0-9]+:') then regexp_extract({{ stage }}, '^C([0-9]+):', 1)
        when {{ stage }} is not null then '0' end)
{%- endmacro %}

{# Records of other types (smart processes, invoices) number apart and would pass for deals. #}
{% macro bitrix24_no_record(entity_type_id, stage) -%}
    case when coalesce({{ bitrix24_link('raw_.entity_type_id') }}, '{{ entity_type_id }}') <> '{{ entity_type_id }}'
        or regexp_matches({{ stage }}, '^DT[0-9]+_') then 'other_object' end
{%- endmacro %}

{% macro bitrix24_customer(company, contact) -%}
    coalesce('CO_' || {{ bitrix24_link(company) }}, 'C_' || {{ bitrix24_link(contact) }})
{%- endmacro %}

{# The first of several phones or e-mails: a JSON list of values, or text with commas. #}
{% macro bitrix24_first(value) -%}
    case when left(trim({{ value }}), 1) = '[' then regexp_extract({{ value }}, '"VALUE" *: *"([^"]*)"', 1)
        else split_part(replace({{ value }}, ';', ','), ',', 1) end
{%- endmacro %}

{% macro bitrix24_person() -%}
    nullif(trim(concat_ws(' ', nullif(trim(raw_.name), ''), nullif(trim(raw_.last_name), ''))), '')
{%- endmacro %}

{#
  The name of a source in the portal's dictionary. A number without a name means something else in each
  portal, so it stays apart by its source.
#}
{% macro bitrix24_channel() -%}
    coalesce(
        nullif(trim(raw_.source_label), ''),
        (select max_by(words.name, words._observed_at) from {{ source('raw', 'bitrix24__status') }} as words
            where words.source_name = raw_.source_name and words.entity_id = 'SOURCE' and words.status_id = trim(raw_.source_id)),
        case when regexp_matches(trim(raw_.source_id), '^[0-9]+$') then raw_.source_name || ':' || trim(raw_.source_id) else raw_.source_id end)
{%- endmacro %}

{# A tax number, where a record has exactly one. #}
{% macro bitrix24_tax_id(entity_type_id) -%}
    (select case when min(trim(papers.rq_inn)) = max(trim(papers.rq_inn)) then max(trim(papers.rq_inn)) end
        from {{ source('raw', 'bitrix24__requisite') }} as papers
        where papers.source_name = raw_.source_name and papers.entity_type_id = '{{ entity_type_id }}'
            and papers.entity_id = trim(raw_.id) and trim(papers.rq_inn) <> '')
{%- endmacro %}
