"""One run of a home: ingest new landing files, then compute stale partitions.

Here: the order of the steps, for every engine.
Not here: the steps themselves (``pipelines.ingest``, ``pipelines.compute.planner``, ``pipelines.compute.runner``), or
the engine that records them in Dagster (``assets.engine``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol

from pipelines.compute.damage import damage_error, name_damaged_file
from pipelines.compute.planner import Keys, Plan, Segment, landed_days, steps, verified_plan
from pipelines.compute.results import CheckResult, RunResult
from pipelines.compute.runner import Runner
from pipelines.compute.spark import spark_of
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.home.folder import Home
from pipelines.home.lock import Tell, home_lock
from pipelines.home.settings import load_settings, write_start_date
from pipelines.ingest import IngestReport, changed_unseen, ingest, outlook
from pipelines.ingest.batches import manifest_file, write_manifest
from pipelines.ingest.sources.raw_tables import ACCOUNTS
from pipelines.lake.checksums import NAME as CHECKSUMS
from pipelines.lake.checksums import are_sound
from pipelines.lake.duck import session
from pipelines.lake.partitions import Day, DaySpan, PartitionKey
from pipelines.sqlproject.project import Project


@dataclass
class RunSummary:
    """What a run did.

    Attributes:
        ingested: The batches that were read, with the numbers of records and the errors.
        start_date_set: The start date, if this run set it.
        first, last: The days that the home computes; None while nothing has landed.
        published: Table → partitions written.
        removed: Table → partitions removed because they no longer have inputs.
        blocked: Table → partitions blocked by a failed check, directly or upstream.
        failed_checks: The checks with offending rows, including warnings.
        not_computed: A line about landed records before the start date; '' without any.
        closed: A line about the days whose events are deleted; '' without any.
        repaired: Damaged files of partitions that this run computed again.
        damaged: A line about each file that is still damaged: of raw batches, and of tables that were not requested.
    """

    ingested: IngestReport
    start_date_set: Day | None = None
    first: Day | None = None
    last: Day | None = None
    published: dict[str, set[PartitionKey]] = field(default_factory=dict)
    removed: dict[str, set[PartitionKey]] = field(default_factory=dict)
    blocked: dict[str, set[PartitionKey]] = field(default_factory=dict)
    failed_checks: dict[str, CheckResult] = field(default_factory=dict)
    not_computed: str = ""
    closed: str = ""
    repaired: list[Path] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    @property
    def did_nothing(self) -> bool:
        """Whether everything was up to date."""
        return not (self.ingested.batches or self.published or self.removed or self.blocked)

    @property
    def has_errors(self) -> bool:
        """Whether a source failed, a file is damaged or a check of severity ``error`` failed."""
        return bool(self.ingested.errors or self.damaged) or any(
            c.severity == "error" for c in self.failed_checks.values()
        )

    def days(self) -> list[Day]:
        """The days on which any table was written."""
        return sorted({key for keys in self.published.values() for key in keys if key is not None})

    def add(self, result: RunResult) -> None:
        """Add the results of one step."""
        for name, table in result.tables.items():
            for total, keys in (
                (self.published, table.published),
                (self.removed, table.removed),
                (self.blocked, table.blocked),
            ):
                if keys:
                    total.setdefault(name, set()).update(keys)
        for check in result.checks.values():
            if not check.passed:
                _merge(self.failed_checks.setdefault(check.check, check), check)


def _merge(total: CheckResult, more: CheckResult) -> None:
    if total is not more:
        total.rows += more.rows
        total.days |= more.days


@dataclass(frozen=True)
class Request:
    """What to compute.

    Attributes:
        tables: Only these models; None = all.
        first, last: Only the days from *first* to *last*; None = from the first, or to the last, computed day.
        force: Compute them even if they are up to date.
        verify: Compare the content of every file of the lake with its checksum, not only its size.
    """

    tables: frozenset[str] | None = None
    first: Day | None = None
    last: Day | None = None
    force: bool = False
    verify: bool = False


class Engine(Protocol):
    """Carries out the two steps of a run: ingesting and computing."""

    def ingest(self) -> IngestReport:
        """Ingest the pending landing files."""
        ...

    def compute(
        self, tables: Collection[str], span: DaySpan | None, blocked: Collection[tuple[str, PartitionKey]] = ()
    ) -> RunResult:
        """Compute *tables* for the days of *span*; None if they are unpartitioned.

        Partitions that read one of the partitions *blocked* are not computed, but blocked, too.
        """
        ...

    def close_dead_runs(self) -> None:
        """Mark runs whose process was killed as failed in the engine's records, if it keeps any."""
        ...


