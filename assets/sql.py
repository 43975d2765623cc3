"""SQL models as Dagster assets, and the steps that compute them.

Here: the asset specs (dependencies, partition mappings, columns, lineage, checks) of a schema's models, and their ops:
as few steps for a schema as Dagster allows.
Not here: computing (``pipelines.compute.runner``), recording results in Dagster (``assets.recording``).
"""

# No 'from __future__ import annotations' here: Dagster inspects the annotation of an op's context.
import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from assets.recording import RunRecorder, asset_key, code_version, table_name, totals, why_incomplete
from assets.step import RESOURCES, step_of
from pipelines.compute.checks import grain_check_name
from pipelines.compute.runner import Runner
from pipelines.compute.spark import spark_of
from pipelines.compute.workspace import Workspace
from pipelines.home.errors import HeadwaterError
from pipelines.home.lock import home_lock
from pipelines.ingest import RAW_TABLES
from pipelines.lake.duck import session
from pipelines.lake.partitions import DaySpan
from pipelines.sqlproject.lineage import column_lineage
from pipelines.sqlproject.model import DIALECT, Model
from pipelines.sqlproject.project import Project
from pipelines.sqlproject.reads import Read

_BACKFILL_TAG = "dagster/backfill"

FIRST_DAY = dt.date(1980, 1, 1)
"""The first partition if the settings have no start date; ingestion refuses earlier times as out of range."""


def sql_assets(
    workspace: Workspace, schema: str, freshness: dg.FreshnessPolicy | None = None, *, is_described: bool = True
) -> list[dg.AssetsDefinition]:
    """The assets of the models in *schema*, including the home's own models.

    Args:
        workspace: The home.
        schema: The folder below ``sql/``.
        freshness: When its tables must have been computed.
        is_described: Whether to add metadata that only the UI shows; deriving it takes a second.
    """
    return [
        _step(workspace, name, [_spec(workspace, model, freshness, is_described) for model in models])
        for name, models in _steps(workspace, schema)
    ]


@dataclass
class _Step:
    """Models of one schema that one op computes.

    *days* maps each table that these models read to the number of days back that they read; None means all days.
    """

    schema: str
    is_by_day: bool
    models: list[Model] = field(default_factory=list)
    days: dict[str, int | None] = field(default_factory=dict)

    def takes(self, model: Model, days: Mapping[str, int | None]) -> bool:
        """Whether *model* can join this step; *days* is for the model what the attribute *days* is for the step.

        A step has only one partition mapping for each table, so its models must read equally many days of the table.
        """
        alike = (self.schema, self.is_by_day) == (model.schema, model.is_partitioned)
        return alike and all(self.days.get(table, n) == n for table, n in days.items())


def _steps(workspace: Workspace, schema: str) -> Iterator[tuple[str, list[Model]]]:
    """The steps of *schema* as (name, models)."""
    count: Counter[str] = Counter()
    for step in _all_steps(workspace.project):
        if step.schema == schema:
            name = f"{schema}_by_day" if step.is_by_day else f"{schema}_whole"
            count[name] += 1
            yield name if count[name] == 1 else f"{name}_{count[name]}", step.models


def _all_steps(project: Project) -> list[_Step]:
    """The steps of all schemas, ordered so that no step reads from a later one: Dagster refuses cycles of steps."""
    steps: list[_Step] = []
    place: dict[str, int] = {}
    for model in project.models.values():  # each model comes after the models that it reads
        reads = {read.table: read.days for read in project.reads[model.name]}
        days = reads if model.is_partitioned else {}
        number = max((place[table] for table in reads if table in place), default=0)
        while number < len(steps) and not steps[number].takes(model, days):
            number += 1
        if number == len(steps):
            steps.append(_Step(model.schema, model.is_partitioned))
        steps[number].models.append(model)
        steps[number].days |= days
        place[model.name] = number
    return steps


def day_partitions(workspace: Workspace) -> dg.DailyPartitionsDefinition:
    """The days of the shop, from its start date to yesterday, or to the newest day with data if that day is later.

    Later days are not partitions, because the UI would show them as missing.
    """
    start = workspace.settings.start_date or FIRST_DAY
    return dg.DailyPartitionsDefinition(
        start_date=start.isoformat(), timezone=workspace.settings.timezone, end_offset=days_ahead(workspace)
    )


def days_ahead(workspace: Workspace) -> int:
    """The number of days after yesterday with data: 0 to 2, because an event may be up to a day ahead of our clock."""
    today = dt.datetime.now(ZoneInfo(workspace.settings.timezone)).date()
    there = {day for table in RAW_TABLES for day in workspace.raw.rows_by_day(table)}
    ahead = [today + dt.timedelta(days=n) for n in range(2)]
    # Do not list the folders of all tables: that takes a second if the history is long.
    there |= {day for day in ahead if _has_partition(workspace, day)}
    newest = max(there, default=dt.date.min)
    return sum(newest >= day for day in ahead)


def _has_partition(workspace: Workspace, day: dt.date) -> bool:
    return any(workspace.lake.file(table, day).exists() for table in workspace.project.models)


