"""Finds files below ``landing/<source>/`` that are not in the lake yet.

Here: matching files with relations, skipping files that are still being written, and batch ids.
Not here: the content of the files (``pipelines.ingest.files.reading``).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

from pipelines.home.folder import Home
from pipelines.ingest.batches import Batch
from pipelines.ingest.sources.source import Source

SETTLE_SECONDS = 2.0
"""A file that was modified less than this long ago may still be growing."""

_BEING_WRITTEN = re.compile(r"^[._]|\.(tmp|temp|part|partial|crdownload|download|filepart|swp|lock)$|~$", re.IGNORECASE)
_FORMATS = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "ndjson",
    ".log": "ndjson",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
}
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}


@dataclass(frozen=True)
class LandedFile:
    """A landing file of a relation. *file* is relative to the landing folder; *compression* is gzip, zstd or ''."""

    source: str
    relation: str
    path: Path
    file: str
    format: str
    compression: str
    size: int
    modified_ns: int

    @property
    def modified_at(self) -> dt.datetime:
        """The file's modification time (UTC, without an offset, microseconds)."""
        return modified_at(self.modified_ns)

    def is_unchanged(self) -> bool:
        """Whether size and time of the file have not changed since it was found.

        Raises:
            OSError: the file is gone or not accessible.
        """
        now = self.path.stat()
        return (now.st_size, now.st_mtime_ns) == (self.size, self.modified_ns)

    def batch_id(self) -> str:
        """The id of the batch that the file becomes: a hash of the file's path and content.

        Raises:
            OSError: the file cannot be read.
        """
        return batch_id_of(self.path, self.file)


def batch_id_of(path: Path, file: str) -> str:
    """The batch id that the content of *path* has under the name *file* in the landing folder.

    Raises:
        OSError: the file *path* cannot be read.
    """
    digest = hashlib.sha256(f"{file}\n".encode())
    with path.open("rb", buffering=0) as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:16]


def is_as_ingested(landing: Path, batch: Batch, *, deep: bool = False) -> bool:
    """Whether the file of *batch* is still below *landing* and unchanged since it was ingested.

    The size is compared first. If the modification time differs, or if *deep*, the content is compared too. Landing
    files have no separate checksum: the batch id is one.
    """
    path = landing / batch.file
    try:
        stat = path.stat()
        if stat.st_size != batch.bytes:
            return False
        if not deep and modified_at(stat.st_mtime_ns) == batch.modified_at:
            return True
        return batch_id_of(path, batch.file) == batch.content_id
    except OSError:
        return False


def modified_at(nanoseconds: int) -> dt.datetime:
    """A modification time as a batch stores it (UTC, without an offset, microseconds)."""
    return dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=nanoseconds // 1000)


@dataclass
class Landing:
    """What is in the landing folder: the files to ingest (*pending*), and errors and warnings, a line each."""

    pending: list[LandedFile] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def discover(home: Home, sources: Iterable[Source], known: Iterable[Batch]) -> Landing:
    """The files to ingest, in the order of source, relation and name.

    A file with the path, size and modification time of a *known* batch is skipped.
    """
    landing = Landing()
    seen = {(batch.file, batch.bytes, batch.modified_at) for batch in known}
    sources = list(sources)
    _report_unknown_sources(home, {source.name for source in sources}, landing)
    for source in sources:
        unclaimed: list[str] = []
        found: dict[str, list[LandedFile]] = {name: [] for name in source.relations}
        for path in _walk(home.landing / source.name, home.landing, landing):
            file = _claim(source, home.landing, path, landing, unclaimed)
            if file is not None and (file.file, file.size, file.modified_at) not in seen:
                found[file.relation].append(file)
        for files in found.values():
            landing.pending += sorted(files, key=lambda file: file.file)
        if unclaimed:
            landing.warnings.append(
                f"landing/{source.name}: {len(unclaimed)} files belong to no relation of the source, "
                f"e.g. {sorted(unclaimed)[0]}; expected {', '.join(r.glob for r in source.relations.values())}"
            )
    return landing


