"""Computing partitions: query, check, publish.

Here: computing the tables of a run for its days in one DuckDB session, and blocking partitions.
Not here: which partitions are stale (``pipelines.compute.planner``), running checks (``pipelines.compute.checks``),
Dagster (``assets.sql``).
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from pipelines.compute.as_of_days import kept_days
from pipelines.compute.checks import Checks
from pipelines.compute.inputs import Inputs
from pipelines.compute.planner import landed_days
from pipelines.compute.ranges import ranges_of
from pipelines.compute.results import PartitionResult, RunResult, TableResult
from pipelines.compute.spark import Spark
from pipelines.compute.versions import StoredVersions, content_versions
from pipelines.compute.workspace import Workspace
from pipelines.compute.writing import Writer, Written
from pipelines.home.errors import HeadwaterError
from pipelines.home.scratch import scratch_folder
from pipelines.ingest import TARGETS
from pipelines.lake.duck import first_line, identifier, literal
from pipelines.lake.partitions import Day, DaySpan, ListedLake, PartitionKey, parquet_sql, relation_sql
from pipelines.sqlproject.model import Model
from pipelines.sqlproject.python_step import run_step

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CANDIDATE = "candidate"
"""The temporary table of a session with computed rows of a model."""

ROWS_PER_CHUNK = 4_000_000
"""Maximum number of raw records in one chunk of days, so that intermediate results stay near the memory limit.

Only targets that are partitioned by day count; they have most of the records."""

MANY_DAYS = 40
"""For more days than this, sorting all rows by day is faster than searching all rows for each day's file."""


