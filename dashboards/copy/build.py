"""The copy of the lake for the dashboards: one DuckDB file, never changed once it is published.

Here: which tables are in it, making it between runs, which copy is current, removing old ones.
Not here: writing its tables (``dashboards.copy.tables``), reading it for pages (``dashboards.app.marts``) and for
users' queries (``dashboards.workbench.worker``).

Why a copy: pages read many tables, and a run replaces them one by one. Pages that read the lake directly would mix
tables from before and after the run.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dashboards.copy.tables import definition_of, wal_of, write_tables
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.config_tables import CONFIG_TABLES
from pipelines.home.errors import HeadwaterError
from pipelines.home.files import lock, replacing, write_file
from pipelines.home.folder import Home
from pipelines.home.lock import lock_holder

LARGEST_TABLE = 256_000_000
"""Tables with more bytes of Parquet, such as a large shop's events, are not copied; ``headwater sql`` reads them."""

_KEPT_SECONDS = 600.0
"""How long an old copy is kept, for pages and queries that are about to open it."""
_TRIES = 3
_FORMAT = "3"
"""Increase it when copies made by older versions of the program cannot be used any more."""


@dataclass(frozen=True)
class CopyFile:
    """A published copy.

    Attributes:
        path: The DuckDB file.
        version: Changes when any table changes.
        tables: Its tables, ``schema.table``.
        excluded: Tables that are too large for it, with their size in bytes.
        published_at: When it was published, UTC.
        is_settled: Whether no run was in progress while it was made, so that its tables are consistent.
    """

    path: Path
    version: str
    tables: frozenset[str]
    excluded: Mapping[str, int]
    published_at: dt.datetime
    is_settled: bool


def current(home: Home) -> CopyFile | None:
    """The latest published copy; None if there is none."""
    try:
        entry: dict[str, Any] = json.loads(home.copy_pointer.read_text(encoding="utf-8"))
        copy_file = CopyFile(
            home.workbench / str(entry["file"]),
            str(entry["version"]),
            frozenset(entry["tables"]),
            dict(entry["excluded"]),
            dt.datetime.fromisoformat(entry["published_at"]),
            bool(entry["is_settled"]),
        )
    except (OSError, ValueError, KeyError, TypeError):  # no copy yet, or another version wrote the file
        return None
    return copy_file if copy_file.path.exists() else None


def publish(home: Home, largest: int = LARGEST_TABLE, *, anew: bool = False) -> CopyFile:
    """Make a copy of the lake if it has changed since the last one, and return the current copy.

    Tables of more than *largest* bytes are left out. Other processes that call this function wait meanwhile. During a
    run the existing copy stays current; if there is no copy yet, one is made even then.

    A new copy is the last one with the partitions that have changed. If *anew*, it is written from the lake alone, so
    that its file has no bytes of rows that were deleted.

    Raises:
        HeadwaterError: the home cannot be read, or the copy cannot be written.
    """
    try:
        with _alone(home):
            return _publish(home, largest, anew)
    except OSError as error:
        where = error.filename or home.workbench
        raise HeadwaterError(f"the copy for the dashboards cannot be written: {error.strerror}", where=where) from error


def _publish(home: Home, largest: int, anew: bool) -> CopyFile:
    there = current(home)
    if there is not None and lock_holder(home) is not None:
        return there
    for attempt in range(_TRIES):
        workspace = open_workspace(home)
        version = _version(workspace, largest)
        if there is not None and there.version == version and there.is_settled and not anew:
            _remove_old(home.workbench, there.path)
            return there
        earlier = there.path if there is not None and there.is_settled and not anew else None
        copy_file = _made(workspace, version, largest, earlier)
        is_settled = lock_holder(home) is None and _version(open_workspace(home), largest) == version
        if is_settled or (there is None and attempt == _TRIES - 1):
            made = CopyFile(
                copy_file.path, version, copy_file.tables, copy_file.excluded, copy_file.published_at, is_settled
            )
            _point(home, made)
            return made
        copy_file.path.unlink(missing_ok=True)
        if there is not None:
            break
    assert there is not None
    return there


def _made(workspace: Workspace, version: str, largest: int, earlier: Path | None) -> CopyFile:
    tables, excluded = copied_tables(workspace, largest)
    folder = workspace.home.workbench
    path = folder / f"marts-{version}-{time.time_ns():x}.duckdb"
    try:
        with replacing(path, mode=0o444) as unfinished:
            try:
                write_tables(workspace, tables, unfinished, earlier)
            finally:
                wal_of(unfinished).unlink(missing_ok=True)
    except duckdb.Error as error:  # for example, the disk is full
        why = " ".join(str(error).split())
        raise HeadwaterError(f"the copy for the dashboards cannot be written: {why}", where=folder) from error
    now = dt.datetime.now(dt.UTC)
    return CopyFile(path, version, frozenset(tables) | CONFIG_TABLES.keys(), excluded, now, False)


def _point(home: Home, copy_file: CopyFile) -> None:
    entry = {
        "file": copy_file.path.name,
        "version": copy_file.version,
        "tables": sorted(copy_file.tables),
        "excluded": dict(copy_file.excluded),
        "published_at": copy_file.published_at.isoformat(),
        "is_settled": copy_file.is_settled,
    }
    write_file(home.copy_pointer, json.dumps(entry, indent=1))
    _remove_old(home.workbench, copy_file.path)


def is_stale(home: Home, copy_file: CopyFile | None) -> bool:
    """Whether the lake has changed since *copy_file* was made; also True for None, and if the copy is not settled.

    Raises:
        HeadwaterError: the home cannot be read.
    """
    return (
        copy_file is None
        or not copy_file.is_settled
        or _version(open_workspace(home), LARGEST_TABLE) != copy_file.version
    )


def _version(workspace: Workspace, largest: int) -> str:
    """A hash of the state of all tables, the configuration and *largest*."""
    digest = hashlib.blake2b(f"{_FORMAT} {largest}".encode(), digest_size=8)
    for table in CONFIG_TABLES:
        digest.update(repr(workspace.config.rows(table)).encode())
    for table, model in sorted(workspace.project.models.items()):
        digest.update(f"{table} {definition_of(model)} {workspace.lake.state(table)}".encode())
    return digest.hexdigest()


def _sizes(workspace: Workspace) -> dict[str, int]:
    """The bytes of each table's files."""
    return {
        table: sum(path.stat().st_size for path in workspace.lake.files(table).values() if path.exists())
        for table in workspace.project.models
    }


def copied_tables(workspace: Workspace, largest: int) -> tuple[list[str], dict[str, int]]:
    """The tables of a copy, and those of more than *largest* bytes, which are left out, with their size."""
    sizes = _sizes(workspace)
    excluded = {table: size for table, size in sizes.items() if size > largest}
    return sorted(sizes.keys() - excluded.keys()), excluded


def _remove_old(folder: Path, current: Path) -> None:
    for path in folder.glob("marts-*.duckdb"):
        try:
            if path != current and time.time() - path.stat().st_mtime > _KEPT_SECONDS:
                path.unlink()
        except FileNotFoundError:  # another process has removed it already
            continue


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Keep other processes from making a copy until the ``with`` block ends."""
    home.workbench.mkdir(exist_ok=True)
    with lock(home.copy_lock):
        for path in home.workbench.glob(".*.tmp*"):  # unfinished copies of processes that were killed
            path.unlink(missing_ok=True)
        yield
