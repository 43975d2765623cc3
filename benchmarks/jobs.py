"""The jobs of the speed table and their limits. A job gets the folder of a home that ``benchmarks.shops`` made.

Here: what is measured. A job's limit is a second job with the minimum work that any program must do: DuckDB
reads, sorts and writes the same rows with the lake's Parquet options.
Not here: how it is measured (``benchmarks.measure``).
"""

from __future__ import annotations

import datetime as dt
import shutil
import time
from pathlib import Path

import yaml

from assets.engine import DagsterEngine
from benchmarks.shops import LAST_DAY
from pipelines.compute.results import RunResult
from pipelines.compute.run import DirectEngine, set_start_date
from pipelines.compute.workspace import open_workspace
from pipelines.home.folder import Home, find_home, init_home
from pipelines.home.settings import load_settings
from pipelines.lake.duck import list_literal, literal, session
from pipelines.lake.partitions import PARQUET_OPTIONS, DaySpan, Lake, relation_sql
from pipelines.simulator import simulate

_BOOKKEEPING_DAYS = 28

_NATIVE_FIELDS = [
    *("event_id", "device_id", "user_id", "event_type", "page_id", "page_type", "module", "slot", "sku", "content_id"),
    *("device_time", "sent_time", "received_time", "referrer", "utm_source", "utm_medium", "utm_campaign"),
    *("platform", "app_version"),
]


def attribute(folder: Path) -> None:
    """Compute every table of schema attribution for the day, run its checks, and publish it."""
    workspace = open_workspace(find_home(folder))
    tables = [name for name, model in workspace.project.models.items() if model.schema == "attribution"]
    _raise_failed(DirectEngine(workspace.home).compute(tables, DaySpan(LAST_DAY, LAST_DAY)))


def sort_and_write(folder: Path) -> None:
    """Limit of ``attribute``: read the day's core.events, sort by (device_id, device_time), write the same columns."""
    home = find_home(folder)
    source = Lake(home.lake).file("core.events", LAST_DAY)
    _copy(home, f"SELECT * FROM read_parquet({literal(str(source))}) ORDER BY device_id, device_time")


def ingest(folder: Path) -> None:
    """Ingest the landed log into an empty lake: parse, map, validate, find duplicates, write, record batches."""
    home = find_home(folder)
    shutil.rmtree(home.lake)
    home.lake.mkdir()
    DirectEngine(home).ingest()


def convert(folder: Path) -> None:
    """Limit of ``ingest``: read the same NDJSON as text columns and write them to Parquet."""
    home = find_home(folder)
    files = list_literal(sorted((home.landing / "native" / "events").iterdir()))
    columns = ", ".join(f"{name}: 'VARCHAR'" for name in _NATIVE_FIELDS)
    _copy(
        home,
        f"SELECT * FROM read_json({files}, format = 'newline_delimited', ignore_errors = true, "
        f"columns = {{{columns}}})",
    )


def score_customers(folder: Path) -> None:
    """Compute RFM values and scores as of the last day, run the checks, and publish."""
    tables = ["customers.rfm_values", "customers.rfm_thresholds", "customers.rfm"]
    _raise_failed(DirectEngine(find_home(folder)).compute(tables, DaySpan(LAST_DAY, LAST_DAY)))


def aggregate_and_sort(folder: Path) -> None:
    """Limit of ``score_customers``: aggregate the lines by customer, sort by each of the values, write."""
    home = find_home(folder)
    lines = relation_sql(
        {"user_id": "VARCHAR", "order_id": "VARCHAR", "net_revenue": "DECIMAL(18,4)", "dt": "DATE"},
        list(Lake(home.lake).files("core.order_lines").values()),
    )
    _copy(
        home,
        f"""
        WITH customers AS (
            SELECT
                user_id,
                max(dt) AS recency,
                count(DISTINCT order_id) AS frequency,
                sum(net_revenue) AS monetary
            FROM ({lines})
            GROUP BY user_id
        )
        SELECT
            *,
            row_number() OVER (ORDER BY recency) AS r_place,
            row_number() OVER (ORDER BY frequency) AS f_place,
            row_number() OVER (ORDER BY monetary) AS m_place
        FROM customers
        """,
    )


