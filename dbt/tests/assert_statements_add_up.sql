-- A statement is the sum of its lines to the last digit, and what is owed is paid or carried.
with

lines as (
    select
        period, revision, manager_id,
        sum(case when kind in ('earned', 'cap', 'guarantee') then amount else 0 end) as earned,
        sum(released) as net,
        max(case when amount <> released + held then 1 else 0 end) as broken_lines
    from {{ ref('bonus_lines') }} group by period, revision, manager_id
)

select statements.period, statements.revision, statements.manager_id, statements.earned, lines.earned as lines_earned
from {{ ref('bonus_statements') }} as statements
left join lines
    on statements.period = lines.period and statements.revision = lines.revision and statements.manager_id = lines.manager_id
where statements.status <> 'refused' and (
    statements.earned <> coalesce(lines.earned, 0)
    or statements.net <> coalesce(lines.net, 0)
    or coalesce(lines.broken_lines, 0) <> 0
    or statements.earned <> statements.released + statements.held
    or statements.carried_in + statements.net + statements.restated <> statements.to_pay + statements.carried_out - statements.forgiven
    or statements.to_pay < 0)
