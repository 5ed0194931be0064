{#
  Tables and views in one statement: DuckDB replaces a table atomically, so dbt's own dance of
  building beside, renaming twice and dropping (four statements and as many commits) is not needed.
  A contract is held against the table in the transaction that makes it, so that the model is
  planned once; a breach leaves the table as it was.
#}
{% materialization table, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks) }}
    {%- if existing is not none and existing.type == 'view' %}{{ adapter.drop_relation(existing) }}{% endif -%}
    {% call statement('main') -%}
    create or replace table {{ target_relation }} as (
        {{ compiled_code }}
    )
    {%- endcall %}
    {%- if config.get('contract').enforced %}{% do get_assert_columns_equivalent('select * from ' ~ target_relation) %}{% endif %}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is not none and existing.type == 'table' %}{{ adapter.drop_relation(existing) }}{% endif -%}
    {% call statement('main') -%}
    create or replace view {{ target_relation }} as (
        {{ compiled_code }}
    )
    {%- endcall %}
    {{ adapter.commit() }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{# Incremental by file: withdrawn files leave (pre-hook), new ones are appended, in one transaction. #}
{% materialization incremental, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is none or existing.type == 'view' or should_full_refresh() -%}
        {%- if existing is not none and existing.type == 'view' %}{{ adapter.drop_relation(existing) }}{% endif -%}
        {% call statement('main') -%}
        create or replace table {{ target_relation }} as (
            {{ compiled_code }}
        )
        {%- endcall %}
    {%- else -%}
        {{ run_hooks(pre_hooks) }}
        {% call statement('main') -%}
        insert into {{ target_relation }} by name (
            {{ compiled_code }}
        )
        {%- endcall %}
    {%- endif -%}
    {{ adapter.commit() }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
