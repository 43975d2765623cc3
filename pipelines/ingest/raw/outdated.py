"""Batches to ingest again, because a mapping, declaration or setting has changed, or raw files are gone.

Here: finding these batches and their landing files. Batches that share a target form a set, because duplicates
among them must be determined again for all of them together.
Not here: ingesting them (``pipelines.ingest.run``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.home.folder import Home
from pipelines.home.settings import Settings
from pipelines.ingest.batches import Batch, Damage, RawLake
from pipelines.ingest.files.discover import LandedFile, is_as_ingested, landed_file
from pipelines.ingest.records.duplicates import ID_HASHES
from pipelines.ingest.sources.source import Source

_NO_TARGETS = ("quarantine", "superseded_events", ID_HASHES)


@dataclass
class StaleSet:
    """Batches that share targets, to be ingested again all together or not at all.

    *files* are the landing files to read; *batch_ids* includes batches of whole mappings, which have no file.
    """

    batch_ids: set[str] = field(default_factory=set)
    targets: set[str] = field(default_factory=set)
    files: list[LandedFile] = field(default_factory=list)


def stale_sets(
    home: Home, sources: Mapping[str, Source], lake: RawLake, settings: Settings
) -> tuple[list[StaleSet], list[str]]:
    """The sets of batches to ingest again, and an error for each set with a landing file that is gone or changed."""
    files = [batch for batch in lake.batches if batch.kind == "file" and _is_declared(batch, sources)]
    stale = {b.batch_id for b in files if b.fingerprint != _fingerprint(b, sources, settings)}
    gone = {batch.batch_id: path for batch in files if (path := missing_file(lake, batch))}
    complete, errors = [], []
    for together in _joined(lake.batches, sources):
        lost_here = [path for batch_id, path in gone.items() if batch_id in together.batch_ids]
        if not together.batch_ids & stale and not lost_here:
            continue
        lost = _find_files(home, sources, files, together)
        if lost:
            more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
            why = f"{lost_here[0]} is gone" if lost_here else "the mapping or a setting of ingestion has changed"
            errors.append(
                f"{', '.join(sorted(together.targets))}: {why}, but "
                f"landing/{lost[0]}{more} cannot be read again (gone or changed); the rows are kept; restore the "
                f"file, or remove {lake.root} to ingest only what is in the landing folder"
            )
        else:
            complete.append(together)
    return complete, errors


def _is_declared(batch: Batch, sources: Mapping[str, Source]) -> bool:
    return batch.source in sources and batch.relation in sources[batch.source].relations


def _fingerprint(batch: Batch, sources: Mapping[str, Source], settings: Settings) -> str:
    return sources[batch.source].fingerprint(batch.relation, settings)


def _joined(batches: Sequence[Batch], sources: Mapping[str, Source]) -> list[StaleSet]:
    """All batches, in sets; batches that share a target are in the same set."""
    sets: list[StaleSet] = []
    for batch in batches:
        targets = {output.target for output in batch.outputs if output.target not in _NO_TARGETS}
        if _is_declared(batch, sources):
            targets |= {mapping.target.name for mapping in sources[batch.source].by_record(batch.relation)}
        # A batch without targets, for example of an empty file, is grouped by its relation.
        targets = targets or {f"{batch.source}.{batch.relation}"}
        joined = StaleSet({batch.batch_id}, targets)
        for other in [each for each in sets if each.targets & targets]:
            joined.batch_ids |= other.batch_ids
            joined.targets |= other.targets
            sets.remove(other)
        sets.append(joined)
    return sets


def _find_files(home: Home, sources: Mapping[str, Source], batches: Sequence[Batch], together: StaleSet) -> list[str]:
    """Add to the set *together* its landing files; returns the names of those that are gone or have changed."""
    lost = []
    for batch in batches:
        if batch.batch_id not in together.batch_ids:
            continue
        file = landed_file(home.landing, sources[batch.source], batch.relation, batch.file)
        if file is None or not is_as_ingested(home.landing, batch):
            lost.append(batch.file)
        else:
            together.files.append(file)
    return lost


def missing_file(lake: RawLake, batch: Batch) -> Path | None:
    """The first raw file of *batch* that does not exist; None if all exist."""
    return next((path for o in batch.outputs if not (path := lake.root / o.path).exists()), None)


def remedy_for(home: Home, lake: RawLake, damage: Damage) -> str:
    """What the user can do about a damaged raw file; it depends on whether the records can be read again."""
    act = "remove it: 'headwater run'" if damage.path.exists() else "'headwater run'"
    if not damage.file:
        return f"{act} makes it again from the kept records"
    batches = {batch.batch_id: batch for batch in lake.batches if batch.file == damage.file}
    batch = batches.get(damage.batch_id)
    if batch is not None and is_as_ingested(home.landing, batch):
        return f"{act} reads landing/{damage.file} again"
    return f"restore it from a backup: landing/{damage.file} is gone or has changed"
