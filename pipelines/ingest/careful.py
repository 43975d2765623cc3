"""Careful reading of a file that DuckDB's readers refuse: what is sound goes into a clean copy, the rest is named.

Here: the copy, in which every refused record leaves an empty one in its place, so that records keep their numbers.
Not here: deciding which files need it (``pipelines.ingest.reading``).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO
from uuid import uuid4

from pipelines.ingest.discover import LandedFile
from pipelines.ingest.lines import RawRecord, lines_of, records_of


@dataclass
class Refusals:
    """Why records of one file cannot be read, by their number, and what else is wrong with the file."""

    records: dict[int, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def clean_copy(file: LandedFile, scratch: Path, delimiter: str, width: int) -> tuple[LandedFile, Refusals]:
    """A plain copy of *file* in *scratch* that DuckDB can read, and what had to be left out.

    *delimiter* and *width*, the number of fields, are those of a CSV file; its copy has the header as its first line.

    Raises:
        OSError: the file cannot be opened or decompressed at all.
    """
    copy = scratch / f"{uuid4().hex}.{file.format}"
    lines = lines_of(file, scratch)
    refusals = Refusals()
    with copy.open("w", encoding="utf-8", newline="") as out:
        for record in records_of(file, lines):
            is_csv = file.format == "csv"
            fault = _copy_csv(record, out, delimiter, width) if is_csv else _copy_json(record, out)
            if fault:
                refusals.records[record.number] = fault
    if lines.damage:
        refusals.warnings.append(f"landing/{file.file}: {lines.damage}; what can be read of it is used")
    return replace(file, path=copy, compression=""), refusals


def json_fault(record: RawRecord, names: Collection[str]) -> str | None:
    """Why DuckDB found no value of the columns *names* in a line; None if the line is sound and has none."""
    if record.fault:
        return record.fault
    try:
        value = json.loads(record.content.decode())
    except UnicodeDecodeError:
        return "invalid UTF-8"
    except (ValueError, RecursionError):
        return "invalid json"
    if not isinstance(value, dict):
        return "not a JSON object"
    # Python takes more for JSON than DuckDB does, e.g. half of a surrogate pair.
    return "invalid json" if any(value.get(name) is not None for name in names) else None


def _copy_json(record: RawRecord, out: IO[str]) -> str | None:
    # Whether the text is JSON is for DuckDB to say, all at once; here only what would stop it is taken out.
    try:
        text = "{}" if record.fault else record.content.decode()
        fault = record.fault
    except UnicodeDecodeError:
        text, fault = "{}", "invalid UTF-8"
    out.write(f"{text}\n")
    return fault


def _copy_csv(record: RawRecord, out: IO[str], delimiter: str, width: int) -> str | None:
    fields, fault = csv_fields(record, delimiter)
    if not fault and len(fields) == width + 1 and not fields[-1]:
        fields.pop()  # a trailing delimiter
    if not fault and len(fields) != width:
        fault = f"{len(fields)} fields instead of {width}"
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([""] * width if fault else fields)
    return fault


def csv_fields(record: RawRecord, delimiter: str) -> tuple[list[str], str | None]:
    """The fields of a CSV record, or why it has none."""
    if record.fault:
        return [], record.fault
    csv.field_size_limit(1 << 30)
    try:
        rows = list(csv.reader([record.content.decode()], delimiter=delimiter, strict=True))
    except UnicodeDecodeError:
        return [], "invalid UTF-8"
    except csv.Error:
        return [], "invalid csv"
    return rows[0], None