def sort_products(folder: Path) -> None:
    """Compute every product's quadrant in every matrix for the last day, run the checks, and publish."""
    tables = ["products.axis_values", "products.quadrants"]
    _raise_failed(DirectEngine(find_home(folder)).compute(tables, DaySpan(LAST_DAY, LAST_DAY)))


def compare_with_means(folder: Path) -> None:
    """Limit of ``sort_products``: compare both values of each matrix with their means, join the previous day, write.

    The output has as many columns as the table. Shrinkage, hysteresis, groups and kinds of thresholds are omitted.
    """
    home = find_home(folder)
    lake = Lake(home.lake)
    metrics = literal(str(lake.file("products.metrics", LAST_DAY)))
    before = literal(str(lake.file("products.quadrants", LAST_DAY - dt.timedelta(days=1))))
    axes = yaml.safe_load((home.config / "matrices.yaml").read_text(encoding="utf-8"))["products"]
    matrices = " UNION ALL ".join(
        f"SELECT {literal(name)} AS matrix_id, product_id, category, revenue, "
        f"CAST({matrix['x']['metric']} AS DOUBLE) AS x, CAST({matrix['y']['metric']} AS DOUBLE) AS y "
        f"FROM read_parquet({metrics})"
        for name, matrix in axes.items()
    )
    _copy(
        home,
        f"""
        WITH valued AS ({matrices}),
        cut AS (SELECT matrix_id, avg(x) AS x_cut, avg(y) AS y_cut FROM valued GROUP BY matrix_id),
        placed AS (
            SELECT *, x > x_cut AS x_high, y > y_cut AS y_high, matrix_id || '-' || x_high || '-' || y_high AS quadrant
            FROM valued JOIN cut USING (matrix_id)
        )
        SELECT
            placed.matrix_id, placed.product_id, category, placed.revenue, x, y, x AS x_raw, y AS y_raw, x_cut, y_cut,
            placed.x_high, placed.y_high, placed.quadrant,
            before.quadrant AS previous_quadrant,
            CASE WHEN before.quadrant = placed.quadrant THEN before.days_in_quadrant + 1 ELSE 1 END AS days_in_quadrant,
            (x - x_cut) / nullif(abs(x_cut), 0) AS x_distance,
            (y - y_cut) / nullif(abs(y_cut), 0) AS y_distance
        FROM placed
        LEFT JOIN (SELECT matrix_id, product_id, quadrant, days_in_quadrant FROM read_parquet({before})) AS before
            USING (matrix_id, product_id)
        """,
    )


def _raise_failed(result: RunResult) -> None:
    failed = [check.describe() for check in result.checks.values() if not check.passed]
    if failed:
        raise RuntimeError("; ".join(failed))


def _copy(home: Home, query: str) -> None:
    target = literal(str(home.root / "limit.parquet"))
    with session(home, load_settings(home)) as connection:
        connection.execute(f"COPY ({query}) TO {target} ({PARQUET_OPTIONS})")


def bookkeeping(folder: Path) -> tuple[float, int]:
    """Dagster's overhead in ms per asset partition, over a month of a tiny shop, and the number of asset partitions."""
    seconds = []
    for engine in (DirectEngine, DagsterEngine):
        home, _ = init_home(folder / engine.__name__)
        simulate(home.landing, days=_BOOKKEEPING_DAYS, devices=50, seed=1, last_day=LAST_DAY)
        DirectEngine(home).ingest()
        set_start_date(home)
        workspace = open_workspace(home)
        tables = [name for name, model in workspace.project.models.items() if model.is_partitioned]
        DirectEngine(home).compute(workspace.project.models.keys() - set(tables), None)
        steps = engine(home)
        started = time.monotonic()
        steps.compute(tables, DaySpan(LAST_DAY - dt.timedelta(days=_BOOKKEEPING_DAYS - 1), LAST_DAY))
        seconds.append(time.monotonic() - started)
    partitions = len(tables) * _BOOKKEEPING_DAYS
    return (seconds[1] - seconds[0]) / partitions * 1000, partitions
