"""Columns that no file has: a renamed or forgotten column is told before its records are judged.

Here: finding the declared columns that none of the files at hand has.
Not here: a record that lacks a value (``pipelines.ingest.validation``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from pipelines.duck import identifier
from pipelines.errors import HeadwaterError
from pipelines.ingest.bench import Bench
from pipelines.ingest.lines import lines_of, records_of
from pipelines.ingest.reading import Destination, FileReading
from pipelines.ingest.sources import Source

_SAMPLE = 100
"""Records of a file in which a key is looked for, where it has no value anywhere."""

_FIRST_ROWS = 10_000


def missing_columns(
    bench: Bench, source: Source, relation: str, readings: Sequence[FileReading], destination: Destination
) -> list[str]:
    """A warning that names the optional columns of *relation* that none of *readings* has, if there are any.

    Raises:
        HeadwaterError: none has a required column.
    """
    with_records = [r for r in readings if r.records > len(r.refusals.records)]
    if not with_records:
        return []
    declared = source.relations[relation].columns
    absent = _without_values(bench, destination)
    if absent:
        absent -= _in_heads(bench, source, relation, with_records, absent)
    file = source.folder / "source.yaml"
    files = _listed(with_records)
    for name in declared:
        if name in absent and declared[name].required:
            raise HeadwaterError(
                f"source {source.name} stopped: {files}: no column '{name}' of relation {relation}; looked for "
                f"{', '.join(declared[name].names)}; if it has another name, add that in {file}"
            )
    optional = [name for name in declared if name in absent]
    if not optional:
        return []
    return [f"{files}: no column {', '.join(optional)} of {source.name} {relation}; read as empty"]


def _without_values(bench: Bench, destination: Destination) -> set[str]:
    """The columns without a value in any row; only those without one in the first rows are looked for in all."""
    names = list(destination.shown_by)
    for rows in (f"(FROM {destination.table} LIMIT {_FIRST_ROWS})", destination.table):
        counts = ", ".join(f"count({identifier(destination.shown_by[name])})" for name in names)
        found = bench.rows(f"SELECT {counts} FROM {rows}")[0]
        names = [name for name, count in zip(names, found, strict=True) if not count]
        if not names:
            break
    return set(names)


def _in_heads(
    bench: Bench, source: Source, relation: str, readings: Sequence[FileReading], absent: set[str]
) -> set[str]:
    """Those of *absent* that some file has, though without a value: by its header, or by keys in its first records."""
    declared = source.relations[relation]
    found: set[str] = set()
    for reading in readings:
        present = reading.dialect.columns_present(declared) if reading.dialect else set()
        if present is None:
            keys = {name: [f'"{alias}"'.encode() for alias in declared.columns[name].names] for name in absent}
            head = list(islice(records_of(reading.file, lines_of(reading.file, bench.scratch)), _SAMPLE))
            present = {n for n, quoted in keys.items() if any(key in r.content for r in head for key in quoted)}
        found |= present & absent
        if found == absent:
            break
    return found


def _listed(readings: Sequence[FileReading]) -> str:
    names = [reading.name for reading in readings]
    more = f" and {len(names) - 3} more files" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
