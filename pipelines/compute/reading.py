"""``headwater sql``: one read-only query on all tables of the lake.

Here: mounting every table of the home, allowing only statements that read, and writing the result.
Not here: the DuckDB file for other clients (``pipelines.compute.catalog``).
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.compute.workspace import Workspace, mount_view, open_workspace
from pipelines.config_tables import CONFIG_TABLES
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.scratch import scratch_folder
from pipelines.ingest.sources.raw_tables import RAW_TABLES
from pipelines.lake.duck import first_line, identifier, literal, session
from pipelines.lake.partitions import Day
from pipelines.sqlproject.reads import Read

TABLE_ROWS = 40
"""Number of rows that the ``table`` format shows."""

_TRIES = 5
_OUTDATED = "columns have changed: "

_READING = {"SELECT", "EXPLAIN", "RELATION"}


@dataclass(frozen=True)
class Rows:
    """The first rows of a result, and the number of all rows."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    total: int


@contextmanager
def reading_session(home: Home, sql: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A session to execute *sql* in, with every table of *home* mounted for all days.

    The tables that *sql* names do not change during the session, even if a run replaces or removes their files.
    """
    workspace = open_workspace(home)
    tables = [*RAW_TABLES, *workspace.project.models]
    # Match table names by substring, not by parsing. A table that the query does not read only costs a few hard links;
    # a table that we miss could be read while a run replaces its files.
    named = [table for table in tables if all(part in sql.lower() for part in table.split("."))]
    others = [table for table in tables if table not in named]
    with session_on(workspace, dict.fromkeys(named), others) as connection:
        yield connection


@contextmanager
def session_on(
    workspace: Workspace, tables: Mapping[str, Collection[Day] | None], others: Collection[str] = ()
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A session with *tables*, which do not change while it is open, and the configuration.

    Args:
        workspace: The home.
        tables: Table → the days to mount; None: all.
        others: Tables whose files a run may replace or remove while the session is open.

    Raises:
        HeadwaterError: a query reads a table with files that lack columns of its model.
    """
    with ExitStack() as stack:
        connection = stack.enter_context(session(workspace.home, workspace.settings))
        for attempt in range(_TRIES):
            try:
                _mount(connection, stack, workspace, tables, others)
                break
            except duckdb.IOException:
                # A run has removed a partition since we listed the files, so list them again.
                if attempt == _TRIES - 1:
                    raise
                workspace = workspace.reread_raw()
        try:
            yield connection
        except duckdb.InvalidInputException as error:
            raise _outdated(error) or error from None


def _mount(
    connection: duckdb.DuckDBPyConnection,
    stack: ExitStack,
    workspace: Workspace,
    tables: Mapping[str, Collection[Day] | None],
    others: Collection[str],
) -> None:
    folder = None
    with suppress(OSError):  # The folder cannot be created: the home is read-only, so no file changes.
        folder = stack.enter_context(scratch_folder(workspace.home))
    for table, days in tables.items():
        files = workspace.files(table, days)
        if folder is not None:
            files = _pinned(files, folder, workspace.lake.root)
        _mount_table(connection, workspace, table, files)
    for table in others:
        _mount_table(connection, workspace, table, workspace.files(table, None))
    workspace.mount(connection, [Read(table, None) for table in CONFIG_TABLES], None)


def _mount_table(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, table: str, files: Sequence[Path]
) -> None:
    """Mount *table*. If its files lack a column of the model, mount a view that raises an error when it is read.

    So a table that was computed before its model got other columns breaks only the queries that read it.
    """
    try:
        mount_view(connection, table, workspace.relation_sql(table, files))
    except duckdb.BinderException:
        columns = workspace.project.relation(table).items()
        names = ", ".join(f"CAST(fault AS {kind}) AS {identifier(name)}" for name, kind in columns)
        fault = f"SELECT error({literal(_OUTDATED + table)}) AS fault"
        # Also in WHERE, because COUNT(*) reads no columns and so would not raise the error.
        mount_view(connection, table, f"SELECT {names} FROM ({fault}) WHERE fault IS NOT NULL")


def _outdated(error: duckdb.Error) -> HeadwaterError | None:
    """The error to show if *error* is about a table whose files lack columns of its model; None otherwise."""
    # The view of such a table raises our text. If only some files lack a column, DuckDB raises its own.
    found = re.search(rf'{_OUTDATED}([\w.]+)|/(\w+)/(\w+)/dt=[^"]+": schema mismatch in glob', str(error))
    if found is None:
        return None
    return HeadwaterError(
        "was computed before its columns changed",
        where=found[1] or f"{found[2]}.{found[3]}",
        remedy="compute it again: headwater run",
    )


def _pinned(files: list[Path], folder: Path, root: Path) -> list[Path]:
    """Make hard links to *files* (below *root*) in *folder*; they keep the content when a run replaces the files.

    DuckDB opens a file several times in one query: once for its footer, then for its rows. If the file is replaced in
    between, it applies the old footer to the new bytes.
    """
    links = [folder / path.relative_to(root) for path in files]
    try:
        for path, link in zip(files, links, strict=True):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.hardlink_to(path)
    except FileNotFoundError as error:
        raise duckdb.IOException(f'Cannot open file "{path}": {error.strerror}') from error
    except OSError:  # Hard links are impossible here, for example on two file systems, so read the files.
        return files
    return links


def query_rows(home: Home, sql: str, limit: int = TABLE_ROWS, values: Mapping[str, object] | None = None) -> Rows:
    """The first *limit* rows of *sql*, and the number of all rows. *values*: name → value of each ``$name`` in *sql*.

    Raises:
        HeadwaterError: *sql* is not a single read-only statement, or fails.
    """
    with reading_session(home, sql) as connection:
        _refuse_writing(connection, sql)
        cursor = _execute(connection, sql, values)
        columns = [column[0] for column in cursor.description or ()]
        rows = cursor.fetchmany(limit)
        total = len(rows)
        while more := cursor.fetchmany(50_000):
            total += len(more)
        return Rows(columns, rows, total)


def write_query(home: Home, sql: str, form: str, out: Path | None, values: Mapping[str, object] | None = None) -> None:
    """Write the whole result of *sql* to *out*, or to standard output, as csv, json or parquet.

    *values*: name → value of each ``$name`` in *sql*.

    Raises:
        HeadwaterError: *sql* is not a single read-only statement, or fails; or *form* is parquet without *out*.
    """
    if out is None and form == "parquet":
        raise HeadwaterError("parquet cannot be printed, it is a binary format", remedy="name a file with --out")
    options = {"csv": "FORMAT csv, HEADER", "json": "FORMAT json, ARRAY", "parquet": "FORMAT parquet"}[form]
    with reading_session(home, sql) as connection, tempfile.TemporaryDirectory() as folder:
        _refuse_writing(connection, sql)
        statement = sql.strip().rstrip(";")
        target = Path(folder, "result") if out is None else out.resolve()
        _execute(connection, f"COPY ({statement}\n) TO {literal(str(target))} ({options})", values)
        if out is None:
            # Print the file here: COPY to /dev/stdout would truncate a file to which the shell appends (``>>``).
            _print(target)


def _print(result: Path) -> None:
    try:
        with result.open("rb") as content:
            shutil.copyfileobj(content, sys.stdout.buffer)
        sys.stdout.flush()
    except BrokenPipeError:
        # The program that reads our output, for example `head`, has stopped. Python would fail again when it flushes
        # the output at exit, so redirect the output to nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse_writing(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise HeadwaterError(f"not valid SQL: {_message(error)}") from error
    if not statements:
        raise HeadwaterError(
            "there is no statement, only comments or blanks", remedy='write one, such as "SELECT * FROM core.orders"'
        )
    if len(statements) != 1:
        raise HeadwaterError(f"expected one statement, found {len(statements)}")
    kind = statements[0].type.name
    if kind not in _READING:
        raise HeadwaterError(
            f"only statements that read are allowed (SELECT, DESCRIBE, SUMMARIZE, EXPLAIN), not {kind}"
        )


def _execute(
    connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, object] | None
) -> duckdb.DuckDBPyConnection:
    try:
        return connection.execute(sql, dict(values or {}))
    except duckdb.CatalogException as error:
        raise HeadwaterError(f"{_message(error)} ('headwater docs' lists the tables)") from error
    except duckdb.Error as error:
        if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
            raise
        raise _outdated(error) or HeadwaterError(_message(error)) from error


def _message(error: duckdb.Error) -> str:
    """The message of *error*, without the excerpt of the query that DuckDB appends."""
    return " ".join(part for part in str(error).split("\nLINE ")[0].split()) or first_line(error)
