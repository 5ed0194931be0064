{#
  Which references mean one person, customer or product. `conform_refs(has_values)` gives the CTE
  `conformed`(ref, entity_id, ambiguity) of two CTEs: `refs`(ref, source_name, source_order, is_id, match_name,
  redirect_ref), and where `has_values` `identifying_values`(ref, kind, value, tax_id): one row per e-mail, tax id
  or phone of a reference.

  A value joins references of different sources: neither one that two references of a source share, nor one that
  more references share than `shared_value_limit` allows, nor where tax ids differ. Two ids of one source never
  join but by alias. Who would fit two records of a source stays apart and says so in `ambiguity`. A reference
  without such a value joins by a name that is unique in each source.
#}
{% macro conform_refs(has_values=true) %}
{{ join_by_values() if has_values else no_values() }}
clear_names as (
    select match_name from (
        select match_name, source_name, sum(case when is_id then 1 else 0 end) as ids from refs
        where match_name is not null group by match_name, source_name
    ) as counted group by match_name having max(ids) <= 1
),

name_heads as (
    select refs.match_name, min(valued.head) as head from refs
    inner join valued on refs.ref = valued.ref
    where refs.match_name is not null group by refs.match_name having count(distinct valued.head) = 1
),

grouped as (
    select
        refs.ref, refs.redirect_ref, refs.source_name, refs.source_order, refs.is_id, refs.match_name, valued.ambiguity,
        coalesce(
            'k:' || valued.head,
            case when clear_names.match_name is not null then coalesce('k:' || name_heads.head, 'n:' || refs.match_name) end,
            'r:' || refs.ref
        ) as group_key
    from refs
    left join valued on refs.ref = valued.ref
    left join clear_names on refs.match_name = clear_names.match_name
    left join name_heads on refs.match_name = name_heads.match_name
),

heads as (
    select group_key, case when is_id then ref else source_name || ':' || md5(match_name) end as entity_id
    from (
        select *, row_number() over (partition by group_key order by source_order, is_id desc, ref) as place from grouped
    ) as placed where place = 1
),

conformed as (
    select grouped.ref, coalesce(target_head.entity_id, heads.entity_id) as entity_id,
        case when target.ref is null then grouped.ambiguity end as ambiguity
    from grouped
    inner join heads on grouped.group_key = heads.group_key
    left join grouped as target on grouped.redirect_ref = target.ref
    left join heads as target_head on target.group_key = target_head.group_key
),
{% endmacro %}

{% macro no_values() %}
valued as (
    select ref, ref as head, cast(null as {{ dbt.type_string() }}) as ambiguity from refs where 1 = 0
),
{% endmacro %}

{#
  CTE `valued`(ref, head, ambiguity): references with a value that may join, each with the first reference it is
  one with. Three steps from partner to partner reach through any chain of four sources.
#}
{% macro join_by_values() %}
told_values as (
    select distinct refs.ref, refs.source_name, refs.source_order, told.kind, told.value, told.tax_id
    from identifying_values as told
    inner join refs on told.ref = refs.ref
    where told.value is not null
),

judged_values as (
    select kind, value, sum(refs_of_source) as all_refs, max(refs_of_source) as most_of_source, count(*) as source_count
    from (select kind, value, source_name, count(*) as refs_of_source from told_values group by kind, value, source_name) as counted
    group by kind, value
),

usable_values as (
    select told_values.*, judged_values.source_count
    from told_values
    inner join judged_values on told_values.kind = judged_values.kind and told_values.value = judged_values.value
    cross join settings
    where judged_values.most_of_source = 1 and judged_values.all_refs <= settings.shared_value_limit
),

shared_between as (select * from usable_values where source_count > 1),

pairs as (
    select distinct one.ref, one.source_name, other.ref as partner, other.source_name as partner_source, other.source_order as partner_order
    from shared_between as one
    inner join shared_between as other
        on one.kind = other.kind and one.value = other.value and one.source_name <> other.source_name
    where one.tax_id is null or other.tax_id is null or one.tax_id = other.tax_id
),

partner_counts as (
    select ref, partner_source, count(*) as partners from pairs group by ref, partner_source
),

sure_pairs as (
    select pairs.ref, pairs.partner, pairs.partner_order
    from pairs
    inner join partner_counts as mine on pairs.ref = mine.ref and pairs.partner_source = mine.partner_source
    inner join partner_counts as theirs on pairs.partner = theirs.ref and pairs.source_name = theirs.partner_source
    where mine.partners = 1 and theirs.partners = 1
),

first_partners as (
    select ref, partner from (
        select sure_pairs.ref, sure_pairs.partner,
            row_number() over (partition by sure_pairs.ref order by sure_pairs.partner_order, sure_pairs.partner) as place
        from sure_pairs
        inner join refs on sure_pairs.ref = refs.ref
        where sure_pairs.partner_order < refs.source_order
            or (sure_pairs.partner_order = refs.source_order and sure_pairs.partner < sure_pairs.ref)
    ) as placed where place = 1
),

tax_ids as (select ref, max(tax_id) as tax_id from told_values group by ref),

reached as (
    select one.ref, one.partner as first_head, coalesce(three.partner, two.partner, one.partner) as last_head
    from first_partners as one
    left join first_partners as two on one.partner = two.ref
    left join first_partners as three on two.partner = three.ref
),

ambiguous as (
    select ref, 'fits several records of ' || min(partner_source) as ambiguity
    from partner_counts where partners > 1 group by ref
    union all
    select told_values.ref, 'its ' || min(told_values.kind) || ' is that of several records'
    from told_values
    inner join judged_values on told_values.kind = judged_values.kind and told_values.value = judged_values.value
    cross join settings
    where judged_values.most_of_source > 1 or judged_values.all_refs > settings.shared_value_limit
    group by told_values.ref
),

ambiguities as (select ref, min(ambiguity) as ambiguity from ambiguous group by ref),

reaching as (
    select usable.ref, usable.source_name,
        case
            when reached.ref is null then usable.ref
            when own.tax_id is null or last_.tax_id is null or own.tax_id = last_.tax_id then reached.last_head
            else usable.ref
        end as head
    from (select distinct ref, source_name from usable_values) as usable
    left join reached on usable.ref = reached.ref
    left join tax_ids as own on usable.ref = own.ref
    left join tax_ids as last_ on reached.last_head = last_.ref
),

may_join as (
    select ref, case when refs_of_source > 1 then ref else head end as head,
        case when refs_of_source > 1 then 'leads to the same record as another of its source' end as ambiguity
    from (select *, count(*) over (partition by head, source_name) as refs_of_source from reaching) as counted
),

valued as (
    select coalesce(may_join.ref, ambiguities.ref) as ref, may_join.head,
        coalesce(may_join.ambiguity, ambiguities.ambiguity) as ambiguity
    from may_join
    full outer join ambiguities on may_join.ref = ambiguities.ref
),
{% endmacro %}
