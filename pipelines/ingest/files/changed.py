"""Landing files whose content changed after they were ingested.

Here: finding and describing them.
Not here: ingesting the new content, which becomes a batch of its own (``pipelines.ingest.run``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.ingest.batches import Batch
from pipelines.ingest.files.discover import is_as_ingested, modified_at


@dataclass(frozen=True)
class Change:
    """The last two batches of a landing file that was ingested again because its content had changed."""

    old: Batch
    new: Batch

    def describe(self) -> str:
        """A line for the user: when the old content was ingested, both sizes, and that the records of both are kept."""
        return (
            f"landing/{self.new.file}: has other content ({self.new.bytes:,} bytes) than was ingested at "
            f"{self.old.ingested_at:%Y-%m-%d %H:%M} UTC ({self.old.bytes:,} bytes); the {self.old.records:,} earlier "
            "records are kept, and the new ones were added"
        )


def changes(batches: Iterable[Batch]) -> list[Change]:
    """The last change of each landing file that was ingested with different contents, sorted by file name."""
    by_file = _by_file(batches)
    return [Change(*by_file[file][-2:]) for file in sorted(by_file) if len(by_file[file]) > 1]


def changed_unseen(landing: Path, batches: Iterable[Batch]) -> list[str]:
    """A line about each file below *landing* whose content changed since its ingestion, but not its size or time.

    Slow: it reads every landed file.
    """
    lines = []
    for file, found in sorted(_by_file(batches).items()):
        batch = found[-1]
        if _looks_ingested(landing / file, batch) and not is_as_ingested(landing, batch, deep=True):
            lines.append(
                f"landing/{file}: has other content than was ingested at {batch.ingested_at:%Y-%m-%d %H:%M} UTC, with "
                f"the same size and time; the {batch.records:,} old records are kept; touch it to add the new ones"
            )
    return lines


def _looks_ingested(path: Path, batch: Batch) -> bool:
    try:
        stat = path.stat()
    except OSError:
        return False
    return (stat.st_size, modified_at(stat.st_mtime_ns)) == (batch.bytes, batch.modified_at)


def _by_file(batches: Iterable[Batch]) -> dict[str, Sequence[Batch]]:
    """Landing file → its batches, the newest last."""
    found: dict[str, list[Batch]] = {}
    for batch in batches:
        if batch.kind == "file":
            found.setdefault(batch.file, []).append(batch)
    return {file: sorted(same, key=lambda batch: batch.ingested_at) for file, same in found.items()}
