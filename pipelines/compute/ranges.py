"""Large days are computed in ranges of a column, so that the joins and windows of each range fit into memory.

Here: whether a model can be computed in ranges, and the ranges of a day. The column is the first one by which a table
that the model reads is sorted, such as device_id of core.events: the statistics of that table's row groups say where
ranges of about the same size begin, and each range reads only its row groups.
Not here: which queries can be computed in ranges (``pipelines.sqlproject.within``), computing them
(``pipelines.compute.runner``), joining their files (``pipelines.lake.parquet_parts``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import duckdb

from pipelines.compute.workspace import Workspace
from pipelines.lake.duck import identifier, list_literal, literal
from pipelines.lake.partitions import DaySpan
from pipelines.sqlproject.model import Model
from pipelines.sqlproject.within import is_within

ROWS_PER_RANGE = 10_000_000
"""About how many rows of the sorted tables a range has. A day with fewer rows in all is computed at once.

A range has more rows if one value, for example one device, has more.
"""


@dataclass(frozen=True)
class Ranges:
    """Ranges of the values of *column*, as SQL *conditions*. Each value, except null, is in exactly one of them."""

    column: str
    conditions: tuple[str, ...]


def ranges_of(
    workspace: Workspace, connection: duckdb.DuckDBPyConnection, model: Model, span: DaySpan
) -> Ranges | None:
    """The ranges in which *model* is computed for the day *span*; None: its day is computed at once."""
    for column in _candidates(workspace, model):
        tables = _files(workspace, model, span, column)
        in_order = [path for table, files in tables.items() if _first_of(workspace, table) == column for path in files]
        if _rows(connection, in_order) <= ROWS_PER_RANGE or not _can_be_split(workspace, model, span, column):
            continue
        files = [path for found in tables.values() for path in found]
        starts = _starts(connection, in_order, column)
        if starts and _has_values(connection, files, column):
            return Ranges(column, tuple(_conditions(column, starts)))
    return None


def _candidates(workspace: Workspace, model: Model) -> list[str]:
    """The columns whose ranges *model* may be computed in, if its query allows that."""
    if model.python:
        return []
    tables = {read.table: workspace.project.relation(read.table) for read in workspace.project.reads[model.name]}
    firsts = dict.fromkeys(first for table in tables if (first := _first_of(workspace, table)))
    return [
        first
        for first in firsts
        if {columns[first] for columns in tables.values() if first in columns} == {"VARCHAR"}
        and (not model.sorted_by or model.sorted_by[0] == first)
    ]


def _first_of(workspace: Workspace, table: str) -> str | None:
    """The column by which *table* is sorted first; None if it is not sorted."""
    model = workspace.project.models.get(table)
    return model.sorted_by[0] if model is not None and model.sorted_by else None


def _files(workspace: Workspace, model: Model, span: DaySpan, column: str) -> dict[str, list[Path]]:
    """The files that *model* reads for *span* of each table that has *column*."""
    return {
        read.table: workspace.files(read.table, workspace.days_read(read, span, model.name))
        for read in workspace.project.reads[model.name]
        if column in workspace.project.relation(read.table)
    }


def _can_be_split(workspace: Workspace, model: Model, span: DaySpan, column: str) -> bool:
    schema = {read.table: workspace.project.relation(read.table) for read in workspace.project.reads[model.name]}
    return is_within(workspace.project.bind(model, span), schema, column)


def _rows(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> int:
    if not files:
        return 0
    query = f"SELECT CAST(sum(num_rows) AS BIGINT) FROM parquet_file_metadata({list_literal(files)})"
    return int(connection.execute(query).fetchall()[0][0])


def _has_values(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], column: str) -> bool:
    """Whether *column* has a value in every row of *files*: a row without one would be in no range."""
    query = f"SELECT sum(rows) FILTER (WHERE nulls = 0) FROM ({_chunks_sql(files, column)})"
    return bool(connection.execute(query).fetchall()[0][0] == _rows(connection, files))


def _starts(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], column: str) -> list[str]:
    """The values at which the second and all later ranges begin, ascending."""
    chunks = connection.execute(f"SELECT first, rows FROM ({_chunks_sql(files, column)}) ORDER BY first").fetchall()
    starts: list[str] = []
    last = chunks[0][0]
    rows = 0
    for first, more in chunks:
        if rows >= ROWS_PER_RANGE and first is not None and first > last:
            starts.append(first)
            last = first
            rows = 0
        rows += more
    return starts


def _chunks_sql(files: Sequence[Path], column: str) -> str:
    """SQL for each row group of *files*: the smallest value of *column*, and its numbers of rows and of nulls."""
    return (
        "SELECT stats_min_value AS first, row_group_num_rows AS rows, stats_null_count AS nulls "
        f"FROM parquet_metadata({list_literal(files)}) WHERE path_in_schema = {literal(column)}"
    )


def _conditions(column: str, starts: list[str]) -> Iterator[str]:
    name = identifier(column)
    for low, high in pairwise([None, *starts, None]):
        terms = [f"{name} >= {literal(low)}"] if low is not None else []
        terms += [f"{name} < {literal(high)}"] if high is not None else []
        yield " AND ".join(terms)
