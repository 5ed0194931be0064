"""Data Docs of a run's gates: plain pages that open from disk and ask no other host.

What belongs here: the Great Expectations context of a run and its pages. What does not: verdicts.
"""

from __future__ import annotations

import re
import shutil
from typing import Any

from dagster_project.settings import Workspace, silence_telemetry

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


def context_of(run_id: str) -> Any:
    """Return the ephemeral context in which a run's suites are held; only the latest is kept."""
    if run_id not in _contexts:
        silence_telemetry()
        import great_expectations as gx

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        _contexts.clear()
        _contexts[run_id] = context
    return _contexts[run_id]


def write_data_docs(workspace: Workspace, run_id: str) -> None:
    """Write the pages of what this process has checked to reports/data_docs."""
    if run_id not in _contexts:
        return
    context = _contexts[run_id]
    beside = workspace.reports / "data_docs.new"
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
    final = workspace.reports / "data_docs"
    shutil.rmtree(final, ignore_errors=True)
    beside.rename(final)
