"""The SQL of metrics: over a table, in a query that calls ``METRICS``, and a query of metrics by dimensions.

Not here: the metrics' definitions (``metrics``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlglot import exp

from pipelines.home.errors import HeadwaterError
from pipelines.sqlproject.metrics import FILE, Metric, known_metric
from pipelines.sqlproject.model import DIALECT

CALL = "METRICS"
"""The call for metrics in a query: ``SELECT entrance_id, METRICS(revenue, orders) FROM … GROUP BY entrance_id``."""


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
