"""The lines of a landing file, decompressed, even if the file is truncated.

Here: raw lines with their numbers, for files that DuckDB cannot read.
Not here: records made of lines (``pipelines.ingest.files.records``), or reading files with DuckDB
(``pipelines.ingest.files.reading``).
"""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any
from uuid import uuid4

from pipelines.ingest.files.discover import LandedFile

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BOM = b"\xef\xbb\xbf"
LONGEST_LINE = {"ndjson": 16_000_000, "csv": 2_000_000}
"""The most bytes of a line; the limits of DuckDB's readers are slightly higher."""

_SHOWN_OF_LONG_LINE = 1_000
_DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError)
_BREAKS_OFF = "the file breaks off here"


@dataclass(frozen=True)
class Line:
    """A line and its line break *end*. *fault* says if it is truncated or too long; then *content* is its beginning."""

    number: int
    content: bytes
    fault: str | None = None
    end: bytes = b"\n"


class Lines:
    """The lines of a landing file, decompressed and without a byte-order mark.

    After an iteration, *damage* says why the file ended early (None if it is complete), and *has_bom* whether it began
    with a byte-order mark. Iterating raises OSError if the file cannot be opened or decompressed at all.
    """

    def __init__(self, file: LandedFile) -> None:
        self.damage: str | None = None
        self.has_bom = False
        self._file = file
        # A carriage return without a line feed ends a line of CSV; in JSON it counts as a blank.
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
        """Each line with its line break, and its fault.

        Only the beginning of a line that is too long is kept in memory.
        """
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
        """The lines of *text* with their line breaks; the last item, perhaps empty, is a line that may continue."""
        if self._breaks_at_returns:
            lines = text.splitlines(keepends=True)
            return lines if lines and not lines[-1].endswith(b"\n") else [*lines, b""]
        *ended, rest = text.split(b"\n")
        return [*(line + b"\n" for line in ended), rest]

    def _blocks(self) -> Iterator[bytes]:
        with _open(self._file) as handle:
            while True:
                try:
                    block = handle.read1(1 << 20)
                except _DAMAGE as error:
                    self.damage = f"breaks off or is damaged ({error})"
                    return
                if not block:
                    return
                yield block


def is_complete(file: LandedFile) -> bool:
    """Whether a compressed file is not truncated and matches its checksums; True if *file* is not compressed.

    DuckDB reads a truncated zstd file without an error, and does not verify the checksums of gzip.

    Raises:
        OSError: the file cannot be opened.
    """
    if not file.compression:
        return True
    with _open(file) as handle:
        try:
            while handle.read(1 << 20):
                pass
        except _DAMAGE:
            return False
    return True


def _open(file: LandedFile) -> BufferedReader:
    openers: dict[str, Callable[..., Any]] = {"": open, "gzip": gzip.open, "zstd": zstd.open}
    handle: BufferedReader = openers[file.compression](file.path, "rb")
    return handle


def _too_long(kind: str) -> str:
    return f"line longer than {LONGEST_LINE[kind] // 1_000_000} MB"


def without_glob(path: Path, scratch: Path) -> Path:
    """*path*, or a link to it in *scratch* if DuckDB would read its name as a glob."""
    if not any(sign in str(path) for sign in "*?["):
        return path
    link = scratch / uuid4().hex
    link.symlink_to(path.absolute())
    return link
