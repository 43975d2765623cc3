"""The editor's files and words: Monaco, the editor of VS Code, from the package ``rocher``.

Here: serving Monaco's files, the functions and keywords that the editor completes.
Not here: the editor's part in the browser (``assets/sql_editor.js``), which also has the tables from the page.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

import duckdb
import flask
import rocher

from dashboards.workbench.functions import FUNCTIONS

PATH = f"/monaco/{version('rocher')}/vs"
"""The URL of Monaco's files. It has the version, so that a browser may keep the files."""

_KEPT_SECONDS = 365 * 24 * 3600
_UNRESERVED = """
cube exclude filter first following groups last materialized nulls over partition percent preceding range
recursive replace rollup rows sample sets ties unbounded values within between exists
"""
"""Keywords of queries that may also be names, so that DuckDB does not list them as reserved."""
_OF_STATEMENTS = """
analyse analyze authorization check column concurrently constraint create default deferrable do foreign freeze
generated initially into placing primary references returning show table to unique variadic verbose
"""
"""Reserved keywords of statements that may not run here."""


def add_editor(server: flask.Flask) -> None:
    """Serve Monaco's files."""

    @server.get(f"{PATH}/<path:name>")
    def monaco(name: str) -> flask.Response:
        return flask.send_from_directory(rocher.path(), name, max_age=_KEPT_SECONDS)


@cache
def functions() -> tuple[str, ...]:
    """The functions that a query may call, without operators."""
    return tuple(sorted(name for name in FUNCTIONS if name.isidentifier()))


@cache
def keywords() -> tuple[str, ...]:
    """DuckDB's keywords that a query here may have."""
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category IN ('reserved', 'type_function')"
        ).fetchall()
    names = {name for (name,) in found} - FUNCTIONS - {*_OF_STATEMENTS.split()}
    return tuple(sorted(names | {*_UNRESERVED.split()}))
