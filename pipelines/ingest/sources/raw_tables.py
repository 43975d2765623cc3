"""The raw tables: their columns, types and descriptions.

Here: the tables of the canonical targets, with the columns that ingestion adds, and the tables about ingestion.
Not here: their files (``pipelines.ingest.batches``).
"""

from __future__ import annotations

from pipelines.ingest.sources.target import MOMENT, TEXT, WHOLE, Target
from pipelines.ingest.sources.targets import TARGETS

RECORD_HASH = "record_hash"
_ORIGIN = {
    "source": (TEXT, "source that it came from"),
    "batch_id": (TEXT, "batch (file) that it came from; see raw.batches"),
    "record_no": (WHOLE, "record of the file, counted from 1 without blank lines"),
}
_HASH = {
    RECORD_HASH: (
        TEXT,
        "hash of the record's canonical columns; for orders and order lines it begins with the rank of the status or "
        "removal. Among versions with equal updated_at the largest counts",
    )
}


def _raw_columns(target: Target) -> dict[str, tuple[str, str]]:
    given = {name: (column.kind, column.description) for name, column in target.columns.items()}
    derived = {name: (column.kind, column.description) for name, column in target.derived.items()}
    if target.partitioned:
        day = {"dt": derived.pop("dt")}
        return _after(given, "received_at", derived) | _ORIGIN | day
    return given | derived | _HASH | _ORIGIN


def _after(
    columns: dict[str, tuple[str, str]], name: str, more: dict[str, tuple[str, str]]
) -> dict[str, tuple[str, str]]:
    position = list(columns).index(name) + 1
    items = list(columns.items())
    return dict(items[:position]) | more | dict(items[position:])


_SUPERSEDED = {
    "event_id": (TEXT, "event that a later batch repeats with an earlier received_at"),
    "batch_id": (TEXT, "batch whose row of raw.events no longer counts"),
    "superseded_by": (TEXT, "batch whose row counts instead"),
    "dt": ("DATE", "day of the row that no longer counts"),
}
_QUARANTINE = {
    "batch_id": (TEXT, "batch that the record belongs to"),
    "source": (TEXT, "the source that it belongs to, the name of a folder in sql/sources/"),
    "relation": (TEXT, "the relation of that source, see its source.yaml"),
    "file": (TEXT, "file, relative to the landing folder"),
    "line_no": (
        WHOLE,
        "line of the file where the record begins, from 1; null = the file is gone, or the person forgotten",
    ),
    "record_no": (WHOLE, "record of the file, counted from 1 without blank lines"),
    "reasons": (TEXT, "every reason, joined by '; '"),
    "raw": (
        TEXT,
        "the record's text as in the file; only the beginning of a line that is too long; null = forgotten",
    ),
    "landed_at": (MOMENT, "when the file landed (UTC)"),
}
_BATCHES = {
    "batch_id": (TEXT, "hash of the file's path and content"),
    "kind": (TEXT, "'file', or 'mapping' for the rows of a target that is mapped over all files at once"),
    "source": (TEXT, "the source that it belongs to, the name of a folder in sql/sources/"),
    "relation": (TEXT, "relation of the source, or the target of a mapping"),
    "file": (TEXT, "file, relative to the landing folder"),
    "bytes": (WHOLE, "size of the file in bytes"),
    "modified_at": (MOMENT, "modification time of the file (UTC)"),
    "landed_at": (MOMENT, "modification time of the file when it was first read (UTC)"),
    "ingested_at": (MOMENT, "when it was ingested (UTC)"),
    "records": (WHOLE, "records read: accepted + duplicates + quarantined"),
    "accepted": (WHOLE, "records that are new and valid"),
    "duplicates": (WHOLE, "records that were in the lake already"),
    "quarantined": (WHOLE, "records that failed validation; see raw.quarantine"),
    "unmapped": (WHOLE, "accepted records for which the mapping returns no row"),
}

_TABLES: dict[str, dict[str, tuple[str, str]]] = {
    **{target.table: _raw_columns(target) for target in TARGETS.values()},
    "raw.superseded_events": _SUPERSEDED,
    "raw.quarantine": _QUARANTINE,
    "raw.batches": _BATCHES,
}

RAW_TABLES: dict[str, dict[str, str]] = {
    table: {name: kind for name, (kind, _) in columns.items()} for table, columns in _TABLES.items()
}
"""Raw table → column → DuckDB type; ``dt`` is last if the table has days."""

ACCOUNTS = frozenset({"raw.batches", "raw.quarantine"})
"""The raw tables with results of ingestion instead of accepted records."""

RAW_COLUMN_DESCRIPTIONS: dict[str, dict[str, str]] = {
    table: {name: text for name, (_, text) in columns.items()} for table, columns in _TABLES.items()
}

RAW_DESCRIPTIONS: dict[str, str] = {
    **{target.table: target.description for target in TARGETS.values()},
    "raw.superseded_events": "Rows of raw.events that no longer count: a later batch has an earlier copy.",
    "raw.quarantine": "Every record that failed validation, with its place in the file, its text and all reasons.",
    "raw.batches": "Batches: one row for each landing file that was read, and how its records were counted.",
}
