"""Copies: files that landed again under another name.

Here: finding the original of a copy. The broken lines of a copy count as duplicates, like its other records.
Not here: single duplicate records (``pipelines.ingest.records.duplicates``).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from pipelines.ingest.batches import RawLake
from pipelines.ingest.files.discover import LandedFile, batch_id_of


@dataclass
class Originals:
    """Files of a relation, in the lake or being ingested: size → list of (name, batch id, batch id of the original).

    A batch id is a hash of a file's name and content. So a new file is a copy of one of these files if the hash of that
    file's name and the new file's content is that file's batch id. Only files of equal size are compared. A file that
    is not a copy is its own original.
    """

    by_size: dict[int, list[tuple[str, str, str]]]

    @classmethod
    def of(cls, like: LandedFile, lake: RawLake) -> Originals:
        """The files in *lake* of the same relation as *like*."""
        originals = cls({})
        for batch in lake.batches:
            if (batch.kind, batch.source, batch.relation) == ("file", like.source, like.relation):
                original = batch.copy_of or batch.batch_id
                originals.by_size.setdefault(batch.bytes, []).append((batch.file, batch.content_id, original))
        return originals

    def copied_by(self, file: LandedFile, batch_id: str) -> str:
        """The batch id of the original of *file*, or '' if it is not a copy. Remembers *file* for later calls."""
        original = ""
        alike = self.by_size.setdefault(file.size, [])
        with suppress(OSError):  # if the file was deleted, reading it later reports that
            for name, other_id, first in alike if file.size else ():
                if name != file.file and batch_id_of(file.path, name) == other_id:
                    original = first
                    break
        alike.append((file.file, batch_id, original or batch_id))
        return original
