"""Outputs: stored rows become raw files, invisible until the manifest lists them.

Here: which file a batch's rows of a target go to, writing it, and removing files that nobody lists.
Not here: which rows are stored (``pipelines.ingest.duplicates``).
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection, Mapping
from pathlib import Path

from pipelines.duck import identifier, literal
from pipelines.ingest.bench import Bench, kept_view
from pipelines.ingest.duplicates import SUPERSEDED
from pipelines.ingest.manifest import Output, RawLake, manifest_file
from pipelines.ingest.targets import RAW_TABLES, Target
from pipelines.lake import publish, temporary_for

_PARQUET = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
"""Raw files are read a few times, by the models of ``core``: little is gained by compressing them harder."""


class Writer:
    """Writes raw files beside the visible ones, never over them."""

    def __init__(self, bench: Bench, root: Path, visible: Collection[str]) -> None:
        """*visible* are the paths that the manifest lists now, relative to *root*."""
        self.bench = bench
        self.root = root
        self.visible = visible

    def write(self, target: str, day: dt.date | None, batch_id: str, query: str, version: str) -> Output:
        """Write the rows of *query* as the file of *batch_id* in *target*, and of *day*."""
        folder = f"{target}/dt={day.isoformat()}" if day else target
        # A batch that is ingested again must not touch the file that readers see until the manifest changes.
        names = (f"{folder}/{batch_id}{suffix}.parquet" for suffix in ("", "-a", "-b"))
        path = next(name for name in names if name not in self.visible)
        temporary = temporary_for(self.root / path)
        copied = self.bench.rows(f"COPY ({query}) TO {literal(str(temporary))} ({_PARQUET})")
        publish(temporary, self.root / path)
        return Output(target, day, path, copied[0][0], version)

    def write_kept(self, target: Target, source: str, versions: dict[str, str]) -> dict[str, list[Output]]:
        """Write the rows of *target* that are kept, by batch and day; *versions* are by batch."""
        outputs: dict[str, list[Output]] = {}
        day = "dt" if target.partitioned else "NULL"
        view = kept_view(target.name)
        columns = stored_columns(target, {"source": literal(source)})
        parts = self.bench.rows(f"SELECT batch_id, {day} AS day FROM {view} GROUP BY ALL ORDER BY ALL")
        is_one_batch = len({batch_id for batch_id, _ in parts}) == 1
        for batch_id, part in parts:
            conditions = ["true"] if is_one_batch else [f"batch_id = {literal(batch_id)}"]
            conditions += [f"dt = DATE {literal(part.isoformat())}"] if part else []
            query = f"SELECT {columns} FROM {view} WHERE {' AND '.join(conditions)}"
            output = self.write(target.name, part, batch_id, query, versions[batch_id])
            outputs.setdefault(batch_id, []).append(output)
        return outputs

    def write_superseded(self, versions: dict[str, str], name: str | None = None) -> dict[str, list[Output]]:
        """Write ``__superseded``, by the superseding batch, or all as that of *name*, and the superseded row's day."""
        outputs: dict[str, list[Output]] = {}
        by = literal(name) if name else "superseded_by"
        beaten = f"(SELECT event_id, batch_id, {by} AS superseded_by, dt FROM {SUPERSEDED})"
        for batch_id, day in self.bench.rows(f"SELECT DISTINCT superseded_by, dt FROM {beaten} ORDER BY ALL"):
            query = (
                f"SELECT event_id, batch_id, superseded_by FROM {beaten} "
                f"WHERE superseded_by = {literal(batch_id)} AND dt = DATE {literal(day.isoformat())}"
            )
            output = self.write("superseded_events", day, batch_id, query, versions[batch_id])
            outputs.setdefault(batch_id, []).append(output)
        return outputs


def stored_columns(target: Target, given: Mapping[str, str]) -> str:
    """The raw table's columns over the kept rows of *target*; *given* replaces some by another expression."""
    return ", ".join(
        f"CAST({given.get(name, identifier(name))} AS {kind}) AS {identifier(name)}"
        for name, kind in RAW_TABLES[target.table].items()
        if name != "dt"
    )


def sweep(lake: RawLake) -> None:
    """Remove files below ``lake/raw`` that the manifest does not list. The caller holds the home's lock."""
    listed = {lake.root / output.path for batch in lake.batches for output in batch.outputs}
    listed.add(manifest_file(lake.root))
    for folder, _, names in os.walk(lake.root):
        for name in names:
            path = Path(folder) / name
            if path not in listed:
                path.unlink(missing_ok=True)
