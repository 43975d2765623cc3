"""The manifest: which batches are in the lake and which raw files belong to them.

Here: reading and atomically replacing ``lake/raw/batches/part-0.parquet``, and the visible part of ``lake/raw``.
A raw file is visible, that is read by others, only if the manifest lists it. So the files that a killed ingestion
left behind are ignored.
Not here: making batches (``pipelines.ingest.run``).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import polars as pl

from pipelines.home.errors import HeadwaterError
from pipelines.home.files import convert_write_errors, replacing_all
from pipelines.home.folder import Home
from pipelines.ingest.sources.raw_tables import RAW_TABLES
from pipelines.lake.checksums import NAME as CHECKSUMS
from pipelines.lake.checksums import Checksum, are_sound, checksums_text, digest, fault_of, read_checksums
from pipelines.lake.partitions import PART, UNREADABLE

_TRIES = 3

Kind = Literal["file", "mapping"]


@dataclass(frozen=True)
class Output:
    """A raw file of a batch.

    *target* is the name of the raw table without its schema, or ``records/<source>.<relation>`` for records that are
    kept for mappings over all files. *dt* is the day of the file's rows, None if the table is not divided by day.
    *path* is relative to ``lake/raw``; *version* changes if the file's rows change. *bytes* and *digest* are the file's
    size and checksum, None if the file is from an earlier version of the program, which did not store them.
    """

    target: str
    dt: dt.date | None
    path: str
    rows: int
    version: str
    bytes: int | None = None
    digest: str | None = None


@dataclass(frozen=True)
class Damage:
    """A damaged raw file: its *path*, what is *wrong* with it, its batch, and the batch's landing *file* or ''."""

    path: Path
    wrong: str
    batch_id: str
    file: str


@dataclass(frozen=True)
class Batch:
    """The result of ingesting a landing file, or (*kind* ``mapping``) of mapping all files of a source at once.

    records = accepted + duplicates + quarantined; *unmapped* counts the accepted records that gave no row. In a batch
    of kind ``mapping`` these five numbers are 0, because each record is counted in the batch of its file. Times are UTC
    without an offset.

    *fingerprint* is a hash of what determines the rows besides the file: mappings, declaration, settings and, in a
    batch of kind ``mapping``, the records that were read. If the fingerprint changes, the batch is ingested again.

    *day* is the most frequent day of the rows, None if no row has a day. *read* is the number of records that were not
    refused while the file was read. *filled* is JSON text: column → number of these records with a value in the column.
    It is rarely needed, so it is not parsed. *copy_of* is the id of an earlier batch with the same content under
    another file name, or '' if there is none. If ``headwater forget`` has rewritten the file, *rewritten_as* is the
    batch id that its content would get now, else ''.
    """

    batch_id: str
    kind: Kind
    source: str
    relation: str
    file: str
    bytes: int
    modified_at: dt.datetime
    landed_at: dt.datetime
    ingested_at: dt.datetime
    fingerprint: str
    records: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    unmapped: int = 0
    warnings: tuple[str, ...] = ()
    day: dt.date | None = None
    read: int = 0
    filled: str = field(default="", repr=False)
    copy_of: str = ""
    rewritten_as: str = field(default="", repr=False)
    outputs: tuple[Output, ...] = field(default=(), repr=False)

    @property
    def content_id(self) -> str:
        """The batch id that the landing file's content has now."""
        return self.rewritten_as or self.batch_id


_MOMENT = pl.Datetime("us")
_OUTPUT_SCHEMA = pl.Struct(
    {
        "target": pl.String,
        "dt": pl.Date,
        "path": pl.String,
        "rows": pl.Int64,
        "version": pl.String,
        "bytes": pl.Int64,
        "digest": pl.String,
    }
)
_SCHEMA: dict[str, Any] = {
    **dict.fromkeys(("batch_id", "kind", "source", "relation", "file"), pl.String),
    "bytes": pl.Int64,
    **dict.fromkeys(("modified_at", "landed_at", "ingested_at"), _MOMENT),
    "fingerprint": pl.String,
    **dict.fromkeys(("records", "accepted", "duplicates", "quarantined", "unmapped"), pl.Int64),
    "warnings": pl.List(pl.String),
    "day": pl.Date,
    "read": pl.Int64,
    "filled": pl.String,
    "copy_of": pl.String,
    "rewritten_as": pl.String,
    "outputs": pl.List(_OUTPUT_SCHEMA),
}


