"""The lake: Hive-style Parquet, one file for each partition, replaced atomically.

Here: where a table's files are, the version in their footers, publishing a file, and reading files as a typed
relation in DuckDB.
Not here: when a partition is stale (``pipelines.compute.planner``), how its rows are computed
(``pipelines.compute.runner``), the batches below ``lake/raw`` (``pipelines.ingest.batches``).
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from pipelines.home.errors import HeadwaterError
from pipelines.home.files import convert_write_errors, replacing_all, write_file
from pipelines.lake.checksums import NAME as CHECKSUMS
from pipelines.lake.checksums import (
    are_sound,
    checksums_hash,
    checksums_of,
    checksums_text,
    read_checksums,
    undamaged_files,
)
from pipelines.lake.duck import identifier, list_literal, literal

VERSION_KEY = "headwater_version"
"""Key in the footer for the partition's version, a hash of everything that determines its rows."""

PARQUET_OPTIONS = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
"""Options of COPY. Level 1 of zstd takes less time than the default and the files are as small."""

UNREADABLE = (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""What Polars raises for a Parquet file that is gone or damaged. On some damage it panics, which is no Exception."""

PART = "part-0.parquet"
_PARTITION_FOLDER = re.compile(r"dt=(\d{4}-\d{2}-\d{2})$")

Day = dt.date
PartitionKey = Day | None


@dataclass(frozen=True)
class DaySpan:
    """Consecutive days from *first* to *last*, both included."""

    first: Day
    last: Day

    @property
    def days(self) -> list[Day]:
        """All days, in order."""
        return [self.first + dt.timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


"""The day of a partition; None for the only file of an unpartitioned table."""


@dataclass(frozen=True)
class Lake:
    """The Parquet files below *root*: ``<schema>/<table>/[dt=<day>/]part-0.parquet``."""

    root: Path

    def folder(self, table: str) -> Path:
        """The folder of *table* (``schema.name``)."""
        schema, name = table.split(".")
        return self.root / schema / name

    def file(self, table: str, key: PartitionKey) -> Path:
        """The path of the partition *key* of *table*, whether it exists or not."""
        folder = self.folder(table)
        return (folder / f"dt={key.isoformat()}" if key else folder) / PART

    def partition(self, path: Path) -> tuple[str, PartitionKey]:
        """The table and the partition of *path*, a path that ``Lake.file`` returned."""
        schema, name, *folder = path.relative_to(self.root).parent.parts
        return f"{schema}.{name}", Day.fromisoformat(folder[0].removeprefix("dt=")) if folder else None

    def keys(self, table: str) -> Collection[PartitionKey]:
        """The partitions of *table* that have a file.

        Raises:
            HeadwaterError: the folder cannot be read.
        """
        folder = self.folder(table)
        found: list[PartitionKey] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    match = _PARTITION_FOLDER.match(entry.name)
                    if entry.name == PART:
                        found.append(None)
                    elif match and os.path.isfile(f"{entry.path}/{PART}"):  # noqa: PTH113  # five times as fast
                        found.append(Day.fromisoformat(match[1]))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise HeadwaterError(f"cannot be read: {error.strerror}", where=folder) from error
        return found

    def files(self, table: str, days: Collection[Day] | None = None) -> dict[PartitionKey, Path]:
        """The files of *table*: partition → path. If *days* is given, partitions of other days are left out.

        Raises:
            HeadwaterError: the folder cannot be read.
        """
        folder = self.folder(table)
        return {key: folder / name for key, name in self._names(table, days).items()}

    def _names(self, table: str, days: Collection[Day] | None) -> dict[PartitionKey, str]:
        return {key: _name(key) for key in self.keys(table) if days is None or key is None or key in days}

    def versions(
        self, table: str, days: Collection[Day] | None = None, *, deep: bool = False
    ) -> dict[PartitionKey, str]:
        """The version in the footer of each partition of *table*; '' if the file is damaged or has no version.

        A file is damaged if its size, or if *deep* its content, differs from its checksum. If *days* is given,
        partitions of other days are left out.
        """
        folder = self.folder(table)
        names = self._names(table, days)
        # A long history has thousands of files. Their paths are strings here, because Path objects take longer to make.
        paths = {key: f"{folder}/{name}" for key, name in names.items()}
        stored = {key: _stored_version(path) for key, path in paths.items()}
        sums = read_checksums(folder)
        undamaged = undamaged_files(
            ((path, stored[key], sums.get(names[key], ())) for key, path in paths.items()), deep=deep
        )
        return {key: stored[key] if is_sound else "" for key, is_sound in zip(paths, undamaged, strict=True)}

    def footer_version(self, table: str, key: PartitionKey) -> str:
        """The version in the footer of a partition, even if its rows are damaged; '' if the footer is unreadable."""
        return _stored_version(str(self.file(table, key)))

    def tables(self) -> list[str]:
        """All tables that have a folder, including tables whose model no longer exists."""
        return sorted(f"{folder.parent.name}.{folder.name}" for folder in self.root.glob("*/*") if folder.is_dir())

    def state(self, table: str) -> str:
        """A text that changes if a partition of *table* is published, removed or replaced, but not if one is damaged.

        It consists of the partitions' names and the hash of ``.checksums``, so no data are read. To find out whether a
        partition is up to date use ``versions``. Every ingestion changes ``raw.batches``, so its state covers all raw
        tables.

        Raises:
            HeadwaterError: the folder cannot be read.
        """
        return f"{checksums_hash(self.folder(table))} {','.join(sorted(map(str, self.keys(table))))}"

    def damaged(self, table: str, versions: Mapping[PartitionKey, str]) -> list[Path]:
        """The damaged files of *table*, given the result of ``versions``; empty if the table has no checksums yet."""
        if not (self.folder(table) / CHECKSUMS).exists():
            return []
        return [self.file(table, key) for key, version in versions.items() if not version]

    def mend_checksums(self, table: str) -> None:
        """If ``.checksums`` of *table* is damaged, write it again from its undamaged lines."""
        folder = self.folder(table)
        if are_sound(folder):
            return
        text = checksums_text(folder, {}, set(map(_name, self.keys(table))))
        with convert_write_errors(folder / CHECKSUMS):
            write_file(folder / CHECKSUMS, text)

    def publish(self, table: str, written: Mapping[PartitionKey, tuple[Path, str]]) -> dict[PartitionKey, int]:
        """Publish temporary files as partitions of *table*, each atomically and durably, after writing its checksum.

        Args:
            table: The table.
            written: Partition → its temporary file and version.

        Returns:
            The size of each partition in bytes.

        Raises:
            HeadwaterError: a file cannot be written. Partitions published before it stay published.
        """
        if not written:
            return {}
        new = dict(zip(written, checksums_of(written.values()), strict=True))
        present = set(map(_name, self.keys(table)))
        folder = self.folder(table)
        text = checksums_text(folder, {_name(key): checksum for key, checksum in new.items()}, present)
        pairs = [(path, self.file(table, key)) for key, (path, _) in written.items()]
        sums = folder / CHECKSUMS
        with convert_write_errors(sums), replacing_all([sums], then=pairs) as (temporary,):
            temporary.write_text(text, encoding="utf-8")
        return {key: checksum.size for key, checksum in new.items()}

    def remove(self, table: str, key: PartitionKey) -> None:
        """Remove a partition if it exists."""
        path = self.file(table, key)
        path.unlink(missing_ok=True)
        if key is not None and path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()


@dataclass(frozen=True)
class ListedLake(Lake):
    """A lake that lists each table's folder only once, for a process that has the home's lock."""

    _listed: dict[str, set[PartitionKey]] = field(default_factory=dict)

    def keys(self, table: str) -> set[PartitionKey]:
        """``Lake.keys``, as of the first call or the last change with this object."""
        if table not in self._listed:
            self._listed[table] = set(super().keys(table))
        return self._listed[table]

    def publish(self, table: str, written: Mapping[PartitionKey, tuple[Path, str]]) -> dict[PartitionKey, int]:
        """``Lake.publish``."""
        sizes = super().publish(table, written)
        self.keys(table).update(sizes)
        return sizes

    def remove(self, table: str, key: PartitionKey) -> None:
        """``Lake.remove``."""
        super().remove(table, key)
        self.keys(table).discard(key)


def _name(key: PartitionKey) -> str:
    """The partition's path relative to its table's folder, as in ``.checksums``."""
    return f"dt={key.isoformat()}/{PART}" if key else PART


def _stored_version(path: str) -> str:
    try:
        return pl.read_parquet_metadata(path).get(VERSION_KEY, "")
    except UNREADABLE:
        return ""


def copy_to(connection: duckdb.DuckDBPyConnection, query: str, path: Path, version: str) -> int:
    """Write the rows of *query* to a Parquet file with *version* in its footer.

    Returns:
        The number of rows.
    """
    options = f"{PARQUET_OPTIONS}, KV_METADATA {{{VERSION_KEY}: {literal(version)}}}"
    result = connection.execute(f"COPY ({query}) TO {literal(str(path))} ({options})").fetchall()
    return int(result[0][0])


def parquet_sql(files: Sequence[Path]) -> str:
    """SQL for a FROM clause that reads Parquet *files*: only the columns in the files, none from their paths.

    By default DuckDB reads every ``name=value`` in the path as a column: in a home below a folder ``page_id=7`` every
    event would have page_id 7. The SQL switches that off.
    """
    return f"read_parquet({list_literal(files)}, hive_partitioning = false)"


def dated_sql(files: Sequence[Path], columns: Collection[str] = ()) -> str:
    """Like ``parquet_sql``, for a partitioned table: adds ``dt`` from the folder, ``…/<table>/dt=<day>/<file>``.

    A filter on dt skips the files of other days, as DuckDB's own Hive partitioning does.

    Args:
        files: Paths that differ only below the table's folder, or one glob pattern for such paths.
        columns: The table's columns, so that the internal column with the file name gets a different name.
    """
    # The table's folder is the same for all files, so the day is always at the same position in the path. A regular
    # expression would take several times as long.
    place = len(str(files[0].parent.parent)) + len("/dt=") + 1
    name, option = "filename", "true"
    if any(column.lower() == name for column in columns):
        name = "lake file"
        option = literal(name)
    return (
        f"(SELECT * EXCLUDE ({identifier(name)}), CAST(substr({identifier(name)}, {place}, 10) AS DATE) AS dt "
        f"FROM read_parquet({list_literal(files)}, hive_partitioning = false, filename = {option}))"
    )


def relation_sql(columns: Mapping[str, str], files: Sequence[Path], *, may_lack_columns: bool = False) -> str:
    """A SELECT of *columns* (name → DuckDB type) from *files*; without files, an empty relation with these types.

    For a partitioned table ``dt`` comes from the folders. If *may_lack_columns*, a column that a file does not have is
    null in its rows; this is slower.
    """
    nothing = ", ".join(f"CAST(NULL AS {kind}) AS {identifier(name)}" for name, kind in columns.items())
    if not files:
        return f"SELECT {nothing} WHERE false"
    names = ", ".join(identifier(name) for name in columns)
    is_dated = "dt" in columns and files[0].parent.name.startswith("dt=")
    read = dated_sql(files, columns) if is_dated else parquet_sql(files)
    if may_lack_columns:
        read = read.replace("hive_partitioning = false", "hive_partitioning = false, union_by_name = true", 1)
        read = f"(SELECT {nothing} WHERE false UNION ALL BY NAME SELECT * FROM {read})"
    return f"SELECT {names} FROM {read}"
