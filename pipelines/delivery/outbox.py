"""The outbox of a home: one file for each message and recipient, with the state of its delivery.

Here: the states of a message, and keeping them on disk.
Not here: attempts (``pipelines.delivery.deliver``).

A file names the recipient, never their address.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pipelines.home.errors import HeadwaterError
from pipelines.home.files import convert_write_errors, lock, write_file
from pipelines.home.folder import Home

State = Literal["pending", "sending", "delivered", "failed", "unknown"]
"""pending: not sent yet, or to be sent again.

sending: an attempt has begun. delivered: the server accepted it. failed: no further attempt. unknown: the process ended
during an attempt, so it may have arrived; it is not sent again.
"""

Kind = Literal["alert", "subscription", "test"]

KEPT = dt.timedelta(days=180)
"""How long messages are kept."""


@dataclass(frozen=True)
class Message:
    """A message to one recipient. *day*, *name* and *recipient* identify it: there is never a second one.

    Attributes:
        day: The day that the message is about.
        name: The name of the alert or the subscription.
        recipient: The name of the person.
        kind: What it is: an alert, a subscription or a test.
        title, body: The text.
        attachment: A file of the home that mail carries, relative to the home; '': none.
        state: The state of its delivery.
        attempts: The number of attempts that have begun.
        created_at, changed_at: When it was written, and when its state last changed, UTC.
        next_at: When the next attempt is due, UTC.
        page: The address of the page that it is about, without its host; '': none.
        error: Why the last attempt failed, as ``kind`` or ``kind:detail``; the text ``delivery.<kind>`` describes it.
            '': it did not fail.
    """

    day: dt.date
    name: str
    recipient: str
    kind: Kind
    title: str
    body: str
    created_at: dt.datetime
    changed_at: dt.datetime
    next_at: dt.datetime
    attachment: str = ""
    page: str = ""
    state: State = "pending"
    attempts: int = 0
    error: str = ""

    @property
    def file_name(self) -> str:
        """The name of its file."""
        key = hashlib.blake2b(f"{self.name}\n{self.recipient}".encode(), digest_size=12).hexdigest()
        return f"{self.day}-{key}.json"

    @property
    def is_due(self) -> bool:
        """Whether there will be another attempt to send it."""
        return self.state == "pending"


def picture_folder(home: Home) -> Path:
    """The folder of the pictures that mails carry; each is removed with its message."""
    return home.alerts / "pictures"


class Outbox:
    """The messages of one home. Only a process that has the lock writes."""

    def __init__(self, home: Home) -> None:
        """No file is opened or created here, only by the methods."""
        self._home = home
        self._folder = home.alerts / "outbox"
        self._lock = home.alerts / ".lock"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait until no other process sends, and keep others from sending."""
        with convert_write_errors(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            handle = lock(self._lock)
        with handle:
            yield

    def has(self, message: Message) -> bool:
        """Whether there is a message with the day, name and recipient of *message*."""
        return (self._folder / message.file_name).exists()

    def add(self, message: Message) -> bool:
        """Write *message*, unless there is one with its day, name and recipient; returns whether it was written.

        Raises:
            HeadwaterError: the file cannot be written.
        """
        if self.has(message):
            return False
        self.save(message)
        return True

    def save(self, message: Message) -> None:
        """Write the state of *message*, atomically and durably.

        Raises:
            HeadwaterError: the file cannot be written.
        """
        content = {key: _as_text(value) for key, value in asdict(message).items()}
        with convert_write_errors(self._folder):
            write_file(self._folder / message.file_name, json.dumps(content, ensure_ascii=False, indent=1))

    def messages(self) -> list[Message]:
        """All messages, the newest first.

        Raises:
            HeadwaterError: a file is damaged.
        """
        found = []
        for path in self._folder.glob("*.json"):
            with suppress(FileNotFoundError):  # another process has removed an old message
                stat = path.stat()
                found.append(_read(path, stat.st_mtime_ns, stat.st_ino))
        return sorted(found, key=lambda one: (one.created_at, one.day, one.name, one.recipient), reverse=True)

    def remove_old(self, now: dt.datetime) -> None:
        """Remove messages that are older than ``KEPT`` and will not be sent again."""
        for message in self.messages():
            if not message.is_due and message.changed_at < now - KEPT:
                (self._folder / message.file_name).unlink(missing_ok=True)
                picture = self._home.root / message.attachment
                if picture.parent == picture_folder(self._home):  # attached reports have their own retention
                    picture.unlink(missing_ok=True)


def changed(message: Message, state: State, now: dt.datetime, **values: object) -> Message:
    """*message* in another *state*, with other *values* changed too."""
    return replace(message, state=state, changed_at=now, **values)  # type: ignore[arg-type]


def _as_text(value: object) -> object:
    return value.isoformat() if isinstance(value, dt.date) else value


@lru_cache(maxsize=10_000)  # cached: the overview and the sensor read messages often, and few change
def _read(path: Path, _changed: int, _file: int) -> Message:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        times = {name: dt.datetime.fromisoformat(content[name]) for name in ("created_at", "changed_at", "next_at")}
        return Message(**{**content, **times, "day": dt.date.fromisoformat(content["day"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HeadwaterError("is not a message of the outbox", where=path, remedy="remove the file") from error
