"""Dialects: how a file stores its records, and the query that reads files of one dialect as text.

Here: format, compression, CSV header and delimiter, Parquet types, and which columns of a file are those of a relation.
Not here: running the query, or handling a file on which it fails (``pipelines.ingest.files.reading``).
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
from pipelines.ingest.files.records import USUAL_FORM, CsvForm, RawRecord, csv_fields, records_of
from pipelines.ingest.sources.source import Relation
from pipelines.lake.duck import first_line, identifier, list_literal, literal

_DELIMITERS = (",", ";", "\t", "|")
_HEAD = 100
"""How many lines at the beginning of a file are searched for the header of a CSV file, or for the keys of NDJSON."""

_WITHOUT_ZONE = " WITHOUT ZONE"
_WHOLE_NUMBERS_BELOW = {"FLOAT": 2**24, "DOUBLE": 2**53}
"""Type of a Parquet column → the limit below which the type stores every integer exactly."""

NO_TEXT = "chr(0)"
"""Replaces bytes that are not valid text."""

_FILE_INDEX, FILE_ROW = "file_index", "file_row_number"
"""Columns that DuckDB's Parquet reader adds; a column of this name in the file would hide them."""


@dataclass(frozen=True)
class Dialect:
    """The properties that files must share to be read by one query.

    *names* are the names of the file's columns (for Parquet, *types* are their types), or the keys to look for in
    NDJSON. A column name that differs from a declared one only in case is replaced by the declared one; a key keeps the
    case that it has in the file. *needs_care*: DuckDB would misread the file, so only a clean copy of it may be read
    (see ``careful``). *is_strict*: the query fails on a line that is not a JSON object or has a key twice; a query that
    is not strict returns a row without values for such a line, or the first value of the key.
    """

    format: str
    compression: str = ""
    needs_care: bool = False
    form: CsvForm = USUAL_FORM
    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    is_strict: bool = False

    def of_copy(self) -> Dialect:
        """The dialect of the file's clean copy, which is not compressed and which DuckDB reads correctly."""
        form = replace(self.form, has_quotes=True)
        return replace(self, compression="", needs_care=False, form=form, is_strict=False)

    @property
    def is_read_alone(self) -> bool:
        """Whether each file needs its own query.

        This is so if the file has a column ``file_index``: it would hide DuckDB's own column of that name, which says
        to which of several files a record belongs.
        """
        return self.format == "parquet" and _FILE_INDEX in map(str.lower, self.names)

    @property
    def is_nul_damage(self) -> bool:
        """Whether a NUL in a value means that the record cannot be read."""
        return self.format == "csv" or "BLOB" in self.types

    def columns_present(self, relation: Relation) -> set[str] | None:
        """The columns of *relation* that the file has; None if its header does not say (NDJSON)."""
        if self.format == "ndjson":
            return None
        return {name for name, column in relation.columns.items() if set(column.names) & set(self.names)}


def dialect_of(
    connection: duckdb.DuckDBPyConnection, file: LandedFile, relation: Relation, scratch: Path, *, is_sound: bool
) -> Dialect | None:
    """The dialect of *file*; None if the file is empty. If *is_sound* is False, the file is damaged and needs care.

    Raises:
        OSError: the file cannot be opened or decompressed.
        ValueError: the header cannot be understood; the text says why.
    """
    if file.format == "parquet":
        return _parquet_dialect(connection, file, relation, scratch)
    lines = Lines(file)
    head = list(islice(records_of(file, lines), _HEAD if file.format == "ndjson" else 1))
    is_damaged = bool(lines.damage) or not is_sound
    if file.format == "ndjson":
        keys = _as_in_head(relation.aliases, head)
        # DuckDB reads a record after a byte-order mark as an empty row, so read the clean copy, which has no mark.
        needs_care = lines.has_bom or is_damaged
        return Dialect("ndjson", file.compression, needs_care=needs_care, names=keys, is_strict=True)
    if not head:
        return None
    first = head[0]
    form, names = _form_and_names(relation, first)
    _refuse_twice(relation.aliases, names)
    # A blank line is not a record, but DuckDB reads it as one if there is only one column. The clean copy has no blank
    # lines.
    needs_care = first.line > 1 or b"\n" in first.content or is_damaged or len(names) == 1
    return Dialect("csv", file.compression, needs_care, form, names)


def _form_and_names(relation: Relation, first: RawRecord) -> tuple[CsvForm, tuple[str, ...]]:
    """The form of a CSV file whose first record is *first*, and the names of its columns.

    Raises:
        ValueError: the first record names no declared column, and *relation* declares no header for such files.
    """
    # If the relation declares the header, its files usually have no header line. A file that has one was written by
    # another program, which may quote fields.
    usual = [CsvForm(delimiter, has_quotes=relation.quotes or bool(relation.header)) for delimiter in _DELIMITERS]
    known = set(relation.aliases)
    headers = {form: _as_declared(relation.aliases, _names(first, form)) for form in usual}
    form, names = max(headers.items(), key=lambda item: len(known & set(item[1])))
    required = [set(column.names) for column in relation.columns.values() if column.required]
    if relation.header and not (known & set(names) and all(names_of & set(names) for names_of in required)):
        # Choose the delimiter that splits the first record into the declared number of fields, or the nearest number.
        # Later, each record with another number of fields is refused by itself.
        bare = [CsvForm(delimiter, has_header=False, has_quotes=relation.quotes) for delimiter in _DELIMITERS]
        form = min(bare, key=lambda form: abs(len(csv_fields(first, form)[0]) - len(relation.header)))
        return form, relation.header
    if not known & set(names):
        raise ValueError(
            f"its first line has none of the expected columns ({', '.join(sorted(known))}); "
            "expected a header line with their names"
        )
    return form, names


