"""A page's figures by one dimension, such as platform.

Here: the table, and its chart by day.
Not here: the dimensions and their names (``dashboards.app.slice_bar``), reading them (``dashboards.slices``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import polars as pl

from dashboards.app.as_of import as_of
from dashboards.app.context import Context
from dashboards.app.pages.products import window_of
from dashboards.app.slice_bar import Dimensions
from dashboards.blocks import Block, Chart, Table
from dashboards.columns import change, exact, metric, text, with_changes
from dashboards.figures.course import courses, not_drawn
from dashboards.slices import OF_ITEMS
from pipelines.sqlproject.metric_sql import select
from pipelines.sqlproject.model import DIALECT

_METRICS = {
    "overview": (
        "revenue", "visitors", "visitor_conversion_rate", "revenue_per_buyer", "buyers", "orders",
        "average_order_value", "units", "net_revenue", "margin",
    ),
    "entrances": (
        "revenue", "exposures", "product_clicks", "click_through_rate", "add_to_carts", "cart_rate", "order_lines",
        "click_to_order_rate", "orders", "net_revenue", "margin", "revenue_per_mille",
    ),
    "slots": (
        "revenue", "impressions", "clicks", "slot_click_rate", "orders", "order_lines", "net_revenue", "margin",
        "revenue_per_mille_impressions",
    ),
    "channels": (
        "revenue", "sessions", "session_visitors", "orders", "buyers", "average_order_value", "net_revenue", "margin",
    ),
    "products": (
        "revenue", "exposures", "product_clicks", "click_through_rate", "views", "add_to_carts", "order_lines", "units",
    ),
    "customers": (
        "revenue", "buyers", "orders", "revenue_per_buyer", "average_order_value", "units", "net_revenue", "margin",
    ),
    "quality": ("events", "visitors", "page_id_missing_rate", "page_id_drop_rate", "skewed_rate", "late_rate"),
}  # fmt: skip
"""Page → its metrics; rows are sorted by the first metric."""

_OF_PRODUCTS = (
    "revenue", "exposures", "product_clicks", "click_through_rate", "orders", "order_lines", "net_revenue", "margin",
    "revenue_per_mille",
)  # fmt: skip
"""The metrics of slots by product; impressions are not among them, because an impression of a slot has no product."""

_ENDS, _SALES = "attribution.visitor_ends", "attribution.attributed_sales"
_INSTEAD: Mapping[str, Mapping[str, str]] = {
    "entrances": {"attribution.entrance_daily": _ENDS},
    "slots": {
        "attribution.entrance_daily": _ENDS,
        "attribution.slot_daily": "attribution.visitor_slots",
        "core.order_lines": _SALES,
    },
    "products": dict.fromkeys(("core.order_lines", "attribution.entrance_daily"), "products.daily"),
}
"""Page → a table of its metrics → the table to read instead, because it has the dimensions that the first one lacks."""

_WHERE = {"slots": " AND head_page_type <> '(none)'", "customers": " AND user_id IS NOT NULL"}
"""Page → an SQL condition that rows of the page's tables must meet to be included."""

_ONE_BY_ONE = {
    "quality": frozenset(_METRICS["quality"]),
    "slots": frozenset({"slot_click_rate", "revenue_per_mille_impressions"}),
}
"""Page → those of its metrics that need a query of their own for each value of the dimension."""

_VISITORS = frozenset({"visitors", "session_visitors"})
_DISTINCT = ("visitors", "session_visitors", "buyers", "orders")


def breakdown(context: Context) -> list[Block]:
    """The table of the page's metrics by the chosen dimension, then sales by day of its largest values."""
    locale, days, view = context.locale, context.days, context.view
    dimensions = Dimensions(context)
    names = _metrics(context)
    main = names[0]
    first, last = _days(context)
    found = _by(context, names, first, last)
    before = {}
    if days.is_recorded_then and days.then_first and days.then_last:
        before = {row["value"]: row for row in _by(context, names, days.then_first, days.then_last)}
    values = {row["value"]: row for row in found}
    empty: Mapping[str, Any] = dict.fromkeys(names, 0)
    rows: list[dict[str, Any]] = []
    total = sum(row[main] or 0 for row in found)
    for value in dict.fromkeys([*values, *before]):
        row = {**empty, **values.get(value, {}), "value": value, "name": dimensions.name(view.by, value)}
        row[f"{main}_before"] = before.get(value, empty)[main] if before else None
        row["revenue_share"] = row[main] / total if total else None
        rows.append(row)
    rows.sort(key=lambda row: (-(row[main] or 0), -(row[names[1]] or 0), row["name"]))
    with_changes(rows, main)
    title = dimensions.title(view.by)
    columns = [
        text(title, "name", href=lambda row: replace(view.sliced(**{view.by: (row["value"],)}), by="").href),
        metric(locale, main),
        *([metric(locale, "revenue_share")] if main == "revenue" else []),
        *([change(locale, main)] if days.is_recorded_then else []),
        *(metric(locale, name) for name in names[1:]),
    ]
    table = Table(
        "breakdown",
        locale.text("slice.breakdown", by=title),
        columns,
        rows,
        locale.text.joined(
            locale.text("slice.days", first=first, last=last) if (first, last) != (days.first, days.last) else "",
            locale.text(f"slice.{view.by}.about") if view.by not in OF_ITEMS or _VISITORS & {*names} else "",
        ),
        notes=_notes(context, names),
        is_wide=True,
        keys=("value",),
    )
    return [table, *_course(context, rows, title, main)]


