"""A proposed workspace read once, so that its open questions are those of the first run.

What belongs here: what only staged rows tell of a proposal. What does not: proposing (proposal),
reading, rules and checks themselves (session and below).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from dagster_project.session import open_session
from dagster_project.settings import load_workspace

FACTS = ("deals", "leads", "activities", "payments", "spend", "subscriptions")


@dataclass
class FirstReading:
    """What the files hold once their rows are typed.

    ``stages``: (pipeline, stage, line to add) that no rule maps. ``bad_rows``: (file, rows seen,
    rows refused, why) over the limit. ``refused``: file -> why. ``facts``: entity -> rows loaded.
    """

    stages: list[tuple[str | None, str, str]] = field(default_factory=list)
    bad_rows: list[tuple[str, int, int, str]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    facts: dict[str, int] = field(default_factory=dict)


def read_first(folder: Path) -> FirstReading:
    """Read, stage and unite the files of a workspace; nothing is published.

    Raises:
        PipelineError: The files cannot be read at all.
    """
    with open_session(load_workspace(folder), "proposing a workspace") as session:
        session.ingest()
        session.build("staging")
        session.build("intermediate")
        ask = session.connection.execute
        stages = ask(
            "select pipeline, stage, line_to_add from intermediate.int_audit__stages order by all"
        ).fetchall()
        bad_rows = ask(
            "select counted.file_name, counted.rows_seen, counted.rows_quarantined, "
            "coalesce((select string_agg(distinct concat_ws(' ', told.column_name, "
            "told.reason_code), ', ') from intermediate.int_quarantine as told "
            "where told._source_file = counted.file_name and told.is_row_rejected), '') "
            "from intermediate.int_audit__files as counted "
            "where not (counted.is_within_row_limit and counted.is_within_money_limit) order by 1"
        ).fetchall()
        refused = ask(
            "select file_name, reason from raw.files where status = 'rejected' order by 1"
        ).fetchall()
        facts = ask(
            "select entity, cast(sum(rows_seen - rows_quarantined) as bigint) "
            "from intermediate.int_audit__reconciliation group by entity"
        ).fetchall()
    loaded = {entity: rows for entity, rows in facts if entity in FACTS and rows}
    return FirstReading(stages, bad_rows, dict(refused), loaded)
