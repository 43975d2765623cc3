"""The messages of subscriptions: the first figures of a page, a text chart of sales (▁▂▅▇), a link; or the report.

Here: which subscriptions are due, and their messages.
Not here: pages (``dashboards.app.pages``), the report (``dashboards.report``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dashboards.alerts.messages import course_line, link, new_message
from dashboards.app.context import Context
from dashboards.app.marts import Copy
from dashboards.app.server import page_of
from dashboards.app.slice_bar import slice_note
from dashboards.app.view import View, preset_days
from dashboards.app.watch.measured import refuse_metric, values_of
from dashboards.app.watch.settings import REPORT, Subscription, Watch
from dashboards.app.watch.state import COURSE_DAYS
from dashboards.blocks import Block, Card, Cards, flat, tables, title
from dashboards.report.file import write_report
from pipelines.delivery.outbox import Message
from pipelines.home.errors import HeadwaterError
from pipelines.home.settings import Settings

_MOST_CARDS = 8
_MOST_ROWS, _MOST_COLUMNS = 5, 4


@dataclass(frozen=True)
class Due:
    """A subscription that is sent on *day*, about the days *first* to *last*."""

    name: str
    subscription: Subscription
    day: dt.date
    first: dt.date
    last: dt.date


def due_subscriptions(watch: Watch, copy: Copy | None, now: dt.datetime, timezone: str) -> list[Due]:
    """The subscriptions that are due today and whose time has come.

    They wait until yesterday is computed and complete (see ``Copy.open_from``): otherwise readers would take figures of
    older days for yesterday's.
    """
    local = now.astimezone(ZoneInfo(timezone))
    yesterday = local.date() - dt.timedelta(days=1)
    if copy is None or not copy.days or copy.newest(now) < yesterday:
        return []
    return [
        Due(name, one, local.date(), *_days(one, copy.days[0], yesterday))
        for name, one in watch.subscriptions.items()
        if one.is_on(local.date()) and f"{local:%H:%M}" >= one.at
    ]


def _days(subscription: Subscription, earliest: dt.date, yesterday: dt.date) -> tuple[dt.date, dt.date]:
    """The days of the message: those of ``period=`` in the address of the page, else yesterday or the last week."""
    if period := subscription.view().period:
        return preset_days(period, earliest, yesterday)
    return yesterday - dt.timedelta(days=subscription.days - 1), yesterday


def subscription_messages(
    due: Sequence[Due], watch: Watch, copy: Copy, settings: Settings, now: dt.datetime, *, has_report: bool = True
) -> list[Message]:
    """A message to each person of each subscription in *due*; if *has_report* is false, the report is not written."""
    found = []
    for one in due:
        heading, body = subscription_text(one, copy, settings, now)
        to = one.subscription.to
        attachment = ""
        if (
            has_report
            and one.subscription.what == REPORT
            and any(watch.people[name].startswith("mailto") for name in to)
        ):
            path = write_report(copy.home, one.subscription.language, day=one.last)
            attachment = str(path.relative_to(copy.home.root))
        page = "" if one.subscription.what == REPORT else one.subscription.view().over(one.first, one.last).href
        found += [
            new_message(one.day, one.name, name, "subscription", heading, body, now, attachment=attachment, page=page)
            for name in to
        ]
    return found


def subscription_text(due: Due, copy: Copy, settings: Settings, now: dt.datetime) -> tuple[str, str]:
    """Title and body of the message of a subscription."""
    view = due.subscription.view().over(due.first, due.last)
    context, blocks = page_of(copy, view, "viewer")
    locale = context.locale
    page = title(blocks) or locale.text(f"page.{view.page}")
    if due.subscription.what == REPORT:
        page = locale.text("page.title")
    days = str(due.last) if due.first == due.last else locale.text("alert.days", first=due.first, last=due.last)
    heading = locale.text("subscription.title", page=page, days=days)
    lines = [slice_note(context), *_figures(blocks), _course(context, view), link(settings, view)]
    return heading, "\n".join(line for line in lines if line)


def _figures(blocks: Sequence[Block]) -> list[str]:
    """The cards at the head of a page; for a page without cards, the first rows of its first table."""
    cards = [card for block in flat(blocks) if isinstance(block, Cards) for card in block.cards]
    if cards:
        return [_card(card) for card in cards[:_MOST_CARDS]]
    table = next((one for one in tables(blocks) if one.rows), None)
    if table is None:
        return []
    first, *others = table.columns[:_MOST_COLUMNS]
    rows = [[first.cell(row), *(f"{one.title} {one.cell(row)}" for one in others)] for row in table.rows[:_MOST_ROWS]]
    return [table.title, *("  ".join(cells) for cells in rows)]


def _card(card: Card) -> str:
    changes = "".join(f"  {change.text} {change.against}" for change in card.changes[:1])
    return f"{card.name}  {card.value}{changes}"


def _course(context: Context, view: View) -> str:
    """Sales of the last days in the page's slice, as a text chart such as ▁▂▅▇; '' if the slice has no sales."""
    assert view.last is not None
    first = view.last - dt.timedelta(days=COURSE_DAYS - 1)
    try:
        refuse_metric("revenue", context.slice, "")
        values = values_of(context.whole, "revenue", context.slice, first, view.last)
    except HeadwaterError:
        return ""
    course = [values.get(first + dt.timedelta(days=n)) for n in range(COURSE_DAYS)]
    return course_line(context.locale, course, context.locale.text("metric.revenue"))
