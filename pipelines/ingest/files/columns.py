"""The declared columns that are present in a group of files, which are ingested together.

Here: stopping a source if no file has a required column, and counting the values of each column. Both happen before
records are validated.
Not here: a record that lacks a value (``pipelines.ingest.records.validation``), unusual counts
(``pipelines.ingest.raw.drift``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import islice

from pipelines.home.errors import HeadwaterError
from pipelines.ingest.files.lines import Lines
from pipelines.ingest.files.reading import Destination, FileReading
from pipelines.ingest.files.records import records_of
from pipelines.ingest.session import Session
from pipelines.ingest.sources.source import Source
from pipelines.lake.duck import identifier

_SAMPLE = 100
"""If a column has no value, its key is looked for in this many records of the file."""

_FIRST_ROWS = 10_000


def require_columns(
    session: Session, source: Source, relation: str, readings: Sequence[FileReading], destination: Destination
) -> None:
    """Require that at least one of the files has each required column.

    Raises:
        HeadwaterError: none of the files has a required column; the text names it, the files, and the names that were
            looked for.
    """
    with_records = [r for r in readings if r.records > len(r.refusals.records)]
    if not with_records:
        return
    declared = source.relations[relation].columns
    required = [name for name in destination.shown_by if declared[name].required]
    absent = _without_values(session, destination, required)
    if absent:
        absent -= _in_heads(session, source, relation, with_records, absent)
    file = source.folder / "source.yaml"
    files = _listed(with_records)
    for name in declared:
        if name in absent:
            raise HeadwaterError(
                f"source {source.name} stopped: {files}: no column '{name}', which relation {relation} "
                f"requires; looked for {', '.join(declared[name].names)}",
                remedy=f"if the files have it under another name, add that name to {file}",
            )


def filled_columns(
    session: Session, source: Source, relation: str, readings: Sequence[FileReading], destination: Destination
) -> dict[str, tuple[int, str]]:
    """Batch id → (number of records not refused while reading, JSON of column → how many of these have a value).

    Columns that no file has are not in the JSON. A column without any value is in it, with 0, if the header or one of
    the first records of a file names the column.
    """
    names = list(destination.shown_by)
    counts = ", ".join(f"count({identifier(destination.shown_by[name])})" for name in names)
    query = (
        f"SELECT batch_id, count(*), {counts} FROM {destination.table} WHERE NOT ({destination.is_refused}) "
        "GROUP BY batch_id"
    )
    found = {batch_id: (read, dict(zip(names, filled, strict=True))) for batch_id, read, *filled in session.rows(query)}
    absent = {name for name in names if not any(filled[name] for _, filled in found.values())}
    if absent and found:
        absent -= _in_heads(session, source, relation, [r for r in readings if r.batch_id in found], absent)
    return {
        batch_id: (read, json.dumps({name: count for name, count in filled.items() if name not in absent}))
        for batch_id, (read, filled) in found.items()
    }


def _without_values(session: Session, destination: Destination, names: list[str]) -> set[str]:
    """The columns among *names* that have no value in any row.

    For speed, first a few rows are searched; then all rows are searched, only for the columns without a value so far.
    """
    for rows in (f"(FROM {destination.table} LIMIT {_FIRST_ROWS})", destination.table):
        if not names:
            break
        counts = ", ".join(f"count({identifier(destination.shown_by[name])})" for name in names)
        found = session.rows(f"SELECT {counts} FROM {rows}")[0]
        names = [name for name, count in zip(names, found, strict=True) if not count]
    return set(names)


def _in_heads(
    session: Session, source: Source, relation: str, readings: Sequence[FileReading], absent: set[str]
) -> set[str]:
    """The columns among *absent* that the header or one of the first records of a file in *readings* names."""
    declared = source.relations[relation]
    found: set[str] = set()
    for reading in readings:
        present = reading.dialect.columns_present(declared) if reading.dialect else set()
        if present is None:
            keys = {name: [f'"{alias}"'.encode() for alias in declared.columns[name].names] for name in absent}
            head = list(islice(records_of(reading.file, Lines(reading.file)), _SAMPLE))
            present = {n for n, quoted in keys.items() if any(key in r.content for r in head for key in quoted)}
        found |= present & absent
        if found == absent:
            break
    return found


def _listed(readings: Sequence[FileReading]) -> str:
    names = [reading.name for reading in readings]
    more = f" and {len(names) - 3} more files" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
