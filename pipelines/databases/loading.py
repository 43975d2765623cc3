"""Loads tables of databases into landing files, with dlt.

Here: a dlt pipeline for each table, whose destination is the landing folder. Its state says up to which cursor value
the table was read. dlt stores the state together with the rows, so that after a kill at any moment the next load
continues without a gap.
Not here: the queries (``pipelines.databases.postgres``).

Rows may be landed twice: ingestion counts the second ones as duplicates.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from pipelines.databases.settings import Database, relation_of, url_of
from pipelines.home.errors import HeadwaterError
from pipelines.home.files import lock, replacing
from pipelines.home.folder import Home
from pipelines.home.lock import Tell
from pipelines.home.settings import load_settings

NEEDED = ("dlt", "psycopg", "pyarrow")
"""The packages of the extra ``database``."""

MOST_ROWS = 1_000_000
"""A table without cursor may have at most this many rows, because the state has a digest of each."""

VERSION = "updated_at"
"""The column that tells ingestion which version of a row is the newest."""

_FILE_ROWS = 1_000_000
_DIGEST_BYTES = 8


@dataclass
class TableLoad:
    """The result of loading a table: how many rows were new or changed, the files written, and the error or ''."""

    name: str
    to: str
    rows: int = 0
    files: list[Path] = field(default_factory=list)
    error: str = ""


def missing_packages() -> list[str]:
    """The packages of the extra ``database`` that are not installed."""
    return [name for name in NEEDED if find_spec(name) is None]


def load_database(
    home: Home, name: str, database: Database, tables: Collection[str] | None = None, tell: Tell = lambda _line: None
) -> list[TableLoad]:
    """Land the rows of *database* that are new or changed since the last load; *tables* None means all of its tables.

    The error of one table is in its result; the others are loaded nevertheless.

    Raises:
        HeadwaterError: a package is missing, or the address of the database is not known.
    """
    if missing := missing_packages():
        raise HeadwaterError(
            f"loading from a database needs {', '.join(missing)}", remedy="pip install 'headwater[database]'"
        )
    url = url_of(home, name, database)
    home.loading.mkdir(mode=0o700, exist_ok=True)
    loads = []
    with lock(home.loading / "lock", before_waiting=lambda: tell("waiting for another load")):
        for table in database.tables:
            if tables is None or table in tables:
                load = TableLoad(table, database.tables[table].to)
                try:
                    _Loading(home, name, database, load, tell).run(url)
                except Exception as error:
                    load.error = _described(error)
                loads.append(load)
    return loads


class _Loading:
    """The loading of one table; counts the rows and files in *load*."""

    def __init__(self, home: Home, database_name: str, database: Database, load: TableLoad, tell: Tell) -> None:
        self._home = home
        self._database = database
        self._table = database.tables[load.name]
        self._load = load
        self._tell = tell
        self._prefix = f"{database_name}-{load.name.replace('.', '-')}"
        self._folder = home.landing / self._table.source / self._table.relation
        self._relation = relation_of(home, database_name, self._table)

    def run(self, url: str) -> None:
        """Land the rows that an earlier load left behind, then those that have changed since."""
        dlt = _dlt(self._home)
        for left in self._folder.glob(f".{self._prefix}-*.tmp"):  # files of a load that was killed
            left.unlink()

        def land(path: str, _table: Mapping[str, object]) -> None:  # a function, because dlt accepts no method
            self._land(Path(path))

        destination = dlt.destination(
            land, name="landing", loader_file_format="parquet", batch_size=0, naming_convention="direct"
        )
        try:
            pipeline = dlt.pipeline(self._prefix, pipelines_dir=str(self._home.loading), destination=destination())
        except JSONDecodeError as error:
            folder = self._home.loading / self._prefix
            raise HeadwaterError(
                f"the state of this table is damaged ({error})",
                where=folder,
                remedy="remove this folder; the next load reads the whole table",
            ) from error
        if pipeline.has_pending_data:
            pipeline.run()
        pipeline.run(dlt.resource(self._rows(url), name=self._table.relation), loader_file_format="parquet")
        # Nothing is pending now, so the rest in these folders is useless: records of loads, and rows of killed loads.
        working = Path(pipeline.working_dir)
        unused = [*working.glob("load/loaded/*"), *working.glob("load/new/*"), *working.glob("normalize/*/")]
        for folder in unused:
            if folder.name != "extracted":
                shutil.rmtree(folder)

    def _rows(self, url: str) -> Iterator[Any]:
        """Arrow tables of the rows that are new or changed. At the end, records in the state how far they go."""
        import dlt
        import pyarrow as pa

        from pipelines.databases.postgres import Table, connect

        cursor, state = self._table.cursor, dlt.current.resource_state()
        if state.get("cursor") != cursor:  # the cursor was another column, or there was no load yet
            state.clear()
        landed, is_first = set(state.get("digests", ())), not state
        with connect(url) as connection:
            table = Table(connection, self._load.name, self._table, self._relation, load_settings(self._home).timezone)
            since = state.get("since")
            start = table.next_start(since, self._database.overlap_minutes) if cursor else None
            if cursor and start is None:
                return
            stamp = self._stamp(table.columns, is_first)
            digests: list[str] = []
            for chunk in table.rows(since, start):
                fresh = list(_fresh(chunk, landed, digests))
                if cursor is None and len(digests) > MOST_ROWS:
                    raise HeadwaterError(
                        f"has more than {MOST_ROWS:,} rows and no cursor",
                        remedy="name a column that says when a row was last changed: 'cursor: updated_at'",
                    )
                self._load.rows += len(fresh)
                self._tell(f"loading {self._load.name}: {self._load.rows:,} rows")
                if fresh:
                    values = {name: [row[n] for row in fresh] for n, name in enumerate(table.columns)}
                    values |= {name: [value] * len(fresh) for name, value in stamp.items()}
                    yield pa.table({name: pa.array(column, pa.string()) for name, column in values.items()})
        state.update(cursor=cursor, since=start, digests=sorted(digests))

    def _stamp(self, columns: Collection[str], is_first: bool) -> dict[str, str | None]:
        """The column to add to the rows, name → value: the time of this load, as the version of the rows.

        Rows of the first load are the oldest, so their version is null. Empty if the table has a cursor or a version
        of its own, or if the relation declares no version.
        """
        if self._table.cursor or VERSION in columns or VERSION not in self._relation.aliases:
            return {}
        is_first = is_first and not any(self._folder.glob(f"{self._prefix}-*.parquet"))
        return {VERSION: None if is_first else dt.datetime.now(dt.UTC).isoformat()}

    def _land(self, path: Path) -> None:
        """Put the complete Parquet file *path* into the landing folder under its final name.

        If the load is killed before dlt has recorded that, the next load writes the same file again, under the same
        name.
        """
        load_id, file_id = float(path.parents[1].name), path.name.split(".")[1]
        time = dt.datetime.fromtimestamp(load_id, dt.UTC)
        target = self._folder / f"{self._prefix}-{time:%Y%m%dT%H%M%S.%f}Z-{file_id}.parquet"
        with replacing(target) as temporary:
            shutil.copyfile(path, temporary)
        self._load.files.append(target)


def _fresh(rows: list[tuple[Any, ...]], landed: Collection[str], recent: list[str]) -> Iterator[tuple[Any, ...]]:
    """The *rows* (see ``Table.rows``) whose digest is not in *landed*. Adds the digests of recent rows to *recent*."""
    for row in rows:
        if row[-1] or landed:
            digest = hashlib.blake2b(repr(row[:-1]).encode(), digest_size=_DIGEST_BYTES).hexdigest()
            if row[-1]:
                recent.append(digest)
            if digest in landed:
                continue
        yield row


def _dlt(home: Home) -> Any:
    """The module dlt, set to keep its files in the home and to send nothing to its makers.

    dlt reads its settings from the environment.
    """
    os.environ.update(
        RUNTIME__DLTHUB_TELEMETRY="false",
        RUNTIME__LOG_LEVEL="CRITICAL",  # we report errors ourselves
        INTERCEPT_SIGNALS="false",  # the command line handles signals
        RESTORE_FROM_DESTINATION="false",  # the landing folder keeps no state of dlt
        LOAD__DELETE_COMPLETED_JOBS="true",
        LOAD__WORKERS="1",
        LOAD__RAISE_ON_MAX_RETRIES="1",
        DATA_WRITER__FILE_MAX_ITEMS=str(_FILE_ROWS),
        DLT_PROJECT_DIR=str(home.loading),  # instead of .dlt in the current folder
        DLT_DATA_DIR=str(home.loading),  # instead of ~/.dlt
    )
    import dlt

    return dlt


def _described(error: BaseException) -> str:
    """The cause of *error*, which dlt wraps in exceptions of its own, in one line.

    Raises:
        KeyboardInterrupt: that was the cause.
        BaseException: *error* itself, if we do not know its cause.
    """
    import psycopg

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt):
            raise cause
        if isinstance(cause, HeadwaterError | psycopg.Error):
            return " ".join(str(cause).split())
        if isinstance(cause, OSError) and cause.strerror:
            place = cause.filename2 or cause.filename  # a write to a full disk names no file
            return f"{place}: {cause.strerror}" if place else cause.strerror
        cause = cause.__cause__
    raise error
