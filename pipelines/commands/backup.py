"""``headwater backup`` writes a home to one file; ``headwater restore`` makes a home from such a file.

Not here: what a backup contains (``pipelines.home.archive``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import HomeOption
from pipelines.home.folder import find_home

app = typer.Typer()


@app.command(epilog="Example: `headwater backup /backup/shop-2026-11-28.tar.zst --home shop`")
def backup(
    target: Annotated[Path, typer.Argument(help="The file to write, such as shop.tar.zst.")],
    home: HomeOption = None,
    without_landing: Annotated[
        bool, typer.Option("--without-landing", help="Leave out the landing files, which are the largest part.")
    ] = False,
) -> None:
    """Write settings, models, users, landing files and lake of a home to one file; wait for a run to end first."""
    from pipelines.commands.console import teller
    from pipelines.home.archive import back_up

    with teller() as tell:
        made = back_up(find_home(home), target, tell, has_landing=not without_landing)
    print(f"{target}: {made.files:,} files, {made.bytes / 1e6:,.1f} MB, {target.stat().st_size / 1e6:,.1f} MB packed")


@app.command(epilog="Example: `headwater restore /backup/shop-2026-11-28.tar.zst /srv/headwater`")
def restore(
    source: Annotated[Path, typer.Argument(help="A file that `headwater backup` wrote.")],
    directory: Annotated[Path, typer.Argument(help="Folder for the home; new or empty.")],
) -> None:
    """Make a home from a backup."""
    from pipelines.home.archive import restore as restore_home

    home, made = restore_home(source, directory)
    print(f"{home.root}: {made.files:,} files, {made.bytes / 1e6:,.1f} MB")
    print(f"Next: headwater doctor --deep --home {directory}   then   headwater run --home {directory}")
