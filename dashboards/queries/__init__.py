"""The queries of pages and of the report, in files ``<page>.sql``.

Here: finding a query by ``page.name``. In the file, a line ``-- query name: what its rows are`` is above each query.
Values are passed as parameters ``$name``, and ``METRICS(revenue, orders)`` expands to the metrics' formulas; SQL is
never built from text. ``headwater check`` validates all queries against the tables' columns.
Not here: how a file is read and checked (``pipelines.sqlproject.queries``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pipelines.sqlproject.queries import Query, read_queries

_FOLDER = Path(__file__).parent


@cache
def all_queries() -> Mapping[str, Query]:
    """Name → query, from all files."""
    return {name: query for file in sorted(_FOLDER.glob("*.sql")) for name, query in read_queries(file).items()}


def query(name: str) -> str:
    """The SQL of the query *name*, such as ``entrances.total``.

    Raises:
        KeyError: there is no such query.
    """
    return all_queries()[name].sql
