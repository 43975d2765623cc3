"""``python -m pipelines.commands.publisher HOME [--watch]``: bring the copy of the lake up to date, once or always.

Here: when a copy is made anew, and that its memory is given back.
Not here: how it is made (``dashboards.copy.build``).
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
from pipelines.home.folder import Home, lock_holder

POLL_SECONDS = 5.0
"""How often the lake is looked at for changes."""

PAUSE_SECONDS = 60.0
"""How long it is left alone after a copy that could not be made, for want of room say."""


def publish_apart(home: Home) -> bool:
    """Make the copy in a process of its own, which takes its memory with it; whether that went well."""
    command = [sys.executable, "-m", "pipelines.commands.publisher", str(home.root)]
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode == 0


def watch(home: Home) -> None:
    """Have the copy made anew whenever the lake has changed and no run is going; until the process above ends."""
    parent, said = os.getppid(), ""
    while os.getppid() == parent:
        pause = POLL_SECONDS
        try:
            if lock_holder(home) is None and (is_stale(home, current(home)) or are_checks_stale(home)):
                pause = POLL_SECONDS if publish_apart(home) else PAUSE_SECONDS
            said = ""
        except HeadwaterError as error:
            if str(error) != said:  # once, not every few seconds for a night
                said = str(error)
                warning_line(str(error))
        time.sleep(pause)


def main(arguments: list[str]) -> int:
    """Publish or watch; 1 where publishing fails, with a line that says why."""
    home = Home(Path(arguments[0]))
    try:
        if "--watch" in arguments[1:]:
            watch(home)
        else:
            publish(home)
            from assets.engine import check_states  # defers Dagster, which takes seconds to load

            write_status(home, check_states)
    except (HeadwaterError, OSError) as error:
        error_line(str(error))
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
