"""Dialects: how one file writes down its records, and the query that reads files of one dialect as text.

Here: format, compression, CSV header and delimiter, Parquet types, and finding a relation's columns among them.
Not here: running the query, or what to do with a file that it fails on (``pipelines.ingest.files.reading``).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import duckdb

from pipelines.ingest.files.discover import LandedFile
from pipelines.ingest.files.lines import Lines, without_glob
from pipelines.ingest.files.records import RawRecord, csv_fields, records_of
from pipelines.ingest.sources.source import Relation
from pipelines.lake.duck import first_line, identifier, list_literal, literal

_DELIMITERS = (",", ";", "\t", "|")
_HEAD = 100
"""Lines within which the header of a CSV file begins, or the keys of NDJSON are looked at."""

_WITHOUT_ZONE = " WITHOUT ZONE"
_WHOLE_NUMBERS_BELOW = {"FLOAT": 2**24, "DOUBLE": 2**53}
"""Below it every whole number is a value of its own."""

NO_TEXT = "chr(0)"
"""What stands for bytes that are no text."""

_FILE_INDEX, FILE_ROW = "file_index", "file_row_number"
"""Columns that DuckDB's Parquet reader adds; one of the file's own of this name would be taken in their place."""


@dataclass(frozen=True)
class Dialect:
    """What must be equal for files to be read by one query.

    *names* (and, for Parquet, *types*) are those of the file's columns, of NDJSON the keys that are looked for; one
    that differs from a declared name only in case is called by that, of NDJSON as it is in the file. *needs_care*:
    DuckDB would misread the file, so that only its clean copy may be read. *is_strict*: reading stops at the first
    line that is no JSON object or has a key twice, of which DuckDB takes the first value otherwise.
    """

    format: str
    compression: str = ""
    needs_care: bool = False
    delimiter: str = ","
    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    is_strict: bool = False

    def of_copy(self) -> Dialect:
        """The dialect of the file's clean copy."""
        return replace(self, compression="", needs_care=False, is_strict=False)

    @property
    def is_read_alone(self) -> bool:
        """Whether each file needs a query of its own: in one of several, ``file_index`` tells their records apart."""
        return self.format == "parquet" and _FILE_INDEX in map(str.lower, self.names)

    @property
    def may_hold_nul(self) -> bool:
        """Whether a NUL in a value says that the record cannot be read."""
        return self.format == "csv" or "BLOB" in self.types

    def columns_present(self, relation: Relation) -> set[str] | None:
        """The columns of *relation* that the file has; None where that is not written in its head."""
        if self.format == "ndjson":
            return None
        return {name for name, column in relation.columns.items() if set(column.names) & set(self.names)}


def dialect_of(
    connection: duckdb.DuckDBPyConnection, file: LandedFile, relation: Relation, scratch: Path, *, is_sound: bool
) -> Dialect | None:
    """How *file* is written; None if there is nothing in it. Unless it *is_sound*, it needs care.

    Raises:
        OSError: it cannot be opened or decompressed.
        ValueError: it has no head that can be understood; the text says why.
    """
    if file.format == "parquet":
        return _parquet_dialect(connection, file, relation, scratch)
    lines = Lines(file)
    head = list(islice(records_of(file, lines), _HEAD if file.format == "ndjson" else 1))
    is_damaged = bool(lines.damage) or not is_sound
    if file.format == "ndjson":
        keys = _as_in_head(relation.aliases, head)
        # DuckDB makes an empty row of a record behind a byte-order mark.
        needs_care = lines.has_bom or is_damaged
        return Dialect("ndjson", file.compression, needs_care=needs_care, names=keys, is_strict=True)
    if not head:
        return None
    first = head[0]
    headers = {}
    for delimiter in _DELIMITERS:
        fields, _ = csv_fields(first, delimiter)
        headers[delimiter] = _as_declared(relation.aliases, [name.strip() for name in fields])
    known = set(relation.aliases)
    delimiter, names = max(headers.items(), key=lambda item: len(known & set(item[1])))
    if not known & set(names):
        raise ValueError(
            f"its first line has none of the columns that are looked for ({', '.join(sorted(known))}); "
            "expected a header line with their names"
        )
    _refuse_twice(relation.aliases, names)
    # A blank line is no record, but DuckDB makes one of it where there is one column.
    needs_care = first.line > 1 or b"\n" in first.content or is_damaged or len(names) == 1
    return Dialect("csv", file.compression, needs_care, delimiter, names)


