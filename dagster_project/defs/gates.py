"""A gate's verdict as Dagster shows it."""

from __future__ import annotations

import dagster as dg

from dagster_project.quality.gates import Verdict


def gate_result(verdict: Verdict) -> dg.AssetCheckResult:
    """Turn a verdict into a blocking check's result, with what failed and example rows."""
    failed = "\n".join(
        f"- **{check.code}**: {check.explains_en}; {check.observed}"
        + "".join(f"\n    - {example}" for example in check.examples)
        for check in [*verdict.failures, *verdict.warnings]
    )
    return dg.AssetCheckResult(
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "load_id": verdict.load_id,
            "checks": len(verdict.checks),
            "failed": dg.MetadataValue.md(failed or "nothing"),
        },
    )
