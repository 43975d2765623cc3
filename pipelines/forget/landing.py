"""Landing files that Headwater itself wrote: removing a person's records from them.

Here: which files these are, and rewriting them in such a way that ingestion does not read them again.
Not here: files of the shop, which Headwater never changes.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.forget.person import Person
from pipelines.home.errors import HeadwaterError
from pipelines.home.files import convert_write_errors, replacing
from pipelines.home.folder import Home
from pipelines.ingest.batches import RawLake
from pipelines.ingest.files.discover import LandedFile, batch_id_of, discover, landed_file
from pipelines.ingest.sources.persons import PersonColumns, person_columns
from pipelines.ingest.sources.source import Source

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_WORD = re.compile(rb"[\w-]+")
_WITH_DECIMALS = r"^([0-9]{1,15})[.]0+$"
"""Matches an id that a program wrote as a decimal; ingestion reads it as the whole number."""

_OWN = re.compile(
    r"(collected-[^/]*[.]ndjson|demo-[0-9a-f]{12}[.]ndjson|[^/]*-[0-9]{8}T[0-9]{6}[.][0-9]{6}Z-[^/]*[.]parquet)"
    r"([.](gz|zst))?([.]part)?"
)
"""The names of landing files that Headwater writes: by the collector, its demo shop, and loads from a database."""


def is_own(file: str) -> bool:
    """Whether Headwater wrote *file*, a path relative to the landing folder."""
    return _OWN.fullmatch(file.rpartition("/")[2]) is not None


def own_files(home: Home, sources: Mapping[str, Source]) -> list[LandedFile]:
    """The complete landing files that Headwater wrote, ingested or not."""
    return [file for file in discover(home, sources.values(), ()).pending if is_own(file.file)]


def erase_from_files(home: Home, sources: Mapping[str, Source], person: Person) -> list[str]:
    """Rewrite Headwater's own landing files without *person*; returns the names of those that are rewritten.

    In NDJSON an erased record becomes an empty object, so that the other records keep their numbers. An order that is
    kept loses its user. Files keep their modification time.

    Raises:
        HeadwaterError: a file cannot be read or written.
    """
    rewritten = []
    for file in own_files(home, sources):
        columns = person_columns(sources[file.source], file.relation)
        names = {name: column.names for name, column in sources[file.source].relations[file.relation].columns.items()}
        eraser = _Eraser(person, columns, names)
        with convert_write_errors(file.path):
            content = _without(file, eraser)
            if content is None:
                continue
            times = (file.path.stat().st_atime_ns, file.modified_ns)
            with replacing(file.path) as temporary:
                temporary.write_bytes(content)
                os.utime(temporary, ns=times)
        rewritten.append(file.file)
    return rewritten


def with_rewritten(home: Home, sources: Mapping[str, Source], lake: RawLake) -> RawLake:
    """*lake*, with the present sizes and content ids of Headwater's own landing files.

    All of them are compared, because a file may have been rewritten before an interruption.
    """
    for batch in lake.batches:
        if batch.kind != "file" or not is_own(batch.file) or batch.source not in sources:
            continue
        file = landed_file(home.landing, sources[batch.source], batch.relation, batch.file)
        # A file with another modification time was replaced after it was ingested, so ingestion has to read it.
        if file is None or file.modified_at != batch.modified_at:
            continue
        if (content := batch_id_of(file.path, batch.file)) != batch.content_id:
            lake = lake.changed(batch.batch_id, bytes=file.size, rewritten_as=content)
    return lake


class _Eraser:
    """Removes a person from records, which are dictionaries with the names of the file."""

    def __init__(self, person: Person, columns: PersonColumns, names: Mapping[str, Iterable[str]]) -> None:
        self._person = person
        self._users = _names(columns.users, names)
        self._devices = _names(columns.devices - columns.users, names)
        self._events = _names(columns.events, names)
        self._orders = _names(columns.orders, names)
        self._is_dropped = columns.only_events
        self.columns = (*self._users, *self._devices, *self._events, *self._orders)
        """The names of all columns that may have one of the ids."""
        self.ids = (*person.ids, *person.events, *person.orders)
        needles = {text.encode() for text in self.ids}
        self._words = {needle for needle in needles if _WORD.fullmatch(needle)}
        self._others = needles - self._words

    def has_id(self, text: bytes) -> bool:
        """Whether *text* has one of the ids, written without escapes of JSON."""
        return any(needle in text for needle in self._others) or not self._words.isdisjoint(_WORD.findall(text))

    def erased(self, record: Mapping[str, Any]) -> dict[str, Any] | None:
        """What replaces *record* (an empty one to drop it); None if it does not belong to the person."""
        person = self._person
        users = [record[name] for name in self._users if record.get(name) not in (None, "")]
        of_user = any(_text(user) == person.user for user in users)
        of_device = not users and _has(record, self._devices, person.devices)
        if _has(record, self._events, person.events) or _has(record, self._orders, person.orders):
            return {}
        if not of_user and not of_device:
            return None
        if self._is_dropped:
            return {}
        own = {name for name in (*self._users, *self._devices) if _text(record.get(name)) in person.ids}
        return {name: None if name in own else value for name, value in record.items()}


def _names(columns: Iterable[str], names: Mapping[str, Iterable[str]]) -> list[str]:
    return [name for column in sorted(columns) for name in names[column]]


def _has(record: Mapping[str, Any], names: Iterable[str], ids: Collection[str]) -> bool:
    return any(_text(record[name]) in ids for name in names if record.get(name) is not None)


def _text(value: object) -> str:
    """*value* as ingestion reads an id."""
    return re.sub(_WITH_DECIMALS, r"\1", str(value))


def _without(file: LandedFile, eraser: _Eraser) -> bytes | None:
    """The new content of *file*; None if it has no record of the person."""
    if file.format == "parquet":
        return _parquet_without(file.path, eraser)
    if file.format != "ndjson":
        raise HeadwaterError("cannot be rewritten: expected NDJSON or Parquet", where=file.path)
    old = file.path.read_bytes()
    lines = _decompressed(old, file.compression).split(b"\n")
    # An id may be written with escapes, such as \\" for a quote, so every line that has an escape is parsed.
    new = [_line_without(line, eraser) if b"\\" in line or eraser.has_id(line) else line for line in lines]
    return None if new == lines else _compressed(b"\n".join(new), file.compression)


def _line_without(line: bytes, eraser: _Eraser) -> bytes:
    try:
        record = json.loads(line)
    except ValueError:
        # A broken line cannot be read anyway, so nothing is lost if one with an id is dropped.
        return b"{}" if eraser.has_id(line) else line
    erased = eraser.erased(record) if isinstance(record, dict) else None
    return line if erased is None else json.dumps(erased, ensure_ascii=False, separators=(",", ":")).encode()


def _parquet_without(path: Path, eraser: _Eraser) -> bytes | None:
    frame = pl.read_parquet(path)
    read = [pl.col(name).cast(pl.String).str.replace(_WITH_DECIMALS, "$1") for name in eraser.columns if name in frame]
    if not read:
        return None
    has_id = frame.select(pl.any_horizontal(column.is_in(eraser.ids) for column in read).fill_null(value=False))
    emptied: dict[str, list[int]] = {}
    # Only rows with an id become dictionaries: a file may have a million rows.
    for number in has_id.to_series().arg_true():
        row = frame.row(number, named=True)
        if (erased := eraser.erased(row)) is not None:
            for name in row:
                if erased.get(name) is None:
                    emptied.setdefault(name, []).append(number)
    if not emptied:
        return None
    row_no = pl.int_range(pl.len())
    buffer = io.BytesIO()
    frame.with_columns(
        pl.when(~row_no.is_in(numbers)).then(pl.col(name)).alias(name) for name, numbers in emptied.items()
    ).write_parquet(buffer)
    return buffer.getvalue()


def _decompressed(content: bytes, compression: str) -> bytes:
    readers = {"gzip": gzip.decompress, "zstd": zstd.decompress}
    return readers[compression](content) if compression else content


def _compressed(content: bytes, compression: str) -> bytes:
    if compression == "gzip":
        return gzip.compress(content, mtime=0)
    return zstd.compress(content) if compression == "zstd" else content
