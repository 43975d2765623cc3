"""Paths: how shoppers get to the cart, as flows; and the path of one order, cart or device.

Here: the flows, the table of paths, the search for a single path.
Not here: the single path (``dashboards.app.pages.explorer``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.app.context import Context
from dashboards.app.pages.explorer import explore
from dashboards.app.pages.tabs import tabs
from dashboards.blocks import Block, Chart, Choice, Controls, Option, Search, Table, Text
from dashboards.columns import exact, metric, text
from dashboards.figures.flows import path_icicle, path_name, path_sankey
from dashboards.figures.path import shapes
from dashboards.queries import query

SEPARATOR = " > "
NO_PATH = "(no path)"

_METRICS = ("add_to_carts", "order_lines", "revenue")


PARTS: Mapping[str, Sequence[str]] = {"flows": ("metric", "shape", "via"), "one": ("find", "line")}
"""Part of the page → the keys of the URL that only this part reads."""


def paths(context: Context) -> Sequence[Block]:
    """All paths of these days, or the path of one order, cart or device."""
    links = tabs(context, PARTS)
    return [links, *(_one(context) if links.choice.value == "one" else _flows(context))]


def _one(context: Context) -> Sequence[Block]:
    locale = context.locale
    return [
        Text(locale.text("explorer.title"), "heading", about=locale.text("explorer.about", **shapes(locale))),
        Controls(
            (Search("find", locale.text("explorer.find"), context.view.get("find"), locale.text("explorer.hint")),)
        ),
        *explore(context),
    ]


def _flows(context: Context) -> Sequence[Block]:
    locale, view = context.locale, context.view
    chosen = view.get("metric", _METRICS[0])
    chosen = chosen if chosen in _METRICS else _METRICS[0]
    shape = "icicle" if view.get("shape") == "icicle" else "sankey"
    parts: list[Block] = [
        Controls(
            (
                Choice(
                    "metric",
                    locale.text("flows.metric"),
                    tuple(Option(name, locale.text.name("metric", name)) for name in _METRICS),
                    chosen,
                    default=_METRICS[0],
                ),
                Choice(
                    "shape",
                    locale.text("flows.shape"),
                    (Option("sankey", locale.text("flows.sankey")), Option("icicle", locale.text("flows.icicle"))),
                    shape,
                    default="sankey",
                ),
                Search("via", locale.text("flows.via"), view.get("via"), locale.text("flows.via.hint")),
            )
        ),
    ]
    rows = _rows(context, view.get("via"))
    if not rows:
        return [*parts, Text(locale.text("flows.none"), "missing")]
    weights = {
        tuple(row["effective_path"].split(SEPARATOR)): row[chosen] or 0
        for row in rows
        if row["effective_path"] != NO_PATH and row[chosen]
    }
    draw = path_icicle if shape == "icicle" else path_sankey
    if weights:
        parts.append(Chart(draw(locale, weights, chosen), _table(context, rows), is_wide=True))
    else:
        parts.append(_table(context, rows))
    return parts


def _rows(context: Context, via: str) -> list[dict[str, Any]]:
    locale = context.locale
    rows = [
        row
        | {
            "name": locale.text("flows.no_path")
            if row["effective_path"] == NO_PATH
            else path_name(locale, row["effective_path"].split(SEPARATOR)),
            "steps": None if row["effective_path"] == NO_PATH else len(row["effective_path"].split(SEPARATOR)),
        }
        for row in context.rows(query("paths.paths"))
    ]
    wanted = via.casefold().strip()
    return [row for row in rows if not wanted or wanted in f"{row['effective_path']} {row['name']}".casefold()]


def _table(context: Context, rows: Sequence[dict[str, Any]]) -> Table:
    locale = context.locale
    total = {
        "name": locale.text("total"),
        "steps": None,
        "cart_to_order_rate": None,
        "revenue_share": sum(row["revenue_share"] or 0 for row in rows) or None,
    } | {name: sum(row[name] or 0 for row in rows) for name in _METRICS}
    return Table(
        "paths",
        locale.text("flows.paths"),
        [
            text(locale.text("column.path"), "name", is_long=True),
            exact(locale, "add_to_carts"),
            exact(locale, "order_lines"),
            metric(locale, "cart_to_order_rate"),
            exact(locale, "revenue"),
            metric(locale, "revenue_share"),
        ],
        rows,
        locale.text("flows.about"),
        total,
        is_wide=True,
        is_open=True,
        keys=("effective_path",),
    )
