"""One delivered file, landed: what its readers make of it."""

from __future__ import annotations

import os

import duckdb
import pyarrow.parquet as pq
import pytest

from dagster_project.configuration import EntityMapping, Tuning
from dagster_project.errors import SourceFileError
from dagster_project.ingest.contracts import TABLES
from dagster_project.ingest.discovery import Claim, fingerprint
from dagster_project.ingest.landing import land, landing_key
from dagster_project.ingest.recognition import plain_reading

COLUMNS = {"deal_id": "Номер", "stage": "Этап", "amount": "Сумма", "opened_at": "Дата"}
HEADER = "Номер,Этап,Сумма,Дата\n"


@pytest.fixture
def landing(tmp_path):
    """Return a function: bytes of a file -> (side file, rows, refused rows)."""

    def run(data, name="deals.csv", tuning=None, entity="deals", **mapping):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        mapped = EntityMapping(**({"files": ["*"], "columns": COLUMNS} | mapping))
        status = path.stat()
        claim = Claim(
            "crm",
            TABLES[f"files__{entity}"],
            plain_reading(mapped),
            {"entity": entity, "mapping": mapped.model_dump()},
            path,
            name,
            fingerprint(path),
            (status.st_size, status.st_mtime_ns),
        )
        tuning = tuning or Tuning()
        key = landing_key(claim, claim.content.sha256, tuning)
        folder = tmp_path / "landing"
        with duckdb.connect() as connection:
            landed = land(claim, key, tuning, folder, connection)
        rows = pq.read_table(folder / f"{key}.parquet").to_pylist()
        for place, row in enumerate(rows):
            row["_row"] = row["_row"] or place + landed.row_offset
        refused_path = folder / f"{key}.refused.parquet"
        refused = pq.read_table(refused_path).to_pylist() if refused_path.exists() else []
        assert landed.rows_seen == len(rows) + len(refused)
        assert sorted(os.listdir(folder)) == sorted(
            p.name for p in folder.iterdir() if not p.name.startswith(".")
        )
        return landed, rows, refused

    return run


def code_of(landing, *args, **kwargs) -> str:
    with pytest.raises(SourceFileError) as caught:
        landing(*args, **kwargs)
    assert caught.value.found
    assert caught.value.expected
    assert caught.value.where
    assert caught.value.remedy
    return caught.value.reason_code
