"""`make bench`: prints the speed of each job and of its limit, a job that shows how fast the first could be."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from benchmarks import jobs, long_history, shops
from benchmarks.measure import HEADER, Figure, Pair, Run, measure_pair, run_in_new_process

BOT_AMONG = 1_000_000
BOT_DEVICES = 10_000
LINES_A_CUSTOMER = 4
HISTORY_LINES_A_DAY = 61
JOBS = ("attribution", "bot", "ingestion", "customers", "products", "history", "bookkeeping")


def attribution(scratch: Path, events: int, runs: int, memory: str | None) -> Pair:
    """Measure computing all tables of schema attribution for a day of *events* events, and its limit.

    *memory* is the setting ``memory_limit``, None: as in a new home. Every job is run *runs* times, here and below.
    """
    home = scratch / "attribution"
    rows = shops.simulated_day(home, events, "parquet", computed=True, memory=memory)
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


def tables(arguments: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """The lines of the table; each line is yielded as soon as its job is measured."""
    yield HEADER
    if "attribution" in arguments.jobs:
        yield from attribution(scratch, arguments.events, arguments.runs, arguments.memory).lines()
    if "bot" in arguments.jobs:
        yield from bot(scratch, arguments.runs).lines()
    if "ingestion" in arguments.jobs:
        yield from ingestion(scratch, arguments.ingested, arguments.runs).lines()
    if "customers" in arguments.jobs:
        yield from customers(scratch, arguments.lines, arguments.runs).lines()
    if "products" in arguments.jobs:
        yield from products(scratch, arguments.products, arguments.runs).lines()
    if "history" in arguments.jobs:
        yield from history(scratch, arguments.days, arguments.runs)
    if "bookkeeping" in arguments.jobs:
        milliseconds, partitions = jobs.bookkeeping(scratch)
        yield f"Dagster's bookkeeping: {milliseconds:.1f} ms an asset × partition, over {partitions}"


def at_least_one(text: str) -> int:
    """*text* as an integer of 1 or more.

    Raises:
        argparse.ArgumentTypeError: *text* is no such integer.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def main() -> None:
    """Read the options, measure the jobs and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--events", type=at_least_one, default=20_000_000, help="events of the day to attribute (default 20,000,000)"
    )
    parser.add_argument(
        "--ingested", type=at_least_one, default=2_000_000, help="events of the log to ingest (default 2,000,000)"
    )
    parser.add_argument(
        "--lines", type=at_least_one, default=20_000_000, help="order lines of the year of sales (default 20,000,000)"
    )
    parser.add_argument(
        "--products", type=at_least_one, default=1_000_000, help="products to sort into quadrants (default 1,000,000)"
    )
    parser.add_argument("--days", type=at_least_one, default=912, help="days of the long history (default 912)")
    parser.add_argument("--runs", type=at_least_one, default=3, help="runs of each job; the median counts (default 3)")
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=JOBS, metavar="JOB", help=f"of {', '.join(JOBS)}")
    scratch_help = "folder for the homes, created if missing; 20,000,000 events need 5 GB of disk"
    parser.add_argument("--scratch", type=Path, help=scratch_help)
    parser.add_argument("--memory", help="memory_limit for the attribution job, such as 6GB")
    arguments = parser.parse_args()
    if arguments.scratch:
        try:
            arguments.scratch.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=arguments.scratch).close()
        except OSError as error:
            parser.error(f"--scratch {arguments.scratch}: {error.strerror}; choose a writable folder")
    versions = f"Python {platform.python_version()}, DuckDB {duckdb.__version__}"
    print(f"{platform.platform()}, {os.cpu_count()} cores, {versions}")
    with tempfile.TemporaryDirectory(prefix="headwater-bench-", dir=arguments.scratch) as scratch:
        for line in tables(arguments, Path(scratch)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
