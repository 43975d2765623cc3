"""Rules about the shape of a query: what a model is, which relations and joins it uses.

Not here: rules about which columns a SELECT returns (``selects``), rules about expressions.
"""

from __future__ import annotations

import re

from sqlglot import exp

from pipelines.sqlproject.lint_rules.base import Rule

_PATH_SIGN = re.compile(r"[./\\*:]")


class OneSelect(Rule):
    """A model or check is exactly one SELECT: it changes nothing, neither tables nor files nor settings."""

    nodes = (exp.Expr,)
    as_written = True
    instead = "one SELECT, with a WITH clause for the steps; the runner writes its result"

    def _refuses(self, node: exp.Expr) -> bool:
        if node.parent is None and not isinstance(node, exp.Query):
            return True
        return isinstance(node, exp.DML | exp.DDL | exp.Command | exp.Into) and not isinstance(node, exp.Query)


class AsofJoin(Rule):
    """ASOF JOIN exists in DuckDB only: it is not translated, and Spark refuses it."""

    nodes = (exp.Join,)
    as_written = True
    instead = (
        "UNION ALL of both sides and last_value(x IGNORE NULLS) OVER (… ORDER BY …), or an equality join and "
        "row_number() = 1"
    )

    def _refuses(self, node: exp.Expr) -> bool:
        return str(node.args.get("method")).upper() == "ASOF"


class PositionalJoin(Rule):
    """POSITIONAL JOIN pairs rows by an arbitrary order, and exists in DuckDB only."""

    nodes = (exp.Join,)
    as_written = True
    instead = "a join on a key, or on row_number() OVER (ORDER BY …)"

    def _refuses(self, node: exp.Expr) -> bool:
        return str(node.args.get("method")).upper() == "POSITIONAL"


class Pivot(Rule):
    """PIVOT and UNPIVOT in DuckDB's syntax fail on Spark, and the columns of PIVOT depend on the data."""

    nodes = (exp.Pivot,)
    as_written = True
    instead = "sum(x) FILTER (WHERE key = 'a') AS a, one for each column; UNION ALL for UNPIVOT"


class ColumnsExpression(Rule):
    """COLUMNS(…) exists in DuckDB only, and hides which columns a query has."""

    nodes = (exp.Columns,)
    as_written = True
    instead = "the columns by name"


class UnionByName(Rule):
    """UNION BY NAME exists in DuckDB only."""

    nodes = (exp.SetOperation,)
    as_written = True
    instead = "UNION ALL of SELECTs that list the same columns in the same order"

    def _refuses(self, node: exp.Expr) -> bool:
        return bool(node.args.get("by_name"))


class Sample(Rule):
    """A sample has different rows every time: a partition computed twice would differ."""

    nodes = (exp.TableSample,)
    as_written = True
    instead = "a condition on the rows, such as a range of dt"


class FileOrTableFunction(Rule):
    """A model may read only tables of the project: files and functions are not known as its dependencies."""

    nodes = (exp.Table, exp.ReadCSV, exp.ReadParquet)
    as_written = True
    instead = "the table that holds these rows (schema.name); ingestion reads files, sql/sources/ maps them"

    def _refuses(self, node: exp.Expr) -> bool:
        if not isinstance(node, exp.Table):
            return not isinstance(node.parent, exp.Table)
        if isinstance(node.this, exp.GenerateSeries):
            return False  # the rule SeriesAsTable reports this
        return not isinstance(node.this, exp.Identifier) or bool(_PATH_SIGN.search(node.name))


class SeriesAsTable(Rule):
    """FROM generate_series(…) or range(…) becomes a call that Spark refuses."""

    nodes = (exp.Table,)
    as_written = True
    instead = "FROM unnest(generate_series(first, last, step)) AS t(n)"

    def _refuses(self, node: exp.Expr) -> bool:
        return isinstance(node.this, exp.GenerateSeries)


class WithOrdinality(Rule):
    """WITH ORDINALITY counts from 1 in DuckDB and from 0 on Spark, so it can order but not number."""

    nodes = (exp.Unnest,)
    as_written = True
    instead = "the ordinality only in ORDER BY, with row_number() OVER (PARTITION BY … ORDER BY …) for the number"

    def _refuses(self, node: exp.Expr) -> bool:
        ordinality, query = node.args.get("offset"), node.find_ancestor(exp.Select)
        if not ordinality or query is None:
            return bool(ordinality)
        return any(
            column.name == ordinality.name and column.table in ("", node.alias) and not column.find_ancestor(exp.Order)
            for column in query.find_all(exp.Column)
        )


class FilteredWindow(Rule):
    """In DuckDB 2.0, a count with FILTER in a window takes a time quadratic in the rows of the partition."""

    nodes = (exp.Window,)
    as_written = True
    instead = "count(CASE WHEN … THEN 1 END) OVER (…)"

    def _refuses(self, node: exp.Expr) -> bool:
        return isinstance(node.this, exp.Filter) and isinstance(node.this.this, exp.Count)


class ConditionalUnnest(Rule):
    """For Spark, a join with unnest becomes LATERAL VIEW without its LEFT and its ON, which returns other rows."""

    nodes = (exp.Join,)
    as_written = True
    instead = "CROSS JOIN unnest(…) AS t(x), the condition in WHERE, and a LEFT JOIN of the result by key"

    def _refuses(self, node: exp.Expr) -> bool:
        relation = node.this.this if isinstance(node.this, exp.Lateral) else node.this
        if not isinstance(relation, exp.Unnest | exp.Explode):
            return False
        return bool(node.args.get("on") or node.args.get("using") or node.args.get("side"))


class Undetermined(Rule):
    """The result would depend on the clock or on chance: a partition computed twice would differ."""

    nodes = (
        exp.CurrentDate,
        exp.CurrentTime,
        exp.CurrentTimestamp,
        exp.CurrentDatetime,
        exp.Localtime,
        exp.Localtimestamp,
        exp.Rand,
        exp.Randn,
        exp.Uuid,
    )
    functions = frozenset(
        {"now", "today", "get_current_timestamp", "get_current_time", "transaction_timestamp", "setseed", "nextval"}
    )
    as_written = True
    instead = "the parameters $from_dt, $to_dt or $dt for time; a key made of the row's own columns for ids"


class ArbitraryRows(Rule):
    """LIMIT and DISTINCT ON without ORDER BY return arbitrary rows."""

    nodes = (exp.Limit, exp.Distinct)
    as_written = True
    instead = "ORDER BY over columns that together identify a row"

    def _refuses(self, node: exp.Expr) -> bool:
        if isinstance(node, exp.Distinct) and not node.args.get("on"):
            return False
        return node.parent is not None and not node.parent.args.get("order")


RULES: tuple[type[Rule], ...] = (
    OneSelect,
    AsofJoin,
    PositionalJoin,
    Pivot,
    ColumnsExpression,
    UnionByName,
    Sample,
    FileOrTableFunction,
    SeriesAsTable,
    WithOrdinality,
    FilteredWindow,
    ConditionalUnnest,
    Undetermined,
    ArbitraryRows,
)
