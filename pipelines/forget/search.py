"""Searches every file of a home for ids, to prove that a person is forgotten.

Here: reading each kind of file: Parquet and DuckDB by their values, compressed files decompressed, others as bytes.
Not here: removing what is found.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import sqlite3
import sys
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb

from pipelines.forget.landing import is_own
from pipelines.home.folder import Home
from pipelines.lake.duck import first_line, identifier, literal
from pipelines.lake.partitions import parquet_sql

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SQLITE = b"SQLite format 3\x00"
"""The first bytes of a SQLite database."""

_DUCKDB = b"DUCK"
_PERSON_COLUMNS = ("user_id", "device_id", "person_id")
_WITHOUT_IDS = ("DECIMAL", "DOUBLE", "FLOAT", "BOOLEAN", "DATE", "TIME")
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")

_FEWEST_CHARACTERS = 6
_FEWEST_DIGITS = 9
_FILES_AT_ONCE = 500
_BLOCK = 1 << 22
_READERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".zst": zstd.open}


@dataclass(frozen=True)
class Hit:
    """A file of the home (*path*, relative to it) in which ids were found, in *count* rows or lines.

    *count* is 0 if the file could not be searched; *why* says why.
    """

    path: str
    count: int
    why: str = ""


@dataclass(frozen=True)
class Ids:
    """The ids to search for.

    Short ids, and numbers of few digits, occur in texts by chance. They are searched for only in the columns user_id,
    device_id and person_id; ``short`` lists them.
    """

    ids: Sequence[str]

    @cached_property
    def short(self) -> tuple[str, ...]:
        """The ids that are not searched for in texts."""
        return tuple(one for one in self.ids if len(one) < (_FEWEST_DIGITS if one.isdigit() else _FEWEST_CHARACTERS))

    @cached_property
    def spellings(self) -> tuple[str, ...]:
        """The ids to search for in texts, as they are and as JSON escapes them."""
        long = [one for one in self.ids if one not in self.short]
        return tuple(dict.fromkeys(text for one in long for text in (one, json.dumps(one)[1:-1])))

    @cached_property
    def text(self) -> re.Pattern[bytes] | None:
        """Matches an id that is not a part of a longer word; None if all ids are short."""
        if not self.spellings:
            return None
        alternatives = b"|".join(re.escape(one.encode()) for one in sorted(self.spellings, key=len, reverse=True))
        return re.compile(rb"(?<![0-9A-Za-z_])(?:" + alternatives + rb")(?![0-9A-Za-z_])")

    def lines_in(self, content: bytes) -> int:
        """The number of lines of *content* that contain one of the ids."""
        if self.text is None or not any(one.encode() in content for one in self.spellings):
            return 0
        lines, end = 0, -1
        for match in self.text.finditer(content):
            if match.start() > end:
                lines += 1
                end = content.find(b"\n", match.start())
                if end < 0:
                    break
        return lines

    def may_be_in(self, kind: str) -> bool:
        """Whether a value of the DuckDB type *kind* may be or contain an id."""
        is_number = kind.startswith(_NUMBERS) and not any(one.isdigit() for one in self.ids)
        return not is_number and not kind.startswith(_WITHOUT_IDS)

    def condition(self, columns: Iterable[str]) -> str:
        """SQL condition: one of *columns* contains one of the ids."""
        wholes = [f"{p}{one}" for one in self.ids for p in ("", "device:")]
        conditions = ["false"]
        for name in columns:
            text = f"CAST({identifier(name)} AS VARCHAR)"
            if name in _PERSON_COLUMNS:
                conditions.append(f"{text} IN ({', '.join(map(literal, wholes))})")
            for one in self.spellings:
                border = r"($|[^0-9A-Za-z_])"
                pattern = rf"(^|[^0-9A-Za-z_]){re.escape(one)}{border}"
                conditions.append(f"(contains({text}, {literal(one)}) AND regexp_matches({text}, {literal(pattern)}))")
        return " OR ".join(conditions)


def search(home: Home, ids: Ids, skipped: Collection[Path] = ()) -> list[Hit]:
    """All files of *home*, except *skipped*, in which one of *ids* is found, and those that cannot be searched."""
    hits: list[Hit] = []
    parquet: list[Path] = []
    for path in _files(home.root):
        if path in skipped:
            continue
        try:
            if path.suffix == ".parquet":
                parquet.append(path)
            elif count := _count(path, ids):
                hits.append(Hit(_name(home, path), count))
        except FileNotFoundError:  # another process has removed the file
            continue
        except (OSError, EOFError, zlib.error, zstd.ZstdError, duckdb.Error, sqlite3.Error) as error:
            hits.append(Hit(_name(home, path), 0, first_line(error)))
    hits += _parquet_hits(home, parquet, ids)
    return sorted(hits, key=lambda hit: hit.path)


def is_landed_by_shop(hit: Hit) -> bool:
    """Whether *hit* is a landing file that Headwater must not change."""
    return hit.path.startswith("landing/") and not is_own(hit.path)


def _files(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            path = Path(folder) / name
            if path.is_file():
                yield path


def _name(home: Home, path: Path) -> str:
    return path.relative_to(home.root).as_posix()


def _count(path: Path, ids: Ids) -> int:
    with path.open("rb") as handle:
        start = handle.read(16)
    if start[8:12] == _DUCKDB:
        return _in_duckdb(path, ids)
    if start == SQLITE and (count := _in_sqlite(path, ids)):
        return count
    opener = _READERS.get(path.suffix.lower(), open)
    count, rest = 0, b""
    with opener(path, "rb") as handle:
        while block := handle.read(_BLOCK):
            # Search up to the last line break, so that no id is cut in two.
            content, line_break, rest = (rest + block).rpartition(b"\n")
            count += ids.lines_in(content + line_break)
    return count + ids.lines_in(rest)


def texts_of(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """The (table, column) pairs of a SQLite database that may have texts."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    columns = [
        (table, name, kind.upper())
        for (table,) in tables.fetchall()
        for _, name, kind, *_ in connection.execute(f'PRAGMA table_info("{table}")').fetchall()
    ]
    return [(table, name) for table, name, kind in columns if any(one in kind for one in ("CHAR", "TEXT", "JSON"))]


