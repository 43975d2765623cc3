"""The one place that decides who gets which message now: ``headwater alerts`` and Dagster both call it.

Here: evaluating, writing messages into the outbox, delivering what is due.
Not here: how the steps work (``evaluate``, ``messages``, ``subscriptions``, ``pipelines.delivery``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dashboards.alerts.evaluate import Records, evaluate
from dashboards.alerts.messages import alert_messages, new_message
from dashboards.alerts.pictures import with_pictures
from dashboards.alerts.subscriptions import due_subscriptions, subscription_messages
from dashboards.app.marts import Copy
from dashboards.app.watch.festivals import festivals_of
from dashboards.app.watch.settings import Watch, load_watch
from dashboards.app.watch.state import Finding, write_evaluation
from dashboards.copy.build import publish
from dashboards.locale import Locale
from pipelines.delivery.deliver import deliver
from pipelines.delivery.outbox import Message, Outbox
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.settings import Settings, load_settings
from pipelines.sqlproject.reads import nearest

Clock = Callable[[], dt.datetime]


@dataclass(frozen=True)
class Sent:
    """What a call of ``send_due`` did.

    Attributes:
        findings: The result of each alert.
        written: The new messages; in a dry run those that would be written.
        changed: The messages whose state has changed.
    """

    findings: Sequence[Finding]
    written: Sequence[Message]
    changed: Sequence[Message]

    @property
    def has_failed(self) -> bool:
        """Whether a message was given up, or nobody knows whether it arrived."""
        return any(message.state in ("failed", "unknown") for message in self.changed)


def utc_now() -> dt.datetime:
    """The current time, UTC."""
    return dt.datetime.now(dt.UTC)


def send_due(home: Home, records: Records, *, now: Clock = utc_now, is_dry_run: bool = False) -> Sent:
    """Evaluate every alert and subscription of *home*, write new messages, and deliver what is due.

    Raises:
        HeadwaterError: the settings are invalid, the home cannot be read, or the outbox cannot be written.
    """
    watch, settings, outbox = load_watch(home), load_settings(home), Outbox(home)
    if is_dry_run:
        findings, messages = _composed(home, watch, settings, records, now(), is_dry_run=True)
        known = {message.file_name for message in outbox.messages()}
        return Sent(findings, [message for message in messages if message.file_name not in known], [])
    with outbox.locked():
        findings, messages = _composed(home, watch, settings, records, now(), is_dry_run=False)
        new = [message for message in messages if not outbox.has(message)]
        written = [message for message in with_pictures(home, new, watch.people) if outbox.add(message)]
        write_evaluation(home, now(), findings)
        changed = deliver(home, watch.people, now)
    return Sent(findings, written, changed)


def send_test(home: Home, name: str, *, now: Clock = utc_now) -> Message:
    """Send a test message to the person *name*; returns the message with its state.

    Raises:
        HeadwaterError: there is no such person, or the settings are invalid.
    """
    watch, settings, outbox = load_watch(home), load_settings(home), Outbox(home)
    if name not in watch.people:
        raise HeadwaterError(
            f"no person '{name}' under 'people'", where=home.alerts_file, remedy=nearest(name, watch.people)
        )
    at = now()
    local = at.astimezone(ZoneInfo(settings.timezone))
    text = Locale("zh", settings.currency).text, Locale("en", settings.currency).text
    title = " · ".join(one("alert.test.title") for one in text)
    body = "\n".join(one("alert.test.body", time=f"{local:%Y-%m-%d %H:%M}") for one in text)
    # The time is part of the message's name, so that a test can be repeated.
    message = new_message(local.date(), f"test {at:%H:%M:%S.%f}", name, "test", title, body, at)
    with outbox.locked():
        outbox.add(message)
        changed = deliver(home, watch.people, now)
    return next(one for one in changed if one.file_name == message.file_name)


def _composed(
    home: Home, watch: Watch, settings: Settings, records: Records, now: dt.datetime, *, is_dry_run: bool
) -> tuple[list[Finding], list[Message]]:
    """The findings, and the messages that are due at *now*."""
    if watch.is_empty:
        return [], []
    with _copy_of(home) as copy:
        findings = evaluate(copy, watch, records, festivals_of(home), now, settings.timezone)
        messages = alert_messages(watch, findings, copy, settings, now)
        due = due_subscriptions(watch, copy, now, settings.timezone)
        if copy is not None and due:
            sent = {message.file_name for message in Outbox(home).messages()}
            due = [one for one in due if any(_key(one.day, one.name, to) not in sent for to in one.subscription.to)]
            messages += subscription_messages(due, watch, copy, settings, now, has_report=not is_dry_run)
    return findings, messages


def _key(day: dt.date, name: str, recipient: str) -> str:
    return new_message(day, name, recipient, "subscription", "", "", utc_now()).file_name


@contextmanager
def _copy_of(home: Home) -> Iterator[Copy | None]:
    """The current copy of the lake, made again if the lake has changed; None if no day is computed."""
    copy = Copy(home, publish(home))
    try:
        yield copy if copy.days else None
    finally:
        copy.close()
