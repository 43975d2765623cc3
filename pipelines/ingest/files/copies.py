"""Copies: a file that landed again under another name.

Here: finding the file of which one is a copy. Its broken lines are duplicates, like its other records.
Not here: records that are duplicates one by one (``pipelines.ingest.records.duplicates``).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from pipelines.ingest.batches import RawLake
from pipelines.ingest.files.discover import LandedFile, batch_id_of


@dataclass
class Originals:
    """The files of a relation so far, by size: (name, batch id) of each, and the batch that it is a copy of or its own.

    A file's id is a hash of its name and content. So a file is a copy of another if, under the other's name, its
    content has the other's id. Only files of equal size are compared, which are few.
    """

    by_size: dict[int, list[tuple[str, str, str]]]

    @classmethod
    def of(cls, like: LandedFile, lake: RawLake) -> Originals:
        """The files in *lake* of the relation of *like*."""
        originals = cls({})
        for batch in lake.batches:
            if (batch.kind, batch.source, batch.relation) == ("file", like.source, like.relation):
                original = batch.copy_of or batch.batch_id
                originals.by_size.setdefault(batch.bytes, []).append((batch.file, batch.batch_id, original))
        return originals

    def copied_by(self, file: LandedFile, batch_id: str) -> str:
        """The batch of which *file* is a copy, or ''; from now on others may be copies of the file."""
        original = ""
        alike = self.by_size.setdefault(file.size, [])
        with suppress(OSError):  # it vanished: reading it will say so
            for name, other_id, first in alike if file.size else ():
                if name != file.file and batch_id_of(file.path, name) == other_id:
                    original = first
                    break
        alike.append((file.file, batch_id, original or batch_id))
        return original
