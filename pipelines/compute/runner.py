"""Computing partitions: query, check, publish.

Here: how the tables of a run are computed over a range of days in one DuckDB session, which checks they must
pass, and what is held back when one fails.
Not here: which partitions need it (``pipelines.compute.planner``), Dagster (``assets.sql``).
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.compute.as_of_days import snapshot_days
from pipelines.compute.planner import content_versions, input_version, landed_days
from pipelines.compute.results import CheckResult, PartitionResult, RunResult, TableResult
from pipelines.compute.verified import Verifier
from pipelines.compute.workspace import Workspace, days_between, mount_view
from pipelines.home.errors import HeadwaterError
from pipelines.home.scratch import scratch_folder
from pipelines.lake.duck import first_line, identifier, literal
from pipelines.lake.partitions import Day, PartitionKey, copy_to, parquet_sql, temporary_for
from pipelines.sqlproject.model import Check, Model
from pipelines.sqlproject.python_step import stepped
from pipelines.sqlproject.reads import Read

ROWS_PER_CHUNK = 4_000_000
"""Events in one chunk of a range, so that a chunk's intermediate results stay near the memory limit."""

SAMPLE_ROWS = 5
"""Offending rows that a failed check shows."""

_CANDIDATE = "candidate"


def grain_check_name(model: Model) -> str:
    """The name of the check that every model has."""
    return f"{model.name.replace('.', '_')}_grain"


@dataclass
class _Written:
    """A partition's file that is not published yet."""

    key: PartitionKey
    temporary: Path
    version: str
    rows: int = 0


