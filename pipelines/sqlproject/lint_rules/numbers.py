"""Rules about numbers: division, rounding, casts between types, statistics.

Not here: arithmetic on dates (``times``); text (``texts``).
"""

from __future__ import annotations

from sqlglot import exp

from pipelines.sqlproject.lint_rules.base import (
    DECIMALS,
    FLOATS,
    INTEGERS,
    TEXTS,
    TIMES,
    D,
    Rule,
    bare,
    is_integral,
    is_parameter,
    kind,
    number,
    says_not_null,
    text,
)

_CAST_TARGETS = {
    *TEXTS,
    *DECIMALS,
    *FLOATS,
    D.TINYINT,
    D.SMALLINT,
    D.INT,
    D.BIGINT,
    D.BOOLEAN,
    D.DATE,
    D.TIMESTAMP,
    D.TIMESTAMPNTZ,
    D.ARRAY,
    D.LIST,
    D.STRUCT,
    D.MAP,
}


def _is_never_zero(node: exp.Expr) -> bool:
    node = bare(node)
    if isinstance(node, exp.Nullif):
        return number(node.args["expression"]) == 0
    if isinstance(node, exp.Cast) and kind(node) in FLOATS:
        return _is_never_zero(node.this)
    return number(node) not in (None, 0)


class DivisionByZero(Rule):
    """Division by zero fails on Spark; in DuckDB it gives infinity, NULL or an error."""

    nodes = (exp.Div, exp.IntDiv, exp.Mod)
    instead = "a / NULLIF(b, 0), the same with // and %; a literal divisor needs no NULLIF"

    def _refuses(self, node: exp.Expr) -> bool:
        return not _is_never_zero(node.args["expression"]) and not is_parameter(node.args["expression"])


class DecimalDivision(Rule):
    """The quotient of DECIMALs is a DOUBLE in DuckDB; on Spark it is a DECIMAL, truncated to as few as six digits."""

    nodes = (exp.Div,)
    instead = "CAST(a AS DOUBLE) / NULLIF(b, 0)"

    def _refuses(self, node: exp.Expr) -> bool:
        kinds = {kind(node.this), kind(node.args["expression"])}
        return not kinds & FLOATS and not kinds <= {*INTEGERS, D.NULL, D.INTERVAL}


class WholeDivision(Rule):
    """// of numbers that are not integers keeps the fraction in DuckDB and drops it on Spark."""

    nodes = (exp.IntDiv,)
    instead = "floor(a / NULLIF(b, 0)), or integers on both sides of //"

    def _refuses(self, node: exp.Expr) -> bool:
        return not {kind(node.this), kind(node.args["expression"])} <= {*INTEGERS, D.NULL}


class DecimalAverage(Rule):
    """avg and median of a DECIMAL are a rounded DECIMAL in one engine and a DOUBLE in the other."""

    nodes = (exp.Avg, exp.Median)
    instead = "avg(CAST(x AS DOUBLE)); an argument of unknown type needs a CAST as well"

    def _refuses(self, node: exp.Expr) -> bool:
        argument = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
        return kind(argument) not in {*INTEGERS, *FLOATS}


class SumOfBoolean(Rule):
    """Spark refuses the sum of BOOLEANs."""

    nodes = (exp.Sum,)
    instead = "count(*) FILTER (WHERE condition)"

    def _refuses(self, node: exp.Expr) -> bool:
        return kind(node.this) is D.BOOLEAN


class RoundingCast(Rule):
    """A CAST of a number with a fraction to an integer rounds in DuckDB and truncates on Spark."""

    nodes = (exp.Cast, exp.TryCast)
    instead = "CAST(round(x) AS BIGINT), or with floor(x) or ceil(x)"

    def _refuses(self, node: exp.Expr) -> bool:
        source = kind(node.this)
        if kind(node) not in INTEGERS or source in TEXTS or source in TIMES:
            return False
        return not is_integral(node.this) and not is_parameter(node.this)


class DoubleToDecimal(Rule):
    """A CAST of a DOUBLE to DECIMAL rounds ties such as 1.005 by binary value in DuckDB, by printed value on Spark."""

    nodes = (exp.Cast, exp.TryCast)
    instead = "DECIMAL throughout, or CAST(CAST(floor(x * 10000 + 0.5) AS BIGINT) * 0.0001 AS DECIMAL(18,4))"

    def _refuses(self, node: exp.Expr) -> bool:
        if kind(node) not in DECIMALS or kind(node.this) in {*DECIMALS, *TEXTS}:
            return False
        return not is_integral(node.this) and not is_parameter(node.this)


