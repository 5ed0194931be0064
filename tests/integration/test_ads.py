"""Spend of ad cabinets: what their files look like, and that one money counts once.

Every expected figure is worked out by hand beside it.
"""

from __future__ import annotations

import io
import json
from datetime import date
from decimal import Decimal

import openpyxl
import pytest

from dagster_project.errors import PipelineError
from tests.conftest import EXAMPLES, Company, needs

MASTER = [
    ["Клиент: Иван Петров (romashka-ads)"],
    ["Отчет: Мастер отчетов"],
    ["Период: 01.03.2026 - 31.03.2026"],
    [],
    ["Название кампании", "№ Кампании", "Расход, ₽", "Показы", "Клики", "Отказы, %"],
    ["Итого", "", 1100.02, 5000, 106, 36.21],
    ["Поиск насосы", "7001", 1000.0, 4000, 95, "-"],
    ["РСЯ", 7002, 100.00999999999999, 1000, 11, 1.5],
]
"""The rows make 1100.01, the total says 1100.02: within two roundings to the kopeck."""
BY_KEYWORD = """\
Клиент: Иван Петров (romashka-ads)
Отчет: Мастер отчетов
Период: 01.03.2026 - 31.03.2026

Название кампании;№ Кампании;Условие показа;Расход (руб.);Клики
Поиск насосы;7001;насос купить;500,50;50
Поиск насосы;7001;насос цена;300,00;40
Итого;;;800,50;90
"""
GOOGLE = """\
Campaign report
"March 1, 2026 - March 3, 2026"
Day,Campaign,Campaign ID,Currency code,Avg. cost,Cost,Impr.,Clicks,Cost / conv.
2026-03-01,Total Wine,123,RUB,9.99,12.34,"1,234",7,1.00
2026-03-02,Total Wine,123,RUB,9.99,"1,020.50","10,500",88,2.50
2026-03-03,Total Wine,123,RUB, --, --,0,0, --
Total: Account,--,--,RUB,--,"1,032.84","11,734",95,3.50
Total: Search,--,--,RUB,--,"1,032.84","11,734",95,3.50
"""
STATS = """\
_fivetran_id,customer_id,date,_fivetran_synced,ad_network_type,base_campaign,clicks,cost_micros,device,id,impressions
a,77,2026-03-05,2026-03-20 10:00:00,SEARCH,customers/77/campaigns/900,3,36150000,MOBILE,900,10
b,77,2026-03-05,2026-03-20 10:00:00,SEARCH,,4,1850001,DESKTOP,900,20
"""
CAMPAIGNS = """\
id,updated_at,name,customer_id,advertising_channel_type
900,2026-01-01T00:00:00,Old name,77,SEARCH
900,2026-02-01T00:00:00,New name,77,SEARCH
"""
ACCOUNTS = "id,updated_at,currency_code,descriptive_name\n77,2026-01-01,RUB,Main\n"
META = """\
"Reporting starts","Reporting ends","Campaign name",Day,"Amount spent (RUB)",Impressions,Clicks,X
2026-03-01,2026-03-31,,2026-03-01,15000.00,500000,4000,
2026-03-01,2026-03-31,"Spring / leads",2026-03-01,9000.00,300000,2500,12
2026-03-01,2026-03-31,"Spring / video",2026-03-01,6000.00,200000,1500,
"""
VK = {
    "items": [
        {
            "id": 107921416,
            "rows": [
                {"date": "2026-03-01", "base": {"shows": 33864, "clicks": 96, "spent": "2555.98"}},
                {"date": "2026-03-02", "base": {"shows": 10, "clicks": 1, "spent": "100.02"}},
            ],
            "total": {"base": {"spent": "2656.00"}},
        }
    ],
    "total": {"base": {"spent": "2656.00"}},
}
PLANS = {"items": [{"id": 107921416, "name": "Копия широкая", "objective": "leads"}]}


def workbook(rows) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def plain(company: Company) -> Company:
    """Give a workspace one deal, so that it has something besides spend."""
    company.entity("deals", "deal_id stage opened_at closed_at amount")
    company.file(
        "deals.csv",
        "deal_id,stage,opened_at,closed_at,amount\nd1,won,2026-01-05,2026-03-05,1000\n",
    )
    return company


def spent(published, source, more="true"):
    return published.one(
        "select coalesce(sum(amount_native), 0) from marts.fct_spend "
        f"where source_name = ? and {more}",
        [source],
    )


