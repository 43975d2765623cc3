"""Objects that the steps of a run share with the code that started it in the same process.

Here: the input of a step (StepInput) and its results (StepResults); both are resources of every asset.
Not here: the steps (``assets.sql``, ``assets.ingestion``, ``assets.report``), starting them (``assets.engine``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import dagster as dg

from pipelines.compute.results import RunResult
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.lock import Tell
from pipelines.ingest import IngestReport
from pipelines.lake.partitions import PartitionKey

_INPUT, _RESULTS = "step_input", "step_results"
RESOURCES = {_INPUT, _RESULTS}
"""The names of the resources that every step needs."""


@dataclass
class StepInput:
    """The input of a step.

    Attributes:
        home: The home that the steps work on.
        blocked: Partitions that earlier runs of the same command blocked.
        engine: ``duckdb`` or ``spark``, instead of the settings' engine; None: that of the settings.
        tell: Called with each line about the progress.
    """

    home: Home
    blocked: frozenset[tuple[str, PartitionKey]] = frozenset()
    engine: str | None = None
    tell: Tell = lambda _line: None
    _opened: tuple[str, Workspace] | None = None

    def adopt(self, run_id: str, workspace: Workspace) -> None:
        """Make the steps of the run *run_id* use *workspace* instead of reading the home's files again."""
        self._opened = (run_id, workspace)

    def open(self, run_id: str) -> Workspace:
        """The workspace of the run *run_id*.

        Reads the home's files once per run, and the list of raw batches at every call.
        """
        if self._opened is None or self._opened[0] != run_id:
            self._opened = (run_id, open_workspace(self.home))
        return self._opened[1].reread_raw()


@dataclass
class StepResults:
    """The results of a run's steps.

    Attributes:
        computed: What was computed, one entry per step.
        ingested: The report of the ingestion.
        error: The error that ended a step.
    """

    computed: list[RunResult] = field(default_factory=list)
    ingested: IngestReport | None = None
    error: HeadwaterError | None = None

    def failure(self, error: HeadwaterError) -> dg.Failure:
        """Store the *error* that ended a step; returns the failure to raise, with place and remedy as metadata."""
        self.error = error
        metadata = {name: text for name, text in (("where", error.where), ("remedy", error.remedy)) if text}
        return dg.Failure(description=str(error), metadata=metadata, allow_retries=False)

    def clear(self) -> None:
        """Remove the results of the previous run."""
        self.computed, self.ingested, self.error = [], None, None


def resources_of(step_input: StepInput, results: StepResults) -> Mapping[str, object]:
    """The resources of a code location, name → object: *step_input* and *results*."""
    return {_INPUT: step_input, _RESULTS: results}


def step_of(context: dg.AssetExecutionContext) -> tuple[StepInput, StepResults]:
    """The input and the results object of the run that *context* belongs to."""
    return getattr(context.resources, _INPUT), getattr(context.resources, _RESULTS)
