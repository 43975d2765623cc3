"""One product with its variants: metrics, quadrants in the matrices, chart by day, sales by entrance.

Here: the blocks of this page.
Not here: all products (``dashboards.app.pages.products``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import polars as pl

from dashboards.app.as_of import AsOf
from dashboards.app.context import Context
from dashboards.app.pages.matches import TABLE, chosen_kind, kind_name, match_choice, too_large
from dashboards.app.pages.one_course import by_day
from dashboards.blocks import Block, Chart, Choice, Column, Controls, Group, Option, Row, Table, Text
from dashboards.columns import exact, metric, text
from dashboards.figures.course import course
from dashboards.locale import Locale
from dashboards.metrics import full_text
from dashboards.numbers import NONE
from dashboards.queries import query
from dashboards.sections.definitions import Definition, definitions
from dashboards.sections.matrices import quadrant_name
from dashboards.sections.windows import matrix_windows

MEASURES = ("revenue", "units", "order_lines", "exposures", "product_clicks", "views", "add_to_carts")
"""Metrics of the chart by day; the first is the default."""

_SOLD = ("units", "order_lines", "revenue", "refunded", "net_revenue")
_METRICS = (
    "revenue", "net_revenue", "margin", "margin_rate", "orders", "units", "buyers", "exposures", "product_clicks",
    "click_through_rate", "views", "add_to_carts", "conversion_rate", "repurchase_rate", "growth_rate",
    "relative_share",
)  # fmt: skip


def product(context: Context, reading: AsOf, note: Text, sku: str) -> Sequence[Block]:
    """The page of the product with *sku* as its id or variant; *note* says which day it shows."""
    locale = context.locale
    back = Text(locale.text("product.back"), href=context.view.to(sku=None, measure=None).href)
    product_id = str(context.one(query("product.id"), sku=sku)["product_id"])
    found = context.rows(query("product.product"), product=product_id)
    windows = (
        reading.frame(query("product.windows"), product=product_id).to_dicts()
        if reading.exists("products.metrics")
        else []
    )
    if not found and not windows:
        return [back, Text(locale.text("product.unknown", sku=sku), "missing")]
    known = found[0] if found else {"name": product_id}
    is_named = known["name"] != product_id
    return [
        back,
        Text(f"{known['name']} · {product_id}" if is_named else product_id, "title"),
        *([Text(locale.text("product.is_variant", sku=sku, product=known["name"]))] if product_id != sku else []),
        Text(locale.text.joined(*_facts(locale, known))),
        note,
        _course(context, product_id),
        *_variants(context, product_id),
        _places(context, reading, product_id),
        _entrances(context, product_id),
        _windows(locale, windows),
    ]


def _variants(context: Context, product_id: str) -> list[Block]:
    """Sales of each SKU of the product on the selected days; empty if the product has no variants."""
    locale = context.locale
    rows = context.rows(query("product.variants"), product=product_id)
    if all(row["sku"] == product_id for row in rows):
        return []
    total = {"name": locale.text("total"), "sku": None, "list_price": None}
    columns = [
        text(locale.text("column.variant"), "name"),
        text(locale.text("column.sku"), "sku"),
        exact(locale, "list_price"),
        *(exact(locale, name) for name in _SOLD),
    ]
    return [
        Table(
            "variants",
            locale.text("product.variants"),
            columns,
            rows,
            locale.text("product.variants.about"),
            total | {name: sum(row[name] for row in rows) for name in _SOLD},
            is_wide=True,
        )
    ]


def _facts(locale: Locale, known: Row) -> list[str]:
    note = []
    if known.get("category"):
        note.append(locale.text("product.category", name=known["category"]))
    if known.get("brand"):
        note.append(locale.text("product.brand", name=known["brand"]))
    if known.get("list_price") is not None:
        note.append(locale.text("product.price", price=locale.numbers.full_money(known["list_price"])))
    if known.get("launched_on"):
        note.append(locale.text("product.launched", day=known["launched_on"]))
    return note


def _windows(locale: Locale, rows: Sequence[Row]) -> Table:
    return Table(
        "windows",
        locale.text("product.windows"),
        [_window_column(locale), *(metric(locale, name) for name in _METRICS)],
        rows,
        locale.text("product.windows.about"),
        is_wide=True,
        keys=("product_id",),
    )


def _window_column(locale: Locale) -> Column:
    return Column(
        locale.text("column.window"),
        lambda row: locale.text.days(row["window_days"]),
        is_text=True,
        field="window_days",
    )


def _places(context: Context, reading: AsOf, product_id: str) -> Table:
    """A table of the product's quadrants: a row for each matrix, over the default window of that matrix."""
    locale = context.locale
    defined = definitions(locale, reading)
    found = {
        (row["matrix_id"], row["window_days"]): row
        for row in reading.frame(query("product.places"), product=product_id).to_dicts()
    }
    rows = [
        _place(locale, defined[key], found[key, window.days])
        for key, window in matrix_windows(reading).items()
        if key in defined and (key, window.days) in found
    ]
    return Table(
        "places",
        locale.text("product.quadrants"),
        [
            text(
                locale.text("column.matrix"),
                "title",
                href=lambda row: context.view.to(sku=None, measure=None, matrix=row["matrix_id"]).href,
            ),
            text(locale.text("column.quadrant"), "called"),
            exact(locale, "days_in_quadrant"),
            _window_column(locale),
            text(locale.text("column.previous"), "before"),
            text(locale.text("column.x_value"), "x"),
            text(locale.text("column.y_value"), "y"),
            text(locale.text("column.advice"), "advice", is_long=True),
        ],
        sorted(rows, key=lambda row: list(defined).index(row["matrix_id"])),
        locale.text("product.quadrants.about"),
        is_wide=True,
        keys=("product_id", "matrix_id"),
    )


