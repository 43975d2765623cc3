"""The files in ``landing/native/events/`` that the collector's processes write.

Here: the growing file of each process, whose name ends in ``.part`` so that ingestion skips it; giving it its final
name; finishing the files of processes that have ended.
Not here: the lines (``pipelines.collector.batch``).

A process holds a lock on its growing file, and the operating system releases it when the process ends. So a growing
file without a lock belongs to a process that has ended. The server's main process finishes such files when it starts,
when one of its workers has ended, and when it ends.
"""

from __future__ import annotations

import logging
import mmap
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO
from uuid import uuid4

from pipelines.home.files import is_locked, lock_now, sync
from pipelines.home.folder import Home

MOST_BYTES = 64 * 2**20
"""At this size a growing file gets its final name, even before its time is over."""

_GROWING = ".part"
_LOGGER = logging.getLogger("headwater.collector")
_FILES = "collected-*.ndjson"


def events_folder(home: Home) -> Path:
    """Where the collector's files are."""
    return home.landing / "native" / "events"


class EventLog:
    """The growing file of this process, which its threads share."""

    def __init__(self, home: Home, *, seconds: float, is_synced: bool) -> None:
        """*seconds*: how long a file grows; *is_synced*: whether ``append`` waits until the lines are on the disk."""
        self._folder = events_folder(home)
        self._seconds = seconds
        self._is_synced = is_synced
        self._writing = threading.Lock()
        self._syncing = threading.Lock()
        self._file: IO[str] | None = None
        self._path = self._folder
        self._began = 0.0
        self._size = 0
        self._total = self._synced = self._unsynced = 0
        """Bytes written, bytes synced to the disk, and bytes that a failed sync may have lost."""

    def append(self, lines: bytes) -> None:
        """Write *lines* completely. If they cannot be written, none of them stays in the file.

        Raises:
            OSError: they cannot be written, or cannot be synced to the disk.
        """
        with self._writing:
            if self._file is not None and self._size + len(lines) > MOST_BYTES:
                self._finish()
            descriptor = (self._file or self._open()).fileno()
            try:
                _write_all(descriptor, lines)
            except OSError:
                os.ftruncate(descriptor, self._size)
                raise
            self._size += len(lines)
            self._total += len(lines)
            written = self._total
        if self._is_synced:
            self._sync_to(written)

    def finish_old(self) -> None:
        """Give the growing file its final name if it has grown for long enough.

        Raises:
            OSError: it cannot be renamed.
        """
        with self._writing:
            if self._file is not None and time.monotonic() - self._began >= self._seconds:
                self._finish()

    def _open(self) -> IO[str]:
        self._folder.mkdir(parents=True, exist_ok=True)
        opened = None
        while opened is None:
            name = f"collected-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{uuid4().hex[:12]}.ndjson"
            self._path = self._folder / f"{name}{_GROWING}"
            opened = _own(self._path)
        if self._is_synced:
            sync(self._folder)
        self._file, self._began, self._size = opened, time.monotonic(), 0
        return opened

    def _finish(self) -> None:
        assert self._file is not None
        try:
            if self._is_synced:
                self._sync_to(self._total)
            self._path.rename(self._path.with_suffix(""))
        finally:
            # If the file was not renamed, finish_left will rename it, because closing the file releases its lock.
            with self._syncing:
                self._file.close()
                self._file = None

    def _sync_to(self, written: int) -> None:
        """Sync the file, unless another thread's sync has included the first *written* bytes."""
        with self._syncing:
            if self._synced < written:
                total = self._total
                assert self._file is not None  # a file is closed only after it was synced
                try:
                    os.fsync(self._file.fileno())
                except OSError:
                    # The operating system reports a failure once; a second sync would succeed without the lost bytes.
                    self._unsynced = total
                    raise
                finally:
                    self._synced = total
            if written <= self._unsynced:
                raise OSError(None, "an earlier sync failed")


def finish_left(home: Home) -> list[Path]:
    """Give the files of ended processes their final names. Returns these names; the log says what cannot be finished.

    An incomplete last line is removed: its process was killed while writing it, so its sender got no answer.
    """
    finished = []
    for path in _growing(home):
        try:
            if (handle := _own(path)) is None:
                continue
            with handle:
                if size := _size_of_lines(handle.fileno()):
                    os.ftruncate(handle.fileno(), size)
                    finished.append(path.rename(path.with_suffix("")))
                else:
                    path.unlink()
        except OSError as error:
            _LOGGER.warning("%s: the file of an ended process cannot be finished: %s", path, error.strerror)
    return finished


def left_files(home: Home) -> list[Path]:
    """The files of processes that have ended, which ``finish_left`` would finish.

    Raises:
        OSError: a file cannot be read.
    """
    left = []
    for path in _growing(home):
        with suppress(FileNotFoundError):  # the file's process has just renamed it
            if not is_locked(path):
                left.append(path)
    return left


def last_written(home: Home) -> float | None:
    """When the collector last wrote to one of its files, as Unix time; None if the home has no such file."""
    finished = sorted(events_folder(home).glob(_FILES))  # their names begin with times, so the last is the newest
    times = []
    for path in [*finished[-1:], *_growing(home)]:
        with suppress(FileNotFoundError):  # the file's process has just renamed it
            times.append(path.stat().st_mtime)
    return max(times, default=None)


def _growing(home: Home) -> Iterator[Path]:
    return iter(sorted(events_folder(home).glob(f"{_FILES}{_GROWING}")))


def _own(path: Path) -> IO[str] | None:
    """*path*, created if needed, open and locked; None if another process has it or has just renamed or removed it."""
    if (handle := lock_now(path)) is None:
        return None
    with suppress(FileNotFoundError):
        if path.stat().st_ino == os.fstat(handle.fileno()).st_ino:
            return handle
    handle.close()
    return None


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _size_of_lines(descriptor: int) -> int:
    """The size of the file up to its last line end; 0 if it has none."""
    if os.fstat(descriptor).st_size == 0:
        return 0
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as content:
        return content.rfind(b"\n") + 1
