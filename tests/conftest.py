"""What holds for every test: how Hypothesis judges an example, and where temporary files are.

Here: settings without which a test's outcome would depend on how busy the machine is, or its time on how slow the disk.
Not here: fixtures (``conftest.py`` of each folder).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings

_IN_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30


def _keep_temporary_files_in_memory() -> None:
    """Let tests write to memory where there is room, unless TMPDIR says otherwise.

    Every run of a home syncs hundreds of small files, and on a disk the tests would wait for that half of their time.
    """
    if "TMPDIR" not in os.environ and os.access(_IN_MEMORY, os.W_OK) and shutil.disk_usage(_IN_MEMORY).free > _ROOM:
        os.environ["TMPDIR"] = str(_IN_MEMORY)
        tempfile.tempdir = None


_keep_temporary_files_in_memory()

# By default an example that takes over 200 ms, or strategies that are slow, fail the test: a verdict on the machine.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
