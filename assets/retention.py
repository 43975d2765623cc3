"""The nightly job that deletes what the settings say is kept no longer.

Here: the job and its schedule.
Not here: which files these are (``pipelines.ingest.retention``).
"""

# No 'from __future__ import annotations' here: Dagster inspects the annotation of an op's context.
import datetime as dt

import dagster as dg

from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.lock import home_lock
from pipelines.home.settings import Settings, load_settings
from pipelines.ingest.retention import delete, expired

_PRUNE_AT = "30 4 * * *"
"""After the nightly tables, which may read landing files again."""


def pruning(home: Home, settings: Settings) -> tuple[dg.JobDefinition, dg.ScheduleDefinition]:
    """The job for *home* and its schedule."""

    @dg.op(description="Deletes ingested landing files and reports that are older than the settings say.")
    def prune(context: dg.OpExecutionContext) -> None:
        try:
            with home_lock(home, f"Dagster run {context.run.run_id[:8]}", context.log.info):
                files = expired(home, load_settings(home).retention, dt.datetime.now(dt.UTC))
                delete(files)
        except HeadwaterError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error
        context.log.info("deleted %d files of %d bytes", len(files), sum(file.bytes for file in files))

    @dg.job(name="retention", executor_def=dg.in_process_executor, description="Deletes what is kept no longer.")
    def job() -> None:
        prune()

    schedule = dg.ScheduleDefinition(
        name="retention",
        job=job,
        cron_schedule=_PRUNE_AT,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Deletes what is kept no longer.",
    )
    return job, schedule
