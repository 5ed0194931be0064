"""Who is one person: by e-mail, tax id and phone, by a name, by an alias; and who stays apart."""

from __future__ import annotations

import re
from datetime import date

import duckdb
import pytest

from dagster_project.likenesses import likely_pairs
from dagster_project.masks import published_name
from dagster_project.settings import load_workspace
from tests.conftest import Company, Published

DEALS = "deal_id,stage,opened_at,closed_at,amount,customer_id,manager_name\n"
CUSTOMERS = "customer_id,customer_name,phone,email,tax_id\n"


def deliver(company: Company, source: str, *customers: str) -> None:
    """Deliver customers of a source, and one deal of 100 won in January for each."""
    company.entity("customers", "customer_id customer_name phone email tax_id", source=source)
    company.entity(
        "deals", "deal_id stage opened_at closed_at amount customer_id manager_name", source=source
    )
    ids = [line.split(",")[0] for line in customers]
    deals = "".join(f"d{i},won,2026-01-02,2026-01-10,100,{i},Anna\n" for i in ids)
    company.file("customers.csv", CUSTOMERS + "".join(f"{c}\n" for c in customers), source=source)
    company.file("deals.csv", DEALS + deals, source=source)


def customers_of(published: Published) -> dict[str, str]:
    return dict(published.rows("select deal_id, customer_id from marts.fct_deals"))


def ambiguous(published: Published) -> set[str]:
    told = "select value from ops.quarantine where reason_code = 'ambiguous_customer'"
    return {value for (value,) in published.rows(told)}


def test_a_customer_joins_by_phone_in_one_source_and_by_e_mail_in_another(company: Company):
    """Three names, no two alike: the shop shares the phone, the books the e-mail."""
    deliver(company, "crm", "a,Анна,8 (999) 123-45-67,ANNA@x.ru,")
    deliver(company, "shop", "b,Покупатель 17,+79991234567,,")
    deliver(company, "books", "c,Счёт 5,,Anna <anna@x.ru>,")
    published = company.run()
    assert set(customers_of(published).values()) == {"crm:a"}
    assert published.kpi("new_customers", "2026-01-01") == 1


def test_a_chain_of_a_phone_and_an_e_mail_joins_its_ends(company: Company):
    deliver(company, "crm", "a,Анна,+79991234567,,")
    deliver(company, "shop", "b,Покупатель 17,+79991234567,anna@x.ru,")
    deliver(company, "books", "c,Счёт 5,,anna@x.ru,")
    assert set(customers_of(company.run()).values()) == {"crm:a"}


def test_two_tax_ids_are_two_companies_whatever_they_share(company: Company):
    """The books' customer shares an e-mail with the shop's, which has no tax id of its own."""
    deliver(company, "crm", "a,Вектор,+79991234567,,7701")
    deliver(company, "shop", "b,Опт,+79991234567,sale@x.ru,")
    deliver(company, "books", "c,Другая,,sale@x.ru,7702", "d,Снова Вектор,,,7701")
    told = customers_of(company.run())
    assert told == {
        "crm:da": "crm:a",
        "shop:db": "crm:a",
        "books:dc": "books:c",
        "books:dd": "crm:a",
    }


def test_who_fits_two_records_of_a_source_stays_apart_and_is_listed(company: Company):
    deliver(company, "crm", "a1,Анна,+79991234567,,", "a2,Ольга,,olga@x.ru,")
    deliver(company, "shop", "b,Покупатель 17,+79991234567,olga@x.ru,")
    published = company.run()
    assert len(set(customers_of(published).values())) == 3
    assert "shop:b" in ambiguous(published)


def test_two_ids_of_a_source_never_join_through_others(company: Company):
    """The books' c1 leads to the shop's b and so to a; c2 leads to a itself: both stay apart."""
    deliver(company, "crm", "a,Анна,+79991234567,anna@x.ru,")
    deliver(company, "shop", "b,Покупатель 17,+79991234567,shop@x.ru,")
    deliver(company, "books", "c1,Счёт 5,,shop@x.ru,", "c2,Счёт 6,,anna@x.ru,")
    published = company.run()
    told = customers_of(published)
    assert told["shop:db"] == told["crm:da"] == "crm:a"
    assert (told["books:dc1"], told["books:dc2"]) == ("books:c1", "books:c2")
    assert ambiguous(published) == {"books:c1", "books:c2"}


