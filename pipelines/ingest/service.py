"""Ingestion from end to end: every pending file becomes rows of ``lake/raw``, group by group.

Here: which files make a group, the order of things, and making a group's raw files visible.
Not here: any step by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from pipelines.errors import HeadwaterError
from pipelines.home import Home
from pipelines.ingest.bench import Bench, bench_for
from pipelines.ingest.discover import SETTLE_SECONDS, LandedFile, discover, settled
from pipelines.ingest.duplicates import SeenEvents
from pipelines.ingest.group import Group, GroupResult, file_readings
from pipelines.ingest.manifest import Batch, RawLake, write_manifest
from pipelines.ingest.outputs import sweep
from pipelines.ingest.report import IngestReport
from pipelines.ingest.sources import Source, load_sources
from pipelines.settings import Settings

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many files are done and how many there are."""

GROUP_FILES = 250
GROUP_BYTES = 256 * 1024 * 1024
"""A group is at most so large (unless one file is), so that memory is bounded and a crash loses little work."""

_INFLATION = {"": 1, "gzip": 8, "zstd": 8}
"""How much larger tracking logs are than their compressed files, about."""


def pending(home: Home) -> list[LandedFile]:
    """The files that wait to be ingested, found quickly: names, sizes and times only.

    Raises:
        HeadwaterError: a source is wrong, or the manifest cannot be read.
    """
    return discover(home, load_sources(home), RawLake.load(home).batches).pending


def ingest(
    home: Home, settings: Settings, *, progress: Progress | None = None, settle_seconds: float = SETTLE_SECONDS
) -> IngestReport:
    """Ingest what has landed; the caller holds the home's lock.

    A fault of one file or source is told in the report and leaves the others alone. *settle_seconds*: a file that
    was written to less than so long ago is watched for that time, and left for later if it changes.

    Raises:
        HeadwaterError: a source's declaration is wrong, the manifest cannot be read, or the lake cannot be written.
    """
    sources = {source.name: source for source in load_sources(home)}
    lake = RawLake.load(home)
    landing = discover(home, sources.values(), lake.batches)
    report = IngestReport(errors=landing.errors, warnings=landing.warnings)
    files, waiting = settled(landing.pending, settle_seconds)
    report.warnings += waiting
    if files:
        sweep(lake)
        with bench_for(home, settings) as bench:
            run = _Run(bench, sources, lake, report, progress or (lambda *_: None))
            run.ingest(files)
        report.touch(lake.batches, run.lake.batches)
    return report


@dataclass
class _Run:
    """One ingestion under way: *lake* is what is visible so far."""

    bench: Bench
    sources: dict[str, Source]
    lake: RawLake
    report: IngestReport
    progress: Progress

    def ingest(self, files: Sequence[LandedFile]) -> None:
        """Ingest *files*, group by group."""
        seen = SeenEvents.of(self.bench, self.lake)
        stopped: set[str] = set()
        done = 0
        for group in groups_of(files):
            self.progress(f"{group[0].source} {group[0].relation}", done, len(files))
            done += len(group)
            if group[0].source not in stopped and not self._ingest_group(group, seen):
                stopped.add(group[0].source)
        self.progress("ingested", done, len(files))

    def _ingest_group(self, files: Sequence[LandedFile], seen: SeenEvents) -> bool:
        """Ingest one group and make it visible; False if that stops its source."""
        source = self.sources[files[0].source]
        readings, errors = file_readings(files, self.lake)
        self.report.errors += errors
        known = {batch.batch_id for batch in self.lake.batches}
        touched = [reading for reading in readings if reading.batch_id in known]
        new = [reading for reading in readings if reading.batch_id not in known]
        lake = self.lake
        for reading in touched:
            lake = _replaced(lake, reading.batch_id, modified_at=reading.file.modified_at)
        result = GroupResult()
        if new:
            try:
                result = Group(self.bench, source, files[0].relation, lake, seen).ingest(new)
            except HeadwaterError as error:
                self.report.errors.append(str(error))
                return False
        self.report.errors += result.errors
        self.report.warnings += result.warnings
        lake = with_result(lake, result)
        if lake is not self.lake:
            write_manifest(lake)
            seen.add(_paths(lake, result.batches, "events"), _paths(lake, result.batches, "superseded_events"))
            self.lake = lake
            self.report.batches += result.batches
        return True


def groups_of(files: Iterable[LandedFile]) -> Iterator[list[LandedFile]]:
    """Groups of files of one relation, in order, each at most ``GROUP_FILES`` and about ``GROUP_BYTES`` large."""
    for _, same in groupby(files, key=lambda file: (file.source, file.relation)):
        group: list[LandedFile] = []
        size = 0
        for file in same:
            weight = file.size * _INFLATION[file.compression]
            if group and (len(group) == GROUP_FILES or size + weight > GROUP_BYTES):
                yield group
                group, size = [], 0
            group.append(file)
            size += weight
        yield group


def with_result(lake: RawLake, result: GroupResult) -> RawLake:
    """*lake* with the batches of a group, and what they beat counted as duplicates where it was accepted."""
    for batch in lake.batches:
        if beaten := result.beaten.get(batch.batch_id, 0):
            accepted, duplicates = batch.accepted - beaten, batch.duplicates + beaten
            lake = _replaced(lake, batch.batch_id, accepted=accepted, duplicates=duplicates)
    return replace(lake, batches=(*lake.batches, *result.batches)) if result.batches else lake


def _replaced(lake: RawLake, batch_id: str, **changes: object) -> RawLake:
    batches = (replace(b, **changes) if b.batch_id == batch_id else b for b in lake.batches)  # type: ignore[arg-type]
    return replace(lake, batches=tuple(batches))


def _paths(lake: RawLake, batches: Iterable[Batch], target: str) -> list[Path]:
    return [lake.root / output.path for batch in batches for output in batch.outputs if output.target == target]
