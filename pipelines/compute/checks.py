"""Checks: queries that must return no rows before a table is published.

Here: the grain check of every table (its key is unique and not null), running checks on a result, and which partitions
a failed check blocks. A blocked partition is not published and keeps its old content.
Not here: the other checks (``sql/checks/``), blocking (``pipelines.compute.runner``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import duckdb

from pipelines.compute.inputs import Inputs
from pipelines.compute.results import CheckResult
from pipelines.compute.spark import Spark
from pipelines.lake.duck import identifier
from pipelines.lake.partitions import DaySpan, PartitionKey
from pipelines.sqlproject.model import Model
from pipelines.sqlproject.project import Project

SAMPLE_ROWS = 5
"""Number of offending rows that a failed check shows."""

Rows = tuple[Sequence[str], Iterator[tuple[Any, ...]]]
"""The columns and rows of a query."""


def grain_check_name(model: Model) -> str:
    """The name of the model's grain check."""
    return f"{model.name.replace('.', '_')}_grain"


class Checks:
    """The checks of a run.

    Args:
        project: The models and checks.
        connection: The session. For a result that is not published yet, it has a view with the name of its table.
        inputs: Mounts the other tables that a check reads; None if the session has them already.
    """

    def __init__(self, project: Project, connection: duckdb.DuckDBPyConnection, inputs: Inputs | None = None) -> None:
        self._project = project
        self._connection = connection
        self._inputs = inputs
        self.results: dict[str, CheckResult] = {}

    def expect(self, model: Model) -> None:
        """Register each check of *model* as passed; ``run`` adds the offending rows."""
        remedy = f"The columns {', '.join(model.grain)} must be unique and not null in each row of {model.name}."
        name = grain_check_name(model)
        self.results[name] = CheckResult(name, model.name, "error", remedy)
        for check in self._project.checks[model.name]:
            self.results[check.name] = CheckResult(check.name, model.name, check.severity, check.remedy)

    def run(self, model: Model, keys: Collection[PartitionKey], spark: Spark | None = None) -> set[PartitionKey]:
        """Run every check of *model* on its result for the partitions *keys*; returns those to block.

        With *spark*, its session has the result and runs the checks.
        """
        rows = spark.rows if spark else self._rows
        mount = spark.mount if spark else self._inputs.mount if self._inputs else None
        failed: set[PartitionKey] = set()
        if spark or not self._is_grain_unique(model):
            failed = self._run(grain_check_name(model), rows(grain_query(model)), keys)
        days = [key for key in keys if key is not None]
        span = DaySpan(days[0], days[-1]) if days else None
        for check in self._project.checks[model.name]:
            if mount is not None:
                mount([read for read in self._project.reads[check.name] if read.table != model.name], span)
            failed |= self._run(check.name, rows(self._project.sql(check, span)), keys)
        return failed

    def _is_grain_unique(self, model: Model) -> bool:
        """Whether a count of distinct hashes proves that the grain is unique and not null.

        Counting hashes takes half the time and memory of counting keys. True is certain. False may be caused by two
        keys with the same hash, so the caller must then count keys.
        """
        columns = ", ".join(identifier(name) for name in model.grain)
        missing = " OR ".join(f"{identifier(name)} IS NULL" for name in model.grain)
        query = f"SELECT count(*) = count(DISTINCT hash({columns})) AND count(*) FILTER (WHERE {missing}) = 0"
        row = self._connection.execute(f"{query} FROM {identifier(model.name)}").fetchone()
        return bool(row and row[0])

    def _rows(self, query: str) -> Rows:
        cursor = self._connection.execute(query)
        return [column[0] for column in cursor.description or ()], iter(cursor.fetchone, None)

    def _run(self, name: str, found: Rows, keys: Collection[PartitionKey]) -> set[PartitionKey]:
        result = self.results[name]
        names, rows = found
        failed: set[PartitionKey] = set()
        for values in rows:
            row = dict(zip(names, values, strict=True))
            result.rows += 1
            if len(result.sample) < SAMPLE_ROWS:
                result.sample.append(row)
            day = row.get("dt")
            if isinstance(day, dt.date):
                result.days.add(day)
                failed.add(day)
            else:
                failed |= set(keys)
        return failed if result.severity == "error" else set()


def grain_query(model: Model) -> str:
    """The query of the model's grain check: the keys that occur more than once or are null."""
    columns = ", ".join(identifier(name) for name in model.grain)
    missing = " OR ".join(f"{identifier(name)} IS NULL" for name in model.grain)
    dt_column = ", min(dt) AS dt" if model.is_partitioned and "dt" not in model.grain else ""
    return (
        f"SELECT {columns}{dt_column}, count(*) AS rows FROM {identifier(model.name)} "
        f"GROUP BY {columns} HAVING count(*) > 1 OR {missing}"
    )
