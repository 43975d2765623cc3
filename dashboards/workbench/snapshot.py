"""A copy of the marts for the workbench: one DuckDB file, whole, that nobody changes.

Here: which tables are in it, making it when the lake has changed, removing old ones.
Not here: opening it (``dashboards.workbench.worker``).
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.duck import identifier, literal
from pipelines.home import Home
from pipelines.query import reading_session
from pipelines.workspace import Workspace, open_workspace

LARGEST_TABLE = 256_000_000
"""Bytes of Parquet up to which a table is copied: events of a large shop are for ``headwater sql``."""

_KEPT_SECONDS = 3600.0
"""How long an old copy stays, for queries that are about to open it."""


@dataclass(frozen=True)
class Snapshot:
    """A published copy.

    Attributes:
        path: The DuckDB file.
        version: Differs where any table does.
        tables: The tables in it, ``schema.table``.
        left_out: Tables that are too large for it, with their size in bytes.
    """

    path: Path
    version: str
    tables: frozenset[str]
    left_out: Mapping[str, int]


def publish(home: Home, largest: int = LARGEST_TABLE) -> Snapshot:
    """The copy of the lake as it is now, made if there is none yet.

    Raises:
        HeadwaterError: the home cannot be read.
    """
    workspace = open_workspace(home)
    sizes, version = _state(workspace)
    left_out = {table: size for table, size in sizes.items() if size > largest}
    tables = frozenset(sizes.keys() - left_out.keys())
    folder = home.root / ".workbench"
    snapshot = Snapshot(folder / f"marts-{version}.duckdb", version, tables, left_out)
    if not snapshot.path.exists():
        folder.mkdir(exist_ok=True)
        unfinished = folder / f".{snapshot.path.name}.{os.getpid()}.tmp"
        try:
            _copy(workspace, sorted(tables), unfinished)
            unfinished.chmod(0o444)
            unfinished.replace(snapshot.path)
        finally:
            unfinished.unlink(missing_ok=True)
    _remove_old(folder, snapshot.path)
    return snapshot


def _state(workspace: Workspace) -> tuple[dict[str, int], str]:
    """The size of each table, and a hash of which files they are."""
    sizes: dict[str, int] = {}
    digest = hashlib.blake2b(digest_size=8)
    for table, model in sorted(workspace.project.models.items()):
        sizes[table] = 0
        digest.update(f"{table} {model.types}".encode())
        for path in sorted(workspace.lake.files(table).values()):
            try:
                stat = path.stat()
            except FileNotFoundError:  # a run has just removed it
                continue
            sizes[table] += stat.st_size
            digest.update(f"{path.name} {path.parent.name} {stat.st_mtime_ns} {stat.st_size}".encode())
    return sizes, digest.hexdigest()


def _copy(workspace: Workspace, tables: list[str], target: Path) -> None:
    with reading_session(workspace.home, " ".join(tables)) as connection:
        connection.execute(f"ATTACH {literal(str(target))} AS marts")
        for table in tables:
            model = workspace.project.models[table]
            own = f"marts.{identifier(table)}"
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS marts.{identifier(model.schema)}")
            connection.execute(f"CREATE TABLE {own} AS SELECT * FROM {identifier(table)}")
            _describe(connection, own, model.description, model.columns)
        connection.execute("DETACH marts")


def _describe(
    connection: duckdb.DuckDBPyConnection, table: str, description: str, columns: Mapping[str, object]
) -> None:
    connection.execute(f"COMMENT ON TABLE {table} IS {literal(description)}")
    for name, column in columns.items():
        text = getattr(column, "description", "")
        connection.execute(f"COMMENT ON COLUMN {table}.{identifier(name)} IS {literal(text)}")


def _remove_old(folder: Path, current: Path) -> None:
    for path in folder.glob("marts-*.duckdb"):
        try:
            if path != current and time.time() - path.stat().st_mtime > _KEPT_SECONDS:
                path.unlink()
        except FileNotFoundError:  # another process was faster
            continue
