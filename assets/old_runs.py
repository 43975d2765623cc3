"""Old records of runs in Dagster's storage.

Here: which runs nothing in Dagster's UI depends on, deleting them, shrinking the databases.
Not here: when that happens (``assets.retention``, ``pipelines.commands.prune``).
"""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
from collections.abc import Collection
from contextlib import closing, suppress
from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from sqlalchemy import func, select

from pipelines.home.folder import Home

_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def old_runs(instance: dg.DagsterInstance, ended_before: dt.datetime) -> list[str]:
    """The ids of runs that ended before *ended_before* and whose events Dagster's UI does not need.

    A run is needed if it has the newest event of any kind for a partition, or the latest result of a check. Without
    that event the partition would look as if it had never been computed.
    """
    records = instance.get_run_records(dg.RunsFilter(statuses=_FINISHED, created_before=ended_before))
    old = [r.dagster_run.run_id for r in records if (r.end_time or 0.0) < ended_before.timestamp()]
    if not old:
        return []
    needed = _needed(instance)
    return sorted(run_id for run_id in old if run_id not in needed)


def delete_runs(home: Home, instance: dg.DagsterInstance, runs: Collection[str]) -> int:
    """Delete *runs* with their events and output; returns the size of the deleted files in bytes.

    The caller must have the home's lock.
    """
    freed = 0
    for run_id in runs:
        paths = files_of(home, run_id)
        freed += sum(path.stat().st_size for path in paths)
        instance.delete_run(run_id)
        # Dagster deletes the rows, but leaves the run's own database and the output of its steps.
        for path in files_of(home, run_id):
            path.unlink()
        shutil.rmtree(_output(home, run_id), ignore_errors=True)
    return freed


def files_of(home: Home, run_id: str) -> list[Path]:
    """The files that belong to one run: its own database, and the output of its steps."""
    own = (home.dagster / "history" / "runs").glob(f"{run_id}.db*")
    return [*own, *(path for path in _output(home, run_id).rglob("*") if path.is_file())]


def shrink(home: Home) -> int:
    """Shrink Dagster's databases by the space of deleted rows; returns how many bytes that gave back to the disk.

    Writers wait meanwhile, about a second for 100 MB. A database to which another process is writing is skipped; later
    rows will use its free space.
    """
    freed = 0
    for path in (home.dagster_records, home.dagster / "history" / "runs" / "index.db"):
        if path.exists():
            before = path.stat().st_size
            with closing(sqlite3.connect(path)) as connection, suppress(sqlite3.OperationalError):
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            freed += before - path.stat().st_size
    return freed


def _output(home: Home, run_id: str) -> Path:
    return home.dagster / "storage" / run_id


def _needed(instance: dg.DagsterInstance) -> set[str]:
    """The ids of the runs whose events Dagster's UI shows as the state of a partition or a check."""
    storage = instance.event_log_storage
    assert isinstance(storage, SqlEventLogStorage)
    events, checks = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c
    newest = select(func.max(events.id)).where(events.asset_key.is_not(None))
    newest = newest.group_by(events.asset_key, events.partition, events.dagster_event_type)
    latest = select(func.max(checks.id)).group_by(checks.asset_key, checks.check_name)
    with storage.index_connection() as connection:
        return {
            *connection.scalars(select(events.run_id).where(events.id.in_(newest)).distinct()),
            *connection.scalars(select(checks.run_id).where(checks.id.in_(latest)).distinct()),
        }
