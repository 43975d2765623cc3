"""Raw files of an earlier version lack later columns; if they cannot be made again, these columns are null."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from pipelines.compute.run import Request, run_home
from pipelines.compute.workspace import open_workspace
from pipelines.ingest import RawLake
from pipelines.ingest.batches import Output, write_manifest
from pipelines.lake.checksums import digest
from tests.ingest_support import event, land, new_home
from tests.support import run_selected, table

ADDED = ["page_url", "is_bot", "click_id"]


def test_a_column_that_older_raw_files_lack_is_null(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    old = land(home, "native/events/old.ndjson", [event("old", page_url="/a")])
    run_selected(home, "core.events")
    lake = RawLake.load(home)
    batches = [
        replace(b, fingerprint="earlier", outputs=tuple(_without_added(lake.root, o) for o in b.outputs))
        for b in lake.batches
    ]
    write_manifest(replace(lake, batches=tuple(batches)))
    old.unlink()
    land(home, "native/events/new.ndjson", [event("new", page_url="/b")])
    summary = run_home(home, Request(frozenset(open_workspace(home).project.select(["+core.events"]))))
    assert "the rows are kept" in str(summary.ingested.errors)
    assert {row["event_id"]: row["page_url"] for row in table(home, "core.events")} == {"old": None, "new": "/b"}


def _without_added(root: Path, output: Output) -> Output:
    """*output* as a version that did not know the added columns would have written it; its file is rewritten."""
    if output.target != "events":
        return output
    file = root / output.path
    pl.read_parquet(file, hive_partitioning=False).drop(ADDED).write_parquet(file)
    content = file.read_bytes()
    return replace(output, bytes=len(content), digest=digest(content), version="earlier")
