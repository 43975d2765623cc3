"""What must be said beside the figures of the sales.

Here: how they hang together, what they leave out, what the log does not tell; for the overview and the report.
Not here: the figures themselves (``dashboards.totals``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboards.blocks import Text
from dashboards.figures.look import Look
from dashboards.totals import is_without_log

MATCHES = ("cart", "click", "order", "visit", "none")
"""By what an order line found its entrance, from the hardest to the softest."""


def sales_notes(look: Look, now: Mapping[str, Any]) -> list[Text]:
    """The notes on a row of ``dashboards.totals.totals``."""
    number = look.numbers
    if is_without_log(now):
        notes = [Text(look.text("sales.no_events"))]
    elif now["events"] and now["visitors"] is None:
        notes = [Text(look.text("sales.no_visitors"), "warning", "headwater run")]
    else:
        notes = [Text(look.text("sales.product_known" if now["lines_without_user"] else "sales.product"))]
    if now["lines_without_user"]:
        said = look.text(
            "sales.without_user",
            n=number.full(now["lines_without_user"]),
            amount=number.full_money(now["revenue_without_user"]),
        )
        notes.append(Text(said))
    if now["lines_without_cost"]:
        notes.append(Text(look.text("note.cost", n=number.full(now["lines_without_cost"]))))
    return notes
