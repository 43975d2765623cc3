"""Values: the SQL expression that reads one given value as its column's type, or null where it says no such thing.

Here: which texts are times, dates, numbers, ids and words of a list. A value is read as what it says or not at all:
each text is matched from end to end before it is cast, because DuckDB's casts round, skip what they do not know and
take notations that nobody means.
Not here: what a null means for the record (``pipelines.ingest.records.validation``).
"""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from zoneinfo import ZoneInfo

from pipelines.home.settings import Settings
from pipelines.ingest.sources.target import Column
from pipelines.lake.duck import literal

_BLANKS = "chr(32) || chr(9) || chr(10) || chr(12) || chr(13)"
_INTEGERS = re.compile(r"U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)")
_WHOLE_NUMBER = r"\s*[+-]?[0-9]+([.]0*)?\s*"
_NUMBER = r"\s*[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?\s*"
_FOUR_DECIMALS = r"[+-]?[0-9]+([.][0-9]{1,4})?"

_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_HOUR_MINUTE = "([01][0-9]|2[0-3]):[0-5][0-9]"
_SECOND = ":[0-5][0-9]([.][0-9]{1,9})?"
_CLOCK = f"{_DAY}[T ]{_HOUR_MINUTE}({_SECOND})?"
_OFFSET = " ?(Z|UTC|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)"
_USUAL_INSTANT = f"{_DAY}[T ]{_HOUR_MINUTE}{_SECOND}(Z|[+-]{_HOUR_MINUTE})"
"""The instants that DuckDB casts as they are. Nearly all are so written, and one match is cheaper than two."""

_MILLISECONDS = (
    "({0} BETWEEN 315532800000 AND 4102444799999 "
    "OR {0} BETWEEN -86400000 AND 946684799 AND {0} NOT BETWEEN 20000101 AND 20991231)"
)
"""The numbers that are epoch milliseconds: of 1980 to 2099, and of a clock that began in 1970 and was not set since.

Others are no milliseconds: seconds of 2000 and later, which end where those of the clock do, microseconds, and days
and times written as one number, YYYYMMDD and longer.
"""

_NESTED = r"(?s)\s*(\{.*\}|\[.*\])\s*"
_NO_IDS = ("true", "false", "True", "False", "Infinity", "-Infinity", "inf", "-inf")
_WHOLE_WITH_DECIMALS = "[0-9]{1,15}[.]0+"
_ROUNDED = "[+-]?([0-9]{16,}[.]0+|[0-9]([.][0-9]+)?[eE][+][0-9]{2,3})"
"""Numbers that went through floating point, or a spreadsheet, and may stand for several ids."""


def typed(column: Column, given_type: str | None, given: str, settings: Settings) -> str:
    """The expression that reads *given*, of *given_type* (None: not given), as a value of *column*, or null."""
    if given_type is None:
        return f"CAST(NULL AS {column.kind})"
    text = as_text(given, given_type)
    if column.kind == "VARCHAR":
        return _text(column, text, settings)
    if column.kind in ("BIGINT", "INTEGER"):
        if _INTEGERS.fullmatch(given_type):
            return f"TRY_CAST({given} AS {column.kind})"
        return f"CASE WHEN {_matches(text, _WHOLE_NUMBER)} THEN TRY_CAST({text} AS {column.kind}) END"
    if column.kind == "TIMESTAMP":
        return _moment(column, given_type, given, text, settings.timezone)
    if column.kind == "DATE":
        return _date(given_type, given, text, settings.timezone)
    return _money(column, given_type, given, text)


def as_text(given: str, given_type: str) -> str:
    """*given*, of *given_type*, as text."""
    return given if given_type == "VARCHAR" else f"CAST({given} AS VARCHAR)"


def is_day(given: str, given_type: str) -> str:
    """The condition that *given*, a value that was read as a time, says a day and no time of day."""
    return _matches(as_text(given, given_type), _padded(_DAY))


def local_day(moment: str, timezone: str, earliest: str) -> str:
    """The expression of the day of *moment*, UTC and not before *earliest*, in *timezone*."""
    offset = fixed_offset(timezone, dt.date.fromisoformat(earliest))
    if offset is not None:
        return f"CAST({moment} + to_seconds({offset}) AS DATE)"
    return f"CAST(timezone({literal(timezone)}, CAST({moment} AS TIMESTAMPTZ)) AS DATE)"


@cache
def fixed_offset(timezone: str, earliest: dt.date) -> int | None:
    """The seconds that *timezone* is ahead of UTC from *earliest* to 2100, or None if that changes.

    Where it is fixed, adding it is several times as fast as asking the calendar for every row.
    """
    zone = ZoneInfo(timezone)
    # Ten days before the range and after it cover every offset; no zone leaves its offset for less than ten days.
    first = dt.datetime.combine(earliest, dt.time(), dt.UTC) - dt.timedelta(days=10)
    days = (dt.datetime(2100, 1, 20, tzinfo=dt.UTC) - first).days
    offsets = {(first + dt.timedelta(days=day)).astimezone(zone).utcoffset() for day in range(0, days, 10)}
    (offset, *others) = offsets
    return int(offset.total_seconds()) if offset is not None and not others else None


def _padded(pattern: str) -> str:
    return rf"\s*{pattern}\s*"


def _matches(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {literal(pattern)})"


def is_nothing(text: str, settings: Settings) -> str:
    """The condition that *text*, given for an id, is a word for nothing, or blank."""
    # Not IN: DuckDB makes a join of a long list, which may lose the order of the records.
    words = "".join(f" OR {text} = {literal(word)}" for word in settings.inputs.null_ids)
    # Only what begins with a blank (all of them sort before '!') can be nothing but blanks.
    return f"(({text} < '!' AND trim({text}, {_BLANKS}) = ''){words})"