class RoundedDouble(Rule):
    """round(x, digits) of a DOUBLE rounds ties such as 1.005 by binary value in DuckDB, by printed value on Spark."""

    nodes = (exp.Round,)
    instead = "the unrounded DOUBLE (dashboards round it), or round() of a DECIMAL"

    def _refuses(self, node: exp.Expr) -> bool:
        digits = node.args.get("decimals")
        return digits is not None and number(digits) != 0 and kind(node.this) not in {*INTEGERS, *DECIMALS}


class TextCast(Rule):
    """Spark casts some texts differently: '1.5' AS INT, '2026' AS DATE, 'yes' AS BOOLEAN."""

    nodes = (exp.Cast, exp.TryCast)
    instead = (
        "CAST(round(CAST(x AS DOUBLE)) AS BIGINT) for integers, the same with TRY_CAST(x AS DOUBLE); "
        "CAST(strptime(x, '%Y-%m-%d') AS DATE) for dates; x = 'true' for booleans"
    )

    def _refuses(self, node: exp.Expr) -> bool:
        source, target = kind(node.this), kind(node)
        if target not in {*INTEGERS, *TIMES, D.BOOLEAN} or is_parameter(node.this):
            return False
        if text(bare(node.this)) is not None:
            return isinstance(node, exp.TryCast) or target not in TIMES
        # The rule RoundingCast already refuses a cast of an unknown type to an integer, so do not report it twice.
        return source in TEXTS or (source is D.UNKNOWN and target not in INTEGERS)


class CastTarget(Rule):
    """Spark lacks this type, or has a different type of this name: TIME becomes a TIMESTAMP there."""

    nodes = (exp.Cast, exp.TryCast)
    instead = (
        "VARCHAR, BOOLEAN, TINYINT to BIGINT, DECIMAL(p, s), FLOAT, DOUBLE, DATE or TIMESTAMP (UTC), and lists, "
        "structs and maps of these"
    )

    def _refuses(self, node: exp.Expr) -> bool:
        return any(part.this not in _CAST_TARGETS for part in node.args["to"].find_all(exp.DataType))


class LogWithoutBase(Rule):
    """log(x) has base 10 in DuckDB and base e on Spark."""

    nodes = (exp.Log,)
    instead = "log10(x) or ln(x)"

    def _refuses(self, node: exp.Expr) -> bool:
        return node.args.get("expression") is None


class IsNanOfNull(Rule):
    """isnan(NULL) is NULL in DuckDB and FALSE on Spark."""

    nodes = (exp.IsNan,)
    instead = "x IS NOT NULL AND isnan(x), or isnan(coalesce(x, 0))"

    def _refuses(self, node: exp.Expr) -> bool:
        inner = bare(node.this)
        if isinstance(inner, exp.Coalesce) and number((inner.this, *inner.expressions)[-1]) is not None:
            return False
        outermost, above = node, node.parent
        while isinstance(above, exp.And | exp.Paren):
            outermost, above = above, above.parent
        return not says_not_null(outermost, inner)


class Quantile(Rule):
    """A quantile becomes approximate on Spark, uses another definition, or fails."""

    nodes = (exp.PercentileCont, exp.PercentileDisc, exp.Quantile, exp.ApproxQuantile, exp.ApproxDistinct)
    functions = frozenset({"reservoir_quantile"})
    instead = (
        "median(x), or row_number() OVER (ORDER BY x) against count(*) OVER (); count(DISTINCT x) for distinct counts"
    )


class TryFunction(Rule):
    """TRY(…) is dropped in the translation for Spark, so the query fails there."""

    nodes = (exp.Try,)
    instead = "NULLIF(b, 0) against division by zero, TRY_CAST for casts"


RULES: tuple[type[Rule], ...] = (
    DivisionByZero,
    DecimalDivision,
    WholeDivision,
    DecimalAverage,
    SumOfBoolean,
    RoundingCast,
    DoubleToDecimal,
    RoundedDouble,
    TextCast,
    CastTarget,
    LogWithoutBase,
    IsNanOfNull,
    Quantile,
    TryFunction,
)
