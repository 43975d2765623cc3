"""What Dagster has recorded about a home, for its alerts: failed runs and checks.

Not here: recording (``assets.recording``), deciding who gets a message (``dashboards.alerts``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import dagster as dg

from assets.automation import ALERTS_JOB
from assets.instance import open_instance, recorded_checks
from dashboards.alerts.evaluate import Records, RunFailure
from pipelines.home.folder import Home

LOOKED_BACK = dt.timedelta(days=2)
_MOST_RUNS = 50


def recorded(home: Home) -> Records:
    """The failed runs of the last two days, and the latest result of each check, of *home*.

    Raises:
        HeadwaterError: the home or the records cannot be read.
    """
    with open_instance(home) as instance:
        return records_in(home, instance)


def records_in(home: Home, instance: dg.DagsterInstance) -> Records:
    """``recorded`` of a home whose records are open in *instance*."""
    return Records(tuple(failed_runs(instance)), recorded_checks(home, instance))


def failed_runs(instance: dg.DagsterInstance, limit: int = _MOST_RUNS) -> Iterator[RunFailure]:
    """The runs that failed in the last two days, the latest first, at most *limit*; not those that send alerts."""
    since = dt.datetime.now(dt.UTC) - LOOKED_BACK
    filters = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since)
    for record in instance.get_run_records(filters, limit=limit):
        run = record.dagster_run
        if run.job_name != ALERTS_JOB and record.end_time is not None:
            at = dt.datetime.fromtimestamp(record.end_time, dt.UTC)
            yield RunFailure(run.job_name, at, _error(instance, run.run_id))


def _error(instance: dg.DagsterInstance, run_id: str) -> str:
    """Why the run failed, in one line: the innermost cause of its first failed step."""
    steps = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    for entry in steps:
        event = entry.dagster_event
        error = event.step_failure_data.error if event else None
        while error is not None and error.cause is not None:
            error = error.cause
        if error is not None:
            return " ".join(error.message.split())
    ended = instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    return next((entry.dagster_event.message or "" for entry in ended if entry.dagster_event), "")
