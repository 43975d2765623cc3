"""Finds refused records in their file by number, because quarantine shows their text.

Here: finding records of NDJSON by counting line breaks if every line is a record, else with one query. Only if both
fail, and for CSV, a Python loop reads all records.
Not here: splitting a file into lines and records in Python (``pipelines.ingest.files.lines``,
``pipelines.ingest.files.records``).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from pipelines.ingest.files.discover import LandedFile
from pipelines.ingest.files.lines import BOM, LONGEST_LINE, Lines, without_glob
from pipelines.ingest.files.records import USUAL_FORM, CsvForm, RawRecord, records_of
from pipelines.ingest.session import Session
from pipelines.lake.duck import literal

_NO_DELIMITER = "\x01\x02\x03\x04"
_BLANKS = " \t\r\x0b\x0c"
_BLOCK = 256 * 1024


@dataclass
class Lookup:
    """Finds records of one file, and remembers them."""

    found: dict[int, RawRecord] = field(default_factory=dict)

    def records(
        self, session: Session, file: LandedFile, wanted: Collection[int], records: int, form: CsvForm = USUAL_FORM
    ) -> Iterator[RawRecord]:
        """The records of *file* with the numbers *wanted*, in order; *records* is how many DuckDB read from *file*.

        Yields nothing for a CSV file in which Python finds more or fewer records than DuckDB, because then the same
        number may mean different records.

        Raises:
            OSError: the file can no longer be read.
        """
        missing = [number for number in wanted if number not in self.found]
        if missing:
            found = _find(session, file, set(missing), records, form)
            self.found |= {record.number: record for record in found}
        for number in sorted(wanted):
            if number in self.found:
                yield self.found[number]


def _find(
    session: Session, file: LandedFile, wanted: Collection[int], records: int, form: CsvForm
) -> Iterable[RawRecord]:
    found = None
    if file.format == "ndjson":
        found = None if file.compression else _by_position(file.path, wanted, records)
        found = _query(session, file, wanted, records) if found is None else found
    if found is not None:
        return found
    chosen, last = [], 0
    for record in records_of(file, Lines(file), form):
        last = record.number
        if last in wanted:
            chosen.append(record)
        if last >= max(wanted) and file.format == "ndjson":
            break
    return [] if file.format == "csv" and last != records else chosen


def _by_position(path: Path, wanted: Collection[int], records: int) -> list[RawRecord] | None:
    """The records with the numbers *wanted*; None if not every line of the file is a record, or a line is too long."""
    lines_before: list[int] = []
    lines, last = 0, b"\n"
    with path.open("rb", buffering=0) as blocks:
        while block := blocks.read(_BLOCK):
            lines_before.append(lines)
            lines += block.count(b"\n")
            last = block[-1:]
    if lines + (last != b"\n") != records:
        return None
    found = []
    limit = LONGEST_LINE["ndjson"] + 2
    with path.open("rb") as handle:
        passed = 0
        for number in sorted(wanted):
            # The line before the wanted one ends in the last block that has fewer than number - 1 line breaks before
            # it, so start at that block.
            block_no = max(bisect_left(lines_before, number - 1) - 1, 0)
            if lines_before[block_no] > passed:
                handle.seek(block_no * _BLOCK)
                passed = lines_before[block_no]
            while passed < number - 1:
                passed += handle.readline().endswith(b"\n")
            line = handle.readline(limit)
            if len(line) == limit:
                return None
            passed += 1
            found.append(RawRecord(number, number, _without_marks(line.removesuffix(b"\n"), number)))
    return found


def _query(session: Session, file: LandedFile, wanted: Collection[int], records: int) -> list[RawRecord] | None:
    """The records with the numbers *wanted*, by one query; None if it fails or does not count *records* in the file."""
    path = without_glob(file.path, session.scratch)
    # This query fails if any byte is not UTF-8; then the file is read line by line in Python.
    lines = (
        f"SELECT row_number() OVER () AS line_no, line FROM read_csv({literal(str(path))}, "
        "columns = {'line': 'VARCHAR'}, auto_detect = false, header = false, quote = '', escape = '', "
        f"delim = {literal(_NO_DELIMITER)}, compression = {literal(file.compression or 'none')}, "
        f"max_line_size = {LONGEST_LINE['ndjson'] + 2}, strict_mode = false, parallel = false, "
        "hive_partitioning = false)"
    )
    numbered = (
        f"SELECT row_number() OVER () AS record_no, line_no, line FROM ({lines}) "
        # Nearly every line begins with a brace. Testing this first avoids trimming it, which is slower.
        f"WHERE starts_with(line, '{{') OR trim(coalesce(line, ''), {literal(_BLANKS)}) <> ''"
    )
    query = (
        f"SELECT record_no, line_no, line FROM ({numbered}) "
        f"WHERE record_no IN (SELECT unnest(?)) OR record_no >= {records} ORDER BY record_no"
    )
    try:
        rows = session.connection.execute(query, [sorted(wanted)]).fetchall()
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        return None
    if not rows or rows[-1][0] != records:
        return None
    chosen = set(wanted)
    return [
        RawRecord(number, line_no, _without_marks(line.encode(), line_no))
        for number, line_no, line in rows
        if number in chosen
    ]


def _without_marks(line: bytes, line_no: int) -> bytes:
    """A line without its carriage return; the first line without a byte-order mark."""
    content = line.removesuffix(b"\r")
    return content.removeprefix(BOM) if line_no == 1 else content
