"""`make bench`: prints the speed of each job and of its limit, a second job that does only the minimum."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from benchmarks import chart, clickhouse, jobs, pairs
from benchmarks.measure import HEADER

JOBS = ("attribution", "clickhouse", "bot", "ingestion", "customers", "products", "history", "bookkeeping")


def tables(arguments: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """The lines of the table; each line is yielded as soon as its job is measured."""
    yield HEADER
    if "attribution" in arguments.jobs:
        yield from pairs.attribution(scratch, arguments.events, arguments.runs, arguments.memory).lines()
    if "clickhouse" in arguments.jobs:
        if clickhouse.is_installed():
            yield from pairs.beside_clickhouse(scratch, arguments.events, arguments.runs, arguments.memory).lines()
        else:
            yield clickhouse.SKIPPED
    if "bot" in arguments.jobs:
        yield from pairs.bot(scratch, arguments.runs).lines()
    if "ingestion" in arguments.jobs:
        yield from pairs.ingestion(scratch, arguments.ingested, arguments.runs).lines()
    if "customers" in arguments.jobs:
        yield from pairs.customers(scratch, arguments.lines, arguments.runs).lines()
    if "products" in arguments.jobs:
        yield from pairs.products(scratch, arguments.products, arguments.runs).lines()
    if "history" in arguments.jobs:
        yield from pairs.history(scratch, arguments.days, arguments.runs)
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
    chart_help = (
        "instead of the table: measure the jobs that take a size at each of --sizes, and draw their costs in FILE"
    )
    parser.add_argument("--chart", type=Path, metavar="FILE", help=chart_help)
    parser.add_argument(
        "--sizes", nargs="+", type=at_least_one, default=chart.SIZES, metavar="ROWS", help="rows for --chart"
    )
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
        lines = chart.draw if arguments.chart else tables
        for line in lines(arguments, Path(scratch)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