@dataclass(frozen=True)
class RawLake:
    """The visible part of ``lake/raw``: the manifest as it was read, with batches in the order of ingestion."""

    root: Path
    batches: tuple[Batch, ...] = ()

    @classmethod
    def load(cls, home: Home) -> RawLake:
        """The raw lake of *home* according to its manifest; empty before the first ingestion.

        Raises:
            HeadwaterError: the manifest cannot be read.
        """
        root = home.raw
        path = manifest_file(root)
        if not path.exists():
            return cls(root)
        # A writer may replace the file or its checksums between our two reads: on a mismatch, read both again.
        for _ in range(_TRIES):
            try:
                content = cls._content(path)
                if content is not None:
                    return cls(root, _batches_in(content))
            except UNREADABLE as error:
                raise HeadwaterError(
                    f"the list of batches cannot be read ({error})", where=path, remedy=_remedy(root)
                ) from error
        sums = path.with_name(CHECKSUMS)
        if not are_sound(path.parent):
            raise HeadwaterError(
                "the file of checksums is damaged",
                where=sums,
                remedy=f"remove it to continue without the checksum of {path}",
            )
        raise HeadwaterError(
            f"the list of batches is damaged: it does not match {sums}", where=path, remedy=_remedy(root)
        )

    @staticmethod
    def _content(path: Path) -> bytes | None:
        """The content of the manifest at *path*; None if it does not match its checksums."""
        content = path.read_bytes()
        digests = {checksum.digest for checksum in read_checksums(path.parent).get(PART, ())}
        # Earlier versions of the program wrote no checksums. If there are none, accept the manifest unchecked.
        return content if digest(content) in digests or not path.with_name(CHECKSUMS).exists() else None

    @cached_property
    def _outputs(self) -> Mapping[str, list[Output]]:
        found: dict[str, list[Output]] = {}
        for output in (output for batch in self.batches for output in batch.outputs):
            found.setdefault(output.target, []).append(output)
        return found

    def outputs(self, table: str) -> Sequence[Output]:
        """The visible files of *table* (``raw.events``, ``raw.quarantine``, …; not ``raw.batches``)."""
        return self._outputs.get(table.removeprefix("raw."), ())

    def rows_by_day(self, table: str) -> dict[dt.date, int]:
        """Day → number of visible rows of *table*; empty if the table is not divided by day."""
        rows: Counter[dt.date] = Counter()
        for output in self.outputs(table):
            if output.dt is not None:
                rows[output.dt] += output.rows
        return rows

    def paths(self) -> set[str]:
        """The paths of all visible files, relative to *root*."""
        return {output.path for batch in self.batches for output in batch.outputs}

    def without(self, batch_ids: Collection[str]) -> RawLake:
        """A copy of this lake without the batches *batch_ids*."""
        return replace(self, batches=tuple(b for b in self.batches if b.batch_id not in batch_ids))

    def changed(self, batch_id: str, **changes: Any) -> RawLake:
        """A copy of this lake in which the batch *batch_id* has new values; *changes*: field → new value."""
        batches = (replace(b, **changes) if b.batch_id == batch_id else b for b in self.batches)
        return replace(self, batches=tuple(batches))

    def with_superseded(self, superseded: Mapping[str, int]) -> RawLake:
        """A copy of this lake that counts superseded records as duplicates instead of accepted records.

        An event is superseded if another event with the same id counts instead (see ``records.duplicates``).

        *superseded*: batch id → number of its records that events of other batches supersede. Only batches of files
        count records, so others do not change.
        """
        lake = self
        for batch in self.batches:
            if more := superseded.get(batch.batch_id, 0):
                accepted, duplicates = batch.accepted - more, batch.duplicates + more
                if batch.kind == "file":
                    lake = lake.changed(batch.batch_id, accepted=accepted, duplicates=duplicates)
        return lake

    def files(self, table: str, days: Collection[dt.date] | None = None) -> list[Path]:
        """The visible files of *table*, sorted by path.

        *days*, if given, selects the files of these days; it is ignored if the table is not divided by day.
        """
        if table == "raw.batches":
            return [manifest_file(self.root)] if self.batches else []
        chosen = (o.path for o in self.outputs(table) if days is None or o.dt is None or o.dt in days)
        return [self.root / path for path in sorted(chosen, key=lambda path: path.split("/"))]

    def has_older_columns(self, table: str) -> bool:
        """Whether some files of *table* lack columns, because an earlier version of the program wrote them.

        Such files stay in the lake only if their landing files are gone, so that they cannot be ingested again.
        """
        # Batches with the same fingerprint have the same columns, so one file of each is enough.
        examples = {b.fingerprint: o.path for b in self.batches for o in b.outputs if f"raw.{o.target}" == table}
        return any(RAW_TABLES[table].keys() - _columns_of(self.root / path) - {"dt"} for path in examples.values())

    def damaged(
        self, *, deep: bool, tables: Collection[str] | None = None, days: Collection[dt.date | None] | None = None
    ) -> list[Damage]:
        """The damaged visible files: those that are missing, unreadable, or not of the size that was written.

        If *deep*, the checksums of their contents are compared as well. *tables* (``raw.events``, …) and *days*
        restrict the search if they are given; *days* is ignored for tables that are not divided by day.
        """
        chosen = [
            (batch, output)
            for batch in self.batches
            for output in batch.outputs
            if (tables is None or f"raw.{output.target}" in tables)
            and (days is None or output.dt is None or output.dt in days)
        ]
        checks = [(self.root / o.path, o.bytes, o.digest) for _, o in chosen]
        if not deep:
            found = [fault_of(path, size, None) for path, size, _ in checks]
        else:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                found = list(pool.map(lambda check: fault_of(*check), checks))
        return [
            Damage(self.root / output.path, wrong, batch.batch_id, batch.file)
            for (batch, output), wrong in zip(chosen, found, strict=True)
            if wrong
        ]

    def versions(self, table: str) -> dict[dt.date | None, str]:
        """Day → hash of the content of *table* on that day; empty if the table has no files.

        If the table is not divided by day, the only key is None.
        """
        if table not in RAW_TABLES:
            raise KeyError(table)
        if table == "raw.batches":
            return {None: _hash(repr(batch) for batch in self.batches)} if self.batches else {}
        by_day: dict[dt.date | None, list[str]] = {}
        for output in self.outputs(table):
            by_day.setdefault(output.dt, []).append(output.version)
        return {day: _hash(sorted(versions)) for day, versions in by_day.items()}


