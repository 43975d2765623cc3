"""``headwater init``: creates a home.

Not here: the files of a home (``pipelines.home.folder``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.home.folder import init_home

app = typer.Typer()


@app.command(epilog="Example: `headwater init shop`")
def init(directory: Annotated[Path, typer.Argument(help="Folder of the home; it may exist.")]) -> None:
    """Create a home: settings with comments, landing folder, lake. No file is overwritten."""
    home, written = init_home(directory)
    for path in written:
        print(f"wrote {path.relative_to(home.root)}")
    print(f"{home.root} is a home. Land files in {home.landing}/native/events/, then: headwater run --home {directory}")
