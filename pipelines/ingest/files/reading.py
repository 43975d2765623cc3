"""Reads landing files of one relation into a DuckDB table.

Here: filling the table, and finding the records that could not be read. Many files are read by one query; a file that
DuckDB refuses is read again from a clean copy.
Not here: validating the records (``pipelines.ingest.records.validation``).
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import duckdb

from pipelines.ingest.files.careful import Refusals, clean_copy, json_fault
from pipelines.ingest.files.dialects import NO_TEXT, Dialect, Origin, dialect_of, select_from
from pipelines.ingest.files.discover import LandedFile
from pipelines.ingest.files.lines import is_complete, without_glob
from pipelines.ingest.files.lookup import Lookup
from pipelines.ingest.session import Session
from pipelines.ingest.sources.source import Relation
from pipelines.lake.duck import first_line, identifier, list_literal, literal

PARSED = "__parsed"
"""The table of a relation's records as text, with batch_id."""


@dataclass(frozen=True)
class Destination:
    """The table to which the records of a relation are written.

    *query_of* turns a query of the records (columns as text, batch_id and landed_at) into the query of the rows to
    insert into *table*, one for each record. *is_empty* and *is_refused* are SQL conditions on a row of *table*: its
    record has no value at all, or is refused while it is read. Every empty record is refused. *shown_by*: column of the
    relation → the column of *table* that is not null if the record has a value in that column.
    """

    table: str
    query_of: Callable[[str], str]
    is_empty: str
    is_refused: str
    shown_by: Mapping[str, str]


def nothing_in(columns: Iterable[str]) -> str:
    """SQL condition: a record has no value in any of *columns*."""
    return " AND ".join(f"{identifier(column)} IS NULL" for column in columns)


def as_text(relation: Relation) -> Destination:
    """The destination that stores the records of *relation* as text, in the table ``__parsed``."""
    shown_by = {name: name for name in relation.columns}
    is_empty = nothing_in(relation.columns)
    return Destination(PARSED, "SELECT * EXCLUDE (landed_at) FROM ({})".format, is_empty, is_empty, shown_by)


@dataclass
class FileReading:
    """A file that is being ingested, its batch, and what was found in it.

    *records* is the number of its records; they are consecutive rows of the destination, in order, from the row id
    *first_row* on. *error* says why the file was not read, None if it was. *copy_of* is the id of the batch of another
    file with the same content, or ''; *is_copy* means that the file was read from its clean copy (see ``careful``).
    """

    file: LandedFile
    batch_id: str
    landed_at: dt.datetime
    copy_of: str = ""
    records: int = 0
    first_row: int = 0
    refusals: Refusals = field(default_factory=Refusals)
    error: str | None = None
    dialect: Dialect | None = None
    is_copy: bool = False
    lookup: Lookup = field(default_factory=Lookup)

    @property
    def name(self) -> str:
        """The file as shown to users."""
        return f"landing/{self.file.file}"


