"""Writes the rows to store into raw files, which are invisible until the manifest lists them.

Here: dividing the rows among files by target, batch and day, writing the files, and removing files that the manifest
does not list.
Not here: deciding which rows are stored (``pipelines.ingest.records.duplicates``).
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pipelines.home.files import convert_write_errors, replacing_all
from pipelines.ingest.batches import Output, RawLake, manifest_file
from pipelines.ingest.records.duplicates import ID_HASHES, SUPERSEDED, hash_version
from pipelines.ingest.session import Session, kept_view
from pipelines.ingest.sources.raw_tables import RAW_TABLES
from pipelines.ingest.sources.target import Target
from pipelines.ingest.sources.targets import EVENTS
from pipelines.lake.checksums import NAME as CHECKSUMS
from pipelines.lake.checksums import checksums_of
from pipelines.lake.duck import identifier, literal

_PARQUET = "FORMAT parquet, PARQUET_VERSION V2, COMPRESSION zstd, COMPRESSION_LEVEL 1"
"""The models of ``core`` read raw files only a few times, so stronger compression is not worth its time. Parquet V2
writes times and ids, which hardly repeat, smaller and faster."""


@dataclass(frozen=True)
class Part:
    """A raw file to write for the batch *batch_id*, with the rows that *query* returns.

    *target* and *version* are as in ``Output``; *day* is the field *dt* of ``Output``.
    """

    target: str
    day: dt.date | None
    batch_id: str
    query: str
    version: str


class Writer:
    """Writes raw files; never overwrites visible ones."""

    def __init__(self, session: Session, root: Path, visible: Collection[str]) -> None:
        """*root* is ``lake/raw``; *visible* are the paths that the manifest lists, relative to *root*."""
        self.session = session
        self.root = root
        self.visible = visible

    def write(self, parts: Sequence[Part]) -> dict[str, list[Output]]:
        """Write *parts* and sync them to disk; returns batch id → files."""
        targets = [self._path(part) for part in parts]
        with convert_write_errors(self.root), replacing_all([self.root / path for path in targets]) as temporaries:
            # DuckDB uses about one thread for a small file, so we write several files in parallel.
            with ThreadPoolExecutor(self.session.settings.threads or os.cpu_count()) as pool:
                rows = list(pool.map(self._copy, parts, temporaries))
            sums = checksums_of((temporary, "") for temporary in temporaries)
        outputs: dict[str, list[Output]] = {}
        for part, path, count, written in zip(parts, targets, rows, sums, strict=True):
            output = Output(part.target, part.day, path, count, part.version, written.size, written.digest)
            outputs.setdefault(part.batch_id, []).append(output)
        return outputs

    def _path(self, part: Part) -> str:
        folder = f"{part.target}/dt={part.day.isoformat()}" if part.day else part.target
        # A batch that is ingested again must not overwrite its visible file, so it gets another name.
        names = (f"{folder}/{part.batch_id}{suffix}.parquet" for suffix in ("", "-a", "-b"))
        return next(name for name in names if name not in self.visible)

    def _copy(self, part: Part, temporary: Path) -> int:
        with self.session.connection.cursor() as cursor:
            copied = cursor.execute(f"COPY ({part.query}) TO {literal(str(temporary))} ({_PARQUET})").fetchall()
        return int(copied[0][0])


def kept_parts(session: Session, target: Target, source: str, versions: Mapping[str, str]) -> list[Part]:
    """The files to write for the kept rows of *target*, which come from *source*: one for each batch and day.

    Each file of events has a second file beside it, with the hashes of its event ids. *versions*: batch id → version of
    its files.
    """
    view = kept_view(target.name)
    columns = stored_columns(target, {"source": literal(source)})
    day_column = "dt" if target.partitioned else "NULL"
    found = session.rows(f"SELECT batch_id, {day_column} AS day FROM {view} GROUP BY ALL ORDER BY ALL")
    is_one_batch = len({batch_id for batch_id, _ in found}) == 1
    parts = []
    for batch_id, day in found:
        conditions = ["true"] if is_one_batch else [f"batch_id = {literal(batch_id)}"]
        conditions += [f"dt = DATE {literal(day.isoformat())}"] if day else []
        where = " AND ".join(conditions)
        version = versions[batch_id]
        parts.append(Part(target.name, day, batch_id, f"SELECT {columns} FROM {view} WHERE {where}", version))
        if target is EVENTS:
            query = f"SELECT hash(event_id) AS id_hash FROM {view} WHERE {where}"
            parts.append(Part(ID_HASHES, day, batch_id, query, version + hash_version(session)))
    return parts


def superseded_parts(session: Session, versions: Mapping[str, str], name: str | None = None) -> list[Part]:
    """The files to write that list superseded events: one for each superseding batch and day of superseded events.

    If *name* is given, it is used as the id of all superseding batches. *versions*: batch id → version of its files.
    """
    by = literal(name) if name else "superseded_by"
    superseded = f"(SELECT event_id, batch_id, {by} AS superseded_by, dt FROM {SUPERSEDED})"
    parts = []
    for batch_id, day in session.rows(f"SELECT DISTINCT superseded_by, dt FROM {superseded} ORDER BY ALL"):
        query = (
            f"SELECT event_id, batch_id, superseded_by FROM {superseded} "
            f"WHERE superseded_by = {literal(batch_id)} AND dt = DATE {literal(day.isoformat())}"
        )
        parts.append(Part("superseded_events", day, batch_id, query, versions[batch_id]))
    return parts


def stored_columns(target: Target, given: Mapping[str, str]) -> str:
    """The SELECT list for a raw file of *target*, without dt; *given*: column → SQL to use instead of its name."""
    return ", ".join(
        f"CAST({given.get(name, identifier(name))} AS {kind}) AS {identifier(name)}"
        for name, kind in RAW_TABLES[target.table].items()
        if name != "dt"
    )


def sweep(lake: RawLake) -> None:
    """Remove files below ``lake/raw`` that the manifest does not list. The caller must have the home's lock."""
    listed = {lake.root / output.path for batch in lake.batches for output in batch.outputs}
    listed |= {manifest_file(lake.root), manifest_file(lake.root).with_name(CHECKSUMS)}
    for folder, _, names in os.walk(lake.root):
        for name in names:
            path = Path(folder) / name
            if path not in listed:
                path.unlink(missing_ok=True)
