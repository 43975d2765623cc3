"""The report as a Dagster asset.

Here: the asset ``report``, which writes the newest day's report in every language.
Not here: the report itself (``dashboards.report.file``), when it is written (``assets.automation``).
"""

# No 'from __future__ import annotations' here: Dagster inspects the annotation of an op's context.
import dagster as dg

from assets.automation import REPORT, by_morning
from assets.recording import asset_key
from assets.step import RESOURCES, step_of
from dashboards.report.file import last_day, tables_read, write_reports
from pipelines.compute.workspace import Workspace
from pipelines.home.errors import HeadwaterError


def report_asset(workspace: Workspace) -> dg.AssetsDefinition:
    """The report of the newest day. It has no partitions, so a backfill of a year writes it once, not 365 times."""
    spec = dg.AssetSpec(
        REPORT,
        deps=[asset_key(table) for table in tables_read() if table in workspace.project.models],
        description="The report of the newest day that is over, one HTML file a language, in the home's reports/.",
        group_name="reports",
        kinds={"html", "plotly"},
        freshness_policy=by_morning(workspace.settings),
    )

    @dg.multi_asset(name="write_report", specs=[spec], required_resource_keys=RESOURCES)
    def write(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        step_input, results = step_of(context)
        try:
            day = last_day(step_input.home)
            paths = write_reports(step_input.home, day)
        except HeadwaterError as error:
            raise results.failure(error) from error
        files = {str(language): dg.MetadataValue.path(path) for language, path in paths.items()}
        return dg.MaterializeResult(asset_key=REPORT, metadata={"day": dg.MetadataValue.text(day.isoformat()), **files})

    return write
