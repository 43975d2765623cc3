"""Runs an ingestion: every pending file becomes rows of ``lake/raw``, group by group.

Here: forming groups of files, the order of the work, and making a group's raw files visible.
Not here: the steps for one group (``pipelines.ingest.group``).
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
from pipelines.ingest.forgotten import refuse_while_forgetting
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
"""Called with (what is being read, files done, files in total)."""

GROUP_FILES = 250
GROUP_BYTES = 256 * 1024 * 1024
"""The most bytes of a group of several files: it limits memory, and the work that a crash loses."""

_MOST_LINES = 10
"""The most drifts that one ingestion reports, newest first."""

_INFLATION = {"": 1, "gzip": 8, "zstd": 8}
_PARQUET_INFLATION = 16
"""A tracking log as plain text is about this many times as large as the same log compressed or in Parquet."""


def pending(home: Home) -> list[LandedFile]:
    """The files to ingest. Fast: only their names, sizes and times are read.

    Raises:
        HeadwaterError: a source is invalid, or the manifest cannot be read.
    """
    return discover(home, load_sources(home), RawLake.load(home).batches).pending


@dataclass(frozen=True)
class Outlook:
    """What the next ingestion would find: pending files, errors, warnings, and whether stored batches are outdated."""

    pending: list[LandedFile]
    errors: list[str]
    warnings: list[str]
    is_outdated: bool

    @property
    def has_work(self) -> bool:
        """Whether the next ingestion would ingest or report anything."""
        return bool(self.pending or self.errors or self.warnings or self.is_outdated)


def outlook(home: Home, settings: Settings) -> Outlook:
    """What the next ``ingest`` would find. Fast: no landing file is read.

    Raises:
        HeadwaterError: a source is invalid, or the manifest cannot be read.
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
    """Ingest the landed files. The caller must have the home's lock.

    The report has the errors of single files and sources; all other files are ingested. *settle_seconds*: a file that
    was modified more recently than this is watched until it is this old, and skipped if it changes meanwhile.

    Raises:
        HeadwaterError: a source's declaration is invalid, the manifest cannot be read, the lake cannot be written, or
            'headwater forget' was interrupted.
    """
    refuse_while_forgetting(home)
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
    """Warnings about drifts and changed files that are not in *before*, and about missing columns of new relations."""
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
    """A running ingestion; *lake* has the batches that have become visible so far."""

    session: Session
    sources: dict[str, Source]
    lake: RawLake
    report: IngestReport
    progress: Progress

    def ingest_again(self, together: StaleSet) -> None:
        """Ingest a set of stale batches again and make them visible together; on an error nothing changes."""
        lake = self.lake.without(together.batch_ids)
        seen = SeenEvents.of(self.session, lake)
        batches: list[Batch] = []
        done = 0
        for files in groups_of(sorted(together.files, key=lambda file: (file.source, file.relation, file.file))):
            self.progress(f"{files[0].source} {files[0].relation} (again)", done, len(together.files))
            done += len(files)
            result = self._ingest_group(files, lake, seen)
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
            result = self._ingest_group(group, self.lake, seen)
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
        """Run mappings over all files again, in each source in which these mappings or the files have changed."""
        for source in self.sources.values():
            try:
                lake = Whole(self.session, source, self.lake, self.lake.paths()).renewed()
            except HeadwaterError as error:
                self.report.errors.append(str(error))
                continue
            if lake is not None:
                known = {batch.batch_id for batch in self.lake.batches}
                self._publish(lake, [batch for batch in lake.batches if batch.batch_id not in known])

    def _ingest_group(self, files: Sequence[LandedFile], lake: RawLake, seen: SeenEvents) -> GroupResult | None:
        """Ingest one group, looking for duplicates in *lake*; None if an error stops its source."""
        source = self.sources[files[0].source]
        readings, errors = file_readings(files, self.lake, lake)
        known = {batch.content_id: batch.batch_id for batch in lake.batches}
        new = [reading for reading in readings if reading.batch_id not in known]
        result = GroupResult()
        if new:
            visible = self.lake.paths() | lake.paths()
            try:
                result = Group(self.session, source, files[0].relation, lake, visible, seen).ingest(new)
            except (HeadwaterError, OSError) as error:
                # For example, a file was deleted or the disk is full. Then nothing of the group becomes visible.
                self.report.errors += [*errors, f"{source.name}: {error}" if isinstance(error, OSError) else str(error)]
                return None
        result.errors[:0] = errors
        result.touched = {known[r.batch_id]: r.file.modified_at for r in readings if r.batch_id in known}
        self.report.warnings += result.warnings
        return result

    def _publish(self, lake: RawLake, batches: Sequence[Batch]) -> None:
        if lake.batches == self.lake.batches:
            return
        write_manifest(lake)
        self.lake = lake
        self.report.batches += batches


def groups_of(files: Iterable[LandedFile]) -> Iterator[list[LandedFile]]:
    """Groups of files of one relation, in order: at most ``GROUP_FILES`` files and about ``GROUP_BYTES`` each."""
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
    """*lake* with the batches of a group; records that they supersede count as duplicates in their old batches."""
    return replace(lake, batches=(*lake.with_superseded(result.superseded).batches, *result.batches))
