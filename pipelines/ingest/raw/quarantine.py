"""Quarantine: the complete text of each refused record, with file, line and all reasons.

Here: finding a refused record's text and line in its file, and the query for the quarantine file of a batch.
Not here: deciding what is refused (``pipelines.ingest.records.validation``, ``pipelines.ingest.files.careful``).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

from pipelines.ingest.files.dialects import FILE_ROW, Origin, select_from
from pipelines.ingest.files.lines import without_glob
from pipelines.ingest.files.reading import PARSED, FileReading
from pipelines.ingest.files.records import USUAL_FORM
from pipelines.ingest.session import Session
from pipelines.ingest.sources.raw_tables import RAW_TABLES
from pipelines.ingest.sources.source import Relation
from pipelines.lake.duck import identifier, literal

Found = tuple[int, int | None, str]
"""A record's number, its line (None for Parquet) and its text."""


def quarantine_query(
    session: Session,
    source: str,
    relation: str,
    declared: Relation,
    reading: FileReading,
    reasons: Mapping[int, str],
) -> str:
    """SQL for the quarantine rows of a file of *relation*, which *declared* describes.

    *reasons*: number of a refused record → everything that is wrong with it.

    Raises:
        OSError: the file can no longer be read.
    """
    listing = session.scratch / f"{uuid4().hex}.ndjson"
    with listing.open("w", encoding="utf-8") as out:
        for number, line, text in _found(session, declared, reading, set(reasons)):
            shown, why = session.forgotten.redacted(text, reasons[number])
            row = {"record_no": number, "line_no": line, "reasons": why, "raw": shown}
            out.write(json.dumps(row, ensure_ascii=True) + "\n")
    return listing_query(listing, reading.batch_id, source, relation, reading.file.file, reading.landed_at)


def listing_query(listing: Path, batch_id: str, source: str, relation: str, file: str, landed_at: dt.datetime) -> str:
    """SQL for quarantine rows: their numbers, lines, reasons and texts are in the NDJSON file *listing*."""
    given = {
        "batch_id": literal(batch_id),
        "source": literal(source),
        "relation": literal(relation),
        "file": literal(file),
        "landed_at": f"TIMESTAMP {literal(landed_at.isoformat(sep=' '))}",
    }
    columns = ", ".join(
        f"CAST({given.get(name, identifier(name))} AS {kind}) AS {identifier(name)}"
        for name, kind in RAW_TABLES["raw.quarantine"].items()
    )
    kinds = "{'record_no': 'BIGINT', 'line_no': 'BIGINT', 'reasons': 'VARCHAR', 'raw': 'VARCHAR'}"
    # The limit is much larger than a record (16 MB), because escapes can make a text several times as long.
    return (
        f"SELECT {columns} FROM read_json({literal(str(listing))}, format = 'newline_delimited', columns = {kinds}, "
        "maximum_object_size = 120000000, hive_partitioning = false)"
    )


def _found(session: Session, declared: Relation, reading: FileReading, wanted: set[int]) -> Iterator[Found]:
    if not wanted:
        return
    if reading.file.format == "parquet":
        yield from _parquet_rows(session, declared, reading, wanted)
        return
    form = reading.dialect.form if reading.dialect else USUAL_FORM
    found: set[int] = set()
    for record in reading.lookup.records(session, reading.file, wanted, reading.records, form):
        found.add(record.number)
        yield record.number, record.line, record.text
    if reading.file.format == "csv" and not found:
        yield from _parsed_rows(session, declared, reading, wanted)


def _parsed_rows(session: Session, declared: Relation, reading: FileReading, wanted: set[int]) -> Iterator[Found]:
    """The *wanted* records of a CSV file that our own reader splits differently than DuckDB did.

    Their texts are JSON of the columns that DuckDB read. DuckDB accepts more than our reader, such as a quoted field
    that is opened twice.
    """
    columns = ", ".join(identifier(name) for name in declared.columns)
    rows = ", ".join(str(reading.first_row + number - 1) for number in sorted(wanted))
    query = (
        f"SELECT number, CAST(to_json(record) AS VARCHAR) FROM (SELECT rowid - {reading.first_row} + 1 AS number, "
        f"struct_pack({columns}) AS record FROM {PARSED} WHERE rowid IN ({rows}))"
    )
    for number, text in session.rows(query):
        yield number, None, text


def _parquet_rows(session: Session, declared: Relation, reading: FileReading, wanted: set[int]) -> Iterator[Found]:
    """The *wanted* records of a Parquet file, which has no lines.

    The text of a record is JSON of the columns that are read.
    """
    assert reading.dialect is not None
    origin = Origin(without_glob(reading.file.path, session.scratch), reading.batch_id, reading.landed_at)
    rows = select_from(reading.dialect, declared, [origin], FILE_ROW)
    query = (
        f"SELECT {FILE_ROW} + 1, CAST(to_json(record) AS VARCHAR) FROM "
        f"(SELECT * EXCLUDE (batch_id, landed_at) FROM ({rows}) "
        f"WHERE {FILE_ROW} IN ({', '.join(str(number - 1) for number in sorted(wanted))})) AS record"
    )
    for number, text in session.rows(query):
        yield number, None, text
