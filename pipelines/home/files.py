"""Files that are replaced at once, and locks on files.

Here: the one way by which a file gets new content: written beside it, made durable, put in its place; and the one
lock, which ends with its process, however that ends. Both raise OSError, which ``told_if_unwritable`` says in a line.
Not here: which files there are (``pipelines.home.folder``, ``pipelines.lake.partitions``), what is in them.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import IO
from uuid import uuid4

from pipelines.home.errors import HeadwaterError

_ABANDONED_SECONDS = 3600.0
"""An unfinished file to which nobody wrote for so long is of a writer that was killed."""

_SYNCS_AT_ONCE = 16


@contextmanager
def told_if_unwritable(path: Path) -> Iterator[None]:
    """Tell in a line what the file system refuses here: of *path*, unless one of several files was to be replaced.

    Raises:
        HeadwaterError: for an OSError.
    """
    try:
        yield
    except OSError as error:
        raise HeadwaterError(f"cannot be written: {error.strerror}", where=error.filename2 or path) from error


def temporary_for(target: Path) -> Path:
    """A hidden name beside *target* for a file being written; its folder is made.

    What a killed writer of *target* left there long ago is removed.

    Raises:
        OSError: the folder cannot be made.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f".{escape(target.name)}.*.tmp*"):
        with suppress(FileNotFoundError):  # another writer was faster
            if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                left.unlink()
    return target.parent / f".{target.name}.{uuid4().hex[:12]}.tmp"


def replace_files(pairs: Sequence[tuple[Path, Path]]) -> None:
    """Make each temporary file the content of its target, durably; each at once, in the order given.

    Raises:
        OSError: the file system refuses. What was there before stays; of a target that cannot be replaced,
            *filename2* names it.
    """
    # A name that is not synced may be lost in a power cut: the folders of new names are synced as well. Many syncs at
    # once cost little more than one, for the file system writes its journal for all of them. That holds for two files
    # too: one after another takes 0.6 ms less on an idle disk, and twice as long on a busy one.
    with ThreadPoolExecutor(_SYNCS_AT_ONCE) as pool:
        list(pool.map(_sync, (temporary for temporary, _ in pairs)))
        for temporary, target in pairs:
            temporary.replace(target)
        folders = {target.parent for _, target in pairs}
        list(pool.map(_sync, folders | {folder.parent for folder in folders}))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replacing_all(targets: Sequence[Path], then: Sequence[tuple[Path, Path]] = ()) -> Iterator[list[Path]]:
    """A hidden path beside each of *targets*: what is written there takes their places when this ends well.

    That is done as ``replace_files`` does it, together with the pairs *then*, which come after. However this ends, none
    of the hidden files is left.

    Raises:
        OSError: the file system refuses.
    """
    temporaries = [temporary_for(target) for target in targets]
    try:
        yield temporaries
        replace_files([*zip(temporaries, targets, strict=True), *then])
    finally:
        for temporary in temporaries:
            with suppress(OSError):
                temporary.unlink()


@contextmanager
def replacing(target: Path, mode: int | None = None) -> Iterator[Path]:
    """``replacing_all`` of one file; where *target* is a link, of the file that it names.

    *mode* is that of the new file; None: of the file that it replaces, where there is one.
    """
    target = target.resolve()
    with replacing_all([target]) as (temporary,):
        yield temporary
        mode = _mode_of(target) if mode is None else mode
        if mode is not None:
            temporary.chmod(mode)


def write_file(target: Path, content: str | bytes, mode: int | None = None) -> None:
    """Make *content*, text as UTF-8, that of *target*, durably and at once; see ``replacing``.

    Raises:
        OSError: the file system refuses.
    """
    mode = _mode_of(target) if mode is None else mode
    with replacing(target, mode) as temporary:
        # Nobody who may not read the target may read it while it is written either.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content.encode() if isinstance(content, str) else content)


def _mode_of(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


def lock(path: Path, *, mode: int = 0o666, before_waiting: Callable[[], None] = lambda: None) -> IO[str]:
    """*path*, made if it is not there, locked for the caller alone; closing it lets go.

    *before_waiting* is called once where another holds the lock.

    Raises:
        OSError: the file cannot be written.
    """
    if (handle := lock_now(path, mode=mode)) is not None:
        return handle
    before_waiting()
    return _locked(path, mode, fcntl.LOCK_EX)


def lock_now(path: Path, *, mode: int = 0o666) -> IO[str] | None:
    """The same without waiting: None where another holds the lock."""
    try:
        return _locked(path, mode, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None


def _locked(path: Path, mode: int, operation: int) -> IO[str]:
    handle = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, mode), "a+", encoding="utf-8")
    try:
        fcntl.flock(handle.fileno(), operation)
    except BaseException:
        handle.close()
        raise
    return handle


def lock_holder(path: Path) -> str | None:
    """What whoever holds the lock on *path* wrote into it; None where nobody does.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        with path.open("r", encoding="utf-8") as handle:
            try:
                fcntl.flock(handle.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return handle.read()
    except FileNotFoundError:
        pass
    return None
