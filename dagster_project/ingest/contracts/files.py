"""The user's own tables: canonical columns under headers that workspace.yml names.

What belongs here: the canonical entities as raw tables. What does not: headers, which only
workspace.yml knows; so nothing here is recognised by content.
"""

from __future__ import annotations

from dagster_project.canonical import AMOUNTS, ENTITIES, EVENT_DATES, KEYS
from dagster_project.ingest.contracts.shape import Contract, Field, Table

CONTRACT = Contract(
    system="files",
    tables=tuple(
        Table(
            name=entity,
            columns={name: Field(column.kind) for name, column in columns.items()},
            feeds=(entity,),
            key=KEYS.get(entity),
            amount=AMOUNTS.get(entity),
            event_on=EVENT_DATES.get(entity),
            updated_at="updated_at" if "updated_at" in columns else None,
        )
        for entity, columns in ENTITIES.items()
    ),
)
