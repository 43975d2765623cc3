"""The tables of a copy: copying the partitions of the lake that have changed since an earlier copy was made.

Here: which partitions a copy has, replacing those that have changed.
Not here: when a copy is made and published (``dashboards.copy.build``).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection, Mapping
from contextlib import closing, suppress
from pathlib import Path

import duckdb

from pipelines.compute.reading import session_on
from pipelines.compute.workspace import Workspace
from pipelines.config_tables import CONFIG_TABLES
from pipelines.home.errors import HeadwaterError
from pipelines.lake.duck import identifier, literal
from pipelines.lake.partitions import Day, PartitionKey
from pipelines.sqlproject.model import Model

_FORMAT = "1"
"""Increase it when tables of copies made by older versions of the program cannot be updated any more."""
_PARTITIONS = "main.copied_partitions"
_MOST_FREE = 1 / 3
"""If a larger share of a copy's blocks is free, it is not updated but written anew, which gives a smaller file."""

States = dict[PartitionKey, str]
"""Partition → a text that changes when its file is replaced."""


def write_tables(workspace: Workspace, tables: Collection[str], target: Path, earlier: Path | None = None) -> None:
    """Write *tables* and the configuration to the new DuckDB file *target*.

    With *earlier*, a copy made before, only the partitions that have changed since are read from the lake.

    Raises:
        HeadwaterError: the lake cannot be read.
        duckdb.Error: *target* cannot be written.
    """
    if earlier is None or not _is_updated(workspace, tables, target, earlier):
        for path in (target, wal_of(target)):
            path.unlink(missing_ok=True)
        _update(workspace, tables, target, {})


def _is_updated(workspace: Workspace, tables: Collection[str], target: Path, earlier: Path) -> bool:
    """Copy *earlier* to *target* and update it. False if that failed, for example because *earlier* is damaged."""
    try:
        shutil.copyfile(earlier, target)
        there = _partitions_of(target)
        if there:
            _update(workspace, tables, target, there)
    except (OSError, duckdb.Error, HeadwaterError):
        return False
    return bool(there)


def wal_of(file: Path) -> Path:
    """DuckDB's write-ahead log of *file*, which it leaves behind after some faults."""
    return file.with_name(f"{file.name}.wal")


def _partitions_of(file: Path) -> dict[str, States]:
    """The partitions in the copy *file*; none if it has so much free space that a new file is better.

    Raises:
        duckdb.Error: the file is damaged, or has no list of its partitions, because an old version made it.
    """
    found: dict[str, States] = {}
    with closing(duckdb.connect(str(file), read_only=True)) as connection:
        (free,) = connection.execute("SELECT free_blocks / total_blocks FROM pragma_database_size()").fetchall()[0]
        if free <= _MOST_FREE:
            for table, day, state in connection.execute(f"FROM {_PARTITIONS}").fetchall():
                found.setdefault(table, {})[day] = state
    return found


def _update(workspace: Workspace, tables: Collection[str], target: Path, there: Mapping[str, States]) -> None:
    """Bring *tables* in *target* up to date with the lake; *there*: the partitions that *target* already has."""
    models = {table: workspace.project.models[table] for table in tables}
    wanted = {table: _states(workspace, model) for table, model in models.items()}
    changed = {table: _changed(there.get(table, {}), states) for table, states in wanted.items()}
    anew = {table for table in tables if _is_mostly(changed[table], there.get(table, {}))}
    read: dict[str, Collection[Day] | None] = {
        table: None if table in anew else {day for day in days if day} for table, days in changed.items() if days
    }
    read |= dict.fromkeys(anew)
    with session_on(workspace, read) as connection:
        connection.execute(f"ATTACH {literal(str(target))} AS marts")
        for schema in sorted({table.split(".")[0] for table in (*tables, *CONFIG_TABLES)}):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS marts.{identifier(schema)}")
        for table in _tables_in(connection) - {*tables, *CONFIG_TABLES, _PARTITIONS}:
            connection.execute(f"DROP TABLE marts.{identifier(table)}")
        for table in CONFIG_TABLES:
            _copy(connection, table)
        for table, days in read.items():
            if days is None:
                _copy(connection, table)
                _describe(connection, f"marts.{identifier(table)}", models[table])
            else:
                _replace_days(connection, table, days)
        partitions = [(table, day, state) for table, states in wanted.items() for day, state in states.items()]
        connection.execute(
            f"CREATE OR REPLACE TABLE marts.{_PARTITIONS} AS "
            "SELECT unnest(?) AS table_name, unnest(CAST(? AS DATE[])) AS dt, unnest(?) AS state",
            [list(column) for column in zip(*partitions, strict=True)] or [[], [], []],
        )
        connection.execute("DETACH marts")


def definition_of(model: Model) -> str:
    """The description of a table and of its columns, with their types, as a copy stores them."""
    columns = "".join(f"{name} {column.type} {column.description}\n" for name, column in model.columns.items())
    return f"{model.description}\n{columns}"


def _tables_in(connection: duckdb.DuckDBPyConnection) -> set[str]:
    query = "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'marts'"
    return {table for (table,) in connection.execute(query).fetchall()}


def _states(workspace: Workspace, model: Model) -> States:
    """The states of a model's partitions in the lake; they change with the model's columns and descriptions, too."""
    definition = hashlib.blake2b(f"{_FORMAT} {definition_of(model)}".encode(), digest_size=8).hexdigest()
    states: States = {}
    for path in workspace.files(model.name, None):
        # A run of the pipeline may remove the file at this moment. A partition's checksum would not show whether its
        # file has changed: a run writes the checksum before the file, and may be killed in between.
        with suppress(FileNotFoundError):
            found = path.stat()
            states[workspace.lake.partition(path)[1]] = f"{found.st_size} {found.st_mtime_ns} {definition}"
    return states


def _changed(there: States, wanted: States) -> set[PartitionKey]:
    return {key for key in there.keys() | wanted.keys() if there.get(key) != wanted.get(key)}


def _is_mostly(changed: Collection[PartitionKey], there: States) -> bool:
    """Whether to write a table anew: it is not in the copy, not partitioned, or half of its partitions have changed."""
    return not there or None in changed or 2 * len(changed) > len(there)


def _copy(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    connection.execute(f"CREATE OR REPLACE TABLE marts.{identifier(table)} AS SELECT * FROM {identifier(table)}")


def _replace_days(connection: duckdb.DuckDBPyConnection, table: str, days: Collection[Day]) -> None:
    own = f"marts.{identifier(table)}"
    connection.execute(f"DELETE FROM {own} WHERE dt IN (SELECT unnest(?))", [sorted(days)])
    connection.execute(f"INSERT INTO {own} BY NAME SELECT * FROM {identifier(table)}")


def _describe(connection: duckdb.DuckDBPyConnection, table: str, model: Model) -> None:
    connection.execute(f"COMMENT ON TABLE {table} IS {literal(model.description)}")
    for name, column in model.columns.items():
        connection.execute(f"COMMENT ON COLUMN {table}.{identifier(name)} IS {literal(column.description)}")
