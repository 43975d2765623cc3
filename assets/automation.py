"""What runs automatically, and when: jobs, the landing sensor, the daily schedules, freshness.

Here: named policies, each with its reason.
Not here: what runs (``assets.sql``, ``assets.ingestion``), what is stale (``pipelines.compute.planner``).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from zoneinfo import ZoneInfo

import dagster as dg

from assets.loading import loaded_key
from assets.recording import asset_key, changed_config
from assets.sql import FIRST_DAY, days_ahead
from pipelines.compute.planner import Plan, Segment, steps, verified_plan
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.databases.settings import Database, Interval
from pipelines.home.folder import Home
from pipelines.home.lock import lock_holder
from pipelines.home.settings import Settings
from pipelines.ingest import pending
from pipelines.lake.partitions import DaySpan, Lake
from pipelines.sqlproject.project import Project

IN_PROCESS_TAG = "headwater/in_process"
"""Tag of runs that the command line executes in its own process. If it is killed, Dagster still shows them as running.
"""

DAILY_AT = "0 3 * * *"
"""Most shops have exported their nightly batches by then."""

EXPECTED_BY = "0 6 * * *"
"""When operators need yesterday's figures."""

REPORT_AT = "30 5 * * *"
"""After the nightly tables (it queues behind their run) and before operators read the report."""

LOADED_AT: Mapping[Interval, str] = {"15 minutes": "*/15 * * * *", "hour": "0 * * * *", "day": "0 2 * * *"}
"""How often a database is loaded (``every`` in the settings) → cron schedule.

The daily load is early enough to be finished before yesterday's tables are computed.
"""

ALERTS_JOB = "alerts"
"""The job that evaluates alerts and sends messages; its own failures cause no alert."""

REPORT = dg.AssetKey(["report"])
"""The asset of ``assets.report``. It is not a table, so its key has no schema."""

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
"""The states of runs that are queued or running."""

ingestion_job = dg.define_asset_job(
    "ingestion",
    selection=dg.AssetSelection.assets(asset_key("raw.batches")),
    description="Reads every pending landing file.",
)

report_job = dg.define_asset_job(
    "report",
    selection=dg.AssetSelection.assets(REPORT),
    description="Writes the report of the newest day that is over.",
)


def tables_job(workspace: Workspace) -> dg.UnresolvedAssetJobDefinition:
    """The job that computes the tables of all models."""
    keys = [asset_key(name) for name in workspace.project.models]
    return dg.define_asset_job(
        "tables",
        selection=dg.AssetSelection.assets(*keys),
        description="Computes partitioned tables for a day or a range of days, and unpartitioned tables.",
    )


def loading_job(name: str, database: Database) -> dg.UnresolvedAssetJobDefinition:
    """The job that loads the tables of *database*, which has this *name*, and then ingests what has landed."""
    keys = [loaded_key(name, table) for table in database.tables]
    return dg.define_asset_job(
        f"load_{name}",
        selection=dg.AssetSelection.assets(*keys, asset_key("raw.batches")),
        description=f"Loads the tables of {name}, then reads every pending landing file.",
    )


def loading_schedule(
    settings: Settings, database: Database, job: dg.UnresolvedAssetJobDefinition
) -> dg.ScheduleDefinition:
    """The schedule of *job*, which loads the tables of *database*; it has the name of the job."""
    return dg.ScheduleDefinition(
        name=job.name,
        job=job,
        cron_schedule=LOADED_AT[database.every],
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Loads the rows that are new or changed.",
    )


def by_morning(settings: Settings) -> dg.FreshnessPolicy:
    """The policy that tables must be computed every morning by ``EXPECTED_BY``, when operators look at them."""
    return dg.FreshnessPolicy.cron(
        deadline_cron=EXPECTED_BY, lower_bound_delta=dt.timedelta(hours=24), timezone=settings.timezone
    )