class Runner:
    """Computes tables of one workspace in one session.

    Args:
        workspace: The home.
        connection: The session.
        blocked: Partitions that earlier runs of the same command blocked. Partitions that read them are blocked too.
        tell: Called with a line about each table before it is computed.
        spark: The session that computes the tables by day; None: DuckDB computes them too.
    """

    def __init__(
        self,
        workspace: Workspace,
        connection: duckdb.DuckDBPyConnection,
        blocked: Collection[tuple[str, PartitionKey]] = (),
        tell: Callable[[str], None] = lambda _line: None,
        spark: SparkSession | None = None,
    ) -> None:
        # List each folder only once, because tables as of a day read the same long histories for each of their days.
        # No other process changes the lake meanwhile: the caller has the home's lock.
        workspace = replace(workspace, lake=ListedLake(workspace.lake.root))
        self._workspace = workspace
        self._project = workspace.project
        self._tell = tell
        self._connection = connection
        # DuckDB hashes the side of a join that it estimates to be smaller. On a large day it estimates wrong, hashes
        # millions of wide rows and spills to disk. The models have the smaller side on the right, so keep it there.
        connection.execute("SET disabled_optimizers = 'build_side_probe_side'")
        self._blocked = set(blocked)
        self._inputs = Inputs(workspace, connection)
        self._writer = Writer(workspace, connection)
        self._checks = Checks(self._project, connection, self._inputs)
        self._spark_session = spark
        self._spark: Spark | None = None
        self._versions = StoredVersions(workspace, ())
        self._tables: dict[str, TableResult] = {}
        self._all_kept_days: dict[str, list[Day]] | None = None

    def compute(self, tables: Collection[str], span: DaySpan | None) -> RunResult:
        """Compute *tables*: the partitioned ones for the days of *span*, the others completely.

        Raises:
            HeadwaterError: a query fails or a file cannot be written. Partitions already published stay published.
        """
        with ExitStack() as stack:
            if self._spark_session is not None:
                folder = stack.enter_context(scratch_folder(self._workspace.home))
                self._spark = Spark(
                    self._workspace, self._spark_session, self._connection, self._inputs.verifier, folder
                )
            return self._compute_all(tables, span)

    def _compute_all(self, tables: Collection[str], span: DaySpan | None) -> RunResult:
        models = [model for name, model in self._project.models.items() if name in tables]
        for model in models:
            self._tables[model.name] = TableResult(model.name)
            self._checks.expect(model)
        if span:
            look_back = max((read.days or 0 for model in models for read in self._project.reads[model.name]), default=0)
            days = DaySpan(span.first - dt.timedelta(days=look_back), span.last).days
            self._versions = StoredVersions(self._workspace, days)
        for model in models:
            if not model.is_partitioned:
                self._compute(model, None)
        for chunk in self._chunks(span) if span else ():
            for model in models:
                days = self._days(model, chunk)
                if model.as_of:
                    self._compute_each(model, days)
                elif days:
                    self._compute(model, DaySpan(days[0], days[-1]))
        return RunResult(self._tables, self._checks.results)

    def _compute_each(self, model: Model, days: Collection[Day]) -> None:
        """Compute *model*, a table as of a day, for each of *days* on its own: its query is for a single day."""
        spans = [DaySpan(day, day) for day in days]
        if not self._is_on_spark(model):
            self._inputs.load(self._project.reads[model.name], spans, model.name)
        for span in spans:
            self._compute(model, span)

    def _days(self, model: Model, span: DaySpan) -> list[Day]:
        """The days of *span* that are computed for *model*; consecutive, unless *model* is a table as of a day."""
        if not model.is_partitioned:
            return []
        days = self._kept_days(model, span) if model.as_of or model.last_days else span.days
        return [day for day in days if not self._workspace.is_closed(model.name, day)]

    def _kept_days(self, model: Model, span: DaySpan) -> list[Day]:
        """The days of *span* for which *model* is kept, a model that is kept for some days only."""
        if self._all_kept_days is None:
            landed = landed_days(self._workspace, self._connection)
            settings = self._workspace.settings
            begin = settings.start_date or (landed[0] if landed else None)
            all_days = DaySpan(begin, landed[1]) if begin and landed else None
            self._all_kept_days = kept_days(self._project, settings.snapshots, all_days)
        return [day for day in self._all_kept_days.get(model.name, []) if span.first <= day <= span.last]

    def _chunks(self, span: DaySpan) -> Iterator[DaySpan]:
        rows_of: Counter[Day] = Counter()
        for target in TARGETS.values():
            rows_of += Counter(self._workspace.raw.rows_by_day(target.table))
        first, rows = span.first, 0
        for day in span.days:
            if day > first and rows + rows_of[day] > ROWS_PER_CHUNK:
                yield DaySpan(first, day - dt.timedelta(days=1))
                first, rows = day, 0
            rows += rows_of[day]
        yield DaySpan(first, span.last)

    def _compute(self, model: Model, span: DaySpan | None) -> None:
        started = time.monotonic()
        table = self._tables[model.name]
        keys: list[PartitionKey] = [*span.days] if span else [None]
        ready = [key for key in keys if not self._block_if_inputs_blocked(model, key)]
        if ready:
            self._tell(f"computing {model.name}" + (f", {span}" if span else ""))
            table.sql = table.sql or self._project.sql(model, span)
            with _fault_named(model):
                if self._spark and span and self._is_on_spark(model):
                    self._stage(self._spark, model, ready, span)
                else:
                    self._query(model, ready, span)
        table.seconds += time.monotonic() - started

    def _is_on_spark(self, model: Model) -> bool:
        """Whether Spark computes *model*: not if the planner has already computed its rows, or a Python step does."""
        is_by_inputs = not self._project.is_versioned_by_content(model)
        return self._spark is not None and model.is_partitioned and is_by_inputs and not model.python

    def _query(self, model: Model, keys: list[PartitionKey], span: DaySpan | None) -> None:
        """Compute the partitions *keys* of *model*: the partitions of *span* whose inputs are not blocked."""
        self._inputs.mount(self._project.reads[model.name], span, model.name)
        query = self._project.sql(model, span)
        with ExitStack() as stack:
            if model.python:
                folder = stack.enter_context(scratch_folder(self._workspace.home))
                query = run_step(self._connection, model.python, query, model.types, folder)
            is_one = span is None or span.first == span.last
            if is_one and not self._project.is_versioned_by_content(model):
                self._stream(model, keys[0], span, query)
            else:
                self._materialize(model, keys, span, query)

    def _stream(self, model: Model, key: PartitionKey, span: DaySpan | None, query: str) -> None:
        """Write the rows of *query*, all of partition *key*, directly to its file: they may not fit into memory."""
        version = self._versions.by_inputs(model, key)
        if version is None:
            self._remove(model, key)
            return
        ranges = ranges_of(self._workspace, self._connection, model, span) if span else None
        if ranges:
            mounts = self._inputs.mount_ranges(self._project.reads[model.name], span, model.name, ranges)
            written = self._writer.in_ranges(model, key, f"({query})", version, mounts)
        else:
            written = self._writer.one(model, key, f"({query})", version)
        try:
            dt_column = f", DATE {literal(key.isoformat())} AS dt" if key else ""
            self._inputs.show(model.name, f"SELECT *{dt_column} FROM {parquet_sql([written.temporary])}")
            self._publish(model, [written] if self._sound(model, [key]) else [])
        finally:
            written.temporary.unlink(missing_ok=True)

    def _materialize(self, model: Model, keys: list[PartitionKey], span: DaySpan | None, query: str) -> None:
        """Compute *query* once, then write its partitions."""
        written: list[Written] = []
        order = " ORDER BY dt" if len(keys) > MANY_DAYS else ""
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {CANDIDATE} AS FROM ({query}){order}")
        try:
            if span:
                self._refuse_other_days(model, span)
            self._inputs.show(model.name, f"SELECT * FROM {CANDIDATE}")
            sound = self._sound(model, keys)
            content = None
            if self._project.is_versioned_by_content(model):
                content = content_versions(self._connection, model, CANDIDATE)
            versions: dict[PartitionKey, str] = {}
            for key in sound:
                version = self._versions.by_inputs(model, key) if content is None else content.get(key)
                if version is None:
                    self._remove(model, key)
                    continue
                if self._project.reads_itself(model):
                    self._versions.of(model.name)[key] = version  # the version of the next day depends on this one
                versions[key] = version
            written += self._writer.all_of(model, versions, CANDIDATE)
            self._publish(model, written)
        finally:
            for item in written:
                item.temporary.unlink(missing_ok=True)
            self._connection.execute(f"DROP VIEW IF EXISTS {identifier(model.name)}")
            self._connection.execute(f"DROP TABLE IF EXISTS {CANDIDATE}")

    def _stage(self, spark: Spark, model: Model, keys: list[PartitionKey], span: DaySpan) -> None:
        """Let Spark compute *model* for *span*, then copy the rows of Spark's files into files of the lake."""
        spark.mount(self._project.reads[model.name], span, model.name)
        staged = spark.stage(model, self._project.bind(model, span))
        written: list[Written] = []
        try:
            _refuse_days(model, span, [day for day in staged if day is None or not span.first <= day <= span.last])
            files = [path for day in staged for path in staged[day]]
            spark.show(model.name, files)
            versions: dict[PartitionKey, str] = {}
            for key in self._sound(model, keys, spark):
                version = self._versions.by_inputs(model, key)
                if version is None:
                    self._remove(model, key)
                    continue
                if self._project.reads_itself(model):
                    self._versions.of(model.name)[key] = version
                versions[key] = version
            written += self._writer.all_of(model, versions, f"({relation_sql(model.types, files)})")
            self._publish(model, written)
        finally:
            for item in written:
                item.temporary.unlink(missing_ok=True)
            spark.forget(model.name)

    def _sound(self, model: Model, keys: list[PartitionKey], spark: Spark | None = None) -> list[PartitionKey]:
        """Run the checks on the partitions *keys*, block those that fail or have a blocked input, return the others."""
        failed = self._checks.run(model, keys, spark)
        for key in keys:
            if key in failed or self._block_if_inputs_blocked(model, key):
                self._block(model, key)
        return [key for key in keys if (model.name, key) not in self._blocked]

    def _block_if_inputs_blocked(self, model: Model, key: PartitionKey) -> bool:
        if not self._blocked or not self._project.reads_any_of(model.name, key, self._blocked):
            return False
        self._block(model, key)
        return True

    def _block(self, model: Model, key: PartitionKey) -> None:
        self._blocked.add((model.name, key))
        if key not in self._tables[model.name].blocked:
            self._tables[model.name].blocked.append(key)

    def _refuse_other_days(self, model: Model, span: DaySpan) -> None:
        query = f"SELECT dt FROM {CANDIDATE} WHERE dt IS NULL OR dt NOT BETWEEN ? AND ? LIMIT 1"
        _refuse_days(
            model, span, [day for (day,) in self._connection.execute(query, [span.first, span.last]).fetchall()]
        )

    def _publish(self, model: Model, written: list[Written]) -> None:
        sizes = self._workspace.lake.publish(model.name, {i.key: (i.temporary, i.version) for i in written})
        for item in written:
            self._inputs.verifier.trusted.add((model.name, item.key))
            self._versions.of(model.name)[item.key] = item.version
            self._tables[model.name].published[item.key] = PartitionResult(item.rows, sizes[item.key], item.version)

    def _remove(self, model: Model, key: PartitionKey) -> None:
        if self._versions.of(model.name).pop(key, None) is not None:
            self._workspace.lake.remove(model.name, key)
            self._tables[model.name].removed.append(key)


def _refuse_days(model: Model, span: DaySpan, days: Collection[Day | None]) -> None:
    for day in days:
        raise HeadwaterError(
            f"returns a row with dt {day or 'NULL'}, outside the computed days {span}",
            where=model.path,
            remedy="add 'dt BETWEEN $from_dt AND $to_dt'",
        )


@contextmanager
def _fault_named(model: Model) -> Iterator[None]:
    """Turn an error of the model's query into a HeadwaterError with the model's file.

    Errors of memory or disk are passed on unchanged, because they are not faults of the model.

    Raises:
        HeadwaterError: the query fails.
    """
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.IOException):
        raise
    except duckdb.Error as error:
        raise HeadwaterError(first_line(error), where=model.path) from error
