"""Validation: given values become typed ones, or reasons for refusing the record.

Here: one SQL query per mapping that types every column, adds the derived ones and lists what is wrong. Every rule
judges a record by itself, so that the order in which files arrive changes nothing.
Not here: duplicates (``pipelines.ingest.duplicates``), which look at other records.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from zoneinfo import ZoneInfo

from pipelines.duck import identifier, literal
from pipelines.ingest.bench import FILES
from pipelines.ingest.mapping import Mapping
from pipelines.ingest.targets import EVENTS, PROVENANCE, RECORD_HASH, Column, Target
from pipelines.settings import Settings

_LARGEST_AMOUNT = 1e12
EARLIEST = "TIMESTAMP '2000-01-01'"
LATEST = "TIMESTAMP '2100-01-01'"
"""No clock is right beyond these: a time there is out of range, whatever it is compared with."""

_WHOLE_NUMBER = r"\s*[+-]?[0-9]+([.]0*)?\s*"
_OFFSET = r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)\s*$"
_CALENDAR = "TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59.999999'"
"""Times within which no arithmetic overflows."""

_DAY = 24 * 60 * 60 * 1_000_000

_INTEGERS = re.compile(r"U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)")


def checked_query(mapping: Mapping, settings: Settings) -> str:
    """The query that types and judges the rows of *mapping*, over its relations and ``__files`` (batch_id, landed_at).

    It returns the target's columns and derived columns, ``record_hash`` where the target is not partitioned,
    batch_id, record_no, and ``reasons``: all that is wrong with the row, separated by '; ', or null.
    """
    given = ", ".join(f"{identifier(name)} AS {_given(name)}" for name in _mapped(mapping))
    return _judging(
        mapping,
        settings,
        f"SELECT {given}, batch_id, record_no FROM ({mapping.query})",
        f"SELECT derived.*, landed_at FROM derived LEFT JOIN {FILES} USING (batch_id)",
    )


def streamed_query(mapping: Mapping, settings: Settings, records: str) -> str:
    """The same for a plain *mapping* of *records*, a query with landed_at besides the relation's columns.

    Its rows come in the order of the records: it has no join, which may lose that.
    """
    assert mapping.plain is not None
    given = ", ".join(f"{identifier(column)} AS {_given(name)}" for column, name in mapping.plain.items())
    mapped = f"SELECT {given}, batch_id, record_no, landed_at FROM ({records})"
    return _judging(mapping, settings, mapped, "SELECT * FROM derived", "landed_at")


def _judging(mapping: Mapping, settings: Settings, mapped: str, landed: str, *more: str) -> str:
    target = mapping.target
    kept = ", ".join([*map(_given, _mapped(mapping)), *PROVENANCE, *more])
    typed = ",\n  ".join(
        f"{_typed(column, mapping.types.get(name), _given(name), settings.timezone)} AS {identifier(name)}"
        for name, column in target.columns.items()
    )
    return (
        f"WITH mapped AS ({mapped}),\n"
        f"typed AS (SELECT {typed}, {kept} FROM mapped),\n"
        f"filled AS (SELECT {_filled(target)} FROM typed),\n"
        f"derived AS (SELECT *{_derived(target, settings)} FROM filled),\n"
        f"landed AS ({landed})\n"
        f"SELECT {', '.join(_checked_columns(target))}, batch_id, record_no,\n"
        f"  {_reasons(mapping)} AS reasons\nFROM landed"
    )


def _mapped(mapping: Mapping) -> list[str]:
    return [name for name in mapping.target.columns if name in mapping.types]


def row_hash(target: Target) -> str:
    """An expression: the hash of a row's canonical columns, the same on every machine and for every batch."""
    # A null must differ from an empty text, and a value must not run into the next one.
    parts = ", ".join(f"coalesce(CAST({identifier(name)} AS VARCHAR), chr(30))" for name in target.columns)
    return f"md5(concat_ws(chr(31), {parts}))"


def _given(name: str) -> str:
    return identifier(f"given {name}")


def _checked_columns(target: Target) -> list[str]:
    columns = [identifier(name) for name in (*target.columns, *target.derived)]
    return columns if target.partitioned else [*columns, f"{row_hash(target)} AS {RECORD_HASH}"]


