"""Runs a home's steps in this process, through Dagster.

Here: the engine with which ``headwater run`` ingests and computes, so that the Dagster UI shows its runs,
materializations and checks.
Not here: the order of the steps (``pipelines.compute.run``), what a step does (``assets.sql``), opening the records
(``assets.instance``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from uuid import uuid4

import dagster as dg

from assets.automation import IN_PROCESS_TAG, range_tags
from assets.definitions import define
from assets.instance import open_instance
from assets.recording import asset_key
from assets.sql import days_ahead
from assets.step import StepInput, StepResults, resources_of
from pipelines.compute.results import RunResult
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.home.folder import Home
from pipelines.home.lock import home_lock
from pipelines.home.settings import load_settings
from pipelines.ingest import IngestReport
from pipelines.lake.partitions import DaySpan, PartitionKey

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class DagsterEngine:
    """Runs steps of *home* in this process and records them in its ``.dagster``."""

    def __init__(self, home: Home, tell: Callable[[str], None] | None = None, *, queries_on: str | None = None) -> None:
        """*queries_on*: ``duckdb`` or ``spark``; None: the engine of the settings."""
        self._home = home
        self._input, self._results = StepInput(home, engine=queries_on), StepResults()
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
                # If no error is stored, the failure only says that partitions were blocked or files not read. The
                # result and the ingestion report say so too, so we do not raise the failure.
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


@contextmanager
def _dead_runs_closed(home: Home, instance: dg.DagsterInstance) -> Iterator[None]:
    """Mark runs of killed processes as failed; at the end of the context, also runs that Ctrl-C interrupted in it.

    The caller has the home's lock, so no unfinished run belongs to another process that is still alive.
    """
    with suppress(OSError):  # ignored here: writing the records fails too, and raises the error
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
