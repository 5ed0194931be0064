"""Our own habits, kept by machine: where things may stand, and which SQL is barred."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import duckdb
import pytest

from dagster_project.masks import without_contacts
from dagster_project.settings import project_root
from dagster_project.transform import manifest_file

ROOT = project_root()
PYTHON = sorted((ROOT / "dagster_project").rglob("*.py"))
MODELS = sorted((ROOT / "dbt" / "models").rglob("*.sql"))
PORTABLE = [p for p in MODELS if "staging" not in p.parts]
TEXTS = [
    p
    for pattern in ("*.py", "*.sql", "*.yml", "*.md", "*.toml", "*.lock", "Makefile")
    for p in ROOT.rglob(pattern)
    if p.is_file()
    and not {"target", ".git", "raw", "warehouse"} & set(p.parts)
    and not any(part.startswith(".venv") for part in p.parts)
]


@pytest.fixture(scope="module")
def nodes() -> dict[str, dict]:
    return json.loads(manifest_file().read_text(encoding="utf-8"))["nodes"]


def bare(sql: str) -> str:
    """Return SQL without comments and strings."""
    sql = re.sub(r"\{#.*?#\}", " ", sql, flags=re.DOTALL)
    sql = re.sub(r"--[^\n]*", " ", sql)
    return re.sub(r"'[^']*'", "''", sql)


def test_no_python_inside_dbt():
    assert list((ROOT / "dbt").rglob("*.py")) == []


def test_no_grab_bags():
    names = {p.stem for p in [*PYTHON, *MODELS]}
    assert not names & {"utils", "helpers", "common", "misc"}


def test_no_file_is_too_long():
    long = {p.name: n for p in [*PYTHON, *MODELS] if (n := p.read_text("utf-8").count("\n")) > 700}
    assert long == {}


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_environment_is_read_in_settings_only(path):
    if path.name == "settings.py":
        return
    text = path.read_text(encoding="utf-8")
    assert "os.environ" not in text
    assert "getenv" not in text


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: str(p.relative_to(ROOT)))
def test_dagster_decorators_stand_in_defs_only(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    decorators = {
        ast.unparse(d)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        for d in node.decorator_list
    }
    is_dagster = {d for d in decorators if d.startswith(("dg.", "dbt_assets", "asset"))}
    assert not is_dagster or "defs" in path.parts


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


ISSUED = """
booked_revenue paid_revenue cost_of_sale gross_margin margin_rate cost_coverage won_deals lost_deals
average_check new_leads qualified_leads lead_conversion lead_conversion_window
lead_conversion_operational win_rate win_rate_amount created_win_rate cycle_days_median
cycle_days_p90 cycle_days_mean lead_to_win_days_median calls connected_calls meetings proposals
speed_to_lead_minutes speed_to_lead_sla spend cpl cac new_customers
"""
"""What deals, leads, activities, spend and payments must be able to feed."""

BARRED = {
    r"\bregexp_replace\b": "engines differ in flags",
    r"\bdatediff\b|\bdate_diff\b": "months differ",
    r"\btry_cast\b": "of text, unguarded",
    r"\bcurrent_date\b|\bnow\(|\bcurrent_timestamp\b": "no model reads the clock",
    r"\bat time zone\b": "differs silently",
    r"\bround\(": "of a double differs",
    r"\bhash\(": "differs by engine; md5 of concat_ws",
    r"\bavg\(": "of decimals differs; sum over count as doubles",
    r"\bbetween\b(?!.*(unbounded|preceding))": "windows are half-open",
    r"\bdayofweek\b|\bisodow\b": "numbered differently",
    r"\bsplit\([^)]*\)\[": "indexed differently",
    r"::": "cast() is what every engine knows",
    r"\bilike\b|\bqualify\b|\bpivot\b": "not everywhere",
}


@pytest.mark.parametrize("path", PORTABLE, ids=lambda p: p.stem)
def test_models_use_only_what_duckdb_and_spark_give_alike(path):
    sql = bare(path.read_text(encoding="utf-8")).lower()
    sql = re.sub(r"rows\s+between", "rows", sql)
    found = {rule: why for rule, why in BARRED.items() if re.search(rule, sql)}
    assert found == {}


@pytest.mark.parametrize("path", [*MODELS], ids=lambda p: p.stem)
def test_no_model_reads_the_clock(path):
    sql = bare(path.read_text(encoding="utf-8")).lower()
    assert not re.search(r"current_date|current_timestamp|\bnow\(|\btoday\(", sql)


def layer_of(node: dict) -> str:
    if node["resource_type"] == "seed":
        return "seed"
    return next(tag for tag in ("staging", "intermediate", "marts", "pay") if tag in node["tags"])


def test_a_model_reads_its_own_layer_or_the_one_below(nodes):
    allowed = {
        "staging": {"source", "staging", "seed"},
        "intermediate": {"staging", "intermediate", "seed", "source"},
        "marts": {"intermediate", "marts", "seed"},
        "pay": {"source", "pay"},
    }
    broken = []
    for node in nodes.values():
        if node["resource_type"] != "model":
            continue
        for parent in node["depends_on"]["nodes"]:
            kind = "source" if parent.startswith("source.") else layer_of(nodes[parent])
            is_audit = node["name"].startswith(("int_audit", "int_files", "int_published"))
            if kind == "source" and layer_of(node) == "intermediate" and not is_audit:
                kind = "source of an intermediate model"
                is_file_state = node["name"] == "int_quarantine"  # rejected files, beside rows
                if is_file_state:
                    continue
            if parent.endswith("raw.goals__revenue_targets"):
                continue  # goals are understood outside SQL, on the layer below the marts
            if kind not in allowed[layer_of(node)]:
                broken.append((node["name"], parent))
    assert broken == []


def test_every_mart_has_its_grain_described_and_facts_and_dimensions_a_contract(nodes):
    for node in nodes.values():
        if node["resource_type"] != "model" or layer_of(node) not in ("marts", "pay"):
            continue
        assert node["description"].startswith(("One row per", "One row:")), node["name"]
        if node["name"].startswith(("dim_", "fct_")):
            assert node["config"]["contract"]["enforced"], node["name"]
            assert all(column["description"] for column in node["columns"].values())


def test_no_registry_host_and_no_path_of_a_machine():
    hosts = ["pypi" + ".org", "python" + "hosted", "npm" + "js.org", "file" + ":///"]
    paths = ["/work" + "/main", "/root" + "/", "/home" + "/"]
    for path in TEXTS:
        text = path.read_text(encoding="utf-8")
        for forbidden in [*hosts, *paths]:
            assert forbidden not in text, f"{forbidden} in {path.relative_to(ROOT)}"


def test_requirements_are_pinned_with_hashes():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "http://" not in text
    assert "https://" not in text
    blocks = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert len(blocks) > 100
    for block in blocks:
        assert re.match(r"^[a-z0-9._-]+(\[[a-z,]+\])?==\S+", block), block[:60]
        assert "--hash=sha256:" in block
    assert re.search(r"^dbt-core==1\.11\.", text, re.MULTILINE)


def test_the_canonical_columns_of_models_are_those_of_ingestion():
    from dagster_project.canonical import ENTITIES, REQUIRED_ANY

    text = (ROOT / "dbt" / "macros" / "canonical.sql").read_text(encoding="utf-8")
    told = re.search(r"return\(\{(.*?)\}\[entity\]", text, re.DOTALL)[1]
    found = {
        entity: re.findall(r"\('(\w+)', '(\w+)', (true|false)\)", columns)
        for entity, columns in re.findall(r"'(\w+)': \[\n(.*?)\n    \]", told, re.DOTALL)
    }
    assert found == {
        entity: [(n, c.kind, str(c.is_required).lower()) for n, c in columns.items()]
        for entity, columns in ENTITIES.items()
    }
    listed = re.search(r"canonical_entities\(\) %\}\n(.*?)\) \}\}", text, re.DOTALL)[1]
    assert re.findall(r"'(\w+)'", listed) == list(ENTITIES)
    any_of = re.search(r"required_any\(entity\).*?\{\{ return\(\{(.*?)\}", text, re.DOTALL)[1]
    assert {
        e: tuple(re.findall(r"'(\w+)'", c)) for e, c in re.findall(r"'(\w+)': \[(.*?)\]", any_of)
    } == REQUIRED_ANY


def test_each_system_has_its_raw_tables_its_staging_models_and_its_place_in_the_union(nodes):
    from dagster_project.ingest.contracts import CONTRACTS, TABLES

    manifest = json.loads(manifest_file().read_text(encoding="utf-8"))
    raw = {s["name"] for s in manifest["sources"].values() if s["source_name"] == "raw"}
    assert set(TABLES) <= raw
    models = {n["name"] for n in nodes.values() if n["resource_type"] == "model"}
    parents = {n["name"]: n.get("depends_on", {}).get("nodes", []) for n in nodes.values()}
    for system, contract in CONTRACTS.items():
        staged = {f"stg_{system}__{entity}" for entity in contract.entities}
        assert staged == {m for m in models if m.startswith(f"stg_{system}__")}
        for entity in contract.entities:
            model = f"model.sales_kpi_warehouse.stg_{system}__{entity}"
            assert model in parents[f"int_{entity}__united"]


def test_the_registry_is_whole_and_refers_to_measures_that_exist():
    import csv

    with (ROOT / "dbt" / "seeds" / "kpi_registry.csv").open(encoding="utf-8", newline="") as handle:
        kpis = list(csv.DictReader(handle))
    macros = (ROOT / "dbt" / "macros" / "measures.sql").read_text(encoding="utf-8")
    measures = set(re.findall(r"\('([a-z_]+)', ", macros))
    with (ROOT / "dbt" / "seeds" / "kpi_inputs.csv").open(encoding="utf-8", newline="") as handle:
        inputs = {row["input_code"] for row in csv.DictReader(handle)}
    cohort = ["ripeness_measure", "ripe_measure", "coverage_measure"]
    parts = ["numerator_measure", "denominator_measure", "guard_numerator", "guard_denominator"]
    for kpi in kpis:
        assert all(kpi[c] for c in ("name_en", "name_ru", "formula_en", "formula_ru")), kpi
        assert set(kpi["requires"].split(";")) <= inputs, kpi["kpi_code"]
        if kpi["is_computed"] == "true":
            used = {name for p in [*parts, *cohort] for name in kpi[p].split(";")}
            used = {re.sub(r"__(90d|lagged)$", "", name) for name in used}
            assert used - {""} <= measures, kpi["kpi_code"]
    wanted = re.findall(r"\w+", ISSUED)
    assert set(wanted) <= {k["kpi_code"] for k in kpis if k["is_computed"] == "true"}


def test_exactly_the_measures_of_percentiles_are_sampled():
    import csv

    with (ROOT / "dbt" / "seeds" / "kpi_registry.csv").open(encoding="utf-8", newline="") as handle:
        kpis = list(csv.DictReader(handle))
    wanted = {k["numerator_measure"] for k in kpis if k["aggregation"] == "distribution"}
    text = (ROOT / "dbt" / "macros" / "measures.sql").read_text(encoding="utf-8")
    (listed,) = re.findall(r"if code in \[([^\]]+)\]", text)
    assert set(re.findall(r"\w+", listed)) == wanted


def test_every_composite_kpi_has_a_formula_over_parts_that_exist():
    import csv

    with (ROOT / "dbt" / "seeds" / "kpi_registry.csv").open(encoding="utf-8", newline="") as handle:
        kpis = list(csv.DictReader(handle))
    macros = ROOT / "dbt" / "macros"
    measures = re.findall(r"\('([a-z_]+)', ", (macros / "measures.sql").read_text("utf-8"))
    measures += [k["kpi_code"] for k in kpis if k["aggregation"] == "distribution"]
    measures += ["payback_months"]  # cohorts against what their customers cost: kpi_parts
    measures += ["revenue_target"]  # of the targets that a workspace delivers
    text = (macros / "composites.sql").read_text(encoding="utf-8")
    listed = text[text.index("return([") : text.index("]) }}")]
    listed = re.sub(r"'\s*~\s*'", "", listed)
    formulas = re.findall(r"\('(\w+)',\s*'([^']+)',\s*'(\w+)'\)", listed)
    assert {code for code, *_ in formulas} == {
        k["kpi_code"]
        for k in kpis
        if k["aggregation"] == "composite" and k["is_computed"] == "true"
    }
    words = set(re.search(r"words = \[([^\]]+)\]", text)[1].replace("'", "").split(", "))
    for code, formula, cases in formulas:
        names = set(re.findall(r"[a-z][a-z0-9_]*", f"{formula} {cases}")) - words
        bare = {re.sub(r"__(90d|lagged|12m)$", "", name) for name in names}
        assert bare <= set(measures), code


def test_the_tables_of_the_readme_are_those_of_the_registry():
    from dagster_project.readme import kpi_table

    for name, language in (("README.md", "en"), ("README.ru.md", "ru")):
        text = Path(ROOT / name).read_text(encoding="utf-8")
        assert kpi_table(language) in text, f"run `python -m dagster_project.readme` ({name})"


def test_the_wheel_holds_what_it_needs():
    import tomllib

    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = told["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    for origin in included:
        assert (ROOT / origin).exists()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Anna anna@firm.ru, +7 (999) 123-45-67", "Anna ***, ***"),
        ("8 999 123 45 67 / 79991234567", "*** / ***"),
        ("ИНН 7701234567, 770123456789", "ИНН 7701234567, 770123456789"),
        ("Договор 1027700132195", "Договор 1027700132195"),
    ],
)
def test_models_and_reports_withhold_the_same_contacts(text, shown):
    macros = (ROOT / "dbt" / "macros" / "engine.sql").read_text(encoding="utf-8")
    begin = "macro duckdb__without_contacts(value) -%}"
    sql = macros.partition(begin)[2].partition("{%- endmacro")[0].replace("{{ value }}", "$1")
    assert duckdb.execute(f"select {sql}", [text]).fetchone() == (shown,)
    assert without_contacts(text) == shown
