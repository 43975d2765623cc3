"""The report of one ingestion.

Here: the type that ``ingest`` returns.
Not here: how it is shown (the command line, Dagster).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from pipelines.ingest.batches import Batch


@dataclass
class IngestReport:
    """What an ingestion did.

    *batches* were ingested, for the first time or again. *touched*: raw table → days whose rows changed (None if the
    table has no days). *errors* and *warnings* have one line each; an error means that the file or source that it names
    was skipped; all others were ingested.
    """

    batches: list[Batch] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    touched: dict[str, set[dt.date | None]] = field(default_factory=dict)

    @property
    def files(self) -> int:
        """Number of files that were read."""
        return sum(batch.kind == "file" for batch in self.batches)

    @property
    def records(self) -> int:
        """Number of records in *batches*: accepted + duplicates + quarantined."""
        return sum(batch.records for batch in self.batches)

    @property
    def accepted(self) -> int:
        """Number of accepted records in *batches*."""
        return sum(batch.accepted for batch in self.batches)

    @property
    def duplicates(self) -> int:
        """Number of duplicate records in *batches*."""
        return sum(batch.duplicates for batch in self.batches)

    @property
    def quarantined(self) -> int:
        """Number of refused records in *batches*."""
        return sum(batch.quarantined for batch in self.batches)

    def settle(self, after: Iterable[Batch]) -> None:
        """Take the counts of the batches from the final manifest *after*.

        They may have changed: later files supersede records, and mappings over all files validate records again.
        """
        final = {batch.batch_id: batch for batch in after}
        self.batches = [final[batch.batch_id] for batch in self.batches if batch.batch_id in final]

    def touch(self, before: Iterable[Batch], after: Iterable[Batch]) -> None:
        """Add to *touched* the days whose files differ between the batches *before* and *after* the ingestion."""
        old = {(o.target, o.dt, o.path, o.version) for batch in before for o in batch.outputs}
        new = {(o.target, o.dt, o.path, o.version) for batch in after for o in batch.outputs}
        for target, day, _, _ in old ^ new:
            self.touched.setdefault(f"raw.{target}", set()).add(day)
