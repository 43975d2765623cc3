"""Reads the rows of a PostgreSQL table that may have changed since the last load, every value as text.

Here: the connection, and the queries. PostgreSQL itself casts the values to text, so none is rounded or refused on the
way; ingestion reads all columns as text anyway.
Not here: which of the rows were landed before (``pipelines.databases.loading``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pipelines.databases.settings import LoadedTable
from pipelines.home.errors import HeadwaterError
from pipelines.ingest.sources.source import Relation

CHUNK_ROWS = 20_000

_CURSOR_TYPES = {1114: "timestamp", 1184: "timestamptz"}
"""The types that a cursor may have: PostgreSQL's type code → name."""

_CONNECTION = {
    "application_name": "headwater",
    "connect_timeout": "15",
    # Notice after a minute that the server's machine is gone; otherwise a load could wait for hours.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}
_SESSION = (
    "SET TIME ZONE 'UTC'; SET datestyle TO 'ISO'; SET intervalstyle TO 'postgres'; SET bytea_output TO 'hex'; "
    "SET extra_float_digits TO 1; SET client_encoding TO 'UTF8'"
)


@contextmanager
def connect(url: str) -> Iterator[psycopg.Connection]:
    """A connection that only reads, and whose queries all see the database as of the first one.

    Raises:
        psycopg.Error: *url* is not an address, or the server does not answer or refuses.
    """
    given = _address(url)
    with psycopg.connect(url, **{key: value for key, value in _CONNECTION.items() if key not in given}) as connection:
        connection.execute(_SESSION)
        connection.commit()
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        yield connection


def _address(url: str) -> Mapping[str, object]:
    """The parts of the address *url*.

    Raises:
        HeadwaterError: it is not an address. The text does not quote it, because it contains a password.
    """
    given: Mapping[str, object]
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        given = {"host": "@"}
    # A password with @, / or ? that is not escaped would end up in these parts, and so in the server's error message.
    is_wrong = any("@" in str(given.get(part, "")) for part in ("host", "port", "dbname", "user"))
    if is_wrong or not str(given.get("port", "0")).isdigit():
        raise HeadwaterError(
            "the address of the database is not understood; expected postgresql://user:password@host:5432/database",
            remedy="write the characters @ : / ? # % of a password as %40 %3A %2F %3F %23 %25",
        ) from None
    return given


class Table:
    """A table, view or query of a database. Only the columns that *relation* declares are read.

    *timezone* is the shop's time zone, used for a cursor whose values have none.

    Raises:
        HeadwaterError: a required column is missing, or the cursor cannot be used.
        psycopg.Error: there is no such table, or the query is wrong.
    """

    def __init__(
        self, connection: psycopg.Connection, name: str, table: LoadedTable, relation: Relation, timezone: str
    ) -> None:
        self._connection = connection
        self._from = sql.Identifier(*name.split("."))
        if table.query is not None:
            # The line break ends a comment in the last line of the query.
            self._from = sql.SQL("({}\n)").format(sql.SQL(table.query.strip().rstrip(";")))
        described = self._execute("SELECT * FROM {table} AS t LIMIT 0").description
        types = {column.name: column.type_code for column in described}
        wanted = {alias.lower() for alias in relation.aliases}
        self.columns = [column for column in types if column.lower() in wanted]
        self._require_columns(types, table, relation)
        if table.cursor is not None:
            self._type = _cursor_type(table.cursor, types, self.columns, table)
            self._cursor = sql.Identifier("t", table.cursor)
            local = sql.SQL("now() AT TIME ZONE {}").format(sql.Literal(timezone))
            self._now = sql.SQL("now()") if self._type == "timestamptz" else local

    def next_start(self, since: str | None, overlap_minutes: int) -> str | None:
        """The cursor value at which the next load must start to read; this load starts at *since*.

        It is *overlap_minutes* before the newest value, because a transaction that has not committed yet may have
        set earlier values. None if there are no rows.

        Raises:
            HeadwaterError: a row has no value in the cursor column.
        """
        # The clock is the limit, so that a row with a time far in the future does not hide all later changes.
        query = (
            "SELECT count(*) FILTER (WHERE {cursor} IS NULL), max({cursor}) IS NULL, CAST(GREATEST("
            "LEAST(max({cursor}), CAST({now} AS {type})) - {overlap}, CAST({since} AS {type})) AS text) "
            "FROM {table} AS t WHERE {condition} OR {cursor} IS NULL"
        )
        overlap = dt.timedelta(minutes=overlap_minutes)
        result = self._execute(query, since=since, overlap=overlap, condition=self._condition(since))
        nulls, is_empty, start = result.fetchone()
        if nulls:
            raise HeadwaterError(
                f"{nulls:,} rows have no value in the cursor column, so their changes could not be found",
                remedy="fill the column, or load a query that does: SELECT …, COALESCE(updated_at, created_at) AS …",
            )
        return None if is_empty else str(start)

    def rows(self, since: str | None, recent: str | None) -> Iterator[list[tuple[Any, ...]]]:
        """The rows whose cursor is at or after *since*, in chunks; None stands for all rows.

        A row has the values of ``columns`` as text, and then whether its cursor is at or after *recent*.
        """
        columns = sql.SQL(", ").join(
            sql.SQL("CAST({} AS text)").format(sql.Identifier("t", column)) for column in self.columns
        )
        query = "SELECT {columns}, {is_recent} FROM {table} AS t WHERE {condition}"
        values = {"columns": columns, "is_recent": self._condition(recent), "condition": self._condition(since)}
        with self._connection.cursor(name="headwater") as cursor:  # a name makes the server send the rows in chunks
            cursor.execute(self._composed(query, values))
            while chunk := cursor.fetchmany(CHUNK_ROWS):
                yield chunk

    def _condition(self, since: str | None) -> sql.Composable:
        if since is None:
            return sql.SQL("true")
        return sql.SQL("{} >= CAST({} AS {})").format(self._cursor, sql.Literal(since), sql.SQL(self._type))

    def _execute(self, query: str, **values: object) -> psycopg.Cursor:
        return self._connection.execute(self._composed(query, values))

    def _composed(self, query: str, values: Mapping[str, object]) -> sql.Composable:
        parts = {"table": self._from}
        if hasattr(self, "_cursor"):
            parts |= {"cursor": self._cursor, "type": sql.SQL(self._type), "now": self._now}
        for name, value in values.items():
            parts[name] = value if isinstance(value, sql.Composable) else sql.Literal(value)
        return sql.SQL(query).format(**parts)

    def _require_columns(self, types: Mapping[str, int], table: LoadedTable, relation: Relation) -> None:
        lower = {column.lower() for column in self.columns}
        for name, column in relation.columns.items():
            if column.required and not lower & {alias.lower() for alias in column.names}:
                raise HeadwaterError(
                    f"no column '{name}', which {table.to} requires; looked for {', '.join(column.names)} "
                    f"among {', '.join(types)}",
                    remedy="load a query that names it: SELECT id AS order_id, … FROM …",
                )


def _cursor_type(cursor: str, types: Mapping[str, int], columns: list[str], table: LoadedTable) -> str:
    """PostgreSQL's name for the type of the column *cursor*.

    Raises:
        HeadwaterError: the cursor is not a column, its type is not possible, or *table*'s relation does not declare it.
    """
    times = [name for name, code in types.items() if code in _CURSOR_TYPES]
    if cursor not in times:
        fault = "is not a timestamp" if cursor in types else "does not exist"
        raise HeadwaterError(f"cursor '{cursor}' {fault}; the timestamp columns are: {', '.join(times) or '(none)'}")
    if cursor not in columns:
        # Without the cursor in its files, ingestion could not tell which version of a row is the newest.
        raise HeadwaterError(
            f"cursor '{cursor}' is not a column of {table.to}",
            remedy=f"load a query that renames it to one: SELECT …, {cursor} AS updated_at FROM …",
        )
    return _CURSOR_TYPES[types[cursor]]
