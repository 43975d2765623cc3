"""When things run by themselves: jobs, the landing sensor, the daily schedule, freshness.

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

from assets.recording import asset_key, changed_config
from assets.sql import FIRST_DAY, days_ahead
from pipelines.compute.planner import Plan, sound_plan, steps
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.home.folder import Home, lock_holder
from pipelines.home.settings import Settings
from pipelines.ingest import pending
from pipelines.lake.partitions import DaySpan, Lake
from pipelines.sqlproject.project import Project

IN_PROCESS_TAG = "headwater/in_process"
"""On runs that the command line executes itself; such a run may have died without Dagster's knowing."""

DAILY_AT = "0 3 * * *"
"""The nightly batches of most shops are exported by then."""

EXPECTED_BY = "0 6 * * *"
"""When operators want yesterday's figures."""

REPORT_AT = "30 5 * * *"
"""After the nightly tables, behind whose run it queues, and before operators look."""

REPORT = dg.AssetKey(["report"])
"""The asset of ``assets.report``; no table, so it has no schema."""

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

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
    """The job over all tables that models compute."""
    keys = [asset_key(name) for name in workspace.project.models]
    return dg.define_asset_job(
        "tables",
        selection=dg.AssetSelection.assets(*keys),
        description="Computes tables for a day or a range of days, and those without days.",
    )


def by_morning(settings: Settings) -> dg.FreshnessPolicy:
    """Computed since yesterday's deadline: what operators read in the morning holds yesterday."""
    return dg.FreshnessPolicy.cron(
        deadline_cron=EXPECTED_BY, lower_bound_delta=dt.timedelta(hours=24), timezone=settings.timezone
    )


def daily_schedule(settings: Settings, job: dg.UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Every table for yesterday, once its day is over in the shop's time zone."""

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
    """The report once a day, whatever was computed since: neither late files nor a backfill write one each."""
    return dg.ScheduleDefinition(
        name="report",
        job=report_job,
        cron_schedule=REPORT_AT,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Writes the report of the newest day that is over.",
    )


def landing_sensor(loaded: Workspace, tables: dg.UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """Asks for ingestion when files are pending, and for the stale days when none are.

    Late records make old days stale, and an edited entrance or model does: both are found by comparing, not told.
    *loaded* is the home as the code location knows it.
    """
    ahead = days_ahead(loaded)

    @dg.sensor(
        name="landing",
        jobs=[ingestion_job, tables],
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for ingestion of pending files, then for the days that have become stale.",
    )
    def landing(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return _look(loaded, ahead, context.instance, _Cursor.parse(context.cursor))

    return landing


@dataclass
class _Cursor:
    """What the sensor remembers between ticks.

    Attributes:
        files, days: Digests of what it asked for last, so that a request whose run failed is not repeated until
            something changes.
        requests: How many it made: asking again for what was asked for long ago is another request.
        idle_state: The state of the files in which nothing was stale, so that an idle tick costs no planning.
    """

    files: str = ""
    days: str = ""
    requests: int = 0
    idle_state: str = ""

    @classmethod
    def parse(cls, text: str | None) -> _Cursor:
        return cls(**json.loads(text)) if text else cls()

    def skip(self, reason: str, told: Sequence[dg.AssetMaterialization] = ()) -> dg.SensorResult:
        return dg.SensorResult(skip_reason=reason, cursor=json.dumps(asdict(self)), asset_events=told)

    def ask(self, requests: Iterable[dg.RunRequest], told: Sequence[dg.AssetMaterialization] = ()) -> dg.SensorResult:
        self.requests += 1
        return dg.SensorResult(run_requests=list(requests), cursor=json.dumps(asdict(self)), asset_events=told)


def _look(loaded: Workspace, ahead: int, instance: dg.DagsterInstance, cursor: _Cursor) -> dg.SensorResult:
    home = loaded.home
    if busy := _who_is_busy(home, instance):
        return cursor.skip(busy)
    files = _digest(sorted(f"{file.file} {file.size} {file.modified_ns}" for file in pending(home)))
    # Files that are still pending after they were asked for cannot be read: the run says why. Go on without them.
    if files not in (cursor.files, _digest([])):
        cursor.files = files
        return cursor.ask([dg.RunRequest(run_key=f"{files}-{cursor.requests}", job_name=ingestion_job.name)])
    state = _state_of_files(home)
    if state == cursor.idle_state:
        return cursor.skip("nothing has changed")
    workspace = open_workspace(home)
    if _is_outdated(loaded, workspace) or days_ahead(workspace) > ahead:
        return cursor.skip("the home's models, checks or days have changed: the daemon loads them anew within a minute")
    plan = sound_plan(workspace)
    told = list(changed_config(workspace, instance))
    if not plan.stale:
        cursor.idle_state = state
        return cursor.skip("everything is up to date", told)
    days = _digest(_differences(workspace, plan))
    if days == cursor.days:
        reason = "what is stale was asked for already, and its run failed; 'headwater doctor' says what to do"
        return cursor.skip(reason, told)
    cursor.days = days
    return cursor.ask(_requests(workspace.project, plan, f"{days}-{cursor.requests}"), told)


def _is_outdated(loaded: Workspace, now: Workspace) -> bool:
    """Whether Dagster would not understand requests for the tables and days of *now*."""

    def tables(workspace: Workspace) -> dict[str, object]:
        project = workspace.project
        return {
            name: (model.is_partitioned, project.reads[name], sorted(check.name for check in project.checks[name]))
            for name, model in project.models.items()
        }

    starts_earlier = (now.settings.start_date or FIRST_DAY) < (loaded.settings.start_date or FIRST_DAY)
    return starts_earlier or now.settings.timezone != loaded.settings.timezone or tables(now) != tables(loaded)


def _who_is_busy(home: Home, instance: dg.DagsterInstance) -> str | None:
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=_UNFINISHED), limit=10):
        if IN_PROCESS_TAG not in run.tags:
            return f"run {run.run_id[:8]} is {run.status.value.lower()}"
    holder = lock_holder(home)
    return f"{holder} is at work" if holder else None


def _state_of_files(home: Home) -> str:
    """A digest of what a plan depends on: cheap, and changed by any change.

    Of the lake it is the state of its tables. What people edit is told by names and modification times: that a file
    was saved without being changed costs one plan, and to read them all costs as much as half of one.
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
    """A run for each step, in the order in which they must be computed."""
    for number, step in enumerate(steps(project, plan.stale, plan.expected)):
        tags = range_tags(step.span) if step.span else {}
        yield _request(sorted(step.tables), tags, f"{run_key}-{number}")


def _request(tables: Iterable[str], tags: Mapping[str, str], run_key: str) -> dg.RunRequest:
    selection = [asset_key(table) for table in tables]
    return dg.RunRequest(run_key=run_key, job_name="tables", asset_selection=selection, tags=tags)


def range_tags(days: DaySpan) -> dict[str, str]:
    """The tags that make a run one over a range of days."""
    return {
        "dagster/asset_partition_range_start": days.first.isoformat(),
        "dagster/asset_partition_range_end": days.last.isoformat(),
    }


def _digest(lines: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()
