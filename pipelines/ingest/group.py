"""One group of files of one relation, from landing to raw files.

Here: the steps of a group in order, and the counts of its batches.
Not here: which files make a group, and making its raw files visible (``pipelines.ingest.service``).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import duckdb

from pipelines.duck import first_line, identifier, literal
from pipelines.errors import HeadwaterError
from pipelines.ingest.bench import FILES, Bench, checked_table
from pipelines.ingest.columns import missing_columns
from pipelines.ingest.counts import Counts, Reasons, refused_records
from pipelines.ingest.discover import LandedFile
from pipelines.ingest.duplicates import (
    SUPERSEDED,
    SeenEvents,
    keep_the_rest,
    leave_out_beaten_events,
    leave_out_equal_versions,
    leave_out_refused,
)
from pipelines.ingest.manifest import Batch, Output, RawLake
from pipelines.ingest.mapping import Mapping
from pipelines.ingest.outputs import Writer
from pipelines.ingest.quarantine import quarantine_query
from pipelines.ingest.reading import PARSED, FileReading, Reader
from pipelines.ingest.sources import Source
from pipelines.ingest.targets import EVENTS
from pipelines.ingest.validation import checked_query


@dataclass
class GroupResult:
    """What a group comes to: its *batches*, how many records of older ones they beat, and what was wrong.

    *touched* are known batches whose file has only a new modification time.
    """

    batches: list[Batch] = field(default_factory=list)
    beaten: Counter[str] = field(default_factory=Counter)
    touched: dict[str, dt.datetime] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass
class Group:
    """Files of one relation that are ingested together.

    *lake* holds what their rows are compared with; *visible* are the paths that must not be written over.
    """

    bench: Bench
    source: Source
    relation: str
    lake: RawLake
    visible: Collection[str]
    seen: SeenEvents

    def ingest(self, readings: Sequence[FileReading]) -> GroupResult:
        """Read, map, judge and write the files of *readings*; nothing becomes visible yet.

        Raises:
            HeadwaterError: no file has a required column, or a mapping fails, which stops the source.
        """
        result = GroupResult()
        declared = self.source.relations[self.relation]
        Reader(self.bench.connection, self.bench.scratch, declared).read(readings)
        for reading in readings:
            _look_again(reading)
        result.errors += [reading.error for reading in readings if reading.error]
        sound = [(index, reading) for index, reading in enumerate(readings) if not reading.error]
        result.warnings += missing_columns(self.bench, self.source, self.relation, sound)
        for _, reading in sound:
            result.warnings += reading.refusals.warnings
        if sound:
            self._open_relation(sound)
            self._build([reading for _, reading in sound], result)
        return result

    def _open_relation(self, readings: Iterable[tuple[int, FileReading]]) -> None:
        """Make the relation, with batch_id and record_no, of the records that were read."""
        values = ", ".join(
            f"({index}, {literal(r.batch_id)}, TIMESTAMP {literal(r.landed_at.isoformat(sep=' '))}, {r.first_row})"
            for index, r in readings
        )
        self.bench.run(
            f"CREATE OR REPLACE TEMP TABLE {FILES} AS SELECT CAST(file_index AS INTEGER) AS file_index, batch_id, "
            f"landed_at, CAST(first_row AS BIGINT) AS first_row FROM (VALUES {values}) "
            "AS files(file_index, batch_id, landed_at, first_row)"
        )
        columns = ", ".join(identifier(name) for name in self.source.relations[self.relation].columns)
        self.bench.run(
            f"CREATE OR REPLACE TEMP VIEW {identifier(self.relation)} AS SELECT {columns}, batch_id, "
            f"{PARSED}.rowid - first_row + 1 AS record_no FROM {PARSED} JOIN {FILES} USING (file_index)"
        )

    def _build(self, readings: Sequence[FileReading], result: GroupResult) -> None:
        mappings = self.source.by_record(self.relation)
        for mapping in mappings:
            judge(self.bench, mapping, self.lake, self.seen)
        unread = {reading.batch_id: reading.refusals.records for reading in readings}
        reasons = refused_records(self.bench, mappings, unread)
        counts = Counts.of(self.bench, readings, mappings, reasons)
        fingerprint = self.source.fingerprint(self.relation, self.bench.settings)
        outputs = self._write(readings, mappings, reasons, fingerprint)
        if any(mapping.target is EVENTS for mapping in mappings):
            result.beaten = beaten_records(self.bench)
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        for reading in readings:
            batch = Batch(
                batch_id=reading.batch_id,
                kind="file",
                source=self.source.name,
                relation=self.relation,
                file=reading.file.file,
                bytes=reading.file.size,
                modified_at=reading.file.modified_at,
                landed_at=reading.landed_at,
                ingested_at=now,
                fingerprint=fingerprint,
                warnings=tuple(reading.refusals.warnings),
                outputs=tuple(outputs[reading.batch_id]),
            )
            result.batches.append(counts.fill(batch))

    def _write(
        self,
        readings: Sequence[FileReading],
        mappings: Sequence[Mapping],
        reasons: Reasons,
        fingerprint: str,
    ) -> dict[str, list[Output]]:
        """Write the raw files of the group, by batch."""
        writer = Writer(self.bench, self.lake.root, self.visible)
        versions = {reading.batch_id: f"{reading.batch_id}-{fingerprint}" for reading in readings}
        outputs: dict[str, list[Output]] = {reading.batch_id: [] for reading in readings}
        for mapping in mappings:
            for batch_id, written in writer.write_kept(mapping.target, self.source.name, versions).items():
                outputs[batch_id] += written
            if mapping.target is EVENTS:
                for batch_id, written in writer.write_superseded(versions).items():
                    outputs[batch_id] += written
        for reading in readings:
            version = versions[reading.batch_id]
            if self.source.whole(self.relation):
                outputs[reading.batch_id].append(self._keep_records(writer, reading, version))
            if reasons[reading.batch_id]:
                query = quarantine_query(
                    self.bench, self.source.name, self.relation, reading, reasons[reading.batch_id]
                )
                outputs[reading.batch_id].append(writer.write("quarantine", None, reading.batch_id, query, version))
        return outputs

    def _keep_records(self, writer: Writer, reading: FileReading, version: str) -> Output:
        """Keep the records of a relation that is mapped over all files, so that landing files may be cleaned up."""
        query = f"SELECT * FROM {identifier(self.relation)} WHERE batch_id = {literal(reading.batch_id)}"
        return writer.write(records_folder(self.source.name, self.relation), None, reading.batch_id, query, version)


def judge(bench: Bench, mapping: Mapping, lake: RawLake, seen: SeenEvents) -> None:
    """Judge the rows of *mapping* against the rules and against *lake*, and leave out what is not stored.

    Raises:
        HeadwaterError: the mapping's SQL fails on a record.
    """
    target = mapping.target
    query = checked_query(mapping, bench.settings.timezone)
    try:
        bench.run(f"CREATE OR REPLACE TEMP TABLE {checked_table(target.name)} AS {query}")
    except (duckdb.DataError, duckdb.ProgrammingError) as error:
        raise HeadwaterError(
            f"source {mapping.file.parent.name} stopped: {mapping.file} fails on a record: {first_line(error)}; "
            "a mapping takes any text: hand it on as it is, or use TRY_CAST"
        ) from error
    leave_out_refused(bench, target, mapping.one_to_one)
    if target is EVENTS:
        leave_out_beaten_events(bench, seen)
    else:
        leave_out_equal_versions(bench, target, lake.files(target.table))
    keep_the_rest(bench, target)


def beaten_records(bench: Bench) -> Counter[str]:
    """How many records of each stored batch the new events beat."""
    query = f"SELECT batch_id, count(DISTINCT record_no) FROM {SUPERSEDED} GROUP BY batch_id"
    return Counter(dict(bench.rows(query)))


def records_folder(source: str, relation: str) -> str:
    """Where the kept records of a relation are, below ``lake/raw``."""
    return f"records/{source}.{relation}"


def file_readings(files: Iterable[LandedFile], lake: RawLake) -> tuple[list[FileReading], list[str]]:
    """*files* with their batch ids, and a line for each that cannot be read or is being written to."""
    landed = {batch.batch_id: batch.landed_at for batch in lake.batches}
    readings, errors = [], []
    for file in files:
        try:
            batch_id = file.batch_id()
        except OSError as error:
            errors.append(f"landing/{file.file}: cannot be read: {error.strerror or error}")
            continue
        # A file that is only touched keeps its landing: the rules about time must not judge it anew.
        readings.append(FileReading(file, batch_id, landed.get(batch_id, file.modified_at)))
    return readings, errors


def _look_again(reading: FileReading) -> None:
    """A file that was written to while it was read is no batch."""
    try:
        if not reading.error and not reading.file.is_unchanged():
            reading.error = f"{reading.name}: was written to while it was read; left for the next time"
    except OSError as error:
        reading.error = f"{reading.name}: cannot be read: {error.strerror or error}"
