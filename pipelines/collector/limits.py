"""Limits on what one sender can cause: events in a second, lines in the log.

Not here: limits on connections (``pipelines.web.worker``), on a body (``pipelines.collector.batch``).
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable

_LOGGER = logging.getLogger("headwater.collector")
_HOUR = 3600.0
_MOST_MESSAGES = 100


class Rate:
    """Counts the events of each address in the current second."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._second = 0
        self._counts: Counter[str] = Counter()

    def has_room(self, address: str) -> bool:
        """Whether *address* may send a batch now. The batch may exceed the limit, because it is not divided."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._counts = second, Counter()
        return self._counts[address] < self._most

    def add(self, address: str, events: int) -> None:
        """Count *events* of *address*."""
        self._counts[address] += events


class Notes:
    """Writes each message to the log at most once an hour, and at most 100 messages."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._written: set[str] = set()

    def write(self, message: str) -> None:
        """Log *message*, unless it was logged in this hour."""
        if time.monotonic() - self._since > _HOUR:
            self._since, self._written = time.monotonic(), set()
        if message not in self._written and len(self._written) < _MOST_MESSAGES:
            self._written.add(message)
            _LOGGER.warning(message)
