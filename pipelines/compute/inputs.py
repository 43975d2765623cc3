"""Inputs: verifies the files that a session reads, and mounts each table once, which makes it visible to SQL.

No result may be computed from a damaged file, and a table that is already mounted need not be mounted again.
Not here: what checksums are (``pipelines.lake.checksums``), searching the whole lake for damage
(``pipelines.commands.diagnosis``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

import duckdb

from pipelines.compute.damage import refuse
from pipelines.compute.ranges import Ranges
from pipelines.compute.workspace import Workspace, mount_view
from pipelines.config_tables import CONFIG_TABLES
from pipelines.home.errors import HeadwaterError
from pipelines.lake.checksums import NAME as CHECKSUMS
from pipelines.lake.duck import identifier
from pipelines.lake.partitions import Day, DaySpan, PartitionKey
from pipelines.sqlproject.reads import Read

LOADED_BYTES = 64 * 2**20
"""To compute several days one by one, tables are read into memory if their files have at most this size in total."""


@dataclass
class Verifier:
    """Verifies the inputs of one session, but no file twice, and no file that the session itself has published."""

    workspace: Workspace
    trusted: set[tuple[str, PartitionKey]] = field(default_factory=set)

    def verify(self, table: str, days: Collection[Day] | None) -> None:
        """Compare the files of *table* for *days* (None: all) with their checksums.

        Raises:
            HeadwaterError: a file differs.
        """
        if table in CONFIG_TABLES or table == "raw.batches":  # their files are verified whenever they are read
            return
        if table.startswith("raw."):
            self._verify_raw(table, days)
            return
        keys = {key for key in self.workspace.lake.keys(table) if key is None or days is None or key in days}
        new = {key for key in keys if (table, key) not in self.trusted}
        if not new:
            return
        lake = self.workspace.lake
        for key, version in lake.versions(table, {key for key in new if key is not None}, deep=True).items():
            if key in new and not version:
                raise HeadwaterError(
                    f"damaged: it differs from its checksum in {lake.folder(table) / CHECKSUMS}, so it is not used",
                    where=lake.file(table, key),
                    remedy=self.workspace.remedy_for_damage(table, key),
                )
        self.trusted |= {(table, key) for key in new}

    def _verify_raw(self, table: str, days: Collection[Day] | None) -> None:
        present = {output.dt for output in self.workspace.raw.outputs(table)}
        new = {
            key for key in present if (key is None or days is None or key in days) and (table, key) not in self.trusted
        }
        if new:
            refuse(self.workspace, self.workspace.raw.damaged(deep=True, tables={table}, days=new))
            self.trusted |= {(table, key) for key in new}

    def verify_all(self, tables: Iterable[str]) -> None:
        """``verify`` for all days of each of *tables*."""
        for table in tables:
            self.verify(table, None)


@dataclass(frozen=True)
class _Loaded:
    """The *days* of a table that are in memory, and the *size* of their files in bytes."""

    days: frozenset[Day]
    size: int


class Inputs:
    """The tables of a home that one session reads."""

    def __init__(self, workspace: Workspace, connection: duckdb.DuckDBPyConnection) -> None:
        self._workspace = workspace
        self._connection = connection
        self._mounted: dict[str, str] = {}
        self._loaded: dict[str, _Loaded] = {}
        self.verifier = Verifier(workspace)

    def load(self, reads: Collection[Read], spans: Collection[DaySpan], computing: str) -> None:
        """Read the small tables among *reads* into memory, if the table *computing* is computed for several *spans*.

        From files, each span would open every file again: for a year of days, 365 files 365 times.

        Raises:
            HeadwaterError: a file is damaged.
        """
        if len(spans) < 2:
            return
        for read in reads:
            needed = [self._workspace.days_read(read, span, computing) for span in spans]
            if read.table == computing or read.table not in self._workspace.project.models or None in needed:
                continue
            days = frozenset(day for each in needed for day in each or ())
            if read.table in self._loaded and days <= self._loaded[read.table].days:
                continue
            self._loaded.pop(read.table, None)
            self.verifier.verify(read.table, days)
            files = self._workspace.files(read.table, days)
            size = sum(path.stat().st_size for path in files)
            if files and size + sum(loaded.size for loaded in self._loaded.values()) <= LOADED_BYTES:
                rows = self._workspace.relation_sql(read.table, files)
                self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {_loaded_name(read.table)} AS {rows}")
                self._loaded[read.table] = _Loaded(days, size)

    def mount(self, reads: Collection[Read], span: DaySpan | None, computing: str = "") -> None:
        """Verify the files of *reads*, then mount them; see ``Workspace.mount``.

        Raises:
            HeadwaterError: a file is damaged.
        """
        others = []
        for read in reads:
            days = self._workspace.days_read(read, span, computing)
            self.verifier.verify(read.table, days)
            if days and read.table in self._loaded and days <= self._loaded[read.table].days:
                self._mount_loaded(read.table, days)
            else:
                others.append(read)
        self._workspace.mount(self._connection, others, span, computing, self._mounted)

    def _mount_loaded(self, table: str, days: Collection[Day]) -> None:
        first, last = min(days), max(days)
        is_gapless = (last - first).days + 1 == len(days)
        given = f"BETWEEN DATE '{first}' AND DATE '{last}'" if is_gapless else f"IN ({_dates(days)})"
        sql = f"SELECT * FROM {_loaded_name(table)} WHERE dt {given}"
        if self._mounted.get(table) != sql:
            mount_view(self._connection, table, sql)
            self._mounted[table] = sql

    def mount_ranges(
        self, reads: Collection[Read], span: DaySpan | None, computing: str, ranges: Ranges
    ) -> Iterator[None]:
        """Mount one range of rows after the other, and yield after each, so that the caller can query it.

        *ranges* names a column and its ranges; tables of *reads* without this column are not mounted here.
        """
        columns = self._workspace.project.relation
        tables = [read for read in reads if ranges.column in columns(read.table)]
        for condition in ranges.conditions:
            for read in tables:
                files = self._workspace.files(read.table, self._workspace.days_read(read, span, computing))
                rows = self._workspace.relation_sql(read.table, files)
                self.show(read.table, f"SELECT * FROM ({rows}) WHERE {condition}")
            yield

    def show(self, table: str, sql: str) -> None:
        """Mount the rows of *sql* as *table*: a result that is not published yet, for its checks, or a part of it."""
        self._mounted.pop(table, None)
        self._loaded.pop(table, None)
        mount_view(self._connection, table, sql)


def _loaded_name(table: str) -> str:
    return identifier(f"loaded {table}".replace(".", " "))


def _dates(days: Collection[Day]) -> str:
    return ", ".join(f"DATE '{day}'" for day in sorted(days))
