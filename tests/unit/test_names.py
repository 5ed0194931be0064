"""Names that people write are compared as the models compare those that systems deliver."""

from __future__ import annotations

import duckdb
import pytest

from dagster_project.names import match_name
from tests.unit.test_spellings import in_sql


@pytest.mark.parametrize(
    "name",
    ["Алёна  Фёдорова", "АЛЕНА ФЕДОРОВА", " алена\u00a0федорова\t", "Ann O'Neil", "Ёж", "x", "ß"],
)
def test_a_name_is_compared_as_the_models_compare_it(name):
    with duckdb.connect() as connection:
        (told,) = connection.execute(
            f"select {in_sql('as_match_name', 'name')} from (select ? as name)", [name]
        ).fetchone()
    assert match_name(name) == told


def test_one_person_is_one_name():
    assert match_name("Алёна  Фёдорова") == match_name(" АЛЕНА Федорова") == "алена федорова"
