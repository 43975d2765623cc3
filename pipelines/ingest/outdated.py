"""Batches that were ingested under another mapping, declaration or other settings, and go through ingestion again.

Here: which batches these are, in sets that share targets, so that duplicates are settled afresh; and finding their
landing files.
Not here: ingesting them (``pipelines.ingest.service``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.home import Home
from pipelines.ingest.discover import LandedFile, landed_file
from pipelines.ingest.duplicates import ID_HASHES
from pipelines.ingest.manifest import Batch, RawLake
from pipelines.ingest.sources import Source
from pipelines.settings import Settings

_NO_TARGETS = ("quarantine", "superseded_events", ID_HASHES)


@dataclass
class StaleSet:
    """Batches that are ingested again together, all or none: *files* are theirs, *batch_ids* include mappings'."""

    batch_ids: set[str] = field(default_factory=set)
    targets: set[str] = field(default_factory=set)
    files: list[LandedFile] = field(default_factory=list)


def stale_sets(
    home: Home, sources: Mapping[str, Source], lake: RawLake, settings: Settings
) -> tuple[list[StaleSet], list[str]]:
    """The sets of batches to ingest again, and an error for each set that lacks a landing file."""
    files = [batch for batch in lake.batches if batch.kind == "file" and _is_declared(batch, sources)]
    stale = {b.batch_id for b in files if b.fingerprint != _fingerprint(b, sources, settings)}
    complete, errors = [], []
    for together in _joined(lake.batches, sources):
        if not together.batch_ids & stale:
            continue
        lost = _find_files(home, sources, files, together)
        if lost:
            more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
            errors.append(
                f"{', '.join(sorted(together.targets))}: the mapping or a setting of ingestion has changed, but "
                f"landing/{lost[0]}{more} cannot be read again (gone or changed); the rows stay as they were; put "
                f"the file back as it was, or remove {lake.root} to start from what is in the landing folder"
            )
        else:
            complete.append(together)
    return complete, errors


def _is_declared(batch: Batch, sources: Mapping[str, Source]) -> bool:
    return batch.source in sources and batch.relation in sources[batch.source].relations


def _fingerprint(batch: Batch, sources: Mapping[str, Source], settings: Settings) -> str:
    return sources[batch.source].fingerprint(batch.relation, settings)


def _joined(batches: Sequence[Batch], sources: Mapping[str, Source]) -> list[StaleSet]:
    """All batches, those that share a target in one set."""
    sets: list[StaleSet] = []
    for batch in batches:
        targets = {output.target for output in batch.outputs if output.target not in _NO_TARGETS}
        if _is_declared(batch, sources):
            targets |= {mapping.target.name for mapping in sources[batch.source].by_record(batch.relation)}
        # A batch without targets, e.g. of an empty file, stands by its relation.
        targets = targets or {f"{batch.source}.{batch.relation}"}
        joined = StaleSet({batch.batch_id}, targets)
        for other in [each for each in sets if each.targets & targets]:
            joined.batch_ids |= other.batch_ids
            joined.targets |= other.targets
            sets.remove(other)
        sets.append(joined)
    return sets


def _find_files(home: Home, sources: Mapping[str, Source], batches: Sequence[Batch], together: StaleSet) -> list[str]:
    """Collect the landing files of a set; returns the names of those that are not there as they were."""
    lost = []
    for batch in batches:
        if batch.batch_id not in together.batch_ids:
            continue
        file = landed_file(home.landing, sources[batch.source], batch.relation, batch.file)
        if file is None or not _is_the_same(file, batch):
            lost.append(batch.file)
        else:
            together.files.append(file)
    return lost


def _is_the_same(file: LandedFile, batch: Batch) -> bool:
    if (file.size, file.modified_at) == (batch.bytes, batch.modified_at):
        return True
    try:
        return file.batch_id() == batch.batch_id
    except OSError:
        return False
