"""The code location: everything that Dagster knows about one home.

Here: collecting assets, jobs, sensor and schedules, and which schemas must be fresh every morning.
Not here: their definitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from assets.alerts import alerts_job, alerts_sensor
from assets.automation import (
    by_morning,
    daily_schedule,
    ingestion_job,
    landing_sensor,
    loading_job,
    loading_schedule,
    report_job,
    report_schedule,
    tables_job,
)
from assets.ingestion import raw_assets
from assets.loading import databases_to_load, loaded_key, loading_asset
from assets.report import report_asset
from assets.retention import pruning
from assets.sql import sql_assets
from assets.step import StepInput, StepResults, resources_of
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.home.folder import find_home

_FRESH_BY_MORNING = frozenset({"attribution", "customers", "products"})
"""The schemas whose tables operators expect every morning."""


def build_definitions(
    home: Path | None = None, resource_overrides: Mapping[str, object] | None = None
) -> dg.Definitions:
    """A new code location for *home*.

    Args:
        home: The home's folder; default: ``$HEADWATER_HOME``, else ``./home``.
        resource_overrides: Name → resource to use instead of the default.

    Raises:
        HeadwaterError: there is no home, or its settings or models are invalid.
    """
    return define(open_workspace(find_home(home)), resource_overrides)


def define(
    workspace: Workspace, resource_overrides: Mapping[str, object] | None = None, *, is_described: bool = True
) -> dg.Definitions:
    """The code location of *workspace*; schemas that the home adds become assets like the shipped ones.

    *is_described* False omits metadata that only the UI shows; deriving it takes a second.
    """
    fresh = by_morning(workspace.settings)
    models = [
        asset
        for schema in workspace.project.schemas()
        for asset in sql_assets(
            workspace, schema, fresh if schema in _FRESH_BY_MORNING else None, is_described=is_described
        )
    ]
    resources: dict[str, Any] = {**resources_of(StepInput(workspace.home), StepResults()), **(resource_overrides or {})}
    tables = tables_job(workspace)
    alerts = alerts_job(workspace.home)
    databases = databases_to_load(workspace.home)
    loading = {name: loading_job(name, database) for name, database in databases.items()}
    pruning_job, pruning_schedule = pruning(workspace.home, workspace.settings)
    loaded = [loaded_key(name, table) for name, database in databases.items() for table in database.tables]
    return dg.Definitions(
        assets=[
            *(loading_asset(*named) for named in databases.items()),
            *raw_assets(workspace, loaded),
            *models,
            report_asset(workspace),
        ],
        jobs=[ingestion_job, tables, report_job, pruning_job, alerts, *loading.values()],
        sensors=[landing_sensor(workspace, tables), alerts_sensor(workspace.home, alerts)],
        schedules=[
            daily_schedule(workspace.settings, tables),
            report_schedule(workspace.settings),
            pruning_schedule,
            *(loading_schedule(workspace.settings, databases[name], job) for name, job in loading.items()),
        ],
        resources=resources,
        # One process for all steps of a run: a process for each step would spend seconds on imports.
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The code location that ``workspace.yaml`` loads."""
    return build_definitions()