@pytest.mark.parametrize(("limit", "apart"), [(3, 4), (4, 1)])
def test_a_value_of_more_records_than_the_limit_joins_nothing(company: Company, limit, apart):
    """Four sources, one phone each, all of one number."""
    company.settings["settings"] = {"shared_value_limit": limit}
    for number, source in enumerate(("crm", "shop", "books", "site")):
        deliver(company, source, f"c{number},Имя {source},+74951234567,,")
    published = company.run()
    assert len(set(customers_of(published).values())) == apart
    assert len(ambiguous(published)) == (4 if apart == 4 else 0)


def test_a_value_of_two_records_of_one_source_joins_nothing_and_is_listed(company: Company):
    deliver(company, "crm", "a1,Анна,+74951234567,,", "a2,Ольга,+74951234567,,")
    deliver(company, "shop", "b,Покупатель 17,+74951234567,,")
    published = company.run()
    assert len(set(customers_of(published).values())) == 3
    assert ambiguous(published) == {"crm:a1", "crm:a2", "shop:b"}


def test_a_proposed_line_joins_the_pair_it_names(company: Company):
    deliver(company, "crm", "a,ООО «Вектор Плюс»,,,")
    deliver(company, "shop", "b,Vektor plus,,,")
    assert len(set(customers_of(company.run()).values())) == 2
    (pair,) = (
        p for p in likely_pairs(load_workspace(company.directory)) if p["subject"] == "customer"
    )
    assert pair["line"] == 'aliases: {customer: {"shop:b": "crm:a"}}'
    company.settings["aliases"] = {"customer": {"shop:b": "crm:a"}}
    assert set(customers_of(company.run()).values()) == {"crm:a"}


def hubspot_deals_of_an_unlisted_owner(company: Company) -> None:
    company.settings |= {"stages": []}
    company.settings["sources"] = {"hub": {"system": "hubspot"}}
    company.file(
        "deals.csv",
        "Record ID,Deal Name,Deal Stage,Amount,Close Date,Create Date,Deal owner\n"
        "1,A,Closed Won,100,2026-01-10 10:00,2026-01-02 10:00,Anna.Petrova@Corp.ru\n",
        source="hub",
    )


def clear_values(published: Published, needle: str) -> list[str]:
    """Return the columns of a release, views too, that hold a text."""
    found = []
    with duckdb.connect(str(published.file), read_only=True) as release:
        columns = release.execute(
            "select table_schema, table_name, column_name from information_schema.columns "
            "where data_type = 'VARCHAR' and table_schema in ('marts', 'ops')"
        ).fetchall()
        for schema, table, column in columns:
            held = release.execute(
                f'select count(*) from {schema}."{table}" where "{column}" ilike ?', [f"%{needle}%"]
            ).fetchone()
            if held[0]:
                found.append(f"{schema}.{table}.{column}")
    return found


def test_an_owner_given_as_an_e_mail_is_masked_and_stays_one_person(company: Company):
    hubspot_deals_of_an_unlisted_owner(company)
    company.entity("managers", "manager_id manager_name email", source="staff")
    company.file(
        "managers.csv",
        "manager_id,manager_name,email\n7,Анна Петрова,anna.petrova@corp.ru\n",
        source="staff",
    )
    published = company.run()
    assert clear_values(published, "anna.petrova") == []
    assert published.one("select count(distinct manager_id) from marts.fct_deals") == 1
    ((manager,),) = published.rows("select distinct manager_id from marts.fct_deals")
    listed = "select manager_id from marts.dim_manager_ids where manager_ref = 'staff:7'"
    assert published.one(listed) == manager


def test_an_owner_known_only_by_an_e_mail_shows_a_mask(company: Company):
    hubspot_deals_of_an_unlisted_owner(company)
    published = company.run()
    name = published.one("select manager_name from marts.dim_manager where manager_name like '%@%'")
    assert name.startswith("a***@corp.ru #")
    assert clear_values(published, "anna.petrova") == []


def test_a_reference_by_an_e_mail_finds_the_person_behind_the_mask(company: Company):
    hubspot_deals_of_an_unlisted_owner(company)
    published = company.run()
    workspace = load_workspace(company.directory)
    name = published_name(workspace)("anna.petrova@corp.ru")
    assert published.kpi("booked_revenue", "2026-01-01", scope="manager", who=name) == 100


def test_an_alias_of_an_e_mail_still_names_its_person(company: Company):
    hubspot_deals_of_an_unlisted_owner(company)
    company.settings["aliases"] = {"manager": {"anna.petrova@corp.ru": "Анна Петрова"}}
    published = company.run()
    assert published.kpi("booked_revenue", "2026-01-01", scope="manager", who="Анна Петрова") == 100


