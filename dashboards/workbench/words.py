"""The words of a query that an editor can complete: functions and keywords.

Here: the words.
Not here: which functions are allowed (``dashboards.workbench.functions``), tables and columns.
"""

from __future__ import annotations

from functools import cache

import duckdb

from dashboards.workbench.functions import FUNCTIONS

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


@cache
def functions() -> tuple[str, ...]:
    """The functions that a query may call, without operators."""
    return tuple(sorted(name for name in FUNCTIONS if name.isidentifier()))


@cache
def keywords() -> tuple[str, ...]:
    """DuckDB's keywords that a query here may have; some are functions too, such as LEFT."""
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category IN ('reserved', 'type_function')"
        ).fetchall()
    names = {name for (name,) in found} - {*_OF_STATEMENTS.split()}
    return tuple(sorted(names | {*_UNRESERVED.split()}))
