"""The metrics: each is defined once, in ``sql/metrics.yaml``, and translated into SQL here.

Here: reading and validating the file; the SQL of a metric over a table; a query of metrics by dimensions.
Not here: formatting values (``dashboards.metrics``); checking the formulas in models (``lint_rules.metrics``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import sqlglot
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlglot import exp
from sqlglot.errors import SqlglotError

from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import DATA
from pipelines.home.yaml_files import describe, read_yaml
from pipelines.sqlproject.model import DIALECT
from pipelines.sqlproject.reads import nearest

FILE = DATA / "sql" / "metrics.yaml"
CALL = "METRICS"
"""The call for metrics in a query: ``SELECT entrance_id, METRICS(revenue, orders) FROM … GROUP BY entrance_id``."""

Unit = Literal["money", "count", "rate", "ratio", "days", "score", "points"]


class _Bilingual(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class _Entry(BaseModel):
    """A metric as written in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Bilingual
    unit: Unit
    direction: Literal["higher", "lower", "none"]
    table: str | None = Field(None, alias="from")
    formula: str | None = None
    elsewhere: dict[str, str] = {}
    column: dict[str, str] = {}
    definition: _Bilingual

    @model_validator(mode="after")
    def _formula_belongs_to_from(self) -> _Entry:
        if self.table and not self.formula:
            raise ValueError("'from' names a table; add 'formula', an aggregate over its columns")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    metrics: dict[str, _Entry]


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        key: Its identifier in queries, URLs and column names.
        names, definitions: Language (zh or en) → text.
        unit: The unit of its values.
        direction: Which values are better: higher, lower, or none.
        table: The table that *formula* aggregates; None for a metric computed from other metrics or without formula.
        formula: An aggregate over *table*, or an expression over other metrics; None if only a model computes it.
        elsewhere: Table → expression over its columns, for tables that need another formula.
        columns: Table → its column of this metric, for tables in which the column is not named *key*.
    """

    key: str
    names: Mapping[str, str]
    definitions: Mapping[str, str]
    unit: Unit
    direction: Literal["higher", "lower", "none"]
    table: str | None
    formula: exp.Expr | None
    elsewhere: Mapping[str, exp.Expr]
    columns: Mapping[str, str]

    @property
    def is_ratio(self) -> bool:
        """Whether the metric is computed from other metrics."""
        return self.table is None and self.formula is not None

    @property
    def parts(self) -> tuple[str, ...]:
        """The metrics in the formula of a ratio; empty if it is not a ratio."""
        if self.formula is None or not self.is_ratio:
            return ()
        return tuple(dict.fromkeys(column.name for column in self.formula.find_all(exp.Column)))


Metrics = Mapping[str, Metric]


@lru_cache(maxsize=4)
def load_metrics(path: Path = FILE) -> Metrics:
    """Key → metric, in the order of the file *path*.

    Raises:
        HeadwaterError: a key, unit or direction is unknown, a formula is not valid SQL, names unknown metrics or
            depends on itself, or two metrics share a name.
    """
    try:
        entries = _File.model_validate({"metrics": read_yaml(path)}).metrics
    except ValidationError as error:
        raise HeadwaterError(describe(error, _File).replace("metrics.", ""), where=path) from error
    found = {key: _metric(path, key, entry) for key, entry in entries.items()}
    for metric in found.values():
        _check_parts(path, metric, found)
    _check_names(path, found)
    return found


def _metric(path: Path, key: str, entry: _Entry) -> Metric:
    return Metric(
        key,
        entry.name.model_dump(),
        entry.definition.model_dump(),
        entry.unit,
        entry.direction,
        entry.table,
        None if entry.formula is None else _parsed(path, f"{key}.formula", entry.formula),
        {table: _parsed(path, f"{key}.elsewhere.{table}", text) for table, text in entry.elsewhere.items()},
        entry.column,
    )


def _parsed(path: Path, place: str, text: str) -> exp.Expr:
    try:
        tree = sqlglot.parse_one(f"SELECT {text}\n", read=DIALECT)
    except SqlglotError as error:
        raise HeadwaterError(
            f"'{place}' is '{text}': not valid SQL: {str(error).splitlines()[0]}", where=path
        ) from error
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1 or set(_clauses(tree)) != {"expressions"}:
        raise HeadwaterError(f"'{place}' is '{text}': expected one expression, such as SUM(revenue)", where=path)
    found: exp.Expr = tree.expressions[0]
    return found


def _clauses(tree: exp.Select) -> Iterator[str]:
    return (name for name, value in tree.args.items() if value)


def _check_parts(path: Path, metric: Metric, known: Metrics) -> None:
    """Check that a ratio is computed from known metrics, does not depend on itself, and has no aggregate.

    ``METRICS`` replaces the parts by their formulas, so an aggregate of a part would aggregate an aggregate.
    """
    if metric.table is None and metric.formula is not None:
        for aggregate in metric.formula.find_all(exp.AggFunc):
            if not isinstance(aggregate.parent, exp.Window):
                raise HeadwaterError(
                    f"'{metric.key}.formula' aggregates columns: '{aggregate.sql(DIALECT)}'",
                    where=path,
                    remedy="add 'from' with the table, or name metrics instead: refunded / revenue",
                )
    waiting: list[tuple[str, ...]] = [(metric.key,)]
    while waiting:
        way = waiting.pop()
        for part in known[way[-1]].parts:
            if part not in known:
                raise HeadwaterError(
                    f"'{way[-1]}.formula' names '{part}', which is no metric; a formula over columns needs 'from'",
                    where=path,
                    remedy=nearest(part, known),
                )
            if part == metric.key:
                raise HeadwaterError(f"'{metric.key}' depends on itself: {' → '.join((*way, part))}", where=path)
            if part not in way:
                waiting.append((*way, part))


def _check_names(path: Path, found: Metrics) -> None:
    """Check that no two metrics share a name, unless the formula of one is just the other."""
    for language in ("zh", "en"):
        seen: dict[str, Metric] = {}
        for metric in found.values():
            other = seen.setdefault(metric.names[language], metric)
            if other is not metric and not (_is(metric, other) or _is(other, metric)):
                name = metric.names[language]
                raise HeadwaterError(
                    f"'{other.key}' and '{metric.key}' have the same name '{name}'", where=path, remedy="rename one"
                )


def _is(metric: Metric, other: Metric) -> bool:
    return metric.is_ratio and isinstance(metric.formula, exp.Column) and metric.parts == (other.key,)


def known_metric(name: str) -> Metric:
    """The metric with the key *name*.

    Raises:
        HeadwaterError: there is no such metric.
    """
    found = load_metrics()
    if name not in found:
        raise HeadwaterError(f"unknown metric '{name}'", where=FILE, remedy=nearest(name, found))
    return found[name]


def _without_formula(name: str) -> HeadwaterError:
    remedy = f"select the column {name} of a table that has it, or add a formula to {FILE}"
    return HeadwaterError(f"METRICS cannot compute '{name}', which has no formula", remedy=remedy)


def formula_over(name: str, table: str | None) -> exp.Expr:
    """The metric *name* as an expression over columns of *table*; a ratio is computed from aggregates of its parts.

    Counts are BIGINT, sums of money have the DECIMAL type of their column, ratios are DOUBLE and NULL if they would
    divide by 0.

    Raises:
        HeadwaterError: there is no such metric, or it or one of its parts has no formula.
    """
    metric = known_metric(name)
    if table is not None and table in metric.elsewhere:
        return _counted(metric, metric.elsewhere[table].copy())
    if metric.formula is None:
        raise _without_formula(name)
    if metric.is_ratio:
        return _ratio(metric, {part: formula_over(part, table) for part in metric.parts})
    return _counted(metric, metric.formula.copy())


def _counted(metric: Metric, tree: exp.Expr) -> exp.Expr:
    return exp.cast(tree, "BIGINT") if metric.unit == "count" and isinstance(tree, exp.Sum) else tree


def _ratio(metric: Metric, parts: Mapping[str, exp.Expr]) -> exp.Expr:
    """The formula of *metric* with *parts* inserted; it divides DOUBLEs, and gives NULL instead of dividing by 0."""
    assert metric.formula is not None

    def insert_part(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Column):
            return node
        part = parts[node.name].copy()
        return exp.paren(part) if isinstance(part, exp.Binary) and node.parent else part

    tree = metric.formula.copy()
    for division in list(tree.find_all(exp.Div)):
        division.set("this", exp.cast(division.this, "DOUBLE"))
        division.set("expression", exp.func("NULLIF", division.expression, exp.Literal.number(0)))
    return tree.transform(insert_part)


def expanded(tree: exp.Query) -> exp.Query:
    """A copy of *tree* in which each ``METRICS(a, b)`` is replaced by the columns a and b with their formulas.

    The formulas are those for the first table in the FROM of the SELECT with ``METRICS``.

    Raises:
        HeadwaterError: a metric is unknown or has no formula, or METRICS is not a column of a SELECT.
    """
    tree = tree.copy()
    for call in [node for node in tree.find_all(exp.Anonymous) if node.name.upper() == CALL]:
        place = call.parent if isinstance(call.parent, exp.Alias) else call
        select, names = place.parent, [column.name for column in call.expressions]
        if not isinstance(select, exp.Select) or (place is not call and len(names) != 1):
            raise HeadwaterError(
                f"{call.sql(DIALECT)}: METRICS(…) must be a column of a SELECT; AS is allowed only for one metric"
            )
        table = _first_table(select)
        columns = [exp.alias_(formula_over(name, table), place.alias or name, dialect=DIALECT) for name in names]
        at = next(index for index, column in enumerate(select.expressions) if column is place)
        select.set("expressions", [*select.expressions[:at], *columns, *select.expressions[at + 1 :]])
    return tree


def _first_table(select: exp.Select) -> str | None:
    source = select.args.get("from_") or select.args.get("from")
    table = source.this if source is not None else None
    return f"{table.db}.{table.name}" if isinstance(table, exp.Table) and table.db else None


def select(
    names: Sequence[str],
    by: Sequence[str] = (),
    where: str = "",
    table: str | None = None,
    instead: Mapping[str, str] | None = None,
) -> exp.Select:
    """A query of the metrics *names*: one row for each combination of values in *by*, or one row in total.

    Each metric is aggregated over its own table (visitors over core.visitors, revenue over core.order_lines); ratios
    are computed from these aggregates. If a table has no rows for a combination, its aggregates are 0.

    Args:
        names: The metrics; they are the columns of the result after *by*.
        by: Columns that each of these tables has.
        where: A condition over columns that each of these tables has; a ``$name`` in it remains a parameter.
        table: The table over which to aggregate all metrics, instead of each metric's own.
        instead: Table → the table over which to aggregate its metrics instead.

    Raises:
        HeadwaterError: a metric is unknown, or has no formula.
    """
    found = {leaf: source for name in names for leaf, source in _leaves(name, table)}
    leaves = {leaf: (instead or {}).get(source, source) for leaf, source in found.items()}
    parts = [_aggregated(source, leaves, by, where) for source in dict.fromkeys(leaves.values())]
    union = parts[0] if len(parts) == 1 else exp.union(*parts, distinct=False, dialect=DIALECT)
    sums = exp.select(
        *by,
        *(
            f"CASE WHEN COUNT(*) FILTER (WHERE from_table = '{source}') > 0 THEN MAX({leaf}) ELSE 0 END AS {leaf}"
            for leaf, source in leaves.items()
        ),
        dialect=DIALECT,
    ).from_("parts")
    columns = [name if name in leaves else exp.alias_(_over_sums(name, leaves), name) for name in names]
    return (
        exp.select(*by, *columns, dialect=DIALECT)
        .from_("sums")
        .with_("parts", union, dialect=DIALECT)
        .with_("sums", sums.group_by(*by) if by else sums, dialect=DIALECT)
    )


def _leaves(name: str, table: str | None) -> Iterator[tuple[str, str]]:
    """The aggregated metrics from which *name* is computed, directly or through ratios, as (metric, its table)."""
    metric = known_metric(name)
    if metric.is_ratio and table not in metric.elsewhere:
        for part in metric.parts:
            yield from _leaves(part, table)
    elif source := table or metric.table:
        yield name, source
    else:
        raise _without_formula(name)


def _aggregated(source: str, leaves: Mapping[str, str], by: Sequence[str], where: str) -> exp.Select:
    columns = [
        exp.alias_(formula_over(leaf, source) if own == source else exp.null(), leaf) for leaf, own in leaves.items()
    ]
    tree = exp.select(*by, f"'{source}' AS from_table", *columns, dialect=DIALECT).from_(source, dialect=DIALECT)
    tree = tree.where(where, dialect=DIALECT) if where else tree
    return tree.group_by(*by) if by else tree.having("COUNT(*) > 0")


def _over_sums(name: str, leaves: Mapping[str, str]) -> exp.Expr:
    if name in leaves:
        return exp.column(name)
    metric = known_metric(name)
    return _ratio(metric, {part: _over_sums(part, leaves) for part in metric.parts})
