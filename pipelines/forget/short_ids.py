"""Searches the shop's own landing files for ids that are too short to be searched for in texts.

Here: reading each file as ingestion reads it, and comparing the columns that name persons.
Not here: the search of every file of a home (``pipelines.forget.search``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from pipelines.forget.landing import is_own
from pipelines.forget.search import Hit
from pipelines.home.folder import Home
from pipelines.ingest.files.discover import LandedFile, discover
from pipelines.ingest.files.reading import PARSED, FileReading, Reader, as_text
from pipelines.ingest.session import Session
from pipelines.ingest.sources.persons import person_columns
from pipelines.ingest.sources.source import Source
from pipelines.lake.duck import identifier, literal


def search_columns(session: Session, home: Home, sources: Mapping[str, Source], ids: Collection[str]) -> Iterator[Hit]:
    """The landing files that Headwater did not write in which a column of users or devices has one of *ids*."""
    for file in discover(home, sources.values(), ()).pending:
        if is_own(file.file):
            continue
        reading = FileReading(file, file.file, file.modified_at)
        count = _rows_with(session, sources[file.source], file, reading, ids)
        if count or reading.error:
            yield Hit(file.path.relative_to(home.root).as_posix(), count, reading.error or "")


def _rows_with(session: Session, source: Source, file: LandedFile, reading: FileReading, ids: Collection[str]) -> int:
    persons = person_columns(source, file.relation)
    columns = sorted(persons.users | persons.devices)
    if not columns:
        return 0
    relation = source.relations[file.relation]
    Reader(session, relation, as_text(relation)).read([reading])
    wanted = ", ".join(map(literal, ids))
    condition = " OR ".join(f"trim({identifier(name)}) IN ({wanted})" for name in columns)
    return int(session.rows(f"SELECT count(*) FROM {PARSED} WHERE {condition}")[0][0])
