"""A small shop's long history: its first load, and one more day after it; both through Dagster, all tables.

Here: landing such a shop, which has orders and products but no events; the two jobs; and their limit, DuckDB computing
the query of each table for all its days and writing one file for each table.
Not here: days with events (``benchmarks.jobs``), measuring (``benchmarks.measure``).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb

from assets.engine import DagsterEngine
from benchmarks.shops import LAST_DAY
from pipelines.compute.as_of_days import kept_days
from pipelines.compute.run import run_home
from pipelines.compute.workspace import mount_view, open_workspace
from pipelines.home.folder import Home, find_home, init_home
from pipelines.lake.duck import literal, session
from pipelines.lake.partitions import PARQUET_OPTIONS, DaySpan, parquet_sql, relation_sql
from pipelines.sqlproject.reads import Read

_CUSTOMERS = 12_000
_PRODUCTS = 400


def land_history(folder: Path, days: int, lines: int) -> Home:
    """Make a home in *folder* and land *lines* order lines of the *days* days before ``LAST_DAY``.

    Nine lines belong to five orders, and each day has equally many orders. All other values are hashes of order and
    line numbers, so the same sizes give the same records.
    """
    home, _ = init_home(folder)
    orders = (lines - 1) * 5 // 9 + 1
    first = LAST_DAY - dt.timedelta(days=days)
    _land(home, "products", "all", _PRODUCTS_SQL)
    _land_orders(home, "history", 0, lines, f"DATE '{first}' + CAST(order_no * {days} // {orders} AS INTEGER)")
    return home


def land_next_day(home: Home, lines: int, day_lines: int) -> None:
    """Land *day_lines* order lines of ``LAST_DAY`` in *home*, which has *lines* order lines of earlier days."""
    _land_orders(home, "next", lines, lines + day_lines, f"DATE '{LAST_DAY}'")


def compute_all(folder: Path) -> None:
    """Bring the home in *folder* up to date through Dagster, as ``headwater run`` does.

    Raises:
        RuntimeError: there was nothing to do, or a file or check failed.
    """
    summary = run_home(find_home(folder), engine=DagsterEngine)
    if summary.did_nothing or summary.has_errors:
        failed = [check.describe() for check in summary.failed_checks.values()]
        raise RuntimeError("; ".join(failed) or "did nothing, or could not read a file")


def query_all(folder: Path) -> None:
    """Limit: DuckDB computes the query of each table for all its days and writes the rows to one file.

    A table as of a day is queried once for each day that the home keeps, because its query is for a single day. The
    raw records are already ingested. Checks and Python steps are left out.
    """
    workspace = open_workspace(find_home(folder))
    assert workspace.settings.start_date is not None
    span = DaySpan(workspace.settings.start_date, LAST_DAY - dt.timedelta(days=1))
    kept = kept_days(workspace.project, workspace.settings.snapshots, span)
    target = folder / "limit"
    target.mkdir()
    with session(workspace.home, workspace.settings) as connection:
        for name, model in workspace.project.models.items():
            reads = workspace.project.reads[name]
            workspace.mount(connection, [read for read in reads if read.table not in workspace.project.models], None)
            if workspace.project.reads_itself(model):
                mount_view(connection, name, relation_sql(model.types, []))
            days = kept.get(name, span.days)
            spans = [DaySpan(day, day) for day in days] if model.as_of else [DaySpan(days[0], days[-1])]
            queries = [workspace.project.sql(model, each if model.is_partitioned else None) for each in spans]
            file = target / f"{name}.parquet"
            _copy(connection, queries, file)
            if model.python:  # other models read the result of its Python step, not of its query
                workspace.mount(connection, [Read(name, None)], None)
            else:
                mount_view(connection, name, f"SELECT * FROM {parquet_sql([file])}")


def _copy(connection: duckdb.DuckDBPyConnection, queries: list[str], file: Path) -> None:
    """Write the rows of *queries* to *file*."""
    query = queries[0]
    if len(queries) > 1:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE rows_of_days AS {query}")
        for query in queries[1:]:
            connection.execute(f"INSERT INTO rows_of_days {query}")
        query = "SELECT * FROM rows_of_days"
    connection.execute(f"COPY ({query}) TO {literal(str(file))} ({PARQUET_OPTIONS})")


def _land_orders(home: Home, name: str, first_line: int, end_line: int, day: str) -> None:
    """Land the lines from *first_line* to before *end_line*, and their orders; *day* is SQL for an order's day."""
    lines = f"(SELECT line, line * 5 // 9 AS order_no FROM range({first_line}, {end_line}) AS made(line))"
    _land(home, "order_lines", name, _ORDER_LINES_SQL.format(lines=lines))
    _land(home, "orders", name, _ORDERS_SQL.format(lines=lines, day=day, customers=_CUSTOMERS))


def _land(home: Home, relation: str, name: str, query: str) -> None:
    folder = home.landing / "native" / relation
    folder.mkdir(parents=True, exist_ok=True)
    duckdb.sql(query).write_parquet(str(folder / f"{name}.parquet"))


_PRODUCTS_SQL = f"""
    SELECT
        'P' || product AS sku,
        'Product ' || product AS name,
        'category ' || hash(product) % 12 AS category,
        'brand ' || hash(product, 1) % 9 AS brand,
        CAST(40 + hash(product, 2) % 60 AS VARCHAR) AS unit_cost,
        CAST(100 + hash(product, 3) % 400 AS VARCHAR) AS list_price
    FROM range({_PRODUCTS}) AS made(product)
"""
_ORDERS_SQL = """
    SELECT
        'SO' || order_no AS order_id,
        'U' || CAST({customers} * pow(hash(order_no, 1) % 1000003 / 1000003, 1.5) AS BIGINT) AS user_id,
        CASE hash(order_no, 2) % 50
            WHEN 0 THEN 'unpaid' WHEN 1 THEN 'cancelled' WHEN 2 THEN 'refunded' ELSE 'paid'
        END AS status,
        strftime({day}, '%Y-%m-%d') || 'T' || 10 + hash(order_no, 3) % 12 || ':15:00+08:00' AS ordered_at,
        CASE WHEN status <> 'unpaid' THEN ordered_at END AS paid_at
    FROM (SELECT DISTINCT order_no FROM {lines})
    ORDER BY order_no
"""
_ORDER_LINES_SQL = f"""
    SELECT
        'SO' || order_no AS order_id,
        CAST(line AS VARCHAR) AS line_no,
        'P' || CAST({_PRODUCTS} * pow(hash(line) % 1000003 / 1000003, 2) AS BIGINT) % {_PRODUCTS} AS sku,
        CAST(1 + hash(line, 1) % 2 AS VARCHAR) AS quantity,
        CAST(100 + hash(line, 2) % 400 AS VARCHAR) AS unit_price,
        CASE WHEN hash(line, 3) % 10 = 0 THEN '5.00' ELSE '0' END AS discount
    FROM {{lines}}
    ORDER BY line
"""
