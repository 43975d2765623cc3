"""Checksums: the size and the hash that each file of a folder had when it was written.

Here: the file ``.checksums`` of a table's folder, and comparing files with it. DuckDB notices a flipped bit in a
Parquet file only now and then; otherwise it returns other values.
Not here: which files a table has (``pipelines.lake.partitions``), what to do about a damaged one
(``pipelines.compute.run``).
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pipelines.home.errors import HeadwaterError

NAME = ".checksums"
"""Hidden, so that no reader of the folder's Parquet files meets it."""

_OWN = "#"
"""Where the last line, the hash of those before it, begins."""
_WRITTEN = "@"
"""Where the line begins that says when the checksums were written: so each writing differs from all others."""
_DIGITS = 16
_KEPT = 2
"""Checksums that a file may have: that of its content now, and of its content before the last writing.

They are written before the file is replaced. So a reader, or the next run after a crash in between, finds the old file
whole as well as the new one. That an old file is old is seen by its version.
"""


@dataclass(frozen=True)
class Checksum:
    """What a file had when it was written: the version in its footer ('' without one), its bytes, a hash of them."""

    version: str
    size: int
    digest: str


Checksums = Mapping[str, tuple[Checksum, ...]]
"""By name below the folder (``dt=2026-11-20/part-0.parquet``), the newest last."""


def digest(content: bytes | memoryview) -> str:
    """A hash of *content*, as ``digest_of`` makes it of a file."""
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def digest_of(path: Path) -> str:
    """A hash of the content of *path*.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:_DIGITS]


def fault_of(path: Path, size: int | None, expected: str | None) -> str:
    """What is wrong with *path*, which had *size* bytes with the hash *expected* (None: unknown); '' if nothing is."""
    try:
        found = path.stat().st_size
        if size is not None and found != size:
            return f"has {found:,} bytes instead of {size:,}"
        if expected is not None and digest_of(path) != expected:
            return "has other content than was written"
    except OSError as error:
        return "is gone" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
    return ""


def checksum_of(path: Path, version: str = "") -> Checksum:
    """The checksum of *path* as it is now.

    Raises:
        OSError: it cannot be read.
    """
    return Checksum(version, path.stat().st_size, digest_of(path))


def checksums_of(files: Iterable[tuple[Path, str]]) -> list[Checksum]:
    """The checksums of files with their versions, in their order, several at once.

    Raises:
        OSError: one cannot be read.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda file: checksum_of(*file), files))


def read_checksums(folder: Path) -> Checksums:
    """The checksums of the files of *folder*; lines that are damaged themselves are left out, so their file has none.

    Raises:
        HeadwaterError: there are checksums that cannot be read.
    """
    content = _content(folder).decode(errors="replace")
    found: dict[str, tuple[Checksum, ...]] = {}
    for line in content.split("\n"):
        name, *fields = line.split("\t")
        if len(fields) == 3 and fields[1].isdecimal():
            found[name] = (*found.get(name, ()), Checksum(fields[0], int(fields[1]), fields[2]))
    return found


def are_sound(folder: Path) -> bool:
    """Whether ``.checksums`` of *folder* is itself as it was written, or not there at all.

    Raises:
        HeadwaterError: it cannot be read.
    """
    content = _content(folder)
    text, mark, own = content.rpartition(f"{_OWN}\t".encode())
    return not content or (bool(mark) and own == f"{digest(text)}\n".encode())


def last_writing(folder: Path) -> str:
    """What tells a writing of ``.checksums`` of *folder* from all others: the hash of its lines; '' without the file.

    Raises:
        HeadwaterError: it cannot be read.
    """
    return _content(folder).rpartition(f"{_OWN}\t".encode())[2].decode(errors="replace").strip()


def _content(folder: Path) -> bytes:
    path = folder / NAME
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        raise HeadwaterError(f"cannot be read: {error.strerror}", where=path) from error


def _line(name: str, one: Checksum) -> str:
    return f"{name}\t{one.version}\t{one.size}\t{one.digest}\n"


def checksums_text(folder: Path, new: Mapping[str, Checksum], present: Collection[str]) -> str:
    """What ``.checksums`` of *folder* is to be once files get the checksums *new*.

    Those of files that are neither new nor *present* are left out.

    Raises:
        HeadwaterError: there are checksums that cannot be read.
    """
    kept = {name: sums for name, sums in read_checksums(folder).items() if name in present or name in new}
    for name, checksum in new.items():
        kept[name] = (*kept.get(name, ()), checksum)[-_KEPT:]
    text = "".join(_line(name, one) for name, sums in sorted(kept.items()) for one in sums)
    text += f"{_WRITTEN}\t{time.time_ns()}\n"
    return f"{text}{_OWN}\t{digest(text.encode())}\n"


def is_whole(path: Path, version: str, sums: Iterable[Checksum], *, deep: bool) -> bool:
    """Whether *path* is as it was written with *version*: by its size, or if *deep* by its content as well."""
    try:
        size = path.stat().st_size
        alike = [one for one in sums if one.version == version and one.size == size]
        return bool(alike) and (not deep or digest_of(path) in {one.digest for one in alike})
    except OSError:
        return False


def whole_files(files: Iterable[tuple[Path, str, Iterable[Checksum]]], *, deep: bool) -> list[bool]:
    """``is_whole`` of many files (path, version, checksums), in their order, several at once if *deep*."""
    given = [(path, version, tuple(sums)) for path, version, sums in files]
    if not deep:
        return [is_whole(*one, deep=False) for one in given]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda one: is_whole(*one, deep=True), given))
