"""Deleting the events of old days from ``lake/raw``.

Here: the first day whose events are kept, and deleting the raw files of earlier days.
Not here: how that day is chosen, and the tables computed from events (``pipelines.compute.old_events``).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

from pipelines.home.errors import HeadwaterError
from pipelines.home.files import convert_write_errors, write_file
from pipelines.home.folder import Home
from pipelines.ingest.batches import Batch, RawLake, write_manifest
from pipelines.ingest.forgotten import refuse_while_forgetting
from pipelines.ingest.raw.outputs import sweep


def events_from(home: Home) -> dt.date | None:
    """The first day whose events are kept; None if no events were ever deleted.

    It is stored, not computed from the settings: after a setting is raised again, deleted events are still missing.

    Raises:
        HeadwaterError: the file cannot be read, or has no date.
    """
    path = _file(home)
    try:
        return dt.date.fromisoformat(path.read_text(encoding="utf-8").strip())
    except (FileNotFoundError, NotADirectoryError):
        # Nothing was deleted. If the lake is a file instead of a folder, whatever reads the lake reports it.
        return None
    except (OSError, ValueError) as error:
        remedy = "restore it from a backup; without it, totals of days whose events are deleted would be removed"
        raise HeadwaterError(f"expected a date: {error}", where=path, remedy=remedy) from error


def _file(home: Home) -> Path:
    return home.lake / "events_from"


def raw_files_before(home: Home, day: dt.date) -> list[Path]:
    """The raw files of days before *day*, also those that a killed process left behind, in order."""
    return sorted(path for path in home.raw.glob("*/dt=*/*.parquet") if path.parent.name < f"dt={day}")


def delete_events(home: Home, day: dt.date) -> None:
    """Delete the raw files of events before *day*. The caller must have the home's lock.

    The batches keep their counts, because these describe the landing files.

    Raises:
        HeadwaterError: a file cannot be written, or 'headwater forget' was interrupted.
    """
    refuse_while_forgetting(home)
    # Write the day first: if the process is killed after that, the next run knows that it must not change earlier days,
    # and the next call deletes the rest.
    path = _file(home)
    with convert_write_errors(path):
        write_file(path, f"{day}\n")
    lake = RawLake.load(home)
    batches = tuple(_without_old_files(batch, day) for batch in lake.batches)
    if batches != lake.batches:
        lake = replace(lake, batches=batches)
        write_manifest(lake)
    sweep(lake)


def _without_old_files(batch: Batch, day: dt.date) -> Batch:
    return replace(batch, outputs=tuple(o for o in batch.outputs if o.dt is None or o.dt >= day))