def _metrics(context: Context) -> tuple[str, ...]:
    """The metrics of the page."""
    dimensions = {context.view.by, *(name for name, _ in context.slice)}
    if context.view.page == "slots" and dimensions & {"category", "brand"}:
        return _OF_PRODUCTS
    return _METRICS[context.view.page]


def _days(context: Context) -> tuple[dt.date, dt.date]:
    """The days of the figures: the days shown; on a page that shows a snapshot, the window that ends on its day."""
    if context.view.page == "products":
        return window_of(context)
    if context.view.page == "customers":
        day = as_of(context, "customers.rfm_daily")[0].day
        return day - dt.timedelta(days=context.whole.settings.rfm.window_days - 1), day
    return context.days.first, context.days.last


def _notes(context: Context, names: tuple[str, ...]) -> tuple[str, ...]:
    text, by = context.locale.text, context.view.by
    distinct = [name for name in _DISTINCT if name in names]
    if not distinct:
        return ()
    key = "slice.distinct.items" if by in OF_ITEMS else "slice.distinct"
    counted = text("list.separator").join(text.name("metric", name) for name in distinct)
    return (text(key, names=counted),)


def _course(context: Context, rows: list[dict[str, Any]], title: str, main: str) -> list[Block]:
    locale = context.locale
    first, last = _days(context)
    frame = _read(context, (main,), ("dt",), first, last).rename({"value": "key"}).sort("dt", "key")
    if first == last or frame.is_empty():
        return []
    names = {row["value"]: row["name"] for row in rows}
    table = Table(
        "breakdown_days",
        locale.text("slice.course", by=title, metric=locale.text.name("metric", main)),
        [text(locale.text("column.day"), "dt"), text(title, "name"), exact(locale, main)],
        [row | {"name": names.get(row["key"], row["key"])} for row in frame.to_dicts()],
        locale.text.name("about", main),
        notes=not_drawn(locale, main, len(rows)),
        is_wide=True,
        keys=("key",),
    )
    figure = courses(locale, frame, main, names)
    return [Chart(figure, table, is_wide=True)]


def _by(context: Context, names: tuple[str, ...], first: dt.date, last: dt.date) -> list[dict[str, Any]]:
    return _read(context, names, (), first, last).sort("value").to_dicts()


def _read(
    context: Context, names: tuple[str, ...], also_by: tuple[str, ...], first: dt.date, last: dt.date
) -> pl.DataFrame:
    """The metrics *names* for each value of the dimension (column ``value``) and of the columns *also_by*."""
    view, days = context.view, {"from": first, "to": last}
    apart = tuple(name for name in names if name in _ONE_BY_ONE.get(view.page, ()))
    together = tuple(name for name in names if name not in apart)
    if not together:
        every = view.slice.get(view.by) or Dimensions(context).values(view.by)
        return _one_by_one(context, apart, also_by, every, days)
    column = f"slice_{view.by}"
    sql = _sql(view.page, together, (*also_by, column))
    found = context.whole.in_slice(context.part(view.by)).frame(sql, **days).rename({column: "value"})
    if not apart or found.is_empty():
        return found
    values = found["value"].unique().sort().to_list()
    return found.join(_one_by_one(context, apart, also_by, values, days), on=[*also_by, "value"], how="left")


def _one_by_one(
    context: Context,
    names: tuple[str, ...],
    also_by: tuple[str, ...],
    values: Sequence[str],
    days: Mapping[str, dt.date],
) -> pl.DataFrame:
    view = context.view
    sql = _sql(view.page, names, also_by)
    frames = []
    for value in values:
        part = replace(context.part(), values=(*{**dict(context.slice), view.by: (value,)}.items(),))
        frames.append(context.whole.in_slice(part).frame(sql, **days).with_columns(value=pl.lit(value)))
    return pl.concat(frames)


@cache
def _sql(page: str, names: tuple[str, ...], by: tuple[str, ...]) -> str:
    where = "dt BETWEEN $from AND $to" + _WHERE.get(page, "")
    instead = {} if {*names} <= _ONE_BY_ONE.get(page, set()) else _INSTEAD.get(page, _INSTEAD["entrances"])
    return select(names, by, where, instead=instead).sql(dialect=DIALECT)
