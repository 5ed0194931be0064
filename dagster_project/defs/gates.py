"""A gate's verdict as Dagster shows it."""

from __future__ import annotations

import dagster as dg

from dagster_project.quality.front_page import shown
from dagster_project.quality.gates import Verdict
from dagster_project.quality.suites import Check


def gate_result(verdict: Verdict) -> dg.AssetCheckResult:
    """Turn a verdict into a blocking check's result: what failed, example rows, what to do."""
    told = [*verdict.failures, *verdict.warnings]
    return dg.AssetCheckResult(
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(f"{c.code}: {c.observed}; do next: {c.remedy}" for c in told) or None,
        metadata={
            "load_id": verdict.load_id,
            "checks": len(verdict.checks),
            "failed": dg.MetadataValue.md("\n".join(map(_item, told)) or "nothing"),
        },
    )


def _item(check: Check) -> str:
    lines = [f"- **{check.code}**: {check.explains_en}; {check.observed}"]
    lines += [f"    - {shown(example)}" for example in check.examples]
    lines += [f"    - do next: {check.remedy}"] if check.remedy else []
    return "\n".join(lines)