def _names(header: RawRecord, form: CsvForm) -> list[str]:
    return [name.strip() for name in csv_fields(header, form)[0]]


def _as_declared(aliases: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """*names*, with those that differ from a declared name only in case replaced by the declared name."""
    missing = {alias.lower(): alias for alias in aliases if alias not in names}
    return tuple(name if name in aliases else missing.get(name.lower(), name) for name in names)


def _refuse_twice(aliases: Sequence[str], names: Sequence[str]) -> None:
    """Refuse a file if one of *aliases* occurs twice in the *names* of its columns: it is unclear which one is meant.

    Raises:
        ValueError: a column occurs twice; the text names it.
    """
    twice = [alias for alias in aliases if names.count(alias) > 1]
    if twice:
        raise ValueError(f"has column '{twice[0]}' {names.count(twice[0])} times; keep one, or rename the others")


def _as_in_head(aliases: Sequence[str], head: Sequence[RawRecord]) -> tuple[str, ...]:
    """For each of *aliases* the key to look for: the alias itself, or its upper and lower case in the first records.

    Raises:
        ValueError: a column has several spellings, and none is the declared one.
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
        raise ValueError("a Parquet file is compressed internally; expected a name that ends in .parquet")
    path = without_glob(file.path, scratch)
    query = f"DESCRIBE SELECT * FROM read_parquet({literal(str(path))}, hive_partitioning = false)"
    try:
        rows = connection.execute(query).fetchall()
    except duckdb.Error as error:
        raise ValueError(f"cannot be read as Parquet: {first_line(error)}") from error
    if any(name.lower() == FILE_ROW for name, *_ in rows):
        raise ValueError(f"a column has the reserved name {FILE_ROW}; rename it")
    declared = {alias.lower(): alias for alias in relation.aliases}
    # Take the names from the file's schema: of two names that are equal or differ only in case, DESCRIBE renames one.
    columns = _top_columns(connection, path)
    names = tuple(declared.get(name.lower(), name) for name, _ in columns)
    _refuse_twice(relation.aliases, names)
    types = tuple(
        row[1] + _WITHOUT_ZONE * is_without_zone for row, (_, is_without_zone) in zip(rows, columns, strict=True)
    )
    return Dialect("parquet", names=names, types=types)


def _top_columns(connection: duckdb.DuckDBPyConnection, path: Path) -> list[tuple[str, bool]]:
    """The top-level columns of a Parquet file: (name, whether the column has local times instead of instants).

    DuckDB calls both TIMESTAMP if the file uses an older notation for instants; the file's schema distinguishes them.
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
    """A file that a query reads: its path, and the batch id and landing time that its records get."""

    path: Path
    batch_id: str
    landed_at: dt.datetime


def select_from(dialect: Dialect, relation: Relation, files: Sequence[Origin], *more: str) -> str:
    """The query that returns the columns of *relation* as text, batch_id and landed_at, in the order of the records.

    *more* are further columns of DuckDB's reader to return, such as Parquet's file_row_number.
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
    """SQL that picks the value of a record's file from *values* (one for each file), by DuckDB's file_index."""
    # Use a list, not a join with a table of files: a join might change the order of the records.
    return values[0] if len(values) == 1 else f"[{', '.join(values)}][CAST({_FILE_INDEX} AS INTEGER) + 1]"


def _column(dialect: Dialect, aliases: tuple[str, ...]) -> str:
    """SQL for the first non-null value of the columns *aliases*, as text."""
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
    # CSV columns are read by position, because a header may contain any text, or a name twice.
    return f"column_{index}"


def _as_text(column: str, kind: str) -> str:
    """SQL that converts the Parquet *column*, whose DuckDB type is *kind*, into the text that a CSV file would have."""
    if kind.startswith("TIMESTAMP") and not kind.endswith(_WITHOUT_ZONE):
        # The Z tells validation that the time is in UTC.
        return f"CAST(CAST({column} AS TIMESTAMP) AS VARCHAR) || 'Z'"
    if kind in _WHOLE_NUMBERS_BELOW:
        # A column of ids with nulls often arrives as floating point, so 12345.0 becomes 12345. An integer that is too
        # large to be exact may stand for several ids, so it is written in a notation that validation refuses.
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
        # Older programs write text as bytes without declaring that it is text, so decode the bytes.
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
        quote = "'\"'" if dialect.form.has_quotes else "''"
        return (
            f"read_csv({paths}, columns = {{{columns}}}, auto_detect = false, header = false, "
            f"skip = {int(dialect.form.has_header)}, delim = {literal(dialect.form.delimiter)}, "
            f"quote = {quote}, escape = {quote}, strict_mode = true, {compression})"
        )
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in dialect.names)
    return (
        f"read_json({paths}, columns = {{{columns}}}, format = 'newline_delimited', "
        f"ignore_errors = {str(not dialect.is_strict).lower()}, "
        f"{compression})"
    )
