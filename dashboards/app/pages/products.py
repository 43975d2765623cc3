"""Products: a matrix over a window, moves and health; new products, assortment, products without a quadrant.

Here: the choices, the parts of the page, the table of all products.
Not here: the sections (``dashboards.sections``), one product (``dashboards.app.pages.product``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from dashboards.app.as_of import AsOf, as_of
from dashboards.app.context import Context
from dashboards.app.pages.product import product
from dashboards.app.pages.tabs import tabs
from dashboards.blocks import Block, Chart, Choice, Column, Controls, Group, Option, Search, Table, Text
from dashboards.columns import metric, text
from dashboards.queries import query
from dashboards.sections.assortment import assortment
from dashboards.sections.definitions import Definition, definitions, titles_of
from dashboards.sections.health import verdict_cards
from dashboards.sections.launches import launches
from dashboards.sections.matrices import (
    health_of,
    matrix_chart,
    placed,
    quadrant_name,
    quadrant_table,
    verdicts,
)
from dashboards.sections.moves import moves_flow, moves_grid
from dashboards.sections.products import why_no_matrix
from dashboards.sections.reading import Href
from dashboards.sections.unplaced_products import unplaced_products
from dashboards.sections.windows import Window, matrix_windows, window_note

MAIN = "products.quadrants"
PARTS = ("matrix", "moves", "new", "assortment", "unplaced", "list")
"""The parts of the page, in order; the first is shown by default."""
WITHOUT_MATRIX = ("assortment", "unplaced")
"""The parts that are shown even if no matrix is configured."""
_MATRIX, _WINDOW = ("matrix", "moves", "list"), ("matrix", "moves", "list", "unplaced")
"""The parts in which the user chooses a matrix, and those in which the user chooses a window."""
_METRICS = (
    "revenue", "net_revenue", "margin", "margin_rate", "orders", "units", "exposures", "product_clicks",
    "click_through_rate", "views", "add_to_carts", "conversion_rate", "repurchase_rate", "growth_rate",
    "relative_share", "days_since_launch", "days_in_quadrant",
)  # fmt: skip
_OF_LOG = frozenset({"exposures", "product_clicks", "click_through_rate", "views", "add_to_carts", "conversion_rate"})
"""Metrics of the event log: their columns are dropped if no product has a value."""


@dataclass(frozen=True)
class Chosen:
    """The choices in the URL, with defaults.

    Attributes:
        definition: The matrix.
        windows: Id of a matrix → its window.
        window: The window of the chosen matrix.
        usual: The default window of the chosen matrix, in days.
    """

    definition: Definition
    windows: Mapping[str, Window]
    window: Window
    usual: int


def products(context: Context) -> Sequence[Block]:
    """The products as of the view's last day; with ``sku`` in the URL, that product's page."""
    locale = context.locale
    reading, note = as_of(context, MAIN)
    in_slice = replace(reading, copy=context.copy)
    if sku := context.view.get("sku"):
        return product(context, reading, note, sku)
    defined = definitions(locale, reading)
    windows = matrix_windows(reading)
    missing = why_no_matrix(locale, reading, windows, defined)
    if missing:
        part = tabs(context, dict.fromkeys(WITHOUT_MATRIX, ()))
        return [missing, part, *_whole(context, reading, part.choice.value, windows, defined)]
    chosen = _chosen(context, reading, windows, defined)
    part = tabs(context, dict.fromkeys(PARTS, ()))
    name = part.choice.value
    top: list[Block] = [note, part, _controls(context, reading, chosen, defined, name)]
    if name == "matrix":
        return [*top, *_matrix(context, reading, in_slice, chosen, defined)]
    if name == "moves":
        return [*top, *_moves(context, reading, chosen)]
    if name == "new":
        return [*top, launches(locale, in_slice, _to_product(context))]
    if name == "list":
        return [*top, _note(context, reading, chosen), _table(context, in_slice, chosen)]
    return [*top, *_whole(context, reading, name, chosen.windows, defined)]


def window_of(context: Context) -> tuple[dt.date, dt.date]:
    """The first and the last day of the window that the page shows; if there are no products, the days of the view."""
    reading, _ = as_of(context, MAIN)
    defined, windows = definitions(context.locale, reading), matrix_windows(reading)
    if why_no_matrix(context.locale, reading, windows, defined):
        return context.days.first, context.days.last
    days = _chosen(context, reading, windows, defined).window.days
    return reading.day - dt.timedelta(days=days - 1), reading.day


def _chosen(
    context: Context, reading: AsOf, windows: Mapping[str, Window], defined: Mapping[str, Definition]
) -> Chosen:
    """The choices in the URL if they are valid, else the defaults."""
    key = context.view.get("matrix")
    if key not in defined or key not in windows:
        key = _usual(windows, defined)
    usual = windows[key].days
    length = context.view.get("window")
    if length.isdecimal() and int(length) in reading.frame(query("products.window_days"))["window_days"]:
        windows = matrix_windows(reading, int(length))
    return Chosen(defined[key], windows, windows[key], usual)


def _usual(windows: Mapping[str, Window], defined: Mapping[str, Definition]) -> str:
    """The id of the default matrix: the first in which any product has a quadrant, else the first with products."""
    there = [key for key in defined if key in windows]
    return next((key for key in there if windows[key].placed), there[0])


def _controls(
    context: Context, reading: AsOf, chosen: Chosen, defined: Mapping[str, Definition], part: str
) -> Controls:
    text_of = context.locale.text
    lengths = reading.frame(query("products.window_days"))["window_days"]
    matrix = Choice(
        "matrix",
        text_of("products.matrix"),
        tuple(Option(key, title) for key, title in titles_of(defined).items() if key in chosen.windows),
        chosen.definition.key,
        default=_usual(matrix_windows(reading), defined),
    )
    window = Choice(
        "window",
        text_of("products.window_choice"),
        tuple(Option(str(days), text_of.days(days)) for days in lengths),
        str(chosen.window.days),
        default=str(chosen.usual),
    )
    find = Search("sku", text_of("products.find"), "", text_of("products.find.hint"))
    return Controls((*([matrix] if part in _MATRIX else []), *([window] if part in _WINDOW else []), find))


def _matrix(
    context: Context, reading: AsOf, in_slice: AsOf, chosen: Chosen, defined: Mapping[str, Definition]
) -> list[Block]:
    """The health in the chosen matrix, of all products and of those *in_slice*; and the health in every matrix."""
    locale, definition, window = context.locale, chosen.definition, chosen.window
    frame = placed(in_slice, definition.key, window)
    health = health_of(reading, chosen.windows)
    beside = (
        quadrant_table(locale, frame, definition),
        verdicts(locale, reading, health, defined, _to_matrix(context)),
    )
    return [
        _note(context, reading, chosen),
        verdict_cards(locale, health.filter(pl.col("matrix_id") == definition.key)),
        Group(
            (
                matrix_chart(locale, in_slice, frame, definition, window, _to_product(context)),
                Group(beside, "stack"),
            )
        ),
    ]


def _moves(context: Context, reading: AsOf, chosen: Chosen) -> list[Block]:
    """The moves of all products between the quadrants of the chosen matrix."""
    locale, definition, window = context.locale, chosen.definition, chosen.window
    grid = moves_grid(locale, reading, definition, window)
    if not isinstance(grid, Chart):  # then the section says why there are no moves
        return [_note(context, reading, chosen), grid]
    return [_note(context, reading, chosen), Group((moves_flow(locale, reading, definition, window), grid))]


def _note(context: Context, reading: AsOf, chosen: Chosen) -> Text:
    locale = context.locale
    note = window_note(locale, chosen.window, reading)
    return Text(locale.text.joined(note, _of_all(context)))


def _of_all(context: Context) -> str:
    """The note that the filters do not apply to parts that cover all products; '' without filters."""
    return context.locale.text("products.of_all") if context.slice else ""


def _table(context: Context, reading: AsOf, chosen: Chosen) -> Table:
    locale, matrix = context.locale, chosen.definition.matrix
    frame = reading.frame(query("products.products"), window=chosen.window.days, matrix=chosen.definition.key)
    rows = [
        row | {"called": quadrant_name(locale, row, matrix) if row["quadrant"] else None} for row in frame.to_dicts()
    ]
    has_log = any(row[name] for row in rows for name in ("exposures", "product_clicks", "views", "add_to_carts"))
    return Table(
        "products",
        locale.text("products.table"),
        [
            text(locale.text("column.product"), "name", href=_to_product(context)),
            text(locale.text("column.product_id"), "product_id"),
            Column(
                locale.text("column.category"),
                lambda row: locale.text.name("category", row["category"]),
                is_text=True,
                field="category",
            ),
            text(locale.text("column.quadrant"), "called"),
            *(metric(locale, name) for name in _METRICS if has_log or name not in _OF_LOG),
        ],
        rows,
        locale.text("products.table.about"),
        is_wide=True,
    )


def _whole(
    context: Context, reading: AsOf, part: str, windows: Mapping[str, Window], defined: Mapping[str, Definition]
) -> list[Block]:
    """The parts that cover all products: the assortment, and the products without a quadrant."""
    note: list[Block] = [Text(sentence)] if (sentence := _of_all(context)) else []
    if part == "assortment":
        return [*note, assortment(context.locale, reading)]
    return [*note, unplaced_products(context.locale, reading, windows, titles_of(defined))]


def _to_product(context: Context) -> Href:
    return lambda row: context.view.to(sku=row["product_id"]).href


def _to_matrix(context: Context) -> Href:
    return lambda row: context.view.to(matrix=row["matrix_id"]).href
