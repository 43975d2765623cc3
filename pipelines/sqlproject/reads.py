"""Which tables a query reads, and for which days: found in its syntax tree and compared with its header.

Here: the type Read, and how a file's reads are found.
Not here: the order of the models (``project``), the columns (``contracts``).
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from pipelines.config_tables import CONFIG_TABLES
from pipelines.home.errors import HeadwaterError
from pipelines.ingest.sources.raw_tables import RAW_TABLES
from pipelines.lake.partitions import DaySpan
from pipelines.sqlproject.model import ALL_DAYS, Check, Model, SqlFile, ValueKey
from pipelines.sqlproject.parameters import Value, look_back

GIVEN: dict[str, Mapping[str, str]] = {**RAW_TABLES, **CONFIG_TABLES}
"""Tables that no model computes (raw and config) → column → type."""

_SAMPLE_DAY = dt.date(2020, 6, 15)
_SAMPLE = DaySpan(_SAMPLE_DAY, _SAMPLE_DAY)


@dataclass(frozen=True)
class Read:
    """A table that a model or check reads.

    Attributes:
        table: The table.
        offsets: Which days are read to compute a day, as numbers of days before it, ascending. None: all days.
        is_exact: Whether the query names each day (``dt = …``) instead of a span (``dt BETWEEN …``).
    """

    table: str
    offsets: tuple[int, ...] | None
    is_exact: bool = False

    @property
    def days(self) -> int | None:
        """The largest offset, which is how many days back the query reads; None for all days."""
        return None if self.offsets is None else self.offsets[-1]

    def days_of(self, day: dt.date) -> list[dt.date]:
        """The days that are read to compute *day*; empty if all days are read."""
        return [day - dt.timedelta(days=offset) for offset in self.offsets or ()]


def values_for(file: SqlFile, parameters: Mapping[str, Value], span: DaySpan | None) -> dict[str, Value]:
    """*parameters*, and the parameters for the days of *span*: dt for a model with ``as_of``, else from_dt and to_dt.

    *span* is None if *file* is not computed by day; then only *parameters* are returned.
    """
    if span is None:
        return dict(parameters)
    if isinstance(file, Model) and file.as_of:
        return {**parameters, "dt": span.last}
    return {**parameters, "from_dt": span.first, "to_dt": span.last}


def sample_span(file: SqlFile, models: Mapping[str, Model]) -> DaySpan | None:
    """A sample day to bind *file* to, for validating its columns; None if *file* is not computed by day."""
    model = models.get(file.model) if isinstance(file, Check) else models.get(file.name)
    return _SAMPLE if model is None or model.is_partitioned else None


def reads_of(file: SqlFile, models: Mapping[str, Model], parameters: Mapping[str, Value]) -> tuple[Read, ...]:
    """The tables that *file* reads.

    Raises:
        HeadwaterError: it reads an unknown table, or other days than its header declares; with file and line.
    """
    declared = {table: _declared(file, table, days, parameters) for table, days in file.reads.items()}
    try:
        mentions = _mentions(file, file.key_of(values_for(file, parameters, _SAMPLE)))
    except HeadwaterError as error:
        raise HeadwaterError(error.what, where=file.path, remedy=error.remedy) from error
    used: dict[str, Read] = {}
    for mention in mentions:
        read = _read(file, mention, models, reads_all_days=declared.get(mention.table, 0) is None)
        used[read.table] = _both(used[read.table], read) if read.table in used else read
    for table, days in declared.items():
        _require_declared(file, table, days, used, models)
    for read in used.values():
        if read.days and read.table not in declared:
            raise HeadwaterError(
                f"the query reads {read.table} up to {read.days} days before the computed day",
                where=file.path,
                remedy=f"declare this: 'reads: {{{read.table}: {read.days}}}'",
            )
    full = [read.table for read in used.values() if read.offsets is None]
    dated = [
        read.table
        for read in used.values()
        if read.offsets is not None and read.table in models and models[read.table].is_partitioned
    ]
    if full and dated and not isinstance(file, Check):
        raise HeadwaterError(
            f"reads all days of {full[0]}, so it cannot read {dated[0]}, which is partitioned by day: to find out what "
            f"has changed, its query runs before {dated[0]} is computed",
            where=file.path,
            remedy=f"leave out {dated[0]} here, and join it with this table in a second model with 'partition: dt'",
        )
    if isinstance(file, Model) and file.is_versioned_by_rows:
        for table in used:
            if table == file.name or not _is_versioned_by_rows(models.get(table)):
                raise HeadwaterError(
                    f"a model with 'version: rows' cannot read {table}, only tables versioned by their rows: its "
                    "query runs whenever stale days are looked for, before any table is computed",
                    where=f"{file.path}:1",
                    remedy="leave out 'version: rows', or read other tables",
                )
    return tuple(used.values())


def nearest(name: str, known: Iterable[str]) -> str:
    """The remedy for an unknown name: the most similar of *known*; '' if none is similar."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean '{close[0]}'?" if close else ""


class _Mention(NamedTuple):
    """A reference to a table in a query: its line, and the days that the SELECT reads, as in ``Read``.

    *offsets* None means that the SELECT has no condition on the table's days; in ``Read`` it means all days.
    """

    table: str
    line: int
    offsets: tuple[int, ...] | None
    is_exact: bool


