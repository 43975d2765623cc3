"""``python -m dashboards.workbench.publisher HOME``: bring the copy of the lake up to date, once."""

from __future__ import annotations

import sys
from pathlib import Path

from dashboards.workbench.snapshot import publish
from pipelines.errors import HeadwaterError
from pipelines.home import Home


def main(arguments: list[str]) -> int:
    """Publish; 1 where that fails, with a line that says why."""
    try:
        publish(Home(Path(arguments[0])))
    except HeadwaterError as error:
        print(f"warning: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
