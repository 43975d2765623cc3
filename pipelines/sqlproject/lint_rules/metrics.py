"""The rule that a column with the name of a ratio metric is computed by that metric's formula.

Here: comparing a column's expression with the formula in ``sql/metrics.yaml``. For each metric that the formula names,
the expression must use the column of the same name.
Not here: the formulas (``pipelines.sqlproject.metrics``).
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from pipelines.sqlproject.lint_rules.base import Rule, bare, number
from pipelines.sqlproject.metrics import Metric, load_metrics
from pipelines.sqlproject.model import DIALECT


class MetricFormula(Rule):
    """This column has the name of a metric, but not the metric's formula."""

    nodes = (exp.Alias,)
    instead = "the formula of sql/metrics.yaml over columns of the same names, or another name for the column"
    as_written = True

    def _refuses(self, node: exp.Expr) -> bool:
        metric = _metric_in(node.alias, self.table)
        if metric is None or not isinstance(node.parent, exp.Select) or isinstance(bare(node.this), exp.Column):
            return False
        accepted = set(_expressions_for(metric, self.table))
        return bool(accepted) and _normalized(node.this) not in accepted

    def message(self, node: exp.Expr) -> str:
        """The rule's message, with the formula that was expected."""
        metric = _metric_in(node.alias, self.table)
        formula = next(_expressions_for(metric, self.table), "") if metric else ""
        return f"{super().message(node)} ({node.alias} = {formula})"


def _metric_in(column: str, table: str) -> Metric | None:
    """The metric in *column* of *table*: the one that declares this column, else the one with its name, else None."""
    metrics = load_metrics()
    return next((metric for metric in metrics.values() if metric.columns.get(table) == column), metrics.get(column))


def _expressions_for(metric: Metric, table: str) -> Iterator[str]:
    """The normalized expressions that *metric* may have in *table*, the usual one first.

    If empty, any expression is allowed.
    """
    if table in metric.elsewhere:
        if not list(metric.elsewhere[table].find_all(exp.AggFunc)):
            yield _normalized(metric.elsewhere[table])
        return
    if not metric.is_ratio or metric.formula is None:
        return
    metrics = load_metrics()
    if isinstance(metric.formula, exp.Column):
        yield from _expressions_for(metrics[metric.parts[0]], table)
        return
    yield _normalized(metric.formula)

    def as_computed(node: exp.Expr) -> exp.Expr:
        part = metrics[node.name] if isinstance(node, exp.Column) else None
        formula = None if part is None else part.elsewhere.get(table, part.formula if part.table else None)
        return node if formula is None else formula.copy()

    computed = _normalized(metric.formula.copy().transform(as_computed))
    if computed != _normalized(metric.formula):
        yield computed


def _normalized(tree: exp.Expr) -> str:
    """The SQL of *tree* without qualifiers, casts, rounding, sums and guards against NULL and zero, in lower case."""
    plain = exp.paren(tree.copy())  # a node can only be replaced within a parent
    for node in list(plain.walk(bfs=False))[::-1]:  # inner nodes first
        inner = exp.column(node.name) if isinstance(node, exp.Column) else _inner(node)
        if inner is not None and node is not plain:
            node.replace(inner)
    return str(plain.this.sql(dialect=DIALECT)).lower()


def _inner(node: exp.Expr) -> exp.Expr | None:
    """The expression that *node* only casts, rounds, sums or guards; None if *node* does more."""
    inner: exp.Expr | None = None
    if (
        isinstance(node, exp.Cast | exp.Paren | exp.Sum | exp.Round)
        or (isinstance(node, exp.Nullif) and number(node.expression) == 0)
        or (isinstance(node, exp.Coalesce) and [number(other) for other in node.expressions] == [0])
        # SUM(x) OVER () is the sum of all rows. Here it is x OVER (), because the SUM(x) within it has already become
        # x.
        or (isinstance(node, exp.Window) and isinstance(node.this, exp.Column) and not node.args.get("partition_by"))
    ):
        inner = node.this
    # CASE WHEN condition THEN ratio END is the ratio or NULL, so it only guards the ratio.
    if isinstance(node, exp.Case) and len(node.args["ifs"]) == 1 and not node.args.get("default"):
        inner = node.args["ifs"][0].args["true"]
    return inner


RULES: tuple[type[Rule], ...] = (MetricFormula,)
