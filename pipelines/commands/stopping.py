"""Ctrl-C as a request, which work takes up where it can be left, instead of an exception at any line of it.

Here: running work so that SIGINT and SIGTERM ask it to stop, and stop the process if it does not; ignoring both
signals once there is nothing left to stop.
Not here: what the user is told of it (``pipelines.commands.main``).

An exception at any line can hit a library while it holds a lock or runs a callback, which hangs the process or loses
the request. So the work runs in a thread of its own, where no signal reaches it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from types import FrameType
from typing import TypeVar

from pipelines.home.folder import Tell

T = TypeVar("T")
GRACE_SECONDS = 5.0
"""How long work may go on after it was asked to stop: the time of a query. What it leaves is what a kill leaves."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_POLL_SECONDS = 0.05


def run_stoppable(work: Callable[[Tell], T], tell: Tell, *, grace_seconds: float = GRACE_SECONDS) -> T:
    """The result of *work*, which is handed *tell*; a signal makes the next call of it raise KeyboardInterrupt.

    To be called in the main thread.

    Raises:
        KeyboardInterrupt: a signal came. The work has stopped, unless *grace_seconds* have passed or a second signal
            came: then it goes on until the process ends, which must be at once (``os._exit``).
        BaseException: whatever *work* raises.
    """
    asked = 0

    def ask(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1

    def tell_or_stop(line: str) -> None:
        if asked:
            raise KeyboardInterrupt
        tell(line)

    future: Future[T] = Future()
    before = {number: signal.signal(number, ask) for number in _SIGNALS}
    try:
        Thread(target=_fulfil, args=(future, lambda: work(tell_or_stop)), name="work", daemon=True).start()
        while not asked:
            if wait([future], timeout=_POLL_SECONDS).done:
                return future.result()
        tell("stopping after this step; Ctrl-C again stops at once")
        waited = 0.0
        while asked == 1 and waited < grace_seconds and not wait([future], timeout=_POLL_SECONDS).done:
            waited += _POLL_SECONDS
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if future.done() and future.exception() is None:
        return future.result()  # it was done before it could take the request up
    raise KeyboardInterrupt


def ignore_signals() -> None:
    """Ignore SIGINT and SIGTERM from now on: the work is done, and the process only reports its result and ends.

    Without this a signal at that moment cuts the report off, or makes a finished command look like a stopped one.
    """
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _fulfil(future: Future[T], work: Callable[[], T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
