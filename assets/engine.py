"""Runs a home's steps in this process, through Dagster.

Here: the engine with which ``headwater run`` ingests and computes, so that the Dagster UI shows its runs,
materializations and checks; and reading the recorded check results.
Not here: the order of the steps (``pipelines.compute.run``), what a step does (``assets.sql``).
"""

from __future__ import annotations

import datetime as dt
import errno
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import dagster as dg
from dagster._core.instance import InstanceRef
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from sqlalchemy import Engine, create_engine
from sqlalchemy.event import listen, remove
from sqlalchemy.exc import DBAPIError

from assets.automation import IN_PROCESS_TAG, range_tags
from assets.definitions import define
from assets.recording import asset_key
from assets.sql import days_ahead
from assets.step import StepInput, StepResults, resources_of
from pipelines.compute.checks import grain_check_name
from pipelines.compute.results import CheckState, RunResult
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.lock import home_lock
from pipelines.home.settings import load_settings
from pipelines.ingest import IngestReport
from pipelines.lake.partitions import DaySpan, PartitionKey

_NO_COPIES = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class DagsterEngine:
    """Runs steps of *home* in this process and records them in its ``.dagster``."""

    def __init__(self, home: Home, tell: Callable[[str], None] | None = None) -> None:
        self._home = home
        self._input, self._results = StepInput(home), StepResults()
        if tell is not None:
            self._input.tell = tell
        self._built: tuple[Workspace, dg.Definitions] | None = None
        self._ahead = 0

    def ingest(self) -> IngestReport:
        """Ingest all pending files.

        Raises:
            HeadwaterError: the settings or sources are invalid, or reading or writing fails. If the files of a source
                cannot be read, the report names it and nothing is raised.
        """
        self._run("ingestion", ["raw.batches"], {})
        assert self._results.ingested is not None
        return self._results.ingested

    def compute(
        self,
        tables: Collection[str],
        span: DaySpan | None,
        blocked: Collection[tuple[str, PartitionKey]] = (),
    ) -> RunResult:
        """Compute *tables*: the partitioned ones for the days of *span*, the others completely.

        The result lists the partitions that a failed check blocked. In that case later steps do not run, so their
        tables are missing from the result.

        Raises:
            HeadwaterError: a query, or reading or writing, fails. Partitions already published stay published.
        """
        self._input.blocked = frozenset(blocked)
        tags = range_tags(span) if span else {}
        self._run("tables", tables, tags)
        total = RunResult()
        for result in self._results.computed:
            total.tables |= result.tables
            total.checks |= result.checks
        return total

    def close_dead_runs(self) -> None:
        """Mark runs that a killed process left running in Dagster's records as failed. The caller has the home's lock.

        Raises:
            HeadwaterError: the records cannot be read or written.
        """
        with open_instance(self._home) as instance, _dead_runs_closed(self._home, instance):
            pass

    def _run(self, job: str, tables: Collection[str], tags: Mapping[str, str]) -> None:
        self._results.clear()
        with (
            home_lock(self._home, f"Dagster job {job}"),
            open_instance(self._home) as instance,
            _dead_runs_closed(self._home, instance),
        ):
            workspace, definitions = self._build()
            run_id = str(uuid4())
            self._input.adopt(run_id, workspace)
            try:
                definitions.resolve_job_def(job).execute_in_process(
                    run_config=_QUIET,
                    instance=instance,
                    asset_selection=[asset_key(table) for table in tables],
                    tags={**tags, IN_PROCESS_TAG: "true"},
                    run_id=run_id,
                )
            except dg.Failure as failure:
                # Without a stored error, the failure only says that partitions were blocked or files not read. The
                # result and the ingestion report say so too, so we do not raise it.
                if self._results.error is not None:
                    raise self._results.error from failure
            except dg.DagsterExecutionInterruptedError as interrupt:
                raise KeyboardInterrupt from interrupt

    def _build(self) -> tuple[Workspace, dg.Definitions]:
        """The home and its definitions, read again if the settings changed or there are later days.

        The first run sets the start date, and new files may have later days than the definitions.
        """
        if (
            self._built is None
            or self._built[0].settings != load_settings(self._home)
            or days_ahead(self._built[0].reread_raw()) > self._ahead
        ):
            workspace = open_workspace(self._home)
            self._ahead = days_ahead(workspace)
            self._built = workspace, define(workspace, resources_of(self._input, self._results), is_described=False)
        return self._built


def ingest_in_process(home: Home) -> IngestReport:
    """Ingest the pending files of *home* as a Dagster run; see ``DagsterEngine.ingest``."""
    return DagsterEngine(home).ingest()


def materialize_in_process(home: Home, tables: Collection[str], span: DaySpan | None) -> RunResult:
    """Compute *tables* of *home* as a Dagster run; see ``DagsterEngine.compute``."""
    return DagsterEngine(home).compute(tables, span)


def check_states(home: Home) -> list[CheckState]:
    """The latest result of every check of *home* in Dagster's records, sorted by table and name.

    Raises:
        HeadwaterError: the home or the records cannot be read.
    """
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
    with open_instance(home) as instance:
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
    try:
        if not home.dagster.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home.dagster), overrides=silent))
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


@contextmanager
def _dead_runs_closed(home: Home, instance: dg.DagsterInstance) -> Iterator[None]:
    """Mark runs of killed processes as failed, and when the context ends those that Ctrl-C interrupted in it.

    The caller has the home's lock, so no unfinished run belongs to another process that is still alive.
    """
    with suppress(OSError):  # ignored: writing the records then fails too, and that error is raised
        home.run_marker.touch()
    _close_unfinished(instance)
    try:
        yield
    finally:
        _close_unfinished(instance)
        home.run_marker.unlink(missing_ok=True)


def _close_unfinished(instance: dg.DagsterInstance) -> None:
    unfinished = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    for run in instance.get_runs(dg.RunsFilter(statuses=unfinished, tags={IN_PROCESS_TAG: "true"})):
        instance.report_run_failed(run, "Its process was interrupted before the run ended.")
