"""Sales as a tree: visitors × conversion rate × revenue per buyer, each with its part of the change of sales.

Here: the cards of the tree.
Not here: totals (``dashboards.totals``), splitting a change into parts (``dashboards.decomposition``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from dashboards.app.cards import metric_card
from dashboards.app.context import Context
from dashboards.app.view import View
from dashboards.blocks import Block, Card, Cards, Change, Text
from dashboards.columns import arrowed
from dashboards.decomposition import Factor, parts_of_change, rounded
from dashboards.locale import Locale
from dashboards.metrics import tone
from dashboards.queries import query
from dashboards.sections.sales import formula

COURSE_DAYS = 28
"""The number of days in the small line chart beside the sales."""

PAGE_OF_METRIC = {
    "revenue": "entrances",
    "visitors": "channels",
    "visitor_conversion_rate": "journeys",
    "revenue_per_buyer": "customers",
    "revenue_without_user": "quality",
    "buyers": "customers",
    "orders": "entrances",
    "average_order_value": "products",
    "units_per_order": "products",
    "revenue_per_visitor": "channels",
    "net_revenue": "products",
    "margin": "products",
    "margin_rate": "products",
    "exposures": "entrances",
    "product_clicks": "entrances",
    "add_to_carts": "modules",
    "order_lines": "entrances",
}
"""Metric → the page that explains it."""

SALES_AND_FACTORS = ("revenue", "visitors", "visitor_conversion_rate", "buyers", "revenue_per_buyer")
"""The metrics that the overview and the page of alerts compare with their usual range."""

_FACTORS = ("visitors", "visitor_conversion_rate", "revenue_per_buyer")
_WITHOUT_VISITORS = ("buyers", "revenue_per_buyer")
_UNKNOWN_USERS = "revenue_without_user"

Figures = Mapping[str, Any]
"""The type of a row of ``dashboards.totals.totals``."""


def linked(view: View, card: Card) -> Card:
    """*card* with a link to the page that explains its metric, over the days of *view*."""
    page = PAGE_OF_METRIC.get(card.metric)
    return replace(card, href=view.to(page).href) if page else card


def sales_tree(context: Context, now: Figures, then: Figures | None) -> list[Block]:
    """Sales on the days shown and their factors; with *then* also the part of the change that each factor explains."""
    locale = context.locale
    is_compared = then is not None and now["revenue"] is not None and then["revenue"] is not None
    factors = _WITHOUT_VISITORS if now["visitors"] is None else _FACTORS
    if then is not None and then["visitors"] is None:
        factors = _WITHOUT_VISITORS
    names = [*factors, *([_UNKNOWN_USERS] if now["lines_without_user"] or (then or now)["lines_without_user"] else [])]
    parts: list[Fraction | None] = [None] * len(names)
    if is_compared:
        assert then is not None
        parts = list(parts_in_change(now, then, factors)[: len(names)])
    signs = ["=", *"×" * (len(factors) - 1), "+"]
    branches = [
        linked(context.view, _branch(locale, name, sign, part, now, then))
        for name, sign, part in zip(names, signs, parts, strict=False)
    ]
    blocks: list[Block] = [Cards((_sales(context, now, then, is_compared=is_compared), *branches), "tree")]
    product = formula(locale, now) if factors == _FACTORS else ""
    about = locale.text.joined(product, locale.text("tree.about") if is_compared else "")
    return [*blocks, Text(about)] if about else blocks


def parts_in_change(now: Figures, then: Figures, factors: Sequence[str]) -> list[Fraction]:
    """The part of the change of sales that each of *factors* explains; the last part is that of sales without a user.

    The parts are in cents; they sum to the difference of the two sales amounts, each rounded to cents.
    """
    other = _money(now[_UNKNOWN_USERS]) - _money(then[_UNKNOWN_USERS])
    parts = parts_of_change(_values(then, factors), _values(now, factors))
    return rounded([*parts, other])


def _values(figures: Figures, factors: Sequence[str]) -> list[Factor]:
    """The factors of the sales to known users, as exact numbers; multiplied, they give these sales."""
    sales = _money(figures["revenue"]) - _money(figures[_UNKNOWN_USERS])
    buyers, visitors = Fraction(figures["buyers"] or 0), Fraction(figures["visitors"] or 0)
    values = {
        "visitors": visitors,
        "buyers": buyers,
        "visitor_conversion_rate": buyers / visitors if visitors else None,
        "revenue_per_buyer": sales / buyers if buyers else None,
    }
    return [values[name] for name in factors]


def _money(amount: float | None) -> Fraction:
    return Fraction(Decimal(f"{amount or 0:.2f}"))


def _branch(locale: Locale, name: str, sign: str, part: Fraction | None, now: Figures, then: Figures | None) -> Card:
    card = replace(metric_card(locale, name, now, then), sign=sign)
    if part is None:
        return card
    return replace(card, changes=(*card.changes, _signed(locale, float(part), locale.text("tree.part"))))


def _signed(locale: Locale, amount: float, against: str) -> Change:
    written = locale.numbers.full_money(amount)
    signed = f"+{written}" if amount > 0 else written
    return Change(arrowed(signed), against, tone=tone("revenue", signed))


def _sales(context: Context, now: Figures, then: Figures | None, *, is_compared: bool) -> Card:
    locale, last = context.locale, context.days.last
    card = linked(context.view, metric_card(locale, "revenue", now, then))
    if is_compared:
        assert then is not None
        difference = float(_money(now["revenue"]) - _money(then["revenue"]))
        card = replace(card, changes=(*card.changes, _signed(locale, difference, locale.text("tree.change"))))
    first = max(last - dt.timedelta(days=COURSE_DAYS - 1), context.copy.days[0])
    if first >= last:
        return card
    course = context.copy.frame(query("overview.days"), **{"from": first, "to": last})["revenue"].to_list()
    return replace(card, course=tuple(course), course_title=locale.text("tree.course", first=first, last=last))
