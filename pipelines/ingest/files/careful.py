"""Reads a file that DuckDB's readers refuse: copies the readable records, and says why the others are refused.

Here: writing the copy. In place of a refused record the copy has an empty one, so that all records keep their numbers.
Not here: deciding which files need a copy (``pipelines.ingest.files.reading``).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO
from uuid import uuid4

from pipelines.ingest.files.dialects import Dialect
from pipelines.ingest.files.discover import LandedFile
from pipelines.ingest.files.lines import Lines
from pipelines.ingest.files.records import CsvForm, RawRecord, csv_fields, records_of


@dataclass
class Refusals:
    """What cannot be read in a file: *records* (record number → reason), and *warnings* about the whole file."""

    records: dict[int, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def clean_copy(file: LandedFile, scratch: Path, dialect: Dialect) -> tuple[LandedFile, Refusals]:
    """Copy *file* into *scratch*, uncompressed, so that DuckDB can read it. Returns the copy and the refused records.

    The fields of a CSV file are quoted in the copy; if the file has a header, it is the copy's first line.

    Raises:
        OSError: the file cannot be opened or decompressed at all.
    """
    copy = scratch / f"{uuid4().hex}.{file.format}"
    lines = Lines(file)
    refusals = Refusals()
    with copy.open("w", encoding="utf-8", newline="") as out:
        for record in records_of(file, lines, dialect.form):
            if file.format == "csv":
                fault = _copy_csv(record, out, dialect.form, len(dialect.names))
            else:
                fault = _copy_json(record, out, dialect.names)
            if fault:
                refusals.records[record.number] = fault
    if lines.damage:
        refusals.warnings.append(f"landing/{file.file}: {lines.damage}; its readable records are used")
    return replace(file, path=copy, compression=""), refusals


def json_fault(record: RawRecord, names: Collection[str]) -> str | None:
    """Why DuckDB found no value of the keys *names* in a line: the line's fault, or None if it really has none."""
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
    # DuckDB found no value in this line. If Python finds one, DuckDB could not parse the line: for example, it refuses
    # half a surrogate pair, which Python accepts.
    return "invalid json" if any(value.get(name) is not None for name in names) else None


def _copy_json(record: RawRecord, out: IO[str], names: Collection[str]) -> str | None:
    # DuckDB decides later whether the text is JSON. Refuse only what would make DuckDB stop, or what it would misread
    # without an error.
    text, fault = "{}", record.fault
    if not fault:
        try:
            text = record.content.decode()
            fault = _key_twice(record.content, names)
        except UnicodeDecodeError:
            fault = "invalid UTF-8"
    out.write("{}\n" if fault else f"{text}\n")
    return fault


def _key_twice(content: bytes, names: Collection[str]) -> str | None:
    """The reason to refuse the JSON object *content* if it has one of the keys *names* twice; else None."""
    # Parsing is slow, so first count each key in the text: a key that is not there twice is not repeated. A text with
    # escapes is always parsed, because an escape may hide a key.
    if b"\\u" not in content and all(content.count(b'"%b"' % name.encode()) < 2 for name in names):
        return None
    try:
        pairs = json.loads(content, object_pairs_hook=lambda pairs: pairs)
    except (ValueError, RecursionError):
        return None
    if not isinstance(pairs, list) or not content.lstrip().startswith(b"{"):
        return None
    keys = [key for key, _ in pairs]
    twice = [name for name in names if keys.count(name) > 1]
    return f"{twice[0]} given twice" if twice else None


def _copy_csv(record: RawRecord, out: IO[str], form: CsvForm, width: int) -> str | None:
    fields, fault = csv_fields(record, form)
    if not any(fields[width:]):
        del fields[width:]  # drop the empty fields that trailing delimiters add
    if not fault and len(fields) != width:
        fault = f"{len(fields)} fields instead of {width}"
    writer = csv.writer(out, delimiter=form.delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([""] * width if fault else fields)
    return fault
