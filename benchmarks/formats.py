"""How fast each format is brought into raw, in MB/s, beside DuckDB's own reader on the same file.

    make bench-formats
    make bench-formats BENCH="--rows 1000000"

A file goes the way of a run: fingerprint, recognition, landing. The yardstick of delimited text is
``read_csv(all_varchar)`` to Parquet in the same process. Each is done three times; the best counts.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.configuration import EntityMapping, SourceConfig, Tuning
from dagster_project.ingest.contracts import CONTRACTS, TABLES
from dagster_project.ingest.discovery import Claim, fingerprint
from dagster_project.ingest.landing import land, landing_key
from dagster_project.ingest.recognition import plain_reading, recognise

WORK = Path(__file__).parent / "made" / "formats"
OWN = ["deal_id", "stage", "opened_at", "closed_at", "amount", "manager_name", "customer_name"]
OWN += ["source", "deal_name"]
Rows = list[dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000, help="of delimited text; others less")
    options = parser.parse_args()
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    few = max(options.rows // 10, 1)
    show("format", "MB", "ours MB/s", "DuckDB MB/s", "ratio of wall", "ratio of CPU", "reader")
    print("|---" * 7 + "|")
    for label, system, name, write, rows, count in formats(options.rows, few):
        path = WORK / name
        write(path, [rows(number) for number in range(count)])
        show(*measured(label, system, path))
        path.unlink()


def show(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def measured(label: str, system: str, path: Path) -> tuple[str, ...]:
    size = path.stat().st_size / 1e6
    wall, cpu, reader = best_of_three(lambda: brought_in(system, path))
    line = (label, f"{size:.1f}", f"{size / wall:.1f}")
    if path.suffix not in {".csv", ".tsv"}:
        return *line, "", "", "", reader
    bare, bare_cpu, _ = best_of_three(lambda: by_duckdb(path))
    return *line, f"{size / bare:.1f}", f"{bare / wall:.0%}", f"{bare_cpu / cpu:.0%}", reader


def best_of_three(work: Callable[[], str]) -> tuple[float, float, str]:
    wall, cpu, told = float("inf"), float("inf"), ""
    for _ in range(3):
        began, used = time.perf_counter(), time.process_time()
        told = work()
        wall = min(wall, time.perf_counter() - began)
        cpu = min(cpu, time.process_time() - used)
    return wall, cpu, told


def brought_in(system: str, path: Path) -> str:
    """Fingerprint, recognise and land a file; return which reader read it."""
    content, status = fingerprint(path), path.stat()
    if system == "files":
        table = TABLES["files__deals"]
        reading = plain_reading(
            EntityMapping(files=["*"], columns={column: column for column in OWN})
        )
    else:
        is_micros = True if system == "yandex_direct" else None
        source = SourceConfig(system=system, money_in_micros=is_micros)
        seen = recognise(path, path.name, source, CONTRACTS[system], path.name)
        if seen is None:
            raise SystemExit(f"{path.name}: an empty page")
        table, reading = seen.table, seen.reading
    stamp = (status.st_size, status.st_mtime_ns)
    claim = Claim("crm", table, reading, {}, path, path.name, content, stamp)
    folder = WORK / "landing"
    shutil.rmtree(folder, ignore_errors=True)
    with duckdb.connect() as connection:
        key = landing_key(claim, content.sha256, Tuning())
        return land(claim, key, Tuning(), folder, connection).reader


def by_duckdb(path: Path) -> str:
    goal = WORK / "duckdb.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select * from read_csv('{path}', all_varchar = true)) to '{goal}' "
            "(format parquet)"
        )
    return "duckdb"


def own(number: int) -> dict[str, Any]:
    day = f"2026-{1 + number % 12:02d}-{1 + number % 28:02d}"
    cells = (f"D{number:07d}", "won" if number % 3 else "lost", f"{day} 10:{number % 60:02d}:00")
    more = (day, f"{number % 90_000}.{number % 100:02d}", f"Manager {number % 40}")
    last = (f"Customer {number % 9_000}", "site" if number % 2 else "ads", f"Order No {number}")
    return dict(zip(OWN, (*cells, *more, *last), strict=True))


def opportunity(number: int) -> dict[str, Any]:
    row = own(number)
    return {
        "Id": f"006{number:015d}",
        "Name": row["deal_name"],
        "StageName": "Closed Won" if number % 3 else "Closed Lost",
        "Amount": row["amount"],
        "CloseDate": row["closed_at"],
        "CreatedDate": row["opened_at"].replace(" ", "T") + ".000Z",
        "IsWon": "true" if number % 3 else "false",
        "IsClosed": "true",
        "OwnerId": f"005{number % 40:015d}",
        "AccountId": f"001{number % 9_000:015d}",
        "LastModifiedDate": row["opened_at"].replace(" ", "T") + ".000Z",
    }


def hubspot_deal(number: int) -> dict[str, Any]:
    row = own(number)
    return {
        "Record ID": str(number),
        "Deal Name": row["deal_name"],
        "Deal Stage": "Closed Won" if number % 3 else "Closed Lost",
        "Amount": row["amount"],
        "Close Date": row["closed_at"] + " 10:00",
        "Create Date": row["opened_at"][:16],
        "Deal owner": row["manager_name"],
        "Pipeline": "Sales",
    }


def bitrix24_deal(number: int) -> dict[str, Any]:
    row = own(number)
    return {
        "ID": str(number),
        "TITLE": row["deal_name"],
        "STAGE_ID": "WON" if number % 3 else "LOSE",
        "STAGE_SEMANTIC_ID": "S" if number % 3 else "F",
        "OPPORTUNITY": row["amount"],
        "CURRENCY_ID": "RUB",
        "ASSIGNED_BY_ID": str(number % 40),
        "DATE_CREATE": row["opened_at"].replace(" ", "T") + "+03:00",
        "DATE_MODIFY": row["opened_at"].replace(" ", "T") + "+03:00",
        "CLOSEDATE": row["closed_at"] + "T03:00:00+03:00",
        "CATEGORY_ID": "0",
    }


def amocrm_lead(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"Order No {number}",
        "price": number % 90_000,
        "responsible_user_id": number % 40,
        "status_id": 142 if number % 3 else 143,
        "pipeline_id": 1,
        "created_at": 1_767_200_000 + number,
        "updated_at": 1_767_300_000 + number,
        "closed_at": 1_767_300_000 + number,
        "custom_fields_values": None,
    }


def google_day(number: int) -> dict[str, Any]:
    return {
        "customer_id": "1",
        "campaign_id": str(number % 50),
        "date": own(number)["closed_at"],
        "cost_micros": str(number * 1000),
        "impressions": str(number),
        "clicks": str(number % 100),
        "device": "MOBILE",
    }


def meta_day(number: int) -> dict[str, Any]:
    row = google_day(number)
    return {
        "date_start": row["date"],
        "date_stop": row["date"],
        "account_id": "1",
        "campaign_id": row["campaign_id"],
        "campaign_name": f"Campaign {number % 50}",
        "spend": f"{number % 900}.50",
        "impressions": row["impressions"],
        "clicks": row["clicks"],
    }


def yandex_day(number: int) -> dict[str, Any]:
    return {
        "Date": own(number)["closed_at"],
        "CampaignId": str(number % 50),
        "CampaignName": f"Кампания {number % 50}",
        "Impressions": str(number),
        "Clicks": str(number % 100),
        "Cost": str(number * 1000),
    }


def vk_day(number: int) -> dict[str, Any]:
    row = google_day(number)
    return {"id": number % 50, "date": row["date"], "base": {"spent": "10.50", "shows": number}}


def stripe_charge(number: int) -> dict[str, Any]:
    return {
        "id": f"ch_{number}",
        "amount": str(number % 90_000),
        "amount_refunded": "0",
        "currency": "usd",
        "created": own(number)["opened_at"],
        "customer_id": f"cus_{number % 9_000}",
        "status": "succeeded",
        "paid": "true",
        "captured": "true",
        "invoice_id": f"in_{number}",
        "balance_transaction_id": f"txn_{number}",
    }


def recurly_transaction(number: int) -> dict[str, Any]:
    return {
        "id": f"t{number}",
        "account_id": f"a{number % 9_000}",
        "amount": f"{number % 900}.50",
        "currency": "USD",
        "type": "purchase",
        "status": "success",
        "success": "true",
        "collected_at": own(number)["opened_at"],
        "created_at": own(number)["opened_at"],
        "invoice_id": f"i{number}",
        "original_transaction_id": "",
        "origin": "api",
    }


def delimited(sign: str) -> Callable[[Path, Rows], None]:
    def write(path: Path, rows: Rows) -> None:
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, list(rows[0]), delimiter=sign)
            writer.writeheader()
            writer.writerows(rows)

    return write


def as_json(wrap: Callable[[Rows], Any]) -> Callable[[Path, Rows], None]:
    return lambda path, rows: path.write_text(json.dumps(wrap(rows)), encoding="utf-8")  # type: ignore[return-value]


def as_lines(path: Path, rows: Rows) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def as_parquet(path: Path, rows: Rows) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path)


def as_workbook(path: Path, rows: Rows) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    book.save(path)


def formats(many: int, few: int) -> list[tuple]:
    """Return label, system, file, writer, one row, number of rows."""
    plain = delimited(",")
    return [
        ("CSV", "files", "own.csv", plain, own, many),
        ("TSV", "files", "own.tsv", delimited("\t"), own, many),
        ("Parquet", "files", "own.parquet", as_parquet, own, many),
        ("NDJSON", "files", "own.ndjson", as_lines, own, few),
        ("JSON", "files", "own.json", as_json(lambda rows: rows), own, few),
        ("XLSX", "files", "own.xlsx", as_workbook, own, few),
        ("Salesforce CSV", "salesforce", "opportunity.csv", plain, opportunity, many),
        ("HubSpot CSV", "hubspot", "deals.csv", plain, hubspot_deal, many),
        (
            "Bitrix24 JSON",
            "bitrix24",
            "crm.deal.list.json",
            as_json(lambda rows: {"result": rows, "total": len(rows)}),
            bitrix24_deal,
            few,
        ),
        (
            "amoCRM JSON",
            "amocrm",
            "leads.json",
            as_json(lambda rows: {"_page": 1, "_embedded": {"leads": rows}}),
            amocrm_lead,
            few,
        ),
        ("Google Ads CSV", "google_ads", "stats.csv", plain, google_day, many),
        ("Meta Ads CSV", "meta_ads", "insights.csv", plain, meta_day, many),
        ("Yandex Direct TSV", "yandex_direct", "report.tsv", delimited("\t"), yandex_day, many),
        (
            "VK Ads JSON",
            "vk_ads",
            "statistics.json",
            as_json(lambda rows: {"items": [{"id": r["id"], "rows": [r]} for r in rows]}),
            vk_day,
            few,
        ),
        ("Stripe CSV", "stripe", "charge.csv", plain, stripe_charge, many),
        ("Recurly CSV", "recurly", "transaction.csv", plain, recurly_transaction, many),
    ]


if __name__ == "__main__":
    main()