def settled(files: Iterable[LandedFile], seconds: float) -> tuple[list[LandedFile], list[str]]:
    """The files that are no longer being written, and a line for the user about each of the others.

    A file that was modified less than *seconds* ago counts as complete if it does not change until it is that old. The
    function waits for all such files together.
    """
    files = list(files)
    now = time.time()
    ages = [now - file.modified_ns / 1e9 for file in files]
    # A modification time in the future does not say when the file was written, so wait the full *seconds*.
    waits = [seconds - age if age >= 0 else seconds for age in ages]
    if max(waits, default=0.0) > 0:
        time.sleep(max(waits))
    ready, lines = [], []
    for file, wait in zip(files, waits, strict=True):
        try:
            if wait <= 0 or file.is_unchanged():
                ready.append(file)
            else:
                lines.append(f"landing/{file.file}: still being written; the next run will read it")
        except OSError as error:
            lines.append(f"landing/{file.file}: cannot be read: {error.strerror}")
    return ready, lines


def _report_unknown_sources(home: Home, names: set[str], landing: Landing) -> None:
    try:
        folders = sorted(entry.name for entry in os.scandir(home.landing) if not _BEING_WRITTEN.search(entry.name))
    except OSError:
        return
    landing.warnings += [
        f"landing/{_printable(name)}: no source of that name; expected one of {', '.join(sorted(names))}"
        for name in folders
        if name not in names
    ]


def _walk(folder: Path, root: Path, landing: Landing) -> Iterator[Path]:
    """The files below *folder*, except hidden and unfinished files and links to targets outside of *root*."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    except OSError as error:
        landing.errors.append(f"{_shown(folder, root)}: cannot be read: {error.strerror}")
        return
    for entry in entries:
        path = Path(entry.path)
        if _BEING_WRITTEN.search(entry.name):
            continue
        if entry.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
            landing.errors.append(f"{_shown(path, root)}: a link to a file elsewhere is not read; copy the file here")
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(path, root, landing)
        elif entry.is_file():
            yield path
        else:
            found = "a link to what is not there" if entry.is_symlink() else "not a file"
            landing.errors.append(f"{_shown(path, root)}: {found}; remove it or put the file there")


def _claim(source: Source, root: Path, path: Path, landing: Landing, unclaimed: list[str]) -> LandedFile | None:
    """*path* as a landing file of the first relation of *source* whose glob it matches.

    None if no glob matches (then *unclaimed* gets the name) or it cannot be ingested (then *landing* gets an error).
    """
    file = path.relative_to(root).as_posix()
    try:
        file.encode()
    except UnicodeEncodeError:
        landing.errors.append(f"{_shown(path, root)}: its name is not UTF-8; rename it")
        return None
    below = file.removeprefix(f"{source.name}/")
    relation = next((n for n, r in source.relations.items() if _pattern(r.glob).fullmatch(below)), None)
    if relation is None:
        unclaimed.append(file)
        return None
    if _format(source, relation, file) is None:
        landing.errors.append(
            f"landing/{file}: unknown format; expected a name that ends in .ndjson, .csv or .parquet "
            "(.gz or .zst may follow), or set 'format' in source.yaml"
        )
        return None
    found = landed_file(root, source, relation, file)
    if found is None:
        landing.errors.append(f"landing/{file}: cannot be read: it is gone or not accessible")
    return found


def landed_file(root: Path, source: Source, relation: str, file: str) -> LandedFile | None:
    """*file*, a path below *root*, as a landing file of *relation*; None if it is gone or its format is unknown."""
    path = root / file
    kind = _format(source, relation, file)
    try:
        status = path.stat()
    except OSError:
        return None
    compression = COMPRESSIONS.get(path.suffix.lower(), "")
    if kind is None:
        return None
    return LandedFile(source.name, relation, path, file, kind, compression, status.st_size, status.st_mtime_ns)


def _format(source: Source, relation: str, file: str) -> str | None:
    """The format that *relation* declares; if that is auto, the format of the file's suffix, None if it is unknown."""
    declared = source.relations[relation].format
    path = PurePosixPath(file)
    plain = path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path
    return _FORMATS.get(plain.suffix.lower()) if declared == "auto" else declared


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    """A glob as a regular expression: ``**`` spans folders, ``*`` and ``?`` stay within one."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return re.compile("".join(parts.get(piece, re.escape(piece)) for piece in pieces), re.DOTALL)


def _shown(path: Path, root: Path) -> str:
    return f"landing/{_printable(path.relative_to(root).as_posix())}"


def _printable(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()
