"""Reads the value of a landed text in plain Python, by the rules of the table in docs/user-guide.md.

Here: reading each type of value without SQL, data frames or the program's code. The result is ``REFUSED`` for a text
that is not a valid value, and ``None`` for a word that means null.
Not here: generating the texts and comparing with the program (``tests.integration.test_values``).
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import ROUND_HALF_UP, Decimal, localcontext
from zoneinfo import ZoneInfo

Value = object


class _Refused:
    def __repr__(self) -> str:
        return "REFUSED"


REFUSED = _Refused()
BLANKS = " \t\n\f\r"
WORDS_FOR_NOTHING = (
    *("undefined", "null", "NULL", "None", "nil", "NaN", "\\N", "(not set)"),
    "00000000-0000-0000-0000-000000000000",
)
NO_IDS = ("true", "false", "True", "False", "Infinity", "-Infinity", "inf", "-inf")
EPOCH = dt.datetime(1970, 1, 1)
SECONDS_OF_2000 = int((dt.datetime(2000, 1, 1) - EPOCH).total_seconds())
DIGITS = frozenset("0123456789")


def is_digits(text: str, least: int = 1, most: int = 10_000) -> bool:
    """Whether *text* consists of *least* to *most* ASCII digits."""
    return least <= len(text) <= most and set(text) <= DIGITS


def id_of(text: str) -> Value:
    """The id in *text*; decimals that are all 0 are removed from a number. None for a word that means null."""
    if text in WORDS_FOR_NOTHING or not text.strip(BLANKS):
        return None
    if text in NO_IDS or is_nested(text):
        return REFUSED
    whole, point, decimals = text.partition(".")
    if point and is_digits(whole) and is_digits(decimals) and not decimals.strip("0"):
        return whole if len(whole) <= 15 else REFUSED
    unsigned = text[1:] if text[:1] in ("+", "-") else text
    whole, point, decimals = unsigned.partition(".")
    if point and is_digits(whole, 16) and is_digits(decimals) and not decimals.strip("0"):
        return REFUSED
    number, plus, exponent = unsigned.replace("E", "e").partition("e+")
    whole, point, decimals = number.partition(".")
    is_rounded = is_digits(whole, 1, 1) and (not point or is_digits(decimals)) and is_digits(exponent, 2, 3)
    return REFUSED if plus and is_rounded else text


def is_nested(text: str) -> bool:
    """Whether *text* is a JSON object or array."""
    try:
        return isinstance(json.loads(text.strip(BLANKS)), dict | list)
    except ValueError:
        return False


def milliseconds_of(number: int) -> Value:
    """The time of *number* milliseconds since 1970, if it is from 1980 to 2099 or near the beginning of 1970.

    A number that looks like a day, such as 20260501, is not accepted.
    """
    if 20000101 <= number <= 20991231:
        return REFUSED
    moment = EPOCH + dt.timedelta(milliseconds=number) if abs(number) < 10**14 else None
    if moment is None or not (
        dt.datetime(1980, 1, 1) <= moment < dt.datetime(2100, 1, 1)
        or dt.datetime(1969, 12, 31) <= moment < EPOCH + dt.timedelta(milliseconds=SECONDS_OF_2000)
    ):
        return REFUSED
    return moment


def status_of(text: str) -> Value:
    return text if text in ("paid", "unpaid", "cancelled", "refunded") else REFUSED


def currency_of(text: str) -> Value:
    return text.upper() if len(text) == 3 and text.isascii() and text.isalpha() else REFUSED


def truth_of(text: str) -> Value:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), REFUSED)


def whole_number_of(text: str, bits: int) -> Value:
    """The integer that *text* states, if *bits* bits can hold it; decimals are allowed if all are 0."""
    body = text.strip(BLANKS)
    sign = -1 if body[:1] == "-" else 1
    whole, _, decimals = body.removeprefix(body[:1] if body[:1] in ("+", "-") else "").partition(".")
    if not is_digits(whole) or not (set(decimals) <= {"0"}):
        return REFUSED
    value = sign * int(whole)
    return value if -(2 ** (bits - 1)) <= value < 2 ** (bits - 1) else REFUSED


def amount_of(text: str) -> Value:
    """The amount that *text* states, rounded to four decimals; rounding may change it by less than 0.00000001."""
    body = text.strip(BLANKS)
    unsigned = body[1:] if body[:1] in ("+", "-") else body
    number, letter, exponent = unsigned.replace("E", "e").partition("e")
    whole, point, decimals = number.partition(".")
    if not is_digits(whole + decimals) or (point and not whole and not decimals):
        return REFUSED
    if letter and not is_digits(exponent[1:] if exponent[:1] in ("+", "-") else exponent, most=3):
        return REFUSED
    with localcontext(prec=2000):
        exact = Decimal(body)
        held = exact.quantize(Decimal("0.0001"), ROUND_HALF_UP)
        if abs(held) >= 10**14 or abs(exact - held) >= Decimal("0.00000001"):
            return REFUSED
        return held + 0  # adding 0 turns −0 into 0


def day_of(text: str) -> dt.date | None:
    """The day of a text YYYY-MM-DD, else None."""
    parts = text.split("-")
    if [len(part) for part in parts] != [4, 2, 2] or not all(map(is_digits, parts)):
        return None
    try:
        return dt.date(*map(int, parts))
    except ValueError:
        return None


def clock_of(text: str) -> dt.timedelta | None:
    """The time since midnight of a text HH:MM, HH:MM:SS or HH:MM:SS.f, truncated to microseconds; else None."""
    clock, point, fraction = text.partition(".")
    parts = clock.split(":")
    if not 2 <= len(parts) <= 3 or not all(is_digits(part, 2, 2) for part in parts):
        return None
    if point and (len(parts) == 2 or not is_digits(fraction, 1, 9)):
        return None
    hours, minutes, seconds = map(int, (*parts, "0")[:3])
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    microseconds = int(fraction.ljust(6, "0")[:6]) if point else 0
    return dt.timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=microseconds)


def offset_of(text: str) -> dt.timedelta | None:
    """The UTC offset of a text such as Z, UTC, +08:00, +0800 or +08; else None."""
    if text in ("Z", "UTC"):
        return dt.timedelta(0)
    digits = text[1:].replace(":", "", 1) if text[3:4] == ":" and len(text) == 6 else text[1:]
    if text[:1] not in ("+", "-") or not is_digits(digits, 2, 4) or len(digits) == 3:
        return None
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 23 or minutes > 59:
        return None
    return dt.timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1)


def wall_and_offset_of(text: str) -> tuple[dt.datetime, dt.timedelta | None] | None:
    """(local time, UTC offset) in *text*; the offset is None if *text* has none. None if *text* is not a time."""
    body = text.strip(BLANKS)
    day, rest = day_of(body[:10]), body[11:]
    if day is None or body[10:11] not in ("T", " ") or not rest:
        return None
    start = next((n for n, letter in enumerate(rest) if letter in "Z+-U"), len(rest))
    clock = clock_of(rest[:start].removesuffix(" ") if start < len(rest) else rest)
    offset = offset_of(rest[start:]) if start < len(rest) else None
    if clock is None or (start < len(rest) and offset is None):
        return None
    return dt.datetime.combine(day, dt.time()) + clock, offset


def moment_of(text: str, zone: ZoneInfo, *, is_local: bool, takes_day: bool) -> Value:
    """The time in *text* as naive UTC.

    The text has epoch milliseconds, or a time with an offset, or a local time (if *is_local*), or a day (if
    *takes_day*).
    """
    milliseconds = whole_number_of(text, 64)
    try:
        if isinstance(milliseconds, int):
            return milliseconds_of(milliseconds)
        found = wall_and_offset_of(text)
        if found is None:
            day = day_of(text.strip(BLANKS))
            return day_start(day, zone) if day and takes_day else REFUSED
        wall, offset = found
        if offset is not None:
            return wall - offset
        return instant_of(wall, zone) if is_local else REFUSED
    except OverflowError:
        return REFUSED


def instant_of(wall: dt.datetime, zone: ZoneInfo) -> Value:
    """The instant of the local time *wall*: the later one if there are two; REFUSED if summer time skips it."""
    instant = wall.replace(tzinfo=zone, fold=1).astimezone(dt.UTC)
    is_shown = instant.astimezone(zone).replace(tzinfo=None, fold=0) == wall
    return instant.replace(tzinfo=None) if is_shown else REFUSED


def day_start(day: dt.date, zone: ZoneInfo) -> Value:
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC).replace(tzinfo=None)


def date_of(text: str, zone: ZoneInfo) -> Value:
    """The day in *text*; for a time with an offset, the day in the shop's time zone *zone*."""
    if day := day_of(text.strip(BLANKS)):
        return day
    found = wall_and_offset_of(text)
    if found is None:
        return REFUSED
    wall, offset = found
    if offset is None:
        return wall.date()
    try:
        # The day is computed without UTC, because near the end of the calendar the UTC time may overflow although the
        # local day is valid.
        last = dt.datetime.max - dt.timedelta(days=7)
        if wall > last:
            return (wall + ((last.replace(tzinfo=zone).utcoffset() or dt.timedelta()) - offset)).date()
        return (wall - offset).replace(tzinfo=dt.UTC).astimezone(zone).date()
    except OverflowError:
        return REFUSED
