"""Scratch folders for temporary files of running processes.

Here: creating folders below ``<home>/.tmp``, and removing those that killed processes left.
Not here: files that will be published, which are written beside their target (``pipelines.home.files``).
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
    """A new folder below ``<home>/.tmp``, removed when the context ends. First removes folders of killed processes.

    A folder is in use while its file ``lock`` is locked. The operating system releases that lock when the process ends,
    so an unlocked folder was abandoned, and a locked one belongs to a running process (``headwater sql`` during a run).

    Raises:
        OSError: the folder cannot be created.
    """
    root = home.scratch
    root.mkdir(exist_ok=True)
    folder = root / uuid4().hex
    with lock(root / _LOCK):
        # Other processes remove unlocked folders while they have the root's lock. So hold that lock until our folder is
        # locked.
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