def _as_declared(aliases: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """*names*, in which one that is no declared name as it is written, but one in another case, is called by that."""
    missing = {alias.lower(): alias for alias in aliases if alias not in names}
    return tuple(name if name in aliases else missing.get(name.lower(), name) for name in names)


def _refuse_twice(aliases: Sequence[str], names: Sequence[str]) -> None:
    """Refuse a file in which a column stands twice: whichever was read, it might be the other that is meant.

    Raises:
        ValueError: so it is; the text names the column.
    """
    twice = [alias for alias in aliases if names.count(alias) > 1]
    if twice:
        raise ValueError(f"has column '{twice[0]}' {names.count(twice[0])} times; leave one, or rename the others")


def _as_in_head(aliases: Sequence[str], head: Sequence[RawRecord]) -> tuple[str, ...]:
    """The keys under which the first records have the columns *aliases*: as declared, or in another case.

    Raises:
        ValueError: there are several keys for one of them, and none is as declared.
    """
    keys: dict[str, set[str]] = {}
    for record in head:
        try:
            value = json.loads(record.content)
        except (ValueError, RecursionError):
            continue
        for key in value if isinstance(value, dict) else ():
            keys.setdefault(key.lower(), set()).add(key)
    found = []
    for alias in aliases:
        spelt = sorted(keys.get(alias.lower(), ()))
        if len(spelt) > 1 and alias not in spelt:
            raise ValueError(f"has keys {', '.join(spelt)}, which differ only in case, for {alias}; keep one of them")
        found.append(alias if alias in spelt or not spelt else spelt[0])
    return tuple(found)


def _parquet_dialect(
    connection: duckdb.DuckDBPyConnection, file: LandedFile, relation: Relation, scratch: Path
) -> Dialect:
    if file.compression:
        raise ValueError("a Parquet file is compressed within; expected a name that ends in .parquet")
    path = without_glob(file.path, scratch)
    query = f"DESCRIBE SELECT * FROM read_parquet({literal(str(path))}, hive_partitioning = false)"
    try:
        rows = connection.execute(query).fetchall()
    except duckdb.Error as error:
        raise ValueError(f"cannot be read as Parquet: {first_line(error)}") from error
    if any(name.lower() == FILE_ROW for name, *_ in rows):
        raise ValueError(f"a column is called {FILE_ROW}, as the reader's own is; give it another name")
    declared = {alias.lower(): alias for alias in relation.aliases}
    # DESCRIBE would call the second of two columns otherwise; DuckDB cannot tell names apart that differ only in case.
    columns = _top_columns(connection, path)
    names = tuple(declared.get(name.lower(), name) for name, _ in columns)
    _refuse_twice(relation.aliases, names)
    types = tuple(
        row[1] + _WITHOUT_ZONE * is_without_zone for row, (_, is_without_zone) in zip(rows, columns, strict=True)
    )
    return Dialect("parquet", names=names, types=types)


def _top_columns(connection: duckdb.DuckDBPyConnection, path: Path) -> list[tuple[str, bool]]:
    """The columns of a Parquet file by name, and whether its times are what a clock showed, and not instants.

    DuckDB calls both TIMESTAMP where an older notation was used, whose times are instants; the file says which.
    """
    query = f"SELECT name, coalesce(num_children, 0), logical_type FROM parquet_schema({literal(str(path))})"
    found: list[tuple[str, bool]] = []
    inside = 0
    for name, children, logical_type in connection.execute(query).fetchall()[1:]:
        is_nested, inside = inside > 0, max(inside - 1, 0) + children
        if not is_nested:
            found.append((name, "TimestampType(isAdjustedToUTC=0" in (logical_type or "")))
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
    reader = _reader(dialect, list_literal(file.path for file in files))
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
    if kind in _WHOLE_NUMBERS_BELOW:
        # An id that was once null somewhere comes as 12345.0; it is 12345. What may stand for several is no id, and
        # is written so that it is none.
        return (
            f"CASE WHEN isnan({column}) THEN 'NaN' WHEN {column} <> trunc({column}) OR isinf({column}) "
            f"THEN CAST({column} AS VARCHAR) WHEN abs({column}) < {_WHOLE_NUMBERS_BELOW[kind]} "
            f"THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) ELSE printf('%.16e', CAST({column} AS DOUBLE)) END"
        )
    if kind.startswith("DECIMAL"):
        return (
            f"CASE WHEN {column} = trunc({column}) THEN CAST(CAST({column} AS HUGEINT) AS VARCHAR) "
            f"ELSE CAST({column} AS VARCHAR) END"
        )
    if kind == "BLOB":
        # Older writers do not say that their bytes are text.
        return f"CASE WHEN {column} IS NOT NULL THEN coalesce(TRY(decode({column})), {NO_TEXT}) END"
    if kind.startswith(("STRUCT", "MAP")) or kind.endswith("]"):
        return f"CAST(to_json({column}) AS VARCHAR)"
    return f"CAST({column} AS VARCHAR)"


def _reader(dialect: Dialect, paths: str) -> str:
    compression = f"compression = {literal(dialect.compression or 'none')}, hive_partitioning = false"
    if dialect.format == "parquet":
        return f"read_parquet({paths}, hive_partitioning = false)"
    if dialect.format == "csv":
        columns = ", ".join(f"{literal(_position(index))}: 'VARCHAR'" for index in range(len(dialect.names)))
        return (
            f"read_csv({paths}, columns = {{{columns}}}, auto_detect = false, header = false, skip = 1, "
            f"delim = {literal(dialect.delimiter)}, quote = '\"', escape = '\"', strict_mode = true, {compression})"
        )
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in dialect.names)
    return (
        f"read_json({paths}, columns = {{{columns}}}, format = 'newline_delimited', "
        f"ignore_errors = {str(not dialect.is_strict).lower()}, "
        f"{compression})"
    )
