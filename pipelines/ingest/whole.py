"""Whole mappings: SQL that reads all files of a source at once, for joins, aggregates and windows.

Here: running them again when a file of the source is new, on the records that ``lake/raw`` keeps as text for this. The
rows are a batch of their own, which replaces the previous one; days whose rows did not change keep their file.
Not here: mappings that work record by record (``pipelines.ingest.group``).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from pipelines.home.errors import HeadwaterError
from pipelines.home.settings import Settings
from pipelines.ingest.batches import Batch, Output, RawLake
from pipelines.ingest.counts import duplicate_records, refused_records, unmapped_records
from pipelines.ingest.group import exclude, records_folder, superseded_records, validate
from pipelines.ingest.raw.outdated import missing_file
from pipelines.ingest.raw.outputs import Part, Writer, stored_columns, superseded_parts
from pipelines.ingest.raw.quarantine import listing_query
from pipelines.ingest.records.duplicates import SeenEvents
from pipelines.ingest.session import FILES, Session, checked_view, kept_view
from pipelines.ingest.sources.mapping import Mapping
from pipelines.ingest.sources.source import INGEST_VERSION, Source, validation_settings
from pipelines.ingest.sources.targets import EVENTS
from pipelines.lake.duck import identifier, list_literal, literal
from pipelines.lake.partitions import parquet_sql


def whole_is_stale(source: Source, lake: RawLake, settings: Settings) -> bool:
    """Whether the whole mappings of *source*, or their inputs, have changed since they were last run."""
    inputs, old = _inputs(source, lake), _mapped(source, lake)
    if not inputs and not old:
        return False
    if any(missing_file(lake, batch) for batch in old):
        return True
    return [batch.fingerprint for batch in old] != [_fingerprint(source, inputs, settings)]


def _inputs(source: Source, lake: RawLake) -> list[Batch]:
    """The batches whose records the whole mappings read."""
    relations = {relation for mapping in source.whole() for relation in mapping.relations}
    return [b for b in lake.batches if b.kind == "file" and b.source == source.name and b.relation in relations]


def _mapped(source: Source, lake: RawLake) -> list[Batch]:
    """A list with the batch of the rows of the whole mappings of *source*; empty if they have not been run."""
    return [batch for batch in lake.batches if batch.kind == "mapping" and batch.source == source.name]


def _fingerprint(source: Source, inputs: Sequence[Batch], settings: Settings) -> str:
    parts = [INGEST_VERSION, *validation_settings(settings)]
    parts += [f"{mapping.target.name}: {mapping.meaning}" for mapping in source.whole()]
    parts += sorted(output.version for batch in inputs for output in batch.outputs if _is_records(output))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@dataclass
class Whole:
    """The whole mappings of *source*; *visible* are the paths of the files of *lake*, which must not be overwritten."""

    session: Session
    source: Source
    lake: RawLake
    visible: set[str]

    def renewed(self) -> RawLake | None:
        """The lake after running the mappings again; None if their rows are up to date.

        Raises:
            HeadwaterError: a mapping fails, or returns a row that does not name its record.
        """
        if not whole_is_stale(self.source, self.lake, self.session.settings):
            return None
        mappings, inputs = self.source.whole(), _inputs(self.source, self.lake)
        old = _mapped(self.source, self.lake)
        fingerprint = _fingerprint(self.source, inputs, self.session.settings)
        rest = self.lake.without({batch.batch_id for batch in old})
        self._open_relations(inputs)
        seen = SeenEvents.of(self.session, rest)
        for mapping in mappings:
            _validate_and_exclude(self.session, mapping, rest, seen)
        return self._build(mappings, inputs, rest, old, fingerprint)

    def _open_relations(self, inputs: Sequence[Batch]) -> None:
        """Create a view of the kept records for each relation of the source."""
        values = ", ".join(
            f"({literal(b.batch_id)}, TIMESTAMP {literal(b.landed_at.isoformat(sep=' '))})" for b in inputs
        )
        empty = "SELECT CAST(NULL AS VARCHAR) AS batch_id, CAST(NULL AS TIMESTAMP) AS landed_at WHERE false"
        files = f"FROM (VALUES {values}) AS files(batch_id, landed_at)" if values else empty
        self.session.run(f"CREATE OR REPLACE TABLE {FILES} AS {files}")
        for name in self.source.relations:
            query = self._records_query(name, [batch for batch in inputs if batch.relation == name])
            self.session.run(f"CREATE OR REPLACE VIEW {identifier(name)} AS {query}")

    def _records_query(self, relation: str, batches: Sequence[Batch]) -> str:
        columns = [*self.source.relations[relation].columns, "batch_id"]
        folder = records_folder(self.source.name, relation)
        files = [self.lake.root / o.path for batch in batches for o in batch.outputs if o.target == folder]
        if not files:
            nothing = ", ".join(f"CAST(NULL AS VARCHAR) AS {identifier(name)}" for name in columns)
            return f"SELECT {nothing}, CAST(NULL AS BIGINT) AS record_no WHERE false"
        reader = f"read_parquet({list_literal(files)}, union_by_name = true, hive_partitioning = false)"
        # If a column was declared after records were kept, and their landing files are gone, the records lack it:
        # return null.
        present = {row[0] for row in self.session.rows(f"DESCRIBE SELECT * FROM {reader}")}
        chosen = ", ".join(
            identifier(name) if name in present else f"CAST(NULL AS VARCHAR) AS {identifier(name)}" for name in columns
        )
        return f"SELECT {chosen}, record_no FROM {reader}"

    def _build(
        self,
        mappings: Sequence[Mapping],
        inputs: Sequence[Batch],
        rest: RawLake,
        old: Sequence[Batch],
        fingerprint: str,
    ) -> RawLake:
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        # The id must change with the content: superseded events are listed by event_id and batch_id, and an entry for a
        # row of the old batch must not hide a row of the new one.
        batch_id = f"{self.source.name}-{'-'.join(m.target.name for m in mappings) or 'none'}-{fingerprint[:8]}"
        known = {
            (o.target, o.dt, o.version): o for batch in old for o in batch.outputs if (self.lake.root / o.path).exists()
        }
        parts: list[Part] = []
        superseded: Counter[str] = Counter()
        for mapping in mappings:
            parts += self._parts(mapping, batch_id)
            if mapping.target is EVENTS:
                superseded = superseded_records(self.session)
                parts += superseded_parts(self.session, {batch_id: fingerprint}, batch_id)
        copies = {batch.batch_id for batch in inputs if batch.copy_of}
        reasons = {b: r for b, r in refused_records(self.session, mappings, {}).items() if b not in copies}
        if reasons:
            query = self._quarantine_query(inputs, reasons)
            parts.append(Part("quarantine", None, batch_id, query, fingerprint))
        # If the rows of a day have not changed, keep its file instead of writing an equal one.
        unchanged = [known[key] for part in parts if (key := (part.target, part.day, part.version)) in known]
        new = [part for part in parts if (part.target, part.day, part.version) not in known]
        written = Writer(self.session, self.lake.root, self.visible).write(new)
        outputs = [*unchanged, *written.get(batch_id, ())]
        landed = max((batch.landed_at for batch in inputs), default=now)
        batch = Batch(
            batch_id=batch_id,
            kind="mapping",
            source=self.source.name,
            relation=", ".join(mapping.target.name for mapping in mappings),
            file="",
            bytes=0,
            modified_at=landed,
            landed_at=landed,
            ingested_at=now,
            fingerprint=fingerprint,
            outputs=tuple(outputs),
        )
        return self._recounted(replace(rest, batches=(*rest.batches, batch)), mappings, inputs, superseded)

    def _parts(self, mapping: Mapping, batch_id: str) -> list[Part]:
        """The files to write for the kept rows, one for each day.

        A file's version is a hash of its rows without batch ids.
        """
        target = mapping.target
        view = kept_view(target.name)
        columns = stored_columns(target, {"source": literal(self.source.name), "batch_id": literal(batch_id)})
        compared = ", ".join(identifier(name) for name in (*target.columns, *target.derived, "record_no"))
        day_column = "dt" if target.partitioned else "NULL"
        found = self.session.rows(
            f"SELECT {day_column} AS day, count(*), bit_xor(hash({compared})), sum(hash({compared})) "
            f"FROM {view} GROUP BY day ORDER BY day"
        )
        parts = []
        for day, *content in found:
            version = hashlib.sha256(repr((self.source.name, content)).encode()).hexdigest()[:16]
            condition = f"dt = DATE {literal(day.isoformat())}" if day else "true"
            query = f"SELECT {columns} FROM {view} WHERE {condition}"
            parts.append(Part(target.name, day, batch_id, query, version))
        return parts

    def _quarantine_query(self, inputs: Sequence[Batch], reasons: dict[str, dict[int, str]]) -> str:
        """SQL for the quarantine rows; the text of a record is JSON of its kept columns."""
        queries = []
        for batch in inputs:
            refused = reasons.get(batch.batch_id)
            if not refused:
                continue
            listing = self.session.scratch / f"{uuid4().hex}.ndjson"
            numbers = ", ".join(str(number) for number in sorted(refused))
            query = (
                "SELECT record_no, CAST(to_json(record) AS VARCHAR) FROM "
                f"(SELECT * EXCLUDE (batch_id) FROM {identifier(batch.relation)} "
                f"WHERE batch_id = {literal(batch.batch_id)} AND record_no IN ({numbers})) AS record"
            )
            _list_refused(self.session, listing, self.session.rows(query), refused)
            queries.append(
                listing_query(listing, batch.batch_id, batch.source, batch.relation, batch.file, batch.landed_at)
            )
        return " UNION ALL ".join(queries)

    def _recounted(
        self, lake: RawLake, mappings: Sequence[Mapping], inputs: Sequence[Batch], superseded: Counter[str]
    ) -> RawLake:
        """*lake* with new counts for *inputs*; *superseded*: batch id → number of its records that are superseded."""
        files = lake.files("raw.quarantine")
        quarantined: dict[str, int] = {}
        if files:
            query = f"SELECT batch_id, count(DISTINCT record_no) FROM {parquet_sql(files)} GROUP BY batch_id"
            quarantined = dict(self.session.rows(query))
        duplicates = duplicate_records(self.session, mappings) if mappings else {}
        unmapped = self._unmapped({batch.relation for batch in inputs})
        for batch in inputs:
            refused = quarantined.get(batch.batch_id, 0)
            again = batch.duplicates
            if not self.source.by_record(batch.relation):
                # The refused records of a copy are the same as those of its original, so they are duplicates.
                again = duplicates.get(batch.batch_id, 0) + quarantined.get(batch.copy_of, 0)
            accepted = batch.records - refused - again
            lake = lake.changed(
                batch.batch_id,
                quarantined=refused,
                duplicates=again,
                accepted=accepted,
                unmapped=unmapped.get(batch.batch_id, batch.unmapped),
            )
        return lake.with_superseded(superseded)

    def _unmapped(self, relations: Iterable[str]) -> dict[str, int]:
        """Batch id → number of records without a row, for the *relations* that no mapping joins with another one.

        Records of a joined relation need not give rows: they may only add columns to the rows of the other relation.
        """
        unmapped: dict[str, int] = {}
        for relation in relations:
            mappings = self.source.whole(relation)
            alone = all(mapping.relations == (relation,) for mapping in mappings)
            if alone and not self.source.by_record(relation):
                unmapped |= unmapped_records(self.session, relation, mappings)
        return unmapped


def _validate_and_exclude(session: Session, mapping: Mapping, lake: RawLake, seen: SeenEvents) -> None:
    validate(session, mapping)
    exclude(session, mapping, lake, seen)
    query = f"SELECT count(*) FROM {checked_view(mapping.target.name)} ANTI JOIN {FILES} USING (batch_id) WHERE true"
    lost = session.rows(query)[0][0]
    if lost:
        raise HeadwaterError(
            f"returns {lost} rows whose batch_id is not that of a record that it reads",
            where=mapping.file,
            remedy="return batch_id and record_no of the record that the row is made from",
        )


def _is_records(output: Output) -> bool:
    return output.target.startswith("records/")


def _list_refused(session: Session, listing: Path, found: Sequence[tuple[int, str]], refused: dict[int, str]) -> None:
    with listing.open("w", encoding="utf-8") as out:
        for number, text in found:
            shown, why = session.forgotten.redacted(text, refused[number])
            row = {"record_no": number, "line_no": None, "reasons": why, "raw": shown}
            out.write(json.dumps(row) + "\n")
