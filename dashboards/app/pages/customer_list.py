"""Lists of customers: of a segment or an octant, of those who moved between two of them, of all who are in the slice.

Here: the rows. For analysts and admins they have the reason why a customer is listed, and the contact data.
Not here: the choice of a list (``dashboards.app.pages.customers``), one customer (``dashboards.app.pages.customer``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import polars as pl

from dashboards.app.as_of import AsOf
from dashboards.app.context import Context
from dashboards.app.people import shown_id
from dashboards.app.slice_bar import Dimensions
from dashboards.blocks import Block, Column, Row, Table, Text
from dashboards.columns import exact, text
from dashboards.figures.tables import LEFT, NEW
from dashboards.queries import query
from dashboards.sections.segments import Kind, all_names, names_of

NONE_CHOSEN = "*"
ALL_CUSTOMERS = "all:"
"""``segment=*`` in the URL: no list; ``segment=all:``: the list of all customers."""

MOVE = "move"
"""The key in the URL for the list of those who moved, such as ``move=octant:<from>~<to>``."""

KINDS: tuple[Kind, ...] = get_args(Kind)

_REACH: Mapping[str, tuple[str, Sequence[str]]] = {
    "customers.last_visits": ("core.visitors", ("last_seen_on", "last_platform", "last_channel")),
    "customers.last_entrances": ("attribution.attributed_sales", ("last_entrance",)),
    "customers.purchases": ("core.products", ("name", "category")),
}
"""Query → the table that it needs, and the columns that it returns."""


def group_value(kind: Kind, key: str) -> str:
    """The value of a group in the URL: ``octant:<key>`` for an octant, only the key for a segment."""
    return key if kind == "segment" else f"{kind}:{key}"


def move_value(kind: Kind, source: str, target: str) -> str:
    """The value of a move in the URL; *source* and *target* are keys of groups, or NEW and LEFT."""
    return f"{kind}:{source}~{target}"


def group_list(context: Context, reading: AsOf, value: str) -> list[Block]:
    """The customers of the segment or octant *value*, written as in the URL; empty if it is NONE_CHOSEN."""
    locale = context.locale
    if value == NONE_CHOSEN:
        return []
    kind, key = _group_of(value)
    found = reading.frame(query("customers.members"), kind=kind, key=key)
    if found.is_empty():
        return [Text(locale.text("customers.unknown_group", day=reading.day, group=key), "missing")]
    called = _called(context, reading)
    name = locale.text("customers.everybody") if kind == "all" else called[kind].get(key, key)
    return [_table(context, reading, found, name, lambda row: _groups(context, called, row))]


def mover_list(context: Context, reading: AsOf, value: str) -> list[Block]:
    """The customers who made the move *value*, written as in the URL."""
    locale = context.locale
    kind, _, move = value.partition(":")
    source, _, target = move.partition("~")
    back = reading.settings.rfm.compare_days
    before = reading.day - dt.timedelta(days=back)
    found = reading.frame(query("customers.movers"), kind=kind, before=before, **{"from": source, "to": target})
    if kind not in KINDS or found.is_empty():
        return [Text(locale.text("customers.unknown_move", day=reading.day, earlier=before), "missing")]
    names = _called(context, reading)["octant" if kind == "octant" else "segment"]
    names = {**names, NEW: locale.text("migration.new"), LEFT: locale.text("migration.left")}
    name = f"{names.get(source, source)} → {names.get(target, target)}"
    reason = locale.text("customers.moved", move=name, days=locale.text.days(back))
    return [_table(context, reading, found, name, lambda _row: reason)]


def _group_of(value: str) -> tuple[Literal["octant", "segment", "all"], str]:
    if value == ALL_CUSTOMERS:
        return "all", ""
    kind, _, key = value.rpartition(":")
    return ("octant", key) if kind == "octant" else ("segment", value)


def _called(context: Context, reading: AsOf) -> Mapping[Kind, Mapping[str, str]]:
    names = all_names(reading)
    return {kind: names_of(context.locale, names, kind) for kind in KINDS}


def _groups(context: Context, called: Mapping[Kind, Mapping[str, str]], row: Row) -> str:
    text = context.locale.text
    kinds = {kind: called[kind].get(row[kind], row[kind]) for kind in KINDS}
    return text("customers.in_groups", octant=kinds["octant"], segment=kinds["segment"])


def _table(context: Context, reading: AsOf, found: pl.DataFrame, name: str, why: Any) -> Table:
    """The customers *found*; *why* returns why a row is on the list."""
    locale, called = context.locale, _called(context, reading)
    is_open = context.role != "viewer"  # viewers may see how customers are grouped, but not who they are
    reach, notes = _reach(context, reading, found) if is_open else ({}, [locale.text("customers.hashed")])
    rows = []
    for row in found.iter_rows(named=True):
        recency = (reading.day - row["last_paid_on"]).days
        more = {f"{kind}_name": called[kind].get(row[kind], row[kind]) for kind in KINDS}
        known = {**row, **more, "recency_days": recency, **reach.get(row["user_id"], {})}
        rows.append(
            {**known, "user_id": shown_id(context, row["user_id"]), "reason": _reason(context, known, why(row))}
        )
    return Table(
        "customers",
        locale.text("customers.list", name=name),
        [
            text(locale.text("column.customer"), "user_id", href=lambda row: context.view.to(user=row["user_id"]).href),
            *(exact(locale, name) for name in ("recency_days", "frequency", "monetary")),
            *(exact(locale, name) for name in ("r_score", "f_score", "m_score")),
            *(text(locale.text(f"column.{each}"), f"{each}_name") for each in KINDS),
            text(locale.text("column.first_paid_on"), "first_paid_on"),
            text(locale.text("column.last_paid_on"), "last_paid_on"),
            *(_reach_columns(context, reading) if is_open else []),
            *([text(locale.text("customers.reason"), "reason", is_long=True)] if is_open else []),
        ],
        rows,
        locale.text("customers.list.about", day=reading.day),
        notes=tuple(notes),
        is_wide=True,
        keys=KINDS,
        bar="monetary",
    )


def _reason(context: Context, row: Row, why: str) -> str:
    locale = context.locale
    return locale.text(
        "customers.because",
        why=why,
        scores=f"R{row['r_score']} F{row['f_score']} M{row['m_score']}",
        days=locale.text.days(row["recency_days"]),
        orders=locale.numbers.full(row["orders"]),
        money=locale.numbers.money(row["net_revenue"]),
    )


def _reach_columns(context: Context, reading: AsOf) -> list[Column]:
    fields = [field for table, given in _REACH.values() if reading.exists(table) for field in given]
    return [text(context.locale.text(f"customers.reach.{field}"), field) for field in fields]


def _reach(context: Context, reading: AsOf, found: pl.DataFrame) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """User id → contact data: column → value, None if unknown; and sentences about contact data that is missing."""
    users = tuple(found["user_id"].to_list())
    empty = {field: None for table, given in _REACH.values() if reading.exists(table) for field in given}
    known: dict[str, dict[str, Any]] = {user: dict(empty) for user in users}
    missing = [table for table, _ in _REACH.values() if not reading.exists(table)]
    for name, (table, _) in _REACH.items():
        if table in missing:
            continue
        for row in reading.frame(query(name), users=users).iter_rows(named=True):
            known[row.pop("user_id")] |= row
    dimensions, entrances = Dimensions(context), context.entrance_names()
    for row in known.values():
        for field, dimension in (("last_platform", "platform"), ("last_channel", "channel")):
            if row.get(field) is not None:
                row[field] = dimensions.name(dimension, row[field])
        if row.get("last_entrance") is not None:
            row["last_entrance"] = entrances.get(row["last_entrance"], row["last_entrance"])
    notes = [context.locale.text("customers.reach.missing", tables=", ".join(missing))] if missing else []
    return known, [context.locale.text("customers.reach.about"), *notes]
