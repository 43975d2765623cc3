"""Attempts that are due: each message of the outbox is sent, sent again after a failure, or given up.

Here: the order of an attempt's steps, and the times between attempts.
Not here: the attempt itself (``pipelines.delivery.sending``).

Before an attempt, the message is marked as being sent; after it, as delivered or not. If the process is killed between
the two, nobody knows whether the message arrived. It is then marked as unknown and never sent again: an alert that is
missed shows on the page of alerts, but one that arrives twice is not believed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from pipelines.delivery.addresses import secrets_of, service_of
from pipelines.delivery.outbox import Message, Outbox, changed
from pipelines.delivery.sending import NotDeliveredError, send
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home

PAUSES = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
"""The times between the attempts to deliver a message; after the last one it has failed."""


def deliver(home: Home, people: Mapping[str, str], now: Callable[[], dt.datetime]) -> list[Message]:
    """Make every attempt that is due; returns the messages whose state has changed.

    The caller has the lock of the outbox.

    Args:
        home: The home.
        people: Name → address, with ``${NAME}`` for secrets.
        now: The current time, UTC.

    Raises:
        HeadwaterError: the outbox cannot be read or written, or config/secrets.env is refused.
    """
    outbox, found = Outbox(home), []
    messages = outbox.messages()
    for message in messages:
        if message.state == "sending":  # we have the lock, so the process that was sending has ended
            lost = changed(message, "unknown", now(), error="killed")
            outbox.save(lost)
            found.append(lost)
    due = [message for message in reversed(messages) if message.is_due and message.next_at <= now()]
    if due:
        secrets = secrets_of(home)
        found += [_attempt(home, outbox, message, people, secrets, now) for message in due]
    outbox.remove_old(now())
    return found


def _attempt(
    home: Home,
    outbox: Outbox,
    message: Message,
    people: Mapping[str, str],
    secrets: Mapping[str, str],
    now: Callable[[], dt.datetime],
) -> Message:
    address = people.get(message.recipient)
    if address is None:
        return _settle(outbox, changed(message, "failed", now(), error="no_person"))
    begun = changed(message, "sending", now(), attempts=message.attempts + 1)
    try:
        service = service_of(address, secrets)
    except HeadwaterError as error:
        return _settle(outbox, _again(begun, f"address:{error}", now()))
    outbox.save(begun)
    file = home.root / message.attachment if message.attachment else None
    try:
        send(service, message.title, message.body, file if file and file.is_file() else None)
    except NotDeliveredError as error:
        return _settle(outbox, _again(begun, str(error), now()))
    return _settle(outbox, changed(begun, "delivered", now(), error=""))


def _again(message: Message, error: str, now: dt.datetime) -> Message:
    """*message* after an attempt that failed: pending until the next one, or failed after the last one."""
    if message.attempts > len(PAUSES):
        return changed(message, "failed", now, error=error)
    return changed(message, "pending", now, error=error, next_at=now + PAUSES[message.attempts - 1])


def _settle(outbox: Outbox, message: Message) -> Message:
    outbox.save(message)
    return message
