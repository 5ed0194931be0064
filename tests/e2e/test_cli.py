"""The command line as a person types it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from dagster_project.configuration import COUNTRIES
from dagster_project.templates import make_workspace
from tests.command import kpi

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def firm(tmp_path_factory) -> Path:
    """A workspace as `kpi init` made it on 15 March 2026, run once through Dagster."""
    directory = make_workspace(
        tmp_path_factory.mktemp("cli") / "моя фирма", "en", date(2026, 3, 15)
    )
    command = [sys.executable, "-m", "dagster_project.cli", "run", "--workspace", str(directory)]
    done = subprocess.run(
        [*command, "--as-of", "2026-03-15"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Gates passed: 3/3" in done.stdout
    assert str(directory / "published") in done.stdout
    assert f'kpi status --workspace "{directory}"' in done.stdout
    assert "building the models of marts" in done.stderr
    record = directory / "warehouse" / "dagster"
    assert not list(record.rglob("*-wal"))  # a log of 4 MB that each run would leave for ever
    return directory


def test_help_teaches():
    told = kpi("--help")
    assert told.returncode == 0
    for verb in ("init", "run", "check", "status", "explain", "docs", "ui"):
        assert verb in told.stdout
    assert "--known-by" in kpi("run", "--help").stdout


def test_the_templates_compute_what_their_rows_say(firm):
    import duckdb

    with duckdb.connect(str(firm / "published" / "kpi.duckdb"), read_only=True) as release:
        months = release.execute(
            "select booked_revenue, won_deals, win_rate, new_leads, spend, cac from "
            "marts.kpi_company where period_grain = 'month' order by period_start"
        ).fetchall()
    # January: D-1 won for 1200, 3 leads, 180 spent, one new customer; February: D-3 won, D-2 lost
    assert months[0] == (1200, 1, 1, 3, 180, 180)
    assert months[1] == (455.5, 1, 0.5, 2, 215.4, 215.4)


def test_nothing_new_ends_before_anything_heavy_is_imported(firm):
    code = (
        "import sys\n"
        "sys.argv = ['kpi', 'run', '--json', '-w', sys.argv[1], '--as-of', '2026-03-15']\n"
        "from dagster_project.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n"
        "    heavy = {'dagster', 'dbt', 'great_expectations'} & set(sys.modules)\n"
        "    sys.exit(end.code or (9 if heavy else 0))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(firm)], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["nothing_new"] is True


def test_status_names_files_and_freshness(firm):
    told = kpi("status", "-w", str(firm))
    assert told.returncode == 0, told.stderr
    assert "raw/crm/deals.csv" in told.stdout
    assert "freshness" in told.stdout
    answer = json.loads(kpi("status", "-w", str(firm), "--json").stdout)
    assert answer["runs"][0]["status"] == "published"


def test_explain_goes_down_to_file_and_line(firm):
    arguments = ("explain", "win_rate", "--scope", "manager=Ann Peters", "--period", "2026")
    told = kpi(*arguments, "-w", str(firm))
    assert told.returncode == 0, told.stderr
    assert "won / (won + lost)" in told.stdout
    assert "raw/crm/deals.csv" in told.stdout
    arguments = ("explain", "win_rate", "--scope", "manager=ann  PETERS", "--period", "2026")
    answer = json.loads(kpi(*arguments, "-w", str(firm), "--json").stdout)
    lines = {(f["fact_id"], f["_source_row"]) for f in answer["facts"]}
    assert lines == {("crm:D-1", 2), ("crm:D-2", 3)}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("explain", "nope"), ("no KPI `nope`", "one of: booked_revenue")),
        (("explain", "win_rate", "--scope", "manager=X"), ("0 managers called `X`", "Ann Peters")),
        (("explain", "win_rate", "--period", "May"), ("period `May`",)),
        (("run", "--as-of", "31.12.2025"), ("--as-of", "2026-10-31")),
        (("run", "--as-of", "2999-01-01"), ("not here yet",)),
        (("run", "--select", "nonsense_asset"), ("`nonsense_asset`", "group:marts (")),
        (
            (
                "run",
                "--no-such-option",
            ),
            ("No such option",),
        ),
    ],
)
def test_wrong_words_get_a_sentence_and_exit_2(firm, arguments, words):
    told = kpi(*arguments, "-w", str(firm))
    assert told.returncode == 2, told.stdout + told.stderr
    for word in words:
        assert word in told.stderr
    assert "Traceback" not in told.stderr


def test_settings_are_checked_before_anything_is_read(tmp_path):
    assert kpi("run", "-w", str(tmp_path)).returncode == 2
    kpi("init", str(tmp_path / "w"), "--language", "en")
    path = tmp_path / "w" / "workspace.yml"
    good = path.read_text(encoding="utf-8")
    for wrong, word in (
        (good.replace("low_sample_below", "low_sampel_below"), "low_sampel_below"),
        (good.replace("stage: Stage", "stages: Stage"), "unknown column `stages` of deals"),
        (good.replace("          deal_id: Number\n", "", 1), "deals need it"),
        (good + "company: Twice\n", "stands twice"),
        (good.replace("Europe/London", "Europe/Londn"), "Europe/Londn"),
        (good.replace("USD", "usd"), "reporting_currency"),
        (good.replace("{adwords: Google Ads}", "[adwords]"), "aliases.channel"),
        (good.replace("{adwords: Google Ads}", "Google Ads"), "aliases.channel"),
        (good.replace("country: GB", "country: ZZ"), "`country`"),
        (good.replace("deals*.csv", 'deals*.csv"\n        delimiter: "||'), "deals.delimiter"),
        (good + "? [a, b]\n: c\n", "a key that is a list"),
        (good.replace("as_of: null", "as_of: 2026-02-31"), "`2026-02-31`"),
        (good + "  history_start: 2999-01-01\n", "settings.history_start"),
        (good + "  history_start: 0001-01-01\n", "a day from 1900-01-01"),
        (good + "  fx_max_age_days: 99999999\n", "settings.fx_max_age_days"),
        (good.replace("Europe/London", "localtime"), "`localtime` is no time zone"),
        (good.replace("{adwords: Google Ads}", "{adwords: [Google]}"), "not a list"),
        (good.replace("deals*.csv", 'deals*.csv"\n        encoding: "klingon'), "deals.encoding"),
        (good.replace("system: files", 'system: files\n    currency: ""', 1), "no ISO code"),
        (good.replace("system: files", "system: files\n    path: ../w/../x", 1), "crm.path"),
        (good.replace("system: files", "system: files\n    path: state", 1), "sources.crm.path"),
        (
            good.replace(
                "outcome: lost}", 'outcome: lost}\n  - {stage: "lost ", outcome: won}', 1
            ).replace("source: crm, pipeline", "pipeline"),
            "two rules for `lost ` that differ: outcome: lost and outcome: won",
        ),
        (good + "  memory_limit: 1KB\n", "settings.memory_limit"),
        (good + "  memory_limit: 100MiB\n", "settings.memory_limit"),
        (good + "  sla_minutes: true\n", "`settings.sla_minutes`: must be a number"),
        (good + "  pace_ahead: .inf\n", "settings.pace_ahead"),
        (good + "  pace_at_risk: 2.0\n", "pace_at_risk (2.0)"),
        (good.replace("start_month: 1", "start_month: true"), "must be a number, not yes or no"),
        (good.replace("deal_id: Number", "deal_id: yes", 1), "columns.deal_id"),
        (good.replace("system: files", "system: files\n    path: ../x", 1), "sources.crm.path"),
        (good.replace("system: files", "system: files\n    path: /srv/x", 1), "sources.crm.path"),
    ):
        assert wrong != good
        path.write_text(wrong, encoding="utf-8")
        told = kpi("run", "-w", str(path.parent))
        assert told.returncode == 2, word
        assert word in told.stderr
        assert "workspace.yml" in told.stderr
        assert "Traceback" not in told.stderr
    (tmp_path / "elsewhere").mkdir()
    (path.parent / "raw" / "linked").symlink_to(tmp_path / "elsewhere")
    linked = good.replace("system: files", "system: files\n    path: raw/linked", 1)
    path.write_text(linked, encoding="utf-8")
    told = kpi("run", "-w", str(path.parent))
    assert (told.returncode, str(tmp_path / "elsewhere") in told.stderr) == (2, True)
    assert not (path.parent / "warehouse").exists()


def test_the_countries_are_those_whose_holidays_the_library_knows():
    import holidays

    codes = set(holidays.list_supported_countries(include_aliases=True))
    assert {code for code in codes if len(code) == 2} == COUNTRIES


@pytest.mark.parametrize("name", ["w q?x", "w pct%41", b"w \xcc\xe0"])
def test_a_path_that_no_run_can_use_is_refused_before_anything_is_written(tmp_path, name):
    folder = tmp_path / os.fsdecode(name)
    made = kpi("init", str(folder))
    assert made.returncode == 2, made.stderr
    assert not list(tmp_path.iterdir())
    folder.mkdir()
    (folder / "workspace.yml").write_text("company: X\n")
    for verb in ("run", "check", "ui"):
        told = kpi(verb, "-w", str(folder))
        assert told.returncode == 2, told.stderr
        assert "rename or move the folder" in told.stderr
    assert list(tmp_path.iterdir()) == [folder]
    assert len(list(folder.iterdir())) == 1


def test_files_and_rows_left_out_give_4_as_long_as_they_are_published(firm, tmp_path):
    company = tmp_path / "firm"
    shutil.copytree(firm, company, symlinks=True)
    deals = company / "raw" / "crm" / "deals.csv"
    text = deals.read_text(encoding="utf-8")
    last = text.splitlines()[-1].split(",")
    bad = ",".join(["D-bad", *last[1:]]).replace(last[4], "oops")
    deals.write_text(text + bad + "\n", encoding="utf-8")
    settings = company / "workspace.yml"
    more = "  row_error_limit: 1.0\n"
    settings.write_text(settings.read_text(encoding="utf-8") + more, encoding="utf-8")
    arguments = ("run", "-w", str(company), "--as-of", "2026-03-18")
    (deals.parent / "deals.csv.gz").write_bytes(b"\x1f\x8b")
    plain, again = kpi(*arguments), kpi(*arguments)
    for told in (plain, again):
        assert told.returncode == 0, told.stderr
        assert "left out: raw/crm/deals.csv.gz: no pattern under `files:` names it" in told.stderr
        assert told.stderr.count("left out:") == 1
    assert again.stdout.startswith("nothing new: ")
    strict = kpi(*arguments, "--strict", "--json")
    assert strict.returncode == 4, strict.stderr
    assert json.loads(strict.stdout)["nothing_new"] is True
    assert "1 rows are in ops.quarantine" in strict.stderr

    more = "  tolerate_rejected_files: true\n"
    settings.write_text(settings.read_text(encoding="utf-8") + more, encoding="utf-8")
    (deals.parent / os.fsdecode(b"deals_\xcc\xe0\xe9.csv")).write_text(text, encoding="utf-8")
    (deals.parent / f"deals {'я' * 118}.csv").write_bytes(b"Number\n")
    (deals.parent / f"deals {'я' * 117}.csv").write_bytes(b"Stage\n")
    first, second = kpi(*arguments), kpi(*arguments, "--json")
    assert json.loads(second.stdout)["nothing_new"] is True
    for told in (first, second):
        assert told.returncode == 4, told.stderr
        assert r"rejected: raw/crm/deals_\xcc\xe0\xe9.csv: found: a name" in told.stderr
        assert "rename it" in told.stderr
        assert told.stderr.count("rejected:") == 3
    reasons = [path.name for path in (company / "quarantine").iterdir()]
    assert len(reasons) == 3
    assert r"raw__crm__deals_\xcc\xe0\xe9.csv.deals.txt" in reasons


def test_init_does_not_write_into_a_folder_that_holds_something(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    told = kpi("init", str(tmp_path))
    assert told.returncode == 2
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_explain_speaks_one_language(firm):
    asked = ["explain", "won_deals", "--period", "2026-01", "-w", str(firm)]
    assert "month of 2026-01-01" in kpi(*asked).stdout
    settings = firm / "workspace.yml"
    before = settings.read_text(encoding="utf-8")
    settings.write_text(before.replace("language: en", "language: ru"), encoding="utf-8")
    told = kpi(*asked).stdout
    settings.write_text(before, encoding="utf-8")
    assert "месяц с 2026-01-01" in told
    assert not {"cases", "few", "numerator", "month"} & set(told.replace(":", " ").split())


def test_explain_says_when_a_figure_is_known(firm):
    # as of 15 March 2026, no lead of the month is 60 days old
    told = kpi("explain", "lead_conversion_window", "--period", "2026-03", "-w", str(firm))
    assert "known only where: the whole period is 60 days old" in told.stdout
    told = kpi("explain", "lead_conversion", "--period", "2026-03", "-w", str(firm))
    assert "known only where" not in told.stdout


def test_a_demonstration_company_elsewhere_has_its_settings(tmp_path):
    directory = tmp_path / "a demo"
    told = kpi("demo", str(directory))
    assert f'kpi run --workspace "{directory}"' in told.stdout
    assert "as_of: 2026-10-20" in (directory / "workspace.yml").read_text(encoding="utf-8")
    assert kpi("demo", str(directory)).returncode == 0  # its own files it may write anew


def test_a_demonstration_company_is_not_written_among_the_files_of_another(tmp_path):
    directory = tmp_path / "firm"
    kpi("init", str(directory))
    sellers = (directory / "raw/crm/managers.csv").read_bytes()  # the demo has a file of this name
    before = sorted(path for path in directory.rglob("*"))
    told = kpi("demo", str(directory))
    assert told.returncode == 2
    assert "nothing was written" in told.stderr
    assert sorted(path for path in directory.rglob("*")) == before
    assert (directory / "raw/crm/managers.csv").read_bytes() == sellers


def test_before_the_first_run_each_verb_says_what_to_do(tmp_path):
    directory = tmp_path / "firm"
    assert f"kpi run --workspace {directory}" in kpi("init", str(directory)).stdout
    # the newest row of the templates, what was spent on the 28th, is of the last complete month
    last_month = (date.today().replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    assert f"{last_month}-28," in (directory / "raw/ads/spend.csv").read_text(encoding="utf-8")
    where = ["--workspace", str(directory)]
    assert f"kpi run --workspace {directory}" in kpi("status", *where).stdout
    assert json.loads(kpi("status", *where, "--json").stdout) is None
    died = kpi("run", *where, KPI_DIE_AT="landed")
    assert died.returncode == -9
    for arguments in (["check"], ["run", "--select", "group:pay"]):
        told = kpi(*arguments, *where, "--json")
        assert json.loads(told.stdout) == {"exit_code": 2, "error": told.stderr.rstrip()}
        assert "nothing that was loaded" in told.stderr
        assert "Traceback" not in told.stderr
        assert told.returncode == 2


def test_a_refusing_gate_exits_3_through_dagster_and_publishes_nothing(firm):
    deals = firm / "raw" / "crm" / "deals_2.csv"
    text = (firm / "raw" / "crm" / "deals.csv").read_text(encoding="utf-8")
    deals.write_text(
        text.replace("In progress", "Negotiation").replace("D-", "E-"), encoding="utf-8"
    )
    before = (firm / "published").resolve()
    told = kpi("run", "-w", str(firm), "--as-of", "2026-03-16", "--json")
    checked = kpi("check", "-w", str(firm), "--json")
    deals.unlink()
    answer = json.loads(told.stdout)
    assert (told.returncode, answer["exit_code"]) == (3, 3), told.stderr
    assert answer["error"] == told.stderr.rstrip()
    assert checked.returncode == 3
    gates = {gate["gate"]: gate["failed"] for gate in json.loads(checked.stdout)}
    assert gates["refined"] == ["unmapped_stage"]
    assert "unmapped_stage" in told.stderr
    assert 'stage: "Negotiation"' in told.stderr
    assert (firm / "published").resolve() == before


def test_check_runs_the_gates_anew(firm):
    kpi("run", "-w", str(firm), "--as-of", "2026-03-17")
    told = kpi("check", "-w", str(firm))
    assert told.returncode == 0, told.stderr
    assert told.stdout.count("passed") == 3
    assert (firm / "reports" / "data_docs" / "index.html").exists()
    sources = kpi("check", "--sources", "-w", str(firm))
    assert "2026-01" in sources.stdout
