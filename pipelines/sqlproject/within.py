"""Whether a query can be computed in ranges of a column: if each row depends only on rows with one value of it.

Here: following a column, such as device_id, through every step of a query. A query is *within* the column if each step
that reads a table with it keeps rows of different values apart: its joins equate the column of both sides, its windows
partition by it, it groups by it. Then the rows for some values of the column are the same, whether or not the tables
have rows with other values. The answer is no for every construct that is not known to be safe.
Not here: choosing the ranges, computing them (``pipelines.compute.ranges``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp
from sqlglot.errors import SqlglotError

from pipelines.sqlproject.linter import qualified

Keys = frozenset[str] | None
"""The *keys* of a relation: its columns that equal the followed column in every row; None if no table in it has one."""


class _NotWithinError(Exception):
    """A step mixes rows with different values of the column."""


def is_within(tree: exp.Query, schema: Mapping[str, Mapping[str, str]], column: str) -> bool:
    """Whether the query *tree* can be computed in ranges of *column*.

    Rows whose *column* is null are not considered: the tables must have none.

    Args:
        tree: The query, with its parameters bound.
        schema: Table (``schema.name``) → column → DuckDB type, of the tables that it reads.
        column: A column of some of these tables. For a range, these tables have only their rows with values in the
            range; tables without the column have all their rows.
    """
    try:
        query = qualified(tree, schema)
        assert isinstance(query, exp.Query)
        return _Follower(schema, column).query(query, {}) is not None
    except (_NotWithinError, SqlglotError):
        return False


class _Follower:
    """Follows *column* of the tables in *schema* through a query whose names are qualified."""

    def __init__(self, schema: Mapping[str, Mapping[str, str]], column: str) -> None:
        self._schema = schema
        self._column = column

    def query(self, query: exp.Expr, outer: Mapping[str, Keys]) -> Keys:
        """The keys of the rows that *query* returns; *outer*: the keys of the CTEs that it may read.

        Raises:
            _NotWithinError: a step of the query mixes rows with different values of the column.
        """
        ctes = dict(outer)
        if with_ := query.args.get("with_"):
            _require(not with_.args.get("recursive"))
            for cte in with_.expressions:
                ctes[cte.alias] = self.query(cte.this, ctes)
        if isinstance(query, exp.Subquery):
            _require(
                not any(query.args.get(part) for part in ("limit", "offset", "sample", "pivots", "joins", "laterals"))
            )
            return self.query(query.this, ctes)
        if isinstance(query, exp.Union):
            return self._union(query, ctes)
        _require(isinstance(query, exp.Select))
        assert isinstance(query, exp.Select)
        return self._select(query, ctes)

    def _union(self, union: exp.Union, ctes: Mapping[str, Keys]) -> Keys:
        left, right = self.query(union.this, ctes), self.query(union.expression, ctes)
        if left is None and right is None:
            return None
        _require(left is not None and right is not None)  # otherwise some rows would be in every range
        _require(not union.args.get("distinct") and not union.args.get("by_name"))
        _require(not any(union.args.get(part) for part in ("limit", "offset")))
        assert left is not None
        assert right is not None
        names = zip(union.this.named_selects, union.expression.named_selects, strict=True)
        return frozenset(one for one, other in names if one in left and other in right)

    def _select(self, select: exp.Select, ctes: Mapping[str, Keys]) -> Keys:
        from_ = select.args.get("from_")
        keys = self._source(from_.this, ctes) if from_ else None
        for join in select.args.get("joins") or []:
            keys = self._joined(keys, join, ctes)
        steps = [part for name, part in _parts(select) if name not in ("with_", "from_", "joins")]
        steps += [on for join in select.args.get("joins") or [] if (on := join.args.get("on"))]
        for step in steps:
            for inner in step.find_all(exp.Query):
                _require(_reads_no_table(inner))
        if keys is None:
            return None
        _require_apart(select, keys)
        _require(
            len(set(select.named_selects)) == len(select.named_selects)
        )  # with two equal names, it is unclear which one a reader gets
        found = frozenset(
            item.alias_or_name
            for item in select.selects
            if isinstance(item.unalias(), exp.Column) and item.unalias().sql() in keys
        )
        _require(not select.args.get("distinct") or bool(found))
        return found

    def _source(self, node: exp.Expr, ctes: Mapping[str, Keys]) -> Keys:
        """The keys of a relation in FROM or JOIN, as ``alias.column``."""
        _require(not any(node.args.get(part) for part in ("sample", "pivots", "joins")))
        _require(isinstance(node, exp.Unnest) or not node.alias_column_names)
        keys: Keys = None
        if isinstance(node, exp.Table) and node.db:
            keys = frozenset({self._column}) if self._column in self._schema[f"{node.db}.{node.name}"] else None
        elif isinstance(node, exp.Table):
            _require(node.name in ctes)
            keys = ctes[node.name]
        elif isinstance(node, exp.Subquery):
            keys = self.query(node, ctes)
        else:
            _require(isinstance(node, exp.Unnest) and _reads_no_table(node))
        return None if keys is None else frozenset(f"{node.alias_or_name}.{name}" for name in keys)

    def _joined(self, keys: Keys, join: exp.Join, ctes: Mapping[str, Keys]) -> Keys:
        """The keys after *join* has been added to a relation with the keys *keys*."""
        new = self._source(join.this, ctes)
        kind = join.kind or join.side or "INNER"
        _require(not join.method and kind in ("INNER", "CROSS", "LEFT", "SEMI", "ANTI"))
        if new is None:
            return keys
        if keys is None:
            _require(kind in ("INNER", "CROSS"))  # otherwise the rows of the left side would be in every range
            return new
        _require(_equates(join.args.get("on"), keys, new))
        # If a LEFT JOIN finds no row, the right side's keys are null. Grouping by them would mix rows with different
        # values, so the result has only the left side's keys.
        return keys | new if kind == "INNER" else keys


def _parts(node: exp.Expr) -> list[tuple[str, exp.Expr]]:
    """The clauses of *node* by name."""
    return [
        (name, part)
        for name, value in node.args.items()
        for part in (value if isinstance(value, list) else [value])
        if isinstance(part, exp.Expr)
    ]


def _require_apart(select: exp.Select, keys: frozenset[str]) -> None:
    """Require that the windows and groups of *select* keep rows with different values apart."""
    _require(not any(select.args.get(part) for part in ("limit", "offset", "sample", "fetch", "match", "laterals")))
    if distinct := select.args.get("distinct"):
        _require(not distinct.args.get("on"))
    for window in select.find_all(exp.Window):
        if window.parent_select is select and not window.alias:  # the alias is that of a window in the WINDOW clause
            _require(_names_one(window.args.get("partition_by") or [], keys))
    if group := select.args.get("group"):
        _require(not any(group.args.get(part) for part in ("rollup", "cube", "grouping_sets", "all", "totals")))
        _require(_names_one(group.expressions, keys))
    else:  # a SELECT that returns a plain column does not aggregate all its rows into one
        _require(any(isinstance(item.unalias(), exp.Column) for item in select.selects))


def _names_one(expressions: Sequence[exp.Expr], keys: frozenset[str]) -> bool:
    return any(isinstance(item, exp.Column) and item.sql() in keys for item in expressions)


def _equates(on: exp.Expr | None, keys: frozenset[str], new: frozenset[str]) -> bool:
    """Whether *on* says, besides other conditions joined with AND, that one of *keys* equals one of *new*."""
    terms = on.flatten() if isinstance(on, exp.And) else [on]
    for term in terms:
        if isinstance(term, exp.EQ):
            sides = [side.sql() for side in (term.this, term.expression) if isinstance(side, exp.Column)]
            if len(sides) == 2 and any(a in keys and b in new for a, b in (sides, sides[::-1])):
                return True
    return False


def _reads_no_table(query: exp.Expr) -> bool:
    return not any(isinstance(node, exp.Table) for node in query.walk())


def _require(is_safe: object) -> None:
    if not is_safe:
        raise _NotWithinError
