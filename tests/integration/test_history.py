"""Smoke."""


def test_smoke(company):
    company.entity(
        "deals",
        "deal_id stage opened_at closed_at amount currency manager_id updated_at",
        files="*/deals.csv",
    )
    company.source(observed_at=r"/(\d{4}-\d{2}-\d{2})/")
    head = "deal_id,stage,opened_at,closed_at,amount,currency,manager_id,updated_at\n"
    company.file("2026-02-01/deals.csv", head + "d1,open,2026-01-05,,100,RUB,m1,2026-01-20\n")
    company.file("2026-03-01/deals.csv", head + "d1,offer,2026-01-05,,120,RUB,m2,2026-02-20\n")
    published = company.run()
    for t in ("fct_deal_changes", "fct_deal_stage_history", "fct_pipeline_spans"):
        print(t)
        for r in published.rows(f"select * from marts.{t}"):
            print("  ", r)
    print(published.rows("select day, amount from marts.fct_pipeline_daily order by day")[:3])
    print(
        published.rows(
            "select kpi_code, value, period_start from marts.kpi_values where kpi_code='open_pipeline' and period_grain='month' and scope_type='company'"
        )
    )