def listed(published, reason, source):
    return published.rows(
        "select value, reason from ops.quarantine where reason_code = ? and "
        "_source_file like 'raw/' || ? || '/%' order by 1",
        [reason, source],
    )


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    company = plain(Company(tmp_path_factory.mktemp("ads") / "ws"))
    for name, system in {
        "direct": "yandex_direct",
        "cuts": "yandex_direct",
        "silent": "yandex_direct",
        "api": "yandex_direct",
        "google": "google_ads",
        "stats": "google_ads",
        "meta": "meta_ads",
        "vk": "vk_ads",
    }.items():
        company.settings["sources"][name] = {"system": system}
    company.settings["sources"]["direct"]["amounts_include_vat"] = True
    company.settings["sources"]["api"] |= {"money_in_micros": True, "amounts_include_vat": False}
    company.settings["aliases"] = {"channel": {"Google Ads": "Гугл"}}
    company.file("какой-то отчёт.xlsx", workbook(MASTER), source="direct")
    company.file("all.xlsx", workbook(MASTER), source="cuts")
    company.file("by keyword.csv", BY_KEYWORD.encode("cp1251"), source="cuts")
    company.file(
        "daily.csv",
        "x\nx\nx\n\nДата;Кампания;№ Кампании;Показы;Расход (руб.)\n"
        "01.03.2026;РСЯ;7002;10;7,25\n02.03.2026;РСЯ;7002;10;3,01\n",
        source="cuts",
    )
    company.file(
        "wrong total.csv",
        "Период: 01.02.2026 - 02.02.2026\nКампания;Расход, ?\nИтого;10,00\nА;4,00\nБ;5,01\n",
        source="silent",
    )
    company.file(
        "report.tsv",
        '"march (2026-03-01 - 2026-03-02)"\nDate\tCampaignId\tCampaignName\tImpressions\tClicks'
        "\tCost\n2026-03-01\t7001\tПоиск\t1200\t14\t3450120000\n"
        "2026-03-02\t7001\tПоиск\t900\t--\t0\nTotal rows: 2\n",
        source="api",
    )
    company.file(
        "Campaign report.csv", b"\xff\xfe" + excel(GOOGLE).encode("utf-16-le"), source="google"
    )
    company.file("campaign_stats.csv", STATS, source="stats")
    company.file("campaign_history.csv", CAMPAIGNS, source="stats")
    company.file("account_history.csv", ACCOUNTS, source="stats")
    company.file("export.csv", META, source="meta")
    company.file("d/day.json", json.dumps(VK), source="vk")
    second = VK | {"items": [VK["items"][0] | {"rows": VK["items"][0]["rows"][1:]}]}
    company.file("d/day 2.json", json.dumps(second), source="vk")
    company.file("d/empty.json", '{"items": [], "total": {}}', source="vk")
    company.file("plans.json", json.dumps(PLANS), source="vk")
    return company.run()


def excel(text: str) -> str:
    """Turn commas into the tabs of "CSV for Excel"."""
    import csv

    rows = csv.reader(io.StringIO(text))
    held = io.StringIO()
    csv.writer(held, delimiter="\t", lineterminator="\r\n").writerows(rows)
    return held.getvalue()


def test_a_period_without_days_is_spread_over_its_days_to_the_kopeck(published):
    # 1000.00 over 31 days: 30 x 32.25 = 967.50, the last day has 32.50; 100.01: 3.22 and 3.41
    rows = published.rows(
        "select campaign, spent_on, amount_native, impressions, account, is_spread from "
        "marts.fct_spend where source_name = 'direct' order by campaign, spent_on"
    )
    assert len(rows) == 62
    assert {row[4:] for row in rows} == {("romashka-ads", True)}
    amounts = [row[2] for row in rows if row[0] == "Поиск насосы"]
    assert amounts == [Decimal("32.25")] * 30 + [Decimal("32.50")]
    amounts = [row[2] for row in rows if row[0] == "РСЯ"]
    assert amounts == [Decimal("3.22")] * 30 + [Decimal("3.41")]
    assert sum(row[3] for row in rows) == 5000
    assert spent(published, "direct") == Decimal("1100.01")


def test_the_total_line_first_or_last_is_not_added_and_not_listed_within_its_rounding(published):
    assert listed(published, "total_line_differs", "direct") == []
    assert listed(published, "total_line_differs", "google") == []
    told = published.one(
        "select (rows_seen, rows_total_lines) from ops.reconciliation "
        "where file_name like '%какой-то отчёт.xlsx'"
    )
    assert tuple(told) == (2, 1)


def test_a_total_line_that_differs_from_its_rows_is_listed(published):
    # 4.00 + 5.01 = 9.01; the line says 10.00; the rows count
    ((value, reason),) = listed(published, "total_line_differs", "silent")
    assert (value, "9.01" in reason) == ("10.0000", True)
    assert spent(published, "silent") == Decimal("9.01")


