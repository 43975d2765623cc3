"""The bytes of a landing file, line by line, however it is compressed and wherever it breaks off.

Here: raw lines with their numbers, which the slow paths need.
Not here: the records that they make up (``pipelines.ingest.records``), or reading whole files into DuckDB
(``pipelines.ingest.reading``); clean files never come this way.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol
from uuid import uuid4

import duckdb

from pipelines.ingest.discover import LandedFile
from pipelines.lake.duck import first_line, literal

BOM = b"\xef\xbb\xbf"
LONGEST_LINE = {"ndjson": 16_000_000, "csv": 2_000_000}
"""Bytes of the longest line that DuckDB's readers take (their limits are a little above)."""

_SHOWN_OF_LONG_LINE = 1_000
_DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error)
_BREAKS_OFF = "the file breaks off here"
_NO_DELIMITER = "\x01\x02\x03\x04"


@dataclass(frozen=True)
class Line:
    """A line without the break that ends it. *fault*: it is too long, and only its beginning is here, or breaks off."""

    number: int
    content: bytes
    fault: str | None = None
    end: bytes = b"\n"


class Lines(Protocol):
    """Lines, whether a byte-order mark stood before them, and what broke them off, once they are read."""

    damage: str | None
    has_bom: bool

    def __iter__(self) -> Iterator[Line]:
        """The lines in order."""


class ByteLines:
    """The lines of a plain or gzip file; a byte-order mark at its start is left out."""

    def __init__(self, file: LandedFile) -> None:
        self.damage: str | None = None
        self.has_bom = False
        self._file = file
        # A carriage return alone ends a line of CSV; in JSON it is a blank.
        self._breaks_at_returns = file.format == "csv"

    def __iter__(self) -> Iterator[Line]:
        number = 0
        for number, (line, fault) in enumerate(self._pieces(), 1):
            content = line.rstrip(b"\r\n") if self._breaks_at_returns else line.removesuffix(b"\n").removesuffix(b"\r")
            end = line[len(content) :] or b"\n"
            if number == 1 and content.startswith(BOM):
                self.has_bom = True
                content = content.removeprefix(BOM)
            yield Line(number, content, fault, end)
        if self.damage and not number:
            raise OSError(self.damage)

    def _pieces(self) -> Iterator[tuple[bytes, str | None]]:
        """Each line with its break, and its fault; of an over-long one only the beginning is held in memory."""
        limit = LONGEST_LINE[self._file.format]
        rest, beginning = b"", b""
        for block in self._blocks():
            *lines, rest = self._split(rest + block)
            for line in lines:
                if beginning or len(line) > limit:
                    yield (beginning or line)[:_SHOWN_OF_LONG_LINE], _too_long(self._file.format)
                    beginning = b""
                else:
                    yield line, None
            if beginning or len(rest) > limit:
                beginning, rest = beginning or rest[:_SHOWN_OF_LONG_LINE], b""
        if beginning:
            yield beginning, _too_long(self._file.format)
        elif rest:
            yield rest, _BREAKS_OFF if self.damage else None

    def _split(self, text: bytes) -> list[bytes]:
        """The lines of *text* with their breaks, then what may go on in the next block."""
        if self._breaks_at_returns:
            lines = text.splitlines(keepends=True)
            return lines if lines and not lines[-1].endswith(b"\n") else [*lines, b""]
        *whole, rest = text.split(b"\n")
        return [*(line + b"\n" for line in whole), rest]

    def _blocks(self) -> Iterator[bytes]:
        opener = gzip.open if self._file.compression else open
        with opener(self._file.path, "rb") as handle:
            while True:
                try:
                    block = handle.read1(1 << 20)
                except _DAMAGE as error:
                    self.damage = f"breaks off or is damaged ({error})"
                    return
                if not block:
                    return
                yield block


