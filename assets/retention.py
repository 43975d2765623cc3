"""The nightly job that deletes files and records that are older than the settings allow.

Here: the job and its schedule.
Not here: finding these files and records (``pipelines.ingest.retention``,
``pipelines.compute.old_events``, ``assets.old_runs``).
"""

# No 'from __future__ import annotations' here: Dagster inspects the annotation of an op's context.
import datetime as dt

import dagster as dg

from assets.old_runs import delete_runs, old_runs
from pipelines.compute import old_events
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.lock import home_lock
from pipelines.home.settings import Settings, load_settings
from pipelines.ingest import retention as files

_PRUNE_AT = "30 4 * * *"
"""After the nightly run, which may read landing files again."""

_DESCRIPTION = "Deletes landing files, reports, events and records of runs that are older than the settings allow."


def pruning(home: Home, settings: Settings) -> tuple[dg.JobDefinition, dg.ScheduleDefinition]:
    """The job for *home* and its schedule."""

    @dg.op(description=_DESCRIPTION)
    def prune(context: dg.OpExecutionContext) -> None:
        try:
            with home_lock(home, f"Dagster run {context.run.run_id[:8]}", context.log.info):
                _prune(home, context)
        except HeadwaterError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error

    @dg.job(name="retention", executor_def=dg.in_process_executor, description=_DESCRIPTION)
    def job() -> None:
        prune()

    schedule = dg.ScheduleDefinition(
        name="retention",
        job=job,
        cron_schedule=_PRUNE_AT,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=_DESCRIPTION,
    )
    return job, schedule


def _prune(home: Home, context: dg.OpExecutionContext) -> None:
    retention, now = load_settings(home).retention, dt.datetime.now(dt.UTC)
    expired = files.expired(home, retention, now)
    files.delete(expired)
    context.log.info("deleted %d files of %d bytes", len(expired), sum(file.bytes for file in expired))
    if old := old_events.old_events(home, now):
        old_events.delete(home, old)
        context.log.info(old.describe("deleted"))
    if retention.runs_days is not None:
        runs = old_runs(context.instance, now - dt.timedelta(days=retention.runs_days))
        freed = delete_runs(home, context.instance, runs)
        context.log.info("deleted the records of %d runs, %d bytes", len(runs), freed)
