"""Rules about dates, timestamps and intervals.

Not here: casts from other types (``texts``, ``numbers``).
"""

from __future__ import annotations

import re

from sqlglot import exp

from pipelines.sqlproject.lint_rules.base import (
    NUMBERS,
    SMALL_INTEGERS,
    TIMES,
    TIMESTAMPS,
    D,
    Rule,
    around,
    bare,
    function_name,
    is_parameter,
    kind,
    number,
    text,
)

_COARSER = ("MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "MONTH", "QUARTER", "YEAR")
_TRUNCATING_UNITS = {*_COARSER, "WEEK"}
_FIELDS = {"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DOY", "HOUR", "MINUTE"}
_FORMAT = re.compile(r"(?:%[YmdHMS]|[^A-Za-z%'\[\]{}#])+")


def _unit(node: exp.Expr) -> str:
    unit = node.args.get("unit")
    return unit.name.upper().removesuffix("S") if unit else ""


def _starts_at(unit: str, node: exp.Expr) -> bool:
    """Whether *node* is always the start of a *unit*, such as midnight for DAY.

    Between two such times there are as many boundaries of units as complete units, so both engines count the same.
    """
    node = bare(node)
    if isinstance(node, exp.Cast) and kind(node) in TIMES and kind(node.this) in TIMES:
        if kind(node) in TIMESTAMPS or unit not in _COARSER[: _COARSER.index("DAY") + 1]:
            return _starts_at(unit, node.this)
        return True
    if isinstance(node, exp.TimestampTrunc | exp.DateTrunc):
        found = _unit(node)
        if "WEEK" in (unit, found):
            return unit == found or (found == "WEEK" and unit in _COARSER[: _COARSER.index("DAY") + 1])
        return unit in _COARSER and found in _COARSER and _COARSER.index(found) >= _COARSER.index(unit)
    return kind(node) is D.DATE and unit in _COARSER[: _COARSER.index("DAY") + 1]


def _is_cast_to_time(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Cast) and kind(node) in {D.DATE, D.TIMESTAMP, D.TIMESTAMPNTZ}


class DateDiffBoundaries(Rule):
    """date_diff counts crossed boundaries in DuckDB and complete units on Spark."""

    nodes = (exp.DateDiff,)
    instead = (
        "date_diff(unit, date_trunc(unit, a), date_trunc(unit, b)), or for days CAST(a AS DATE) and CAST(b AS DATE)"
    )

    def _refuses(self, node: exp.Expr) -> bool:
        unit = _unit(node) or "DAY"
        if unit == "MICROSECOND":
            return False  # no time has a finer unit, so boundaries and complete units are the same
        return not (_starts_at(unit, node.this) and _starts_at(unit, node.args["expression"]))


class DayOfWeek(Rule):
    """Days of the week start at 0 in DuckDB and at 1 on Spark, and isodow() gives a wrong number there."""

    nodes = (exp.DayOfWeek, exp.DayOfWeekIso)
    functions = frozenset({"weekday"})
    instead = (
        "date_diff('day', DATE '1970-01-04', d) % 7 (0 = Sunday) or date_diff('day', DATE '1970-01-05', d) % 7 + 1 "
        "(1 = Monday), d a DATE from 1970 on"
    )


class TimeMinusTime(Rule):
    """The difference of two dates is a number in DuckDB and an interval on Spark; timestamps differ as well."""

    nodes = (exp.Sub,)
    instead = (
        "date_diff('day', earlier, later) for dates, date_diff('microsecond', earlier, later) for timestamps, or "
        "compare: later <= earlier + INTERVAL '24' HOUR"
    )

    def _refuses(self, node: exp.Expr) -> bool:
        return kind(node.this) in TIMES and kind(node.args["expression"]) in TIMES


class DatePlusInterval(Rule):
    """A DATE ± an INTERVAL is a TIMESTAMP in DuckDB and a DATE on Spark."""

    nodes = (exp.Add, exp.Sub)
    instead = "CAST(d + INTERVAL '1' DAY AS DATE), or d + 1 for days"

    def _refuses(self, node: exp.Expr) -> bool:
        sides = {kind(node.this), kind(node.args["expression"])}
        return sides == {D.DATE, D.INTERVAL} and not _is_cast_to_time(around(node))


class DatePlusNumber(Rule):
    """A DATE ± a number works in both engines for INTEGER only."""

    nodes = (exp.Add, exp.Sub)
    instead = "d + CAST(n AS INTEGER), or CAST(d + n * INTERVAL '1' DAY AS DATE)"

    def _refuses(self, node: exp.Expr) -> bool:
        left, right = kind(node.this), kind(node.args["expression"])
        if D.DATE not in (left, right):
            return False
        other = right if left is D.DATE else left
        return other in NUMBERS and other not in SMALL_INTEGERS


class UntypedArithmetic(Rule):
    """The type of one side of this + or − is unknown, so it may be arithmetic on dates."""

    nodes = (exp.Add, exp.Sub)
    instead = "columns of declared types, or CAST(… AS DOUBLE) around that side"

    def _refuses(self, node: exp.Expr) -> bool:
        sides = (node.this, node.args["expression"])
        return any(kind(side) is D.UNKNOWN and not is_parameter(side) for side in sides)


class IntervalOfExpression(Rule):
    """Spark refuses an INTERVAL whose amount is not a literal, or without a unit."""

    nodes = (exp.Interval, exp.ToDays)
    functions = frozenset(
        {"to_years", "to_months", "to_weeks", "to_hours", "to_minutes", "to_seconds", "to_milliseconds"}
    )
    instead = "n * INTERVAL '1' DAY"

    def _refuses(self, node: exp.Expr) -> bool:
        if not isinstance(node, exp.Interval):
            return True
        amount = text(node.this)
        is_number = amount is not None and re.fullmatch(r"-?\d+", amount) is not None
        return not isinstance(node.args.get("unit"), exp.Var) or not (is_number or number(node.this) is not None)


class DateTruncOfDate(Rule):
    """date_trunc of a DATE is not a DATE, and its type differs between the engines."""

    nodes = (exp.TimestampTrunc, exp.DateTrunc)
    instead = "CAST(date_trunc('month', d) AS DATE); an argument of unknown type needs a CAST as well"

    def _refuses(self, node: exp.Expr) -> bool:
        return kind(node.this) not in TIMESTAMPS and not _is_cast_to_time(around(node))


class DateTruncUnit(Rule):
    """Spark's date_trunc supports units from year to microsecond, and returns NULL for any other."""

    nodes = (exp.TimestampTrunc, exp.DateTrunc)
    instead = "year, quarter, month, week, day, hour, minute, second, millisecond or microsecond"

    def _refuses(self, node: exp.Expr) -> bool:
        return _unit(node) not in _TRUNCATING_UNITS


class AtTimeZone(Rule):
    """AT TIME ZONE shifts a TIMESTAMP in opposite directions in DuckDB and on Spark."""

    nodes = (exp.AtTimeZone, exp.FromTimeZone)
    functions = frozenset({"timezone"})
    instead = "UTC throughout; the shop's local day is the column dt"


class FractionalEpoch(Rule):
    """epoch() keeps fractions of a second in DuckDB and drops them on Spark."""

    nodes = (exp.TimeToUnix,)
    instead = "epoch(date_trunc('second', ts)), or date_diff('microsecond', a, b) for a difference"

    def _refuses(self, node: exp.Expr) -> bool:
        return not _starts_at("SECOND", node.this)


class EpochUnit(Rule):
    """epoch_ms(), epoch_us(), epoch_ns() and to_timestamp() fail on Spark or return another type."""

    nodes = (exp.UnixToTime,)
    functions = frozenset({"epoch_us", "epoch_ns"})
    instead = "make_timestamp(milliseconds * 1000), or epoch(date_trunc('second', ts)) * 1000"

    def _refuses(self, node: exp.Expr) -> bool:
        return number(node.args.get("scale")) != 6


class TimeBucket(Rule):
    """time_bucket() fails on Spark."""

    nodes = (exp.DateBin,)
    functions = frozenset({"time_bucket"})
    instead = (
        "make_timestamp(CAST(floor(epoch(date_trunc('second', ts)) / 900) * 900 * 1000000 AS BIGINT)) for 15 minutes"
    )


class DateAddFunction(Rule):
    """date_add() and date_sub() take an interval or unit in DuckDB, but a number of days on Spark."""

    nodes = (exp.DateAdd, exp.DateSub, exp.TimestampAdd, exp.TimestampSub, exp.DatetimeAdd, exp.DatetimeSub)
    functions = frozenset({"date_sub", "datesub"})
    instead = "CAST(d + INTERVAL '1' DAY AS DATE); date_diff() for units between two times"


class DatePart(Rule):
    """This part of a date differs on Spark (day of week, fractions of a second) or fails there."""

    nodes = (exp.Extract,)
    functions = frozenset({"date_part", "datepart"})
    instead = "year, quarter, month, week, day, doy, hour or minute; epoch() and date_diff() for the others"

    def _refuses(self, node: exp.Expr) -> bool:
        field = text(node.expressions[0]) if function_name(node) else node.this.name
        return field is None or field.upper() not in _FIELDS


class TimeFormat(Rule):
    """Only some codes of a time format mean the same on Spark, and other letters in the format are codes there."""

    nodes = (exp.TimeToStr, exp.StrToTime)
    instead = "a literal format of %Y %m %d %H %M %S and punctuation, such as '%Y-%m-%d'"

    def _refuses(self, node: exp.Expr) -> bool:
        found = text(node.args.get("format"))
        return found is None or _FORMAT.fullmatch(found) is None


RULES: tuple[type[Rule], ...] = (
    DateDiffBoundaries,
    DayOfWeek,
    TimeMinusTime,
    DatePlusInterval,
    DatePlusNumber,
    UntypedArithmetic,
    IntervalOfExpression,
    DateTruncOfDate,
    DateTruncUnit,
    AtTimeZone,
    FractionalEpoch,
    EpochUnit,
    TimeBucket,
    DateAddFunction,
    DatePart,
    TimeFormat,
)
