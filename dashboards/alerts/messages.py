"""The messages of alerts: title, numbers, a text chart of the last days (▁▂▅▇), the link.

Not here: which alerts have fired (``dashboards.alerts.evaluate``), the messages of subscriptions
(``dashboards.alerts.subscriptions``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from dashboards.app.context import Context
from dashboards.app.marts import Copy
from dashboards.app.view import View
from dashboards.app.watch.settings import Alert, Watch
from dashboards.app.watch.state import Finding
from dashboards.app.watch.texts import bars, found_text, rule_text, slice_text, view_of, watched
from dashboards.locale import Locale
from pipelines.delivery.outbox import Kind, Message
from pipelines.home.settings import Settings


def alert_messages(
    watch: Watch, findings: Sequence[Finding], copy: Copy | None, settings: Settings, now: dt.datetime
) -> list[Message]:
    """The messages about alerts that have fired: for each alert, one to each person whom it names."""
    found = []
    for finding in findings:
        if finding.outcome == "fired":
            alert = watch.alerts[finding.name]
            title, body = alert_text(alert, finding, copy, settings, now)
            page = view_of(alert, finding.day).href if alert.is_of_days else ""
            found += [
                new_message(finding.day, finding.name, to, "alert", title, body, now, page=page) for to in alert.to
            ]
    return found


def new_message(
    day: dt.date,
    name: str,
    recipient: str,
    kind: Kind,
    title: str,
    body: str,
    now: dt.datetime,
    *,
    attachment: str = "",
    page: str = "",
) -> Message:
    """A message that is due now."""
    return Message(day, name, recipient, kind, title, body, now, now, now, attachment, page)


def alert_text(
    alert: Alert, finding: Finding, copy: Copy | None, settings: Settings, now: dt.datetime
) -> tuple[str, str]:
    """Title and body of the message about *finding*."""
    locale = Locale(alert.language, settings.currency)
    view = view_of(alert, finding.day)
    sliced = ""
    if alert.parts and copy is not None:
        sliced = slice_text(Context(view, copy.in_language(alert.language), "viewer", now), alert.parts)
    what = watched(locale, alert, sliced)
    side = locale.text(f"alert.side.{finding.side}") if finding.side else ""
    title = locale.text("alert.title", name=finding.name, what=what, side=side).strip()
    lines = [locale.text("alert.line.found", what=what, day=finding.day)]
    if alert.when == "data_late":
        lines.append(locale.text("alert.late", day=finding.day, newest=finding.details[0]))
    else:
        lines += found_text(locale, alert, finding).splitlines()
    if rule := rule_text(locale, alert):
        lines.append(locale.text("alert.line.rule", rule=rule))
    if any(value is not None for value in finding.course):
        lines.append(course_line(locale, finding.course))
    lines.append(link(settings, view))
    return title, "\n".join(lines)


def course_line(locale: Locale, values: Sequence[float | None], name: str = "") -> str:
    """The values of the last days as a text chart such as ▁▂▅▇, after the metric's *name*."""
    return locale.text("alert.line.course", name=name, days=len(values), bars=bars(values)).strip()


def link(settings: Settings, view: View) -> str:
    """The URL of *view*; only its path if the settings do not have the URL of the dashboards."""
    return f"{settings.dashboard.address}{view.href}"
