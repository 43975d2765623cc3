"""Scratch folders: what a process needs on disk while it works.

Here: folders below ``<home>/.tmp``, and clearing away those that a killed process left.
Not here: files on their way to be published, which are written beside their target (``pipelines.lake.partitions``).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from pipelines.home.files import lock, lock_holder
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
    with lock(root / _LOCK):
        # Nobody may look at a folder between its making and its locking.
        _clear(root)
        folder.mkdir()
        held = lock(folder / _LOCK)
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
        return lock_holder(folder / _LOCK) is not None
    except OSError:
        return False
