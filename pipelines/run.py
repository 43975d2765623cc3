"""One run of a home: ingest what is new, compute what is stale.

Here: the order of these steps, for the command line and for tests, with or without Dagster in between.
Not here: the steps themselves (``pipelines.ingest``, ``pipelines.planner``, ``pipelines.runner``,
``pipelines.launch``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol

from pipelines.duck import session
from pipelines.home import Home, home_lock
from pipelines.ingest import IngestReport, ingest
from pipelines.lake import Day, PartitionKey
from pipelines.planner import Plan, Segment, landed_days, make_plan, segments
from pipelines.runner import CheckResult, Runner, RunResult
from pipelines.settings import load_settings, write_start_date
from pipelines.workspace import Workspace, open_workspace

Tell = Callable[[str], None]
"""Takes a line for the user."""


@dataclass
class RunSummary:
    """What a run did.

    Attributes:
        ingested: The batches read, their records and their faults.
        start_date_set: The start date, if this run set it.
        first, last: The days that the home computes; None while nothing has landed.
        published: Table → partitions written.
        removed: Table → partitions removed because their inputs are gone.
        held: Table → partitions held back by a failed check, directly or upstream.
        failed_checks: The checks that found something, warnings included.
    """

    ingested: IngestReport
    start_date_set: Day | None = None
    first: Day | None = None
    last: Day | None = None
    published: dict[str, set[PartitionKey]] = field(default_factory=dict)
    removed: dict[str, set[PartitionKey]] = field(default_factory=dict)
    held: dict[str, set[PartitionKey]] = field(default_factory=dict)
    failed_checks: dict[str, CheckResult] = field(default_factory=dict)

    @property
    def did_nothing(self) -> bool:
        """Whether everything was up to date."""
        return not (self.ingested.batches or self.published or self.removed or self.held)

    @property
    def has_errors(self) -> bool:
        """Whether a source failed or a check of severity ``error`` did."""
        return bool(self.ingested.errors) or any(c.severity == "error" for c in self.failed_checks.values())

    def days(self) -> list[Day]:
        """The days on which any table was written."""
        return sorted({key for keys in self.published.values() for key in keys if key is not None})

    def add(self, result: RunResult) -> None:
        """Take in what one step did."""
        for name, table in result.tables.items():
            for total, keys in (
                (self.published, table.published),
                (self.removed, table.removed),
                (self.held, table.held),
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
    """What of the home is to be computed.

    Attributes:
        tables: Only these models; None = all.
        first, last: Only these days; None = no bound.
        force: Compute them also where nothing has changed.
    """

    tables: frozenset[str] | None = None
    first: Day | None = None
    last: Day | None = None
    force: bool = False


class Engine(Protocol):
    """Carries out the two steps of a run."""

    def ingest(self) -> IngestReport:
        """Ingest what is pending."""
        ...

    def compute(
        self, tables: Collection[str], first: Day | None, last: Day | None, held: Collection[tuple[str, PartitionKey]]
    ) -> RunResult:
        """Compute *tables* for the days *first* to *last*, or the unpartitioned *tables* where there are no days."""
        ...


class DirectEngine:
    """Runs the steps in this process without recording them anywhere: for tests."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def ingest(self) -> IngestReport:
        """Ingest what is pending."""
        return ingest(self._home, load_settings(self._home))

    def compute(
        self, tables: Collection[str], first: Day | None, last: Day | None, held: Collection[tuple[str, PartitionKey]]
    ) -> RunResult:
        """Compute *tables* for the days *first* to *last*, or the unpartitioned *tables* where there are no days."""
        workspace = open_workspace(self._home)
        with session(self._home, workspace.settings) as connection:
            return Runner(workspace, connection, held).compute(tables, first, last)


def run_home(
    home: Home, request: Request | None = None, *, use_dagster: bool = True, tell: Tell | None = None
) -> RunSummary:
    """Bring *home* up to date.

    Args:
        home: The home.
        request: What is to be computed; default: everything that is stale.
        use_dagster: Go through Dagster in process, so that runs, materializations and checks are recorded.
        tell: Told what is going on, a line at a time.

    Raises:
        HeadwaterError: the settings or the SQL project are wrong, or the machine fails.
    """
    request = request or Request()
    say = tell or (lambda _line: None)
    if use_dagster:
        from pipelines.launch import DagsterEngine

        engine: Engine = DagsterEngine(home)
    else:
        engine = DirectEngine(home)
    with home_lock(home, "headwater run", tell):
        open_workspace(home)  # a fault of the settings or the project shows before anything is read
        summary = RunSummary(engine.ingest())
        summary.start_date_set = set_start_date(home)
        _compute_stale(home, request, engine, summary, say)
    return summary


def set_start_date(home: Home) -> Day | None:
    """Write the earliest landed day into the settings, if they name no start date; the day, if it was written."""
    workspace = open_workspace(home)
    if workspace.settings.start_date is not None:
        return None
    with session(home, workspace.settings) as connection:
        landed = landed_days(workspace, connection)
    if landed is None:
        return None
    write_start_date(home, landed[0])
    return landed[0]


def _compute_stale(home: Home, request: Request, engine: Engine, summary: RunSummary, say: Tell) -> None:
    workspace = open_workspace(home)
    with session(home, workspace.settings) as connection:
        plan = make_plan(workspace, connection)
    summary.first, summary.last = plan.first, plan.last
    _remove_obsolete(workspace, plan, request, summary)
    wanted = _wanted(workspace, plan, request)
    held: set[tuple[str, PartitionKey]] = set()
    whole = {name for name, keys in wanted.items() if None in keys}
    steps = ([Segment(Day.min, Day.min, frozenset(whole))] if whole else []) + segments(wanted, plan.expected)
    for step in steps:
        by_days = step.first != Day.min
        if by_days:
            say(f"computing {step.first} to {step.last}: {len(step.tables)} tables")
        first, last = (step.first, step.last) if by_days else (None, None)
        result = engine.compute(step.tables, first, last, held)
        held |= result.held()
        summary.add(result)


def _wanted(workspace: Workspace, plan: Plan, request: Request) -> dict[str, frozenset[PartitionKey]]:
    """The partitions to compute: the stale ones, or with ``force`` all, that the request names."""
    chosen: dict[str, frozenset[PartitionKey]] = {}
    for name in workspace.project.models:
        if request.tables is not None and name not in request.tables:
            continue
        keys = plan.expected[name].keys() if request.force else plan.stale.get(name, frozenset())
        within = frozenset(key for key in keys if key is None or _is_within(key, request))
        if within:
            chosen[name] = within
    return chosen


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
