"""The jobs of the speed table, each with the home that it needs and its limit.

Here: making the home of a job, then measuring the job and its limit.
Not here: the jobs (``benchmarks.jobs``), the homes (``benchmarks.shops``), the table (``benchmarks.__main__``).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from benchmarks import clickhouse, jobs, long_history, shops
from benchmarks.measure import Figure, Pair, Run, measure_pair, run_in_new_process

BOT_AMONG = 1_000_000
BOT_DEVICES = 10_000
LINES_A_CUSTOMER = 4
HISTORY_LINES_A_DAY = 61


@cache
def _computed_day(home: Path, events: int, memory: str | None) -> int:
    return shops.simulated_day(home, events, "parquet", computed=True, memory=memory)


def attribution(scratch: Path, events: int, runs: int, memory: str | None) -> Pair:
    """Measure computing all tables of schema attribution for a day of *events* events, and its limit.

    *memory* is the setting ``memory_limit``, None: as in a new home. Every job is run *runs* times, here and below.
    """
    home = scratch / "attribution"
    rows = _computed_day(home, events, memory)
    return measure_pair(
        ("attribute a day, every table", "  limit: read, sort, write core.events"),
        rows,
        (jobs.attribute, jobs.sort_and_write),
        (home, home),
        runs,
    )


def bot(scratch: Path, runs: int) -> Pair:
    """Measure computing schema attribution for a day with a bot on one device.

    The limit is the same computation with the bot's events on many devices.
    """
    concentrated, spread = scratch / "bot", scratch / "no-bot"
    rows = shops.day_with_bot(concentrated, BOT_AMONG, 1)
    shops.day_with_bot(spread, BOT_AMONG, BOT_DEVICES)
    return measure_pair(
        ("attribute a day with a bot", f"  limit: its events on {BOT_DEVICES:,} devices"),
        rows,
        (jobs.attribute, jobs.attribute),
        (concentrated, spread),
        runs,
    )


def ingestion(scratch: Path, events: int, runs: int) -> Pair:
    """Measure the ingestion of a day's log of *events* events, and its limit."""
    home = scratch / "ingestion"
    rows = shops.simulated_day(home, events, "ndjson", computed=False)
    return measure_pair(
        ("ingest NDJSON, validate, write", "  limit: DuckDB, the NDJSON to Parquet"),
        rows,
        (jobs.ingest, jobs.convert),
        (home, home),
        runs,
    )


def customers(scratch: Path, lines: int, runs: int) -> Pair:
    """Measure computing the RFM scores of the customers who bought *lines* order lines in a year, and its limit."""
    home = scratch / "customers"
    rows = shops.year_of_sales(home, lines // LINES_A_CUSTOMER, lines)
    return measure_pair(
        (f"RFM of {rows // LINES_A_CUSTOMER:,} customers", "  limit: sum by customer, three sorts, write"),
        rows,
        (jobs.score_customers, jobs.aggregate_and_sort),
        (home, home),
        runs,
    )


def products(scratch: Path, products: int, runs: int) -> Pair:
    """Measure computing the quadrants of *products* products for one day, in the shipped matrices, and its limit."""
    home = scratch / "products"
    rows = shops.catalogue_of_metrics(home, products)
    return measure_pair(
        (f"quadrants of {rows:,} products", "  limit: compare with means, join yesterday"),
        rows,
        (jobs.sort_products, jobs.compare_with_means),
        (home, home),
        runs,
    )


def beside_clickhouse(scratch: Path, events: int, runs: int, memory: str | None) -> Pair:
    """Measure attributed_events of the same day as in ``attribution``, and ClickHouse's query for it."""
    home = scratch / "attribution"
    return clickhouse.attributed_events(home, _computed_day(home, events, memory), runs)


def history(scratch: Path, days: int, runs: int) -> Iterator[str]:
    """Measure the first load of a shop's *days* days, with its limit, and then one more day; each run in a new home."""
    lines = days * HISTORY_LINES_A_DAY
    firsts: list[Run] = []
    limits: list[Run] = []
    nexts: list[Run] = []
    for number in range(runs):
        folder = scratch / f"history-{number}"
        home = long_history.land_history(folder, days, lines)
        firsts.append(run_in_new_process(long_history.compute_all, folder))
        limits.append(run_in_new_process(long_history.query_all, folder))
        long_history.land_next_day(home, lines, HISTORY_LINES_A_DAY)
        nexts.append(run_in_new_process(long_history.compute_all, folder))
    job = Figure(f"first load of {days} days, all tables", lines, tuple(firsts))
    limit = Figure("  limit: each query, one file a table", lines, tuple(limits))
    yield from Pair(job, limit).lines()
    yield Figure("  one more day, all tables", HISTORY_LINES_A_DAY, tuple(nexts)).line()