class ZstdLines:
    """The lines of a zstd file. Python reads none before 3.14, so DuckDB does, as text in which a byte is a letter."""

    def __init__(self, file: LandedFile, scratch: Path, at_most: int | None) -> None:
        self.damage: str | None = None if zstd_is_whole(file.path) else "breaks off or is damaged"
        self.has_bom = False
        self._file = file
        self._path = without_glob(file.path, scratch)
        self._copy = scratch / f"{uuid4().hex}.ndjson"
        self._limit = "" if at_most is None else f" LIMIT {at_most}"

    def __iter__(self) -> Iterator[Line]:
        self._decompress()
        limit = LONGEST_LINE[self._file.format]
        with self._copy.open(encoding="utf-8") as handle:
            row = next(handle, None)
            number = 0
            while row is not None:
                following = next(handle, None)
                number += 1
                content = (json.loads(row).get("line") or "").encode("latin-1")
                if number == 1 and content.startswith(BOM):
                    self.has_bom = True
                    content = content.removeprefix(BOM)
                if len(content) > limit:
                    yield Line(number, content[:_SHOWN_OF_LONG_LINE], _too_long(self._file.format))
                else:
                    yield Line(number, content, _BREAKS_OFF if self.damage and following is None else None)
                row = following
        self._copy.unlink()

    def _decompress(self) -> None:
        query = (
            f"SELECT line FROM read_csv({literal(str(self._path))}, columns = {{'line': 'VARCHAR'}}, "
            f"auto_detect = false, header = false, delim = {literal(_NO_DELIMITER)}, quote = '', escape = '', "
            "encoding = 'latin-1', compression = 'zstd', max_line_size = 256000000, strict_mode = false, "
            f"parallel = false, hive_partitioning = false){self._limit}"
        )
        try:
            with duckdb.connect() as connection:
                connection.execute(f"COPY ({query}) TO {literal(str(self._copy))} (FORMAT json)")
        except duckdb.Error as error:
            raise OSError(f"cannot be decompressed ({first_line(error)})") from error


def lines_of(file: LandedFile, scratch: Path, at_most: int | None = None) -> Lines:
    """The lines of *file*, or its first *at_most* at least; *scratch* is a folder for a decompressed copy.

    Iterating raises OSError where the file cannot be opened or decompressed at all.
    """
    return ZstdLines(file, scratch, at_most) if file.compression == "zstd" else ByteLines(file)


def _too_long(kind: str) -> str:
    return f"line longer than {LONGEST_LINE[kind] // 1_000_000} MB"


def without_glob(path: Path, scratch: Path) -> Path:
    """*path*, or a link to it in *scratch* where DuckDB would take its name for a pattern of names."""
    if not any(sign in str(path) for sign in "*?["):
        return path
    link = scratch / uuid4().hex
    link.symlink_to(path.absolute())
    return link


def gzip_is_whole(path: Path) -> bool:
    """Whether a gzip file's content has the checksums that its streams end with, which DuckDB does not compare.

    Raises:
        OSError: it cannot be opened.
    """
    with gzip.open(path) as handle:
        try:
            while handle.read(1 << 20):
                pass
        except _DAMAGE:
            return False
    return True


def zstd_is_whole(path: Path) -> bool:
    """Whether a zstd file's frames end where they should; a decompressor may take a cut one for a short one.

    Walks the block headers of RFC 8878 without decompressing anything.

    Raises:
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        while handle.tell() < size:
            if not _skip_frame(handle) or handle.tell() > size:
                return False
    return True


def _skip_frame(handle: IO[bytes]) -> bool:
    magic = int.from_bytes(handle.read(4), "little")
    if magic & 0xFFFFFFF0 == 0x184D2A50:  # a skippable frame: its length, then as many bytes
        handle.seek(int.from_bytes(handle.read(4), "little"), 1)
        return True
    descriptor = handle.read(1)
    if magic != 0xFD2FB528 or not descriptor:
        return False
    flags = descriptor[0]
    single_segment, checksum = flags >> 5 & 1, flags >> 2 & 1
    dictionary = (0, 1, 2, 4)[flags & 3]
    content_size = (single_segment, 2, 4, 8)[flags >> 6]
    handle.seek(dictionary + content_size + (0 if single_segment else 1), 1)
    while True:
        header = handle.read(3)
        if len(header) < 3:
            return False
        block = int.from_bytes(header, "little")
        is_last, kind, length = block & 1, block >> 1 & 3, block >> 3
        handle.seek(1 if kind == 1 else length, 1)  # kind 1 repeats one byte
        if is_last:
            handle.seek(4 * checksum, 1)
            return True