def test_cuts_of_one_period_count_once_and_days_beat_the_period(published):
    # campaign 7001: 1000.00 by campaign beats 800.50 by keyword; campaign 7002: two days are told
    # (7.25 + 3.01 = 10.26), and 100.01 - 10.26 = 89.75 is left for the other 29 days
    assert spent(published, "cuts", "campaign = 'Поиск насосы'") == Decimal("1000.00")
    assert spent(published, "cuts", "campaign = 'РСЯ' and not is_spread") == Decimal("10.26")
    assert spent(published, "cuts", "campaign = 'РСЯ' and is_spread") == Decimal("89.75")
    days = "select count(*) from marts.fct_spend where source_name = 'cuts' and campaign = 'РСЯ'"
    assert published.one(days) == 31


def test_what_another_cut_tells_again_is_listed_with_its_money(published):
    # 800.50 by keyword; 10.26 of the period that its days tell
    values = [Decimal(value) for value, _ in listed(published, "superseded_cut", "cuts")]
    assert sorted(values) == [Decimal("10.26"), Decimal("800.50")]


def test_where_nothing_tells_of_vat_it_is_asked_for_with_the_line_to_add(published):
    ((source, reason),) = listed(published, "vat_not_told", "silent")
    assert source == "silent"
    assert "`amounts_include_vat: true` (or false) to the source silent" in reason
    assert listed(published, "vat_not_told", "direct") == []
    flags = published.rows("select distinct source_name, is_vat_included from marts.fct_spend")
    assert {("direct", True), ("api", False), ("silent", None)} <= set(flags)


def test_money_in_millionths_is_whole_money(published):
    assert spent(published, "api") == Decimal("3450.12")
    rows = published.rows(
        "select rows_total_lines, amount_seen, amount_loaded from ops.reconciliation "
        "where file_name like '%report.tsv'"
    )
    assert rows == [(1, Decimal("3450.12"), Decimal("3450.12"))]


def test_lines_that_restate_a_google_report_are_not_added_and_a_campaign_named_total_is(published):
    # 12.34 + 1020.50; the cost of the third day is a dash
    assert spent(published, "google", "campaign = 'Total Wine'") == Decimal("1032.84")
    assert spent(published, "google") == Decimal("1032.84")
    count = "select count(*) from marts.fct_spend where source_name = 'google'"
    assert published.one(count) == 3
    assert published.kpi("spend", "2026-03-01", scope="channel", who="Гугл") == pytest.approx(
        1032.84 + 38.0
    )


def test_devices_of_one_day_add_up_and_versions_of_a_campaign_do_not_multiply(published):
    # 36.15 + 1.850001 -> 1.8500 in ten-thousandths; the second row says its campaign by `id` alone
    assert spent(published, "stats") == Decimal("38.0000")
    names = "select distinct campaign, currency from marts.fct_spend where source_name = 'stats'"
    assert published.rows(names) == [("New name", "RUB")]


def test_a_meta_row_without_names_restates_the_sum_and_is_left_out(published):
    assert spent(published, "meta") == Decimal("15000.00")
    rows = "select distinct spent_on, is_spread from marts.fct_spend where source_name = 'meta'"
    assert [(str(day), flag) for day, flag in published.rows(rows)] == [("2026-03-01", False)]


def test_overlapping_windows_of_vk_count_once_and_totals_are_not_read(published):
    assert spent(published, "vk") == Decimal("2656.00")
    names = "select distinct campaign, channel_name from marts.fct_spend where source_name = 'vk'"
    assert published.rows(names) == [("Копия широкая", "VK Реклама")]


def test_every_row_of_spend_has_its_place(published):
    rows = published.rows(
        "select file_name, rows_seen, rows_loaded, amount_seen, amount_loaded "
        "from ops.reconciliation where entity = 'spend'"
    )
    assert len(rows) == 1 + 3 + 1 + 1 + 1 + 1 + 1 + 2
    assert all(row[1] == row[2] and row[3] == row[4] for row in rows)


