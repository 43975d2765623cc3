"""Dagster's records of a home, opened in this process: the instance, and the latest results of checks.

Here: opening the records with few syncs, reading the check results.
Not here: running steps (``assets.engine``), what is recorded (``assets.recording``).
"""

from __future__ import annotations

import datetime as dt
import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster._core.instance import InstanceRef
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from sqlalchemy import Engine, create_engine
from sqlalchemy.event import listen, remove
from sqlalchemy.exc import DBAPIError

from assets.event_log import storing_in_bulk
from assets.recording import asset_key
from pipelines.compute.checks import grain_check_name
from pipelines.compute.results import CheckState
from pipelines.compute.workspace import open_workspace
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home

_NO_COPIES = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}


def check_states(home: Home) -> list[CheckState]:
    """The latest result of every check of *home* in Dagster's records, sorted by table and name.

    Raises:
        HeadwaterError: the home or the records cannot be read.
    """
    with open_instance(home) as instance:
        return recorded_checks(home, instance)


def recorded_checks(home: Home, instance: dg.DagsterInstance) -> list[CheckState]:
    """``check_states`` of a home whose records are open in *instance*."""
    project = open_workspace(home).project
    severities = {
        (name, check): severity
        for name, model in project.models.items()
        for check, severity in (
            (grain_check_name(model), "error"),
            *((check.name, check.severity) for check in project.checks[name]),
        )
    }
    keys = {dg.AssetCheckKey(asset_key(name), check): (name, check) for name, check in severities}
    states = []
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    for key, (table, name) in keys.items():
        record = latest.get(key)
        evaluation = record.event.asset_check_evaluation if record and record.event else None
        severity = severities[table, name]
        if record is None or record.event is None or evaluation is None:
            states.append(CheckState(table, name, severity, None, "", None))
            continue
        at = dt.datetime.fromtimestamp(record.event.timestamp, dt.UTC)
        found = evaluation.description or ("" if evaluation.passed else "failed")
        states.append(CheckState(table, name, severity, evaluation.passed, found, at))
    return sorted(states, key=lambda state: (state.table, state.name))


def failed_checks(home: Home) -> list[CheckState]:
    """The checks whose latest result is a failure, sorted by name."""
    return sorted((state for state in check_states(home) if state.passed is False), key=lambda state: state.name)


@contextmanager
def open_instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance with the records of *home*, for use in this process.

    Runs with this instance do not capture stdout and stderr, because Dagster would redirect the terminal to files.

    Raises:
        HeadwaterError: the records cannot be read or written.
    """
    try:
        with _rare_syncs(), _instance(home) as instance:
            yield instance
    except DBAPIError as error:
        raise HeadwaterError(
            f"Dagster's records cannot be read or written: {error.orig}",
            where=home.dagster,
            remedy="published partitions are intact; run again when this is fixed",
        ) from error


def _instance(home: Home) -> dg.DagsterInstance:
    # Dagster globs for dagster.yaml and misses it if the path contains `*`, `?` or `[`, so we repeat the settings here.
    silent: dict[str, Any] = {"compute_logs": _NO_COPIES, "telemetry": {"enabled": False}}
    if not home.dagster.exists():
        remedy = f"'headwater init {home.root}' makes an empty folder for them; nothing is computed again"
        raise HeadwaterError("Dagster's records are gone", where=home.dagster, remedy=remedy)
    try:
        if not home.dagster.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        reference = InstanceRef.from_dir(str(home.dagster), overrides=silent)
        return dg.DagsterInstance.from_ref(storing_in_bulk(reference))
    except OSError as error:
        raise HeadwaterError(
            f"Dagster's records cannot be opened: {error.strerror}",
            where=home.dagster,
            remedy="it must be a folder that this user can read and write",
        ) from error


_engines: dict[str, Engine] = {}


def _kept_engine(url: str, **options: Any) -> Engine:
    """Like ``sqlalchemy.create_engine``, but makes only one engine for each *url* in a process."""
    if url not in _engines:
        _engines[url] = create_engine(url, **options)
    return _engines[url]


# Dagster makes a new engine for each event, and every new one compiles its statements again: a quarter of a run's time.
# It has no setting for this.
sqlite_event_log.create_engine = sqlite_run_storage.create_engine = _kept_engine  # type: ignore[assignment, attr-defined]


@contextmanager
def _rare_syncs() -> Iterator[None]:
    """Let SQLite, which stores Dagster's records, sync to disk only occasionally instead of at every event.

    Dagster opens and closes a connection for each event. Closing the last connection to a file copies its write-ahead
    log into the file and syncs it, so we keep another connection open. A power cut may lose the latest events but does
    not damage the file, and the lake does not depend on them. A run that computes a year of eleven tables records
    8,000 events, so one sync for each would take long.
    """
    kept: dict[str, sqlite3.Connection] = {}

    def relax(connection: Any, _: object) -> None:
        if not isinstance(connection, sqlite3.Connection):
            return
        connection.execute("PRAGMA synchronous = NORMAL")
        path = connection.execute("PRAGMA database_list").fetchone()[2]
        if path and path not in kept and connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            kept[path] = sqlite3.connect(path, check_same_thread=False)
            # Read something, because SQLite opens the write-ahead log only at the first read.
            kept[path].execute("SELECT count(*) FROM sqlite_master").fetchone()

    listen(Engine, "connect", relax)
    try:
        yield
    finally:
        remove(Engine, "connect", relax)
        for connection in kept.values():
            connection.close()
