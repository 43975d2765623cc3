"""The totals of a shop over any range of days, shared by all pages and the report.

Here: sales, buyers, visitors, the funnel from exposure to order, and their ratios. Distinct counts are over the
full range and ratios come from its sums: neither is added up or averaged over days.
Not here: definitions (``sql/metrics.yaml``), formats (``dashboards.metrics``), totals of one product
or entrance.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

import polars as pl

from dashboards.queries import query
from pipelines.sqlproject.metric_sql import select
from pipelines.sqlproject.model import DIALECT

SALES = (
    "revenue", "visitors", "visitor_conversion_rate", "revenue_per_buyer", "buyers", "orders", "average_order_value",
    "units_per_order", "revenue_per_visitor", "net_revenue", "margin", "margin_rate",
)  # fmt: skip
"""The metrics of the overview, in order. The first is the product of the next three."""

OF_VISITORS = frozenset({"visitors", "visitor_conversion_rate", "revenue_per_visitor"})
"""Metrics that are unknown without an event log."""

STEPS = (
    ("exposures", None),
    ("product_clicks", "click_through_rate"),
    ("add_to_carts", "cart_rate"),
    ("order_lines", "click_to_order_rate"),
)
"""The funnel from exposure to sale: each step, and the rate from the step before."""

VISITORS = "core.visitors"

_STEPS_IN = "attribution.entrance_daily"
_NOTED = ("units", "refunded", "events", "lines_without_cost", "lines_without_user", "revenue_without_user")
"""Metrics for the notes beside the totals."""


class Frames(Protocol):
    """Runs queries; money is converted to floating point."""

    def frame(self, sql: str, **parameters: object) -> pl.DataFrame:
        """The rows of *sql*."""


def totals(frames: Frames, first: dt.date, last: dt.date, *, has_visitors: bool) -> dict[str, Any]:
    """The totals of the days *first* to *last*: the metrics of SALES and STEPS, and those for the notes on them.

    ``visitors`` and the rates per visitor are None if there are no events, or if core.visitors lacks a day of the
    event log. *has_visitors*: whether core.visitors exists. ``events`` is the number of events.
    """
    days = {"from": first, "to": last}

    def row(sql: str) -> dict[str, Any]:
        return frames.frame(sql, **days).row(0, named=True)

    log_days = row(query("totals.days"))["log_days"]
    is_complete = has_visitors and log_days and row(query("totals.visitor_days"))["visitor_days"] == log_days
    names = tuple(name for name in (*SALES, *_NOTED) if is_complete or name not in OF_VISITORS)
    steps = tuple(name for step in STEPS for name in step if name)
    return {**dict.fromkeys(OF_VISITORS), **row(_sql(names)), **row(_sql(steps, _STEPS_IN))}


@cache
def _sql(names: tuple[str, ...], table: str | None = None) -> str:
    return select(names, where="dt BETWEEN $from AND $to", table=table).sql(dialect=DIALECT)


def is_without_log(figures: Mapping[str, Any]) -> bool:
    """Whether there are orders but no events: the shop delivers only orders, so metrics of the log are unknown."""
    return bool(figures["orders"]) and not figures["events"]
