"""Rules about lists, series, and the rows that aggregates and windows choose.

Not here: table functions (``shape``); string_agg (``texts``).
"""

from __future__ import annotations

from sqlglot import exp

from pipelines.sqlproject.lint_rules.base import INTEGERS, TEXTS, TIMESTAMPS, D, Rule, around, bare, kind, says_not_null

_RANKING = (
    exp.RowNumber,
    exp.Rank,
    exp.DenseRank,
    exp.PercentRank,
    exp.CumeDist,
    exp.Ntile,
    exp.Lag,
    exp.Lead,
    exp.FirstValue,
    exp.LastValue,
    exp.NthValue,
)


class ListAggregate(Rule):
    """On Spark, list() and array_agg() lose ORDER BY and NULLs, and give [] instead of NULL for no rows."""

    nodes = (exp.ArrayAgg,)
    instead = (
        "list_sort(list(struct_pack(t := …, v := …))) with GROUP BY and without FILTER, sorted by t; "
        "list_sort(list(COALESCE(x, ''))) for sorted text; string_agg(x, ',' ORDER BY y) for text"
    )

    def _refuses(self, node: exp.Expr) -> bool:
        select = node.find_ancestor(exp.Select)
        is_grouped = select is not None and select.args.get("group") is not None
        is_sorted = isinstance(around(node), exp.ArraySort)
        return not (_is_never_null(bare(node.this)) and is_sorted and is_grouped)


def _is_never_null(value: exp.Expr) -> bool:
    """Whether *value* is a struct, or a COALESCE that ends with a literal."""
    if isinstance(value, exp.Coalesce):
        return isinstance(bare(value.expressions[-1]), exp.Literal)
    return isinstance(value, exp.Struct)


class ListSubscript(Rule):
    """On Spark, list[i] fails if the list is shorter, and map[1] is translated as if 1 were a position in a list."""

    nodes = (exp.Bracket,)
    functions = frozenset({"list_extract", "array_extract", "list_element", "element_at", "map_extract"})
    instead = "unnest and row_number(), or arg_min(x, y) and arg_max(x, y) in place of the list; m['key'] for maps"

    def _refuses(self, node: exp.Expr) -> bool:
        if not isinstance(node, exp.Bracket):
            return True
        if node.find(exp.Slice):
            return False  # the rule ListSlice reports this
        keys = node.expressions
        return kind(node.this) not in {D.MAP, D.STRUCT} or not all(kind(key) in TEXTS for key in keys)


class ListSlice(Rule):
    """Slices such as list[1:3] fail on Spark."""

    nodes = (exp.Slice,)
    functions = frozenset({"list_slice", "array_slice"})
    instead = "row_number() <= 3 on the rows before they become a list; substring() or left() for text"


class ListComprehension(Rule):
    """A list comprehension fails on Spark."""

    nodes = (exp.Comprehension,)
    instead = "list_transform(list, lambda x: …) and list_filter(list, lambda x: …)"


class ListFunction(Rule):
    """Aggregates over a list exist in DuckDB only."""

    functions = frozenset(
        f"{prefix}_{name}"
        for prefix in ("list", "array")
        for name in ("sum", "avg", "count", "product", "median", "first", "last", "any_value", "string_agg")
    ) | {"list_aggregate", "array_aggregate", "list_aggr", "array_aggr", "aggregate", "list_unique", "array_unique"}
    instead = "the aggregate over the rows before they become a list, or over unnest(list) AS t(x)"


class FirstOfGroup(Rule):
    """first(), last() and any_value() take an arbitrary row; first(x ORDER BY y) fails on Spark."""

    nodes = (exp.First, exp.Last, exp.AnyValue)
    functions = frozenset({"arbitrary"})
    instead = "arg_min(x, y) FILTER (WHERE x IS NOT NULL) or arg_max; max(x) where x is the same in the whole group"


class NullOfArgMax(Rule):
    """arg_max(x, y) and arg_min(x, y) skip rows whose x is NULL in DuckDB, but not on Spark."""

    nodes = (exp.ArgMax, exp.ArgMin)
    instead = "arg_max(x, y) FILTER (WHERE x IS NOT NULL), or arg_max(struct_pack(v := x), y).v to include NULLs"

    def _refuses(self, node: exp.Expr) -> bool:
        value = bare(node.this)
        if isinstance(value, exp.Coalesce):
            value = bare(value.expressions[-1])
        if isinstance(value, exp.Struct | exp.Literal):
            return False
        condition = node.parent.args["expression"].this if isinstance(node.parent, exp.Filter) else None
        return condition is None or not says_not_null(condition, value)