@pytest.mark.parametrize(("kept", "phone"), [("hashed", None), ("clear", "79991234567")])
def test_contacts_are_hashes_unless_the_workspace_asks_for_them(company: Company, kept, phone):
    company.settings["settings"] = {"personal_data": kept}
    deliver(company, "crm", "a,Анна,8 (999) 123-45-67,ANNA@x.ru,")
    published = company.run()
    path = published.folder.parents[1] / "warehouse" / "warehouse.duckdb"
    with duckdb.connect(str(path), read_only=True) as warehouse:
        told = warehouse.execute("select phone, email from staging.stg_files__customers").fetchone()
    if phone:
        assert told == (phone, "anna@x.ru")
    else:
        assert all(len(value) == 64 and "anna" not in value for value in told)


def test_contacts_in_names_refused_lines_and_headers_are_withheld_and_still_tell_who_is_who(
    company: Company,
):
    """Two phones are two customers, the e-mail is by its alias a third, that of the fourth deal."""
    columns = "deal_id stage opened_at closed_at amount customer_name deal_name"
    company.entity("deals", columns).entity("managers", "manager_name team")
    head = columns.replace(" ", ",") + "\n"
    won = "{},won,2026-01-01,2026-01-10,{},{},Звонок 8 (916) 123-45-67 ИНН 7701234567{}\n"
    people = ["+79161234567", "+79161234567", "+7 916 123-45-68", "secret@corp.ru", "Вектор"]
    rows = [won.format(n, 10, who, "") for n, who in enumerate(people, start=1)]
    rows.append(won.format(6, "secret@corp.ru", "Вектор", ""))
    rows.append(won.format(7, 10, "Вектор", ",+79161234569,secret@corp.ru"))
    company.file("deals.csv", head + "".join(rows))
    company.file("managers.csv", "secret@corp.ru,+79161234560\nАнна,Север\n")
    company.settings["aliases"] = {"customer": {"secret@corp.ru": "Вектор"}}
    company.settings["settings"] = {"row_error_limit": 1.0, "tolerate_rejected_files": True}
    published = company.run()
    assert published.kpi("booked_revenue", "2026-01-01") == 50
    assert published.kpi("new_customers", "2026-01-01") == 3
    tables = published.rows("select table_schema, table_name from information_schema.tables")
    told = [str(published.rows(f"select * from {schema}.{name}")) for schema, name in tables]
    told += [path.read_text() for path in (company.directory / "quarantine").rglob("*.txt")]
    assert [text for text in told if re.search(r"916\D?\D?123|secret@", text)] == []
    assert ("Звонок *** ИНН 7701234567",) in published.rows("select deal_name from marts.fct_deals")


def test_what_a_later_list_says_of_a_seller_or_a_day_replaces_what_an_earlier_one_said(
    company: Company,
):
    """The list of March takes back that Ann left and when Eve was hired, and says that Bob is there
    no more: he was employed to his last call. Monday, 2 March, was no holiday after all, Tuesday
    was one: Ann's lead of Monday noon, answered on Wednesday at 10:00, waited for 6 + 1 hours."""
    columns = "manager_id manager_name hired_on left_on is_active"
    company.source(observed_at=r"(\d{4}-\d\d-\d\d)")
    for entity, header, lists in (
        (
            "managers",
            columns,
            (
                "m1,Ann,2025-01-01,2026-01-15,1\nm2,Bob,2025-01-01,,1\nm3,Eve,2025-06-01,,1\n",
                "m1,Ann,2025-01-01,,1\nm2,Bob,2025-01-01,,0\nm3,Eve,2026-02-01,,1\n",
            ),
        ),
        (
            "calendar",
            "day is_working",
            ("2026-03-02,0\n2026-03-03,1\n", "2026-03-02,1\n2026-03-03,0\n"),
        ),
    ):
        company.entity(entity, header, files=f"{entity}*")
        for day, rows in zip(("2026-02-01", "2026-03-01"), lists, strict=True):
            company.file(f"{entity}_{day}.csv", header.replace(" ", ",") + "\n" + rows)
    company.entity(
        "activities", "activity_id kind occurred_at manager_id status lead_id", files="activities*"
    )
    company.file(
        "activities_2026-03-31.csv",
        "activity_id,kind,occurred_at,manager_id,status,lead_id\n"
        "1,call,2026-01-05 10:00,m2,done,\n2,call,2026-03-04 10:00,m1,done,l\n",
    )
    company.entity("leads", "lead_id created_at manager_id", files="leads*")
    company.file("leads_2026-03-31.csv", "lead_id,created_at,manager_id\nl,2026-03-02 12:00,m1\n")
    published = company.run()
    assert published.rows(
        "select manager_name, hired_on, employed_to from marts.dim_manager "
        "where manager_name <> 'not given' order by 1"
    ) == [
        ("Ann", date(2025, 1, 1), date(2026, 3, 31)),
        ("Bob", date(2025, 1, 1), date(2026, 1, 5)),
        ("Eve", date(2026, 2, 1), date(2026, 3, 31)),
    ]
    idle = (
        "select manager_id, period_start from marts.kpi_manager "
        "where period_grain = 'month' and manager_id <> 'crm:m1' order by 1, 2"
    )
    assert published.rows(idle) == [
        ("crm:m2", date(2026, 1, 1)),
        ("crm:m3", date(2026, 2, 1)),
        ("crm:m3", date(2026, 3, 1)),
    ]
    assert published.kpi("speed_to_lead_minutes", "2026-03-01") == (6 + 1) * 60


