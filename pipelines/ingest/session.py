"""The DuckDB session that the steps of an ingestion share.

Here: the session, the scratch folder, and the names of the tables that one step makes for the next.
Not here: the steps (``pipelines.ingest.group``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.scratch import scratch_folder
from pipelines.home.settings import Settings
from pipelines.ingest.forgotten import Forgotten
from pipelines.lake.duck import session

FILES = "__files"
"""The table with batch_id and landed_at of the files that are being ingested."""


def validated_table(target: str) -> str:
    """Name of the table of a target's typed and validated rows, in the order of their records."""
    return f"__validated_{target}"


def checked_view(target: str) -> str:
    """Name of the view of the rows of ``validated_table``, with their record_no and that table's row id (``row``)."""
    return f"__checked_{target}"


def excluded_table(target: str) -> str:
    """Name of the table (row, is_duplicate) that lists the rows of ``checked_view`` that are not stored."""
    return f"__left_out_{target}"


def kept_view(target: str) -> str:
    """Name of the view of a target's rows that are stored: those of ``checked_view`` that are not excluded."""
    return f"__kept_{target}"


@dataclass(frozen=True)
class Session:
    """A DuckDB session, a scratch folder for temporary files, the settings, and the forgotten persons."""

    connection: duckdb.DuckDBPyConnection
    scratch: Path
    settings: Settings
    forgotten: Forgotten

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of *query*."""
        return self.connection.execute(query).fetchall()

    def run(self, statement: str) -> None:
        """Execute *statement*."""
        self.connection.execute(statement)


@contextmanager
def ingest_session(home: Home, settings: Settings) -> Iterator[Session]:
    """A session for one ingestion; its scratch folder is removed at the end.

    Raises:
        HeadwaterError: the home cannot be written, or its list of forgotten persons cannot be read.
    """
    with ExitStack() as stack:
        try:
            scratch = stack.enter_context(scratch_folder(home))
        except OSError as error:
            raise HeadwaterError(f"cannot be written: {error.strerror}", where=home.scratch) from error
        connection = stack.enter_context(session(home, settings))
        connection.execute("SET parquet_metadata_cache = true")
        yield Session(connection, scratch, settings, Forgotten.load(home))
