"""Ingestion from end to end: every pending file becomes rows of ``lake/raw``, group by group.

Here: which files make a group, the order of things, and making a group's raw files visible.
Not here: any step by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.settings import Settings
from pipelines.ingest.batches import Batch, RawLake, write_manifest
from pipelines.ingest.files.changed import changes
from pipelines.ingest.files.discover import SETTLE_SECONDS, LandedFile, discover, settled
from pipelines.ingest.group import Group, GroupResult, file_readings
from pipelines.ingest.raw.drift import describe_drifts, describe_never_there, drifts, never_there
from pipelines.ingest.raw.outdated import StaleSet, stale_sets
from pipelines.ingest.raw.outputs import sweep
from pipelines.ingest.records.duplicates import SeenEvents
from pipelines.ingest.report import IngestReport
from pipelines.ingest.session import Session, ingest_session
from pipelines.ingest.sources.source import Source, load_sources
from pipelines.ingest.whole import Whole, whole_is_stale

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many files are done and how many there are."""

GROUP_FILES = 250
GROUP_BYTES = 256 * 1024 * 1024
"""A group is at most so large (unless one file is), so that memory is bounded and a crash loses little work."""

_MOST_LINES = 10
"""Drifts that one ingestion names, newest first."""

_INFLATION = {"": 1, "gzip": 8, "zstd": 8}
_PARQUET_INFLATION = 16
"""How much larger tracking logs are, as text, than their compressed or Parquet files, about."""


def pending(home: Home) -> list[LandedFile]:
    """The files that wait to be ingested, found quickly: names, sizes and times only.

    Raises:
        HeadwaterError: a source is wrong, or the manifest cannot be read.
    """
    return discover(home, load_sources(home), RawLake.load(home).batches).pending


@dataclass(frozen=True)
class Outlook:
    """What the next ingestion would find: files that wait, faults a line each, and whether batches must be redone."""

    pending: list[LandedFile]
    errors: list[str]
    warnings: list[str]
    is_outdated: bool

    @property
    def has_work(self) -> bool:
        """Whether it would do or tell anything."""
        return bool(self.pending or self.errors or self.warnings or self.is_outdated)


def outlook(home: Home, settings: Settings) -> Outlook:
    """What the next ``ingest`` would find, found quickly: no landing file is read.

    Raises:
        HeadwaterError: a source is wrong, or the manifest cannot be read.
    """
    sources = {source.name: source for source in load_sources(home)}
    lake = RawLake.load(home)
    landing = discover(home, sources.values(), lake.batches)
    stale, errors = stale_sets(home, sources, lake, settings)
    is_outdated = bool(stale) or _has_stale_mapping(sources, lake, settings)
    return Outlook(landing.pending, [*landing.errors, *errors], landing.warnings, is_outdated)


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
    stale, errors = stale_sets(home, sources, lake, settings)
    report.errors += errors
    if files or stale or _has_stale_mapping(sources, lake, settings):
        sweep(lake)
        with ingest_session(home, settings) as session:
            run = _Run(session, sources, lake, report, progress or (lambda *_: None))
            for together in stale:
                run.ingest_again(together)
            run.ingest(files)
            run.map_whole()
        report.settle(run.lake.batches)
        report.warnings += _news(sources, lake, run.lake)
        report.touch(lake.batches, run.lake.batches)
    return report


def _news(sources: Mapping[str, Source], before: RawLake, after: RawLake) -> list[str]:
    """Warnings on what is new in *after*: a drift, columns that no file of a new relation has, a file that changed."""
    known = {drift.key for drift in drifts(before.batches, sources)}
    lines = describe_drifts(drift for drift in drifts(after.batches, sources) if drift.key not in known)
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f"{len(lines) - _MOST_LINES} more drifts on earlier days"]
    known_relations = {(batch.source, batch.relation) for batch in before.batches}
    new = [batch for batch in after.batches if (batch.source, batch.relation) not in known_relations]
    lines += describe_never_there(never_there(new, sources))
    known_ids = {batch.batch_id for batch in before.batches}
    return lines + [change.describe() for change in changes(after.batches) if change.new.batch_id not in known_ids]


def _has_stale_mapping(sources: Mapping[str, Source], lake: RawLake, settings: Settings) -> bool:
    return any(whole_is_stale(source, lake, settings) for source in sources.values())


