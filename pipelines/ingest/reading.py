"""Reading: landing files of one relation become rows of text in a DuckDB table.

Here: one table ``__parsed`` (the relation's columns as text, and file_index) and which records could not be read.
Clean files are read many at once; a file that DuckDB refuses is read again by itself, with care.
Not here: what the records mean (``pipelines.ingest.validation``).
"""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import duckdb

from pipelines.duck import first_line, identifier, list_literal
from pipelines.ingest.careful import Refusals, clean_copy, json_fault
from pipelines.ingest.dialects import Dialect, dialect_of, select_from
from pipelines.ingest.discover import LandedFile
from pipelines.ingest.lines import lines_of, records_of
from pipelines.ingest.sources import Relation

PARSED = "__parsed"


@dataclass
class FileReading:
    """A file on its way into the lake: its batch, and what was found in it.

    Its records are the rows of ``__parsed`` from *first_row*, in order; *error* says why there are none.
    """

    file: LandedFile
    batch_id: str
    landed_at: dt.datetime
    records: int = 0
    first_row: int = 0
    refusals: Refusals = field(default_factory=Refusals)
    error: str | None = None
    dialect: Dialect | None = None
    is_copy: bool = False

    @property
    def name(self) -> str:
        """The file as users know it."""
        return f"landing/{self.file.file}"


