"""Alerts: the watched metrics and their current state, subscriptions, and the messages with their delivery.

Here: the blocks of this page, and the alerts that are open, for the overview.
Not here: evaluating and sending (``dashboards.alerts``), the settings (``dashboards.app.watch.settings``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dash import html

from dashboards.app.context import Context
from dashboards.app.edits import may_edit
from dashboards.app.forms import Field, folded, form, to_change
from dashboards.app.pages.suggested_alerts import suggested_alerts
from dashboards.app.times import local_time
from dashboards.app.watch.settings import REPORT, WEEKDAYS, Alert, Subscription, Watch, load_watch
from dashboards.app.watch.state import Evaluation, Finding, read_evaluation
from dashboards.app.watch.texts import error_text, found_text, rule_text, slice_text, view_of, watched
from dashboards.blocks import Block, Column, Empty, Part, Table, Text
from dashboards.columns import text
from pipelines.delivery.outbox import Message, Outbox
from pipelines.home.errors import HeadwaterError

_SIGNS = {"fired": "▲", "fine": "●", "not_judged": "–"}
_SHOWN = 100
_LOST_DAYS = 7
"""For how many days the overview reports a message that did not arrive."""


def alerts(context: Context) -> Sequence[Block]:
    """The blocks: alerts and their state, subscriptions, messages."""
    locale = context.locale
    try:
        watch = load_watch(context.copy.home)
        messages = Outbox(context.copy.home).messages()
    except HeadwaterError as error:
        return [Text(error.fault, "warning", error.remedy)]
    evaluation = read_evaluation(context.copy.home)
    parts: list[Block] = []
    if watch.is_empty:
        parts.append(Text(locale.text("alerts.empty"), "missing"))
    if watch.alerts:
        parts.append(_now(context, watch, evaluation))
    elif context.whole.days:
        parts.append(suggested_alerts(context))
    if watch.subscriptions:
        parts.append(_subscriptions(context, watch, messages))
    if may_edit("subscriptions", context.role):
        parts.append(_forms(context, watch))
    if messages:
        return [*parts, _messages(context, messages)]
    return [*parts, Empty(locale.text("alerts.sent"), locale.text("alerts.sent.none"), is_missing=False)]


def _now(context: Context, watch: Watch, evaluation: Evaluation | None) -> Table:
    locale = context.locale
    rows = [_row(context, name, alert, evaluation) for name, alert in watch.alerts.items()]
    about = locale.text("alerts.never")
    if evaluation is not None:
        at = local_time(evaluation.at.replace(tzinfo=None), context.copy.settings.timezone)
        about = locale.text("alerts.now.about", at=f"{at:%Y-%m-%d %H:%M}")
    columns = [
        text(locale.text("column.alert"), "name", href=lambda row: row["href"]),
        text(locale.text("column.watched"), "what", is_long=True),
        text(locale.text("column.rule"), "rule", is_long=True),
        text(locale.text("column.state"), "state"),
        text(locale.text("column.alert_found"), "found", is_long=True),
        text(locale.text("column.judged_day"), "day"),
        text(locale.text("column.recipients"), "to"),
    ]
    title = locale.text("alerts.now")
    return Table("watched", title, columns, rows, about, is_wide=True, is_of_days=False)


def _row(context: Context, name: str, alert: Alert, evaluation: Evaluation | None) -> dict[str, object]:
    locale = context.locale
    finding = evaluation.of(name) if evaluation else None
    state = f"{_SIGNS[finding.outcome]} {locale.text(f'alerts.{finding.outcome}')}" if finding else "–"
    return {
        "name": name,
        "what": watched(locale, alert, slice_text(context, alert.parts) if alert.parts else ""),
        "rule": rule_text(locale, alert),
        "state": state,
        "found": _found(context, alert, finding) if finding else "",
        "day": finding.day if finding else None,
        "to": locale.text("list.separator").join(alert.to),
        "href": _href(context, alert, finding.day if finding else context.days.last),
    }


def _found(context: Context, alert: Alert, finding: Finding) -> str:
    if alert.when == "data_late" and finding.outcome == "fired":
        return context.locale.text("alert.late", day=finding.day, newest=finding.details[0])
    return found_text(context.locale, alert, finding)


def _href(context: Context, alert: Alert, day: dt.date) -> str:
    view = context.view
    return replace(view_of(alert, day), language=view.language, theme=view.theme).href


def _subscriptions(context: Context, watch: Watch, messages: Sequence[Message]) -> Table:
    locale = context.locale
    sent: dict[str, dt.date] = {}
    for message in messages:
        if message.kind == "subscription" and message.state == "delivered":
            sent.setdefault(message.name, message.day)
    rows = [
        {
            "name": name,
            "what": _subscribed(context, one),
            "every": locale.text(f"every.{one.every}", at=one.at),
            "to": locale.text("list.separator").join(one.to),
            "sent": sent.get(name),
            "href": replace(one.view(), language=context.view.language, theme=context.view.theme).href,
        }
        for name, one in watch.subscriptions.items()
    ]
    columns = [
        text(locale.text("column.alert"), "name"),
        text(locale.text("column.subscribed"), "what", href=lambda row: row["href"], is_long=True),
        text(locale.text("column.every"), "every"),
        text(locale.text("column.recipients"), "to"),
        text(locale.text("column.last_sent"), "sent"),
    ]
    title, about = locale.text("alerts.subscriptions"), locale.text("alerts.subscriptions.about")
    return Table("subscriptions", title, columns, rows, about, is_wide=True, is_of_days=False)


def _subscribed(context: Context, subscription: Subscription) -> str:
    if subscription.what == REPORT:
        return context.locale.text("page.title")
    view = subscription.view()
    page = context.locale.text(f"page.{view.page}")
    sliced = slice_text(context, tuple(view.slice.items()))
    return context.locale.text("alert.sliced", metric=page, slice=sliced) if sliced else page


def _forms(context: Context, watch: Watch) -> Block:
    """A form to add a subscription, filled in with the page in ``what=`` of the URL, and a form to change each."""
    text = context.locale.text
    if not watch.people:
        return Text(text("subscribe.nobody"))
    asked = context.view.get("what")
    add = form(text, "subscriptions", _fields(context, watch, {"what": asked or REPORT}))
    own = [
        (name, form(text, "subscriptions", _fields(context, watch, cells), cells))
        for name, cells in watch.cells.items()
    ]
    added = folded(text("subscribe.add"), [add], name="add", is_open=bool(asked))
    return Part(html.Div([added, *to_change(text, own)], className="edits"))


def _fields(context: Context, watch: Watch, cells: Mapping[str, str]) -> list[Field]:
    text = context.locale.text
    people = text("list.separator").join(watch.people)
    every = [(day, text(f"subscribe.{day}")) for day in ("day", *WEEKDAYS)]
    languages = [("zh", "中文"), ("en", "English")]
    return [
        Field("name", text("views.name"), cells.get("name", ""), is_required=True),
        Field("what", text("subscribe.what"), cells.get("what", ""), is_required=True, is_wide=True),
        Field("to", text("subscribe.to", people=people), cells.get("to") or next(iter(watch.people)), is_wide=True),
        Field("every", text("subscribe.every"), cells.get("every") or "day", every),
        Field("at", text("subscribe.at"), cells.get("at") or "08:00", hint="08:00"),
        Field("language", text("subscribe.language"), cells.get("language") or context.view.language, languages),
    ]


def _messages(context: Context, messages: Sequence[Message]) -> Table:
    locale, timezone = context.locale, context.copy.settings.timezone
    rows = [
        {
            "at": local_time(message.changed_at.replace(tzinfo=None), timezone),
            "name": message.name if message.kind != "test" else locale.text("alerts.test"),
            "message": message.title,
            "to": message.recipient,
            "state": locale.text(f"message.{_state(message)}"),
            "attempts": message.attempts,
            "note": _note(context, message),
        }
        for message in messages
    ]
    time = locale.text("column.time")
    columns = [
        Column(time, lambda row: f"{row['at']:%Y-%m-%d %H:%M}", is_text=True, field="at"),
        text(locale.text("column.alert"), "name"),
        text(locale.text("column.message"), "message", is_long=True),
        text(locale.text("column.recipients"), "to"),
        text(locale.text("column.state"), "state"),
        Column(locale.text("column.attempts"), lambda row: str(row["attempts"]), field="attempts"),
        text(locale.text("column.message_note"), "note", is_long=True),
    ]
    title, about = locale.text("alerts.sent"), locale.text("alerts.sent.about")
    return Table("messages", title, columns, rows, about, is_wide=True, is_of_days=False, most=_SHOWN)


def _state(message: Message) -> str:
    return "new" if message.state == "pending" and not message.attempts else message.state


def _note(context: Context, message: Message) -> str:
    error = error_text(context.locale, message)
    if message.state == "pending" and message.attempts:
        at = local_time(message.next_at.replace(tzinfo=None), context.copy.settings.timezone)
        return context.locale.text("message.again", error=error, time=f"{at:%H:%M}")
    return error


@dataclass(frozen=True)
class OpenAlert:
    """An alert that fired.

    Attributes:
        name: The name of the alert.
        finding: The finding.
        note: What is watched and what was found, in words.
        href: The link to the page that shows it.
    """

    name: str
    finding: Finding
    note: str
    href: str


def open_alerts(context: Context) -> list[OpenAlert]:
    """The alerts that fired at the last evaluation, for the days shown or later; none if the settings have a fault."""
    evaluation = read_evaluation(context.copy.home)
    try:
        watch = load_watch(context.copy.home)
    except HeadwaterError:
        return []
    found = []
    for finding in evaluation.findings if evaluation else ():
        alert = watch.alerts.get(finding.name)
        if alert is not None and finding.outcome == "fired" and finding.day >= context.days.first:
            sliced = slice_text(context, alert.parts) if alert.parts else ""
            what, rule = watched(context.locale, alert, sliced), rule_text(context.locale, alert)
            note = context.locale.text("alert.open", what=what, found=_found(context, alert, finding), rule=rule)
            found.append(OpenAlert(finding.name, finding, note, _href(context, alert, finding.day)))
    return found


def lost_messages(context: Context) -> list[Message]:
    """The messages of the last days that could not be delivered, or whose delivery is unknown."""
    since = context.now - dt.timedelta(days=_LOST_DAYS)
    try:
        messages = Outbox(context.copy.home).messages()
    except HeadwaterError:
        return []
    return [one for one in messages if one.state in ("failed", "unknown") and one.changed_at >= since]
