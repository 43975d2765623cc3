"""Helpers for tests of ingestion: making a home, landing files in it, and reading the raw tables.

Here: writing files to the landing folder, and reading the tables of ``lake/raw``.
Not here: the tables computed from the raw ones (``tests.support``).
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.home.folder import Home, init_home
from pipelines.home.settings import load_settings
from pipelines.ingest import RAW_TABLES, Batch, IngestReport, RawLake, ingest
from pipelines.lake.partitions import relation_sql
from tests.support import reading

Row = dict[str, Any]

LANDED_AT = dt.datetime(2026, 6, 1, 12)
"""The modification time (UTC) of landed files: old enough not to count as still being written."""


def new_home(folder: Path, sources: Mapping[str, Mapping[str, str]] | None = None) -> Home:
    """A home in *folder* with the additional *sources*: source name → file name → text of the file."""
    home, _ = init_home(folder)
    for source, files in (sources or {}).items():
        for name, text in files.items():
            path = home.sql / "sources" / source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return home


def set_timezone(home: Home, timezone: str) -> None:
    """Change the shop's time zone."""
    home.settings_file.write_text(f"timezone: {timezone}\n", encoding="utf-8")


def land(home: Home, file: str, content: bytes | list[Row], at: dt.datetime = LANDED_AT) -> Path:
    """Write *content*, either bytes or records to be written as NDJSON, to landing/*file*, modified at time *at*."""
    path = home.landing / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else ndjson(content))
    moment = at.replace(tzinfo=dt.UTC).timestamp()
    os.utime(path, (moment, moment))
    return path


def ndjson(records: list[Row]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def event(event_id: str, **fields: Any) -> Row:
    """A valid event; *fields* replace or add fields, and a field that is None is removed."""
    record = {
        "event_id": event_id,
        "device_id": "d1",
        "user_id": None,
        "event_type": "click",
        "page_id": 7,
        "page_type": "home",
        "module": "banner",
        "slot": 1,
        "sku": None,
        "content_id": None,
        "device_time": "2026-05-01T10:00:00+08:00",
        "sent_time": "2026-05-01T10:00:05+08:00",
        "received_time": "2026-05-01T10:00:05+08:00",
        **dict.fromkeys(("page_url", "referrer", "utm_source", "utm_medium", "utm_campaign", "click_id")),
        **dict.fromkeys(("platform", "app_version", "is_bot")),
    }
    return {name: value for name, value in (record | fields).items() if name not in fields or value is not None}


def order(order_id: str, **fields: Any) -> Row:
    """A valid order; *fields* replace or add fields."""
    return {
        "order_id": order_id,
        "user_id": "u1",
        "status": "paid",
        "ordered_at": "2026-05-01 10:00:00",
        "paid_at": "2026-05-01 10:05:00",
        "currency": "CNY",
        "updated_at": "2026-05-01 10:05:00",
    } | fields


def take_in(home: Home) -> IngestReport:
    """Ingest the pending files; asserts that every batch's counts add up."""
    report = ingest(home, load_settings(home), settle_seconds=0)
    for batch in RawLake.load(home).batches:
        assert batch.records == batch.accepted + batch.duplicates + batch.quarantined, batch
    return report


def only_batch(home: Home) -> Batch:
    """The only batch of *home*."""
    (batch,) = RawLake.load(home).batches
    return batch


def counts(batch: Batch) -> tuple[int, int, int, int]:
    """The batch's numbers of records, accepted records, duplicates and quarantined records."""
    return batch.records, batch.accepted, batch.duplicates, batch.quarantined


def raw(home: Home, table: str, order_by: str = "ALL") -> list[Row]:
    """The rows of a raw table, without those of batches that were replaced."""
    columns = RAW_TABLES[table]
    query = relation_sql(columns, RawLake.load(home).files(table))
    rows = reading().execute(f"SELECT * FROM ({query}) ORDER BY {order_by}").fetchall()
    return [dict(zip(columns, row, strict=True)) for row in rows]


def live_events(home: Home) -> list[Row]:
    """The rows of raw.events without those that another copy of the same event supersedes."""
    superseded = {(row["event_id"], row["batch_id"]) for row in raw(home, "raw.superseded_events")}
    return [row for row in raw(home, "raw.events") if (row["event_id"], row["batch_id"]) not in superseded]


def refused(home: Home) -> list[tuple[int | None, str]]:
    """The line number in its file, and the reasons, of each quarantined record."""
    return [(row["line_no"], row["reasons"]) for row in raw(home, "raw.quarantine", "file, record_no")]
