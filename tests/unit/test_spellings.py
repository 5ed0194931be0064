"""Numbers and times as people spell them: read alike by ingestion and by staging, or refused."""

from __future__ import annotations

import json
import random
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace

import duckdb
import openpyxl
import pytest
from jinja2 import Environment

from dagster_project.ingest.formats import parsed_time
from dagster_project.ingest.money import sum_of
from dagster_project.settings import project_root
from tests.unit.conftest import HEADER, code_of


def test_order_of_day_and_month_is_read_off_the_whole_column(landing):
    landed, _, _ = landing(HEADER + "d1,won,1,05.06.2026\nd2,won,1,25.06.2026\n")
    assert landed.orders["opened_at"] == "dmy"
    assert landed.last_event_on == "2026-06-25"
    landed, _, _ = landing(HEADER + "d1,won,1,06/25/2026\nd2,won,1,06/05/2026\n", "b.csv")
    assert landed.orders["opened_at"] == "mdy"
    text = HEADER + "d1,won,1,05.06.2026\n"
    assert code_of(landing, text, "c.csv") == "undecidable_date_order"
    landed, _, _ = landing(text, "d.csv", date_order="dmy")
    assert landed.orders["opened_at"] == "dmy"
    mixed = HEADER + "d1,won,1,25.06.2026\nd2,won,1,06.25.2026\n"
    assert code_of(landing, mixed, "e.csv") == "mixed_date_order"


def test_the_decimal_sign_is_read_off_the_whole_column(landing):
    text = HEADER.replace(",", ";") + "d1;won;1 234,50 руб.;2026-01-01\nd2;won;(10,00);2026-01-01\n"
    landed, _, _ = landing(text)
    assert (landed.decimals["amount"], landed.amount_seen) == (",", "1224.5000")
    undecided = HEADER.replace(",", ";") + "d1;won;1,234;2026-01-01\n"
    assert code_of(landing, undecided, "b.csv") == "undecidable_decimal"
    mixed = HEADER.replace(",", ";") + "d1;won;1.234,56;2026-01-01\nd2;won;10.50;2026-01-01\n"
    assert code_of(landing, mixed, "c.csv") == "mixed_decimal"
    landed, _, _ = landing(mixed, "d.csv", decimal=".")
    assert landed.amount_seen == "10.5000"


@pytest.mark.parametrize("values", ["1.500 12.000", "1.500 500", "-1.500"])
def test_a_point_before_three_digits_may_divide_thousands(landing, values):
    def table(written):
        return HEADER + "".join(f"d{n},won,{v},2026-01-01\n" for n, v in enumerate(written))

    text = table(values.split())
    assert code_of(landing, text) == "undecidable_decimal"
    landed, _, _ = landing(text, "point.csv", decimal=".")
    assert landed.decimals["amount"] == "."
    landed, _, _ = landing(text.replace("-", ""), "comma.csv", decimal=",")
    assert landed.decimals["amount"] == ","
    for number, decisive in enumerate(("10.50", "0.500", "1234.500")):
        landed, _, _ = landing(table([*values.split(), decisive]), f"decided_{number}.csv")
        assert landed.decimals["amount"] == "."
    landed, _, _ = landing(table([*values.split(), "1.234.500"]), "thousands.csv")
    assert landed.decimals["amount"] == ","


def test_numbers_kept_as_numbers_have_a_decimal_point(landing, tmp_path):
    record = {"Номер": "d1", "Этап": "won", "Сумма": 1.125, "Дата": "2026-01-01"}
    landed, _, _ = landing(json.dumps([record], ensure_ascii=False), "deals.json")
    assert landed.amount_seen == "1.1250"
    book = openpyxl.Workbook()
    book.active.append(list(record))
    book.active.append(list(record.values()))
    book.save(tmp_path / "made.xlsx")
    landed, _, _ = landing((tmp_path / "made.xlsx").read_bytes(), "deals.xlsx")
    assert landed.amount_seen == "1.1250"
    text = "deal,manager,share\nd1,m1,1.000\n"
    columns = {"deal_id": "deal", "manager_id": "manager", "share": "share"}
    landed, _, _ = landing(text, "splits.csv", entity="deal_splits", columns=columns)
    assert landed.decimals["share"] == "."


def in_sql(macro: str, *arguments: str) -> str:
    """Return an expression of the macros that staging is made with."""
    adapter = SimpleNamespace(dispatch=lambda name: getattr(macros, f"duckdb__{name}"))
    text = (project_root() / "dbt" / "macros" / "engine.sql").read_text(encoding="utf-8")
    spelled = {"adapter": adapter, "return": lambda value: value}
    macros = Environment(autoescape=False).from_string(text).make_module(spelled)
    return getattr(macros, macro)(*arguments)


