"""Traces of a person outside of the lake: in Dagster's records, messages, reports, the dashboards' log and results.

Here: removing the ids from these files.
Not here: the dashboards' copy of the lake, which is made again (``pipelines.commands.forget``).
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from pipelines.forget.search import SQLITE, Ids, texts_of
from pipelines.home.errors import HeadwaterError
from pipelines.home.files import convert_write_errors, write_file
from pipelines.home.folder import Home
from pipelines.ingest.forgotten import REASON

_WAIT_SECONDS = 60.0


def erase_traces(home: Home, ids: Ids) -> list[Path]:
    """Remove *ids* from everything in *home* but landing, lake and configuration; returns the reports to write again.

    In Dagster's records and in messages of alerts they are replaced by 'forgotten'. Reports, results of queries and
    lines of the query log are removed if they contain one of the ids.

    Raises:
        HeadwaterError: a file cannot be read or written.
    """
    for path in _files(home.dagster):
        if path.name.endswith(("-wal", "-shm")):  # SQLite's own files, which vanish when the database is closed
            continue
        with convert_write_errors(path):
            if _is_database(path):
                _erase_from_database(path, ids)
            else:
                _replace(path, ids)
    for path in _files(home.alerts):
        _replace(path, ids)
    _erase_lines(home.query_log, ids)
    for path in _files(home.query_results):
        _remove_if_named(path, ids)
    return [path for path in _files(home.reports) if _remove_if_named(path, ids)]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _replace(path: Path, ids: Ids) -> None:
    with convert_write_errors(path):
        if ids.text and ids.lines_in(path.read_bytes()):
            write_file(path, ids.text.sub(REASON.encode(), path.read_bytes()))


def _is_database(path: Path) -> bool:
    with path.open("rb") as handle:
        return handle.read(len(SQLITE)) == SQLITE


def _remove_if_named(path: Path, ids: Ids) -> bool:
    with convert_write_errors(path):
        if not ids.lines_in(path.read_bytes()):
            return False
        path.unlink()
    return True


def _erase_lines(path: Path, ids: Ids) -> None:
    with convert_write_errors(path):
        if path.exists() and ids.lines_in(path.read_bytes()):
            lines = path.read_bytes().splitlines(keepends=True)
            write_file(path, b"".join(line for line in lines if not ids.lines_in(line)))


def _erase_from_database(path: Path, ids: Ids) -> None:
    """Replace *ids* in all texts of a SQLite database, and rewrite its file so that free pages lose them, too."""
    if ids.text is None:
        return
    pattern = re.compile(ids.text.pattern.decode())
    try:
        with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS)) as connection:
            # A function of our own, because SQL's replace would also change longer words that contain an id.
            connection.create_function("erased", 1, lambda text: pattern.sub(REASON, text), deterministic=True)
            changed = 0
            for table, column in texts_of(connection):
                for written in ids.spellings:
                    found = f'typeof("{column}") = \'text\' AND instr("{column}", ?) > 0'
                    statement = f'UPDATE "{table}" SET "{column}" = erased("{column}") WHERE {found}'
                    changed += connection.execute(statement, (written,)).rowcount
            connection.commit()
            if changed or ids.lines_in(path.read_bytes()):
                connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise HeadwaterError(
            f"cannot be changed: {error}", where=path, remedy="stop Dagster's processes, then run the command again"
        ) from error
