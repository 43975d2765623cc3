"""The raw lake: writing raw files again without a person's records, and counting these records as quarantined.

Here: the new raw files and the manifest that lists them. Landing files are not read: they may be gone.
Not here: rows of mappings over all files, which ingestion computes again from the kept records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from pipelines.forget.person import Person
from pipelines.ingest.batches import Batch, Output, RawLake
from pipelines.ingest.forgotten import REASON
from pipelines.ingest.kept import kept_query, kept_values
from pipelines.ingest.raw.outputs import Part, Writer
from pipelines.ingest.records.duplicates import ID_HASHES
from pipelines.ingest.records.validation import row_hash
from pipelines.ingest.session import Session
from pipelines.ingest.sources.raw_tables import RAW_TABLES, RECORD_HASH
from pipelines.ingest.sources.source import Source
from pipelines.ingest.sources.targets import EVENTS, ORDERS, TARGETS
from pipelines.lake.duck import identifier, literal
from pipelines.lake.partitions import parquet_sql

_KEPT = "records/"


def without_person(session: Session, sources: Mapping[str, Source], lake: RawLake, person: Person) -> RawLake:
    """Write new raw files without *person*, and return the lake that lists them; the caller makes it visible.

    *session* must already know the person as forgotten.
    """
    return _Erasure(session, sources, lake, person).run()


@dataclass
class _Erasure:
    session: Session
    sources: Mapping[str, Source]
    lake: RawLake
    person: Person

    def run(self) -> RawLake:
        for kind, ids in self.person.by_kind().items():
            self.session.connection.execute(
                f"CREATE OR REPLACE TABLE {kind}_ids AS SELECT CAST(unnest(?) AS VARCHAR) AS id", [list(ids)]
            )
        self._list_erased()
        changed = {output.path: output for output in self._changed_outputs()}
        parts = [self._part(batch, output) for batch, output in self._outputs() if output.path in changed]
        written = Writer(self.session, self.lake.root, self.lake.paths()).write([*parts, *self._quarantine_parts()])
        return self._with(written, changed)

    def _outputs(self) -> list[tuple[Batch, Output]]:
        """The files of batches of landing files. Those of mappings over all files are made again by ingestion."""
        return [(batch, output) for batch in self.lake.batches if batch.kind == "file" for output in batch.outputs]

    def _paths(self, target: str, kind: str = "file") -> list[Path]:
        return [
            self.lake.root / output.path
            for batch in self.lake.batches
            if batch.kind == kind
            for output in batch.outputs
            if output.target == target
        ]

    def _is_declared(self, batch: Batch) -> bool:
        return batch.source in self.sources and batch.relation in self.sources[batch.source].relations

    def _condition(self, target: str) -> str:
        """SQL condition: a row of *target* is erased."""
        if target == EVENTS.name:
            return (
                "(user_id IN (FROM user_ids) OR (user_id IS NULL AND device_id IN (FROM device_ids)) "
                "OR event_id IN (FROM event_ids))"
            )
        return "order_id IN (FROM order_ids)" if "order_id" in TARGETS[target].columns else "false"

    def _list_erased(self) -> None:
        """Create the table of erased records: batch_id, record_no, and whether the record counts as a duplicate."""
        queries = ["SELECT '' AS batch_id, CAST(0 AS BIGINT) AS record_no, '' AS event_id WHERE false"]
        for target in TARGETS:
            if paths := self._paths(target):
                event = "event_id" if target == EVENTS.name else "NULL"
                queries.append(
                    f"SELECT batch_id, record_no, {event} FROM {parquet_sql(paths)} WHERE {self._condition(target)}"
                )
        superseded = self._paths("superseded_events") + self._paths("superseded_events", "mapping")
        listed = f"SELECT event_id, batch_id FROM {parquet_sql(superseded)}" if superseded else "SELECT NULL, NULL"
        self.session.run(
            "CREATE OR REPLACE TABLE erased AS SELECT batch_id, record_no, "
            f"bool_and(coalesce((event_id, batch_id) IN ({listed}), false)) AS is_duplicate "
            f"FROM ({' UNION ALL '.join(queries)}) GROUP BY batch_id, record_no"
        )

    def _changed_outputs(self) -> Iterable[Output]:
        """The files that have to be written again."""
        by_path = {str(self.lake.root / output.path): (batch, output) for batch, output in self._outputs()}
        for target in TARGETS:
            is_changed = "(batch_id, record_no) IN (SELECT (batch_id, record_no) FROM erased)"
            if target == ORDERS.name:
                is_changed += " OR user_id IN (FROM user_ids)"
            if paths := self._paths(target):
                query = f"SELECT DISTINCT filename FROM {_named(paths)} WHERE {is_changed}"
                yield from (by_path[name][1] for (name,) in self.session.rows(query))
        for batch, output in by_path.values():
            if output.target.startswith(_KEPT) and self._is_declared(batch):
                source, session = self.sources[batch.source], self.session
                kept = kept_values(source, batch.relation, session.forgotten, session.settings)
                is_changed = " OR ".join(f"{identifier(name)} IS DISTINCT FROM {value}" for name, value in kept.items())
                query = f"SELECT 1 FROM ({self._records(batch, output)}) WHERE {is_changed or 'false'} LIMIT 1"
                if session.rows(query):
                    yield output

    def _part(self, batch: Batch, output: Output) -> Part:
        if output.target.startswith(_KEPT):
            source, session, records = self.sources[batch.source], self.session, self._records(batch, output)
            query = kept_query(source, batch.relation, session.forgotten, session.settings, records)
        else:
            file = parquet_sql([self.lake.root / output.path])
            kept = f"SELECT * FROM {file} WHERE record_no NOT IN ({_erased_of(batch)})"
            query = _anonymised(kept) if output.target == ORDERS.name else kept
        return Part(output.target, output.dt, batch.batch_id, query, self._version(output.version))

    def _version(self, old: str) -> str:
        # The version must differ from the versions of all other contents, so it depends on the user too.
        text = f"{old} {self.session.forgotten.hash_of('user', self.person.user)}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _records(self, batch: Batch, output: Output) -> str:
        """SQL for the kept records in *output*. Columns that the source has declared since then are null."""
        file = self.lake.root / output.path
        declared = self.sources[batch.source].relations[batch.relation].columns
        missing = [name for name in declared if name not in pl.read_parquet_schema(file)]
        nulls = "".join(f", CAST(NULL AS VARCHAR) AS {identifier(name)}" for name in missing)
        return f"SELECT *{nulls} FROM {parquet_sql([file])}"

    def _quarantine_parts(self) -> list[Part]:
        """New quarantine files, which list the erased records and have no texts with one of the ids."""
        erased = {batch_id for (batch_id,) in self.session.rows("SELECT DISTINCT batch_id FROM erased")}
        shown = self._batches_with_texts()
        return [
            self._quarantine_part(batch)
            for batch in self.lake.batches
            if batch.kind == "file" and batch.batch_id in erased | shown
        ]

    def _mentions(self) -> str:
        texts = " OR ".join(f"contains(raw, {literal(text)})" for text in self.person.ids)
        return f"coalesce({texts}, false)"

    def _batches_with_texts(self) -> set[str]:
        paths = self._paths("quarantine")
        if not paths:
            return set()
        query = f"SELECT DISTINCT batch_id FROM {parquet_sql(paths)} WHERE {self._mentions()}"
        return {batch_id for (batch_id,) in self.session.rows(query)}

    def _quarantine_part(self, batch: Batch) -> Part:
        columns = RAW_TABLES["raw.quarantine"]
        new = {
            "batch_id": literal(batch.batch_id),
            "source": literal(batch.source),
            "relation": literal(batch.relation),
            "file": literal(batch.file),
            "record_no": "record_no",
            "reasons": literal(REASON),
            "landed_at": f"TIMESTAMP {literal(batch.landed_at.isoformat(sep=' '))}",
        }
        listed = ", ".join(
            f"CAST({new.get(name, 'NULL')} AS {kind}) AS {identifier(name)}" for name, kind in columns.items()
        )
        query = f"SELECT {listed} FROM ({_erased_of(batch)})"
        old = next((output for output in batch.outputs if output.target == "quarantine"), None)
        if old is not None:
            names = ", ".join(map(identifier, columns))
            query = (
                f"SELECT {names} FROM (SELECT * REPLACE ("
                f"CASE WHEN {self._mentions()} THEN reasons || '; {REASON}' ELSE reasons END AS reasons, "
                f"CASE WHEN {self._mentions()} THEN NULL ELSE raw END AS raw) "
                f"FROM {parquet_sql([self.lake.root / old.path])}) UNION ALL {query}"
            )
        return Part("quarantine", None, batch.batch_id, query, self._version(old.version if old else batch.batch_id))

    def _with(self, written: Mapping[str, list[Output]], changed: Mapping[str, Output]) -> RawLake:
        """The lake with the *written* files instead of the *changed* ones, and with new counts."""
        counts = {
            batch_id: (records, duplicates)
            for batch_id, records, duplicates in self.session.rows(
                "SELECT batch_id, count(*), count(*) FILTER (is_duplicate) FROM erased GROUP BY batch_id"
            )
        }
        stale = self._stale_mappings()
        batches = []
        for batch in self.lake.batches:
            new = written.get(batch.batch_id, [])
            if batch.kind == "file" and new:
                has_quarantine = any(output.target == "quarantine" for output in new)
                kept = [
                    o
                    for o in batch.outputs
                    if o.path not in changed and not (has_quarantine and o.target == "quarantine")
                ]
                records, duplicates = counts.get(batch.batch_id, (0, 0))
                batch = replace(
                    batch,
                    accepted=batch.accepted - records + duplicates,
                    duplicates=batch.duplicates - duplicates,
                    quarantined=batch.quarantined + records,
                    outputs=_without_empty([*kept, *new]),
                )
            elif batch.batch_id in stale:
                batch = replace(batch, fingerprint="")
            batches.append(batch)
        return replace(self.lake, batches=tuple(batches))

    def _stale_mappings(self) -> set[str]:
        """The batches of mappings over all files that have rows of the person; ingestion must make them again."""
        stale: set[str] = set()
        for target in TARGETS:
            if paths := self._paths(target, "mapping"):
                of_person = self._condition(target)
                if target == ORDERS.name:
                    of_person += " OR user_id IN (FROM user_ids)"
                query = f"SELECT DISTINCT batch_id FROM {parquet_sql(paths)} WHERE {of_person}"
                stale |= {batch_id for (batch_id,) in self.session.rows(query)}
        if paths := self._paths("quarantine", "mapping"):
            query = f"SELECT DISTINCT filename FROM {_named(paths)} WHERE {self._mentions()}"
            names = {name for (name,) in self.session.rows(query)}
            stale |= {b.batch_id for b in self.lake.batches for o in b.outputs if str(self.lake.root / o.path) in names}
        return stale


def _named(paths: list[Path]) -> str:
    return parquet_sql(paths).removesuffix(")") + ", filename = true)"


def _erased_of(batch: Batch) -> str:
    return f"SELECT record_no FROM erased WHERE batch_id = {literal(batch.batch_id)}"


def _anonymised(orders: str) -> str:
    """SQL for *orders* with null in place of the person's user id, and with the record hash that follows from that."""
    own = "user_id IN (FROM user_ids)"
    return (
        f"SELECT * EXCLUDE (is_own) REPLACE (CASE WHEN is_own THEN {row_hash(ORDERS)} ELSE {RECORD_HASH} END "
        f"AS {RECORD_HASH}) FROM (SELECT * REPLACE (CASE WHEN {own} THEN NULL ELSE user_id END AS user_id), "
        f"coalesce({own}, false) AS is_own FROM ({orders}))"
    )


def _without_empty(outputs: list[Output]) -> tuple[Output, ...]:
    """*outputs* without empty files, and without the file of id hashes of a day whose file of events is empty."""
    full = [output for output in outputs if output.rows]
    days = {output.dt for output in full if output.target == EVENTS.name}
    return tuple(output for output in full if output.target != ID_HASHES or output.dt in days)
