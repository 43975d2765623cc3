"""Notes beside the sales totals.

Here: how the totals relate, what they exclude, what is unknown without an event log; for the overview and the report.
Not here: the totals themselves (``dashboards.totals``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboards.blocks import Text
from dashboards.locale import Locale
from dashboards.totals import is_without_log

MATCHES = ("cart", "click", "order", "visit", "none")
"""The ways to match an order line to an event (column matched_by), from the most to the least reliable."""


def sales_notes(
    locale: Locale, now: Mapping[str, Any], *, has_formula: bool = True, is_deleted: bool = False
) -> list[Text]:
    """The notes on *now*, a row of ``dashboards.totals.totals``: the formula of sales, and what is unknown.

    *has_formula*: whether to show the formula. *is_deleted*: whether the visitors of some of these days were deleted
    (setting ``retention.events_days``).
    """
    number = locale.numbers
    if is_without_log(now):
        notes = [Text(locale.text("sales.no_events"))]
    elif now["events"] and now["visitors"] is None:
        missing = Text(locale.text("sales.no_visitors"), "warning", "headwater run")
        notes = [Text(locale.text("sales.visitors_deleted")) if is_deleted else missing]
    else:
        notes = [Text(formula(locale, now))] if has_formula else []
    if now["lines_without_user"]:
        note = locale.text(
            "sales.without_user",
            n=number.full(now["lines_without_user"]),
            amount=number.full_money(now["revenue_without_user"]),
        )
        notes.append(Text(note))
    if now["lines_without_cost"]:
        notes.append(Text(locale.text("note.cost", n=number.full(now["lines_without_cost"]))))
    return notes


def formula(locale: Locale, now: Mapping[str, Any]) -> str:
    """The formula that shows sales, or sales to known users, as the product of their factors."""
    return locale.text("sales.product_known" if now["lines_without_user"] else "sales.product")
