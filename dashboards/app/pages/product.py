"""One product with its variants: metrics, quadrants in the matrices, chart by day, sales by entrance.

Here: its blocks.
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
from dashboards.figures.look import Look
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
    """The page of the product with *sku* as its id or variant; *note*: the note with the day of the snapshots."""
    look = context.look
    back = Text(look.text("product.back"), href=context.view.to(sku=None, measure=None).href)
    product_id = str(context.one(query("product.id"), sku=sku)["product_id"])
    found = context.rows(query("product.product"), product=product_id)
    windows = (
        reading.frame(query("product.windows"), product=product_id).to_dicts()
        if reading.exists("products.metrics")
        else []
    )
    if not found and not windows:
        return [back, Text(look.text("product.unknown", sku=sku), "missing")]
    known = found[0] if found else {"name": product_id}
    is_named = known["name"] != product_id
    return [
        back,
        Text(f"{known['name']} · {product_id}" if is_named else product_id, "heading"),
        *([Text(look.text("product.is_variant", sku=sku, product=known["name"]))] if product_id != sku else []),
        Text(look.text.joined(*_facts(look, known))),
        note,
        _course(context, product_id),
        *_variants(context, product_id),
        _places(context, reading, product_id),
        _entrances(context, product_id),
        _windows(look, windows),
    ]


def _variants(context: Context, product_id: str) -> list[Block]:
    """Sales of each SKU of the product on the selected days; empty if the product has no variants."""
    look = context.look
    rows = context.rows(query("product.variants"), product=product_id)
    if all(row["sku"] == product_id for row in rows):
        return []
    total = {"name": look.text("total"), "sku": None, "list_price": None}
    columns = [
        text(look.text("column.variant"), "name"),
        text(look.text("column.sku"), "sku"),
        exact(look, "list_price"),
        *(exact(look, name) for name in _SOLD),
    ]
    return [
        Table(
            "variants",
            look.text("product.variants"),
            columns,
            rows,
            look.text("product.variants.about"),
            total | {name: sum(row[name] for row in rows) for name in _SOLD},
            is_wide=True,
        )
    ]


def _facts(look: Look, known: Row) -> list[str]:
    note = []
    if known.get("category"):
        note.append(look.text("product.category", name=known["category"]))
    if known.get("brand"):
        note.append(look.text("product.brand", name=known["brand"]))
    if known.get("list_price") is not None:
        note.append(look.text("product.price", price=look.numbers.full_money(known["list_price"])))
    if known.get("launched_on"):
        note.append(look.text("product.launched", day=known["launched_on"]))
    return note


def _windows(look: Look, rows: Sequence[Row]) -> Table:
    return Table(
        "windows",
        look.text("product.windows"),
        [_window_column(look), *(metric(look, name) for name in _METRICS)],
        rows,
        look.text("product.windows.about"),
        is_wide=True,
        keys=("product_id",),
    )


def _window_column(look: Look) -> Column:
    return Column(
        look.text("column.window"), lambda row: look.text.days(row["window_days"]), is_text=True, field="window_days"
    )


def _places(context: Context, reading: AsOf, product_id: str) -> Table:
    """The product's quadrant in each matrix, over the window in which that matrix is shown."""
    look = context.look
    defined = definitions(look, reading)
    found = {
        (row["matrix_id"], row["window_days"]): row
        for row in reading.frame(query("product.places"), product=product_id).to_dicts()
    }
    rows = [
        _place(look, defined[key], found[key, window.days])
        for key, window in matrix_windows(reading).items()
        if key in defined and (key, window.days) in found
    ]
    return Table(
        "places",
        look.text("product.quadrants"),
        [
            text(
                look.text("column.matrix"),
                "title",
                href=lambda row: context.view.to(sku=None, measure=None, matrix=row["matrix_id"]).href,
            ),
            _window_column(look),
            text(look.text("column.quadrant"), "called"),
            exact(look, "days_in_quadrant"),
            text(look.text("column.previous"), "before"),
            text(look.text("column.x_value"), "x"),
            text(look.text("column.y_value"), "y"),
            text(look.text("column.advice"), "advice", is_long=True),
        ],
        sorted(rows, key=lambda row: list(defined).index(row["matrix_id"])),
        look.text("product.quadrants.about"),
        is_wide=True,
        keys=("product_id", "matrix_id"),
    )


