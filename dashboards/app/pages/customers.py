"""Customers: octants and segments, scores, lifecycle, cohorts, lifetime value.

Here: the choice of a group (segment or octant), links to the lists of customers.
Not here: these lists (``dashboards.app.pages.customer_list``), one customer (``dashboards.app.pages.customer``), the
other blocks (``dashboards.sections.customers``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import get_args

from dashboards.app.as_of import AsOf, as_of
from dashboards.app.context import Context
from dashboards.app.pages.customer import customer
from dashboards.app.pages.customer_list import (
    ALL_CUSTOMERS,
    MOVE,
    NONE_CHOSEN,
    group_list,
    group_value,
    move_value,
    mover_list,
)
from dashboards.app.pages.tabs import tabs
from dashboards.blocks import Block, Choice, Controls, Option, Search
from dashboards.sections.customers import PARTS
from dashboards.sections.customers import customers as everything
from dashboards.sections.reading import Href
from dashboards.sections.segments import Kind, all_groups, all_names, names_of

MAIN = "customers.rfm_daily"

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
    part = tabs(context, {name: (MOVE,) if name == "moves" else () for name in PARTS})
    chosen = part.choice.value
    listed: list[Block] = []
    if chosen == "groups":
        listed = [_controls(context, reading), *group_list(context, reading, context.view.get("segment", NONE_CHOSEN))]
    if chosen == "moves" and (move := context.view.get(MOVE)):
        listed = mover_list(context, reading, move)
    moves: Mapping[Kind, Href] = {kind: _to_movers(context, kind) for kind in _KINDS}
    return [note, part, *listed, *everything(context.locale, reading, hrefs, [chosen], moves)]


def _to_group(context: Context, kind: Kind) -> Href:
    return lambda row: context.view.to(segment=group_value(kind, row["key"])).href


def _to_movers(context: Context, kind: Kind) -> Href:
    return lambda row: context.view.to(**{MOVE: move_value(kind, row["from_key"], row["to_key"])}).href


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
    everyone = Option(ALL_CUSTOMERS, locale.text("customers.option_all"))
    chosen = context.view.get("segment", NONE_CHOSEN)
    return Controls(
        (
            Choice(
                "segment",
                locale.text("customers.group"),
                (Option(NONE_CHOSEN, locale.text("customers.no_group")), everyone, *options),
                chosen if any(option.value == chosen for option in (everyone, *options)) else NONE_CHOSEN,
                is_searchable=True,
                default=NONE_CHOSEN,
                is_open=True,
            ),
            Search("user", locale.text("customers.find"), "", locale.text("customers.find.hint")),
        )
    )
