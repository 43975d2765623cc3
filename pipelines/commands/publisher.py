"""``python -m pipelines.commands.publisher HOME [--watch | --anew]``: updates the dashboards' copy of the lake.

Here: when to make the copy (once, or with ``--watch`` whenever the lake has changed), and a separate process that
makes it, whose memory is freed when it ends.
Not here: how the copy is made (``dashboards.copy.build``).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from dashboards.copy.build import current, is_stale, publish
from dashboards.copy.status import are_checks_stale, write_status
from pipelines.commands.console import error_line, warning_line
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.lock import lock_holder

POLL_SECONDS = 5.0
"""Seconds between two checks whether the lake has changed; a check takes about 0.1 s for a year of days."""

LOCK_POLL_SECONDS = 0.5
"""Seconds between two checks whether a run has ended; after a run the lake has usually changed."""

PAUSE_SECONDS = 60.0
"""Seconds to wait after a failure, for example a full disk."""


def publish_in_new_process(home: Home, *options: str) -> bool:
    """Make the copy in a separate process, whose memory is freed when it ends. Returns whether it succeeded."""
    command = [sys.executable, "-m", "pipelines.commands.publisher", str(home.root), *options]
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode == 0


def watch(home: Home) -> None:
    """Make the copy whenever the lake has changed and no run is active, until the parent process ends."""
    parent, said, due, was_locked = os.getppid(), "", 0.0, False
    while os.getppid() == parent:
        try:
            is_locked = lock_holder(home) is not None
            if not is_locked and (was_locked or time.monotonic() >= due):
                due = time.monotonic() + POLL_SECONDS
                is_due = is_stale(home, current(home)) or are_checks_stale(home)
                if is_due and not publish_in_new_process(home):
                    due = time.monotonic() + PAUSE_SECONDS
            was_locked = is_locked
            said = ""
        except HeadwaterError as error:
            if str(error) != said:  # print an error once, not every few seconds
                said = str(error)
                warning_line(str(error))
        time.sleep(LOCK_POLL_SECONDS)


def main(arguments: list[str]) -> int:
    """Make the copy once, with ``--anew`` from the lake alone, or with ``--watch`` continuously.

    Returns the exit code: 0, or 1 after an error.
    """
    home = Home(Path(arguments[0]))
    try:
        if "--watch" in arguments[1:]:
            watch(home)
        else:
            publish(home, anew="--anew" in arguments[1:])
            from assets.instance import check_states  # imported late: loading Dagster takes seconds

            write_status(home, check_states)
    except (HeadwaterError, OSError) as error:
        error_line(str(error))
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
