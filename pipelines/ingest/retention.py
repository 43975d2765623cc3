"""Which files a home no longer keeps: landing files that were ingested long ago, and old reports.

Here: finding and deleting them.
Not here: how long they are kept (``retention`` in ``pipelines.home.settings``), when they are deleted. The lake is not
deleted here: later computations read its earlier days.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.settings import RetentionSettings
from pipelines.ingest.batches import RawLake
from pipelines.ingest.files.discover import is_as_ingested, modified_at


@dataclass(frozen=True)
class Expired:
    """A file whose retention has ended: its kind (``landing`` or ``reports``), its path and its size in bytes."""

    kind: str
    path: Path
    bytes: int


def expired(home: Home, retention: RetentionSettings, now: dt.datetime) -> list[Expired]:
    """The files of *home* whose retention has ended at *now*: landing files, then reports.

    A landing file is included only if it has not changed since it was ingested; a changed file is read by the next run.

    Raises:
        HeadwaterError: the manifest cannot be read.
    """
    found: list[Expired] = []
    moment = now.astimezone(dt.UTC).replace(tzinfo=None)
    if retention.landing_days is not None:
        found += _landing(home, moment - dt.timedelta(days=retention.landing_days))
    if retention.reports_days is not None:
        found += _reports(home, moment - dt.timedelta(days=retention.reports_days))
    return found


def delete(files: list[Expired]) -> None:
    """Delete *files*.

    Raises:
        HeadwaterError: a file cannot be deleted; the files before it have been deleted.
    """
    for file in files:
        try:
            file.path.unlink(missing_ok=True)
        except OSError as error:
            raise HeadwaterError(f"cannot be deleted: {error.strerror}", where=file.path) from error


def _landing(home: Home, before: dt.datetime) -> Iterator[Expired]:
    newest = {batch.file: batch for batch in RawLake.load(home).batches if batch.kind == "file"}
    for batch in newest.values():
        if batch.ingested_at < before and is_as_ingested(home.landing, batch):
            yield Expired("landing", home.landing / batch.file, batch.bytes)


def _reports(home: Home, before: dt.datetime) -> Iterator[Expired]:
    for path in sorted(home.reports.glob("*.html")):
        stat = path.stat()
        if modified_at(stat.st_mtime_ns) < before:
            yield Expired("reports", path, stat.st_size)