@pytest.mark.parametrize(
    ("name", "content", "reason", "line"),
    [
        (
            "api.tsv",
            "Date\tCampaignId\tImpressions\tCost\n2026-03-01\t7\t1\t3450120000\n",
            "micros_not_told",
            "money_in_micros: true",
        ),
        (
            "resaved.csv",
            "Название кампании;Расход, ₽\nА;10,50\n",
            "no_day",
            "constants: {period_start: 2026-03-01",
        ),
        ("other.csv", "Кампания;Показы\nА;10\n", "unrecognised_file", "entities:"),
    ],
)
def test_a_file_that_does_not_say_enough_is_refused_with_the_line_to_add(
    company, name, content, reason, line
):
    plain(company).settings["sources"]["direct"] = {"system": "yandex_direct"}
    company.file(name, content, source="direct")
    with pytest.raises(PipelineError) as refused:
        company.run()
    told = next((company.directory / "quarantine").glob("*.txt")).read_text(encoding="utf-8")
    assert reason in told
    assert line in told
    assert refused.value


def test_a_period_named_in_the_workspace_stands_for_the_one_the_file_lost(company):
    plain(company).settings["sources"]["direct"] = {
        "system": "yandex_direct",
        "entities": {
            "report": {
                "files": "resaved.csv",
                "constants": {"period_start": "2026-03-01", "period_end": "2026-03-04"},
            },
            "spend": {"constants": {"source": "Директ"}},
        },
    }
    company.file("resaved.csv", "Название кампании;Расход, ₽\nА;10,50\n", source="direct")
    published = company.run()
    # 10.50 over 4 days: 2.62, 2.62, 2.62 and 2.64
    rows = published.rows(
        "select amount_native, channel_name from marts.fct_spend order by spent_on"
    )
    assert rows == [(Decimal("2.62"), "Директ")] * 3 + [(Decimal("2.64"), "Директ")]


def test_a_later_delivery_replaces_the_days_it_covers(company):
    plain(company).settings["sources"]["google"] = {
        "system": "google_ads",
        "observed_at": r"(\d{4}-\d\d-\d\d)\.csv",
    }
    head = "Day,Campaign,Campaign ID,Currency code,Cost\n"
    company.file(
        "2026-03-05.csv",
        head + "2026-03-03,A,1,RUB,10.50\n2026-03-04,A,1,RUB,5.50\n2026-03-04,B,2,RUB,1.25\n",
        source="google",
    )
    company.file("2026-03-06.csv", head + "2026-03-04,A,1,RUB,5.00\n", source="google")
    # A: 10.50 on the 3rd, 5.00 instead of 5.50 on the 4th; B stays
    published = company.run()
    assert spent(published, "google") == Decimal("16.75")
    assert listed(published, "superseded_cut", "google") == []


@pytest.mark.kpi("spend")
def test_a_report_of_a_month_that_runs_covers_the_days_until_it_was_made(company):
    """1 000 to 10 March stand on its ten days; of the rest nobody tells, so March is not whole."""
    plain(company).settings["sources"]["direct"] = {
        "system": "yandex_direct",
        "amounts_include_vat": True,
        "observed_at": r"(\d{4}-\d\d-\d\d)\.csv",
    }
    company.file(
        "2026-03-10.csv",
        "Период: 01.03.2026 - 31.03.2026\n\nНазвание кампании;№ Кампании;Расход (руб.)\n"
        "Поиск;7001;1000,00\n",
        source="direct",
    )
    published = company.run()
    told = published.rows(
        "select value, is_complete from marts.kpi_values where kpi_code = 'spend' and "
        "period_grain = 'month' and period_start = '2026-03-01' and scope_type = 'company'"
    )
    assert told == [(1000, False)]
    days = published.one("select (count(*), max(day)) from marts.fct_spend_coverage")
    assert days == (10, date(2026, 3, 10))


def test_a_month_of_salaries_is_spread_and_two_of_them_add_up(company):
    plain(company).entity("spend", "spent_on period_end source kind amount", source="costs")
    company.file(
        "spend.csv",
        "spent_on,period_end,source,kind,amount\n"
        "2026-03-01,2026-03-31,,salary,310.00\n2026-03-01,2026-03-31,,salary,31.00\n"
        "2026-03-10,,Яндекс,agency,5.00\n",
        source="costs",
    )
    published = company.run()
    days = published.rows(
        "select spent_on, sum(amount_native) from marts.fct_spend where kind = 'salary' "
        "and is_spread group by 1"
    )
    assert (len(days), {total for _, total in days}) == (31, {Decimal("11.00")})
    assert spent(published, "costs") == Decimal("346.00")


