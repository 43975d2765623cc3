"""The value of a metric on each day, in a slice.

Here: which metrics and slices have a value of a day; reading the values from the dashboards' copy.
Not here: judging a value (``dashboards.app.watch.rules``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache

from sqlglot import exp

from dashboards.app.marts import Copy
from dashboards.queries import query
from dashboards.slices import DIMENSIONS, NONE, Slice, sliced
from pipelines.home.errors import HeadwaterError
from pipelines.home.settings import Settings
from pipelines.sqlproject.metric_sql import select
from pipelines.sqlproject.metrics import known_metric
from pipelines.sqlproject.model import DIALECT

TABLES = frozenset(
    {
        "attribution.entrance_daily",
        "attribution.module_daily",
        "attribution.slot_daily",
        "core.first_visits",
        "core.order_lines",
        "core.sessions",
        "core.spend",
        "core.traffic_daily",
        "core.visitors",
        "products.daily",
    }
)
"""Tables whose rows of a day can be summed. Others have a row for each model or window, so a sum would count twice."""

_WITHOUT_PRODUCTS = frozenset({"attribution.slot_daily", "attribution.module_daily"})
"""Tables of impressions, which have no product; see ``dashboards.slices``."""

Parts = tuple[tuple[str, tuple[str, ...]], ...]
"""A slice: each dimension with its values."""

Values = Mapping[dt.date, float | None]
"""Computed day → value; None: the metric has no value on that day, such as a rate whose denominator is 0."""


@cache
def _query(metric: str) -> tuple[str, frozenset[str]]:
    """The query of *metric* by day, and the tables that it reads."""
    tree = select([metric], by=["dt"], where="dt BETWEEN $first AND $last")
    tables = frozenset(f"{table.db}.{table.name}" for table in tree.find_all(exp.Table) if table.db)
    if tree.find(exp.Window) or not tables <= TABLES:
        raise HeadwaterError(
            f"'{metric}' has no daily value: it is computed by model, over a window, or as a share of other rows",
            remedy="choose another metric of sql/metrics.yaml, such as revenue, visitors or visitor_conversion_rate",
        )
    return tree.sql(dialect=DIALECT), tables


def refuse_metric(metric: str, parts: Parts, where: str) -> None:
    """Raise an error unless *metric* has a daily value in the slice *parts*.

    *where* names the setting in error messages.

    Raises:
        HeadwaterError: the metric is unknown or has no such value, or cannot be sliced like this.
    """
    try:
        sql, tables = _query(metric)
    except HeadwaterError as error:
        raise HeadwaterError(error.what, where=where, remedy=error.remedy) from error
    wanted = {name for name, _ in parts}
    if not wanted <= set(DIMENSIONS):
        return  # the caller reports the unknown dimension
    lost = (wanted & {"category", "brand"}) if tables & _WITHOUT_PRODUCTS else set()
    if wanted and "core.spend" in tables:
        lost = wanted
    try:
        today = dt.date(2026, 1, 1)
        settings = tuple(Settings().parameters().items())
        sliced(sql, Slice(parts, today), ((today, today),), settings)
    except ValueError:
        lost = wanted
    if lost:
        raise HeadwaterError(
            f"'{metric}' cannot be sliced by {', '.join(sorted(lost))}", where=where, remedy="remove it from 'slice'"
        )


def values_of(copy: Copy, metric: str, parts: Parts, first: dt.date, last: dt.date) -> Values:
    """The value of *metric* on each computed day from *first* to *last*, in the slice *parts*.

    Raises:
        HeadwaterError: the copy lacks a table that the metric needs, because the shop is large.
    """
    sql, tables = _query(metric)
    if missing := sorted(table for table in tables if not copy.has(table)):
        raise HeadwaterError(f"the dashboards' copy has no {missing[0]}: it does not exist, or is too large for it")
    segments_on = _segments_on(copy, last)
    part = Slice(parts, segments_on) if parts else None
    rows = copy.in_slice(part).rows(sql, first=first, last=last)
    found = {row["dt"]: row[metric] for row in rows}
    empty = None if known_metric(metric).is_ratio else 0.0
    days = [day for day in copy.days if first <= day <= last]
    return {day: float(value) if (value := found.get(day, empty)) is not None else None for day in days}


def unknown_value(copy: Copy, parts: Parts, day: dt.date) -> str:
    """The first value of *parts* that occurs in no row of *copy*, for example because of a typo; '' if all occur."""
    known = {("customers", "new"), ("customers", "returning")}
    if parts:
        rows = copy.rows(query("slices.values"), segments_on=_segments_on(copy, day))
        known |= {(row["dimension"], row["value"]) for row in rows}
    values = [(name, value) for name, found in parts for value in found]
    return next((value for name, value in values if (name, value) not in known and value != NONE), "")


def _segments_on(copy: Copy, day: dt.date) -> dt.date | None:
    """The day of the latest segments up to *day*."""
    return max((one for one in copy.days_of("customers.rfm") if one <= day), default=None)
