"""The rule that a column named like a ratio metric holds that ratio.

Here: comparing an expression with the formula of ``sql/metrics.yaml``, over parts of the same names.
Not here: the formulas (``pipelines.sqlproject.metrics``).
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from pipelines.sqlproject.lint_rules.base import Rule, bare, number
from pipelines.sqlproject.metrics import Metric, load_metrics
from pipelines.sqlproject.model import DIALECT


class MetricFormula(Rule):
    """This column has the name of a metric, and another formula."""

    nodes = (exp.Alias,)
    instead = "the formula of sql/metrics.yaml over columns of the same names, or another name for the column"
    as_written = True

    def _refuses(self, node: exp.Expr) -> bool:
        metric = _held(node.alias, self.table)
        if metric is None or not isinstance(node.parent, exp.Select) or isinstance(bare(node.this), exp.Column):
            return False
        accepted = set(_accepted(metric, self.table))
        return bool(accepted) and _plain(node.this) not in accepted

    def message(self, node: exp.Expr) -> str:
        """The rule's message, with the formula that was expected."""
        metric = _held(node.alias, self.table)
        formula = next(_accepted(metric, self.table), "") if metric else ""
        return f"{super().message(node)} ({node.alias} = {formula})"


def _held(column: str, table: str) -> Metric | None:
    """The metric that *column* of *table* holds: the one that says so, else the one of its name."""
    metrics = load_metrics()
    return next((metric for metric in metrics.values() if metric.columns.get(table) == column), metrics.get(column))


def _accepted(metric: Metric, table: str) -> Iterator[str]:
    """The forms that the expression of a ratio may have; none where the metric is no ratio."""
    if table in metric.elsewhere:
        if not list(metric.elsewhere[table].find_all(exp.AggFunc)):
            yield _plain(metric.elsewhere[table])
        return
    if not metric.is_ratio or metric.formula is None:
        return
    metrics = load_metrics()
    if isinstance(metric.formula, exp.Column):
        yield from _accepted(metrics[metric.parts[0]], table)
        return
    yield _plain(metric.formula)

    def as_computed(node: exp.Expr) -> exp.Expr:
        part = metrics[node.name] if isinstance(node, exp.Column) else None
        formula = None if part is None else part.elsewhere.get(table, part.formula if part.table else None)
        return node if formula is None else formula.copy()

    computed = _plain(metric.formula.copy().transform(as_computed))
    if computed != _plain(metric.formula):
        yield computed


def _plain(tree: exp.Expr) -> str:
    """*tree* without what makes no other ratio: qualifiers, casts, rounding, sums, guards against NULL and zero."""
    plain = exp.paren(tree.copy())  # a root cannot be replaced
    for node in list(plain.walk(bfs=False))[::-1]:  # what stands within first
        inner = exp.column(node.name) if isinstance(node, exp.Column) else _inner(node)
        if inner is not None and node is not plain:
            node.replace(inner)
    return str(plain.this.sql(dialect=DIALECT)).lower()


def _inner(node: exp.Expr) -> exp.Expr | None:
    """What *node* only guards or sums; None where it does more."""
    inner: exp.Expr | None = None
    if (
        isinstance(node, exp.Cast | exp.Paren | exp.Sum | exp.Round)
        or (isinstance(node, exp.Nullif) and number(node.expression) == 0)
        or (isinstance(node, exp.Coalesce) and [number(other) for other in node.expressions] == [0])
        # Of SUM(x) OVER (), that of all rows, x is left by now.
        or (isinstance(node, exp.Window) and isinstance(node.this, exp.Column) and not node.args.get("partition_by"))
    ):
        inner = node.this
    # CASE WHEN it can be told THEN the ratio END is the ratio or NULL.
    if isinstance(node, exp.Case) and len(node.args["ifs"]) == 1 and not node.args.get("default"):
        inner = node.args["ifs"][0].args["true"]
    return inner


RULES: tuple[type[Rule], ...] = (MetricFormula,)
