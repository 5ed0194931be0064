-- One row per sampled measure x day x scope x value: how often the value occurred. Medians read this.
with

{{ measured_relations() }}

counted as (
    {{ deal_state_measures('samples') }}
    union all
    {{ lead_measures('samples') }}
)

select
    measure_code, day, scope_type, scope_id, cast(sample as integer) as sample,
    cast(case when scope_type = 'product' then product_samples else samples end as bigint) as sample_count
from counted
where scope_id is not null
