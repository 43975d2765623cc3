"""Reference implementation of the credit of the touch models and of daily counts by touchpoint, in plain loops.

An attribution model divides an order line among the touches of the order's path.

Here: shares and money of the seven models, and the daily tables of models and touchpoints. The code is slow, and uses
no SQL, no data frames and none of the program's code, so that it can be compared sentence by sentence with
docs/how-it-works.md.
Not here: paths (``tests.reference_touch``), removal effects (``tests.reference_paths``).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from tests.reference_core import Row, Shop
from tests.reference_touch import TYPES, UNATTRIBUTED, joinable

MODELS = ("first", "last", "linear", "position_based", "time_decay", "markov", "shapley")
CUTS = 10**12
"""Shares are rounded to twelve decimals before money is split."""
NO_TOUCH = {"touch_event_id": None, "touchpoint": UNATTRIBUTED, "campaign": None, "occurred_at": None}

Effects = Mapping[tuple[dt.date, str, str], float | None]
"""(day, touchpoint_type, touchpoint) → its removal effect."""


def touch_credits(lines: list[Row], touches: list[Row], effects: Effects, shop: Shop) -> list[Row]:
    """The rows of touch_credits, from rows of core.order_lines and the touches of each path."""
    return [
        row
        for line in lines
        for touchpoint_type in TYPES
        for row in credits_of(line, touchpoint_type, touches, effects, shop)
    ]


def credits_of(line: Row, touchpoint_type: str, touches: list[Row], effects: Effects, shop: Shop) -> list[Row]:
    """The rows of *line* in touch_credits for one type; without touches, one '(unattributed)' row for each model."""
    key = ("order", line["order_id"], touchpoint_type)
    path = [t for t in touches if (t["kind"], t["path_id"], t["touchpoint_type"]) == key and t["position"] is not None]
    kept = sorted(path, key=lambda touch: touch["position"]) or [NO_TOUCH]
    rows = []
    for model in MODELS:
        shares = [Fraction(1)]
        if path:
            weights = [effects.get((line["dt"], touchpoint_type, touch["touchpoint"])) for touch in kept]
            shares = shares_of(model, kept, weights, shop)
        revenue, net_revenue = split(line["revenue"], shares), split(line["net_revenue"], shares)
        for index, touch in enumerate(kept):
            if shares[index] > 0 or model not in ("first", "last"):
                rows.append(
                    {
                        "order_id": line["order_id"],
                        "line_no": line["line_no"],
                        "model": model,
                        "touchpoint_type": touchpoint_type,
                        "position": index + 1,
                        **{name: touch[name] for name in NO_TOUCH},
                        "credit": float(shares[index]),
                        "revenue_credit": revenue[index],
                        "net_revenue_credit": net_revenue[index],
                        "dt": line["dt"],
                    }
                )
    return rows


def shares_of(model: str, path: list[Row], effects: list[float | None], shop: Shop) -> list[Fraction]:
    """The share of an order line that *model* gives each touch of its path; *effects* are those of the touchpoints."""
    if model in ("markov", "shapley"):
        names = [touch["touchpoint"] for touch in path]
        weight_of = {name: Fraction(1) for name in names}
        if model == "markov":
            weight_of = {name: Fraction(effect or 0) for name, effect in zip(names, effects, strict=True)}
        total = sum(weight_of.values())
        return [weight_of[name] / names.count(name) / total for name in names]
    return shares_by_place_and_time(model, [touch["occurred_at"] for touch in path], shop)


def shares_by_place_and_time(model: str, times: list[dt.datetime], shop: Shop) -> list[Fraction]:
    """The shares of the models that do not look at touchpoints; *times* are those of the touches."""
    count = len(times)
    if count == 1:
        return [Fraction(1)]
    if model == "first":
        return [Fraction(1)] + [Fraction(0)] * (count - 1)
    if model == "last":
        return [Fraction(0)] * (count - 1) + [Fraction(1)]
    if model == "linear":
        return [Fraction(1, count)] * count
    if model == "position_based":
        if count == 2:
            return [Fraction(1, 2)] * 2
        return [Fraction(2, 5), *[Fraction(1, 5 * (count - 2))] * (count - 2), Fraction(2, 5)]
    ages = [(times[-1] - time) / dt.timedelta(days=1) for time in times]
    weights = [Fraction(2.0 ** -(age / shop.touch_half_life_days)) for age in ages]
    return [weight / sum(weights) for weight in weights]


def split(amount: Decimal, shares: list[Fraction]) -> list[Decimal]:
    """*amount* split by *shares*, as differences of rounded cumulative amounts, so that the parts sum to *amount*."""
    whole = int(amount * 10_000)
    cuts = [0]
    for number in range(1, len(shares) + 1):
        until = math.floor(sum(shares[:number]) * CUTS + Fraction(1, 2))
        cuts.append(whole if until == CUTS else math.floor(whole * (until / CUTS) + 0.5))
    return [Decimal(after - before) / 10_000 for before, after in pairwise(cuts)]


def daily(credits: list[Row], key: tuple[str, ...]) -> dict[tuple[object, ...], list[Row]]:
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in credits:
        groups.setdefault(tuple(row[name] for name in key), []).append(row)
    return groups


def model_daily(credits: list[Row], lines: list[Row], first_orders: list[Row], spend: list[Row]) -> list[Row]:
    """The rows of model_daily, from rows of touch_credits and of core.order_lines, core.first_orders and core.spend."""
    key = ("dt", "model", "touchpoint_type", "touchpoint")
    groups = daily(credits, key)
    new = {order["order_id"] for order in first_orders}
    order_ids = [line["order_id"] for line in lines]
    spend = [{**row, "campaign": joinable(row["campaign"])} for row in spend]
    costs = {
        (day, model, kind, name): cost_of([row for row in spend if (row["dt"], row[kind]) == (day, name)])
        for kind in ("channel", "campaign")
        for day, name in {(row["dt"], row[kind]) for row in spend}
        for model in MODELS
    }
    rows = []
    for values in {*groups, *costs}:
        found = groups.get(values, [])
        parts = [row["credit"] / order_ids.count(row["order_id"]) for row in found]
        of_new = [part for part, row in zip(parts, found, strict=True) if row["order_id"] in new]
        revenue = sum((row["revenue_credit"] for row in found), Decimal(0))
        cost = costs.get(values)
        orders, new_customers = math.fsum(parts), math.fsum(of_new)
        rows.append(
            {
                **dict(zip(key, values, strict=True)),
                "conversions": math.fsum(row["credit"] for row in found),
                "orders": orders,
                "new_customers": new_customers,
                "revenue": revenue,
                "net_revenue": sum((row["net_revenue_credit"] for row in found), Decimal(0)),
                "spend": cost,
                "roas": float(revenue) / float(cost) if cost else None,
                "cost_per_order": float(cost) / orders if cost is not None and orders else None,
                "cost_per_new_customer": float(cost) / new_customers if cost is not None and new_customers else None,
            }
        )
    return rows


def cost_of(rows: list[Row]) -> Decimal | None:
    """The sum of the costs, or None if one of them is unknown."""
    costs = [row["cost"] for row in rows]
    return None if None in costs else sum(costs, Decimal(0))


def touchpoint_daily(paths: list[Row]) -> list[Row]:
    """The rows of touchpoint_daily, from rows of paths."""
    counts: dict[tuple[dt.date, str, str], list[list[str]]] = {}
    for path in paths:
        if path["kind"] == "order":
            names = path["touchpoints"].split(" > ") if path["touchpoints"] else [UNATTRIBUTED]
            for name in set(names):
                counts.setdefault((path["dt"], path["touchpoint_type"], name), []).append(names)
    rows = []
    for (day, touchpoint_type, name), found in counts.items():
        is_touch = name != UNATTRIBUTED
        last = sum(names[-1] == name for names in found) * is_touch
        assisted = sum(name in names[:-1] for names in found) * is_touch
        rows.append(
            {
                "dt": day,
                "touchpoint_type": touchpoint_type,
                "touchpoint": name,
                "orders_touched": len(found),
                "first_touch_orders": sum(names[0] == name for names in found) * is_touch,
                "last_touch_orders": last,
                "assisted_orders": assisted,
                "sole_orders": sum(set(names) == {name} for names in found) * is_touch,
                "assist_ratio": assisted / last if last else None,
            }
        )
    return rows


def touch_lag_daily(paths: list[Row], lines: list[Row]) -> list[Row]:
    """The rows of touch_lag_daily, from rows of paths and of core.order_lines."""
    groups: dict[tuple[object, ...], list[list[Row]]] = {}
    for path in paths:
        if path["kind"] == "order" and path["path_length"] > 0:
            days = max((path["ordered_at"] - path["first_touch_at"]) // dt.timedelta(days=1), 0)
            key = (path["dt"], path["touchpoint_type"], path["path_length"], days)
            groups.setdefault(key, []).append([line for line in lines if line["order_id"] == path["path_id"]])
    names = ("dt", "touchpoint_type", "path_length", "days_to_order")
    return [
        {
            **dict(zip(names, key, strict=True)),
            "orders": len(orders),
            "order_lines": sum(map(len, orders)),
            "revenue": sum((line["revenue"] for of_order in orders for line in of_order), Decimal(0)),
        }
        for key, orders in groups.items()
    ]
