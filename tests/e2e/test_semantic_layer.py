"""MetricFlow, asked over a release of the demonstration company, answers what ``kpi_values`` tells.

MetricFlow adds up single facts; ``kpi_values`` is computed by the engine from sums by day and
scope. They share the facts and the measures, not the way. MetricFlow stands in an environment of
its own: ``make metrics-test`` makes it and runs this file.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

import pytest
import yaml

from dagster_project.settings import project_root

pytestmark = pytest.mark.e2e
ROOT = project_root()
METRICFLOW = ROOT / ".venv" / "metrics" / "bin"
SCRIPT = ROOT / "tests" / "fixtures" / "metricflow_answers.py"
SCOPES = ("company", "team", "manager", "channel", "strategy", "partner")
CELLS = [(scope, grain) for scope in SCOPES for grain in ("month", "quarter", "year")]
CELLS += [("company", "week"), ("manager", "week"), ("company", "day")]

needs_metricflow = pytest.mark.skipif(
    not METRICFLOW.exists(), reason="MetricFlow is not installed: make metrics-test"
)


def kpi_metrics() -> list[dict]:
    path = ROOT / "dbt" / "semantic" / "models" / "metrics.yml"
    metrics = yaml.safe_load(path.read_text(encoding="utf-8"))["metrics"]
    return [metric for metric in metrics if "kpi_code" in metric["config"]["meta"]]


class Layer:
    """The semantic layer over one release."""

    def __init__(self, project: Path, release: Path) -> None:
        self.project = project
        self.environment = dict(
            os.environ,
            KPI_PUBLISHED_FILE=str(release),
            KPI_SEMANTIC_FILE=str(project / "semantic.duckdb"),
            DO_NOT_TRACK="1",
        )

    def call(self, *arguments: str | Path) -> None:
        done = subprocess.run(
            [str(a) for a in arguments],
            cwd=self.project, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    def ask(self, queries: list[dict]) -> list[list[dict]]:
        asked, told = self.project / "queries.json", self.project / "answers.json"
        asked.write_text(json.dumps(queries), encoding="utf-8")
        self.call(METRICFLOW / "python", SCRIPT, self.project, asked, told)
        return json.loads(told.read_text(encoding="utf-8"))


def layer_over(release: Path, directory: Path) -> Layer:
    project = directory / "semantic"
    shutil.copytree(
        ROOT / "dbt" / "semantic", project, ignore=shutil.ignore_patterns("target", "logs")
    )
    made = Layer(project, release)
    made.call(METRICFLOW / "dbt", "run", "--profiles-dir", ".", "--project-dir", ".")
    return made


@pytest.fixture(scope="module")
def layer(demo, tmp_path_factory) -> Layer:
    return layer_over(demo.file, tmp_path_factory.mktemp("metrics"))


@pytest.fixture(scope="module")
def answers(layer) -> dict[tuple, dict[tuple, float | None]]:
    """(scope, grain) -> (KPI, scope id, first day) -> what MetricFlow says of every metric."""
    queries, cells = [], []
    for scope, grain in CELLS:
        metrics = {
            metric["name"]: metric["config"]["meta"]["kpi_code"]
            for metric in kpi_metrics()
            if scope in metric["config"]["meta"]["scopes"]
            and grain in metric["config"]["meta"]["grains"]
        }
        group_by = [f"metric_time__{grain}", *([] if scope == "company" else [scope])]
        queries.append({"metrics": list(metrics), "group_by": group_by})
        cells.append((scope, grain, metrics))
    found: dict[tuple, dict[tuple, float | None]] = {}
    for (scope, grain, metrics), rows in zip(cells, layer.ask(queries), strict=True):
        told = found[scope, grain] = {}
        for row in rows:
            scope_id = "all" if scope == "company" else row[scope]
            for name, code in metrics.items():
                value = row[name]
                start = row[f"metric_time__{grain}"][:10]
                told[code, scope_id, start] = None if value is None else float(value)
    return found


def published(demo, scope: str, grain: str) -> dict[tuple, float | None]:
    rows = demo.rows(
        "select kpi_code, scope_id, cast(period_start as varchar), value from marts.kpi_values "
        "where scope_type = ? and period_grain = ?",
        [scope, grain],
    )
    return {row[:3]: row[3] for row in rows}


def is_same(told: float | None, value: float | None, aggregation: str) -> bool:
    """Hold two figures together; sums are published to four places, MetricFlow keeps them whole."""
    if told is None or value is None:
        return told is value
    rounding = 0 if aggregation in ("ratio", "distribution") else 0.00005
    return abs(told - value) <= rounding + 1e-9 * max(1, abs(value))


@needs_metricflow
@pytest.mark.parametrize(("scope", "grain"), CELLS)
def test_metricflow_answers_what_kpi_values_tells(demo, answers, scope, grain):
    aggregations = dict(demo.rows("select kpi_code, aggregation from marts.dim_kpi"))
    told, known = answers[scope, grain], published(demo, scope, grain)
    codes = {code for code, *_ in told}
    differing = []
    for key in set(told) | {key for key in known if key[0] in codes}:
        if key not in told:  # no fact at all: MetricFlow has no row where kpi_values is dense
            is_good = known[key] in (0, None)
        elif key[1] is None:  # facts without a partner, or the calendar's own row: not a scope
            is_good = scope == "partner" or not told[key]
        elif key not in known:  # a period in which the scope is owed no row
            is_good = not told[key]
        elif told[key] is None and known[key] == 0:
            # a row of other metrics: these facts say nothing here, so that a sum is not told
            is_good = aggregations[key[0]] in ("additive", "semi_additive")
        else:
            is_good = is_same(told[key], known[key], aggregations[key[0]])
        if not is_good:
            differing.append((key, told.get(key), known.get(key)))
    assert differing == []
    assert codes


@needs_metricflow
def test_most_kpis_are_compared_by_figures_that_are_there_in_three_scopes_and_more(demo, answers):
    compared: dict[str, Counter] = defaultdict(Counter)
    for (scope, grain), told in answers.items():
        known = published(demo, scope, grain)
        for key, value in told.items():
            if value and known.get(key):
                compared[key[0]][scope] += 1
    told_once = {metric["config"]["meta"]["kpi_code"] for metric in kpi_metrics()}
    assert set(compared) == told_once
    in_three = {code for code, scopes in compared.items() if len(scopes) >= 3}
    companywide = {"spend", "cpl", "cac", "cac_cohort", "ltv"}  # company and channel alone
    assert told_once - in_three == companywide
    print(f"\n{len(in_three)} KPIs x {sum(map(len, compared.values()))} pairs with a scope:")
    print(f"{sum(sum(c.values()) for c in compared.values()):,} figures that are not 0 or NULL")


@needs_metricflow
def test_metricflow_answers_groupings_that_kpi_values_does_not_have(layer, answers):
    """A manager's channels add up to the manager; rates of them are sums over sums."""
    metrics = ["won_deals", "part_eligible_wins", "part_eligible_closes", "win_rate"]
    (rows,) = layer.ask(
        [{"metrics": metrics, "group_by": ["metric_time__year", "manager", "channel"]}]
    )
    wins: dict[tuple, float] = defaultdict(float)
    for row in rows:
        wins[row["manager"], row["metric_time__year"][:10]] += float(row["won_deals"] or 0)
        closes = float(row["part_eligible_closes"] or 0)
        expected = float(row["part_eligible_wins"] or 0) / closes if closes else None
        assert row["win_rate"] is None if expected is None else row["win_rate"] == expected
    for (code, manager, start), value in answers["manager", "year"].items():
        if code == "won_deals" and manager:
            assert wins[manager, start] == value
    assert len(rows) > 50


