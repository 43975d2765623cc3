"""Reference implementation of the customer tables in plain loops, from the paid order lines and refunds.

Here: the rules of docs/how-it-works.md, computed differently than in SQL, with lists, sorting and exact fractions.
Not here: made-up lines (``tests.strategies_customers``).
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

Row = dict[str, Any]
SEGMENTS = (
    ("champions", (4, 5), (4, 5), (4, 5)),
    ("cant_lose", (1, 2), (4, 5), (4, 5)),
    ("loyal", (3, 5), (4, 5), (1, 5)),
    ("new", (5, 5), (1, 2), (1, 5)),
    ("promising", (4, 4), (1, 2), (1, 5)),
    ("potential_loyalist", (4, 5), (3, 3), (1, 5)),
    ("need_attention", (3, 3), (3, 3), (1, 5)),
    ("about_to_sleep", (3, 3), (1, 2), (1, 5)),
    ("at_risk", (1, 2), (3, 5), (1, 5)),
    ("hibernating", (2, 2), (1, 2), (1, 5)),
    ("lost", (1, 1), (1, 2), (1, 5)),
)
OCTANTS = {
    "111": "important_value",
    "011": "important_keep",
    "101": "important_develop",
    "001": "important_win_back",
    "110": "general_value",
    "010": "general_keep",
    "100": "general_develop",
    "000": "general_win_back",
}
STAGES = ("new", "active", "returning", "dormant", "churned")


@dataclass(frozen=True)
class Sales:
    """Lines of paid orders, and their refunds."""

    lines: Sequence[Row]
    refunds: Sequence[Row]

    def within(self, day: dt.date, days: int) -> list[Row]:
        """The lines of the last *days* days up to and including *day*."""
        return [line for line in self.lines if day - dt.timedelta(days=days) < line["dt"] <= day]

    def refunded(self, line: Row, day: dt.date) -> Decimal:
        """The amount of *line* that was refunded up to *day*."""
        refunds = self._refunds_of.get((line["order_id"], line["line_no"]), [])
        return sum((refund["amount"] for refund in refunds if refund["dt"] <= day), Decimal())

    @cached_property
    def _refunds_of(self) -> dict[tuple[Any, Any], list[Row]]:
        found: dict[tuple[Any, Any], list[Row]] = defaultdict(list)
        for refund in self.refunds:
            found[refund["order_id"], refund["line_no"]].append(refund)
        return found


def rfm(sales: Sales, day: dt.date, window_days: int) -> list[Row]:
    """The rows of customers.rfm as of *day*: each customer's values, scores, octant and segment."""
    lines_of: dict[str, list[Row]] = defaultdict(list)
    for line in sales.within(day, window_days):
        if line["user_id"] is not None:
            lines_of[line["user_id"]].append(line)
    customers = []
    for user_id, lines in sorted(lines_of.items()):
        refunded = sum((sales.refunded(line, day) for line in lines), Decimal())
        last = max(line["dt"] for line in lines)
        orders = len({line["order_id"] for line in lines})
        money = sum((line["revenue"] for line in lines), Decimal()) - refunded
        customers.append(
            {
                "dt": day,
                "user_id": user_id,
                "first_paid_on": min(line["dt"] for line in lines),
                "last_paid_on": last,
                "recency_days": (day - last).days,
                "frequency": orders,
                "monetary": money,
                "orders": orders,
                "net_revenue": money,
            }
        )
    _score(customers)
    return customers


def _score(customers: list[Row]) -> None:
    n = len(customers)
    for axis, metric, sign in (("r", "recency_days", -1), ("f", "frequency", 1), ("m", "monetary", 1)):
        values = [sign * Fraction(customer[metric]) for customer in customers]
        mean = sum(values, Fraction()) / n if n else None
        ordered = sorted(values)
        for customer, value in zip(customers, values, strict=True):
            worse = bisect_left(ordered, value)
            equal = bisect_right(ordered, value) - worse
            average_rank = worse + Fraction(equal + 1, 2)
            customer[f"{axis}_score"] = 1 + int(5 * (average_rank - Fraction(1, 2)) / n)
            customer[f"{axis}_high"] = value >= mean if axis == "r" else value > mean
    for customer in customers:
        code = "".join("1" if customer[f"{axis}_high"] else "0" for axis in "rfm")
        customer |= {"octant_code": code, "octant": OCTANTS[code], "segment": _segment(customer)}


def _segment(customer: Row) -> str:
    scores = [customer[f"{axis}_score"] for axis in "rfm"]
    return next(
        key for key, *ranges in SEGMENTS if all(low <= s <= high for s, (low, high) in zip(scores, ranges, strict=True))
    )


def migration(before: Sequence[Row], now: Sequence[Row]) -> dict[tuple[str, str, str], int]:
    """(kind, from, to) → number of customers, where *before* and *now* are rows of customers.rfm as of two days.

    Kind is octant or segment. The result is empty if there were no customers before.
    """
    counts: dict[tuple[str, str, str], int] = defaultdict(int)
    if before:
        earlier = {row["user_id"]: row for row in before}
        later = {row["user_id"]: row for row in now}
        for user_id in earlier.keys() | later.keys():
            for kind in ("octant", "segment"):
                source = earlier[user_id][kind] if user_id in earlier else "(new)"
                target = later[user_id][kind] if user_id in later else "(left)"
                counts[kind, source, target] += 1
    return dict(counts)


def lifecycle(sales: Sales, day: dt.date, period: int, churned: int, history: int) -> dict[str, tuple[int, Decimal]]:
    """Stage of the customer lifecycle on *day* → (number of customers, their revenue in the last *period* days).

    A customer whose last order is *period* or more days ago is dormant; *churned* or more days ago, churned. Orders
    from *history* or more days ago do not count.
    """
    days_of: Mapping[str, list[int]] = defaultdict(list)
    revenue_of: dict[str, Decimal] = defaultdict(Decimal)
    for line in sales.within(day, history):
        if line["user_id"] is not None:
            ago = (day - line["dt"]).days
            days_of[line["user_id"]].append(ago)
            revenue_of[line["user_id"]] += line["revenue"] if ago < period else 0
    found = {stage: (0, Decimal()) for stage in STAGES}
    for user_id, agos in days_of.items():
        if min(agos) >= churned:
            stage = "churned"
        elif min(agos) >= period:
            stage = "dormant"
        elif max(agos) < period:
            stage = "new"
        elif any(period <= ago < 2 * period for ago in agos):
            stage = "active"
        else:
            stage = "returning"
        found[stage] = found[stage][0] + 1, found[stage][1] + revenue_of[user_id]
    return found