class Reader:
    """Reads files of one relation into ``__parsed``, in one session."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, scratch: Path, relation: Relation) -> None:
        self.connection = connection
        self.scratch = scratch
        self.relation = relation
        self._columns = [identifier(name) for name in relation.columns]

    def read(self, readings: Sequence[FileReading]) -> None:
        """Fill ``__parsed`` with the records of *readings*; each reading learns what became of its file."""
        columns = ", ".join(f"{column} VARCHAR" for column in self._columns)
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {PARSED} ({columns}, file_index INTEGER)")
        for reading in readings:
            self._look_at(reading)
        sound = [(index, reading) for index, reading in enumerate(readings) if reading.dialect is not None]
        for group in _alike(sound):  # in order, so that a file's rows are in one piece
            self._insert(group)
        self._count(readings)
        self._find_broken_json(readings)
        self._find_null_bytes(readings)

    def _look_at(self, reading: FileReading) -> None:
        """Learn how the file is to be read."""
        try:
            if reading.file.size:
                reading.dialect = dialect_of(self.connection, reading.file, self.relation, self.scratch)
        except (OSError, EOFError, zlib.error, ValueError) as error:
            reading.error = f"{reading.name}: {_describe(error)}"

    def _insert(self, group: Sequence[tuple[int, FileReading]]) -> None:
        """Read files of one dialect together; if that fails, one by one, and then from clean copies."""
        dialect = group[0][1].dialect
        assert dialect is not None
        if dialect.needs_care:
            for place in group:
                self._insert_copy(place, None)
            return
        paths = [self._safe(reading.file.path) for _, reading in group]
        # The n-th path of the list is the n-th file of the group; its place among all readings is looked up.
        places = f"list_extract([{', '.join(str(index) for index, _ in group)}], CAST(file_index AS INTEGER) + 1)"
        query = select_from(dialect, self.relation, list_literal(paths), places)
        try:
            self.connection.execute(f"INSERT INTO {PARSED} {query}")
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            if len(group) == 1:
                self._insert_copy(group[0], error)
                return
            for place in group:
                self._insert([place])

    def _insert_copy(self, place: tuple[int, FileReading], fault: duckdb.Error | None) -> None:
        index, reading = place
        assert reading.dialect is not None
        if reading.is_copy or reading.file.format == "parquet":
            reading.error = f"{reading.name}: cannot be read: {first_line(fault) if fault else 'damaged'}"
            return
        original = reading.file
        try:
            copy, refusals = clean_copy(original, self.scratch, reading.dialect.delimiter, len(reading.dialect.names))
        except OSError as error:
            reading.error = f"{reading.name}: {_describe(error)}"
            return
        reading.refusals = refusals
        reading.is_copy = True
        stand_in = FileReading(
            copy, reading.batch_id, reading.landed_at, dialect=reading.dialect.of_copy(), is_copy=True
        )
        self._insert([(index, stand_in)])
        reading.error = stand_in.error
        copy.path.unlink()

    def _safe(self, path: Path) -> Path:
        """*path*, or a link to it where DuckDB would take its name for a glob."""
        if not any(sign in str(path) for sign in "*?["):
            return path
        link = self.scratch / uuid4().hex
        link.symlink_to(path)
        return link

    def _count(self, readings: Sequence[FileReading]) -> None:
        query = f"SELECT file_index, min(rowid), max(rowid), count(*) FROM {PARSED} GROUP BY file_index"
        for index, first, last, count in self.connection.execute(query).fetchall():
            assert last - first + 1 == count, "a file's records are not in one piece"
            readings[index].first_row, readings[index].records = first, count
        for reading in readings:
            faulty = [n for n in reading.refusals.records if 0 < n <= reading.records]
            self._forget(reading, faulty)

    def _find_broken_json(self, readings: Sequence[FileReading]) -> None:
        """Name the lines that are no JSON object: DuckDB makes a row without any value of them."""
        nothing = " AND ".join(f"{column} IS NULL" for column in self._columns)
        query = f"SELECT file_index, list(rowid) FROM {PARSED} WHERE {nothing} GROUP BY file_index"
        for index, rows in self.connection.execute(query).fetchall():
            reading = readings[index]
            if reading.file.format != "ndjson":
                continue
            wanted = {row - reading.first_row + 1 for row in rows}
            try:
                faults = self._json_faults(reading, wanted)
            except OSError as error:
                reading.error = f"{reading.name}: {_describe(error)}"
                continue
            reading.refusals.records |= faults
            self._forget(reading, faults)

    def _json_faults(self, reading: FileReading, wanted: set[int]) -> dict[int, str]:
        faults: dict[int, str] = {}
        names = {name for column in self.relation.columns.values() for name in column.names}
        last = max(wanted)
        for record in records_of(reading.file, lines_of(reading.file, self.scratch)):
            if record.number in wanted:
                fault = json_fault(record, names)
                if fault:
                    faults[record.number] = fault
            if record.number >= last:
                break
        return faults

    def _find_null_bytes(self, readings: Sequence[FileReading]) -> None:
        """A NUL in a CSV file is damage, though DuckDB takes it for a letter."""
        indexes = [str(i) for i, reading in enumerate(readings) if reading.file.format == "csv" and reading.records]
        if not indexes:
            return
        query = (
            f"SELECT file_index, list(rowid) FROM {PARSED} WHERE file_index IN ({', '.join(indexes)}) "
            f"AND contains(concat_ws('', {', '.join(self._columns)}), chr(0)) GROUP BY file_index"
        )
        for index, rows in self.connection.execute(query).fetchall():
            faults = {row - readings[index].first_row + 1: "NUL byte" for row in rows}
            readings[index].refusals.records |= faults
            self._forget(readings[index], faults)

    def _forget(self, reading: FileReading, numbers: Iterable[int]) -> None:
        """Take records out of ``__parsed``; the others keep their row ids, and so their numbers."""
        rows = [str(reading.first_row + number - 1) for number in numbers if number]
        if rows:
            self.connection.execute(f"DELETE FROM {PARSED} WHERE rowid IN ({', '.join(rows)})")


def _alike(readings: Iterable[tuple[int, FileReading]]) -> list[list[tuple[int, FileReading]]]:
    """The readings by dialect, each list to be read by one query."""
    groups: dict[Dialect, list[tuple[int, FileReading]]] = {}
    for place in readings:
        assert place[1].dialect is not None
        groups.setdefault(place[1].dialect, []).append(place)
    return list(groups.values())


def _describe(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or error}"
    return str(error)
