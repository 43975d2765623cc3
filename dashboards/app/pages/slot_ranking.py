"""The slots of all entrances in one table, each with a small line chart by day.

Here: the table and its rows; the metrics of the map and the table; which slots have too few impressions for a rate.
Not here: the map (``dashboards.app.pages.slot_map``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboards.app.context import Context
from dashboards.app.pages.slots import SLOT_KEYS, slot_key, slot_name
from dashboards.app.sparkline import sparkline
from dashboards.blocks import Column, Picture, Row, Table
from dashboards.columns import change, metric, text, with_changes
from dashboards.metrics import full_text, short_text
from dashboards.queries import query
from pipelines.sqlproject.metrics import known_metric

_OF_SLOTS = ("revenue", "impressions", "slot_click_rate", "revenue_per_mille_impressions", "orders")
_OF_PRODUCTS = ("revenue", "exposures", "click_through_rate", "revenue_per_mille", "orders")
METRICS = tuple(dict.fromkeys((*_OF_SLOTS, *_OF_PRODUCTS)))

FEW = 100
"""With fewer impressions a slot gets no rate: chance alone could make it the best or the worst."""

_MOST_PARTS = 92
"""Over at most this many days, a line has a point for each day; over more days, one for each week."""


def metrics_of(context: Context) -> tuple[str, ...]:
    """The metrics that can colour the map; the first is the default.

    Impressions and clicks of a slot have no product. So a page filtered by category or brand instead offers the
    exposures and clicks of the products that the slot led to.
    """
    return _OF_PRODUCTS if any(name in ("category", "brand") for name, _ in context.slice) else _OF_SLOTS


def is_few(row: Row, name: str) -> bool:
    """Whether a slot has too few impressions for the metric *name*; never for a count or an amount."""
    shown = "impressions" if name in _OF_SLOTS else "exposures"
    return known_metric(name).is_ratio and (row[shown] or 0) < FEW


def beside(context: Context, name: str, **parameters: object) -> list[dict[str, Any]]:
    """The rows of the query *name* for these days, with ``<metric>_before`` of the comparison days.

    A slot that has figures only on the comparison days is excluded. If a slot has no figures on the comparison days,
    their counts and amounts are 0 and their ratios None.
    """
    rows = context.rows(query(name), **parameters)
    before = {_place(row): row for row in rows if row["is_before"]}
    found = []
    for row in rows:
        if not row["is_before"]:
            earlier = before.get(_place(row), {})
            nothing = {key: None if known_metric(key).is_ratio else 0 for key in METRICS}
            found.append(row | {f"{key}_before": earlier.get(key, nothing[key]) for key in METRICS})
    return found


def _place(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """The key by which rows of these days and of the comparison days are joined: a slot, of one entrance or of all."""
    keys = SLOT_KEYS[1:] if "entrances" in row else SLOT_KEYS
    return tuple(row.get(key) for key in keys)


def slot_ranking(context: Context, name: str) -> Table:
    """The slots of all entrances, those with the highest value of the metric *name* first."""
    locale = context.locale
    names = context.entrance_names()
    is_of_products = metrics_of(context) == _OF_PRODUCTS
    rows = with_changes(beside(context, "slot_map.slots"), *METRICS)
    rows.sort(key=lambda row: (row[name] is None, is_few(row, name), -(row[name] or 0)))
    length, courses = _courses(context, name)
    for row in rows:
        row |= {
            "name": slot_name(context, row),
            "entrance": names.get(row["entrance_id"], row["entrance_id"]),
            "course": courses.get(tuple(row[key] for key in SLOT_KEYS), []),
        }
    total = with_changes(beside(context, "slot_map.all_slots"), *METRICS)
    return Table(
        "slots",
        locale.text("slot_map.all"),
        _columns(context, name, length, is_of_products=is_of_products),
        rows,
        locale.text("slots.about"),
        {**total[0], "name": locale.text("total"), "entrance": None, "course": []} if total else None,
        (*(_notes(context, total[0], is_of_products=is_of_products) if total else ()),
         *([locale.text("slot_map.few.last", n=FEW)] if any(is_few(row, name) for row in rows) else [])),
        is_wide=True,
        keys=SLOT_KEYS,
    )  # fmt: skip


def _notes(context: Context, total: Row, *, is_of_products: bool) -> list[str]:
    """Notes on the sales without a slot, and on the clicks and sales without impressions, which rates leave out."""
    text, numbers = context.locale.text, context.locale.numbers
    notes = []
    if total["revenue_without_slot"]:
        notes.append(text("slot_map.without", revenue=full_text(numbers, "revenue", total["revenue_without_slot"])))
    if is_of_products:
        return [*notes, text("slot_map.of_products")]
    sums = {name: total[name] for name in ("clicks", "revenue")}
    counted = {f"{name}_with_impressions": total[f"{name}_with_impressions"] for name in sums}
    if total["impressions"] and [*sums.values()] != [*counted.values()]:
        said = {name: full_text(numbers, name, value) for name, value in {**sums, **counted}.items()}
        notes.append(text("slot_map.counted", **said))
    return notes


def _columns(context: Context, name: str, length: int, *, is_of_products: bool) -> list[Column]:
    locale, view = context.locale, context.view
    others = [
        key
        for key in (
            *(("exposures", "product_clicks", "click_through_rate") if is_of_products
              else ("impressions", "clicks", "slot_click_rate")),
            "orders", "order_lines", "revenue", "net_revenue", "margin",
            "revenue_per_mille" if is_of_products else "revenue_per_mille_impressions",
        )
        if key != name
    ]  # fmt: skip
    return [
        text(
            locale.text("column.place"),
            "name",
            href=lambda row: view.to("entrances", entrance=row["entrance_id"], slot=slot_key(row)).href,
        ),
        text(
            locale.text("column.entrance"),
            "entrance",
            href=lambda row: view.to("entrances", entrance=row["entrance_id"]).href,
        ),
        metric(locale, name),
        *([change(locale, name)] if context.days.is_recorded_then else []),
        _course_column(context, name, length),
        *(metric(locale, key) for key in others),
    ]


def _courses(context: Context, name: str) -> tuple[int, dict[tuple[Any, ...], list[float | None]]]:
    """The number of days per point of a line, and the values of the metric *name* for each slot.

    A point without figures is None if none of its days is computed, or if the metric is a ratio; else 0.
    """
    days = context.days
    length = 1 if days.number <= _MOST_PARTS else 7
    parts = -(-days.number // length)
    computed = {(day - days.first).days // length for day in context.copy.days if days.first <= day <= days.last}
    nothing = None if known_metric(name).is_ratio else 0
    courses: dict[tuple[Any, ...], list[float | None]] = {}
    for row in context.rows(query("slot_map.courses"), length=length):
        key = tuple(row[part] for part in SLOT_KEYS)
        course = courses.setdefault(key, [nothing if nth in computed else None for nth in range(parts)])
        course[row["nth"]] = row[name]
    return length, courses


def _course_column(context: Context, name: str, length: int) -> Column:
    """A line chart of the metric *name* by day in each cell; exported files have its values, separated by spaces."""
    locale = context.locale
    key = "slot_map.course" if length == 1 else "slot_map.course.weeks"

    def short(value: float) -> str:
        return short_text(locale.numbers, name, value)

    def picture(row: Row) -> Picture | None:
        course = row["course"]
        known = [value for value in course if value is not None]
        if not known:
            return None
        ends = {"low": short(min(known)), "high": short(max(known)), "last": short(known[-1])}
        words = locale.text("slot_map.course.words", **ends)
        return Picture(sparkline(course, context.view.theme), words, 104)

    return Column(
        locale.text(key, metric=locale.text.name("metric", name)),
        lambda row: "",
        is_text=True,
        field="course",
        read=lambda row: " ".join("" if value is None else f"{value:.10g}" for value in row["course"]),
        picture=picture,
        is_sortable=False,
    )
