"""``headwater prune``: delete files and records that are older than the settings allow.

Not here: finding these files and records (``pipelines.ingest.retention``,
``pipelines.compute.old_events``, ``assets.old_runs``).
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from pipelines.commands.options import HomeOption
from pipelines.home.folder import Home, find_home

app = typer.Typer()


@app.command(epilog="Examples: `headwater prune --dry-run --home shop` · `headwater prune --home shop`")
def prune(
    home: HomeOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be deleted.")] = False,
) -> None:
    """Delete landing files, reports, events and records of runs that are older than `retention` in the settings says.

    Dagster does the same every night. Orders, products and totals by day are never deleted.
    """
    from pipelines.commands.console import teller
    from pipelines.home.lock import home_lock
    from pipelines.home.settings import load_settings

    place = find_home(home)
    retention = load_settings(place).retention
    names = [name for name, days in retention if days is not None]
    if not names:
        print(f"everything is kept: {place.settings_file} sets no number of days below retention")
        return
    now = dt.datetime.now(dt.UTC)
    lines: list[str] = []
    with teller() as tell, home_lock(place, "pruning", tell):
        lines += _files(place, now, dry_run=dry_run)
        if retention.events_days is not None:
            tell("looking for tables that need old events")
            lines += _events(place, now, dry_run=dry_run)
        if retention.runs_days is not None:
            tell("looking for old records of runs")
            lines += _runs(place, now - dt.timedelta(days=retention.runs_days), dry_run=dry_run)
    print("\n".join(lines))


def _files(home: Home, now: dt.datetime, *, dry_run: bool) -> list[str]:
    from pipelines.home.settings import load_settings
    from pipelines.ingest.retention import delete, expired

    files = expired(home, load_settings(home).retention, now)
    if not dry_run:
        delete(files)
    lines = [str(file.path.relative_to(home.root)) for file in files] if dry_run else []
    for kind in ("landing", "reports"):
        own = [file for file in files if file.kind == kind]
        size = sum(file.bytes for file in own) / 1e6
        lines.append(f"{kind}: {len(own):,} files of {size:,.1f} MB {_done(dry_run)}")
    return lines


def _events(home: Home, now: dt.datetime, *, dry_run: bool) -> list[str]:
    from pipelines.compute.old_events import delete, old_events

    old = old_events(home, now)
    if old is None:
        return ["events: none are old enough"]
    if not dry_run:
        delete(home, old)
    return [old.describe(_done(dry_run))]


def _runs(home: Home, ended_before: dt.datetime, *, dry_run: bool) -> list[str]:
    from assets.instance import open_instance
    from assets.old_runs import delete_runs, files_of, old_runs, shrink

    with open_instance(home) as instance:
        runs = old_runs(instance, ended_before)
        if dry_run:
            size = sum(path.stat().st_size for run in runs for path in files_of(home, run))
        else:
            size = delete_runs(home, instance, runs)
    if runs and not dry_run:
        size += shrink(home)
    return [f"runs: records of {len(runs):,} runs, {size / 1e6:,.1f} MB {_done(dry_run)}"]


def _done(dry_run: bool) -> str:
    return "would be deleted" if dry_run else "deleted"
