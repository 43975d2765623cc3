"""What is reported to Dagster about a run: materializations, versions, checks.

Here: turning a run's result into Dagster events, so that the UI shows the lake and the same stale partitions as the
planner.
Not here: which assets there are and how they run (``assets.sql``, ``assets.ingestion``).

Each partition gets its own materialization event, with its rows, bytes and version. A single MaterializeResult for a
range would be repeated for every partition, including those that were not published. So each output has metadata
that marks it as an observation, for which Dagster adds no events of its own.

Dagster calls a partition stale if its code version, or the data version of an input, has changed since it was made.
This is right for models that are versioned by their inputs. Models that are versioned by their rows (see
``pipelines.compute.versions``) must not look stale after every delivery, so the version that Dagster gets for their
inputs never changes (``has_reported_version``). Only the planner, which the landing sensor calls, finds them stale.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    DEFAULT_DATA_VERSION,
    NULL_EVENT_POINTER,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION

from pipelines.compute.results import CheckResult, PartitionResult, RunResult, TableResult
from pipelines.compute.workspace import Workspace
from pipelines.config_tables import CONFIG_TABLES
from pipelines.lake.partitions import Day, PartitionKey, parquet_sql
from pipelines.sqlproject.model import Model
from pipelines.sqlproject.project import Project

EMPTY = "empty"
"""The data version of a day without a partition."""

PREVIEW_ROWS = 5
"""Rows shown with the materialization of a single partition."""

Event = dg.AssetMaterialization | dg.MaterializeResult[None] | dg.AssetCheckResult
Metadata = dict[str, Any]

_SHOWN_DAYS = 20
_CELL_WIDTH = 60

_AFTER_ALL_EVENTS = 2**63 - 1
"""An event id that is larger than any real one, so that Dagster finds no later event of an input.

Used for models versioned by rows: if an input changes but their rows do not, they must not look stale.
"""


def asset_key(table: str) -> dg.AssetKey:
    """The key of the asset for *table* (``schema.name``)."""
    return dg.AssetKey(table.split("."))


def table_name(key: dg.AssetKey) -> str:
    """The table (``schema.name``) of the asset *key*."""
    return ".".join(key.path)


def code_version(project: Project, model: Model) -> str:
    """The code version of *model*: a hash of its text and, if it is versioned by its inputs, of its settings."""
    if project.is_versioned_by_content(model) or not model.parameters:
        return model.code_version
    settings = "\n".join(f"{name}={project.parameters[name]!r}" for name in sorted(model.parameters))
    return f"{model.code_version}-{hashlib.blake2b(settings.encode(), digest_size=4).hexdigest()}"


def has_reported_version(project: Project, table: str) -> bool:
    """Whether changes of *table*, an unpartitioned table, are reported to Dagster.

    They are not reported if a partitioned table that is versioned by its rows reads *table*. Otherwise all days of
    the partitioned table would look stale for ever.
    """
    return not any(
        model.is_partitioned and project.is_versioned_by_content(model)
        for name, model in project.models.items()
        if any(read.table == table for read in project.reads[name])
    )


def version_tags(version: str) -> dict[str, str]:
    """The tags with which an event reports a table's data version."""
    return {DATA_VERSION_TAG: version, DATA_VERSION_IS_USER_PROVIDED_TAG: "true"}


def reported_versions(instance: dg.DagsterInstance, tables: Collection[str]) -> dict[str, str | None]:
    """Unpartitioned table → its version in its last materialization; *tables* without a materialization are missing."""
    records = [record.asset_entry for record in instance.get_asset_records([asset_key(table) for table in tables])]
    events = [entry.last_materialization.asset_materialization for entry in records if entry.last_materialization]
    return {table_name(event.asset_key): (event.tags or {}).get(DATA_VERSION_TAG) for event in events if event}


def external_version(workspace: Workspace, table: str) -> str | None:
    """The version of an unpartitioned raw or configuration table; None if it has no files."""
    if table in CONFIG_TABLES:
        return workspace.config.version(table)
    return workspace.raw.versions(table).get(None)


def changed_config(workspace: Workspace, instance: dg.DagsterInstance) -> Iterator[dg.AssetMaterialization]:
    """An event for each table in ``config/`` whose current version was not yet reported to Dagster."""
    tables = [table for table in CONFIG_TABLES if has_reported_version(workspace.project, table)]
    reported = reported_versions(instance, tables)
    for table in tables:
        version = workspace.config.version(table)
        if reported.get(table) != version:
            rows = len(workspace.config.rows(table))
            yield dg.AssetMaterialization(
                asset_key(table), metadata={"dagster/row_count": rows}, tags=version_tags(version)
            )