NUMBERS = [
    ("99999999999999.9999", ".", "99999999999999.9999"),
    ("99999999999999.99995", ".", None),
    ("999999999999999.99", ".", None),
    ("99999999999999999999", ".", None),
    ("9" * 40, ".", None),
    ("1e15", ".", None),
    ("1e3", ".", "1000"),
    ("1e3", ",", None),
    ("０１２", ".", None),
    ("١٢", ",", None),
    ("99 999 999 999 999,9999", ",", "99999999999999.9999"),
    ("12 345 678 901 234,5678 руб.", ",", "12345678901234.5678"),
    ("100 000 000 000 000", ",", None),
    ("1\u2009234", ".", None),
    ("1\u00a0234,50 ₽", ",", "1234.5"),
    ("\u00a0.5", ".", "0.5"),
    ("1.5,", ".", "1.5"),
    ("($1,234.50)", ".", "-1234.5"),
    ("12,5 %", ",", None),
    ("10%", ".", None),
    ("1 234,00005", ",", "1234.0001"),
    ("45k", ".", None),
    *((text, ".", None) for text in ["7x", "x7", "~7", "7*", "7?", "№ 7", "7²", "$$7", "5 ч"]),
    *((text, ".", "7") for text in ["7р", "7 Р.", "R 7", "'7", "US$7", "$CA 7", "€\u00a07"]),
    ("7 元", ".", "7"),
    ("7 zł", ",", "7"),
    # thousands stand in threes, brackets in pairs, one sign: 12,5 is no 125, nor is (12 a 12
    *[(text, ".", None) for text in ("12,5", "1,23 €", "1 2 3", "1234 567 ₽", "1.234,5")],
    *[(text, ",", None) for text in ("10.50", "1.2.3", "05.01.2026", "1,5,5", "1 234.5", "12.5")],
    *[(text, ".", None) for text in ("(12", "12)", "-(12)", "(-12)", "--5", "5-", "0x1F", "nan")],
    ("1.234.567,8 €", ",", "1234567.8"),
    ("1.234", ",", "1234"),
    ("12,34,567.50", ".", "1234567.5"),
    ("1'234'567.5", ".", "1234567.5"),
    ("-$5", ".", "-5"),
]


def test_the_money_that_is_counted_is_the_money_that_is_staged():
    marks = ["1", "23", "000", "9999999", ".", ",", " ", "\u00a0", "-", "−", "%", "(", ")", "$"]
    marks += ["руб.", "'", "e", "k", "\t", "４", "+", "\v", "x", "*", "€", "US", "р", "²", "~"]
    dice = random.Random(5)
    made = [
        ("".join(dice.choices(marks, k=dice.randint(1, 6))), dice.choice(".,")) for _ in range(600)
    ]
    clean = in_sql("as_clean_text", "amount")
    with duckdb.connect() as connection:
        staged = f"select {in_sql('as_number', 'v', 'sign', 'decimal(18, 4)')} from "
        for text, sign, *expected in [*NUMBERS, *made]:
            connection.execute("create or replace table seen as select ? as amount", [text])
            (value,) = connection.execute(
                f"{staged} (select {clean} as v, ? as sign from seen)", [sign]
            ).fetchone()
            if expected:
                told = expected[0]
                assert value == (told and Decimal(told)), text
            assert sum_of(connection, "seen", "amount", sign, 1) == (value or 0), (text, sign)


def test_a_share_may_be_written_in_percent_money_may_not():
    shares = [("12,5 %", ",", "0.125"), ("60%", ".", "0.6"), ("0.6", ".", "0.6")]
    shares += [("0.0006 %", ".", "0.000006"), ("1000000000000 %", ".", None)]
    share = in_sql("as_number", "v", "sign", "decimal(18, 8)", True)
    with duckdb.connect() as connection:
        for text, sign, told in shares:
            ask = f"select {share} from (select ? as v, ? as sign)"
            (value,) = connection.execute(ask, [text, sign]).fetchone()
            assert value == (told and Decimal(told)), text


@pytest.mark.parametrize(
    ("text", "order", "instant"),
    [
        ("01.05.26", "dmy", "2026-05-01"),
        ("12/31/26", "mdy", "2026-12-31"),
        ("31.12.69", "dmy", "1969-12-31"),
        ("31-12-2026", "dmy", "2026-12-31"),
        ("2026/12/31", "ymd", "2026-12-31"),
        ("01.05.026", "dmy", None),
        ("01.05.0026", "dmy", None),
        ("1.5.6", "dmy", None),
        ("26.05.01", "ymd", None),
        ("31.12.1899", "dmy", None),
        ("01.01.1900", "dmy", "1900-01-01"),
        ("1899-12-31", "iso", None),
        ("0026-05-20", "iso", None),
        ("0026-05-20T10:00:00Z", "iso", None),
        ("0026-05-20", "ymd", None),
        ("2026-05-31 22:30:00", "iso", "2026-05-31 22:30"),
        ("2026-05-31T22:30:00Z", "iso", "2026-05-31 22:30"),
        ("2026-05-31 22:30:00 UTC", "iso", "2026-05-31 22:30"),
        ("2026-05-31 22:30:00.5 gmt", "iso", "2026-05-31 22:30:00.500"),
        ("2026-05-31 22:30:00 Utc", "iso", "2026-05-31 22:30"),
        ("2026-05-31 22:30:00+03:00", "iso", "2026-05-31 19:30"),
        ("2026-05-31 22:30:00-0330", "iso", "2026-06-01 02:00"),
        ("2026-05-31 22:30:00 MSK", "iso", None),
        ("2026-05-31 22:30:00 EST", "iso", None),
        ("2026-05-31 22:30:00 Europe/Moscow", "iso", None),
        ("2026-05-31 22:30:00 Etc/GMT+3", "iso", None),
        ("2026-05-31 22:30:00 UTC+3", "iso", None),
        ("2026-05-31 22:30:00 +0000 UTC", "iso", None),
        ("31.05.2026 22:30 UTC", "dmy", None),
        ("1780266600", "iso", "2026-05-31 22:30"),
        ("1780266600000", "iso", "2026-05-31 22:30"),
        ("46173", "iso", "2026-05-31"),
        ("10000", "iso", None),
    ],
)
def test_a_time_is_this_instant_for_ingestion_and_for_staging(text, order, instant):
    expected = datetime.fromisoformat(instant) if instant else None
    assert parsed_time(text, order) == expected
    with duckdb.connect() as connection:
        (found,) = connection.execute(
            f"select {in_sql('as_written_time', 'v', 'o')} from "
            "(select cast(? as varchar) as v, cast(? as varchar) as o)",
            [text, order],
        ).fetchone()
    assert found == expected