@needs(EXAMPLES / "seeds_ads")
def test_the_example_cabinets_add_up_as_an_independent_reading_does(company):
    """Independent reading: the greatest total of each account (or campaign) and day, in Python."""
    import csv
    from collections import defaultdict

    folder = EXAMPLES / "seeds_ads"
    plain(company).settings["sources"] |= {
        "google": {"system": "google_ads", "currency": "RUB"},
        "facebook": {"system": "meta_ads", "currency": "RUB"},
    }
    company.settings["aliases"] = {"currency": {"USD": "RUB"}}
    for path in folder.glob("*.csv"):
        source = path.name.split("_")[0]
        if source in ("google", "facebook"):
            company.file(path.name, path.read_bytes(), source=source)
    published = company.run()

    def rows(name):
        with (folder / name).open(encoding="utf-8-sig", newline="") as handle:
            return list(csv.DictReader(handle))

    by_campaign = defaultdict(lambda: defaultdict(Decimal))
    whole = defaultdict(lambda: defaultdict(Decimal))
    for name in ("campaign", "ad_group", "ad", "keyword", "search_term_keyword"):
        for row in rows(f"google_ads_{name}_stats_data.csv"):
            campaign = row.get("campaign_id") or row["id"]
            by_campaign[campaign, row["date"]][name] += Decimal(row["cost_micros"]) / 1_000_000
    for row in rows("google_ads_account_stats_data.csv"):
        whole[row["date"]]["account"] += Decimal(row["cost_micros"]) / 1_000_000
    days = defaultdict(Decimal)
    for (_, day), cuts in by_campaign.items():
        days[day] += max(cuts.values())
    for day, cuts in whole.items():
        days[day] = max(days[day], *cuts.values())
    assert float(spent(published, "google")) == pytest.approx(float(sum(days.values())), abs=0.01)

    ads = {row["id"]: row["campaign_id"] for row in rows("facebook_ads_ad_history_data.csv")}
    by_day = defaultdict(Decimal)
    for row in rows("facebook_ads_basic_ad_data.csv"):
        assert row["ad_id"] in ads
        by_day[row["date"]] += Decimal(row["spend"])
    cuts = defaultdict(lambda: defaultdict(Decimal))
    for name in ("country", "region"):
        for row in rows(f"facebook_ads_demographics_{name}_data.csv"):
            cuts[row["date"]][name] += Decimal(row["spend"])
    for day, told in cuts.items():
        by_day[day] = max(by_day[day], *told.values())
    assert spent(published, "facebook") == sum(by_day.values())


def test_pages_weeks_and_a_report_of_the_whole_account_count_once(company):
    plain(company).settings["sources"] |= {
        "meta": {"system": "meta_ads"},
        "weeks": {"system": "google_ads"},
        "whole": {"system": "google_ads"},
    }
    row = {"campaign_id": "1", "account_id": "9", "date_start": "2026-03-01"}
    row |= {"date_stop": "2026-03-01"}
    # one campaign's day over two pages: 10.50 + 4.50; an ad that stands on both counts once
    pages = (
        [row | {"ad_id": "a", "spend": "10.50"}],
        [row | {"ad_id": "b", "spend": "4.50"}, row | {"ad_id": "a", "spend": "10.50"}],
    )
    for number, page in enumerate(pages):
        content = json.dumps({"data": page, "paging": {"cursors": {"after": "x"}}})
        company.file(f"d1/page{number}.json", content, source="meta")
    # the week of March 30th lies two days within the report: 3.01 = 1.50 + 1.51
    company.file(
        "weekly.csv",
        '"Report"\n"March 23, 2026 - March 31, 2026"\nWeek,Campaign,Cost\n'
        "2026-03-23,A,7.00\n2026-03-30,A,3.01\nTotal: Account,--,10.01\n",
        source="weeks",
    )
    # March 1st: 5 by campaign of 8 in all; March 2nd: 6 by campaign, the account says 6 too
    stats = "customer_id,date,campaign_id,cost_micros\n"
    company.file(
        "by campaign.csv",
        stats + "7,2026-03-01,1,5000000\n7,2026-03-02,1,6000000\n",
        source="whole",
    )
    company.file(
        "account.csv",
        "customer_id,date,cost_micros\n7,2026-03-01,8000000\n7,2026-03-02,6000000\n",
        source="whole",
    )
    published = company.run()
    assert spent(published, "meta") == Decimal("15.00")
    days = published.rows(
        "select extract(day from spent_on), amount_native from marts.fct_spend "
        "where source_name = 'weeks' order by 1"
    )
    assert days == [(d, Decimal("1.00")) for d in range(23, 30)] + [
        (30, Decimal("1.50")),
        (31, Decimal("1.51")),
    ]
    counted = published.rows(
        "select campaign, amount_native from marts.fct_spend where source_name = 'whole' "
        "order by spent_on"
    )
    assert counted == [(None, Decimal("8.00")), ("1", Decimal("6.00"))]
