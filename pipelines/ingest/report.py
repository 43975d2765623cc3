"""The report of one ingestion.

Here: what ``ingest`` tells its callers.
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

    *batches* are those that it read, new or again; *touched* are the days of each raw table whose rows changed (None
    where a table is not kept by day). *errors* and *warnings* are a line each; an error's file, or source, was left
    as it was, and all others were ingested.
    """

    batches: list[Batch] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    touched: dict[str, set[dt.date | None]] = field(default_factory=dict)

    @property
    def files(self) -> int:
        """Files that were read."""
        return sum(batch.kind == "file" for batch in self.batches)

    @property
    def records(self) -> int:
        """Records read: accepted + duplicates + quarantined."""
        return sum(batch.records for batch in self.batches)

    @property
    def accepted(self) -> int:
        """Records of these batches that count."""
        return sum(batch.accepted for batch in self.batches)

    @property
    def duplicates(self) -> int:
        """Records of these batches that the lake has from elsewhere."""
        return sum(batch.duplicates for batch in self.batches)

    @property
    def quarantined(self) -> int:
        """Records of these batches that were refused."""
        return sum(batch.quarantined for batch in self.batches)

    def settle(self, after: Iterable[Batch]) -> None:
        """Take the counts of the batches from the final manifest: what was ingested later may have changed them.

        A file's records are judged anew by what maps all files at once, and may be superseded by a later file's.
        """
        final = {batch.batch_id: batch for batch in after}
        self.batches = [final[batch.batch_id] for batch in self.batches if batch.batch_id in final]

    def touch(self, before: Iterable[Batch], after: Iterable[Batch]) -> None:
        """Note the days whose files differ between two states of the manifest."""
        old = {(o.target, o.dt, o.path, o.version) for batch in before for o in batch.outputs}
        new = {(o.target, o.dt, o.path, o.version) for batch in after for o in batch.outputs}
        for target, day, _, _ in old ^ new:
            self.touched.setdefault(f"raw.{target}", set()).add(day)
