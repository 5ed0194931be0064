-- One row per input that some KPI needs: does this workspace deliver it?
{%- set inputs = {
    'deals': any_row(ref('int_deals__current')),
    'losses': any_row(ref('stg_workspace__stages'), "outcome = 'lost'") ~ ' or ' ~ any_row(ref('int_stages__united'), "outcome = 'lost'")
        ~ ' or ' ~ any_row(ref('int_deals__united'), 'system_outcome is not null'),
    'openings': any_row(ref('int_deals__current'), 'opened_on is not null'),
    'amounts': any_row(ref('int_deals__attributed'), 'amount_native is not null'),
    'closings': any_row(ref('int_deals__attributed'), 'won_on is not null'),
    'close_dates': 'not ' ~ any_row('(select deals.* from ' ~ ref('int_deals__attributed') ~ ' as deals inner join ' ~ ref('stg_workspace__sources')
        ~ ' as sources on deals.source_name = sources.source_name and not sources.tells_won_date) as dateless',
        "(outcome = 'won' and won_on is null) or (outcome = 'lost' and lost_on is null)"),
    'costs': any_row(ref('int_deals__attributed'), 'cost is not null'),
    'customers': any_row(ref('int_deals__attributed'), 'customer_id is not null'),
    'leads': any_row(ref('int_leads__current')),
    'lead_links': any_row(ref('int_deals__attributed'), 'lead_id is not null') ~ ' or ' ~ any_row(ref('int_leads__current'), 'converted_won_on is not null'),
    'qualification': any_row(ref('int_leads__attributed'), 'qualified_on is not null'),
    'touches': any_row(ref('int_leads__attributed'), 'first_touch_at is not null'),
    'activities': any_row(ref('int_activities__attributed')),
    'meetings': any_row(ref('int_activities__attributed')) ~ ' or ' ~ any_row(ref('int_deals__milestones'), "event = 'meeting'")
        ~ ' or ' ~ any_row(ref('int_leads__status_entries'), "event = 'meeting'"),
    'proposals': any_row(ref('int_activities__attributed')) ~ ' or ' ~ any_row(ref('int_deals__milestones'), "event = 'proposal'")
        ~ ' or ' ~ any_row(ref('int_leads__status_entries'), "event = 'proposal'"),
    'call_durations': any_row(ref('int_activities__attributed'), "kind = 'call' and duration_seconds is not null"),
    'spend': any_row(ref('int_spend__attributed')),
    'payments': any_row(ref('int_payments__attributed')),
    'partners': any_row(ref('int_deals__attributed'), 'partner_id is not null'),
    'subscriptions': any_row(ref('int_subscriptions__spells')),
    'lifetime_margins': any_row(ref('int_customers__margins'), 'is_costed and is_active'),
    'changes': any_row(ref('int_deals__changes')),
    'planned_closes': any_row(ref('int_deals__open_spans'), 'planned_close_on is not null'),
    'learned_wins': any_row(ref('int_deals__win_probability')),
    'fees': any_row(ref('int_partners__described'), 'fee_share is not null'),
    'paid_deals': any_row(ref('int_payments__attributed'), 'deal_id is not null'),
    'targets': any_row('(select registry.kpi_code, targets._is_row_rejected from ' ~ ref('int_targets__united') ~ ' as targets inner join ' ~ ref('kpi_registry')
        ~ ' as registry on lower(targets.kpi_code) in (registry.kpi_code, lower(registry.name_en), lower(registry.name_ru))) as planned',
        "kpi_code = 'booked_revenue' and not _is_row_rejected"),
} %}
{%- for code, condition in inputs.items() %}
select '{{ code }}' as input_code, {{ condition }} as is_present
{{ 'union all' if not loop.last }}
{%- endfor %}