def _filled(target: Target) -> str:
    """All columns, with times that no calendar has as null, and defaults for missing values."""
    replaced = [
        f"CASE WHEN {identifier(name)} BETWEEN {_CALENDAR} THEN {identifier(name)} END AS {identifier(name)}"
        for name, column in target.columns.items()
        if column.kind == "TIMESTAMP"
    ]
    replaced += [
        f"CAST(coalesce({identifier(name)}, {column.default}) AS {column.kind}) AS {identifier(name)}"
        for name, column in target.columns.items()
        if column.default
    ]
    return f"* REPLACE ({', '.join(replaced)})" if replaced else "*"


def _derived(target: Target, settings: Settings) -> str:
    tolerance = str(settings.attribution.clock_tolerance_seconds * 1_000_000)
    pieces = []
    for name, column in target.derived.items():
        expression = re.sub(
            r"\{local:(\w+)\}", lambda match: _local_day(match[1], settings.timezone), column.expression
        )
        expression = expression.replace("{clock_tolerance_us}", tolerance)
        pieces.append(f", {expression} AS {identifier(name)}")
    # A derived column may name one before it by its alias.
    return "".join(pieces)


def _local_day(column: str, timezone: str) -> str:
    offset = fixed_offset(timezone)
    if offset is not None:
        return f"CAST({identifier(column)} + to_seconds({offset}) AS DATE)"
    return f"CAST(timezone({literal(timezone)}, CAST({identifier(column)} AS TIMESTAMPTZ)) AS DATE)"


@cache
def fixed_offset(timezone: str) -> int | None:
    """The seconds that *timezone* is ahead of UTC at any time in range, or None if that changes.

    Where it is fixed, adding it is several times as fast as asking the calendar for every row.
    """
    zone = ZoneInfo(timezone)
    # Ten days before the range and after it cover every offset; no zone leaves its offset for less than ten days.
    moments = (dt.datetime(1999, 12, 22, tzinfo=dt.UTC) + dt.timedelta(days=10 * n) for n in range(3_660))
    offsets = {moment.astimezone(zone).utcoffset() for moment in moments}
    (offset, *others) = offsets
    return int(offset.total_seconds()) if offset is not None and not others else None


def _typed(column: Column, given_type: str | None, given: str, timezone: str) -> str:
    """*given*, of *given_type*, as the column's type; null where it is not such a value."""
    if given_type is None:
        return f"CAST(NULL AS {column.kind})"
    text = given if given_type == "VARCHAR" else f"CAST({given} AS VARCHAR)"
    if column.kind == "VARCHAR":
        return _text(column, f"nullif({text}, '')")
    if column.kind in ("BIGINT", "INTEGER"):
        if _INTEGERS.fullmatch(given_type):
            return f"TRY_CAST({given} AS {column.kind})"
        # A cast alone would round 12.5 and take 1e3 and 1_000.
        return (
            f"CASE WHEN regexp_full_match({text}, {literal(_WHOLE_NUMBER)}) THEN TRY_CAST({text} AS {column.kind}) END"
        )
    if column.kind == "TIMESTAMP":
        return _moment(column, given_type, given, text, timezone)
    if column.kind == "DATE" and given_type != "DATE":
        return f"CAST(TRY_CAST({text} AS TIMESTAMP) AS DATE)"
    return f"TRY_CAST({text} AS {column.kind})"


def _text(column: Column, text: str) -> str:
    if column.allowed:
        return f"CASE WHEN {text} IN ({', '.join(map(literal, column.allowed))}) THEN {text} END"
    if column.shape:
        return f"CASE WHEN regexp_full_match(upper({text}), {literal(column.shape)}) THEN upper({text}) END"
    return text