def _in_sqlite(path: Path, ids: Ids) -> int:
    """The number of values with an id. Values are read, because one may be split over pages of the file."""
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
        count = 0
        for table, column in texts_of(connection):
            for one in ids.spellings:
                query = f'SELECT "{column}" FROM "{table}" WHERE instr("{column}", ?) > 0'
                count += sum(ids.lines_in(str(text).encode()) > 0 for (text,) in connection.execute(query, (one,)))
    return count


def _in_duckdb(path: Path, ids: Ids) -> int:
    count = 0
    with duckdb.connect(str(path), read_only=True) as connection:
        query = (
            "SELECT schema_name || '.' || table_name, list(column_name) FROM duckdb_columns() "
            "SEMI JOIN duckdb_tables() USING (database_name, schema_name, table_name) WHERE NOT internal GROUP BY ALL"
        )
        for table, columns in connection.execute(query).fetchall():
            found = connection.execute(f"SELECT count(*) FROM {identifier(table)} WHERE {ids.condition(columns)}")
            count += int((found.fetchone() or (0,))[0])
    return count


def _parquet_hits(home: Home, paths: Sequence[Path], ids: Ids) -> Iterator[Hit]:
    """Files of one table are searched together; if that fails, one by one."""
    tables: dict[Path, list[Path]] = {}
    for path in paths:
        tables.setdefault(path.parent.parent if path.parent.name.startswith("dt=") else path.parent, []).append(path)
    with duckdb.connect() as connection:
        for files in tables.values():
            for start in range(0, len(files), _FILES_AT_ONCE):
                yield from _hits_of_table(connection, home, files[start : start + _FILES_AT_ONCE], ids)


def _hits_of_table(connection: duckdb.DuckDBPyConnection, home: Home, files: Sequence[Path], ids: Ids) -> Iterator[Hit]:
    reader = parquet_sql(files).removesuffix(")") + ", union_by_name = true, filename = '__file')"
    try:
        described = connection.execute(f"DESCRIBE SELECT * EXCLUDE (__file) FROM {reader}").fetchall()
        columns = [name for name, kind, *_ in described if ids.may_be_in(kind)]
        query = f"SELECT __file, count(*) FROM {reader} WHERE {ids.condition(columns)} GROUP BY ALL"
        for name, count in connection.execute(query).fetchall():
            yield Hit(_name(home, Path(name)), count)
    except duckdb.Error as error:
        if len(files) > 1:
            for path in files:
                yield from _hits_of_table(connection, home, [path], ids)
        elif files[0].exists():
            yield Hit(_name(home, files[0]), 0, first_line(error))
