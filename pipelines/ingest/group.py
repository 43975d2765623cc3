"""One group of files of one relation, from landing files to raw files.

Here: the steps for a group, in order, and the counts of its batches.
Not here: which files make a group, and making its raw files visible (``pipelines.ingest.run``).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import duckdb

from pipelines.home.errors import HeadwaterError
from pipelines.ingest.batches import Batch, Output, RawLake
from pipelines.ingest.counts import Counts, Reasons, refused_records
from pipelines.ingest.files.columns import filled_columns, require_columns
from pipelines.ingest.files.copies import Originals
from pipelines.ingest.files.discover import LandedFile
from pipelines.ingest.files.reading import PARSED, Destination, FileReading, Reader, as_text, nothing_in
from pipelines.ingest.kept import kept_query
from pipelines.ingest.raw.outputs import Part, Writer, kept_parts, superseded_parts
from pipelines.ingest.raw.quarantine import quarantine_query
from pipelines.ingest.records.duplicates import (
    SUPERSEDED,
    SeenEvents,
    exclude_equal_versions,
    exclude_refused,
    exclude_superseded_events,
    keep_the_rest,
)
from pipelines.ingest.records.validation import checked_query, streamed_query
from pipelines.ingest.session import FILES, Session, checked_view, kept_view, validated_table
from pipelines.ingest.sources.mapping import Mapping
from pipelines.ingest.sources.source import Relation, Source
from pipelines.ingest.sources.targets import EVENTS
from pipelines.lake.duck import first_line, identifier, literal


@dataclass
class GroupResult:
    """The result of a group: its *batches*, and errors and warnings, a line each.

    *superseded*: id of an older batch → number of its records that events of the group supersede. *touched*: id of an
    older batch → new modification time of its file, whose content has not changed.
    """

    batches: list[Batch] = field(default_factory=list)
    superseded: Counter[str] = field(default_factory=Counter)
    touched: dict[str, dt.datetime] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass
class Group:
    """Files of one relation that are ingested together.

    New rows are compared with the rows of *lake* to find duplicates; *seen* has the files in which to look for an event
    with the same id. *visible* are the paths of the raw files that the manifest lists, which must not be overwritten.
    """

    session: Session
    source: Source
    relation: str
    lake: RawLake
    visible: Collection[str]
    seen: SeenEvents

    def ingest(self, readings: Sequence[FileReading]) -> GroupResult:
        """Read, map and validate the files of *readings* and write raw files, which the caller makes visible.

        Raises:
            HeadwaterError: no file has a required column, or a mapping fails, which stops the source.
        """
        result = GroupResult()
        mappings = self.source.by_record(self.relation)
        self._list_files(readings)
        streamed = self._streamed_mapping(mappings, readings)
        destination = self._validated(streamed) if streamed else as_text(self._declared)
        Reader(self.session, self._declared, destination).read(readings)
        for reading in readings:
            _look_again(reading)
        result.errors += [reading.error for reading in readings if reading.error]
        sound = [reading for reading in readings if not reading.error]
        require_columns(self.session, self.source, self.relation, sound, destination)
        for reading in sound:
            result.warnings += reading.refusals.warnings
        if sound:
            self._open(streamed, sound)
            for mapping in mappings:
                if mapping is not streamed:
                    validate(self.session, mapping)
                exclude(self.session, mapping, self.lake, self.seen)
            self._build(
                sound, mappings, result, filled_columns(self.session, self.source, self.relation, sound, destination)
            )
        return result

    @property
    def _declared(self) -> Relation:
        return self.source.relations[self.relation]

    def _list_files(self, readings: Iterable[FileReading]) -> None:
        values = ", ".join(
            f"({literal(r.batch_id)}, TIMESTAMP {literal(r.landed_at.isoformat(sep=' '))})" for r in readings
        )
        self.session.run(f"CREATE OR REPLACE TABLE {FILES} AS FROM (VALUES {values}) AS files(batch_id, landed_at)")

    @staticmethod
    def _streamed_mapping(mappings: Sequence[Mapping], readings: Iterable[FileReading]) -> Mapping | None:
        """The mapping that can validate records while they are read, without storing them as text first, or None.

        It must be the only mapping of the relation, and it must only rename columns. CSV records are always stored as
        text, because that text is read again later.
        """
        if len(mappings) != 1 or any(reading.file.format == "csv" for reading in readings):
            return None
        return mappings[0] if mappings[0].plain is not None else None

    def _validated(self, mapping: Mapping) -> Destination:
        """The destination that stores the validated rows of *mapping*, which only renames columns."""
        assert mapping.plain is not None
        columns = ", ".join(identifier(name) for name in self._declared.columns)

        def query_of(query: str) -> str:
            # The number of a record follows from its row id, which it gets when it is inserted. Until then record_no is
            # -1 for an empty record and 0 for the others.
            emptiness = f"CAST(CASE WHEN {nothing_in(self._declared.columns)} THEN -1 ELSE 0 END AS BIGINT)"
            records = f"SELECT {columns}, batch_id, {emptiness} AS record_no, landed_at FROM ({query})"
            return streamed_query(mapping, self.session.settings, self.session.forgotten, records)

        return Destination(
            validated_table(mapping.target.name), query_of, "record_no = -1", "reasons IS NOT NULL", mapping.plain
        )

    def _open(self, streamed: Mapping | None, readings: Sequence[FileReading]) -> None:
        """Create a view that adds record numbers to the rows of *streamed*; if that is None, to the records as text."""
        table = validated_table(streamed.target.name) if streamed else PARSED
        values = ", ".join(f"({literal(reading.batch_id)}, {reading.first_row})" for reading in readings)
        places = f"(VALUES {values}) AS place(batch_id, first_row)"
        numbered = f"{table} JOIN {places} USING (batch_id)"
        number = f"CAST({table}.rowid - first_row + 1 AS BIGINT)"
        if streamed:
            view = checked_view(streamed.target.name)
            query = f"SELECT {table}.* REPLACE ({number} AS record_no), {table}.rowid AS row FROM {numbered}"
        else:
            view = identifier(self.relation)
            columns = ", ".join(identifier(name) for name in self._declared.columns)
            query = f"SELECT {columns}, batch_id, {number} AS record_no FROM {numbered}"
        self.session.run(f"CREATE OR REPLACE VIEW {view} AS {query}")

    def _build(
        self,
        readings: Sequence[FileReading],
        mappings: Sequence[Mapping],
        result: GroupResult,
        filled: dict[str, tuple[int, str]],
    ) -> None:
        unread = {reading.batch_id: reading.refusals.records for reading in readings}
        reasons = refused_records(self.session, mappings, unread)
        again = {r.batch_id: len(reasons[r.batch_id]) for r in readings if r.copy_of}
        for batch_id in again:
            reasons[batch_id] = {}  # a copy's refused records are in quarantine already, in the batch of the original
        counts = Counts.of(self.session, readings, mappings, reasons)
        for batch_id, refused in again.items():
            counts.duplicates[batch_id] = counts.duplicates.get(batch_id, 0) + refused
        fingerprint = self.source.fingerprint(self.relation, self.session.settings)
        outputs = self._write(readings, mappings, reasons, fingerprint)
        if any(mapping.target is EVENTS for mapping in mappings):
            result.superseded = superseded_records(self.session)
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        days = _days(self.session, mappings)
        for reading in readings:
            read, columns = filled.get(reading.batch_id, (0, "{}"))
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
                day=days.get(reading.batch_id),
                read=read,
                filled=columns,
                copy_of=reading.copy_of,
                outputs=tuple(outputs.get(reading.batch_id, ())),
            )
            result.batches.append(counts.fill(batch))

    def _write(
        self,
        readings: Sequence[FileReading],
        mappings: Sequence[Mapping],
        reasons: Reasons,
        fingerprint: str,
    ) -> dict[str, list[Output]]:
        """Write the raw files of the group; returns batch id → its files."""
        versions = {reading.batch_id: f"{reading.batch_id}-{fingerprint}" for reading in readings}
        parts: list[Part] = []
        for mapping in mappings:
            parts += kept_parts(self.session, mapping.target, self.source.name, versions)
            if mapping.target is EVENTS:
                parts += superseded_parts(self.session, versions)
        for reading in readings:
            batch_id = reading.batch_id
            if self.source.whole(self.relation):
                # Keep a copy of the records, because a mapping over all files reads them again later, possibly after
                # their landing files are deleted.
                records = f"SELECT * FROM {identifier(self.relation)} WHERE batch_id = {literal(batch_id)}"
                session = self.session
                query = kept_query(self.source, self.relation, session.forgotten, session.settings, records)
                folder = records_folder(self.source.name, self.relation)
                parts.append(Part(folder, None, batch_id, query, versions[batch_id]))
            if reasons[batch_id]:
                declared = self._declared
                query = quarantine_query(
                    self.session, self.source.name, self.relation, declared, reading, reasons[batch_id]
                )
                parts.append(Part("quarantine", None, batch_id, query, versions[batch_id]))
        return Writer(self.session, self.lake.root, self.visible).write(parts)


def validate(session: Session, mapping: Mapping) -> None:
    """Run *mapping* and validate its rows; the ``checked_view`` of its target then shows the result.

    Raises:
        HeadwaterError: the mapping's SQL fails on a record.
    """
    name = mapping.target.name
    query = checked_query(mapping, session.settings, session.forgotten)
    try:
        session.run(f"CREATE OR REPLACE TABLE {validated_table(name)} AS {query}")
    except (duckdb.DataError, duckdb.ProgrammingError) as error:
        raise HeadwaterError(
            f"source {mapping.file.parent.name} stopped: {mapping.file} fails on a record: {first_line(error)}",
            remedy="a mapping must accept any text: return it unchanged, or use TRY_CAST",
        ) from error
    session.run(f"CREATE OR REPLACE VIEW {checked_view(name)} AS SELECT *, rowid AS row FROM {validated_table(name)}")


def exclude(session: Session, mapping: Mapping, lake: RawLake, seen: SeenEvents) -> None:
    """Exclude the rows of *mapping* that are refused or duplicates; the ``kept_view`` of its target has the others."""
    target = mapping.target
    exclude_refused(session, target, mapping.one_to_one)
    if target is EVENTS:
        exclude_superseded_events(session, seen)
    else:
        exclude_equal_versions(session, target, lake.files(target.table), is_by_record=mapping.by_record)
    keep_the_rest(session, target)


def _days(session: Session, mappings: Sequence[Mapping]) -> dict[str, dt.date]:
    """Batch id → the most frequent day of its stored rows, from the first mapping that gives it rows with a day."""
    days: dict[str, dt.date] = {}
    for mapping in mappings:
        dated = next((name for name, column in mapping.target.derived.items() if column.kind == "DATE"), None)
        if dated:
            counts = (
                f"SELECT batch_id, {dated} AS day, count(*) AS n FROM {kept_view(mapping.target.name)} GROUP BY ALL"
            )
            query = f"SELECT batch_id, arg_max(day, (n, day)) FROM ({counts}) WHERE day IS NOT NULL GROUP BY batch_id"
            days = dict(session.rows(query)) | days
    return days


def superseded_records(session: Session) -> Counter[str]:
    """Batch id → number of stored records that new events supersede."""
    query = f"SELECT batch_id, count(DISTINCT record_no) FROM {SUPERSEDED} GROUP BY batch_id"
    return Counter(dict(session.rows(query)))


def records_folder(source: str, relation: str) -> str:
    """The folder, relative to ``lake/raw``, of the records of a relation that are kept for mappings over all files."""
    return f"records/{source}.{relation}"


def file_readings(files: Sequence[LandedFile], lake: RawLake, others: RawLake) -> tuple[list[FileReading], list[str]]:
    """A reading (with its batch id) for each of *files* of a relation, and a line for each file that cannot be read.

    A file that is read again keeps its landing time from *lake*. Originals of copies are looked for in *others*.
    """
    landed = {batch.content_id: batch.landed_at for batch in lake.batches}
    originals = Originals.of(files[0], others)
    readings, errors = [], []
    with ThreadPoolExecutor() as pool:
        for file, batch_id in zip(files, pool.map(_batch_id, files), strict=True):
            if isinstance(batch_id, OSError):
                errors.append(f"landing/{file.file}: cannot be read: {batch_id.strerror or batch_id}")
                continue
            # A file keeps its first landing time as long as its content is the same, so that rules that compare times
            # with the landing time give the same result.
            landed_at = landed.get(batch_id, file.modified_at)
            readings.append(FileReading(file, batch_id, landed_at, originals.copied_by(file, batch_id)))
    return readings, errors


def _batch_id(file: LandedFile) -> str | OSError:
    try:
        return file.batch_id()
    except OSError as error:
        return error


def _look_again(reading: FileReading) -> None:
    """Set the error of a file that was changed while it was read, so that it does not become a batch."""
    try:
        if not reading.error and not reading.file.is_unchanged():
            reading.error = f"{reading.name}: was written to while it was read; the next run will read it"
    except OSError as error:
        reading.error = f"{reading.name}: cannot be read: {error.strerror or error}"
