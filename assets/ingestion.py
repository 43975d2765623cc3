"""Ingestion, and the tables that it fills, as Dagster assets.

Here: the asset ``raw/batches``, whose materialization ingests every pending file; and the tables that Dagster only
observes: the other raw tables (filled by ingestion) and ``config/`` (edited by operators).
Not here: how files are read (``pipelines.ingest``), when ingestion runs (``assets.automation``).
"""

# No 'from __future__ import annotations' here: Dagster inspects the annotation of an op's context.
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import dagster as dg

from assets.recording import asset_key, changed_config, has_reported_version, version_tags
from assets.sql import FIRST_DAY, day_partitions
from assets.step import RESOURCES, step_of
from pipelines.compute.run import set_start_date
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.config_tables import CONFIG_FILES, CONFIG_TABLES
from pipelines.home.errors import HeadwaterError
from pipelines.home.lock import home_lock
from pipelines.home.settings import load_settings
from pipelines.ingest import IngestReport, ingest
from pipelines.ingest.batches import Batch
from pipelines.ingest.sources.raw_tables import RAW_TABLES
from pipelines.lake.partitions import Day

BATCHES = "raw.batches"
OBSERVED_BATCHES = 200
"""At most this many new batches get an observation in one run; ``core.batches`` lists all."""

GONE = "gone"
"""The version of a partition of a raw table that no longer has records."""


def raw_assets(workspace: Workspace, loaded: Collection[dg.AssetKey]) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Ingestion, and the raw and configuration tables as external assets; it depends on *loaded*, which land files."""
    return [
        _ingestion(loaded),
        *(_observed(workspace, table, "raw", columns) for table, columns in RAW_TABLES.items() if table != BATCHES),
        *(_observed(workspace, table, "config", columns) for table, columns in CONFIG_TABLES.items()),
    ]


def _ingestion(loaded: Collection[dg.AssetKey]) -> dg.AssetsDefinition:
    spec = dg.AssetSpec(
        asset_key(BATCHES),
        deps=loaded,
        description="The landing files that were read, with the number of records accepted, duplicated and refused.",
        group_name="raw",
        kinds={"duckdb", "parquet"},
        metadata={"dagster/column_schema": _column_schema(RAW_TABLES[BATCHES])},
    )

    @dg.multi_asset(name="read_landing_files", specs=[spec], required_resource_keys=RESOURCES)
    def run(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from _ingest(context)

    return run


def _observed(workspace: Workspace, table: str, group: str, columns: Mapping[str, str]) -> dg.AssetSpec:
    return dg.AssetSpec(
        asset_key(table),
        deps=[asset_key(BATCHES)] if group == "raw" else [],
        description="Filled by ingestion." if group == "raw" else f"Edited by operators: {CONFIG_FILES[table]}.",
        group_name=group,
        kinds={"parquet"} if group == "raw" else {"csv"},
        partitions_def=day_partitions(workspace) if "dt" in columns else None,
        metadata={"dagster/column_schema": _column_schema(columns), "dagster/table_name": table},
    )


def _column_schema(columns: Mapping[str, str]) -> dg.TableSchema:
    return dg.TableSchema(columns=[dg.TableColumn(name, type=kind) for name, kind in columns.items()])


def _ingest(context: dg.AssetExecutionContext) -> Iterator[Any]:
    step_input, results = step_of(context)
    try:
        with home_lock(step_input.home, f"Dagster run {context.run.run_id[:8]}", context.log.info):
            settings = load_settings(step_input.home)
            report = ingest(
                step_input.home,
                settings,
                progress=lambda what, done, total: step_input.tell(f"reading {what}: {done} of {total} files"),
            )
            results.ingested = report
            start = set_start_date(step_input.home)
            if start and settings.start_date is None:
                context.log.info(f"start_date set to {start}: reload the definitions to make it the first day")
            workspace = open_workspace(step_input.home)
            yield from _events(workspace, report)
            yield from changed_config(workspace, context.instance)
    except HeadwaterError as error:
        raise results.failure(error) from error
    for warning in report.warnings:
        context.log.warning(warning)
    if report.errors:
        raise dg.Failure(description=" ".join(report.errors), allow_retries=False)


def _events(workspace: Workspace, report: IngestReport) -> Iterator[Any]:
    """An observation for each batch and each changed table or partition, and a materialization of ``raw.batches``."""
    for batch in report.batches[:OBSERVED_BATCHES]:
        yield dg.AssetObservation(asset_key(BATCHES), metadata=_counts(batch))
    for table, days in report.touched.items():
        if table != BATCHES and table in RAW_TABLES:
            yield from _touched(workspace, table, days)
    version = workspace.raw.versions(BATCHES).get(None, GONE)
    yield dg.MaterializeResult(
        asset_key=asset_key(BATCHES),
        data_version=dg.DataVersion(version),
        metadata={
            "dagster/row_count": len(workspace.raw.batches),
            "batches read": len(report.batches),
            **{name: sum(getattr(batch, name) for batch in report.batches) for name in _COUNTED},
            "errors": len(report.errors),
        },
    )


_COUNTED = ("records", "accepted", "duplicates", "quarantined", "unmapped")


def _counts(batch: Batch) -> dict[str, Any]:
    return {
        "batch_id": batch.batch_id,
        "file": batch.file or f"{batch.source}.{batch.relation}",
        "landed at": dg.MetadataValue.text(f"{batch.landed_at:%Y-%m-%d %H:%M:%S} UTC"),
        **{name: getattr(batch, name) for name in _COUNTED},
        "warnings": "; ".join(batch.warnings),
    }


def _touched(workspace: Workspace, table: str, days: Collection[Day | None]) -> Iterator[Any]:
    versions = workspace.raw.versions(table)
    first = workspace.settings.start_date or FIRST_DAY
    for day in sorted(days, key=str):
        size = _size(workspace, table, day)
        tags = version_tags(versions.get(day, GONE))
        if day is None and has_reported_version(workspace.project, table):
            # Not an observation: for an unpartitioned table Dagster takes the version from materializations only.
            yield dg.AssetMaterialization(asset_key(table), metadata=size, tags=tags)
        elif day is None:
            yield dg.AssetObservation(asset_key(table), metadata=size)
        elif day >= first:  # days before the start date are no partitions in Dagster, so they get no event
            yield dg.AssetObservation(asset_key(table), partition=day.isoformat(), metadata=size, tags=tags)


def _size(workspace: Workspace, table: str, day: Day | None) -> dict[str, Any]:
    outputs = [output for output in workspace.raw.outputs(table) if output.dt == day]
    return {"rows": sum(output.rows for output in outputs), "files": len(outputs)}
