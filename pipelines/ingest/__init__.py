"""Ingestion: landing files become validated rows in ``lake/raw``, in the same columns for every source.

``run`` does these steps in order: find landing files (``files.discover``), read them as text (``files.reading``,
``files.careful``), map them with the SQL of their source (``sources``), validate them (``records.validation``), exclude
duplicates (``records.duplicates``), write raw files (``raw.outputs``, ``raw.quarantine``), and list the raw files in
the manifest, so that others read them (``batches``).
Not here: what is computed from the raw tables (``sql/``).
"""

from pipelines.ingest.batches import Batch, Damage, RawLake
from pipelines.ingest.files.changed import changed_unseen, changes
from pipelines.ingest.raw.drift import day_of, describe_drifts, describe_never_there, drifts, never_there
from pipelines.ingest.raw.outdated import remedy_for
from pipelines.ingest.report import IngestReport
from pipelines.ingest.run import Outlook, ingest, outlook, pending
from pipelines.ingest.sources.raw_tables import RAW_TABLES
from pipelines.ingest.sources.source import Source, load_sources
from pipelines.ingest.sources.targets import TARGETS

__all__ = [
    "RAW_TABLES",
    "TARGETS",
    "Batch",
    "Damage",
    "IngestReport",
    "Outlook",
    "RawLake",
    "Source",
    "changed_unseen",
    "changes",
    "day_of",
    "describe_drifts",
    "describe_never_there",
    "drifts",
    "ingest",
    "load_sources",
    "never_there",
    "outlook",
    "pending",
    "remedy_for",
]
