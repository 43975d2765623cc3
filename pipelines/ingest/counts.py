"""Counts the records of each batch: all, and those that are duplicates, quarantined or unmapped (give no row).

Here: counting, and collecting the reasons for which records are refused.
Not here: refusing records (``pipelines.ingest.records.validation``), finding duplicates
(``pipelines.ingest.records.duplicates``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pipelines.ingest.batches import Batch
from pipelines.ingest.files.reading import FileReading
from pipelines.ingest.session import Session, checked_view, excluded_table, kept_view
from pipelines.ingest.sources.mapping import Mapping
from pipelines.lake.duck import identifier

Reasons = dict[str, dict[int, str]]
"""Batch id → record number → why the record is refused."""


def refused_records(session: Session, mappings: Iterable[Mapping], unread: Reasons) -> Reasons:
    """The reasons in *unread* (records that could not be read) and those that validation found after *mappings*."""
    reasons = {batch_id: dict(records) for batch_id, records in unread.items()}
    for mapping in mappings:
        query = (
            f"SELECT batch_id, record_no, reasons FROM {checked_view(mapping.target.name)} WHERE reasons IS NOT NULL"
        )
        for batch_id, number, text in session.rows(query):
            records = reasons.setdefault(batch_id, {})
            known = records.get(number, "").split("; ")
            records[number] = "; ".join(dict.fromkeys([*filter(None, known), *text.split("; ")]))
    return reasons


@dataclass
class Counts:
    """Batch id → number of its records: all, and those that are duplicates, quarantined or unmapped."""

    records: dict[str, int]
    duplicates: dict[str, int]
    quarantined: dict[str, int]
    unmapped: dict[str, int]

    @classmethod
    def of(
        cls,
        session: Session,
        readings: Iterable[FileReading],
        mappings: Sequence[Mapping],
        reasons: Reasons,
    ) -> Counts:
        """Count the records of *readings* after *mappings* have run; *reasons* lists all refused records."""
        records = {reading.batch_id: reading.records for reading in readings}
        quarantined = {batch_id: len(refused) for batch_id, refused in reasons.items()}
        unmapped: dict[str, int] = {}
        if mappings and not any(mapping.one_to_one for mapping in mappings):
            mapped = _union("batch_id, record_no", (checked_view(m.target.name) for m in mappings))
            query = f"SELECT batch_id, count(DISTINCT record_no) FROM ({mapped}) GROUP BY batch_id"
            found = dict(session.rows(query))
            unread = {reading.batch_id: len(reading.refusals.records) for reading in readings}
            unmapped = {b: count - unread[b] - found.get(b, 0) for b, count in records.items()}
        return cls(records, duplicate_records(session, mappings), quarantined, unmapped)

    def fill(self, batch: Batch) -> Batch:
        """A copy of *batch* with its counts of records filled in: all, accepted, duplicates, quarantined, unmapped."""
        key = batch.batch_id
        duplicates, quarantined = self.duplicates.get(key, 0), self.quarantined.get(key, 0)
        records, unmapped = self.records[key], self.unmapped.get(key, 0)
        accepted = records - duplicates - quarantined
        if accepted < 0 or unmapped < 0:
            raise AssertionError(f"{batch.file}: {records} records, but {duplicates} duplicates, {quarantined} refused")
        return replace(
            batch,
            records=records,
            accepted=accepted,
            duplicates=duplicates,
            quarantined=quarantined,
            unmapped=unmapped,
        )


def duplicate_records(session: Session, mappings: Sequence[Mapping]) -> dict[str, int]:
    """Batch id → number of records all of whose rows are duplicates."""
    names = [mapping.target.name for mapping in mappings]
    if not any(session.rows(f"SELECT 1 FROM {excluded_table(n)} WHERE is_duplicate LIMIT 1") for n in names):
        return {}
    duplicates = " UNION ".join(
        f"SELECT batch_id, record_no FROM {checked_view(n)} "
        f"WHERE row IN (SELECT row FROM {excluded_table(n)} WHERE is_duplicate)"
        for n in names
    )
    kept = _union("batch_id, record_no", (kept_view(n) for n in names))
    refused = " UNION ALL ".join(
        f"SELECT batch_id, record_no FROM {checked_view(n)} WHERE reasons IS NOT NULL" for n in names
    )
    query = (
        f"SELECT batch_id, count(*) FROM ({duplicates}) AS record "
        f"ANTI JOIN ({kept} UNION ALL {refused}) AS other USING (batch_id, record_no) GROUP BY batch_id"
    )
    return dict(session.rows(query))


def unmapped_records(session: Session, relation: str, mappings: Sequence[Mapping]) -> dict[str, int]:
    """Batch id → number of records of *relation* without a row from *mappings*, which read no other relation."""
    mapped = _union("batch_id, record_no", (checked_view(mapping.target.name) for mapping in mappings))
    query = (
        f"SELECT batch_id, count(*) - count(is_mapped) FROM {identifier(relation)} "
        f"LEFT JOIN (SELECT DISTINCT batch_id, record_no, true AS is_mapped FROM ({mapped})) "
        "USING (batch_id, record_no) GROUP BY batch_id"
    )
    return dict(session.rows(query))


def _union(columns: str, tables: Iterable[str]) -> str:
    return " UNION ALL ".join(f"SELECT {columns} FROM {table}" for table in tables)
