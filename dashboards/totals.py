"""The figures of a shop over any range of days, by the one definition that every page and the report share.

Here: sales, buyers, visitors, the steps from exposure to order, and the ratios of these. Distinct counts are of the
whole range, and ratios are made from its sums: neither is ever added up or averaged over days.
Not here: how a figure is called or written (``dashboards.words``, ``dashboards.metrics``), figures of one product or
entrance.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Protocol

import polars as pl

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

_TOTALS = """
WITH sales AS (
    SELECT coalesce(sum(revenue), 0) AS revenue, coalesce(sum(net_revenue), 0) AS net_revenue,
        CASE WHEN count(*) = 0 THEN 0 ELSE sum(margin) END AS margin,
        sum(net_revenue) FILTER (WHERE margin IS NOT NULL) AS costed, coalesce(sum(refunded), 0) AS refunded,
        count(DISTINCT order_id) AS orders, count(DISTINCT user_id) AS buyers,
        coalesce(sum(quantity), 0)::BIGINT AS units,
        sum(revenue) FILTER (WHERE user_id IS NOT NULL) AS buyers_revenue,
        coalesce(sum(revenue) FILTER (WHERE user_id IS NULL), 0) AS revenue_without_user,
        count(*) FILTER (WHERE user_id IS NULL) AS lines_without_user,
        count(*) FILTER (WHERE margin IS NULL) AS lines_without_cost
    FROM core.order_lines WHERE dt BETWEEN $from AND $to
), log AS (
    SELECT coalesce(sum(events), 0)::BIGINT AS events, count(*) AS log_days
    FROM core.traffic_daily WHERE dt BETWEEN $from AND $to
), people AS (
    {people}
), steps AS (
    SELECT sum(exposures)::BIGINT AS exposures, sum(product_clicks)::BIGINT AS product_clicks,
        sum(add_to_carts)::BIGINT AS add_to_carts, sum(order_lines)::BIGINT AS order_lines,
        sum(revenue) AS entrance_revenue
    FROM attribution.entrance_daily WHERE dt BETWEEN $from AND $to
), counted AS (
    SELECT *, CASE WHEN log_days > 0 AND people_days = log_days THEN people END AS visitors
    FROM sales, log, people, steps
)
SELECT *,
    buyers::DOUBLE / nullif(visitors, 0) AS visitor_conversion_rate,
    buyers_revenue::DOUBLE / nullif(buyers, 0) AS revenue_per_buyer,
    revenue::DOUBLE / nullif(visitors, 0) AS revenue_per_visitor,
    revenue::DOUBLE / nullif(orders, 0) AS average_order_value,
    units::DOUBLE / nullif(orders, 0) AS units_per_order,
    margin::DOUBLE / nullif(costed, 0) AS margin_rate,
    product_clicks::DOUBLE / nullif(exposures, 0) AS click_through_rate,
    add_to_carts::DOUBLE / nullif(product_clicks, 0) AS cart_rate,
    order_lines::DOUBLE / nullif(product_clicks, 0) AS click_to_order_rate,
    coalesce(entrance_revenue, 0) = coalesce(revenue, 0) AS is_equal
FROM counted
"""
_PEOPLE = """
    SELECT count(DISTINCT person_id) AS people, count(DISTINCT dt) AS people_days
    FROM core.visitors WHERE dt BETWEEN $from AND $to
"""
_NO_PEOPLE = "SELECT 0 AS people, 0 AS people_days"


class Frames(Protocol):
    """What answers a query, with money as floating point."""

    def frame(self, sql: str, **parameters: object) -> pl.DataFrame:
        """The rows of *sql*."""


def totals(frames: Frames, first: dt.date, last: dt.date, *, has_visitors: bool) -> dict[str, Any]:
    """The figures of *first* to *last*: those of SALES and STEPS, and what they leave out.

    ``visitors``, and the rates over them, are None where no event was logged, or where core.visitors lacks a day of the
    log: *has_visitors* tells whether that table is there at all. ``events`` is how many were logged.
    """
    sql = _TOTALS.format(people=_PEOPLE if has_visitors else _NO_PEOPLE)
    return frames.frame(sql, **{"from": first, "to": last}).row(0, named=True)


def is_without_log(figures: Mapping[str, Any]) -> bool:
    """Whether there are orders but no event: the shop lands orders alone, so nothing that the log tells is known."""
    return bool(figures["orders"]) and not figures["events"]
