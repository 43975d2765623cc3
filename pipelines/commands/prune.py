"""``headwater prune``: delete what the settings say is kept no longer.

Not here: which files these are (``pipelines.ingest.retention``).
"""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.commands.options import HomeOption
from pipelines.home.folder import find_home

app = typer.Typer()


@app.command(epilog="Examples: `headwater prune --dry-run --home shop` · `headwater prune --home shop`")
def prune(
    home: HomeOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list the files.")] = False,
) -> None:
    """Delete ingested landing files and reports that are older than `retention` in the settings says.

    Dagster does the same every night. The lake is never pruned.
    """
    import datetime as dt

    from pipelines.commands.console import teller
    from pipelines.home.lock import home_lock
    from pipelines.home.settings import load_settings
    from pipelines.ingest.retention import delete, expired

    place = find_home(home)
    retention = load_settings(place).retention
    if retention.landing_days is None and retention.reports_days is None:
        print(f"everything is kept: {place.settings_file} sets neither retention.landing_days nor reports_days")
        return
    with teller() as tell, home_lock(place, "pruning", tell):
        files = expired(place, retention, dt.datetime.now(dt.UTC))
        if not dry_run:
            delete(files)
    for file in files if dry_run else []:
        print(file.path.relative_to(place.root))
    done = "would be deleted" if dry_run else "deleted"
    for kind in ("landing", "reports"):
        own = [file for file in files if file.kind == kind]
        print(f"{kind}: {len(own):,} files of {sum(file.bytes for file in own) / 1e6:,.1f} MB {done}")