def _step(workspace: Workspace, name: str, specs: Sequence[dg.AssetSpec]) -> dg.AssetsDefinition:
    models = [workspace.project.models[table_name(spec.key)] for spec in specs]
    by_day = models[0].is_partitioned

    @dg.multi_asset(
        name=name,
        specs=specs,
        check_specs=[spec for model in models for spec in _check_specs(workspace, model)],
        partitions_def=day_partitions(workspace) if by_day else None,
        backfill_policy=dg.BackfillPolicy.single_run() if by_day else None,
        can_subset=True,
        required_resource_keys=RESOURCES,
    )
    def compute(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from _compute(context)

    return compute


def _compute(context: dg.AssetExecutionContext) -> Iterator[Any]:
    """Compute the selected tables, report the result to Dagster, and fail if a check blocked a partition."""
    _refuse_checks_alone(context)
    step_input, results = step_of(context)
    tables = {table_name(key) for key in context.selected_asset_keys}
    span = _days(context)
    try:
        with home_lock(step_input.home, f"Dagster run {context.run.run_id[:8]}", context.log.info):
            workspace = step_input.open(context.run.run_id)
            with session(step_input.home, workspace.settings) as connection:
                spark = spark_of(workspace.settings, step_input.engine) if span else None
                runner = Runner(workspace, connection, step_input.blocked, step_input.tell, spark)
                result = runner.compute(tables, span)
                results.computed.append(result)
                for table in result.tables.values():
                    context.log.info(totals(table))
                # A backfill counts a day without an event as failed, so report all of its days.
                claimed = span.days if span and _BACKFILL_TAG in context.run.tags else []
                for event in RunRecorder(workspace, connection, context.instance).events(result, claimed):
                    step_input.tell("reporting the result to Dagster")
                    yield event
    except HeadwaterError as error:
        raise results.failure(error) from error
    if reason := why_incomplete(result):
        raise dg.Failure(description=reason, allow_retries=False)


def _refuse_checks_alone(context: dg.AssetExecutionContext) -> None:
    """Refuse to run a check without computing its table, although the UI offers that."""
    alone = {key.asset_key for key in context.selected_asset_check_keys} - context.selected_asset_keys
    if alone:
        tables = ", ".join(sorted(map(table_name, alone)))
        reason = f"Checks run when a table is computed, before it is published: materialize {tables} instead."
        raise dg.Failure(description=reason, allow_retries=False)


def _days(context: dg.AssetExecutionContext) -> DaySpan | None:
    if not (context.has_partition_key or context.has_partition_key_range):
        return None
    days = context.partition_key_range
    return DaySpan(dt.date.fromisoformat(days.start), dt.date.fromisoformat(days.end))


def _spec(workspace: Workspace, model: Model, freshness: dg.FreshnessPolicy | None, is_described: bool) -> dg.AssetSpec:
    project = workspace.project
    return dg.AssetSpec(
        asset_key(model.name),
        # Do not declare that a table depends on its own previous day: Dagster would compute the days one by one.
        deps=[_dependency(workspace, model, read) for read in project.reads[model.name] if read.table != model.name],
        description=model.description,
        group_name=model.schema,
        code_version=code_version(project, model),
        kinds={"duckdb", "sql"},
        freshness_policy=freshness,
        metadata=_definition_metadata(workspace, model) if is_described else None,
    )


def _dependency(workspace: Workspace, model: Model, read: Read) -> dg.AssetDep:
    if not (model.is_partitioned and workspace.project.is_partitioned(read.table)):
        return dg.AssetDep(asset_key(read.table))
    mapping = dg.TimeWindowPartitionMapping(start_offset=-(read.days or 0))
    return dg.AssetDep(asset_key(read.table), partition_mapping=mapping)


def _definition_metadata(workspace: Workspace, model: Model) -> dict[str, Any]:
    """What the UI shows about a table before it is computed: columns, lineage, the query, the file."""
    columns = [
        dg.TableColumn(name, type=column.type, description=column.description) for name, column in model.columns.items()
    ]
    lineage = {
        column: [dg.TableColumnDep(asset_key=asset_key(table), column_name=name) for table, name in sources]
        for column, sources in column_lineage(workspace.project, model).items()
    }
    day = workspace.settings.start_date or FIRST_DAY
    query = workspace.project.bind(model, DaySpan(day, day) if model.is_partitioned else None)
    return {
        "dagster/column_schema": dg.TableSchema(columns=columns),
        "dagster/column_lineage": dg.TableColumnLineage(deps_by_column=lineage),
        "dagster/table_name": model.name,
        "grain": ", ".join(model.grain),
        "query": dg.MetadataValue.md(f"```sql\n{query.sql(dialect=DIALECT, pretty=True)}\n```"),
        "model file": dg.MetadataValue.path(str(model.path)),
    }


def _check_specs(workspace: Workspace, model: Model) -> Iterator[dg.AssetCheckSpec]:
    grain = ", ".join(model.grain)
    yield dg.AssetCheckSpec(
        grain_check_name(model), asset=asset_key(model.name), description=f"{grain}: unique and not null", blocking=True
    )
    for check in workspace.project.checks[model.name]:
        yield dg.AssetCheckSpec(
            check.name,
            asset=asset_key(model.name),
            description=f"{check.description} {check.remedy}",
            blocking=check.severity == "error",
        )
