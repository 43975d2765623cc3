"""Decides which query runs next, among all processes of a server.

Here: one running query per user and a few in total; the others queue, in each process first come, first served.
Not here: running them (``dashboards.workbench.confined``).

A query needs one of a few places to run. A place is a file lock, which the system frees when a process is killed. A
user's queries first wait for each other and then for a place, so that a user with many queries gets no more places
than a user with one.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dashboards.workbench.messages import QueryError
from pipelines.home.files import lock_now

AT_ONCE = 4
"""Maximum queries that run at once, in all processes and for all users; each takes a core and up to 512 MB."""
MOST_OF_A_USER = 16
MOST_WAITING = 24
"""Maximum queries that run or wait in a process, for one user and in total.

Each of these queries occupies a thread of the server; the other threads serve pages.
"""

_LOOK_SECONDS = 0.1


class Turns:
    """Lets the queries of one home run in turn."""

    def __init__(self, folder: Path, at_once: int = AT_ONCE) -> None:
        self._folder = folder
        self._places = [folder / f"place-{number}" for number in range(at_once)]
        self._changed = threading.Condition()
        self._queues: dict[str, deque[object]] = {}

    @contextmanager
    def turn(self, user: str, check: Callable[[], None]) -> Iterator[None]:
        """Wait until a query of *user* may run; its turn lasts until the ``with`` block ends.

        *check* is called repeatedly while waiting; an exception that it raises ends the waiting.

        Raises:
            QueryError: too many queries are waiting already.
            OSError: the lock files cannot be written.
        """
        self._folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        own = self._folder / f"user-{hashlib.sha256(user.encode()).hexdigest()[:32]}"
        with self._first_of(user, check), _locked([own], check), _locked(self._places, check):
            yield

    @contextmanager
    def _first_of(self, user: str, check: Callable[[], None]) -> Iterator[None]:
        """Wait until the earlier queries of *user* in this process have ended."""
        ticket = object()
        with self._changed:
            queue = self._queues.setdefault(user, deque())
            if len(queue) >= MOST_OF_A_USER:
                raise QueryError("own_queue", n=len(queue))
            if sum(map(len, self._queues.values())) >= MOST_WAITING:
                raise QueryError("queue")
            queue.append(ticket)
        try:
            while not self._is_first(queue, ticket):
                check()
            yield
        finally:
            with self._changed:
                queue.remove(ticket)
                if not queue:
                    del self._queues[user]
                self._changed.notify_all()

    def _is_first(self, queue: deque[object], ticket: object) -> bool:
        """Whether *ticket* is the first of *queue*, or becomes it within _LOOK_SECONDS."""
        with self._changed:
            return self._changed.wait_for(lambda: queue[0] is ticket, _LOOK_SECONDS)


@contextmanager
def _locked(paths: Sequence[Path], check: Callable[[], None]) -> Iterator[None]:
    """Wait until one of the lock files *paths* is free, and lock it until the ``with`` block ends."""
    while (handle := _lock_one(paths)) is None:
        check()
        time.sleep(_LOOK_SECONDS)
    with handle:
        yield


def _lock_one(paths: Sequence[Path]) -> IO[str] | None:
    return next((handle for path in paths if (handle := lock_now(path, mode=0o600)) is not None), None)
