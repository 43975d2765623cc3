"""Validation: turns the values of a record into typed values, or into reasons for refusing the record.

Here: one SQL query per mapping that types every column, adds derived columns and lists what is wrong. Every rule
depends on a single record, so the order in which files arrive does not matter.
Not here: which texts are values of a type (``pipelines.ingest.records.values``); duplicates, which depend on other
records (``pipelines.ingest.records.duplicates``).
"""

from __future__ import annotations

import re

from pipelines.home.settings import Settings
from pipelines.ingest.forgotten import REASON, Forgotten
from pipelines.ingest.records.values import as_text, is_day, is_nothing, local_day, typed
from pipelines.ingest.session import FILES
from pipelines.ingest.sources.mapping import Mapping
from pipelines.ingest.sources.raw_tables import RECORD_HASH
from pipelines.ingest.sources.target import Target
from pipelines.ingest.sources.targets import EVENTS, PROVENANCE
from pipelines.lake.duck import identifier, literal

_LARGEST_AMOUNT = 1e12
LATEST = "TIMESTAMP '2100-01-01'"
"""A later time is always out of range."""

_CALENDAR = "TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59.999999'"
"""The range of times in which arithmetic cannot overflow."""

_DAY = 24 * 60 * 60 * 1_000_000
"""A day in microseconds."""


def checked_query(mapping: Mapping, settings: Settings, forgotten: Forgotten) -> str:
    """SQL that types and validates the rows of *mapping*, from its relations and ``__files`` (batch_id, landed_at).

    It returns the target's columns and derived columns, ``record_hash`` if the target is not partitioned,
    batch_id, record_no, and ``reasons``: everything that is wrong with the row, separated by '; ', or null. Rows of
    *forgotten* persons are refused, except orders, which lose their user.
    """
    given = ", ".join(f"{identifier(name)} AS {_given(name)}" for name in _mapped(mapping))
    return _validating(
        mapping,
        settings,
        forgotten,
        f"SELECT {given}, batch_id, record_no FROM ({mapping.query})",
        f"SELECT derived.*, landed_at FROM derived LEFT JOIN {FILES} USING (batch_id)",
    )


def streamed_query(mapping: Mapping, settings: Settings, forgotten: Forgotten, records: str) -> str:
    """Like ``checked_query``, for a *mapping* that only renames columns.

    *records* is a query of the relation's columns, batch_id, record_no and landed_at. The rows keep the order of that
    query, because they are not joined with anything.
    """
    assert mapping.plain is not None
    given = ", ".join(f"{identifier(column)} AS {_given(name)}" for column, name in mapping.plain.items())
    mapped = f"SELECT {given}, batch_id, record_no, landed_at FROM ({records})"
    return _validating(mapping, settings, forgotten, mapped, "SELECT * FROM derived", "landed_at")


def _validating(
    mapping: Mapping, settings: Settings, forgotten: Forgotten, mapped: str, landed: str, *more: str
) -> str:
    target = mapping.target
    kept = ", ".join([*map(_given, _mapped(mapping)), *PROVENANCE, *more])
    values = ",\n  ".join(
        f"{typed(column, mapping.types.get(name), _given(name), settings)} AS {identifier(name)}"
        for name, column in target.columns.items()
    )
    anonymised = forgotten.anonymised(target).items()
    replaced = ", ".join(f"{value} AS {identifier(name)}" for name, value in anonymised)
    return (
        f"WITH mapped AS ({mapped}),\n"
        f"typed AS (SELECT {values}, {kept} FROM mapped),\n"
        f"filled AS (SELECT {_filled(mapping, settings)} FROM typed),\n"
        f"derived AS (SELECT *{_derived(target, settings)} FROM filled),\n"
        f"landed AS ({landed}),\n"
        # The reasons in this SELECT are computed from the ids before it replaces them.
        f"examined AS (SELECT *{f' REPLACE ({replaced})' if replaced else ''},\n"
        f"  {_reasons(mapping, settings, forgotten)} AS reasons FROM landed)\n"
        f"SELECT {', '.join(_checked_columns(target))}, batch_id, record_no, reasons FROM examined"
    )


def _mapped(mapping: Mapping) -> list[str]:
    return [name for name in mapping.target.columns if name in mapping.types]


def row_hash(target: Target) -> str:
    """SQL for the hash of a row's canonical columns; the same on every machine and for every batch.

    If the target has a *precedence*, the hash begins with its digit: if two versions have the same updated_at, the
    models use the one with the larger hash.
    """
    # A null must differ from an empty text, and the border between two values must be unambiguous.
    parts = ", ".join(f"coalesce(CAST({identifier(name)} AS VARCHAR), chr(30))" for name in target.columns)
    digest = f"md5(concat_ws(chr(31), {parts}))"
    return f"CAST({target.precedence} AS VARCHAR) || {digest}" if target.precedence else digest


def _given(name: str) -> str:
    return identifier(f"given {name}")


def _checked_columns(target: Target) -> list[str]:
    columns = [identifier(name) for name in (*target.columns, *target.derived)]
    return columns if target.partitioned else [*columns, f"{row_hash(target)} AS {RECORD_HASH}"]


def _filled(mapping: Mapping, settings: Settings) -> str:
    """The SELECT list that sets impossible times to null, completes times (see ``_placed``) and fills in defaults."""
    target = mapping.target
    replaced = [
        f"CASE WHEN {value} BETWEEN {_CALENDAR} THEN {value} END AS {identifier(name)}"
        for name, column in target.columns.items()
        if column.kind in ("TIMESTAMP", "DATE")
        for value in [_placed(mapping, name, settings)]
    ]
    # A default replaces only a missing value, never a value that cannot be read.
    replaced += [
        f"CASE WHEN {_is_given(mapping, name, settings)} THEN {identifier(name)} "
        f"ELSE CAST({column.default} AS {column.kind}) END AS {identifier(name)}"
        for name, column in target.columns.items()
        if column.default
    ]
    return f"* REPLACE ({', '.join(replaced)})" if replaced else "*"


