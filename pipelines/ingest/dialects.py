"""Dialects: how one file writes down its records, and the query that reads files of one dialect as text.

Here: format, compression, CSV header and delimiter, Parquet types, and finding a relation's columns among them.
Not here: running the query, or what to do with a file that it fails on (``pipelines.ingest.reading``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from pipelines.duck import first_line, identifier, list_literal, literal
from pipelines.ingest.careful import csv_fields
from pipelines.ingest.discover import LandedFile
from pipelines.ingest.lines import gzip_is_whole, lines_of, records_of, without_glob
from pipelines.ingest.sources import Relation

_DELIMITERS = (",", ";", "\t", "|")
_HEADER_WITHIN_LINES = 100
_WITHOUT_ZONE = " WITHOUT ZONE"
_WHOLE_DOUBLES = 2**53
"""Below it every whole number is a double of its own."""

_FILE_INDEX, FILE_ROW = "file_index", "file_row_number"
"""Columns that DuckDB's Parquet reader adds; one of the file's own of this name would be taken in their place."""


@dataclass(frozen=True)
class Dialect:
    """What must be equal for files to be read by one query.

    *names* (and, for Parquet, *types*) are those of the file's columns; NDJSON has none. *needs_care*: DuckDB would
    misread the file, so that only its clean copy may be read.
    """

    format: str
    compression: str = ""
    needs_care: bool = False
    delimiter: str = ","
    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    def of_copy(self) -> Dialect:
        """The dialect of the file's clean copy."""
        return replace(self, compression="", needs_care=False)

    @property
    def is_read_alone(self) -> bool:
        """Whether each file needs a query of its own: in one of several, ``file_index`` tells their records apart."""
        return self.format == "parquet" and _FILE_INDEX in map(str.lower, self.names)

    def columns_present(self, relation: Relation) -> set[str] | None:
        """The columns of *relation* that the file has; None where that is not written in its head."""
        if self.format == "ndjson":
            return None
        return {name for name, column in relation.columns.items() if set(column.names) & set(self.names)}


def dialect_of(
    connection: duckdb.DuckDBPyConnection, file: LandedFile, relation: Relation, scratch: Path
) -> Dialect | None:
    """How *file* is written; None if there is nothing in it.

    Raises:
        OSError: it cannot be opened or decompressed.
        ValueError: it has no head that can be understood; the text says why.
    """
    if file.format == "parquet":
        return _parquet_dialect(connection, file, scratch)
    lines = lines_of(file, scratch, at_most=_HEADER_WITHIN_LINES if file.format == "csv" else 1)
    first = next(iter(records_of(file, lines)), None)
    is_damaged = bool(lines.damage) or (file.compression == "gzip" and not gzip_is_whole(file.path))
    if file.format == "ndjson":
        # DuckDB makes an empty row of a record behind a byte-order mark, and takes a cut zstd file for a short one.
        return Dialect("ndjson", file.compression, needs_care=lines.has_bom or is_damaged)
    if first is None:
        return None
    known = {name for column in relation.columns.values() for name in column.names}
    headers = {delimiter: csv_fields(first, delimiter)[0] for delimiter in _DELIMITERS}
    headers = {delimiter: [name.strip() for name in names] for delimiter, names in headers.items()}
    delimiter, names = max(headers.items(), key=lambda item: len(known & set(item[1])))
    if not known & set(names):
        raise ValueError(
            f"its first line has none of the columns that are looked for ({', '.join(sorted(known))}); "
            "expected a header line with their names"
        )
    needs_care = first.line > 1 or b"\n" in first.content or is_damaged
    return Dialect("csv", file.compression, needs_care, delimiter, tuple(names))


def _parquet_dialect(connection: duckdb.DuckDBPyConnection, file: LandedFile, scratch: Path) -> Dialect:
    if file.compression:
        raise ValueError("a Parquet file is compressed within; expected a name that ends in .parquet")
    path = without_glob(file.path, scratch)
    query = f"DESCRIBE SELECT * FROM read_parquet({literal(str(path))}, hive_partitioning = false)"
    try:
        rows = connection.execute(query).fetchall()
    except duckdb.Error as error:
        raise ValueError(f"cannot be read as Parquet: {first_line(error)}") from error
    without_zone = _times_without_zone(connection, path)
    if any(name.lower() == FILE_ROW for name, *_ in rows):
        raise ValueError(f"a column is called {FILE_ROW}, as the reader's own is; give it another name")
    types = tuple(row[1] + _WITHOUT_ZONE * (row[0] in without_zone) for row in rows)
    return Dialect("parquet", names=tuple(row[0] for row in rows), types=types)


