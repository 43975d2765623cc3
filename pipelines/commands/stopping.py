"""Ctrl-C stops work at a safe point, not with an exception at any line.

Here: running work so that SIGINT and SIGTERM ask it to stop, and end the process if it does not; ignoring both
signals when the work is done.
Not here: the message to the user (``pipelines.commands.main``).

An exception at any line can hit a library while it has a lock or runs a callback: then the process hangs, or the
exception is lost. So the work runs in its own thread, which receives no signals.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from types import FrameType
from typing import TypeVar

from pipelines.home.lock import Tell

T = TypeVar("T")
GRACE_SECONDS = 5.0
"""Seconds for the work to stop, enough for a query. After that the process ends, as if it was killed."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_POLL_SECONDS = 0.05


def run_stoppable(work: Callable[[Tell], T], tell: Tell, *, grace_seconds: float = GRACE_SECONDS) -> T:
    """Run *work* in a thread and return its result. To be called in the main thread, which receives the signals.

    *work* gets a function that passes its lines on to *tell*, and that raises KeyboardInterrupt after a signal.

    Raises:
        KeyboardInterrupt: a signal came. The work has stopped, or *grace_seconds* have passed, or a second signal came;
            in the latter cases the work still runs and the process must end immediately (``os._exit``).
        BaseException: any exception of *work*.
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
        tell("stopping after this step; press Ctrl-C again to stop immediately")
        waited = 0.0
        while asked == 1 and waited < grace_seconds and not wait([future], timeout=_POLL_SECONDS).done:
            waited += _POLL_SECONDS
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if future.done() and future.exception() is None:
        return future.result()  # the work ended before it noticed the signal: it is complete
    raise KeyboardInterrupt


def ignore_signals() -> None:
    """Ignore SIGINT and SIGTERM from now on, when the work is done and only output is left.

    Otherwise a signal could truncate the output, or make a finished command look like a stopped one.
    """
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _fulfil(future: Future[T], work: Callable[[], T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
