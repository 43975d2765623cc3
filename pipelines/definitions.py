"""The code location: everything that Dagster knows of one home.

Here: gathering assets, jobs, sensor and schedule. The one module of ``pipelines`` that knows ``assets``.
Not here: what any of them is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from assets.attribution import attribution
from assets.core import core
from assets.customers import customers
from assets.products import products
from assets.raw import raw
from assets.report import report
from pipelines.automation import (
    daily_schedule,
    ingestion_job,
    landing_sensor,
    report_job,
    report_schedule,
    tables_job,
)
from pipelines.home import find_home
from pipelines.sql_assets import CHANNEL, AssetBuilder, Channel, sql_assets
from pipelines.workspace import Workspace, open_workspace

_SCHEMAS: dict[str, AssetBuilder] = {
    "core": core,
    "attribution": attribution,
    "customers": customers,
    "products": products,
}


def build_definitions(
    home: Path | None = None, resource_overrides: Mapping[str, object] | None = None
) -> dg.Definitions:
    """A code location of its own for *home*.

    Args:
        home: The home's folder; default: ``$HEADWATER_HOME``, else ``./home``.
        resource_overrides: Resources in place of the home's own, by name.

    Raises:
        HeadwaterError: there is no home, or its settings or models are wrong.
    """
    return define(open_workspace(find_home(home)), resource_overrides)


def define(
    workspace: Workspace, resource_overrides: Mapping[str, object] | None = None, *, is_described: bool = True
) -> dg.Definitions:
    """The code location of *workspace*; schemas that the home adds become assets like those shipped.

    Unless *is_described*, the assets lack what only the UI shows and takes seconds to derive.
    """
    builders = [_SCHEMAS.get(schema) or sql_assets(schema) for schema in workspace.project.schemas()]
    models = [asset for build in builders for asset in build(workspace, is_described=is_described)]
    resources: dict[str, Any] = {CHANNEL: Channel(workspace.home), **(resource_overrides or {})}
    tables = tables_job(workspace)
    return dg.Definitions(
        assets=[*raw(workspace), *models, report(workspace)],
        jobs=[ingestion_job, tables, report_job],
        sensors=[landing_sensor(workspace, tables)],
        schedules=[daily_schedule(workspace.settings, tables), report_schedule(workspace.settings)],
        resources=resources,
        # One process for all steps of a run: importing everything anew for each step would cost seconds.
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What ``workspace.yaml`` loads."""
    return build_definitions()
