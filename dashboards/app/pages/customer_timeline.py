"""The timeline of one customer: sessions, orders, refunds and changes of segment, newest first.

Here: its rows, in order of time.
Not here: the rest of the customer's page (``dashboards.app.pages.customer``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dashboards.app.as_of import AsOf
from dashboards.app.context import Context
from dashboards.app.people import shown_id
from dashboards.app.times import local_time
from dashboards.blocks import Column, Table
from dashboards.columns import exact, text
from dashboards.figures.tables import LEFT
from dashboards.numbers import NONE
from dashboards.queries import query
from dashboards.sections.segments import all_names, names_of
from dashboards.sections.touch import channel_names

_SESSIONS = "core.sessions"

Row = dict[str, Any]
Details = Callable[[Mapping[str, Any]], str]


def timeline(context: Context, reading: AsOf, user: str) -> Table:
    """Everything known about *user* up to the day of *reading*, newest first."""
    locale = context.locale
    rows = [
        *_sessions(context, reading, user),
        *_orders(context, reading, user),
        *_refunds(context, reading, user),
        *_segments(context, reading, user),
    ]
    rows.sort(key=lambda row: row["sorted_at"], reverse=True)
    return Table(
        "timeline",
        locale.text("customer.timeline"),
        [
            Column(locale.text("column.time"), lambda row: str(row["at"]), is_text=True, field="at"),
            text(locale.text("column.kind"), "kind"),
            text(locale.text("customer.details"), "details"),
            exact(locale, "revenue", field="amount", title=locale.text("customer.amount")),
            Column(
                locale.text("column.path"),
                lambda row: locale.text("explorer.show") if row["find"] else NONE,
                is_text=True,
                href=lambda row: context.view.to("paths", find=row["find"]).href if row["find"] else None,
            ),
        ],
        [row | {"user_id": shown_id(context, user)} for row in rows],
        locale.text("customer.timeline.about", day=reading.day),
        notes=(
            "" if reading.exists(_SESSIONS) else locale.text("customer.no_sessions", table=_SESSIONS),
            locale.text("customer.segments.about"),
        ),
        is_wide=True,
        is_of_days=False,
        keys=("user_id",),
        is_sortable=False,
    )


def _row(
    context: Context,
    kind: str,
    time: dt.datetime,
    details: str,
    find: str | None = None,
    amount: float | None = None,
) -> Row:
    """A row at *time* (UTC); *find* is the search text for the path explorer, to which the row links."""
    at = local_time(time, context.copy.settings.timezone)
    assert at is not None
    return {
        "sorted_at": at,
        "at": f"{at:%Y-%m-%d %H:%M}",
        "kind": context.locale.text(f"customer.event.{kind}"),
        "details": details,
        "find": find,
        "amount": amount,
    }


def _sessions(context: Context, reading: AsOf, user: str) -> Iterator[Row]:
    """The sessions. Viewers cannot search for devices, so for them sessions have no link."""
    if not reading.exists(_SESSIONS):
        return
    locale = context.locale
    names = channel_names(locale, context.rows(query("channels.names")))
    for row in reading.frame(query("customers.sessions"), user=user).iter_rows(named=True):
        minutes = (row["last_event_at"] - row["started_at"]) / dt.timedelta(minutes=1)
        page = locale.text.name("page_type", row["page_type"] or "")
        parts = [
            names.get(row["channel"], row["channel"]),
            row["campaign"],
            locale.text("customer.landing", page=page) if page else None,
            locale.text("customer.pages", n=locale.numbers.full(row["page_views"])),
            locale.text("customer.minutes", n=locale.numbers.full(minutes) if minutes >= 1 else "<1"),
        ]
        find = None if context.role == "viewer" else row["device_id"]
        yield _row(context, "session", row["started_at"], " · ".join(part for part in parts if part), find)


def _orders(context: Context, reading: AsOf, user: str) -> Iterator[Row]:
    locale = context.locale
    for row in reading.frame(query("customers.orders"), user=user).iter_rows(named=True):
        parts = [
            row["order_id"],
            locale.text.name("order_status", row["status"]),
            locale.text("explorer.units", n=locale.numbers.full(row["units"])) if row["units"] else None,
        ]
        find = row["order_id"] if row["paid_on"] else None
        details = " · ".join(part for part in parts if part)
        yield _row(context, "order", row["ordered_at"], details, find, row["revenue"])


def _refunds(context: Context, reading: AsOf, user: str) -> Iterator[Row]:
    """The refunds, a row for each order and time; their amounts are negative."""
    for row in reading.frame(query("customers.refunds"), user=user).iter_rows(named=True):
        yield _row(context, "refund", row["refunded_at"], row["order_id"], row["order_id"], -row["amount"])


def _segments(context: Context, reading: AsOf, user: str) -> Iterator[Row]:
    """The changes of segment between two kept snapshots.

    They have only a day, not a time, so they are placed at the end of the day.
    """
    if not reading.exists("customers.rfm"):
        return
    locale = context.locale
    names = names_of(locale, all_names(reading), "segment") | {
        LEFT: locale.text("customer.left"),
        "(none)": locale.text("customer.none_yet"),
    }
    for row in reading.frame(query("customers.segment_changes"), user=user).iter_rows(named=True):
        before, now = (names.get(row[name], row[name]) for name in ("segment_before", "segment"))
        yield {
            "sorted_at": dt.datetime.combine(row["dt"], dt.time.max),
            "at": f"{row['dt']:%Y-%m-%d}",
            "kind": locale.text("customer.event.segment"),
            "details": f"{before} → {now}",
            "find": None,
            "amount": None,
        }
