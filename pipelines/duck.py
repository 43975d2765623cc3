"""DuckDB sessions: each step opens one of its own, in memory, over Parquet.

Here: how a session is set up, and how values and paths become SQL text.
Not here: what a session runs.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import duckdb

from pipelines.errors import HeadwaterError
from pipelines.home import Home
from pipelines.settings import Settings


@contextmanager
def session(home: Home, settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB session in memory with the settings' threads and memory limit, spilling under ``<home>/.tmp``.

    Its time zone is UTC; it loads no extension from elsewhere. A fault of the machine (disk full, file
    gone) leaves it as a HeadwaterError.
    """
    spill = home.root / ".tmp" / uuid4().hex
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    try:
        connection.execute(f"SET memory_limit = {literal(settings.memory_limit)}")
        connection.execute(f"SET temp_directory = {literal(str(spill))}")
        if settings.threads is not None:
            connection.execute(f"SET threads = {settings.threads}")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        yield connection
    except duckdb.OutOfMemoryException as error:
        raise HeadwaterError(
            f"memory_limit {settings.memory_limit} is too small, or {spill.parent} is full: {first_line(error)}"
        ) from error
    except duckdb.IOException as error:
        raise HeadwaterError(f"cannot read or write a file: {first_line(error)}") from error
    finally:
        connection.close()
        shutil.rmtree(spill, ignore_errors=True)


def first_line(error: BaseException) -> str:
    """The first line of an exception's message."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def literal(text: str) -> str:
    """*text* as a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """*name* as a quoted SQL identifier; a table's ``schema.name`` is quoted in both parts."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


def list_literal(items: Iterable[str | Path]) -> str:
    """*items* as a SQL list of strings."""
    return "[" + ", ".join(literal(str(item)) for item in items) + "]"
