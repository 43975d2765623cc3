"""Reference implementation, in plain loops, of the catalogue of products and of their daily quadrants.

Here: the rules of docs/how-it-works.md about variants, on which side of a threshold a product is, hysteresis, and how
long it has been in its quadrant; with exact fractions.
Not here: made-up figures (``tests.unit.test_product_models``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

Row = dict[str, Any]
HYSTERESIS = Fraction(1, 20)
EXACT = Fraction(1, 10**9)

MATRICES: dict[str, tuple[tuple[str, Fraction | None], tuple[str, Fraction | None], tuple[str, str, str, str]]] = {
    "exposure_margin": (("exposures", None), ("margin_rate", None), ("star", "traffic", "potential", "dog")),
    "growth_share": (
        ("relative_share", Fraction(1)),
        ("growth_rate", Fraction(1, 10)),
        ("star", "cash_cow", "question_mark", "dog"),
    ),
    "views_age": (("views", None), ("days_since_launch", Fraction(60)), ("proven", "rising", "dead", "testing")),
}
"""Metric and fixed threshold (None: the mean) of x and y; the quadrants high-high, high-low, low-high and low-low."""


OF_EVENTS = ("exposures", "product_clicks", "views", "add_to_carts")
"""Metrics that count events."""


def catalogue(rows: Sequence[Row]) -> dict[str, Row]:
    """product_id → category, day of launch and name of each product in the rows of core.products."""
    by_sku = {row["sku"]: row for row in rows}
    found = {}
    for product_id in {row["product_id"] for row in rows}:
        own = by_sku.get(product_id, {})
        members = sorted((row for row in rows if row["product_id"] == product_id), key=lambda row: row["sku"])
        categories = {row.get("category") for row in members} - {None}
        launches = [row["launched_on"] for row in members if row.get("launched_on")]
        names = [row["name"] for row in members if row.get("name")]
        found[product_id] = {
            "category": own.get("category") or (categories.pop() if len(categories) == 1 else "(none)"),
            "launched_on": own.get("launched_on") or min(launches, default=None),
            "name": own.get("name") or next(iter(names), product_id),
            "variants": sum(row["sku"] != product_id for row in members),
        }
    return found


@dataclass
class History:
    """The state of a product in a matrix on *day*, from which its state on the next day is computed.

    *sides* says for each axis whether the product is high, or None if unknown. The product has been in *quadrant* for
    *days* days, and before that in *previous* (None if in no other).
    """

    day: dt.date
    sides: list[bool | None]
    quadrant: str
    previous: str | None
    days: int


@dataclass
class Portfolio:
    """Computes the products' quadrants day by day."""

    histories: dict[tuple[str, str], History] = field(default_factory=dict)

    def on(self, day: dt.date, figures: Sequence[Row]) -> dict[tuple[str, str], History]:
        """(matrix, product) → state on *day*, from rows of products.metrics; call this method for the days in order."""
        today = {}
        figures = _known(figures)
        for matrix_id, (x, y, names) in MATRICES.items():
            cuts = [_cut(figures, *axis) for axis in (x, y)]
            for row in figures:
                before = self.histories.get((matrix_id, row["product_id"]))
                if before is not None and before.day != day - dt.timedelta(days=1):
                    before = None
                sides = [
                    _side(_exact(row[metric]), cut, before.sides[number] if before else None)
                    for number, ((metric, _), cut) in enumerate(zip((x, y), cuts, strict=True))
                ]
                today[matrix_id, row["product_id"]] = _stay(day, sides, _quadrant(sides, names), before)
        self.histories |= today
        return today


def _known(figures: Sequence[Row]) -> list[Row]:
    """*figures* of one window, with None in place of unknown counts of events.

    A count is unknown for all products if no product has such an event, and for a product that sold without any.
    """
    silent = {name for name in OF_EVENTS if not any(row.get(name) for row in figures)}
    return [
        {
            **row,
            **{name: None for name in OF_EVENTS if name in silent or (row.get("order_lines") and not row.get(name))},
        }
        for row in figures
    ]


def _exact(value: Any) -> Fraction | None:
    return None if value is None else Fraction(value)


def _cut(figures: Sequence[Row], metric: str, fixed: Fraction | None) -> Fraction | None:
    values = [value for row in figures if (value := _exact(row[metric])) is not None]
    if not values:
        return None
    return fixed if fixed is not None else sum(values, Fraction()) / len(values)


def _side(value: Fraction | None, cut: Fraction | None, before: bool | None) -> bool | None:
    if value is None or cut is None:
        return None
    distance = value - cut
    if distance > (HYSTERESIS + EXACT) * abs(cut):
        return True
    if distance <= (EXACT - HYSTERESIS) * abs(cut):
        return False
    return before if before is not None else distance > EXACT * abs(cut)


def _quadrant(sides: Sequence[bool | None], names: tuple[str, str, str, str]) -> str:
    places: Mapping[tuple[bool | None, ...], str] = dict(
        zip(((True, True), (True, False), (False, True), (False, False)), names, strict=True)
    )
    return places.get(tuple(sides), "unknown")


def _stay(day: dt.date, sides: list[bool | None], quadrant: str, before: History | None) -> History:
    if before is None:
        return History(day, sides, quadrant, None, 1)
    if before.quadrant == quadrant:
        return History(day, sides, quadrant, before.previous, before.days + 1)
    return History(day, sides, quadrant, before.quadrant, 1)