class DirectEngine:
    """Runs the steps in this process without recording them anywhere."""

    def __init__(self, home: Home, _tell: Tell | None = None) -> None:
        self._home = home

    def ingest(self) -> IngestReport:
        """Ingest the pending landing files."""
        return ingest(self._home, load_settings(self._home))

    def compute(
        self, tables: Collection[str], span: DaySpan | None, blocked: Collection[tuple[str, PartitionKey]] = ()
    ) -> RunResult:
        """Compute *tables* for the days of *span*; None if they are unpartitioned.

        Partitions that read one of the partitions *blocked* are not computed, but blocked, too.
        """
        workspace = open_workspace(self._home)
        with session(self._home, workspace.settings) as connection:
            spark = spark_of(workspace.settings) if span else None
            return Runner(workspace, connection, blocked, spark=spark).compute(tables, span)

    def close_dead_runs(self) -> None:
        """Do nothing: this engine keeps no records."""


def run_home(
    home: Home,
    request: Request | None = None,
    *,
    engine: Callable[[Home, Tell], Engine] = DirectEngine,
    tell: Tell | None = None,
) -> RunSummary:
    """Bring *home* up to date.

    Args:
        home: The home.
        request: What to compute; default: everything that is stale.
        engine: Creates the engine; called only if there is something to do.
        tell: Called with each line about the progress.

    Raises:
        HeadwaterError: the settings or the SQL project have a fault, a file cannot be read or written, or memory runs
            out.
    """
    request = request or Request()
    say = tell or (lambda _line: None)

    @cache
    def made() -> Engine:
        return engine(home, say)

    with home_lock(home, "headwater run"):
        # Open the workspace before ingesting: faults of settings or models are reported before files are read.
        workspace = open_workspace(home)
        say("reading the landing files")
        has_files = outlook(home, workspace.settings).has_work
        summary = RunSummary(made().ingest() if has_files else IngestReport())
        start = set_start_date(home)
        summary.start_date_set = start if workspace.settings.start_date is None else None
        _compute_stale(home, request, made, summary, say)
        # The marker file still exists if an earlier run was killed and this run had no work. Only an engine can mark
        # the killed run as failed, and without work none was made, so make one here.
        if home.run_marker.exists():
            made().close_dead_runs()
    return summary


def set_start_date(home: Home) -> Day | None:
    """Return ``start_date``, the first day to compute. If the settings lack it, determine it and write it there.

    ``pipelines.compute.planner.landed_days`` determines it. None while nothing has landed.
    """
    workspace = open_workspace(home)
    if workspace.settings.start_date is not None:
        return workspace.settings.start_date
    with name_damaged_file(workspace), session(home, workspace.settings) as connection:
        landed = landed_days(workspace, connection)
    if landed is None:
        return None
    write_start_date(home, landed[0])
    return landed[0]