class Runner:
    """Computes tables of one workspace in one session.

    Args:
        workspace: The home.
        connection: The session.
        held: Partitions that earlier runs of the same command held back: what reads them is held as well.
        tell: Told which table is being computed.
    """

    def __init__(
        self,
        workspace: Workspace,
        connection: duckdb.DuckDBPyConnection,
        held: Collection[tuple[str, PartitionKey]] = (),
        tell: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._workspace = workspace
        self._tell = tell
        self._connection = connection
        # DuckDB guesses sizes from filters, and on a large day it guesses wrong: it would hash millions of wide rows to
        # look up a few narrow ones, and spill. The models join the smaller side to the larger: let it stay so.
        connection.execute("SET disabled_optimizers = 'build_side_probe_side'")
        self._result = RunResult()
        self._held = set(held)
        self._versions: dict[str, dict[PartitionKey, str]] = {}
        self._days: frozenset[Day] = frozenset()
        self._snapshot_days: dict[str, list[Day]] | None = None
        self._verifier = Verifier(workspace)
        self._mounted: dict[str, str] = {}

    def compute(self, tables: Collection[str], first: Day | None, last: Day | None) -> RunResult:
        """Compute *tables*: those by days for *first* to *last*, the others whole.

        Raises:
            HeadwaterError: a query fails or a file cannot be written. What was published before stays.
        """
        models = [model for name, model in self._workspace.project.models.items() if name in tables]
        for model in models:
            self._result.tables[model.name] = TableResult(model.name)
            self._expect_checks(model)
        if first is not None and last is not None:
            look_back = max((read.days or 0 for model in models for read in self._reads(model)), default=0)
            self._days = frozenset(days_between(first - dt.timedelta(days=look_back), last))
        whole = [model for model in models if not model.is_partitioned]
        for model in whole:
            self._compute(model, dt.date.min, dt.date.min)
        if first is not None and last is not None:
            for chunk_first, chunk_last in self._chunks(first, last):
                for model in models:
                    if model.as_of:
                        for day in self._snapshots(model, chunk_first, chunk_last):
                            self._compute(model, day, day)
                    elif model.is_partitioned:
                        self._compute(model, chunk_first, chunk_last)
        return self._result

    def _reads(self, model: Model) -> tuple[Read, ...]:
        return self._workspace.project.reads[model.name]

    def _snapshots(self, model: Model, first: Day, last: Day) -> list[Day]:
        """The days of these of which *model* has a partition."""
        if self._snapshot_days is None:
            landed = landed_days(self._workspace, self._connection)
            settings = self._workspace.settings
            begin = settings.start_date or (landed[0] if landed else None)
            days = (begin, landed[1]) if begin and landed else None
            self._snapshot_days = snapshot_days(self._workspace.project, settings.snapshots, *days) if days else {}
        return [day for day in self._snapshot_days.get(model.name, []) if first <= day <= last]

    def _chunks(self, first: Day, last: Day) -> Iterator[tuple[Day, Day]]:
        rows_of: Counter[PartitionKey] = Counter()
        for output in self._workspace.raw.outputs("raw.events"):
            rows_of[output.dt] += output.rows
        chunk: list[Day] = []
        rows = 0
        for day in days_between(first, last):
            if chunk and rows + rows_of[day] > ROWS_PER_CHUNK:
                yield chunk[0], chunk[-1]
                chunk, rows = [], 0
            chunk.append(day)
            rows += rows_of[day]
        if chunk:
            yield chunk[0], chunk[-1]

    def _compute(self, model: Model, first: Day, last: Day) -> None:
        started = time.monotonic()
        result = self._result.tables[model.name]
        reads = self._reads(model)
        keys: list[PartitionKey] = [*days_between(first, last)] if model.is_partitioned else [None]
        ready = [key for key in keys if not self._hold_if_inputs_held(model, key)]
        if ready:
            self._tell(f"computing {model.name}" + (f", {first} to {last}" if model.is_partitioned else ""))
            self._mount(reads, first, last, model.name)
            query = self._workspace.project.sql(model, first, last)
            result.sql = result.sql or query
            try:
                with ExitStack() as stack:
                    if model.python:
                        folder = stack.enter_context(scratch_folder(self._workspace.home))
                        query = stepped(self._connection, model.python, query, model.types, folder)
                    if len(keys) == 1:
                        self._compute_one(model, keys[0], query)
                    else:
                        self._compute_many(model, ready, query, (first, last))
            except duckdb.OutOfMemoryException:
                raise
            except duckdb.IOException:
                raise
            except duckdb.Error as error:
                raise HeadwaterError(f"{model.path}: {first_line(error)}") from error
        result.seconds += time.monotonic() - started

    def _mount(self, reads: Collection[Read], first: Day, last: Day, computing: str = "") -> None:
        """Make what *reads* names visible, once it is known to be as it was written; see ``Workspace.mount``."""
        for read in reads:
            self._verifier.verify(read.table, self._workspace.days_read(read, first, last, computing))
        self._workspace.mount(self._connection, reads, first, last, computing, self._mounted)

    def _mount_result(self, model: Model, sql: str) -> None:
        """Make a result that is not published yet visible as its table, for the checks."""
        self._mounted.pop(model.name, None)
        mount_view(self._connection, model.name, sql)

    def _hold_if_inputs_held(self, model: Model, key: PartitionKey) -> bool:
        if not self._workspace.project.reads_any_of(model.name, key, self._held):
            return False
        self._hold(model, key)
        return True

    def _hold(self, model: Model, key: PartitionKey) -> None:
        self._held.add((model.name, key))
        if key not in self._result.tables[model.name].held:
            self._result.tables[model.name].held.append(key)

    def _compute_one(self, model: Model, key: PartitionKey, query: str) -> None:
        """Stream the query into the partition's file; the checks read that file before it is published."""
        version = self._input_version(model, key)
        if version is None and not self._workspace.project.is_judged_by_content(model):
            self._remove(model, key)
            return
        if version is None:
            self._materialize(query)
            self._judge_and_write(model, [key])
            return
        target = self._workspace.lake.file(model.name, key)
        temporary = temporary_for(target)
        try:
            rows = copy_to(self._connection, _partition_query(model, f"({query})", key), temporary, version)
            dt_column = f", DATE {literal(key.isoformat())} AS dt" if key else ""
            self._mount_result(model, f"SELECT *{dt_column} FROM {parquet_sql([temporary])}")
            failed = self._run_checks(model, [key])
            if key in failed:
                self._hold(model, key)
            else:
                self._publish(model, [_Written(key, temporary, version, rows)])
        finally:
            temporary.unlink(missing_ok=True)

    def _compute_many(self, model: Model, keys: list[PartitionKey], query: str, days: tuple[Day, Day]) -> None:
        """Compute the range once, then write its days one by one."""
        self._materialize(query)
        self._refuse_other_days(model, days)
        self._judge_and_write(model, keys)

    def _materialize(self, query: str) -> None:
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {_CANDIDATE} AS {query}")

    def _judge_and_write(self, model: Model, keys: list[PartitionKey]) -> None:
        try:
            self._mount_result(model, f"SELECT * FROM {_CANDIDATE}")
            failed = self._run_checks(model, keys)
            for key in keys:
                if key in failed or self._hold_if_inputs_held(model, key):
                    self._hold(model, key)
            self._write(model, [key for key in keys if (model.name, key) not in self._held])
        finally:
            self._connection.execute(f"DROP VIEW IF EXISTS {identifier(model.name)}")
            self._connection.execute(f"DROP TABLE IF EXISTS {_CANDIDATE}")

    def _write(self, model: Model, keys: list[PartitionKey]) -> None:
        content = None
        if self._workspace.project.is_judged_by_content(model):
            content = content_versions(self._connection, model, _CANDIDATE)
        written: list[_Written] = []
        try:
            for key in keys:
                version = content.get(key) if content is not None else self._input_version(model, key)
                if version is None:
                    self._remove(model, key)
                    continue
                if self._workspace.project.reads_itself(model):
                    self._stored(model.name)[key] = version  # the next day's version is made of it
                temporary = temporary_for(self._workspace.lake.file(model.name, key))
                written.append(_Written(key, temporary, version))
                written[-1].rows = copy_to(
                    self._connection, _partition_query(model, _CANDIDATE, key), temporary, version
                )
            self._publish(model, written)
        finally:
            for item in written:
                item.temporary.unlink(missing_ok=True)

    def _refuse_other_days(self, model: Model, days: tuple[Day, Day]) -> None:
        query = f"SELECT dt FROM {_CANDIDATE} WHERE dt IS NULL OR dt NOT BETWEEN ? AND ? LIMIT 1"
        for (day,) in self._connection.execute(query, days).fetchall():
            raise HeadwaterError(
                f"{model.path}: returns a row of {day or 'no day'}, outside {days[0]} to {days[1]}; "
                "add 'dt BETWEEN $from_dt AND $to_dt'"
            )

    def _publish(self, model: Model, written: list[_Written]) -> None:
        sizes = self._workspace.lake.publish(model.name, {i.key: (i.temporary, i.version) for i in written})
        for item in written:
            self._verifier.trusted.add((model.name, item.key))
            self._stored(model.name)[item.key] = item.version
            self._result.tables[model.name].published[item.key] = PartitionResult(
                item.rows, sizes[item.key], item.version
            )

    def _remove(self, model: Model, key: PartitionKey) -> None:
        if self._stored(model.name).pop(key, None) is not None:
            self._workspace.lake.remove(model.name, key)
            self._result.tables[model.name].removed.append(key)

    def _input_version(self, model: Model, key: PartitionKey) -> str | None:
        """The version by inputs, as the lake holds them now; None for a model judged by its content."""
        if key is None or self._workspace.project.is_judged_by_content(model):
            return None
        return input_version(self._workspace, model, key, lambda table, parent: self._stored(table).get(parent))

    def _stored(self, table: str) -> dict[PartitionKey, str]:
        if table not in self._versions:
            if table.startswith("raw."):
                self._versions[table] = dict(self._workspace.raw.versions(table))
            elif table.startswith("config."):
                self._versions[table] = {None: self._workspace.config.version(table)}
            else:
                self._versions[table] = self._workspace.lake.versions(table, self._days)
        return self._versions[table]

    def _expect_checks(self, model: Model) -> None:
        remedy = f"Each row of {model.name} must have its own {', '.join(model.grain)}, none of them null."
        name = grain_check_name(model)
        self._result.checks[name] = CheckResult(name, model.name, "error", remedy)
        for check in self._workspace.project.checks[model.name]:
            self._result.checks[check.name] = CheckResult(check.name, model.name, check.severity, check.remedy)

    def _run_checks(self, model: Model, keys: list[PartitionKey]) -> set[PartitionKey]:
        """Run every check on the result in question; the partitions that an error forbids to publish."""
        failed: set[PartitionKey] = set()
        if not self._is_grain_unique(model):
            failed = self._judge(grain_check_name(model), _grain_query(model), keys)
        for check in self._workspace.project.checks[model.name]:
            failed |= self._judge(check.name, self._check_query(check, keys), keys)
        return failed

    def _is_grain_unique(self, model: Model) -> bool:
        """Whether a count of hashes proves the grain unique and not null.

        Distinct hashes are distinct keys, and counting them takes half the time and memory of counting keys. Where the
        count falls short it may be chance: then the keys must be counted.
        """
        columns = ", ".join(identifier(name) for name in model.grain)
        missing = " OR ".join(f"{identifier(name)} IS NULL" for name in model.grain)
        query = f"SELECT count(*) = count(DISTINCT hash({columns})) AND count(*) FILTER (WHERE {missing}) = 0"
        row = self._connection.execute(f"{query} FROM {identifier(model.name)}").fetchone()
        return bool(row and row[0])

    def _check_query(self, check: Check, keys: list[PartitionKey]) -> str:
        days = [key for key in keys if key is not None] or [dt.date.min]
        others = [read for read in self._workspace.project.reads[check.name] if read.table != check.model]
        self._mount(others, days[0], days[-1])
        return self._workspace.project.sql(check, days[0], days[-1])

    def _judge(self, name: str, query: str, keys: list[PartitionKey]) -> set[PartitionKey]:
        outcome = self._result.checks[name]
        cursor = self._connection.execute(query)
        names = [column[0] for column in cursor.description or ()]
        failed: set[PartitionKey] = set()
        while batch := cursor.fetchmany(10_000):
            for row in batch:
                found = dict(zip(names, row, strict=True))
                outcome.rows += 1
                if len(outcome.sample) < SAMPLE_ROWS:
                    outcome.sample.append(found)
                day = found.get("dt")
                if isinstance(day, dt.date):
                    outcome.days.add(day)
                    failed.add(day)
                else:
                    failed |= set(keys)
        return failed if outcome.severity == "error" else set()


def _partition_query(model: Model, relation: str, key: PartitionKey) -> str:
    """The rows of one partition, in the file's order, without dt, which is the folder's name."""
    columns = ", ".join(identifier(name) for name in model.columns if name != "dt" or key is None)
    order = f" ORDER BY {', '.join(identifier(name) for name in model.sorted_by)}" if model.sorted_by else ""
    if key is None:
        return f"SELECT {columns} FROM {relation}{order}"
    day = f"DATE {literal(key.isoformat())}"
    if relation == _CANDIDATE:
        return f"SELECT {columns} FROM {relation} WHERE dt = {day}{order}"
    # A row of another day would be lost silently, for its dt is not written: let the query fail instead.
    message = literal(f"returns a row of a day other than {key}; add 'dt BETWEEN $from_dt AND $to_dt'")
    guard = f"CASE WHEN dt = {day} THEN true ELSE error({message}) END"
    return f"SELECT {columns} FROM {relation} WHERE {guard}{order}"


def _grain_query(model: Model) -> str:
    columns = ", ".join(identifier(name) for name in model.grain)
    missing = " OR ".join(f"{identifier(name)} IS NULL" for name in model.grain)
    dt_column = ", min(dt) AS dt" if model.is_partitioned and "dt" not in model.grain else ""
    return (
        f"SELECT {columns}{dt_column}, count(*) AS rows FROM {identifier(model.name)} "
        f"GROUP BY {columns} HAVING count(*) > 1 OR {missing}"
    )
