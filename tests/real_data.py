"""Finds the real data sets, which are not part of the project.

Here: the folder of a data set; a test whose data set is missing is skipped with a message.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.home.folder import REPOSITORY

DATA = Path(os.environ.get("HEADWATER_DATA") or REPOSITORY.parent / "shared" / "data")


def data_set(name: str) -> Path:
    """The folder of the data set *name*; skips the test if it does not exist."""
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"data set {name} is not in {DATA}: put it there, or name its parent folder with $HEADWATER_DATA")
    return folder
