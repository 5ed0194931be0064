"""The extra `pull`: what is said without it, and that nothing else needs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dagster_project import cli
from tests.pull.conftest import HAS_EXTRA


@pytest.mark.skipif(not HAS_EXTRA, reason="the extra `pull` is not here: its tests are left out")
def test_the_extra_is_here_and_its_tests_run():
    assert (HAS_EXTRA, cli.__name__) == (True, "dagster_project.cli")


@pytest.mark.parametrize("library", ["httpx", "tenacity"])
def test_without_the_extra_the_verb_says_how_to_install_it(tmp_path, monkeypatch, capsys, library):
    for name in [n for n in sys.modules if n.startswith(("dagster_project.pull", library))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    (tmp_path / "workspace.yml").write_text(
        "company: Test\nreporting_currency: RUB\ntimezone: Europe/Moscow\n"
        "sources: {crm: {system: hubspot, pull: {}}}\n"
    )
    monkeypatch.setattr(sys, "argv", ["kpi", "pull", "crm", "-w", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert 'pip install "sales-kpi-warehouse[pull]"' in capsys.readouterr().err


def test_no_other_verb_imports_the_libraries_of_the_extra(tmp_path):
    script = (
        "import sys; import dagster_project.cli, dagster_project.session, dagster_project.settings;"
        "import dagster_project.ingest.run;"
        "print([m for m in ('httpx', 'tenacity', 'keyring') if m in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"
