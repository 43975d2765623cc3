"""Channels: sessions, sales by a model, spend and its return; for the web app and the report.

Here: joining sessions with sales and spend, the columns of the table, notes on spend.
Not here: the pages, the rules that give a session its channel (``config/channels.yaml``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dashboards.blocks import Column, Row
from dashboards.columns import change, metric
from dashboards.locale import Locale
from dashboards.sections.touch import UNATTRIBUTED, touchpoint_name

DEFAULT_MODEL = "last"
"""The default model.

It credits each order to one channel, as the reports of advertising platforms do, and learns nothing from data.
"""

OF_SESSIONS = ("sessions", "session_visitors")
OF_SALES = (
    "orders", "new_customers", "new_customer_share", "revenue", "spend", "roas", "cost_per_order",
    "cost_per_new_customer",
)  # fmt: skip
METRICS = (*OF_SESSIONS, *OF_SALES)
"""The metrics of a channel, in the order of the table."""

ALL = ""
"""Key of the row of all channels."""

NOTHING: Mapping[str, Any] = dict.fromkeys(METRICS) | {
    "sessions": 0, "session_visitors": 0, "orders": 0, "new_customers": 0, "revenue": 0.0
}  # fmt: skip
"""The metrics of a channel without sessions, sales and spend."""


def joined(sessions: Iterable[Row] | None, results: Iterable[Row], key: str = "channel") -> dict[str, dict[str, Any]]:
    """Channel → its sessions, sales and spend; ALL has the totals.

    A channel without sessions has 0 sessions, one without spend has null as its spend. If *sessions* is None, the
    sessions are unknown: null.
    """
    found = {row[key]: {**dict.fromkeys(METRICS), **row} for row in results}
    nothing = dict.fromkeys(OF_SESSIONS, 0) if sessions is not None else {}
    for row in found.values():
        row |= nothing
    for one in sessions or ():
        own = found.setdefault(one[key], {key: one[key], **NOTHING})
        own |= {name: one[name] for name in OF_SESSIONS}
    for row in found.values():
        if row[key] == UNATTRIBUTED:  # sales without a session
            row |= dict.fromkeys(OF_SESSIONS)
    return found


def named_rows(locale: Locale, found: Mapping[str, dict[str, Any]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of *found* except the total, with their names: most sales first, then most spend, then most sessions."""
    rows = [
        row | {"name": touchpoint_name(locale, "channel", key, names), "touchpoint": key}
        for key, row in found.items()
        if key != ALL
    ]
    return sorted(rows, key=lambda row: (-row["revenue"], -(row["spend"] or 0), -(row["sessions"] or 0), row["name"]))


def channel_columns(locale: Locale, *, is_compared: bool = False) -> list[Column]:
    """The columns of sessions, sales and spend; *is_compared* adds the change of the sales."""
    columns = [metric(locale, name) for name in METRICS]
    place = METRICS.index("revenue") + 1
    return [*columns[:place], *([change(locale, "revenue")] if is_compared else []), *columns[place:]]


def spend_note(locale: Locale, total: Row) -> str:
    """How the ratios of *total*, the row of all channels, are computed; '' if there is no spend, or it is unknown."""
    if not total["spend"]:
        return ""
    return locale.text(
        "channels.paid",
        revenue=locale.numbers.full_money(total["paid_revenue"]),
        spend=locale.numbers.full_money(total["spend"]),
        roas=locale.numbers.short(total["roas"]),
        mer=locale.numbers.short(total["mer"]),
    )
