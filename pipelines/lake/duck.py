"""DuckDB sessions: each part of a run opens its own session, in memory, that reads Parquet files.

Here: how a session is set up, and how values and paths become SQL text.
Not here: the queries.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb

from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.scratch import scratch_folder
from pipelines.home.settings import Settings

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FAULTS = (*_FULL, errno.EACCES, errno.EROFS, errno.EISDIR, errno.ENOTDIR, errno.ENOENT, errno.EMFILE, errno.EIO)
"""Errors of a file system that we search for in DuckDB's messages."""


@contextmanager
def session(home: Home, settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB session in memory with the settings' threads and memory limit. It spills to ``<home>/.tmp``.

    Its time zone is UTC, and it loads no extensions. A fault of the machine (disk full, file gone) becomes a
    HeadwaterError, Ctrl-C during a query a KeyboardInterrupt.
    """
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    with ExitStack() as stack:
        stack.callback(connection.close)
        spill = _spill_folder(home, stack)
        connection.execute(f"SET memory_limit = {literal(settings.memory_limit)}")
        connection.execute(f"SET temp_directory = {literal(str(spill or ''))}")
        if settings.threads is not None:
            connection.execute(f"SET threads = {settings.threads}")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        try:
            yield connection
        except duckdb.OutOfMemoryException as error:
            full = f", or {spill.parent} is full" if spill else f" and {home.scratch} cannot be written"
            # Replace DuckDB's message, which names its allocator and pragmas that users cannot set here.
            raise HeadwaterError(
                f"memory_limit {settings.memory_limit} is too small{full}",
                remedy=f"raise memory_limit in {home.settings_file}, free disk space, or query fewer days or columns",
            ) from error
        except duckdb.IOException as error:
            raise file_fault(error) from error
        except RuntimeError as error:
            if str(error) == "Query interrupted":  # DuckDB raises this instead of KeyboardInterrupt
                raise KeyboardInterrupt from error
            raise


def _spill_folder(home: Home, stack: ExitStack) -> Path | None:
    """The folder to spill to; None in a read-only home: queries that fit into memory work without a folder."""
    try:
        return stack.enter_context(scratch_folder(home))
    except OSError:
        return None


def file_fault(error: duckdb.Error) -> HeadwaterError:
    """A short error with the file and the reason; DuckDB's own messages about files are long and vary."""
    text = first_line(error)
    path = re.search(r'"(/[^"\\]+)', text)
    code = next((code for code in _FAULTS if os.strerror(code) in text), None)
    if path is None or (code is None and "No files found" not in text):
        return HeadwaterError(f"cannot read or write a file: {text}")
    remedy = "free disk space and run again" if code in _FULL else ""
    return HeadwaterError(os.strerror(code or errno.ENOENT), where=path[1], remedy=remedy)


def first_line(error: BaseException) -> str:
    """The first line of an exception's message."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def literal(text: str) -> str:
    """*text* as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """*name* as a quoted SQL identifier; both parts of ``schema.table`` are quoted."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


def list_literal(items: Iterable[str | Path]) -> str:
    """*items* as a SQL list of strings."""
    return "[" + ", ".join(literal(str(item)) for item in items) + "]"