class Reader:
    """Reads files of one relation into a destination."""

    def __init__(self, session: Session, relation: Relation, destination: Destination) -> None:
        self.session = session
        self.scratch = session.scratch
        self.relation = relation
        self.destination = destination
        self._has_table = False

    def read(self, readings: Sequence[FileReading]) -> None:
        """Fill the destination with the records of *readings*, and set on each reading what was found in its file."""
        self.session.run(f"DROP TABLE IF EXISTS {self.destination.table}")
        with ThreadPoolExecutor(self.session.settings.threads or os.cpu_count()) as pool:
            complete = list(pool.map(_is_complete, readings))
        for reading, is_sound in zip(readings, complete, strict=True):
            self._look_at(reading, is_sound)
        for group in _alike(reading for reading in readings if reading.dialect is not None):
            self._insert(group)
        if not self._has_table:
            columns = ", ".join(f"CAST(NULL AS VARCHAR) AS {identifier(name)}" for name in self.relation.columns)
            self._add(f"SELECT {columns}, '' AS batch_id, TIMESTAMP '2000-01-01' AS landed_at WHERE false")
        self._count(readings)
        self._find_broken_json(readings)
        self._find_null_bytes(readings)

    def _look_at(self, reading: FileReading, is_sound: bool) -> None:
        """Set the dialect of *reading*, or its error if the file cannot be read.

        *is_sound*: the file is not damaged.
        """
        try:
            if reading.file.size:
                reading.dialect = dialect_of(
                    self.session.connection, reading.file, self.relation, self.scratch, is_sound=is_sound
                )
        except (OSError, ValueError) as error:
            reading.error = f"{reading.name}: {_describe(error)}"

    def _insert(self, group: Sequence[FileReading]) -> None:
        """Read files of one dialect by one query; if it fails, one by one, then from clean copies."""
        dialect = group[0].dialect
        assert dialect is not None
        if dialect.needs_care:
            for reading in group:
                self._insert_copy(reading, None)
            return
        files = [Origin(without_glob(r.file.path, self.scratch), r.batch_id, r.landed_at) for r in group]
        try:
            self._add(select_from(dialect, self.relation, files))
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            self._insert_again(group, error)

    def _add(self, records: str) -> None:
        # The first query creates the table, because creating it empty beforehand would take as long as reading a small
        # file.
        table, query = self.destination.table, self.destination.query_of(records)
        self.session.run(f"INSERT INTO {table} {query}" if self._has_table else f"CREATE TABLE {table} AS {query}")
        self._has_table = True

    def _insert_again(self, group: Sequence[FileReading], fault: duckdb.Error) -> None:
        """Read files on which the query failed: less strictly if that is safe, else one by one or from a clean copy."""
        dialect = group[0].dialect
        assert dialect is not None
        if dialect.is_strict and not self._has_key_twice(group):
            for reading in group:
                reading.dialect = replace(dialect, is_strict=False)
            self._insert(group)
        elif len(group) == 1:
            self._insert_copy(group[0], fault)
        else:
            for reading in group:
                self._insert([reading])

    def _has_key_twice(self, group: Sequence[FileReading]) -> bool:
        """Whether an object in NDJSON files has a key twice; True also if this cannot be determined."""
        files = list_literal(without_glob(reading.file.path, self.scratch) for reading in group)
        objects = (
            f"read_ndjson_objects({files}, ignore_errors = true, hive_partitioning = false, "
            f"compression = {literal(group[0].file.compression or 'none')})"
        )
        # Records of a log have few different sets of keys, so one record of each set is tested, not every record.
        query = (
            f"SELECT count(*) FROM (SELECT any_value(json) AS json FROM {objects} GROUP BY hash(json_keys(json))) "
            "WHERE list_unique(json_keys(json)) < len(json_keys(json))"
        )
        try:
            return bool(self.session.rows(query)[0][0])
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error:
            return True

    def _insert_copy(self, reading: FileReading, fault: duckdb.Error | None) -> None:
        assert reading.dialect is not None
        if reading.is_copy or reading.file.format == "parquet":
            reading.error = f"{reading.name}: cannot be read: {first_line(fault) if fault else 'damaged'}"
            return
        original = reading.file
        try:
            copy, refusals = clean_copy(original, self.scratch, reading.dialect)
        except OSError as error:
            reading.error = f"{reading.name}: {_describe(error)}"
            return
        reading.refusals = refusals
        reading.is_copy = True
        stand_in = FileReading(
            copy, reading.batch_id, reading.landed_at, dialect=reading.dialect.of_copy(), is_copy=True
        )
        self._insert([stand_in])
        reading.error = stand_in.error
        copy.path.unlink()

    def _count(self, readings: Sequence[FileReading]) -> None:
        by_batch = {reading.batch_id: reading for reading in readings}
        query = f"SELECT batch_id, min(rowid), max(rowid), count(*) FROM {self.destination.table} GROUP BY batch_id"
        for batch_id, first, last, count in self.session.rows(query):
            assert last - first + 1 == count, "a file's records are not in one piece"
            by_batch[batch_id].first_row, by_batch[batch_id].records = first, count
        for reading in readings:
            self._forget(reading, [number for number in reading.refusals.records if 0 < number <= reading.records])

    def _find_broken_json(self, readings: Sequence[FileReading]) -> None:
        """Refuse lines that are not JSON objects; DuckDB reads them as rows without values."""
        by_batch = {reading.batch_id: reading for reading in readings if reading.file.format == "ndjson"}
        table, is_empty, is_refused = self.destination.table, self.destination.is_empty, self.destination.is_refused
        query = (
            f"SELECT batch_id, list(rowid) FILTER ({is_empty}), list(rowid) FROM {table} "
            f"WHERE {is_refused} GROUP BY batch_id"
        )
        for batch_id, empty, refused in self.session.rows(query):
            if batch_id not in by_batch or not empty:
                continue
            reading = by_batch[batch_id]
            try:
                faults = self._json_faults(reading, _numbers(reading, empty), _numbers(reading, refused))
            except OSError as error:
                reading.error = f"{reading.name}: {_describe(error)}"
                continue
            reading.refusals.records |= faults
            self._forget(reading, faults)

    def _json_faults(self, reading: FileReading, empty: set[int], refused: set[int]) -> dict[int, str]:
        """Record number → fault, for *empty* records. Looks up all *refused* ones together, for quarantine too."""
        faults: dict[int, str] = {}
        names = set(reading.dialect.names) if reading.dialect else set()
        for record in reading.lookup.records(self.session, reading.file, refused, reading.records):
            if record.number in empty and (fault := json_fault(record, names)):
                faults[record.number] = fault
        return faults

    def _find_null_bytes(self, readings: Sequence[FileReading]) -> None:
        """Refuse records with a NUL: in a CSV file it is damage, in Parquet it replaces bytes that are not text."""
        by_batch = {r.batch_id: r for r in readings if r.dialect is not None and r.dialect.is_nul_damage}
        if not by_batch:
            return
        columns = ", ".join(map(identifier, self.destination.shown_by.values()))
        query = (
            f"SELECT batch_id, list(rowid) FROM {self.destination.table} WHERE batch_id IN "
            f"({', '.join(map(literal, by_batch))}) AND contains(concat_ws('', {columns}), {NO_TEXT}) GROUP BY batch_id"
        )
        for batch_id, rows in self.session.rows(query):
            reading = by_batch[batch_id]
            fault = "NUL byte" if reading.file.format == "csv" else "invalid UTF-8"
            faults = dict.fromkeys(_numbers(reading, rows), fault)
            reading.refusals.records |= faults
            self._forget(reading, faults)

    def _forget(self, reading: FileReading, numbers: Iterable[int]) -> None:
        """Delete records from the destination; the others keep their row ids, and so their numbers."""
        rows = [str(reading.first_row + number - 1) for number in numbers if number]
        if rows:
            self.session.run(f"DELETE FROM {self.destination.table} WHERE rowid IN ({', '.join(rows)})")


def _is_complete(reading: FileReading) -> bool:
    try:
        return is_complete(reading.file)
    except OSError:
        return True  # the next attempt to open the file will report the error


def _alike(readings: Iterable[FileReading]) -> list[list[FileReading]]:
    """The readings grouped by dialect; one query reads a group, and the rows of each file stay together."""
    groups: dict[tuple[Dialect, str], list[FileReading]] = {}
    for reading in readings:
        assert reading.dialect is not None
        alone = reading.batch_id if reading.dialect.is_read_alone else ""
        groups.setdefault((reading.dialect, alone), []).append(reading)
    return list(groups.values())


def _numbers(reading: FileReading, rows: Iterable[int]) -> set[int]:
    return {row - reading.first_row + 1 for row in rows}


def _describe(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or error}"
    return str(error)
