"""The paths over touchpoints as of a day: those with the most orders, and those without an order.

Here: both tables, the control that limits them to a touchpoint.
Not here: days and lengths of paths (``dashboards.app.pages.journeys``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.app.as_of import as_of
from dashboards.app.context import Context
from dashboards.app.slice_bar import whole_note
from dashboards.blocks import Block, Choice, Column, Controls, Empty, Option, Table, Text
from dashboards.columns import exact, metric, text
from dashboards.queries import query
from dashboards.sections.touch import UNATTRIBUTED, path_name, touchpoint_name

MAIN = "attribution.touch_path_summary"
MOST_PATHS = 2000
"""Maximum paths in a table and its files."""


def journey_paths(context: Context, kind: str, names: Mapping[str, str]) -> list[Block]:
    """The paths of touchpoints of the type *kind* as of the last day shown."""
    locale = context.locale
    heading = Text(locale.text("journeys.paths"), "heading")
    reading, note = as_of(context, MAIN)
    if reading.day not in reading.days(MAIN):
        text_of = locale.text("effects.no_snapshot", day=context.days.last)
        return [heading, Empty(locale.text("journeys.paths"), text_of, "headwater run")]
    keys = reading.frame(query("journeys.steps"), type=kind)["touchpoint"].to_list()
    via = context.view.get("via")
    via = via if via in keys else ""
    options = (
        Option("", locale.text("journeys.any")),
        *(Option(key, touchpoint_name(locale, kind, key, names)) for key in keys),
    )
    limits = {"type": kind, "via": via, "most": MOST_PATHS}
    found = reading.frame(query("journeys.paths"), **limits).to_dicts()
    lost = reading.frame(query("journeys.paths_without_orders"), **limits).to_dicts()
    for row in (*found, *lost):
        row["name"] = _name(context, kind, row["transformed_path"], names)
    days = context.copy.settings.touch.effects_days
    return [
        heading,
        note,
        Text(locale.text("effects.window", n=days, day=reading.day), "intro"),
        *whole_note(context),
        Controls((Choice("via", locale.text("journeys.via"), options, via, is_searchable=True),)),
        _with_orders(context, found),
        _without_orders(context, lost),
    ]


def _name(context: Context, kind: str, path: str, names: Mapping[str, str]) -> str:
    if path == UNATTRIBUTED:
        return context.locale.text("journeys.no_touch")
    return path_name(context.locale, kind, path, names)


def _cut(context: Context, rows: list[dict[str, Any]]) -> tuple[str, ...]:
    """The note that there are more paths than *rows*; empty if *rows* has all paths."""
    every = rows[0]["all_paths"] if rows else 0
    numbers = context.locale.numbers
    if every <= len(rows):
        return ()
    return (context.locale.text("journeys.cut", n=numbers.full(len(rows)), m=numbers.full(every)),)


def _with_orders(context: Context, rows: list[dict[str, Any]]) -> Table:
    locale = context.locale
    measures = [
        *(exact(locale, name) for name in ("orders", "order_lines", "non_conversions")),
        metric(locale, "order_rate"),
        exact(locale, "revenue"),
    ]
    return _listed(context, "paths", "journeys.top", rows, measures)


def _without_orders(context: Context, rows: list[dict[str, Any]]) -> Table:
    return _listed(context, "lost", "journeys.lost", rows, [exact(context.locale, "non_conversions")])


def _listed(context: Context, key: str, name: str, rows: list[dict[str, Any]], measures: Sequence[Column]) -> Table:
    """The paths *rows* with their *measures*; the text *name* is the table's title, *name*.about its introduction."""
    locale, notes = context.locale, _cut(context, rows)
    return Table(
        key,
        locale.text(name),
        [text(locale.text("column.path"), "name", is_long=True), exact(locale, "path_length"), *measures],
        rows,
        locale.text(f"{name}.about"),
        notes=notes,
        is_wide=True,
        bar=measures[0].field or "",
        is_sortable=not notes,
        keys=("transformed_path",),
    )
