"""A phone is one number however it is written; SQL and the numbering plans agree on it."""

from __future__ import annotations

import re

import duckdb
import pytest
from jinja2 import Template

from dagster_project.phones import phone_digits, register
from dagster_project.settings import project_root


@pytest.mark.parametrize(
    ("written", "country", "digits"),
    [
        ("+7 999 123-45-67", "RU", "79991234567"),
        ("8 (999) 123-45-67", "RU", "79991234567"),
        ("9991234567", "RU", "79991234567"),
        ("tel:+79991234567", "RU", "79991234567"),
        ("+7 (999) 123-45-67 (Анна)", "RU", "79991234567"),
        ("+7 999 123-45-67, +7 999 765-43-21", "RU", "79991234567"),
        ("8 (495) 123-45-67 доб. 12", "RU", "7495123456712"),
        ("+7 495 123-45-67 ext 12", "RU", "7495123456712"),
        ("+44 (0)20 7946 0958", "RU", "442079460958"),
        ("+44 20 7946 0958", "RU", "442079460958"),
        ("8 10 49 151 12345678", "RU", "4915112345678"),
        ("0049 151 12345678", "RU", "4915112345678"),
        ("4915112345678", "RU", "4915112345678"),
        ("0151 12345678", "DE", "4915112345678"),
        ("+84 28 3822 1234", "RU", "842838221234"),
        ("(212) 555-0123", "US", "12125550123"),
        ("+1 212 555 0123", "US", "12125550123"),
        ("+1 212-555-0123 x55", "US", "1212555012355"),
        ("8 999 123 45 67", None, "79991234567"),
        ("12345", "RU", "12345"),
        ("нет", "RU", None),
        ("1-800-X", "RU", None),
        ("+7 000 000-00-00", "RU", None),
        ("0000000", "RU", None),
        ("", "RU", None),
        (None, "RU", None),
    ],
)
def test_a_written_phone_is_these_digits(written, country, digits):
    """Expected by the plans: country code, the area without trunk signs, number, extension."""
    assert phone_digits(written, country) == digits
    assert in_sql(written, country) == digits


def in_sql(written: str | None, country: str | None) -> str | None:
    text = (project_root() / "dbt" / "macros" / "engine.sql").read_text(encoding="utf-8")
    body = re.search(
        r"macro duckdb__as_phone_digits\(value\) -%}(.*?){%- endmacro", text, re.DOTALL
    )
    with duckdb.connect() as connection:
        register(connection)
        value = "nullif(written, '')"
        (told,) = connection.execute(
            f"select {Template(body[1]).render(value=value)} from "
            "(select cast(? as varchar) as written, cast(? as varchar) as company_country)",
            [written, country],
        ).fetchone()
    return told
