"""The files in ``landing/native/events/`` that the collector's processes write.

Here: a growing file for each process, which ends in ``.part`` so that ingestion skips it; giving it its final name each
minute or 64 MB; finishing the files of killed processes.
Not here: the lines (``pipelines.collector.batch``).

A process holds a lock on its growing file, and the operating system releases it when the process ends. So a growing
file that nobody has locked was left by a killed process. Every process that starts finishes such files.
"""

from __future__ import annotations

import mmap
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO
from uuid import uuid4

from pipelines.home.files import lock_now
from pipelines.home.folder import Home

MOST_SECONDS = 5.0
MOST_BYTES = 64 * 2**20
"""After this time, or at this size, a growing file gets its final name."""

_GROWING = ".part"


def events_folder(home: Home) -> Path:
    """Where the collector's files are."""
    return home.landing / "native" / "events"


def growing_files(home: Home) -> list[Path]:
    """The growing files of all processes, running or killed."""
    return sorted(events_folder(home).glob(f"collected-*.ndjson{_GROWING}"))


class EventLog:
    """The growing file of this process. Threads may share it."""

    def __init__(self, home: Home, *, is_synced: bool) -> None:
        """*is_synced*: whether ``append`` also waits until the lines are on the disk."""
        self._folder = events_folder(home)
        self._is_synced = is_synced
        self._writing = threading.Lock()
        self._file: IO[str] | None = None
        self._path = self._folder
        self._began = 0.0
        self._size = 0

    def append(self, lines: bytes) -> None:
        """Write *lines* completely. If that fails, nothing of them stays in the file.

        Raises:
            OSError: they cannot be written.
        """
        with self._writing:
            if self._file is not None and self._size + len(lines) > MOST_BYTES:
                self._finish()
            if self._file is None:
                self._open()
            assert self._file is not None
            self._write(self._file.fileno(), lines)

    def finish_if_old(self) -> None:
        """Give the growing file its final name if it was begun more than MOST_SECONDS ago."""
        with self._writing:
            if self._file is not None and time.monotonic() - self._began > MOST_SECONDS:
                self._finish()

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file = None
        while self._file is None:
            name = f"collected-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{uuid4().hex[:12]}.ndjson"
            self._path = self._folder / (name + _GROWING)
            self._file = _owned(self._path)
        self._began, self._size = time.monotonic(), 0

    def _write(self, descriptor: int, lines: bytes) -> None:
        written = 0
        try:
            while written < len(lines):
                written += os.write(descriptor, lines[written:])
        except OSError:
            os.ftruncate(descriptor, self._size)
            raise
        self._size += written

    def _finish(self) -> None:
        assert self._file is not None
        with self._file:
            if self._is_synced:
                os.fsync(self._file.fileno())
            self._path.rename(self._path.with_suffix(""))
        self._file = None


def finish_left(home: Home) -> int:
    """Give the growing files of killed processes their final names, without a last line that is incomplete.

    Such a line was not acknowledged. Returns the number of files.
    """
    count = 0
    for path in growing_files(home):
        with suppress(OSError):
            handle = _owned(path)
            if handle is None:
                continue
            with handle:
                size = _complete_size(handle.fileno())
                if size:
                    os.ftruncate(handle.fileno(), size)
                    path.rename(path.with_suffix(""))
                    count += 1
                else:
                    path.unlink()
    return count


def _owned(path: Path) -> IO[str] | None:
    """*path*, open and locked; None if another process has it or has just renamed it."""
    handle = lock_now(path)
    if handle is None:
        return None
    with suppress(FileNotFoundError):
        if path.stat().st_ino == os.fstat(handle.fileno()).st_ino:
            return handle
    handle.close()
    return None


def _complete_size(descriptor: int) -> int:
    """The size of the file up to and including its last line end."""
    if os.fstat(descriptor).st_size == 0:
        return 0
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as content:
        return content.rfind(b"\n") + 1
