"""The semantic layer says of every KPI what the registry says, read from its YAML alone."""

from __future__ import annotations

import csv
import json
import re

import pytest
import yaml

from dagster_project import semantic_layer
from dagster_project.settings import project_root
from dagster_project.transform import manifest_file

ROOT = project_root()
FOLDER = ROOT / "dbt" / "semantic" / "models"
GRAINS = ("month", "quarter", "year")


def content(name: str) -> list[dict]:
    return yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))[name]


@pytest.fixture(scope="module")
def registry() -> dict[str, dict[str, str]]:
    with (ROOT / "dbt" / "seeds" / "kpi_registry.csv").open(encoding="utf-8", newline="") as file:
        return {row["kpi_code"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def metrics() -> dict[str, dict]:
    return {metric["name"]: metric for metric in content("metrics")}


@pytest.fixture(scope="module")
def kpi_metrics(metrics) -> list[dict]:
    return [m for m in metrics.values() if "kpi_code" in m["config"]["meta"]]


@pytest.fixture(scope="module")
def measures() -> dict[str, tuple[str, dict]]:
    """Measure -> (semantic model, measure)."""
    return {
        measure["name"]: (model["name"], measure)
        for model in content("semantic_models")
        for measure in model.get("measures", [])
    }


def macro(name: str) -> str:
    text = (ROOT / "dbt" / "macros" / "measures.sql").read_text(encoding="utf-8")
    return re.search(rf"{{% macro {name}\(.*?{{% endmacro %}}", text, re.DOTALL)[0]


def codes(text: str) -> set[str]:
    return set(re.findall(r"\('(\w+)', ", text))


def code_of(metric: dict, measures: dict) -> str:
    """Return the measure code that a simple metric picks from its view."""
    _, measure = measures[metric["type_params"]["measure"]["name"]]
    (code,) = re.findall(r"measure_code = '(\w+)'", measure["expr"])
    return code


def test_the_files_are_what_the_registry_generates():
    for name, text in semantic_layer.texts().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, f"{name}: run `make semantic`"


def test_every_kpi_has_a_metric_or_a_reason_why_not(registry, kpi_metrics):
    told = {metric["config"]["meta"]["kpi_code"] for metric in kpi_metrics}
    assert not told & set(semantic_layer.NO_METRIC)
    assert told | set(semantic_layer.NO_METRIC) == set(registry)
    assert len(told) >= 60


def test_only_what_no_sum_over_the_period_gives_is_left_out(registry):
    for code in semantic_layer.NO_METRIC:
        kpi = registry[code]
        is_of_other_days = kpi["numerator_measure"].endswith("__lagged")
        is_composite = kpi["aggregation"] == "composite"
        assert is_composite or is_of_other_days or kpi["needs_window"] == "true", code


def test_labels_units_and_grains_are_those_of_the_registry(registry, kpi_metrics):
    for metric in kpi_metrics:
        meta = metric["config"]["meta"]
        kpi = registry[meta["kpi_code"]]
        (suffix, per), *more = [
            (s, p)
            for s, p in [("", ""), *((f"_{g}ly", f" ({g})") for g in GRAINS)]
            if metric["name"] == kpi["kpi_code"] + s
        ]
        assert not more
        assert metric["label"] == kpi["name_en"] + per
        assert metric["description"].startswith(kpi["description_en"])
        assert (meta["name_ru"], meta["unit"]) == (kpi["name_ru"], kpi["unit"])
        grains = {suffix.strip("_").removesuffix("ly")} if suffix else set(kpi["grains"].split(";"))
        assert set(meta["grains"]) == grains <= set(kpi["grains"].split(";"))
        assert set(meta["scopes"]) <= set(kpi["scopes"].split(";"))


def test_numerators_denominators_and_guards_are_those_of_the_registry(
    registry, metrics, kpi_metrics, measures
):
    for metric in kpi_metrics:
        kpi = registry[metric["config"]["meta"]["kpi_code"]]
        params = metric["type_params"]
        guards = {c for c in f"{kpi['guard_numerator']};{kpi['guard_denominator']}".split(";") if c}
        pair = {kpi["numerator_measure"], kpi["denominator_measure"]} - {""}
        if kpi["percentile"]:
            assert metric["type"] == "simple"
            assert code_of(metric, measures) == kpi["numerator_measure"]
            continue
        found = {part["alias"]: part["name"] for part in params["metrics"]}
        flag = metrics[found.pop("unavailable")]["type_params"]["measure"]["name"]
        assert f"'%;{kpi['kpi_code']};%'" in measures[flag][1]["expr"]
        assert {code: code_of(metrics[name], measures) for code, name in found.items()} == {
            code: code for code in pair | guards
        }
        condition, value = re.fullmatch(r"case when (.*) then (.*) end", params["expr"]).groups()
        first, *held = condition.split(" and ")
        assert first == "unavailable = 0"
        assert {c for one in held for c in re.findall(r"[a-z_]{6,}", one)} - {"double"} == guards
        quotient = "cast({} as double) / nullif(cast({} as double), 0)"
        told = quotient.format(kpi["numerator_measure"], kpi["denominator_measure"])
        assert value == (told if kpi["denominator_measure"] else kpi["numerator_measure"])


def test_nothing_is_zero_for_a_sum_only_where_zero_is_the_rule_or_a_guard_tells(
    registry, kpi_metrics
):
    """Parts are 0 where nothing is; what is unknown then has a guard that says so."""
    for metric in kpi_metrics:
        kpi = registry[metric["config"]["meta"]["kpi_code"]]
        is_sum = not kpi["denominator_measure"] and not kpi["percentile"]
        if is_sum and kpi["zero_rule"] == "null":
            assert kpi["guard_numerator"], kpi["kpi_code"]


def test_percentiles_are_those_of_the_registry(registry, kpi_metrics, measures):
    sampled = {code for code, kpi in registry.items() if kpi["percentile"]}
    found = {}
    for metric in kpi_metrics:
        name = metric["type_params"].get("measure", {}).get("name")
        if name and measures[name][1]["agg"] == "percentile":
            found[metric["name"]] = measures[name][1]["agg_params"]["percentile"]
    assert found == {code: float(registry[code]["percentile"]) for code in sampled}


def test_a_measure_is_read_where_the_warehouse_has_it(measures):
    balances = codes(macro("running_measures"))
    two_ended = codes(macro("mrr_measures")) | codes(macro("ltv_measures"))
    two_ended |= codes(macro("due_measures"))
    assert balances.issuperset(semantic_layer.BALANCES)
    periods = semantic_layer.MOVEMENTS | semantic_layer.MONTH_ENDS | semantic_layer.TWO_ENDED
    assert periods <= two_ended
    for name, (model, measure) in measures.items():
        if name.startswith("unavailable_"):
            continue
        (code,) = re.findall(r"measure_code = '(\w+)'", measure["expr"])
        expected = "balances_daily" if code in balances else "events"
        if code in two_ended:
            expected = name[len(code) + 1 :] or "monthly"
            expected = f"periods_{expected}"
        assert model == ("samples" if measure["agg"] == "percentile" else expected), name


def test_what_does_not_add_up_over_time_is_never_added_up(registry, metrics, measures):
    """A balance counts on its last day; a figure of two ends has a model of its own grain."""
    for metric in metrics.values():
        if metric["type"] != "simple" or metric["name"].startswith("part_unavailable_"):
            continue
        model, measure = measures[metric["type_params"]["measure"]["name"]]
        code = code_of(metric, measures)
        is_last_only = "non_additive_dimension" in measure
        kpi = registry.get(code)
        if kpi and kpi["aggregation"] == "semi_additive":
            assert is_last_only, code
        if kpi and kpi["aggregation"] == "additive":
            assert not is_last_only, code
        if code in semantic_layer.TWO_ENDED or model == "balances_daily":
            assert is_last_only, code


def test_every_part_serves_a_kpi(metrics, kpi_metrics):
    used = set()
    for metric in kpi_metrics:
        params = metric["type_params"]
        used |= {part["name"] for part in params.get("metrics", [])}
    assert {name for name in metrics if name.startswith("part_")} == used


def test_no_run_of_the_warehouse_parses_the_semantic_layer():
    manifest = json.loads(manifest_file().read_text(encoding="utf-8"))
    assert manifest["semantic_models"] == {}
    assert manifest["metrics"] == {}


def test_metricflow_is_pinned_beside_the_dbt_of_the_warehouse():
    lines = (ROOT / "requirements-metrics.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert "dbt-metricflow" in pins
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for name in ("dbt-core", "dbt-duckdb", "dbt-adapters", "duckdb"):
        assert f'"{name}=={pins[name]}"' in project, name
