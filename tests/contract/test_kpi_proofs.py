"""Every KPI has its proof, and every profile names KPIs that exist where it judges by them."""

from __future__ import annotations

import ast
import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dagster_project.settings import project_root

ROOT = project_root()


def seed(name: str) -> list[dict[str, str]]:
    with (ROOT / "dbt" / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


CASES = {
    "zero": "nothing happened, and the figure is 0",
    "null": "nothing is known, and the figure is absent",
    "midnight": "the last minute of a month in the company's zone, or a day at its very end",
    "reversal": "a reopened deal, a refund",
    "late_file": "a file that comes after the figures were published",
}
TAKEN_BACK = {
    "paid_revenue", "open_pipeline", "weighted_pipeline", "unpaid_won_amount", "cac_cohort", "ltv",
}  # fmt: skip
"""KPIs that a reversal moves although no measure of them is an event of a close."""


@dataclass(frozen=True)
class Mark:
    """One KPI that a test is marked with, and the cases of it that the test shows."""

    code: str
    test: str
    cases: frozenset[str]


def named(tree: ast.Module, name: str) -> list[str]:
    """Return the strings of a tuple, or the keys of a mapping, that a module gives a name."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            items = node.value.keys if isinstance(node.value, ast.Dict) else node.value.elts
            return [ast.literal_eval(item) for item in items]
    raise AssertionError(f"{name} is not given in the module")


def marks_of(path: Path) -> Iterator[Mark]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.kpi":
                told = {word.arg: ast.literal_eval(word.value) for word in mark.keywords}
                for argument in mark.args:
                    codes = (
                        named(tree, ast.unparse(argument.value))
                        if isinstance(argument, ast.Starred)
                        else [ast.literal_eval(argument)]
                    )
                    for code in codes:
                        yield Mark(
                            code, f"{path.name}::{node.name}", frozenset(told.get("cases", []))
                        )


@pytest.fixture(scope="module")
def marks() -> list[Mark]:
    paths = sorted((ROOT / "tests" / "integration").rglob("test_*.py"))
    return [mark for path in paths for mark in marks_of(path)]


@pytest.fixture(scope="module")
def proved(marks) -> dict[str, set[str]]:
    """Return KPI -> tests marked as its worked fixture."""
    found: dict[str, set[str]] = defaultdict(set)
    for mark in marks:
        found[mark.code].add(mark.test)
    return found


def measures_of_wins() -> set[str]:
    """Return the measures that a reopened deal changes: those of closes, but for losses."""
    text = (ROOT / "dbt" / "macros" / "measures.sql").read_text(encoding="utf-8")
    macro = re.search(r"{% macro measures_of_closes\(.*?{% endmacro %}", text, re.DOTALL)[0]
    return {code for code in re.findall(r"'(\w+)'", macro) if "loss" not in code} - {"lost_deals"}


def cases_owed(kpi: dict[str, str]) -> set[str]:
    """Return the cases that have meaning for a KPI."""
    code = kpi["kpi_code"]
    owed = {"zero" if kpi["zero_rule"] == "zero" else "null"}
    owed |= {"null"} if kpi["coverage_measure"] else set()  # unknown where nobody reports
    if kpi["aggregation"] == "composite":
        return owed  # its parts have the others
    owed |= {"midnight", "late_file"}
    is_of_wins = {kpi["numerator_measure"], kpi["denominator_measure"]} & measures_of_wins()
    return owed | ({"reversal"} if is_of_wins or code in TAKEN_BACK else set())


def test_the_fixtures_of_a_kpi_show_every_case_that_has_meaning_for_it(marks):
    shown: dict[str, set[str]] = defaultdict(set)
    for mark in marks:
        shown[mark.code] |= mark.cases
    missing = {
        kpi["kpi_code"]: sorted(cases_owed(kpi) - shown[kpi["kpi_code"]])
        for kpi in seed("kpi_registry")
        if kpi["is_computed"] == "true"
    }
    assert {code: cases for code, cases in missing.items() if cases} == {}


def test_a_case_has_a_known_name(marks):
    assert {case for mark in marks for case in mark.cases} == set(CASES)


def test_every_computed_kpi_has_a_worked_fixture(proved):
    computed = {kpi["kpi_code"] for kpi in seed("kpi_registry") if kpi["is_computed"] == "true"}
    assert sorted(computed - set(proved)) == []


def test_a_fixture_is_marked_with_kpis_that_exist(proved):
    assert sorted(set(proved) - {kpi["kpi_code"] for kpi in seed("kpi_registry")}) == []


def test_a_marked_test_asks_for_the_kpi_it_is_marked_with(proved):
    """Hold the marks against the text: the code stands in the module outside its marks."""
    silent = []
    texts = {p.name: p for p in (ROOT / "tests" / "integration").rglob("test_*.py")}
    for code, tests in proved.items():
        for module in {test.split("::")[0] for test in tests}:
            lines = texts[module].read_text(encoding="utf-8").splitlines()
            body = "\n".join(x for x in lines if not x.startswith("@pytest.mark.kpi("))
            tail = code.partition("_")[2]  # of mrr_new, asked for as f"mrr_{kind}"
            is_told = re.search(rf"""["']{code}["']""", body) or (
                tail and code.startswith("mrr_") and re.search(rf"\b{tail}\b", body)
            )
            if not is_told:
                silent.append((module, code))
    assert silent == []


def test_profiles_judge_by_kpis_that_their_strategy_and_scope_have():
    kpis = {kpi["kpi_code"]: kpi for kpi in seed("kpi_registry")}
    broken = []
    for row in seed("strategy_profiles"):
        kpi = kpis.get(row["kpi_code"])
        if (
            kpi is None
            or row["strategy"] not in kpi["strategies"].split(";")
            or row["judged"] not in kpi["scopes"].split(";")
            or "month" not in kpi["grains"].split(";")
        ):
            broken.append(row)
    assert broken == []


def test_each_strategy_judges_company_team_and_manager_by_kpis_in_an_order_without_gaps():
    places = defaultdict(list)
    codes = defaultdict(list)
    for row in seed("strategy_profiles"):
        places[row["strategy"], row["judged"]].append(int(row["place"]))
        codes[row["strategy"], row["judged"]].append(row["kpi_code"])
    assert set(places) == {
        (strategy, judged)
        for strategy in ("mass", "large", "subscription", "partner")
        for judged in ("company", "team", "manager")
    }
    for key, found in places.items():
        assert found == list(range(1, len(found) + 1)), key
        assert len(set(codes[key])) == len(codes[key]), key


@pytest.mark.parametrize(
    ("strategy", "owned"),
    [
        ("mass", {"calls", "meetings", "proposals", "lead_conversion"}),
        ("large", {"average_check", "cycle_days_median", "win_rate", "margin_rate"}),
        ("subscription", {"logo_churn_rate", "logo_retention_rate", "mrr"}),
        ("partner", {"active_partners", "partner_revenue", "partner_margin"}),
    ],
)
def test_what_a_strategy_lives_by_judges_the_company_the_team_and_the_seller(strategy, owned):
    for judged in ("company", "team", "manager"):
        told = {
            row["kpi_code"]
            for row in seed("strategy_profiles")
            if (row["strategy"], row["judged"]) == (strategy, judged)
        }
        assert owned <= told, judged
        # what every strategy shares: money, the way of leads to it, and how long a sale takes
        assert {"booked_revenue", "gross_margin", "new_leads", "lead_conversion"} <= told, judged
        assert {"average_check", "cycle_days_median"} <= told, judged
