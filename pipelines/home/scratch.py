"""Scratch folders: what a process needs on disk while it works.

Here: folders below ``<home>/.tmp``, and clearing away those that a killed process left.
Not here: files on their way to be published, which are written beside their target (``pipelines.lake.partitions``).
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from pipelines.home.folder import Home

_LOCK = "lock"


@contextmanager
def scratch_folder(home: Home) -> Iterator[Path]:
    """A new folder below ``<home>/.tmp``, removed at the end; what killed processes left there is removed first.

    A folder is in use as long as its file ``lock`` is held. That lock ends with its process, however that ends, so
    that folders of other processes at work (``headwater sql`` beside a run) are told from those left over.

    Raises:
        OSError: the folder cannot be made.
    """
    root = home.scratch
    root.mkdir(exist_ok=True)
    folder = root / uuid4().hex
    with (root / _LOCK).open("a") as gate:
        # Nobody may look at a folder between its making and its locking.
        fcntl.flock(gate.fileno(), fcntl.LOCK_EX)
        _clear(root)
        folder.mkdir()
        held = (folder / _LOCK).open("a")
        fcntl.flock(held.fileno(), fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        held.close()


def _clear(root: Path) -> None:
    for folder in root.iterdir():
        if folder.is_dir() and not _is_held(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_held(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open("a") as handle:
            fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