def _id(text: str, settings: Settings) -> str:
    """An id as it is spelt, save a whole number with decimals, such as 12345.0: that is 12345 to other sources."""
    no_ids = " OR ".join(f"{text} = {literal(word)}" for word in _NO_IDS)
    # Nearly every id shows by its first sign, or by what it lacks, that it is neither JSON nor a number with decimals.
    return (
        f"CASE WHEN {is_nothing(text, settings)} OR {no_ids} THEN NULL "
        f"WHEN ({text} < '\\' AND {text} >= '[' OR {text} >= '{{' OR {text} < '!') AND {_matches(text, _NESTED)} "
        f"AND json_valid({text}) THEN NULL "
        f"WHEN {text} < ':' AND (contains({text}, '.') OR contains({text}, '+')) THEN "
        f"CASE WHEN {_matches(text, _ROUNDED)} THEN NULL "
        f"WHEN {_matches(text, _WHOLE_WITH_DECIMALS)} THEN split_part({text}, '.', 1) ELSE {text} END "
        f"ELSE {text} END"
    )


def _text(column: Column, text: str, settings: Settings) -> str:
    if column.is_id:
        return _id(text, settings)
    text = f"nullif({text}, '')"
    if column.allowed:
        return f"CASE WHEN {text} IN ({', '.join(map(literal, column.allowed))}) THEN {text} END"
    if column.shape:
        # Not matched in capitals: there are letters of other alphabets whose capital is one of ours.
        return f"CASE WHEN {_matches(text, column.shape)} THEN upper({text}) END"
    return text


def _money(column: Column, given_type: str, given: str, text: str) -> str:
    """An amount with at most four decimals: more are refused, not rounded away.

    Save for less than 0.00000001: that is what computing in floating point leaves behind (0.30000000000000004).
    """
    if _INTEGERS.fullmatch(given_type):
        return f"TRY_CAST({given} AS {column.kind})"
    value, exact = f"TRY_CAST({text} AS {column.kind})", f"TRY_CAST({text} AS DECIMAL(38, 20))"
    noise = "0.00000001"
    return (
        f"CASE WHEN {_matches(text, _FOUR_DECIMALS)} THEN {value} "
        f"WHEN {_matches(text, _NUMBER)} AND abs({exact} - {value}) < {noise} THEN {value} END"
    )


def _moment(column: Column, given_type: str, given: str, text: str, timezone: str) -> str:
    """An instant in UTC; null where the value is none."""
    if given_type.startswith("TIMESTAMP"):
        # A TIMESTAMP is UTC as it is; the session's time zone, UTC, makes one of a TIMESTAMPTZ.
        return f"CAST({given} AS TIMESTAMP)"
    milliseconds = f"TRY_CAST({text} AS BIGINT)"
    cases = [
        (_matches(text, _USUAL_INSTANT), _instant(text)),
        (
            f"NOT contains({text}, ':') AND {_matches(text, _WHOLE_NUMBER)}",
            f"CASE WHEN {_MILLISECONDS.format(milliseconds)} THEN make_timestamp({milliseconds} * 1000) END",
        ),
        (_matches(text, _padded(_CLOCK + _OFFSET)), _instant(_canonical(text))),
    ]
    if column.local:
        cases.append((_matches(text, _padded(_CLOCK)), _local(f"TRY_CAST({text} AS TIMESTAMP)", timezone)))
    if column.takes_day:
        # A day begins when its clocks say so: where midnight is skipped, an hour later.
        midnight = f"CAST(TRY_CAST({text} AS DATE) AS TIMESTAMP)"
        start = f"CAST(timezone({literal(timezone)}, {midnight}) AS TIMESTAMP)"
        cases.append((_matches(text, _padded(_DAY)), start))
    return "CASE " + " ".join(f"WHEN {condition} THEN {value}" for condition, value in cases) + " END"


def _instant(text: str) -> str:
    # Casting text to TIMESTAMP would drop its offset, so the cast is to TIMESTAMPTZ; what that counts is UTC.
    return f"make_timestamp(epoch_us(TRY_CAST({text} AS TIMESTAMPTZ)))"


def _canonical(text: str) -> str:
    """A time with an offset as DuckDB casts it: without blanks around the offset, Z for UTC."""
    trimmed = f"trim({text}, {_BLANKS})"
    return f"({trimmed}[:10] || ' ' || replace(replace({trimmed}[12:], ' ', ''), 'UTC', 'Z'))"


def _local(wall: str, timezone: str) -> str:
    """The instant at which the shop's clocks show *wall*: the second of two, null if they skip it."""
    instant = f"timezone({literal(timezone)}, {wall})"
    return f"CASE WHEN timezone({literal(timezone)}, {instant}) = {wall} THEN CAST({instant} AS TIMESTAMP) END"


def _date(given_type: str, given: str, text: str, timezone: str) -> str:
    """A day; of an instant the shop's local one."""
    if given_type == "DATE":
        return given
    local = f"CAST(timezone({literal(timezone)}, {{}}) AS DATE)"
    if given_type.startswith("TIMESTAMP"):
        return local.format(f"CAST({given} AS TIMESTAMPTZ)")
    return (
        f"CASE WHEN {_matches(text, _padded(f'({_DAY}|{_CLOCK})'))} THEN TRY_CAST({text} AS DATE) "
        f"WHEN {_matches(text, _padded(_CLOCK + _OFFSET))} "
        f"THEN {local.format(f'TRY_CAST({_canonical(text)} AS TIMESTAMPTZ)')} END"
    )
