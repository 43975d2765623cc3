"""The jobs of `make bench` and the table: each job beside the limit measured in the same run, as one table.

Here: the jobs, their limits, and the table. A figure is the median of three runs in processes of their own, so that
peak memory is the job's; the ratio is job over limit.
Not here: a verdict, and peers: there are none yet.
"""

from __future__ import annotations

import argparse
import datetime as dt
import multiprocessing
import multiprocessing.connection
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.duck import session
from pipelines.home import Home, find_home, init_home
from pipelines.lake import Lake
from pipelines.launch import DagsterEngine
from pipelines.run import DirectEngine, run_home, set_start_date
from pipelines.simulator import simulate
from pipelines.workspace import open_workspace

LAST_DAY = dt.date(2026, 11, 20)
EVENTS_A_DEVICE = 23
RUNS = 3
_DAYS = 28


@dataclass(frozen=True)
class Figure:
    """A job or a limit: rows, median seconds, peak memory of its process in bytes."""

    name: str
    rows: int
    seconds: float
    peak: int


def measure(name: str, rows: int, job: Callable[[Path], None], folder: Path) -> Figure:
    """The median of three runs of *job*, each in a new process."""
    outcomes = []
    for _ in range(RUNS):
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(job, folder, sender))
        process.start()
        sender.close()  # so that a job that dies is an error here, and no endless wait
        outcomes.append(receiver.recv())
        process.join()
    return Figure(name, rows, statistics.median(o[0] for o in outcomes), max(o[1] for o in outcomes))


def _run(job: Callable[[Path], None], folder: Path, sender: multiprocessing.connection.Connection) -> None:
    started = time.monotonic()
    job(folder)
    sender.send((time.monotonic() - started, _peak_memory()))


def _peak_memory() -> int:
    """The most memory that this process has held, in bytes; of a spawned process getrusage tells its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def _home(folder: Path) -> Home:
    return find_home(folder / "shop")


def ingest_job(folder: Path) -> None:
    """Ingest the landed log into an empty lake."""
    shutil.rmtree(_home(folder).lake)
    _home(folder).lake.mkdir()
    DirectEngine(_home(folder)).ingest()


def ingest_limit(folder: Path) -> None:
    """DuckDB reading the same NDJSON into Parquet."""
    home = _home(folder)
    files = sorted(str(path) for path in (home.landing / "native" / "events").iterdir())
    columns = {"event_id", "device_id", "user_id", "event_type", "page_id", "page_type", "module", "slot", "sku"}
    columns |= {"content_id", "device_time", "sent_time", "received_time", "referrer", "utm_source", "utm_medium"}
    columns |= {"utm_campaign", "platform", "app_version"}
    declared = "{" + ", ".join(f"{name}: 'VARCHAR'" for name in sorted(columns)) + "}"
    with session(home, open_workspace(home).settings) as connection:
        connection.execute(
            "COPY (SELECT * FROM read_json(?, format = 'newline_delimited', ignore_errors = true, "
            f"columns = {declared})) TO '{folder}/limit.parquet' (FORMAT parquet, COMPRESSION zstd)",
            [files],
        )


def _attribution(folder: Path) -> None:
    workspace = open_workspace(_home(folder))
    tables = [name for name, model in workspace.project.models.items() if model.schema == "attribution"]
    DirectEngine(workspace.home).compute(tables, LAST_DAY, LAST_DAY, ())


def attribution_job(folder: Path) -> None:
    """Every table of schema attribution, for the day."""
    _attribution(folder)


def attribution_limit(folder: Path) -> None:
    """DuckDB reading, sorting by (device_id, device_time) and writing the day's core.events."""
    home = _home(folder)
    source = Lake(home.lake).file("core.events", LAST_DAY)
    with session(home, open_workspace(home).settings) as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_parquet(?) ORDER BY device_id, device_time) "
            f"TO '{folder}/limit.parquet' (FORMAT parquet, COMPRESSION zstd)",
            [str(source)],
        )


def bookkeeping(folder: Path) -> tuple[float, int]:
    """Milliseconds that Dagster adds for each asset × partition of a tiny shop's month; and how many those are."""
    seconds = []
    for engine in (DirectEngine, DagsterEngine):
        home, _ = init_home(folder / engine.__name__)
        simulate(home.landing, days=_DAYS, devices=50, seed=1, last_day=LAST_DAY)
        DirectEngine(home).ingest()
        set_start_date(home)
        workspace = open_workspace(home)
        tables = [name for name, model in workspace.project.models.items() if model.is_partitioned]
        DirectEngine(home).compute(workspace.project.models.keys() - set(tables), None, None, ())
        steps = engine(home)
        started = time.monotonic()
        steps.compute(tables, LAST_DAY - dt.timedelta(days=_DAYS - 1), LAST_DAY, ())
        seconds.append(time.monotonic() - started)
    partitions = len(tables) * _DAYS
    return (seconds[1] - seconds[0]) / partitions * 1000, partitions


def _prepare(folder: Path, events: int) -> int:
    """A home with a one-day log of about *events* events, ingested and computed; how many records it has."""
    home, _ = init_home(folder / "shop")
    devices = max(100, events // EVENTS_A_DEVICE)
    summary = simulate(home.landing, days=1, devices=devices, seed=1, last_day=LAST_DAY)
    run_home(home, use_dagster=False)
    return summary.records


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="events of the simulated day (default 1,000,000)")
    arguments = parser.parse_args()
    versions = f"Python {platform.python_version()}, DuckDB {duckdb.__version__}"
    print(f"{platform.platform()}, {os.cpu_count()} cores, {versions}")
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as scratch:
        folder = Path(scratch)
        rows = _prepare(folder, arguments.events)
        # Attribution first: the ingestion job empties the lake.
        pairs = [
            (
                measure("attribute a day, every table", rows, attribution_job, folder),
                measure("  limit: read, sort, write it", rows, attribution_limit, folder),
            ),
            (
                measure("ingest NDJSON, validate, write", rows, ingest_job, folder),
                measure("  limit: DuckDB, NDJSON to Parquet", rows, ingest_limit, folder),
            ),
        ]
        milliseconds, partitions = bookkeeping(folder)
    print(f"{'job':<36}{'rows':>12}{'seconds':>10}{'rows/s':>12}{'peak MB':>10}{'ratio':>8}")
    for job, limit in pairs:
        for figure in (job, limit):
            ratio = f"{job.seconds / limit.seconds:.2f}" if figure is job else ""
            print(
                f"{figure.name:<36}{figure.rows:>12,}{figure.seconds:>10.2f}{figure.rows / figure.seconds:>12,.0f}"
                f"{figure.peak / 1e6:>10,.0f}{ratio:>8}"
            )
    print(f"Dagster's bookkeeping: {milliseconds:.1f} ms an asset × partition, over {partitions}")