def daily_schedule(settings: Settings, job: dg.UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """The schedule that computes every table for yesterday, after that day has ended in the shop's time zone."""

    @dg.schedule(
        name="daily",
        job=job,
        cron_schedule=DAILY_AT,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Computes every table for yesterday.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = context.scheduled_execution_time.astimezone(ZoneInfo(settings.timezone)).date() - dt.timedelta(days=1)
        if day < (settings.start_date or FIRST_DAY):
            return dg.SkipReason(f"{day} is before start_date {settings.start_date}")
        return dg.RunRequest(run_key=day.isoformat(), partition_key=day.isoformat())

    return daily


def report_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The schedule that writes the report once a day.

    If it were written after each computation, late files and backfills would cause many reports.
    """
    return dg.ScheduleDefinition(
        name="report",
        job=report_job,
        cron_schedule=REPORT_AT,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Writes the report of the newest day that is over.",
    )


def landing_sensor(loaded: Workspace, tables: dg.UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """The sensor that requests ingestion if files are pending, otherwise computation of the stale partitions.

    Late records, edited entrances and edited models make old days stale. The sensor finds such days by comparing
    versions. *loaded* is the home as it was when the code location was loaded; *tables* is the job for partitions.
    """
    ahead = days_ahead(loaded)

    @dg.sensor(
        name="landing",
        jobs=[ingestion_job, tables],
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests ingestion of pending files, then computation of stale days.",
    )
    def landing(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return _evaluate(loaded, ahead, context.instance, _Cursor.parse(context.cursor))

    return landing


@dataclass
class _Cursor:
    """What the sensor remembers between ticks.

    Attributes:
        files, days: Digests of the last requests, so that a request whose run failed is only repeated after a change.
        requests: The number of requests; part of the run key, so that Dagster accepts an equal request later.
        idle_state: The state of the files when nothing was stale, so that an idle tick does no planning.
    """

    files: str = ""
    days: str = ""
    requests: int = 0
    idle_state: str = ""

    @classmethod
    def parse(cls, text: str | None) -> _Cursor:
        return cls(**json.loads(text)) if text else cls()

    def skip(self, reason: str, events: Sequence[dg.AssetMaterialization] = ()) -> dg.SensorResult:
        return dg.SensorResult(skip_reason=reason, cursor=json.dumps(asdict(self)), asset_events=events)

    def ask(self, requests: Iterable[dg.RunRequest], events: Sequence[dg.AssetMaterialization] = ()) -> dg.SensorResult:
        self.requests += 1
        return dg.SensorResult(run_requests=list(requests), cursor=json.dumps(asdict(self)), asset_events=events)


def _evaluate(loaded: Workspace, ahead: int, instance: dg.DagsterInstance, cursor: _Cursor) -> dg.SensorResult:
    home = loaded.home
    if busy := who_is_busy(home, instance):
        return cursor.skip(busy)
    files = _digest(sorted(f"{file.file} {file.size} {file.modified_ns}" for file in pending(home)))
    # If the same files are still pending after a request, ingestion could not read them and that run reports why. Then
    # do not request it again, but continue with the stale partitions.
    if files not in (cursor.files, _digest([])):
        cursor.files = files
        return cursor.ask([dg.RunRequest(run_key=f"{files}-{cursor.requests}", job_name=ingestion_job.name)])
    state = state_of_files(home)
    if state == cursor.idle_state:
        return cursor.skip("nothing has changed")
    workspace = open_workspace(home)
    if _is_outdated(loaded, workspace) or days_ahead(workspace) > ahead:
        return cursor.skip("the home's models, checks or days have changed: the daemon reloads them within a minute")
    plan = verified_plan(workspace)
    events = list(changed_config(workspace, instance))
    if not plan.stale:
        cursor.idle_state = state
        return cursor.skip("everything is up to date", events)
    days = _digest(_differences(workspace, plan))
    if days == cursor.days:
        reason = "the stale days were already requested, but their run failed; run 'headwater doctor' for what to do"
        return cursor.skip(reason, events)
    cursor.days = days
    return cursor.ask(_requests(workspace.project, plan, f"{days}-{cursor.requests}"), events)


def _is_outdated(loaded: Workspace, now: Workspace) -> bool:
    """Whether Dagster must reload the code location, which knows only the tables and days of *loaded*.

    Until then Dagster refuses requests for tables and days that only *now*, the present state of the home, has.
    """

    def tables(workspace: Workspace) -> dict[str, object]:
        project = workspace.project
        return {
            name: (model.is_partitioned, project.reads[name], sorted(check.name for check in project.checks[name]))
            for name, model in project.models.items()
        }

    starts_earlier = (now.settings.start_date or FIRST_DAY) < (loaded.settings.start_date or FIRST_DAY)
    return starts_earlier or now.settings.timezone != loaded.settings.timezone or tables(now) != tables(loaded)


def who_is_busy(home: Home, instance: dg.DagsterInstance) -> str | None:
    """The run or process that is changing *home* at the moment; None if there is none."""
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=UNFINISHED), limit=10):
        if IN_PROCESS_TAG not in run.tags:
            return f"run {run.run_id[:8]} is {run.status.value.lower()}"
    holder = lock_holder(home)
    return f"{holder} is running" if holder else None


def state_of_files(home: Home) -> str:
    """A digest of everything that a plan depends on.

    It covers the state of the lake's tables, and the names and modification times of the files that people edit. A file
    saved without a change causes an unnecessary plan, but reading all files at each tick would cost half a plan.
    """
    lake = Lake(home.lake)
    edited = [*home.config.rglob("*"), *home.sql.rglob("*")]
    return _digest(
        [
            *(f"{table} {lake.state(table)}" for table in lake.tables()),
            *sorted(f"{path} {path.stat().st_mtime_ns}" for path in edited if path.exists()),
        ]
    )


def _differences(workspace: Workspace, plan: Plan) -> Iterator[str]:
    for table, keys in sorted(plan.stale.items()):
        present = workspace.lake.versions(table)
        for key in sorted(keys, key=str):
            yield f"{table} {key} {present.get(key)} {plan.expected[table][key]}"


def _requests(project: Project, plan: Plan, run_key: str) -> Iterator[dg.RunRequest]:
    """A run request for each segment that computes stale partitions, in order; its key is *run_key* and a number."""
    for number, step in enumerate(_in_few_runs(steps(project, plan.stale, plan.expected))):
        tags = range_tags(step.span) if step.span else {}
        yield _request(sorted(step.tables), tags, f"{run_key}-{number}")


def _in_few_runs(segments: Sequence[Segment]) -> list[Segment]:
    """*segments* with the unpartitioned tables joined to the days next to them.

    Starting a run takes longer than computing an hour of a small shop. Dagster computes the tables of a run in the
    order of their dependencies, so the result is the same.
    """
    joined: list[Segment] = []
    for segment in segments:
        before = joined[-1] if joined else None
        if before and None in (before.span, segment.span):
            joined[-1] = Segment(before.span or segment.span, before.tables | segment.tables)
        else:
            joined.append(segment)
    return joined


def _request(tables: Iterable[str], tags: Mapping[str, str], run_key: str) -> dg.RunRequest:
    selection = [asset_key(table) for table in tables]
    return dg.RunRequest(run_key=run_key, job_name="tables", asset_selection=selection, tags=tags)


def range_tags(days: DaySpan) -> dict[str, str]:
    """The tags that tell Dagster which range of partitions a run computes."""
    return {
        "dagster/asset_partition_range_start": days.first.isoformat(),
        "dagster/asset_partition_range_end": days.last.isoformat(),
    }


def _digest(lines: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()