def _moment(column: Column, given_type: str, given: str, text: str, timezone: str) -> str:
    """An instant in UTC; null where the value is none."""
    if given_type.startswith("TIMESTAMP"):
        # A TIMESTAMP is UTC as it is; the session's time zone, UTC, makes one of a TIMESTAMPTZ.
        return f"CAST({given} AS TIMESTAMP)"
    milliseconds = f"TRY_CAST({text} AS BIGINT)"
    # Casting text to TIMESTAMP would drop its offset, so the cast is to TIMESTAMPTZ; what that counts is UTC.
    absolute = f"make_timestamp(epoch_us(TRY_CAST({text} AS TIMESTAMPTZ)))"
    # The usual forms, +08:00 and Z, are told by a few letters; only for others is the pattern matched.
    has_offset = (
        f"(length({text}) > 16 AND {text}[-6] IN ('+', '-') AND {text}[-3] = ':') "
        f"OR (length({text}) > 16 AND suffix({text}, 'Z')) "
        f"OR regexp_matches(substring({text}, 11), {literal(_OFFSET)})"
    )
    local = f"CAST(timezone({literal(timezone)}, TRY_CAST({text} AS TIMESTAMP)) AS TIMESTAMP)"
    if column.local:
        otherwise = f"ELSE {local}"
        numeric = f"NOT contains({text}, ':') AND {milliseconds} IS NOT NULL"
    else:
        otherwise, numeric = "", f"NOT contains({text}, ':')"
    return (
        # Seconds of the years 1 to 9999; what has a colon is looked at as a time only.
        f"CASE WHEN {numeric} THEN "
        f"CASE WHEN {milliseconds} BETWEEN -62135596800000 AND 253402300799999 "
        f"THEN make_timestamp({milliseconds} * 1000) END "
        f"WHEN {has_offset} THEN {absolute} {otherwise} END"
    )


def _reasons(mapping: Mapping) -> str:
    """All that is wrong with a row, or null; the texts are put together only for rows where something is."""
    faults: list[tuple[str, str]] = []
    suspect: list[str] = []
    for name, column in mapping.target.columns.items():
        value, given = identifier(name), _given(name)
        is_given = f"({given} IS NOT NULL AND CAST({given} AS VARCHAR) <> '')" if name in mapping.types else "false"
        # The null typed value is looked at first: it is rare, and spares the rest.
        if column.required:
            faults.append((f"{value} IS NULL AND NOT {is_given}", f"missing {name}"))
            suspect.append(f"{value} IS NULL")
        elif column.needed_if:
            faults.append((f"{value} IS NULL AND NOT {is_given} AND ({column.needed_if})", f"missing {name}"))
            suspect.append(f"{value} IS NULL AND ({column.needed_if})")
        if (column.kind != "VARCHAR" or column.allowed or column.shape) and name in mapping.types:
            word = "unknown" if column.allowed else "bad"
            faults.append((f"{value} IS NULL AND {is_given}", f"{word} {name}"))
            suspect += [] if column.required else [f"{value} IS NULL AND {is_given}"]
    if out_of_range := _out_of_range(mapping.target):
        faults.append((out_of_range, "time out of range"))
        suspect.append(out_of_range)
    if mapping.target.amounts:
        faults.append((_too_large(mapping.target), "amount out of range"))
        suspect.append(_too_large(mapping.target))
    texts = ", ".join(f"CASE WHEN {condition} THEN {literal(reason)} END" for condition, reason in faults)
    # A null among the conditions is not true, and CASE takes it so.
    return f"CASE WHEN {' OR '.join(f'({condition})' for condition in suspect)} THEN concat_ws('; ', {texts}) END"


def _too_large(target: Target) -> str:
    products = (" * ".join(f"CAST({identifier(name)} AS DOUBLE)" for name in factors) for factors in target.amounts)
    # Of a null factor the comparison is null: that amount is none.
    return " OR ".join(f"coalesce(abs({product}) >= {_LARGEST_AMOUNT}, false)" for product in products)


def _out_of_range(target: Target) -> str:
    if target is EVENTS:
        limits = [("occurred_at", "coalesce(received_at, landed_at)")]
    else:
        limits = [(identifier(name), "landed_at") for name, column in target.columns.items() if column.bounded]
    return " OR ".join(
        # In microseconds, for adding an interval asks the calendar.
        f"{moment} < {EARLIEST} OR {moment} >= {LATEST} OR epoch_us({moment}) - epoch_us({landed}) > {_DAY}"
        for moment, landed in limits
    )