@needs_metricflow
def test_a_kpi_without_its_input_has_no_answer_not_a_zero(company, tmp_path):
    """No stage is a loss, nobody delivers payments: a rate would be 100 %, money paid 0."""
    company.settings["stages"] = [
        stage for stage in company.settings["stages"] if stage["outcome"] != "lost"
    ]
    company.entity("deals", "deal_id stage opened_at closed_at amount")
    company.file(
        "deals.csv",
        "deal_id,stage,opened_at,closed_at,amount\n"
        "d1,won,2026-01-10 10:00:00,2026-01-20 10:00:00,100\n"
        "d2,won,2026-01-10 10:00:00,2026-01-21 10:00:00,50\n",
    )
    published = company.run()
    unavailable = {
        row[0]
        for row in published.rows("select kpi_code from marts.dim_kpi where not is_available")
    }
    assert {"win_rate", "paid_revenue", "mrr", "new_leads"} <= unavailable
    metrics = ["booked_revenue", "won_deals", "win_rate", "paid_revenue", "new_leads"]
    metrics += ["part_eligible_wins", "part_eligible_closes"]
    (rows,) = layer_over(published.file, tmp_path).ask(
        [{"metrics": metrics, "group_by": ["metric_time__year"]}]
    )
    (row,) = rows
    assert (float(row["booked_revenue"]), float(row["won_deals"])) == (150, 2)
    assert [row["win_rate"], row["paid_revenue"], row["new_leads"]] == [None, None, None]
    assert float(row["part_eligible_wins"]) == float(row["part_eligible_closes"]) == 2