def _place(locale: Locale, definition: Definition, row: Row) -> dict[str, Any]:
    matrix = definition.matrix
    advice = {cell["key"]: cell[f"advice_{locale.language}"] for cell in definition.cells.iter_rows(named=True)}
    previous = row["previous_quadrant"]
    return {
        **row,
        "title": definition.title,
        "called": quadrant_name(locale, row, matrix),
        "before": matrix.names.get(previous, previous) if previous else None,
        "x": _with_threshold(locale, matrix.x_metric, row["x_value"], row["x_threshold"]),
        "y": _with_threshold(locale, matrix.y_metric, row["y_value"], row["y_threshold"]),
        "advice": advice.get(row["quadrant"]),
    }


def _with_threshold(locale: Locale, name: str, value: float | None, threshold: float | None) -> str:
    return locale.text(
        "value.with_threshold",
        metric=locale.text.name("metric", name),
        value=full_text(locale.numbers, name, value),
        threshold=NONE if threshold is None else full_text(locale.numbers, name, threshold),
    )


def _course(context: Context, product_id: str) -> Group:
    """The chart of a metric by day, with the control that chooses the metric."""
    locale, days = context.locale, context.days
    chosen = context.view.get("measure", MEASURES[0])
    name = chosen if chosen in MEASURES else MEASURES[0]

    def sold(first: dt.date, last: dt.date) -> pl.DataFrame:
        return by_day(context, "product.days", name, first, last, {"product": product_id}, "products.daily")

    frame, earlier = sold(days.first, days.last), None
    if days.is_recorded_then and days.then_first and days.then_last:
        earlier = sold(days.then_first, days.then_last)
    called = locale.text.name("metric", name)
    options = tuple(Option(key, locale.text.name("metric", key)) for key in MEASURES)
    table = Table(
        "course",
        locale.text("product.course", metric=called),
        [text(locale.text("column.day"), "dt"), exact(locale, name)],
        [row | {"product_id": product_id} for row in frame.to_dicts()[::-1]],
        locale.text.joined(
            locale.text("product.course.about"), locale.text("course.compared") if earlier is not None else ""
        ),
        is_wide=True,
        keys=("product_id",),
    )
    controls = Controls((Choice("measure", locale.text("product.measure"), options, name, default=MEASURES[0]),))
    return Group((controls, Chart(course(locale, frame, name, earlier), table, is_wide=True)), "stack")


def _entrances(context: Context, product_id: str) -> Block:
    """The product's sales by entrance and kind of match."""
    locale, kind = context.locale, chosen_kind(context)
    if not context.copy.has(TABLE):
        return too_large(context)
    names = context.entrance_names()
    rows = [
        row | {"name": names.get(row["entrance_id"], row["entrance_id"]), "product_id": product_id}
        for row in context.rows(query("product.entrances"), product=product_id, kind=kind)
    ]
    table = Table(
        "entrances",
        locale.text("matches.entrances", kind=kind_name(context, kind)) if kind else locale.text("product.entrances"),
        [
            text(
                locale.text("column.entrance"),
                "name",
                href=lambda row: (
                    context.view.to("entrances", entrance=row["entrance_id"], matched_by=kind or None).href
                ),
            ),
            *(
                metric(locale, name)
                for name in ("revenue", "revenue_by_visit", "revenue_share", "net_revenue", "margin", "orders", "units")
            ),
        ],
        rows,
        locale.text.joined(locale.text("product.entrances.about"), locale.text(f"about_match.{kind}") if kind else ""),
        notes=() if rows else (locale.text("product.no_sales"),),
        is_wide=True,
        keys=("product_id", "entrance_id"),
    )
    return Group((Controls((match_choice(context),)), table), "stack")
