"""Settings for all tests: Hypothesis's limits, and the folder of temporary files.

Here: settings that make results independent of how busy the machine is, and tests fast on a slow disk.
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
    """Let tests write to memory if it is large enough and TMPDIR is not set.

    Every run of a home syncs hundreds of small files; on a disk the tests would spend half of their time on this.
    """
    if "TMPDIR" not in os.environ and os.access(_IN_MEMORY, os.W_OK) and shutil.disk_usage(_IN_MEMORY).free > _ROOM:
        os.environ["TMPDIR"] = str(_IN_MEMORY)
        tempfile.tempdir = None


_keep_temporary_files_in_memory()

# By default a test fails if an example takes over 200 ms or a strategy is slow, which depends on the machine.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