class RunRecorder:
    """Reports to Dagster what one step did.

    Args:
        workspace: The home.
        connection: The step's session, for previews.
        instance: Dagster's records, from which earlier events are read.
    """

    def __init__(
        self, workspace: Workspace, connection: duckdb.DuckDBPyConnection, instance: dg.DagsterInstance
    ) -> None:
        self._workspace = workspace
        self._connection = connection
        self._instance = instance

    def events(self, result: RunResult, claimed: Collection[Day] = ()) -> Iterator[Event]:
        """The events of *result*; a table's events come before those of the tables that read it.

        Args:
            result: What the step did.
            claimed: Days that must get an event. A day without inputs gets no partition, so it is reported as empty.
        """
        yield from changed_config(self._workspace, self._instance)
        for table in result.tables.values():
            tags = self._provenance(self._workspace.project.models[table.table])
            for key, partition in table.published.items():
                yield dg.AssetMaterialization(
                    asset_key(table.table),
                    partition=key.isoformat() if key else None,
                    metadata=self._metadata(table, key, partition),
                    tags=tags | self._data_version(table.table, key, partition.version),
                )
            for day in sorted(self._empty_days(table, claimed)):
                metadata: Metadata = {"dagster/partition_row_count": 0}
                empty = tags | version_tags(EMPTY)
                yield dg.AssetMaterialization(
                    asset_key(table.table), partition=day.isoformat(), metadata=metadata, tags=empty
                )
            if not table.blocked:
                yield dg.MaterializeResult(
                    asset_key=asset_key(table.table), metadata={SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True}
                )
        for check in result.checks.values():
            yield check_result(check)

    def _empty_days(self, table: TableResult, claimed: Collection[Day]) -> set[Day]:
        """The days to report as empty for *table*: removed days, and claimed days without data.

        A claimed day whose shop events were deleted is not reported: its partition is kept, not computed.
        """
        if not self._workspace.project.models[table.table].is_partitioned:
            return set()
        removed = {day for day in table.removed if day is not None}
        computed = {day for day in claimed if not self._workspace.is_closed(table.table, day)}
        return removed | (computed - table.published.keys() - set(table.blocked))

    def _data_version(self, table: str, key: PartitionKey, version: str) -> dict[str, str]:
        is_reported = key is not None or has_reported_version(self._workspace.project, table)
        return version_tags(version if is_reported else DEFAULT_DATA_VERSION.value)

    def _provenance(self, model: Model) -> dict[str, str]:
        """The tags that say what *model* was made from: its code version, and the newest known event of each input."""
        project = self._workspace.project
        tags = {CODE_VERSION_TAG: code_version(project, model)}
        newest = self._instance.event_log_storage.get_maximum_record_id()
        if project.is_versioned_by_content(model):
            newest = _AFTER_ALL_EVENTS
        for read in project.reads[model.name]:
            if read.table == model.name:
                continue
            key = asset_key(read.table)
            # Dagster detects a newer unpartitioned input by its version, but a newer partitioned input by an event
            # after the recorded one. So the version of a partitioned input can be any fixed text.
            version = "by day" if project.is_partitioned(read.table) else self._input_version(read.table)
            tags[get_input_data_version_tag(key)] = version
            tags[get_input_event_pointer_tag(key)] = str(newest) if newest else NULL_EVENT_POINTER
        return tags

    def _input_version(self, table: str) -> str:
        version = None
        if has_reported_version(self._workspace.project, table):
            is_model = table in self._workspace.project.models
            stored = self._workspace.lake.versions(table).get(None) if is_model else None
            version = stored if is_model else external_version(self._workspace, table)
        return version or DEFAULT_DATA_VERSION.value

    def _metadata(self, table: TableResult, key: PartitionKey, partition: PartitionResult) -> Metadata:
        rows = "dagster/partition_row_count" if key else "dagster/row_count"
        metadata: Metadata = {rows: partition.rows, "bytes": partition.bytes}
        if len(table.published) == 1:
            path = self._workspace.lake.file(table.table, key)
            metadata["seconds"] = round(table.seconds, 3)
            metadata["path"] = dg.MetadataValue.path(str(path))
            metadata["preview"] = dg.MetadataValue.md(self._preview(path))
        return metadata

    def _preview(self, path: Path) -> str:
        query = f"SELECT * FROM {parquet_sql([path])} LIMIT {PREVIEW_ROWS}"
        cursor = self._connection.execute(query)
        names = [column[0] for column in cursor.description or ()]
        return markdown_table(names, [list(row) for row in cursor.fetchall()])


def check_result(check: CheckResult) -> dg.AssetCheckResult:
    """The result of *check*, as Dagster shows it."""
    metadata: Metadata = {"offending rows": check.rows}
    if not check.passed:
        columns = list(dict.fromkeys(name for row in check.sample for name in row))
        rows = [[row.get(name) for name in columns] for row in check.sample]
        metadata["sample"] = dg.MetadataValue.md(markdown_table(columns, rows))
        metadata["remedy"] = check.remedy
    if check.days:
        metadata["days"] = ", ".join(str(day) for day in sorted(check.days)[:_SHOWN_DAYS])
    is_error = check.severity == "error"
    return dg.AssetCheckResult(
        passed=check.passed,
        asset_key=asset_key(check.model),
        check_name=check.check,
        severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        description=None if check.passed else check.describe(),
        metadata=metadata,
    )


def markdown_table(columns: list[str], rows: list[list[object]]) -> str:
    """Rows as a Markdown table; long values are shortened."""
    lines = [columns, ["---"] * len(columns), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    text = "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")
    return text if len(text) <= _CELL_WIDTH else text[: _CELL_WIDTH - 1] + "…"


def totals(table: TableResult) -> str:
    """One line for the run's log about a table: partitions, rows, bytes, seconds."""
    rows = sum(partition.rows for partition in table.published.values())
    size = sum(partition.bytes for partition in table.published.values())
    parts = [f"{len(table.published)} partitions, {rows:,} rows, {size:,} bytes in {table.seconds:.2f} s"]
    if table.removed:
        parts.append(f"{len(table.removed)} removed")
    if table.blocked:
        parts.append(f"{len(table.blocked)} blocked")
    return f"{table.table}: {'; '.join(parts)}"


def why_incomplete(result: RunResult) -> str | None:
    """One line about why partitions were blocked; None if no partition was."""
    blocked = result.blocked()
    if not blocked:
        return None
    failed = [c.describe() for c in result.checks.values() if not c.passed and c.severity == "error"]
    tables = ", ".join(sorted({table for table, _ in blocked}))
    reason = " ".join(failed) or "Their inputs were blocked before."
    return f"{len(blocked)} partitions of {tables} were blocked and keep their old content. {reason}"