def _columns_of(file: Path) -> frozenset[str]:
    """The columns of a raw file; none if it is gone or damaged, which its reader reports."""
    try:
        return _schema(file, file.stat().st_mtime_ns)
    except UNREADABLE:
        return frozenset()


@lru_cache(maxsize=1000)
def _schema(file: Path, _modified_ns: int) -> frozenset[str]:
    return frozenset(pl.read_parquet_schema(file))


def manifest_file(root: Path) -> Path:
    """The path of the manifest of the raw lake below *root*."""
    return root / "batches" / PART


def write_manifest(lake: RawLake) -> None:
    """Make exactly the batches of *lake* visible, atomically. The caller must have the home's lock.

    Raises:
        HeadwaterError: the manifest cannot be written; the old one stays.
    """
    path = manifest_file(lake.root)
    content = io.BytesIO()
    # Not dataclasses.asdict, which copies every value: a third of a second for a year of files.
    rows = [vars(batch) | {"outputs": [vars(output) for output in batch.outputs]} for batch in lake.batches]
    pl.DataFrame(rows, schema=_SCHEMA).write_parquet(content)
    manifest = content.getbuffer()
    sums = checksums_text(path.parent, {PART: Checksum("", len(manifest), digest(manifest))}, {PART})
    with convert_write_errors(path), replacing_all([path.with_name(CHECKSUMS), path]) as (new_sums, new):
        # Write the file here, not with Polars: on a full disk Polars would report a broken file, not the lack of space.
        new.write_bytes(manifest)
        new_sums.write_text(sums, encoding="utf-8")


def _remedy(root: Path) -> str:
    return f"restore it, or remove {root} to ingest all landing files again"


@lru_cache(maxsize=1)  # cached, because each step of a run reads the manifest again
def _batches_in(content: bytes) -> tuple[Batch, ...]:
    return tuple(map(_batch, pl.read_parquet(io.BytesIO(content)).to_dicts()))


def _batch(row: dict[str, Any]) -> Batch:
    outputs = tuple(Output(**output) for output in row["outputs"])
    return Batch(**row | {"warnings": tuple(row["warnings"]), "outputs": outputs})


def _hash(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
