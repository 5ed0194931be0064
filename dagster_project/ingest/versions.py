"""Contents that a path no longer has, kept where they outlive the working files.

What belongs here: copies of landings in state/versions. What does not: which version counts
(deliveries.py), reading files (landing.py).

Source: records of an earlier content of a path still count, and everything outside raw/ and state/
can be rebuilt; raw/ has the newest content alone.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from dagster_project.ingest.discovery import Claim
from dagster_project.ingest.landing import Landed, read_landed
from dagster_project.settings import Workspace

_PARTS = (".parquet", ".refused.parquet", ".json")  # the description last: with it a copy is whole


def keep_version(
    landed: Landed | None, claim: Claim, sha256: str, workspace: Workspace
) -> Landed | None:
    """Copy an earlier content's landing to state/versions, or bring it back from there.

    Args:
        landed: Its landing among the working files, if it is there.
        claim: The path, with the content that it has now.
        sha256: The earlier content.
        workspace: Whose state it is.

    Returns:
        The landing, as it was read by the settings of then; None: neither is left.
    """
    versions = workspace.state / "versions" / claim.source_name / claim.table.relation
    if landed is not None:
        _copy(landed.landing_key, workspace.landing, versions)
        return landed
    kept = sorted(path.stem for path in versions.glob(f"{sha256[:24]}-*.json"))
    if not kept:
        return None
    (workspace.landing / f"{kept[-1]}.json").unlink(missing_ok=True)  # of one that is not whole
    _copy(kept[-1], versions, workspace.landing)
    return read_landed(workspace.landing, kept[-1])


def _copy(key: str, origin: Path, target: Path) -> None:
    if (target / f"{key}.json").exists():
        return
    target.mkdir(parents=True, exist_ok=True)
    for part in _PARTS:
        if (origin / f"{key}{part}").exists():
            beside = target / f".{key}{part}.new"
            shutil.copyfile(origin / f"{key}{part}", beside)
            beside.replace(target / f"{key}{part}")
