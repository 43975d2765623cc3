"""Runs the real SQL of single models on given rows, without files and runs, which is fast enough for many examples.

Here: the rows of models, and the number of rows that checks find, also for a model that is broken on purpose.
Not here: the complete pipeline (``tests.support``).
"""

from __future__ import annotations

import atexit
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import astuple, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from pipelines.compute.workspace import create_table
from pipelines.config_tables import CONFIG_TABLES, ConfigTables, load_config_tables
from pipelines.home.folder import REPOSITORY, Home
from pipelines.home.settings import Settings
from pipelines.lake.duck import identifier
from pipelines.lake.partitions import DaySpan
from pipelines.sqlproject.model import Check
from pipelines.sqlproject.project import Project
from pipelines.sqlproject.python_step import run_step
from tests.cases import shipped_project

Row = dict[str, Any]


def computed(
    names: Sequence[str],
    given: Mapping[str, Iterable[Row]],
    days: Iterable[dt.date],
    settings: Settings | None = None,
    home: Home | None = None,
    *,
    day_by_day: bool = False,
) -> dict[str, list[Row]]:
    """The rows of the models *names*, computed in this order for *days* at once, as in a first run, or *day_by_day*.

    *given*: table that the models read → its rows; a column that a row lacks is null. The tables of ``config/`` come
    from *home*, by default from the shipped template.
    """
    settings = settings or Settings()
    with _session(names, given, days, settings, home, {}, day_by_day=day_by_day) as connection:
        return {name: rows_of(connection, name) for name in names}


def found_by(
    checks: Sequence[str],
    names: Sequence[str],
    given: Mapping[str, Iterable[Row]],
    days: Sequence[dt.date],
    settings: Settings,
    broken: Mapping[str, tuple[str, str]],
) -> dict[str, int]:
    """Check → number of rows (violations) that it finds on the last of *days*, after *broken* models were computed.

    *names* are the models to compute, for all *days*. *broken*: model → (a part of its query, the replacement); the
    part must occur in the query.
    """
    project = project_with(settings)
    files = checks_of(project)
    with _session(names, given, days, settings, None, broken) as connection:
        queries = {check: project.sql(files[check], DaySpan(days[-1], days[-1])) for check in checks}
        return {check: len(connection.execute(query).fetchall()) for check, query in queries.items()}


@contextmanager
def _session(
    names: Sequence[str],
    given: Mapping[str, Iterable[Row]],
    days: Iterable[dt.date],
    settings: Settings,
    home: Home | None,
    broken: Mapping[str, tuple[str, str]],
    *,
    day_by_day: bool = False,
) -> Iterator[duckdb.DuckDBPyConnection]:
    project = project_with(settings)
    config = load_config_tables(home, settings) if home else shipped(settings.timezone)
    connection = _connection()
    connection.begin()
    try:
        for table in CONFIG_TABLES:
            if config.rows(table) != shipped().rows(table):
                _create_config(connection, table, config)
        for table, rows in given.items():
            columns = project.relation(table)
            create_table(connection, table, columns, [tuple(row.get(name) for name in columns) for row in rows])
        for name in names:
            create_table(connection, name, project.models[name].types, [])
        in_order = sorted(days)
        for own_days in [[day] for day in in_order] if day_by_day or not in_order else [in_order]:
            for name in names:
                if not project.models[name].is_partitioned:
                    connection.execute(f"DELETE FROM {identifier(name)}")
                fill(connection, project, name, own_days, broken)
        yield connection
    finally:
        connection.rollback()


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    """A session with the shipped ``config/`` tables, shared because connecting is slow; tests roll back changes."""
    # One thread: more threads are slower for a few rows, and the tests use all cores anyway.
    connection = duckdb.connect(config={"threads": 1})
    atexit.register(_connection.cache_clear)  # if it stays open, DuckDB reports a leak when the process ends
    for table in CONFIG_TABLES:
        _create_config(connection, table, shipped())
    return connection


def _create_config(connection: duckdb.DuckDBPyConnection, table: str, config: ConfigTables) -> None:
    create_table(connection, table, CONFIG_TABLES[table], [astuple(row) for row in config.rows(table)])


def project_with(settings: Settings) -> Project:
    """The shipped project with other settings.

    Loading it again would validate every file again, for each test with its own settings.
    """
    return replace(shipped_project(), parameters=settings.parameters())


def checks_of(project: Project) -> dict[str, Check]:
    """Every check of *project*, by its name."""
    return {check.name: check for own in project.checks.values() for check in own}


def fill(
    connection: duckdb.DuckDBPyConnection,
    project: Project,
    name: str,
    days: Sequence[dt.date],
    broken: Mapping[str, tuple[str, str]] | None = None,
) -> None:
    """Add to the table *name* the rows that its model computes for *days*, with *broken* SQL if given.

    *broken* is model → (a part of its query, the replacement). As in a run, an as-of model is computed day by day, any
    other in one query from the first day to the last.
    """
    model = project.models[name]
    columns = ", ".join(map(identifier, model.columns))
    spans = [DaySpan(day, day) for day in days] if model.as_of else [DaySpan(days[0], days[-1])]
    for span in spans if model.is_partitioned else [None]:
        query = project.sql(model, span)
        if broken and name in broken:
            part, instead = broken[name]
            assert part in query, query
            query = query.replace(part, instead)
        with TemporaryDirectory() if model.python else nullcontext("") as folder:
            if model.python:
                query = run_step(connection, model.python, query, model.types, Path(folder))
            connection.execute(f"INSERT INTO {identifier(name)} SELECT {columns} FROM ({query})")


@cache
def shipped(timezone: str = "Asia/Shanghai") -> ConfigTables:
    """The shipped ``config/`` tables of a shop in *timezone*."""
    return load_config_tables(Home(REPOSITORY), Settings(timezone=timezone))


def rows_of(connection: duckdb.DuckDBPyConnection, table: str) -> list[Row]:
    relation = connection.execute(f"SELECT * FROM {identifier(table)} ORDER BY ALL")
    names = [column[0] for column in relation.description or ()]
    return [dict(zip(names, values, strict=True)) for values in relation.fetchall()]