@dataclass
class _Run:
    """One ingestion under way: *lake* is what is visible so far."""

    session: Session
    sources: dict[str, Source]
    lake: RawLake
    report: IngestReport
    progress: Progress

    def ingest_again(self, together: StaleSet) -> None:
        """Ingest a set of stale batches again and make them visible at once; on any error all stays as it was."""
        lake = self.lake.without(together.batch_ids)
        seen = SeenEvents.of(self.session, lake)
        batches: list[Batch] = []
        done = 0
        for files in groups_of(sorted(together.files, key=lambda file: (file.source, file.relation, file.file))):
            self.progress(f"{files[0].source} {files[0].relation} (again)", done, len(together.files))
            done += len(files)
            result = self._read(files, lake, seen)
            if result is None or result.errors:
                self.report.errors += result.errors if result else []
                return
            lake = with_result(lake, result)
            if done < len(together.files):
                seen.add_batches(lake, result.batches)
            batches += result.batches
        self._publish(lake, batches)

    def ingest(self, files: Sequence[LandedFile]) -> None:
        """Ingest new *files*, group by group."""
        if not files:
            return
        seen = SeenEvents.of(self.session, self.lake)
        stopped: set[str] = set()
        done = 0
        for group in groups_of(files):
            self.progress(f"{group[0].source} {group[0].relation}", done, len(files))
            done += len(group)
            if group[0].source in stopped:
                continue
            result = self._read(group, self.lake, seen)
            if result is None:
                stopped.add(group[0].source)
                continue
            self.report.errors += result.errors
            lake = with_result(self.lake, result)
            for batch_id, modified_at in result.touched.items():
                lake = lake.changed(batch_id, modified_at=modified_at)
            self._publish(lake, result.batches)
            if done < len(files):
                seen.add_batches(lake, result.batches)
        self.progress("ingested", done, len(files))

    def map_whole(self) -> None:
        """Map afresh the targets that are mapped over all files, where a file or the mapping is new."""
        for source in self.sources.values():
            try:
                lake = Whole(self.session, source, self.lake, self.lake.paths()).renewed()
            except HeadwaterError as error:
                self.report.errors.append(str(error))
                continue
            if lake is not None:
                known = {batch.batch_id for batch in self.lake.batches}
                self._publish(lake, [batch for batch in lake.batches if batch.batch_id not in known])

    def _read(self, files: Sequence[LandedFile], lake: RawLake, seen: SeenEvents) -> GroupResult | None:
        """Ingest one group beside *lake*; None if that stops its source."""
        source = self.sources[files[0].source]
        readings, errors = file_readings(files, self.lake, lake)
        known = {batch.batch_id for batch in lake.batches}
        new = [reading for reading in readings if reading.batch_id not in known]
        result = GroupResult()
        if new:
            visible = self.lake.paths() | lake.paths()
            try:
                result = Group(self.session, source, files[0].relation, lake, visible, seen).ingest(new)
            except (HeadwaterError, OSError) as error:
                # A file that vanishes, or a disk that fills up, half-way through: nothing of the group is visible.
                self.report.errors += [*errors, f"{source.name}: {error}" if isinstance(error, OSError) else str(error)]
                return None
        result.errors[:0] = errors
        result.touched = {r.batch_id: r.file.modified_at for r in readings if r.batch_id in known}
        self.report.warnings += result.warnings
        return result

    def _publish(self, lake: RawLake, batches: Sequence[Batch]) -> None:
        if lake.batches == self.lake.batches:
            return
        write_manifest(lake)
        self.lake = lake
        self.report.batches += batches


def groups_of(files: Iterable[LandedFile]) -> Iterator[list[LandedFile]]:
    """Groups of files of one relation, in order, each at most ``GROUP_FILES`` and about ``GROUP_BYTES`` large."""
    for _, same in groupby(files, key=lambda file: (file.source, file.relation)):
        group: list[LandedFile] = []
        size = 0
        for file in same:
            weight = file.size * (_PARQUET_INFLATION if file.format == "parquet" else _INFLATION[file.compression])
            if group and (len(group) == GROUP_FILES or size + weight > GROUP_BYTES):
                yield group
                group, size = [], 0
            group.append(file)
            size += weight
        yield group


def with_result(lake: RawLake, result: GroupResult) -> RawLake:
    """*lake* with the batches of a group, and what they beat counted as duplicates where it was accepted."""
    return replace(lake, batches=(*lake.with_superseded(result.superseded).batches, *result.batches))
