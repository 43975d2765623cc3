"""Values: SQL expressions that read a value as the type of its column, or as null if it is not valid for the type.

Here: which texts are valid times, dates, numbers, ids and allowed words, and how messages describe a valid value. Each
text must match a complete pattern before it is cast, because DuckDB's casts round, ignore unknown parts and accept
unusual notations.
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
"""Instants that DuckDB can cast directly. Nearly all have this form, and one match is cheaper than two."""

_MILLISECONDS = (
    "({0} BETWEEN 315532800000 AND 4102444799999 "
    "OR {0} BETWEEN -86400000 AND 946684799 AND {0} NOT BETWEEN 20000101 AND 20991231)"
)
"""The numbers that are read as epoch milliseconds: those of 1980 to 2099, and those of a clock that started in 1970.

Other numbers are refused: epoch seconds from 2000 on, microseconds, and dates and times written as one number,
YYYYMMDD or longer.
"""

_NESTED = r"(?s)\s*(\{.*\}|\[.*\])\s*"
_NO_IDS = ("true", "false", "True", "False", "Infinity", "-Infinity", "inf", "-inf")
_WHOLE_WITH_DECIMALS = "[0-9]{1,15}[.]0+"
_ROUNDED = "[+-]?([0-9]{16,}[.]0+|[0-9]([.][0-9]+)?[eE][+][0-9]{2,3})"
"""Matches numbers that were rounded by floating point or a spreadsheet, so that they may stand for several ids."""


_GOOD_VALUES = {
    "TIMESTAMP": "a time such as 2026-11-20T10:00:00+08:00",
    "DATE": "a day such as 2026-11-20",
    "DECIMAL(18,4)": "an amount such as 12.50, with at most four decimals, without a currency or thousands separators",
    "BIGINT": "a whole number such as 12",
    "INTEGER": "a whole number such as 12",
    "BOOLEAN": "true or false",
    "VARCHAR": "a text",
}


def good_value(column: Column) -> str:
    """What a value of *column* looks like, in words."""
    if column.allowed:
        return f"one of {', '.join(column.allowed)}"
    if column.shape:
        return "three letters such as CNY"
    if column.is_id:
        return "a text, not a rounded number such as 1.2E+12, true, false or nested JSON"
    return f"{_GOOD_VALUES[column.kind]}{', not below 0' if column.not_negative else ''}"


def typed(column: Column, given_type: str | None, given: str, settings: Settings) -> str:
    """SQL that reads *given*, of *given_type* (None: not returned by the mapping), as a value of *column*, or null."""
    if given_type is None:
        return f"CAST(NULL AS {column.kind})"
    text = as_text(given, given_type)
    if column.kind == "VARCHAR":
        return _text(column, text, settings)
    if column.kind in ("BIGINT", "INTEGER"):
        if _INTEGERS.fullmatch(given_type):
            return f"TRY_CAST({given} AS {column.kind})"
        return f"CASE WHEN {_matches(text, _WHOLE_NUMBER)} THEN TRY_CAST({text} AS {column.kind}) END"
    if column.kind == "BOOLEAN":
        return given if given_type == "BOOLEAN" else _boolean(text)
    if column.kind == "TIMESTAMP":
        return _moment(column, given_type, given, text, settings.timezone)
    if column.kind == "DATE":
        return _date(given_type, given, text, settings.timezone)
    return _money(column, given_type, given, text)


def as_text(given: str, given_type: str) -> str:
    """SQL that reads the expression *given*, of *given_type*, as text."""
    return given if given_type == "VARCHAR" else f"CAST({given} AS VARCHAR)"


def is_day(given: str, given_type: str) -> str:
    """SQL condition: *given*, a value read as a time, is a day without a time of day."""
    return _matches(as_text(given, given_type), _padded(_DAY))


def local_day(moment: str, timezone: str, earliest: str) -> str:
    """SQL for the day in *timezone* of *moment*, which is UTC and not before *earliest*."""
    offset = fixed_offset(timezone, dt.date.fromisoformat(earliest))
    if offset is not None:
        return f"CAST({moment} + to_seconds({offset}) AS DATE)"
    return f"CAST(timezone({literal(timezone)}, CAST({moment} AS TIMESTAMPTZ)) AS DATE)"


@cache
def fixed_offset(timezone: str, earliest: dt.date) -> int | None:
    """The seconds that *timezone* is ahead of UTC from *earliest* to 2100, or None if the offset changes.

    Adding a fixed offset is several times as fast as converting the time zone of every row.
    """
    zone = ZoneInfo(timezone)
    # Sampling every ten days finds every offset: no zone changes its offset for less than ten days.
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
    """SQL condition: *text*, given for an id, is blank or a word for null."""
    # OR instead of IN: DuckDB turns a long list into a join, which may change the order of the records.
    words = "".join(f" OR {text} = {literal(word)}" for word in settings.inputs.null_ids)
    # Only a text that begins with a blank can be blank, and all blanks sort before '!': this avoids most trims.
    return f"(({text} < '!' AND trim({text}, {_BLANKS}) = ''){words})"


def _id(text: str, settings: Settings) -> str:
    """SQL for an id: the text unchanged, but 12345.0 becomes 12345, as other sources write it.

    Null if it is not an id.
    """
    no_ids = " OR ".join(f"{text} = {literal(word)}" for word in _NO_IDS)
    # For nearly every id, cheap tests of its first character and for '.' and '+' rule out JSON and decimals.
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
        # Match before upper(), because some letters of other alphabets have a Latin letter as their capital, and would
        # then match.
        return f"CASE WHEN {_matches(text, column.shape)} THEN upper({text}) END"
    return text


def _boolean(text: str) -> str:
    return f"CASE WHEN lower({text}) IN ('true', '1') THEN true WHEN lower({text}) IN ('false', '0') THEN false END"


def _money(column: Column, given_type: str, given: str, text: str) -> str:
    """SQL for an amount with at most four decimals; more decimals are refused, not rounded.

    Remainders below 0.00000001 are ignored: they come from floating-point arithmetic (0.30000000000000004).
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
    """SQL for an instant in UTC; null if the value is not one."""
    if given_type.startswith("TIMESTAMP"):
        # A TIMESTAMP is UTC already; a TIMESTAMPTZ is converted with the session's time zone, which is UTC.
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
        # If the time zone skips midnight on this day, the day begins an hour later.
        midnight = f"CAST(TRY_CAST({text} AS DATE) AS TIMESTAMP)"
        start = f"CAST(timezone({literal(timezone)}, {midnight}) AS TIMESTAMP)"
        cases.append((_matches(text, _padded(_DAY)), start))
    return "CASE " + " ".join(f"WHEN {condition} THEN {value}" for condition, value in cases) + " END"


def _instant(text: str) -> str:
    # A cast to TIMESTAMP would drop the offset, so cast to TIMESTAMPTZ and take its UTC microseconds.
    return f"make_timestamp(epoch_us(TRY_CAST({text} AS TIMESTAMPTZ)))"


def _canonical(text: str) -> str:
    """SQL that rewrites *text*, a time with an offset, so that DuckDB can cast it: without blanks, Z for UTC."""
    trimmed = f"trim({text}, {_BLANKS})"
    return f"({trimmed}[:10] || ' ' || replace(replace({trimmed}[12:], ' ', ''), 'UTC', 'Z'))"


def _local(wall: str, timezone: str) -> str:
    """SQL for the instant of the local time *wall*: the later one if there are two, null if summer time skips it."""
    instant = f"timezone({literal(timezone)}, {wall})"
    return f"CASE WHEN timezone({literal(timezone)}, {instant}) = {wall} THEN CAST({instant} AS TIMESTAMP) END"


def _date(given_type: str, given: str, text: str, timezone: str) -> str:
    """SQL for a day; for an instant, its day in the shop's time zone."""
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