def _times_without_zone(connection: duckdb.DuckDBPyConnection, path: Path) -> set[str]:
    """The columns of a Parquet file whose times are what a clock showed, and not instants, as the file says.

    DuckDB calls both TIMESTAMP where an older notation was used, whose times are instants.
    """
    query = f"SELECT name, coalesce(num_children, 0), logical_type FROM parquet_schema({literal(str(path))})"
    found: set[str] = set()
    inside = 0
    for name, children, logical_type in connection.execute(query).fetchall()[1:]:
        is_nested, inside = inside > 0, max(inside - 1, 0) + children
        if not is_nested and "TimestampType(isAdjustedToUTC=0" in (logical_type or ""):
            found.add(name)
    return found


@dataclass(frozen=True)
class Origin:
    """A file as a query reads it: where it is, and the batch that its records belong to."""

    path: Path
    batch_id: str
    landed_at: dt.datetime


def select_from(dialect: Dialect, relation: Relation, files: Sequence[Origin], *more: str) -> str:
    """The query that returns the columns of *relation* as text, batch_id and landed_at, in order of the records.

    *more* are columns of DuckDB's reader that are handed on, such as Parquet's file_row_number.
    """
    columns = ", ".join(
        f"{_column(dialect, column.names)} AS {identifier(name)}" for name, column in relation.columns.items()
    )
    batch_id = _of_file([literal(file.batch_id) for file in files])
    landed_at = _of_file([f"TIMESTAMP {literal(file.landed_at.isoformat(sep=' '))}" for file in files])
    reader = _reader(dialect, relation, list_literal(file.path for file in files))
    handed_on = "".join(f", {name}" for name in more)
    return f"SELECT {columns}, {batch_id} AS batch_id, {landed_at} AS landed_at{handed_on} FROM {reader}"


def _of_file(values: Sequence[str]) -> str:
    """The one of *values* that belongs to the file of a record; the reader's file_index counts files from 0."""
    # Not a join with a table of files: that might change the order of the records.
    return values[0] if len(values) == 1 else f"[{', '.join(values)}][CAST({_FILE_INDEX} AS INTEGER) + 1]"


def _column(dialect: Dialect, aliases: tuple[str, ...]) -> str:
    """The first value under one of *aliases*, as text."""
    if dialect.format == "ndjson":
        found = [identifier(alias) for alias in aliases]
    elif dialect.format == "csv":
        found = [_position(dialect.names.index(alias)) for alias in aliases if alias in dialect.names]
    else:
        types = dict(zip(dialect.names, dialect.types, strict=True))
        found = [_as_text(identifier(alias), types[alias]) for alias in aliases if alias in types]
    if not found:
        return "CAST(NULL AS VARCHAR)"
    return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"


def _position(index: int) -> str:
    # A CSV header may hold any text, or one name twice: its columns are read by place.
    return f"column_{index}"


def _as_text(column: str, kind: str) -> str:
    """A Parquet value as the text that a CSV file would have for it."""
    if kind.startswith("TIMESTAMP") and not kind.endswith(_WITHOUT_ZONE):
        # An instant is UTC; text says so by its Z.
        return f"CAST(CAST({column} AS TIMESTAMP) AS VARCHAR) || 'Z'"
    if kind in ("DOUBLE", "FLOAT"):
        # An id that was once null somewhere comes as 12345.0; it is 12345.
        return (
            f"CASE WHEN isnan({column}) THEN 'NaN' "
            f"WHEN {column} = trunc({column}) AND abs({column}) < {_WHOLE_DOUBLES} "
            f"THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) ELSE CAST({column} AS VARCHAR) END"
        )
    if kind == "BLOB":
        # Older writers do not say that their bytes are text.
        return f"coalesce(TRY(decode({column})), CAST({column} AS VARCHAR))"
    if kind.startswith(("STRUCT", "MAP")) or kind.endswith("]"):
        return f"CAST(to_json({column}) AS VARCHAR)"
    return f"CAST({column} AS VARCHAR)"


def _reader(dialect: Dialect, relation: Relation, paths: str) -> str:
    compression = f"compression = {literal(dialect.compression or 'none')}, hive_partitioning = false"
    if dialect.format == "parquet":
        return f"read_parquet({paths}, hive_partitioning = false)"
    if dialect.format == "csv":
        columns = ", ".join(f"{literal(_position(index))}: 'VARCHAR'" for index in range(len(dialect.names)))
        return (
            f"read_csv({paths}, columns = {{{columns}}}, auto_detect = false, header = false, skip = 1, "
            f"delim = {literal(dialect.delimiter)}, quote = '\"', escape = '\"', strict_mode = true, {compression})"
        )
    names = (name for column in relation.columns.values() for name in column.names)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    return (
        f"read_json({paths}, columns = {{{columns}}}, format = 'newline_delimited', ignore_errors = true, "
        f"{compression})"
    )