def _compute_stale(home: Home, request: Request, engine: Callable[[], Engine], summary: RunSummary, say: Tell) -> None:
    workspace = open_workspace(home)
    if request.verify:
        say("comparing every file of the lake with its checksum")
        summary.ingested.warnings += changed_unseen(home.landing, workspace.raw.batches)
    raw_damages = workspace.raw.damaged(deep=request.verify)
    summary.damaged += [str(damage_error(workspace, damage)) for damage in raw_damages]
    plan = verified_plan(workspace, deep=request.verify)
    summary.first, summary.last = plan.first, plan.last
    summary.not_computed, summary.closed = plan.describe_before(), plan.describe_closed()
    _remove_obsolete(workspace, plan, request, summary)
    remaining = _wanted(workspace, plan, request)
    blocked: set[tuple[str, PartitionKey]] = set()
    # If a check fails for one day, Dagster does not run the later steps, not even for other days. So repeat until all
    # partitions that do not depend on a blocked one are computed.
    while segments := steps(workspace.project, remaining, plan.expected):
        done: set[tuple[str, PartitionKey]] = set()
        for step in segments:
            result = _compute(engine(), step, blocked, say)
            blocked |= result.blocked()
            done |= result.settled()
            summary.add(result)
        waiting = _waiting(workspace, remaining, blocked)
        for name, key in waiting:
            summary.blocked.setdefault(name, set()).add(key)
        remaining = {
            name: keys - {key for table, key in done | waiting if table == name} for name, keys in remaining.items()
        }
        if not done:
            break
    _report_damage(workspace, plan, summary)
    if request.verify:
        for table in workspace.project.models:
            workspace.lake.mend_checksums(table)
        if not are_sound(manifest_file(workspace.raw.root).parent):
            write_manifest(workspace.raw)


def _report_damage(workspace: Workspace, plan: Plan, summary: RunSummary) -> None:
    """Add damaged partitions to *summary*: as repaired if they were computed again or removed, otherwise as damaged."""
    for path in plan.damaged:
        table, key = workspace.lake.partition(path)
        if key in summary.published.get(table, ()) or key in summary.removed.get(table, ()):
            summary.repaired.append(path)
        else:
            sums = workspace.lake.folder(table) / CHECKSUMS
            summary.damaged.append(
                f"{path}: damaged, it differs from its checksum in {sums}; {workspace.remedy_for_damage(table, key)}"
            )


def _compute(engine: Engine, step: Segment, blocked: Collection[tuple[str, PartitionKey]], say: Tell) -> RunResult:
    if step.span:
        say(f"computing {step.span}: {len(step.tables)} tables")
    return engine.compute(step.tables, step.span, blocked)


def _waiting(
    workspace: Workspace, remaining: Mapping[str, Keys], blocked: Collection[tuple[str, PartitionKey]]
) -> set[tuple[str, PartitionKey]]:
    """The *blocked* partitions, and the partitions in *remaining* (by model) that depend on them, directly or not."""
    waiting = set(blocked)
    for name in workspace.project.models:
        for key in remaining.get(name, ()):
            if workspace.project.reads_any_of(name, key, waiting):
                waiting.add((name, key))
    return waiting


def _wanted(workspace: Workspace, plan: Plan, request: Request) -> dict[str, Keys]:
    """Model → the requested partitions to compute: the stale ones, or with ``force`` all that can be computed.

    The tables that report on ingestion are always included. Otherwise a user who requests one table would not find the
    records that were just quarantined.
    """
    chosen: dict[str, Keys] = {}
    accounts = _accounts(workspace.project)
    for name in workspace.project.models:
        is_named = request.tables is None or name in request.tables
        if not is_named and name not in accounts:
            continue
        is_forced = request.force and is_named
        every = plan.expected[name].keys() - plan.closed.get(name, frozenset())
        keys = every if is_forced else plan.stale.get(name, frozenset())
        within = frozenset(key for key in keys if key is None or _is_within(key, request))
        if within:
            chosen[name] = within
    return chosen


def _accounts(project: Project) -> set[str]:
    """The models that read only ingestion's own records (batches, quarantine); computing them takes almost no time."""
    reads = {name: {read.table for read in project.reads[name]} for name in project.models}
    return {name for name, tables in reads.items() if tables and tables <= ACCOUNTS}


def _is_within(day: Day, request: Request) -> bool:
    return (request.first is None or day >= request.first) and (request.last is None or day <= request.last)


def _remove_obsolete(workspace: Workspace, plan: Plan, request: Request, summary: RunSummary) -> None:
    for name, keys in plan.obsolete.items():
        if request.tables is not None and name not in request.tables:
            continue
        for key in keys:
            if key is None or _is_within(key, request):
                workspace.lake.remove(name, key)
                summary.removed.setdefault(name, set()).add(key)