def _place(look: Look, definition: Definition, row: Row) -> dict[str, Any]:
    matrix = definition.matrix
    advice = {cell["key"]: cell[f"advice_{look.language}"] for cell in definition.cells.iter_rows(named=True)}
    previous = row["previous_quadrant"]
    return {
        **row,
        "title": definition.title,
        "called": quadrant_name(look, row, matrix),
        "before": matrix.names.get(previous, previous) if previous else None,
        "x": _with_threshold(look, matrix.x_metric, row["x_value"], row["x_threshold"]),
        "y": _with_threshold(look, matrix.y_metric, row["y_value"], row["y_threshold"]),
        "advice": advice.get(row["quadrant"]),
    }


def _with_threshold(look: Look, name: str, value: float | None, threshold: float | None) -> str:
    return look.text(
        "value.with_threshold",
        metric=look.text.name("metric", name),
        value=full_text(look.numbers, name, value),
        threshold=NONE if threshold is None else full_text(look.numbers, name, threshold),
    )


def _course(context: Context, product_id: str) -> Group:
    """The chart of a metric by day, with the control that chooses the metric."""
    look, days = context.look, context.days
    chosen = context.view.get("measure", MEASURES[0])
    name = chosen if chosen in MEASURES else MEASURES[0]

    def sold(first: dt.date, last: dt.date) -> pl.DataFrame:
        return by_day(context, "product.days", name, first, last, {"product": product_id}, "products.daily")

    frame, earlier = sold(days.first, days.last), None
    if days.is_recorded_then and days.then_first and days.then_last:
        earlier = sold(days.then_first, days.then_last)
    called = look.text.name("metric", name)
    options = tuple(Option(key, look.text.name("metric", key)) for key in MEASURES)
    table = Table(
        "course",
        look.text("product.course", metric=called),
        [text(look.text("column.day"), "dt"), exact(look, name)],
        [row | {"product_id": product_id} for row in frame.to_dicts()[::-1]],
        look.text.joined(
            look.text("product.course.about"), look.text("course.compared") if earlier is not None else ""
        ),
        is_wide=True,
        keys=("product_id",),
    )
    controls = Controls((Choice("measure", look.text("product.measure"), options, name, default=MEASURES[0]),))
    return Group((controls, Chart(course(look, frame, name, earlier), table, is_wide=True)), "stack")


def _entrances(context: Context, product_id: str) -> Block:
    """The product's sales by entrance and kind of match."""
    look, kind = context.look, chosen_kind(context)
    if not context.copy.has(TABLE):
        return too_large(context)
    names = context.entrance_names()
    rows = [
        row | {"name": names.get(row["entrance_id"], row["entrance_id"]), "product_id": product_id}
        for row in context.rows(query("product.entrances"), product=product_id, kind=kind)
    ]
    table = Table(
        "entrances",
        look.text("matches.entrances", kind=kind_name(context, kind)) if kind else look.text("product.entrances"),
        [
            text(
                look.text("column.entrance"),
                "name",
                href=lambda row: (
                    context.view.to("entrances", entrance=row["entrance_id"], matched_by=kind or None).href
                ),
            ),
            *(
                metric(look, name)
                for name in ("revenue", "revenue_by_visit", "revenue_share", "net_revenue", "margin", "orders", "units")
            ),
        ],
        rows,
        look.text.joined(look.text("product.entrances.about"), look.text(f"about_match.{kind}") if kind else ""),
        notes=() if rows else (look.text("product.no_sales"),),
        is_wide=True,
        keys=("product_id", "entrance_id"),
    )
    return Group((Controls((match_choice(context),)), table), "stack")
