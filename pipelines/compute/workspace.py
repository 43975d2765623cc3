"""A home's files, read once for a run.

Here: settings, SQL project, configuration tables, raw batches and lake in one object, and mounting their tables in a
DuckDB session.
Not here: what is stale (``pipelines.compute.planner``), computing (``pipelines.compute.runner``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from pipelines.config_tables import CONFIG_TABLES, ConfigTables, load_config_tables
from pipelines.home.folder import Home
from pipelines.home.settings import Settings, load_settings
from pipelines.ingest.batches import RawLake
from pipelines.ingest.old_events import events_from
from pipelines.ingest.sources.raw_tables import RAW_TABLES
from pipelines.lake.duck import identifier
from pipelines.lake.partitions import Day, DaySpan, Lake, PartitionKey, relation_sql
from pipelines.sqlproject.look_backs import first_days, look_backs, require_days
from pipelines.sqlproject.project import Project, load_project
from pipelines.sqlproject.reads import Read


@dataclass(frozen=True)
class Workspace:
    """A home and the content of its files.

    Attributes:
        events_from: The first day whose events are kept; None if no events were ever deleted.
    """

    home: Home
    settings: Settings
    project: Project
    config: ConfigTables
    raw: RawLake
    lake: Lake
    events_from: Day | None = None

    @cached_property
    def first_days(self) -> Mapping[str, Day]:
        """Table → the first day that can be computed from the events that are kept; only tables that read events.

        Empty if no events were ever deleted. Earlier days of a table with ``detail: true`` are removed, those of other
        tables stay as they are.
        """
        return first_days(self.project, self.events_from)

    def is_closed(self, table: str, key: PartitionKey) -> bool:
        """Whether the partition *key* of *table* cannot be computed any more, because events are deleted."""
        return key is not None and table in self.first_days and key < self.first_days[table]

    def remedy_for_damage(self, table: str, key: PartitionKey) -> str:
        """What to do about the damaged partition *key* of *table*."""
        if self.is_closed(table, key):
            return "restore it from a backup: the events that it was computed from are deleted"
        return "'headwater run --verify' computes it again"

    def reread_raw(self) -> Workspace:
        """The same workspace with the list of raw batches read again."""
        return replace(self, raw=RawLake.load(self.home))

    def files(self, table: str, days: Iterable[Day] | None) -> list[Path]:
        """The Parquet files of *table* for *days* (None: all of them), in order."""
        wanted = None if days is None else set(days)
        if table.startswith("raw."):
            return self.raw.files(table, wanted)
        by_day = self.project.is_partitioned(table)
        files = self.lake.files(table, wanted)
        # If the model changed from unpartitioned to partitioned or back, skip the old files; the next run removes them.
        own = [key for key in files if (key is not None) == by_day]
        return [files[key] for key in sorted(own, key=str)]

    def relation_sql(self, table: str, files: Sequence[Path]) -> str:
        """A SELECT of the declared columns of *table* from *files*."""
        may_lack = bool(files) and table in RAW_TABLES and self.raw.has_older_columns(table)
        return relation_sql(self.project.relation(table), files, may_lack_columns=may_lack)

    def mount(
        self,
        connection: duckdb.DuckDBPyConnection,
        reads: Iterable[Read],
        span: DaySpan | None,
        computing: str = "",
        mounted: dict[str, str] | None = None,
    ) -> None:
        """Make the tables of *reads* visible in a session, with the days that they read for *span*.

        Args:
            connection: The session.
            reads: The tables, each with the days that are read.
            span: The days to compute; None: mount all days.
            computing: The table that is computed, '' if none. If it reads its own earlier days, those of *span* are
                left out, because they are not computed yet.
            mounted: Table → the SQL with which it is already mounted. A table with the same SQL is not mounted again;
                the other tables are added.
        """
        known = {} if mounted is None else mounted
        for read in reads:
            if read.table in CONFIG_TABLES:
                # Configuration tables do not change during a session: with a constant text they are mounted once.
                sql = "config"
                if known.get(read.table) != sql:
                    self._mount_config(connection, read.table)
            else:
                days = self.days_read(read, span, computing)
                sql = self.relation_sql(read.table, self.files(read.table, days))
                if known.get(read.table) != sql:
                    mount_view(connection, read.table, sql)
            known[read.table] = sql

    def days_read(self, read: Read, span: DaySpan | None, computing: str = "") -> set[Day] | None:
        """The days of the table in *read* that are needed to compute the days of *span*; None: all days.

        *computing* is the table that is computed; see ``mount``.
        """
        if span is None or read.offsets is None or not self.project.is_partitioned(read.table):
            return None
        days = {day for each in span.days for day in read.days_of(each)}
        return days - set(span.days) if read.table == computing else days

    def _mount_config(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        create_table(connection, table, CONFIG_TABLES[table], self.config.values(table))


def create_table(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Create *table* with a few *rows* in a session, replacing it if it exists; *columns* are name → SQL type."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(table.split('.')[0])}")
    # Pass one list for each column, because DuckDB binds lists faster than a parameter for each value.
    lists = [f"unnest(CAST(? AS {kind}[])) AS {identifier(name)}" for name, kind in columns.items()]
    values = [[row[place] for row in rows] for place in range(len(columns))]
    connection.execute(f"CREATE OR REPLACE TABLE {identifier(table)} AS SELECT {', '.join(lists)}", values)


def mount_view(connection: duckdb.DuckDBPyConnection, table: str, sql: str) -> None:
    """Create the view *table* with the rows of *sql* in a session, replacing it if it exists."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(table.split('.')[0])}")
    connection.execute(f"CREATE OR REPLACE VIEW {identifier(table)} AS {sql}")


def open_workspace(home: Home) -> Workspace:
    """Read the settings, configuration tables, models and batch list of *home*.

    Raises:
        HeadwaterError: one of these has a fault; only the first fault is reported.
    """
    settings = load_settings(home)
    project = load_project(home, settings)
    if settings.retention.events_days is not None:
        require_days(look_backs(project), settings.retention.events_days, home.settings_file)
    return Workspace(
        home=home,
        settings=settings,
        project=project,
        config=load_config_tables(home, settings),
        raw=RawLake.load(home),
        lake=Lake(home.lake),
        events_from=events_from(home),
    )
