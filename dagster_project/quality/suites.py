"""Suites of expectations on evidence tables, and the pages about them: all that imports GX.

What belongs here: Great Expectations' contexts, validations and Data Docs (plain pages that open
from disk and ask no other host). It runs in the process that ``quality.process`` keeps. What does
not: which suites make a gate (gates).
"""

from __future__ import annotations

import json
import math
import re
import shutil
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_project.quality.front_page import front_page
from dagster_project.settings import project_root

if TYPE_CHECKING:
    import pyarrow as pa

_STYLE = """<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; color: #222 }
table { border-collapse: collapse; margin: .5rem 0 } td, th { border: 1px solid #ccc;
padding: .25rem .6rem; text-align: left; vertical-align: top } .collapse, .modal { display: block }
ul { list-style: none; padding-left: 0 } nav, .ge-cta-footer, footer { display: none }
</style>"""
_OUTSIDE = re.compile(
    r"<script[^>]*\bsrc=[\"']https?://[^>]*>\s*</script>"
    r"|<img[^>]*\bsrc=[\"']https?://[^>]*>"
    r"|<link[^>]*\bhref=[\"']https?://[^>]*>"
    r"|url\([\"']?https?://[^)]*\)",
    re.IGNORECASE,
)
_contexts: dict[str, Any] = {}
_asked: set[str] = set()
"""Of the latest run: the suites that were asked."""


@dataclass(frozen=True)
class Check:
    """One expectation's outcome, with example rows where it failed."""

    suite: str
    code: str
    severity: str
    passed: bool
    explains_en: str
    explains_ru: str
    observed: str
    remedy: str
    examples: list[dict[str, Any]] = field(default_factory=list)


def check_suite(told: dict[str, Any], evidence: pa.Table, run_id: str) -> list[Check]:
    """Hold an evidence table against a suite of expectations/.

    Args:
        told: The suite as its file tells it.
        evidence: Every row of ``told["meta"]["relation"]``.
        run_id: The run whose pages will show the result.

    Raises:
        ValueError: The suite expects nothing, or some expectation gave no answer.
    """
    import great_expectations as gx
    import pyarrow as pa

    decimals = [f.name for f in evidence.schema if pa.types.is_decimal(f.type)]
    frame = evidence.to_pandas().astype(dict.fromkeys(decimals, float))
    context = _context_of(run_id)

    expected = gx.ExpectationSuite(name=told["name"], expectations=told["expectations"])
    if not expected.expectations:
        raise ValueError("a suite without expectations")
    if told["name"] in _asked:  # asked again within the run
        context.validation_definitions.delete(told["name"])
        context.suites.delete(told["name"])
    batch = _asset_of(context, told["meta"]["relation"]).get_batch_definition("all")
    checked = gx.ValidationDefinition(
        name=told["name"], data=batch, suite=context.suites.add(expected)
    )
    result = checked.run(
        batch_parameters={"dataframe": frame}, result_format={"result_format": "COMPLETE"}
    )
    checks = [_as_check(told["name"], item, frame) for item in result.results]
    if len(checks) != len(told["expectations"]):
        raise ValueError(f"{len(told['expectations'])} expectations, {len(checks)} answers")
    _asked.add(told["name"])
    return checks


def _as_check(suite: str, item: Any, frame: Any) -> Check:
    config = item.expectation_config
    meta = config.meta or {}
    raised = bool((item.exception_info or {}).get("raised_exception")) or any(
        isinstance(v, dict) and v.get("raised_exception")
        for v in (item.exception_info or {}).values()
    )
    result = item.result or {}
    examples: list[dict[str, Any]] = []
    observed = f"found {result['observed_value']} rows" if "observed_value" in result else ""
    if not item.success:
        places = result.get("unexpected_index_list")
        count = result.get("unexpected_count")
        if count is not None:
            observed = f"found {count} of {result.get('element_count')} that do not"
        rows = frame.iloc[places[:5]] if places else frame.head(5)
        examples = [
            {k: _plain(v) for k, v in row.items()} for row in rows.to_dict(orient="records")
        ]
        if raised:
            observed = f"the check itself failed: {str(item.exception_info)[:300]}"
    severity = getattr(config, "severity", None) or "critical"
    return Check(
        suite=suite,
        code=meta.get("code", config.type),
        severity="critical" if raised else str(getattr(severity, "value", severity)),
        passed=bool(item.success) and not raised,
        explains_en=meta.get("explains_en", config.type),
        explains_ru=meta.get("explains_ru", config.type),
        observed=observed,
        remedy=meta.get("remedy", ""),
        examples=examples,
    )


def _plain(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, str | int | float | bool):
        return value
    return str(value)


def _context_of(run_id: str) -> Any:
    """Return the ephemeral context in which a run's suites are held; only the latest is kept."""
    if run_id not in _contexts:
        import great_expectations as gx

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        context.data_sources.add_pandas("evidence", assets=_known_assets())
        _contexts.clear()
        _asked.clear()
        _contexts[run_id] = context
    return _contexts[run_id]


def _known_assets() -> list[dict[str, Any]]:
    """Return the evidence of all suites as GX names it: an asset added later is a save of all."""
    suites = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((project_root() / "expectations").glob("*.json"))
    ]
    relations = dict.fromkeys(told["meta"]["relation"] for told in suites)
    whole = [{"name": "all", "partitioner": None}]
    return [
        {"name": relation, "type": "dataframe", "batch_definitions": whole}
        for relation in relations
    ]


def _asset_of(context: Any, relation: str) -> Any:
    source = context.data_sources.get("evidence")
    if relation not in source.get_asset_names():  # of a suite from another folder
        source.add_dataframe_asset(relation).add_batch_definition_whole_dataframe("all")
    return source.get_asset(relation)


def write_pages(reports: Path, run_id: str, checks: list[Check]) -> None:
    """Write the pages of what was checked for a run to ``reports/data_docs``.

    Args:
        reports: The workspace's folder of reports.
        run_id: The run.
        checks: All that its gates said: also that a step was not done or a suite did not run.
    """
    context = _context_of(run_id)
    beside = reports / "data_docs.new"
    shutil.rmtree(beside, ignore_errors=True)
    site = {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(beside),
        },
    }
    if "local" in context.get_site_names():
        context.update_data_docs_site(site_name="local", site_config=site)
    else:
        context.add_data_docs_site(site_name="local", site_config=site)
    context.build_data_docs(site_names=["local"])
    for page in beside.rglob("*.html"):
        text = _OUTSIDE.sub("", page.read_text(encoding="utf-8"))
        page.write_text(text.replace("</head>", _STYLE + "</head>", 1), encoding="utf-8")
    page = front_page(beside, run_id, checks, _STYLE)
    (beside / "index.html").write_text(page, encoding="utf-8")
    final = reports / "data_docs"
    shutil.rmtree(final, ignore_errors=True)
    beside.rename(final)
