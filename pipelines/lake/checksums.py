"""Checksums: the size and the hash that each file of a folder had when it was written.

Here: the file ``.checksums`` in a table's folder, and comparing files with it. DuckDB itself detects a flipped bit in
a Parquet file only sometimes; otherwise it returns wrong values.
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
"""A hidden name, so that programs that read all Parquet files of the folder ignore it."""

_OWN = "#"
"""The last line begins with this sign; it is the hash of the lines before it."""
_WRITTEN = "@"
"""The line with the time of writing begins with this sign. It makes every version of ``.checksums`` different."""
_DIGITS = 16
_KEPT = 2
"""Checksums kept for each file: of its current content and of the content before.

We write the checksum before we replace the file. Until the file is replaced, and if a crash prevents this, the old file
must not be taken for damaged: its version tells which checksum is its own.
"""


@dataclass(frozen=True)
class Checksum:
    """A file as it was written: the version in its footer ('' if none), its size in bytes, a hash of its content."""

    version: str
    size: int
    digest: str


Checksums = Mapping[str, tuple[Checksum, ...]]
"""Path relative to the folder (``dt=2026-11-20/part-0.parquet``) → its checksums, the newest last."""


def digest(content: bytes | memoryview) -> str:
    """A hash of *content*, the same as ``digest_of`` computes for a file."""
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def digest_of(path: Path) -> str:
    """A hash of the content of *path*.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:_DIGITS]


def fault_of(path: Path, size: int | None, expected: str | None) -> str:
    """What is wrong with *path*; '' if its size in bytes is *size* and its hash is *expected* (None: not compared)."""
    try:
        found = path.stat().st_size
        if size is not None and found != size:
            return f"has {found:,} bytes instead of {size:,}"
        if expected is not None and digest_of(path) != expected:
            return "has changed since it was written"
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
    """The checksums of *files* (path, version), in the same order. Several files are read in parallel.

    Raises:
        OSError: one cannot be read.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda file: checksum_of(*file), files))


def read_checksums(folder: Path) -> Checksums:
    """The checksums of the files in *folder*. Damaged lines are skipped, so the result may lack some files.

    Raises:
        HeadwaterError: ``.checksums`` exists but cannot be read.
    """
    content = _content(folder).decode(errors="replace")
    found: dict[str, tuple[Checksum, ...]] = {}
    for line in content.split("\n"):
        name, *fields = line.split("\t")
        if len(fields) == 3 and fields[1].isdecimal():
            found[name] = (*found.get(name, ()), Checksum(fields[0], int(fields[1]), fields[2]))
    return found


def are_sound(folder: Path) -> bool:
    """Whether ``.checksums`` in *folder* itself is undamaged, or does not exist.

    Raises:
        HeadwaterError: it cannot be read.
    """
    content = _content(folder)
    text, mark, own = content.rpartition(f"{_OWN}\t".encode())
    return not content or (bool(mark) and own == f"{digest(text)}\n".encode())


def checksums_hash(folder: Path) -> str:
    """The hash in the last line of ``.checksums`` in *folder*, which changes with the file; '' if it does not exist.

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
    """The text of ``.checksums`` in *folder* after adding the checksums *new*.

    Files that are neither in *new* nor in *present* are dropped.

    Raises:
        HeadwaterError: ``.checksums`` exists but cannot be read.
    """
    kept = {name: sums for name, sums in read_checksums(folder).items() if name in present or name in new}
    for name, checksum in new.items():
        kept[name] = (*kept.get(name, ()), checksum)[-_KEPT:]
    text = "".join(_line(name, one) for name, sums in sorted(kept.items()) for one in sums)
    text += f"{_WRITTEN}\t{time.time_ns()}\n"
    return f"{text}{_OWN}\t{digest(text.encode())}\n"


def is_undamaged(path: str, version: str, sums: Iterable[Checksum], *, deep: bool) -> bool:
    """Whether *path* has the size, and if *deep* also the content, of one of the checksums *sums* with *version*."""
    try:
        size = os.stat(path).st_size  # noqa: PTH116  # called for each file of the lake
        alike = [one for one in sums if one.version == version and one.size == size]
        return bool(alike) and (not deep or digest_of(Path(path)) in {one.digest for one in alike})
    except OSError:
        return False


def undamaged_files(files: Iterable[tuple[str, str, Iterable[Checksum]]], *, deep: bool) -> list[bool]:
    """``is_undamaged`` for many files (path, version, checksums), in the same order; in parallel if *deep*."""
    given = [(path, version, tuple(sums)) for path, version, sums in files]
    if not deep:
        return [is_undamaged(*one, deep=False) for one in given]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda one: is_undamaged(*one, deep=True), given))