def test_a_chain_of_merges_ends_at_its_survivor_however_long(company: Company):
    """k1 was merged into k2, that into k3 and so on to k9, e1 likewise to e9. Nine deals of 10,
    one of each customer, are one new customer's; a payment of 1 for each e is one deal's."""
    numbers = range(1, 10)
    into = {n: n + 1 if n < 9 else "" for n in numbers}
    company.entity("customers", "customer_id merged_into")
    company.file(
        "customers.csv",
        "customer_id,merged_into\n"
        + "".join(f"k{n},{into[n] and f'k{into[n]}'}\n" for n in numbers),
    )
    company.entity("deals", "deal_id stage closed_at amount customer_id merged_into manager_id")
    company.file(
        "deals.csv",
        "deal_id,stage,closed_at,amount,customer_id,merged_into,manager_id\n"
        + "".join(f"d{n},won,2026-01-0{n},10,k{n},,m1\n" for n in numbers)
        + "".join(f"e{n},won,2026-01-09,100,,{into[n] and f'e{into[n]}'},m1\n" for n in numbers),
    )
    company.entity("payments", "payment_id paid_at amount deal_id")
    company.file(
        "payments.csv",
        "payment_id,paid_at,amount,deal_id\n"
        + "".join(f"y{n},2026-02-01,1,e{n}\n" for n in numbers),
    )
    published = company.run()
    assert published.kpi("new_customers", "2026-01-01") == 1
    assert published.kpi("booked_revenue", "2026-01-01") == 9 * 10 + 100
    assert published.kpi("paid_revenue", "2026-02-01", scope="manager", who="crm:m1") == 9


def test_words_of_goals_and_references_of_assignments_are_no_way_round_the_mask(company):
    """In a title, a reason, who approved it, and who is on a plan without being known."""
    company.entity("managers", "manager_name")
    company.file("managers.csv", "manager_name\nAnna\n")
    company.entity("deals", "deal_id stage opened_at closed_at amount manager_name")
    company.file(
        "deals.csv",
        "deal_id,stage,opened_at,closed_at,amount,manager_name\n"
        "D1,won,2026-01-01,2026-03-02,5,Anna\n",
    )
    sheet = company.directory / "targets" / "goals.csv"
    sheet.parent.mkdir(parents=True)
    sheet.write_text(
        "goal_id,title,rationale,kpi_code,scope_type,period_start,target_value,approved_by\n"
        "G,Sell to ivan@hidden.ru,ask +7 999 123-45-67,booked_revenue,company,2026-03,5,"
        "Boss@hidden.ru\n"
        "X,Win ivan@hidden.ru,,nothing,company,2026-03,5,boss@hidden.ru\n"
    )
    bonus = company.directory / "bonus"
    bonus.mkdir()
    (bonus / "p.yml").write_text(
        "plan: p\ncurrency: RUB\nperiod: month\nversions:\n  - from: 2026-01-01\n"
        "    components:\n"
        "      - {kpi: booked_revenue, quota: 1000, tiers: [{from_pct: 0, rate: 0.1}]}\n"
    )
    (bonus / "assignments.csv").write_text("manager_id,plan,from\nGhost@hidden.ru,p,2026-03-01\n")
    told = company.run()
    for needle in ("ivan@", "boss@", "ghost@", "123-45-67"):
        assert clear_values(told, needle) == []
    ((title, reason, approved),) = told.rows(
        "select title, rationale, approved_by from marts.targets"
    )
    assert (title, reason) == ("Sell to ***", "ask ***")
    assert approved.startswith("b***@hidden.ru #")
    ((who, name, why),) = told.rows(
        "select manager_id, manager_name, reason from marts.bonus_statements"
    )
    assert who == name and who.startswith("g***@hidden.ru #")
    assert "no manager ***" in why
