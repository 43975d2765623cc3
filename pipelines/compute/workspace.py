"""Everything that a run needs to know of a home, read once.

Here: the bundle of settings, SQL project, configuration tables, raw batches and lake, and how their tables are
mounted in a DuckDB session.
Not here: what is stale (``pipelines.compute.planner``), how it is computed (``pipelines.compute.runner``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from pipelines.config_tables import CONFIG_TABLES, ConfigTables, load_config_tables
from pipelines.home.folder import Home
from pipelines.home.settings import Settings, load_settings
from pipelines.ingest.batches import RawLake
from pipelines.lake.duck import identifier
from pipelines.lake.partitions import Day, DaySpan, Lake, relation_sql
from pipelines.sqlproject.project import Project, load_project
from pipelines.sqlproject.reads import Read


@dataclass(frozen=True)
class Workspace:
    """A home with all that its files say."""

    home: Home
    settings: Settings
    project: Project
    config: ConfigTables
    raw: RawLake
    lake: Lake

    def reread_raw(self) -> Workspace:
        """The same workspace with the batches that are there now."""
        return replace(self, raw=RawLake.load(self.home))

    def with_start_date(self, start: Day) -> Workspace:
        """The same workspace with ``start_date`` set."""
        return replace(self, settings=self.settings.model_copy(update={"start_date": start}))

    def files(self, table: str, days: Iterable[Day] | None) -> list[Path]:
        """The Parquet files of *table* for *days* (None: all of them), in order."""
        wanted = None if days is None else set(days)
        if table.startswith("raw."):
            return self.raw.files(table, wanted)
        by_day = self.project.is_partitioned(table)
        files = sorted(self.lake.files(table).items(), key=str)
        # A file of before the table was partitioned, or after, is no part of it: the next run removes it.
        own = [(key, path) for key, path in files if (key is not None) == by_day]
        return [path for key, path in own if key is None or wanted is None or key in wanted]

    def mount(
        self,
        connection: duckdb.DuckDBPyConnection,
        reads: Iterable[Read],
        span: DaySpan | None,
        computing: str = "",
        mounted: dict[str, str] | None = None,
    ) -> None:
        """Make what *reads* names visible in a session, for the days of *span* and their look-back.

        Args:
            connection: The session.
            reads: The tables.
            span: The days; None for all.
            computing: A table that is about to be computed for these days: of it only earlier days are visible.
            mounted: The SQL of the tables that the session has already; these are not mounted again. It is updated.
        """
        known = {} if mounted is None else mounted
        for read in reads:
            if read.table in CONFIG_TABLES:
                sql = "config"  # the same for the whole session
                if known.get(read.table) != sql:
                    self._mount_config(connection, read.table)
            else:
                days = self.days_read(read, span, computing)
                sql = relation_sql(self.project.relation(read.table), self.files(read.table, days))
                if known.get(read.table) != sql:
                    mount_view(connection, read.table, sql)
            known[read.table] = sql

    def days_read(self, read: Read, span: DaySpan | None, computing: str = "") -> set[Day] | None:
        """The days of its table that *read* looks at for the days of *span*; None if at the whole table.

        See ``mount`` on *computing*.
        """
        if span is None or read.offsets is None or not self.project.is_partitioned(read.table):
            return None
        days = {day for each in span.days for day in read.days_of(each)}
        return days - set(span.days) if read.table == computing else days

    def _mount_config(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        create_table(connection, table, CONFIG_TABLES[table], [astuple(row) for row in self.config.rows(table)])


def create_table(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Make a few *rows* visible in a session as the table *table*, in place of one that is there."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(table.split('.')[0])}")
    declared = ", ".join(f"{identifier(name)} {kind}" for name, kind in columns.items())
    connection.execute(f"CREATE OR REPLACE TABLE {identifier(table)} ({declared})")
    if rows:
        marks = f"({', '.join('?' for _ in columns)})"
        # One statement: DuckDB takes as long for each as for a few hundred rows.
        every = [value for row in rows for value in row]
        connection.execute(f"INSERT INTO {identifier(table)} VALUES {', '.join([marks] * len(rows))}", every)


def mount_view(connection: duckdb.DuckDBPyConnection, table: str, sql: str) -> None:
    """Make *sql* visible in a session under the name of *table*."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(table.split('.')[0])}")
    connection.execute(f"CREATE OR REPLACE VIEW {identifier(table)} AS {sql}")


def open_workspace(home: Home) -> Workspace:
    """Read *home*.

    Raises:
        HeadwaterError: its settings, tables or models are wrong; the first fault found.
    """
    settings = load_settings(home)
    return Workspace(
        home=home,
        settings=settings,
        project=load_project(home, settings),
        config=load_config_tables(home, settings),
        raw=RawLake.load(home),
        lake=Lake(home.lake),
    )