def _read(file: SqlFile, mention: _Mention, models: Mapping[str, Model], *, reads_all_days: bool) -> Read:
    table = mention.table
    if table not in models and table not in GIVEN:
        raise HeadwaterError(
            f"unknown table '{table}'",
            where=f"{file.path}:{mention.line}",
            remedy=nearest(table, [*models, *GIVEN]),
        )
    if reads_all_days:
        return Read(table, None)
    if not (models[table].is_partitioned if table in models else "dt" in GIVEN[table]):
        return Read(table, (0,))
    as_of = isinstance(file, Model) and file.as_of
    if table == file.name:
        if mention.offsets != (1,) or as_of:
            raise HeadwaterError(
                "a table may read itself only for the previous day, and not at all with 'as_of'",
                where=f"{file.path}:{mention.line}",
                remedy="write 'dt = $from_dt - 1'",
            )
        return Read(table, mention.offsets, mention.is_exact)
    if mention.offsets is None or (mention.is_exact and not as_of):
        days = (
            "'dt = $dt', 'dt = $dt - n' or 'dt BETWEEN $dt - n AND $dt'"
            if as_of
            else "'dt BETWEEN $from_dt AND $to_dt' or 'dt BETWEEN $from_dt - n AND $to_dt'"
        )
        raise HeadwaterError(
            f"{table} is read without a condition on dt",
            where=f"{file.path}:{mention.line}",
            remedy=f"add {days} to the WHERE or ON of this SELECT, and declare n, if any, under 'reads' in the header",
        )
    return Read(table, mention.offsets, mention.is_exact)


def _both(one: Read, other: Read) -> Read:
    if one.offsets is None or other.offsets is None:
        return Read(one.table, None)
    return Read(one.table, tuple(sorted({*one.offsets, *other.offsets})), one.is_exact and other.is_exact)


def _require_declared(
    file: SqlFile, table: str, days: int | None, used: Mapping[str, Read], models: Mapping[str, Model]
) -> None:
    if table not in used:
        raise HeadwaterError(
            f"'reads' names {table}, which the query does not read", where=f"{file.path}:1", remedy="remove it"
        )
    if days is not None and used[table].days != days:
        raise HeadwaterError(
            f"'reads' declares {table} up to {days} days before the computed day, but the query reads up to "
            f"{used[table].days}",
            where=f"{file.path}:1",
        )
    if days is None and not table.startswith("raw.") and not _may_read_all_days(file, table, models):
        raise HeadwaterError(
            f"reads: '{ALL_DAYS}' is not allowed for {table}, only for raw tables; in an unpartitioned table also for "
            f"unpartitioned tables and for tables that are versioned by their rows",
            where=f"{file.path}:1",
        )


def _may_read_all_days(file: SqlFile, table: str, models: Mapping[str, Model]) -> bool:
    """Whether *file* may read all days of *table*: only if both are versioned by their rows, not by their inputs.

    Only then does the planner compute the rows of *table* before it decides whether *file* is stale.
    """
    return _is_versioned_by_rows(models.get(table)) and isinstance(file, Model) and not file.is_partitioned


def _is_versioned_by_rows(model: Model | None) -> bool:
    return model is not None and (
        not model.is_partitioned or model.is_versioned_by_rows or ALL_DAYS in model.reads.values()
    )


def _declared(file: SqlFile, table: str, days: str, parameters: Mapping[str, Value]) -> int | None:
    if days == ALL_DAYS:
        return None
    try:
        return look_back(days, parameters)
    except HeadwaterError as error:
        raise HeadwaterError(f"reads: {table}: {error.what}", where=f"{file.path}:1", remedy=error.remedy) from error


@lru_cache(maxsize=256)
def _mentions(file: SqlFile, values: ValueKey) -> tuple[_Mention, ...]:
    """The tables in the query of *file*, bound to a sample day. sqlglot's scopes distinguish tables from CTEs."""
    return tuple(
        _Mention(
            f"{source.db}.{source.name}" if source.db else source.name,
            file.line_of(source),
            *_offsets(source, scope.expression),
        )
        for scope in traverse_scope(file.bound({name: value for name, _, value in values}))
        if not scope.is_udtf  # the scopes of UNNEST and LATERAL list the tables beside them without reading them
        for source in scope.sources.values()
        if isinstance(source, exp.Table)
    )


def _offsets(node: exp.Table, select: exp.Expr) -> tuple[tuple[int, ...] | None, bool]:
    """(offsets, is_exact) as in ``_Mention``, from the condition of *select* on the dt of the table *node*."""
    conditions = [join.args["on"] for join in select.args.get("joins") or [] if join.args.get("on")]
    if where := select.args.get("where"):
        conditions.append(where.this)
    for condition in conditions:
        for term in condition.flatten() if isinstance(condition, exp.And) else [condition]:
            if not isinstance(term, exp.Between | exp.EQ) or not _is_dt_of(term.this, node):
                continue
            if isinstance(term, exp.EQ):
                low = high = _day(term.expression)
            else:
                low, high = _day(term.args["low"]), _day(term.args["high"])
            if low is None or high is None or high > _SAMPLE_DAY:
                continue
            nearest_day = 0 if isinstance(term, exp.Between) else (_SAMPLE_DAY - high).days
            return tuple(range(nearest_day, (_SAMPLE_DAY - low).days + 1)), isinstance(term, exp.EQ)
    return None, False


def _is_dt_of(column: exp.Expr, node: exp.Table) -> bool:
    return isinstance(column, exp.Column) and column.name == "dt" and column.table in ("", node.alias_or_name)


def _day(node: exp.Expr) -> dt.date | None:
    return dt.date.fromisoformat(node.this.name) if isinstance(node, exp.Cast) and node.is_type("DATE") else None