def _placed(mapping: Mapping, name: str, settings: Settings) -> str:
    """SQL for the time in column *name*; a day without a time gets the time in *not_before* if that is on this day."""
    target = mapping.target
    value, after = identifier(name), target.columns[name].not_before
    if after is None or name not in mapping.types:
        return value
    days = [local_day(identifier(column), settings.timezone, target.earliest) for column in (name, after)]
    on_that_day = f"{is_day(_given(name), mapping.types[name])} AND {days[0]} = {days[1]}"
    return f"(CASE WHEN {on_that_day} THEN {identifier(after)} ELSE {value} END)"


def _derived(target: Target, settings: Settings) -> str:
    tolerance = str(settings.attribution.clock_tolerance_seconds * 1_000_000)
    pieces = []
    for name, column in target.derived.items():
        expression = re.sub(
            r"\{local:(\w+)\}",
            lambda match: local_day(identifier(match[1]), settings.timezone, target.earliest),
            column.expression.replace("{clock_tolerance_us}", tolerance),
        )
        pieces.append(f", {expression} AS {identifier(name)}")
    # Derived columns stay in the order of their declaration, because one may use an earlier one by its alias.
    return "".join(pieces)


def _reasons(mapping: Mapping, settings: Settings, forgotten: Forgotten) -> str:
    """SQL for all reasons to refuse a row, or null. The text is only built for refused rows."""
    faults: list[tuple[str, str]] = []
    suspect: list[str] = []
    for name, column in mapping.target.columns.items():
        value, is_given = identifier(name), _is_given(mapping, name, settings)
        # Reasons name the field as the file has it.
        field = mapping.field_of(name)
        # The test for a null value comes first: it is rarely true, so the others are rarely evaluated.
        if column.required:
            faults.append((f"{value} IS NULL AND NOT {is_given}", f"missing {field}"))
            suspect.append(f"{value} IS NULL")
        elif column.needed_if:
            needed = name if name in mapping.types or not column.else_needed else column.else_needed
            absent = f"{identifier(needed)} IS NULL"
            faults.append(
                (
                    f"{absent} AND NOT {_is_given(mapping, needed, settings)} AND ({column.needed_if})",
                    f"missing {mapping.field_of(needed)}",
                )
            )
            suspect.append(f"{absent} AND ({column.needed_if})")
        if (column.kind != "VARCHAR" or column.is_id or column.allowed or column.shape) and name in mapping.types:
            word = "unknown" if column.allowed else "bad"
            faults.append((f"{value} IS NULL AND {is_given}", f"{word} {field}"))
            suspect += [] if column.required else [f"{value} IS NULL AND {is_given}"]
        if column.not_negative:
            faults.append((f"{value} < 0", f"negative {field}"))
            suspect.append(f"{value} < 0")
    if out_of_range := _out_of_range(mapping.target, settings):
        faults.append((out_of_range, "time out of range"))
        suspect.append(out_of_range)
    if mapping.target.amounts:
        faults.append((_too_large(mapping.target), "amount out of range"))
        suspect.append(_too_large(mapping.target))
    if refusal := forgotten.refusal(mapping.target):
        faults.append((refusal, REASON))
        suspect.append(refusal)
    texts = ", ".join(f"CASE WHEN {condition} THEN {literal(reason)} END" for condition, reason in faults)
    # A condition may be NULL; CASE treats that as false, so it is not a reason to refuse the row.
    return f"CASE WHEN {' OR '.join(f'({condition})' for condition in suspect)} THEN concat_ws('; ', {texts}) END"


def _is_given(mapping: Mapping, name: str, settings: Settings) -> str:
    """SQL condition: column *name* has a value, valid or not; in an id, a word for null is not a value."""
    if name not in mapping.types:
        return "false"
    text = as_text(_given(name), mapping.types[name])
    nothing = is_nothing(text, settings) if mapping.target.columns[name].is_id else f"{text} = ''"
    return f"({_given(name)} IS NOT NULL AND NOT {nothing})"


def _too_large(target: Target) -> str:
    products = (" * ".join(f"CAST({identifier(name)} AS DOUBLE)" for name in factors) for factors in target.amounts)
    # If a factor is NULL the comparison is NULL, so the row is not reported as too large.
    return " OR ".join(f"coalesce(abs({product}) >= {_LARGEST_AMOUNT}, false)" for product in products)


def _out_of_range(target: Target, settings: Settings) -> str:
    if target is EVENTS:
        limits = [("occurred_at", "coalesce(received_at, landed_at)")]
    else:
        limits = [(identifier(name), "landed_at") for name, column in target.columns.items() if column.bounded]
    conditions = [
        # Compare microseconds, because adding an interval uses the calendar, which is slower.
        f"{moment} < TIMESTAMP {literal(target.earliest)} OR {moment} >= {LATEST} "
        f"OR epoch_us({moment}) - epoch_us({landed}) > {_DAY}"
        for moment, landed in limits
    ]
    if target is EVENTS:
        # Refuse an event that the server received long after its time, because the device's clock was probably never
        # set.
        age = settings.inputs.max_event_age_days * _DAY
        conditions.append(f"epoch_us(received_at) - epoch_us(occurred_at) > {age}")
    return " OR ".join(conditions)
