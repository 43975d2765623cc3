"""Journeys: how many days and touchpoints it takes until an order, and which touchpoints assist.

Here: the totals, the distributions of days and path lengths, touchpoints as assists, new against returning buyers.
Not here: the paths themselves (``dashboards.app.pages.journey_paths``); paths within one visit
(``dashboards.app.pages.paths``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dashboards.app.cards import metric_card
from dashboards.app.context import Context
from dashboards.app.pages.journey_paths import journey_paths
from dashboards.app.pages.tabs import tabs
from dashboards.app.pages.touchpoints import chosen_type, touchpoint_href, touchpoint_names, type_choice
from dashboards.blocks import Block, Cards, Chart, Controls, Empty, Group, Table, Text
from dashboards.columns import change, exact, metric, text, with_changes
from dashboards.figures.bars import Bars, ranked_bars
from dashboards.figures.look import BLUE, SAND, plain
from dashboards.figures.touch import distribution
from dashboards.metrics import full_text
from dashboards.queries import query
from dashboards.sections.touch import touchpoint_name

PARTS = {"touchpoints": (), "paths": ("via",)}
"""Part of the page → the keys of the URL that only this part reads."""
DEFAULT_TYPE = "channel"
LONGEST = 20
"""Paths of at least this many touches are one bucket."""

BARS = 14

_CARDS = ("orders_with_touch", "orders_without_touch", "mean_days_to_order", "same_day_share", "mean_path_length",
          "single_touch_share")  # fmt: skip
_ASSISTS = ("assisted_orders", "last_touch_orders")
_PATHS = "attribution.paths"


def journeys(context: Context) -> Sequence[Block]:
    """The journeys of the chosen type of touchpoint."""
    days = context.days
    kind = chosen_type(context, DEFAULT_TYPE)
    names = touchpoint_names(context, kind)
    links = tabs(context, PARTS)
    parts: list[Block] = [links, Controls((type_choice(context, kind, DEFAULT_TYPE),))]
    if links.choice.value == "paths":
        return [*parts, *journey_paths(context, kind, names)]
    now = _totals(context, kind, days.first, days.last)
    then = None
    if days.is_recorded_then and days.then_first and days.then_last:
        then = _totals(context, kind, days.then_first, days.then_last)
    if not now["orders_with_touch"] and not now["orders_without_touch"]:
        return [*parts, context.nothing_there("empty.days")]
    parts.append(Cards(tuple(metric_card(context.locale, name, now, then) for name in _CARDS)))
    if not now["orders_with_touch"]:
        return [*parts, Text(context.locale.text(f"models.untouched.{kind}"), "missing")]
    return [
        *parts,
        Group((_lags(context, kind), _lengths(context, kind))),
        _touchpoints(context, kind, names),
        _buyers(context, kind),
    ]


def _totals(context: Context, kind: str, first: dt.date, last: dt.date) -> dict[str, Any]:
    days = {"from": first, "to": last}
    touched = context.copy.one(query("journeys.totals"), type=kind, **days)
    untouched = context.copy.one(query("journeys.untouched"), type=kind, **days)
    return touched | {"orders_without_touch": untouched["orders_without_touch"] or 0}


def _buckets(context: Context, name: str, kind: str) -> tuple[list[dict[str, Any]], dict[int, Any] | None]:
    """The rows of the query *name* on these days, and bucket → orders on the comparison days.

    The second is None if there are no comparison days. Its buckets without orders are included with 0.
    """
    days = context.days

    def read(first: dt.date, last: dt.date) -> dict[int, dict[str, Any]]:
        found = context.copy.rows(query(name), **{"from": first, "to": last}, type=kind, most=LONGEST)
        return {row["bucket"]: row for row in found}

    now, then = read(days.first, days.last), None
    if days.is_recorded_then and days.then_first and days.then_last:
        then = {bucket: row["orders_with_touch"] for bucket, row in read(days.then_first, days.then_last).items()}
    every = range(min(now), max([*now, *(then or ())]) + 1)
    nothing = {"orders_with_touch": 0, "order_share": 0.0, "revenue": 0.0}
    rows = [{"bucket": bucket, **nothing} | now.get(bucket, {}) for bucket in every]
    so_far = 0.0
    for row in rows:
        so_far += row["order_share"]
        row["cumulative_share"] = min(so_far, 1.0)
        row["orders_before"] = (then or {}).get(row["bucket"], 0) if then is not None else None
    return rows, then


def _lags(context: Context, kind: str) -> Chart:
    return _histogram(context, kind, "journeys.lags", "days_to_order", str)


def _lengths(context: Context, kind: str) -> Chart:
    def name(bucket: int) -> str:
        return f"{bucket}+" if bucket == LONGEST else str(bucket)

    return _histogram(context, kind, "journeys.lengths", "path_length", name)


def _histogram(context: Context, kind: str, own: str, measure: str, name: Callable[[int], str]) -> Chart:
    """The orders by *measure*, from the query *own*; *name* returns the name of a bucket."""
    locale = context.locale
    rows, then = _buckets(context, own, kind)
    title = locale.text(f"metric.{measure}")
    rows = [row | {"name": name(row["bucket"])} for row in rows]
    columns = [
        exact(locale, measure, field="bucket") if measure == "days_to_order" else text(title, "name"),
        exact(locale, "orders_with_touch"),
        *(
            [exact(locale, "orders_with_touch", field="orders_before", title=locale.text("journeys.orders_before"))]
            if then
            else []
        ),
        exact(locale, "order_share"),
        exact(locale, "order_share", field="cumulative_share", title=locale.text("journeys.cumulative")),
        exact(locale, "revenue"),
    ]
    about = locale.text.joined(
        locale.text(f"about.{measure}"), locale.text("course.one.compared") if then is not None else ""
    )
    table = Table(own.removeprefix("journeys."), locale.text(own), columns, rows, about, bar="orders_with_touch")
    figure = distribution(
        locale,
        "orders_with_touch",
        title,
        [row["name"] for row in rows],
        [row["orders_with_touch"] for row in rows],
        [row["orders_before"] for row in rows] if then is not None else None,
    )
    return Chart(figure, table)


def _touchpoints(context: Context, kind: str, names: Mapping[str, str]) -> Chart:
    """The touchpoints as assists and as last touches."""
    locale = context.locale
    rows = with_changes(
        [
            row | {"name": touchpoint_name(locale, kind, row["touchpoint"], names)}
            for row in context.rows(query("journeys.touchpoints"), type=kind)
        ],
        "orders_touched",
    )
    shown = rows[:BARS]
    table = Table(
        "touchpoints",
        locale.text("journeys.touchpoints"),
        [
            text(locale.text(f"touchpoint_type.{kind}"), "name", href=touchpoint_href(context, kind)),
            exact(locale, "orders_touched"),
            *([change(locale, "orders_touched")] if context.days.is_recorded_then else []),
            *(exact(locale, name) for name in ("first_touch_orders", *_ASSISTS, "sole_orders")),
            metric(locale, "assist_ratio"),
        ],
        rows,
        locale.text("journeys.touchpoints.about"),
        notes=(locale.text("first_of", n=BARS, m=len(rows)),) if len(rows) > BARS else (),
        is_wide=True,
        is_open=True,
        keys=("touchpoint",),
    )
    measures = [
        Bars(
            locale.text(f"metric.{name}"),
            [row[name] for row in shown],
            [locale.numbers.short(row[name]) for row in shown],
            color,
            pattern,
        )
        for name, color, pattern in zip(_ASSISTS, (SAND, BLUE), ("/", ""), strict=True)
    ]
    hovers = [
        f"<b>{plain(row['name'])}</b><br>"
        + "<br>".join(
            f"{locale.text(f'metric.{name}')} {full_text(locale.numbers, name, row[name])}"
            for name in ("orders_touched", *_ASSISTS, "assist_ratio")
        )
        for row in shown
    ]
    return Chart(ranked_bars(locale, [row["name"] for row in shown], measures, hovers), table, is_wide=True)


def _buyers(context: Context, kind: str) -> Block:
    """The journeys of new buyers compared with those of returning buyers."""
    locale = context.locale
    title = locale.text("journeys.buyers")
    if not context.copy.has(_PATHS):
        return Empty(title, locale.text("channels.too_large", tables=_PATHS), "headwater sql")
    rows = [
        row | {"name": locale.text("journeys.new" if row["is_first"] else "journeys.returning")}
        for row in context.rows(query("journeys.buyers"), type=kind)
    ]
    columns = [
        text(locale.text("column.buyers_kind"), "name"),
        *(exact(locale, name) for name in ("orders", "orders_without_touch")),
        *(metric(locale, name) for name in ("mean_days_to_order", "mean_path_length", "single_touch_share")),
    ]
    return Table("buyers", title, columns, rows, locale.text("journeys.buyers.about"), is_wide=True)
