{{ config(meta={'empty_without': ['pay__statements']}) }}
select
    period, period_grain, period_start, period_end, revision, status, closed_on, manager_id, manager_name, team_id, plans,
    currency, cast(earned as decimal(18, 4)) as earned, cast(released as decimal(18, 4)) as released,
    cast(held as decimal(18, 4)) as held, cast(deferred as decimal(18, 4)) as deferred,
    cast(corrections as decimal(18, 4)) as corrections, cast(releases as decimal(18, 4)) as releases,
    cast(net as decimal(18, 4)) as net, cast(carried_in as decimal(18, 4)) as carried_in,
    cast(restated as decimal(18, 4)) as restated, cast(forgiven as decimal(18, 4)) as forgiven,
    cast(to_pay as decimal(18, 4)) as to_pay, cast(carried_out as decimal(18, 4)) as carried_out, reason
from {{ source('raw', 'pay__statements') }}
