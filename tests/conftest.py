"""Settings for all tests: Hypothesis's limits, and the folder of temporary files.

Here: the settings that keep a busy machine from failing a test, and a slow disk or the garbage collector from slowing
the tests down.
Not here: fixtures (``conftest.py`` of each folder).
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_IN_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30


def _keep_temporary_files_in_memory() -> None:
    """Put temporary files into a file system in memory if it is large enough and TMPDIR is not set.

    Every run of a home syncs hundreds of small files; on a disk the tests would spend half of their time waiting for
    it.
    """
    if "TMPDIR" not in os.environ and os.access(_IN_MEMORY, os.W_OK) and shutil.disk_usage(_IN_MEMORY).free > _ROOM:
        os.environ["TMPDIR"] = str(_IN_MEMORY)
        tempfile.tempdir = None


_keep_temporary_files_in_memory()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Exclude the many permanent objects that pytest creates while it collects tests from garbage collection.

    The collector would visit them again and again, which takes a fifth of the time of collecting tests.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    """Include all objects again at the end of the process; otherwise libraries report leaks."""
    gc.unfreeze()


# By default Hypothesis fails a test whose example takes over 200 ms or whose input is slow to generate, and both depend
# on the machine.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