class Series(Rule):
    """Without a step, a series whose last value is below its first is empty in DuckDB, but runs backwards on Spark."""

    nodes = (exp.GenerateSeries,)
    instead = "unnest(generate_series(first, last, step)) with an explicit step, also in place of range()"

    def _refuses(self, node: exp.Expr) -> bool:
        if isinstance(node.parent, exp.Table):
            return False  # the rule SeriesAsTable reports this
        return bool(node.args.get("is_end_exclusive")) or node.args.get("step") is None


class SeriesOfDates(Rule):
    """A series of DATEs has type TIMESTAMP in DuckDB and DATE on Spark."""

    nodes = (exp.GenerateSeries,)
    instead = "CAST(t.day AS DATE) wherever the column of FROM unnest(generate_series(…)) AS t(day) is used"

    def _refuses(self, node: exp.Expr) -> bool:
        ends = {kind(node.args["start"]), kind(node.args["end"])}
        if ends <= {*INTEGERS, *TIMESTAMPS, D.NULL}:
            return False
        unnest, select = node.parent, node.find_ancestor(exp.Select)
        if not isinstance(unnest, exp.Unnest) or select is None or not unnest.alias_column_names:
            return True
        name = unnest.alias_column_names[0]
        uses = [
            column
            for column in select.find_all(exp.Column)
            if column.name == name and column.table in ("", unnest.alias)
        ]
        return not all(isinstance(around(use), exp.Cast) and kind(around(use)) in {D.DATE, *TIMESTAMPS} for use in uses)


class UnnestInSelect(Rule):
    """Spark allows only one unnest among the columns of a SELECT, and not inside an expression."""

    nodes = (exp.Explode,)
    instead = "CROSS JOIN unnest(list) AS t(x)"

    def _refuses(self, node: exp.Expr) -> bool:
        parent = node.parent.parent if isinstance(node.parent, exp.Alias) else node.parent
        if isinstance(parent, exp.Lateral):
            return False
        return not isinstance(parent, exp.Select) or len([e for e in parent.expressions if e.find(exp.Explode)]) > 1


class WindowFrame(Rule):
    """EXCLUDE is dropped from a window frame in the translation for Spark, and GROUPS frames fail there."""

    nodes = (exp.WindowSpec,)
    instead = "ROWS or RANGE frames; two frames, before and after the row, in place of EXCLUDE CURRENT ROW"

    def _refuses(self, node: exp.Expr) -> bool:
        return bool(node.args.get("exclude")) or str(node.args.get("kind")).upper() == "GROUPS"


class DistinctWindow(Rule):
    """Spark refuses DISTINCT in a window function."""

    nodes = (exp.Window,)
    instead = "count(DISTINCT x) in a separate GROUP BY, joined by key; or count rows where row_number() = 1"

    def _refuses(self, node: exp.Expr) -> bool:
        function = node.this.this if isinstance(node.this, exp.Filter | exp.IgnoreNulls) else node.this
        return isinstance(function, exp.AggFunc) and isinstance(function.this, exp.Distinct)


class UnorderedWindow(Rule):
    """Ranking and lag/lead functions without ORDER BY in their window give arbitrary results, and fail on Spark."""

    nodes = (exp.Window,)
    instead = "OVER (PARTITION BY … ORDER BY <columns that together identify a row>)"

    def _refuses(self, node: exp.Expr) -> bool:
        function = node.this
        while isinstance(function, exp.Filter | exp.IgnoreNulls | exp.RespectNulls):
            function = function.this
        return isinstance(function, _RANKING) and not _has_order(node)


def _has_order(window: exp.Expr) -> bool:
    if window.args.get("order"):
        return True
    select = window.find_ancestor(exp.Select)
    named = select.args.get("windows") or [] if select else []
    alias = window.args.get("alias")
    return any(alias is not None and other.name == alias.name and bool(other.args.get("order")) for other in named)


RULES: tuple[type[Rule], ...] = (
    ListAggregate,
    ListSubscript,
    ListSlice,
    ListComprehension,
    ListFunction,
    FirstOfGroup,
    NullOfArgMax,
    Series,
    SeriesOfDates,
    UnnestInSelect,
    WindowFrame,
    DistinctWindow,
    UnorderedWindow,
)
