"""Backups of homes: writing a home to one compressed tar file, and making a home from such a file.

Here: what a backup contains, writing and reading the file.
Not here: when backups are made, where they are kept.

A backup is made under the home's lock, so it never contains half of a run. Files keep their modification times to the
nanosecond, because ingestion uses them to recognise files that it has read.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from pipelines.home.errors import HeadwaterError
from pipelines.home.files import convert_write_errors, replacing
from pipelines.home.folder import Home, init_home
from pipelines.home.lock import Tell, home_lock

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_SECOND = 1_000_000_000
"""Nanoseconds in a second."""

FORMAT = 1
"""The version of the file's layout."""

_ABOUT = "headwater-backup.json"
"""The first file in a backup: the format, the number of files and their bytes."""

_TIME = "mtime"
"""The header of a member with its exact time in seconds; tarfile itself would round the time to a float."""

_LEFT_OUT = frozenset({".dagster", ".workbench", ".tmp", ".lock", "headwater.duckdb"})
"""Not in a backup: records of runs, copies for the dashboards and temporary files, which are all made again."""

_SESSIONS = "sessions.sqlite"
"""Not in a backup: the sessions of users, who sign in again."""


@dataclass(frozen=True)
class Backup:
    """The contents of a backup: its number of files, and their bytes before compression."""

    files: int
    bytes: int


def back_up(home: Home, target: Path, tell: Tell, *, has_landing: bool = True) -> Backup:
    """Write a backup of *home* to the file *target*, which must not be in the home.

    The file appears when it is complete. If a run is in progress, wait for its end. If *has_landing* is
    False, the landing files are excluded.

    Raises:
        HeadwaterError: *target* exists or is in the home, or a file cannot be read or written.
    """
    target = target.expanduser().resolve()
    if target.is_relative_to(home.root):
        raise HeadwaterError("a backup cannot be in the home itself", where=target, remedy="name a file elsewhere")
    if target.exists():
        raise HeadwaterError("this file exists already", where=target, remedy="name another, or remove it")
    with home_lock(home, "a backup", tell), convert_write_errors(target):
        found = list(_files(home, has_landing=has_landing))
        size = sum(path.stat().st_size for path in found)
        tell(f"backing up {len(found)} files")
        with (
            replacing(target, mode=0o600) as unfinished,
            zstd.open(unfinished, "wb", level=3) as packed,
            tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
        ):
            _add_about(archive, len(found), size)
            for path in found:
                _add(archive, home, path)
    return Backup(len(found), size)


def restore(source: Path, folder: Path) -> tuple[Home, Backup]:
    """Make a home from the backup *source* in *folder*, a new or empty folder.

    Raises:
        HeadwaterError: *source* is not a complete backup, *folder* is in use, or a file cannot be written.
    """
    folder = folder.expanduser().resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise HeadwaterError("this folder is in use", where=folder, remedy="name a new or an empty one")
    unfinished = folder.with_name(f".{folder.name}.restoring")
    shutil.rmtree(unfinished, ignore_errors=True)
    with convert_write_errors(folder):
        try:
            backup = _unpack(source, unfinished)
            if folder.exists():
                folder.rmdir()
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    home, _ = init_home(folder)
    return home, backup


def _files(home: Home, *, has_landing: bool) -> Iterator[Path]:
    """The files of a backup, in order, without those that are still being written."""
    for folder, names, files in os.walk(home.root):
        here = Path(folder)
        if here == home.root:
            names[:] = [name for name in names if name not in _LEFT_OUT and (has_landing or name != home.landing.name)]
        names.sort()
        for name in sorted(files):
            path = here / name
            is_temporary = name.endswith((".tmp", ".part")) and name.startswith((".", "_", "events"))
            if not (is_temporary or name in _LEFT_OUT or name.startswith(_SESSIONS)) and path.is_file():
                yield path


def _add_about(archive: tarfile.TarFile, files: int, size: int) -> None:
    text = json.dumps({"format": FORMAT, "files": files, "bytes": size}).encode()
    member = tarfile.TarInfo(_ABOUT)
    member.size = len(text)
    archive.addfile(member, io.BytesIO(text))


def _add(archive: tarfile.TarFile, home: Home, path: Path) -> None:
    with path.open("rb") as handle:
        member = archive.gettarinfo(fileobj=handle, arcname=path.relative_to(home.root).as_posix())
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.pax_headers = {_TIME: f"{Decimal(os.fstat(handle.fileno()).st_mtime_ns) / _SECOND:f}"}
        archive.addfile(member, handle)


def _unpack(source: Path, folder: Path) -> Backup:
    try:
        with _opened(source) as archive:
            members = iter(archive)
            about = _about(archive, next(members, None), source)
            count = size = 0
            for member in members:
                archive.extract(member, folder, filter="data")
                changed = int(Decimal(member.pax_headers[_TIME]) * _SECOND)
                os.utime(folder / member.name, ns=(changed, changed))
                count, size = count + 1, size + member.size
    except (tarfile.TarError, zstd.ZstdError, EOFError, KeyError, ValueError, ArithmeticError) as error:
        raise HeadwaterError(f"not a complete backup: {error}", where=source) from error
    if (count, size) != (about["files"], about["bytes"]):
        raise HeadwaterError(f"not a complete backup: it has {count} of {about['files']} files", where=source)
    return Backup(count, size)


@contextmanager
def _opened(source: Path) -> Iterator[tarfile.TarFile]:
    try:
        handle: IO[Any] = source.open("rb")
    except OSError as error:
        raise HeadwaterError(f"cannot be read: {error.strerror}", where=source) from error
    with handle, zstd.open(handle, "rb") as packed, tarfile.open(fileobj=packed, mode="r|") as archive:
        yield archive


def _about(archive: tarfile.TarFile, member: tarfile.TarInfo | None, source: Path) -> dict[str, int]:
    content = archive.extractfile(member) if member is not None and member.name == _ABOUT else None
    if content is None:
        raise HeadwaterError("not a backup that 'headwater backup' wrote", where=source)
    about: dict[str, int] = json.loads(content.read())
    if about["format"] != FORMAT:
        raise HeadwaterError(
            f"this backup has format {about['format']}, this version reads format {FORMAT}",
            where=source,
            remedy="restore it with the version that wrote it",
        )
    return about
