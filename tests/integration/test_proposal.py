"""A folder of exports becomes a workspace whose open questions are marked TODO."""

from __future__ import annotations

from datetime import date

import pytest
import yaml

from dagster_project.errors import WorkspaceError
from dagster_project.proposal import propose_workspace
from tests.conftest import run_all

HEAD = "Номер;Дата создания;Дата закрытия;Этап;Сумма;Ответственный\n"


def test_a_russian_export_runs_as_proposed(tmp_path):
    """By hand: one won deal of 1 234,50 in January; 13 and 25 in first place tell day first."""
    exports = tmp_path / "exports"
    exports.mkdir()
    content = (
        HEAD + "1;13.01.2026;25.01.2026;Успешно;1 234,50 руб.;Анна\n"
        "2;14.01.2026;26.01.2026;Отказ;99,00 руб.;Анна\n"
    )
    (exports / "Сделки.csv").write_bytes(content.encode("cp1251"))
    (exports / "read me.md").write_text("not a table")
    told = propose_workspace(exports, tmp_path / "made")
    assert told.sources == {"books": ["Сделки.csv"]}
    assert told.left_out == {"read me.md": "no table"}
    settings = yaml.safe_load((told.folder / "workspace.yml").read_text(encoding="utf-8"))
    deals = settings["sources"]["books"]["entities"]["deals"]
    assert (deals["date_order"], deals["decimal"]) == ("dmy", ",")
    assert (settings["reporting_currency"], settings["language"]) == ("RUB", "ru")
    assert {rule["stage"]: rule["outcome"] for rule in settings["stages"]} == {
        "Успешно": "won",
        "Отказ": "lost",
    }
    assert (exports / "Сделки.csv").exists()
    published = run_all(told.folder, as_of=date(2026, 3, 31))
    assert float(published.kpi("booked_revenue", "2026-01-01")) == 1234.5


def test_what_a_file_does_not_tell_is_asked_and_not_guessed(tmp_path):
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "Сделки.csv").write_text(HEAD + "1;01.02.2026;03.02.2026;Дожим;1,234;Анна\n")
    told = propose_workspace(exports, tmp_path / "made")
    text = (told.folder / "workspace.yml").read_text(encoding="utf-8")
    settings = yaml.safe_load(text)
    deals = settings["sources"]["books"]["entities"]["deals"]
    assert "date_order" not in deals and "decimal" not in deals
    assert "stages" not in settings
    for question in ("date_order", "decimal", "stage Дожим", "reporting_currency"):
        assert any("# TODO" in line and question in line for line in text.splitlines())


def test_a_known_system_needs_no_mapping(tmp_path):
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "x.csv").write_text(
        "Id,Name,StageName,Amount,CloseDate,CreatedDate,IsWon,IsClosed,OwnerId\n"
        "006000000000001,A,Closed Won,10,2026-01-20,2026-01-01,true,true,005000000000001\n"
    )
    told = propose_workspace(exports, tmp_path / "made")
    assert told.sources == {"salesforce": ["x.csv"]}
    settings = yaml.safe_load((told.folder / "workspace.yml").read_text(encoding="utf-8"))
    assert settings["sources"] == {"salesforce": {"system": "salesforce"}}


def test_a_folder_that_nobody_understands_is_refused_and_nothing_is_written(tmp_path):
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "a.csv").write_text("foo,bar\n1,2\n")
    with pytest.raises(WorkspaceError, match="not understood"):
        propose_workspace(exports, tmp_path / "made")
    assert not (tmp_path / "made").exists()
