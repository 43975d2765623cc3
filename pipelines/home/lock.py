"""The write lock of a home: one process at a time changes its lake.

Here: taking the lock, and which process holds it.
Not here: locks of single files (``pipelines.home.files``).
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipelines.home import files
from pipelines.home.files import convert_write_errors, lock
from pipelines.home.folder import Home

Tell = Callable[[str], None]
"""Shows the user a line of progress; raises KeyboardInterrupt if the user asked to stop."""

_held = threading.local()
_ANOTHER = "another process"


@contextmanager
def home_lock(home: Home, purpose: str, tell: Tell | None = None) -> Iterator[None]:
    """Hold the home's write lock. If another process has the lock, report which process, and wait.

    The lock is an ``flock`` on the home's ``lock_file``, so the operating system releases it when the process ends. A
    thread that has the lock may take it again. Temporary files that a killed process left in the lake are removed.

    Args:
        home: The home.
        purpose: What the caller does with the lock, for the message to processes that wait for it.
        tell: Called once before waiting, with a message about the process that has the lock; None: print it to standard
            error.

    Raises:
        HeadwaterError: the home cannot be written.
    """
    held: set[Path] = _held.__dict__.setdefault("roots", set())
    if home.root in held:
        yield
        return

    def tell_holder() -> None:
        holder = home.lock_file.read_text(encoding="utf-8") or _ANOTHER
        (tell or (lambda line: print(line, file=sys.stderr)))(f"waiting for {holder}, which locks {home.root}")

    with convert_write_errors(home.lock_file):
        handle = lock(home.lock_file, before_waiting=tell_holder)
    with handle:
        handle.seek(0)
        if handle.read():  # the last process was killed: otherwise it would have emptied the file
            _clear_up(home)
        handle.truncate(0)
        with suppress(OSError):  # on a full disk the lock works without this text; a later write reports the fault
            os.write(handle.fileno(), f"process {os.getpid()}, {purpose}, since {time.strftime('%H:%M:%S')}".encode())
        held.add(home.root)
        try:
            yield
        finally:
            held.discard(home.root)
            handle.truncate(0)


def lock_holder(home: Home) -> str | None:
    """A description of the process that now holds the home's write lock; None if the lock is free."""
    holder = files.lock_holder(home.lock_file)
    return _ANOTHER if holder == "" else holder


def _clear_up(home: Home) -> None:
    for path in home.lake.rglob(".*.tmp"):
        with suppress(OSError):
            path.unlink()
