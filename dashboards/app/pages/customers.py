"""Customers: octants and segments, scores, lifecycle, cohorts, lifetime value; the customers of one segment.

Here: the choice of a group (segment or octant), and the list of its customers.
Not here: the other blocks (``dashboards.sections.customers``), one customer (``dashboards.app.pages.customer``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import get_args

from dashboards.app.as_of import AsOf, as_of
from dashboards.app.context import Context
from dashboards.app.pages.customer import customer
from dashboards.app.pages.tabs import tabs
from dashboards.app.people import shown_id
from dashboards.blocks import Block, Choice, Controls, Option, Search, Table, Text
from dashboards.columns import exact, text
from dashboards.queries import query
from dashboards.sections.customers import PARTS
from dashboards.sections.customers import customers as everything
from dashboards.sections.reading import Href
from dashboards.sections.segments import Kind, all_groups, all_names, names_of

MAIN = "customers.rfm_daily"
NONE_CHOSEN = "*"

_KINDS: tuple[Kind, ...] = get_args(Kind)


def customers(context: Context) -> Sequence[Block]:
    """The customers as of the view's last day; with ``user`` in the URL, that customer's page."""
    reading, note = as_of(context, MAIN)
    if user := context.view.get("user"):
        return customer(context, reading, note, user)
    reading = replace(reading, copy=context.copy)
    if not reading.has(MAIN):
        return everything(context.locale, reading)
    hrefs: Mapping[Kind, Href] = {kind: _to_group(context, kind) for kind in _KINDS}
    part = tabs(context, dict.fromkeys(PARTS, ()))
    chosen = part.choice.value
    listed = [_controls(context, reading), *_list(context, reading)] if chosen == PARTS[0] else []
    return [note, part, *listed, *everything(context.locale, reading, hrefs, [chosen])]


def _to_group(context: Context, kind: Kind) -> Href:
    return lambda row: context.view.to(segment=group_value(kind, row["key"])).href


def group_value(kind: Kind, key: str) -> str:
    """The value of a group in the URL: ``octant:<key>`` for an octant, only the key for a segment."""
    return key if kind == "segment" else f"{kind}:{key}"


def _group_of(value: str) -> tuple[Kind, str]:
    kind, _, key = value.rpartition(":")
    return ("octant", key) if kind == "octant" else ("segment", value)


def _controls(context: Context, reading: AsOf) -> Controls:
    locale = context.locale
    names = all_names(reading)
    counts = {(row["kind"], row["key"]): row["customers"] for row in all_groups(reading).iter_rows(named=True)}
    options = [
        Option(
            group_value(kind, key),
            locale.text(f"customers.option_{kind}", name=name, n=locale.numbers.full(counts[kind, key])),
        )
        for kind in _KINDS
        for key, name in names_of(locale, names, kind).items()
        if (kind, key) in counts
    ]
    chosen = context.view.get("segment", NONE_CHOSEN)
    return Controls(
        (
            Choice(
                "segment",
                locale.text("customers.group"),
                (Option(NONE_CHOSEN, locale.text("customers.no_group")), *options),
                chosen if any(option.value == chosen for option in options) else NONE_CHOSEN,
                is_searchable=True,
                default=NONE_CHOSEN,
                is_open=True,
            ),
            Search("user", locale.text("customers.find"), "", locale.text("customers.find.hint")),
        )
    )


def _list(context: Context, reading: AsOf) -> list[Block]:
    """The customers of the segment or octant that the URL names; empty if the URL names none."""
    locale, value = context.locale, context.view.get("segment", NONE_CHOSEN)
    if value == NONE_CHOSEN:
        return []
    kind, key = _group_of(value)
    found = reading.frame(query("customers.members"), kind=kind, key=key)
    if found.is_empty():
        return [Text(locale.text("customers.unknown_group", day=reading.day, group=key), "missing")]
    names = all_names(reading)
    called = {each: names_of(locale, names, each) for each in _KINDS}
    rows = [
        {
            **row,
            "user_id": shown_id(context, row["user_id"]),
            **{f"{each}_name": called[each].get(row[each], row[each]) for each in _KINDS},
        }
        for row in found.iter_rows(named=True)
    ]
    table = Table(
        "customers",
        locale.text("customers.list", name=called[kind].get(key, key)),
        [
            text(locale.text("column.customer"), "user_id", href=lambda row: context.view.to(user=row["user_id"]).href),
            *(exact(locale, name) for name in ("recency_days", "frequency", "monetary")),
            *(exact(locale, name) for name in ("r_score", "f_score", "m_score")),
            *(text(locale.text(f"column.{each}"), f"{each}_name") for each in _KINDS),
            text(locale.text("column.first_paid_on"), "first_paid_on"),
            text(locale.text("column.last_paid_on"), "last_paid_on"),
        ],
        rows,
        locale.text("customers.list.about", day=reading.day),
        notes=(locale.text("customers.hashed"),) if context.role == "viewer" else (),
        is_wide=True,
        keys=_KINDS,
    )
    return [table]
