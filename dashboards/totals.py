"""The figures of a shop over any range of days, by the one definition that every page and the report share.

Here: sales, buyers, visitors, the steps from exposure to order, and the ratios of these. Distinct counts are of the
whole range, and ratios are made from its sums: neither is ever added up or averaged over days.
Not here: what a figure is (``sql/metrics.yaml``), how it is written (``dashboards.metrics``), figures of one product
or entrance.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

import polars as pl

from dashboards.queries import query
from pipelines.sqlproject.metrics import select
from pipelines.sqlproject.model import DIALECT

SALES = (
    "revenue", "visitors", "visitor_conversion_rate", "revenue_per_buyer", "buyers", "orders", "average_order_value",
    "units_per_order", "revenue_per_visitor", "net_revenue", "margin", "margin_rate",
)  # fmt: skip
"""The figures of the overview in their order; of the first four the last three multiply to the first."""

OF_VISITORS = frozenset({"visitors", "visitor_conversion_rate", "revenue_per_visitor"})
"""Those that only a log of events can tell."""

STEPS = (
    ("exposures", None),
    ("product_clicks", "click_through_rate"),
    ("add_to_carts", "cart_rate"),
    ("order_lines", "click_to_order_rate"),
)
"""The way from exposure to sale: each step with the rate that leads to it."""

VISITORS = "core.visitors"

_STEPS_IN = "attribution.entrance_daily"
_NOTED = ("units", "refunded", "events", "lines_without_cost", "lines_without_user", "revenue_without_user")
"""What is said beside them."""


class Frames(Protocol):
    """What answers a query, with money as floating point."""

    def frame(self, sql: str, **parameters: object) -> pl.DataFrame:
        """The rows of *sql*."""


def totals(frames: Frames, first: dt.date, last: dt.date, *, has_visitors: bool) -> dict[str, Any]:
    """The figures of *first* to *last*: those of SALES and STEPS, and what they leave out.

    ``visitors``, and the rates over them, are None where no event was logged, or where core.visitors lacks a day of the
    log: *has_visitors* tells whether that table is there at all. ``events`` is how many were logged.
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
    """Whether there are orders but no event: the shop lands orders alone, so nothing that the log tells is known."""
    return bool(figures["orders"]) and not figures["events"]
