"""Many small files landed at once, and a device with very many events: time, memory and processes stay bounded."""

from __future__ import annotations

import datetime as dt
import os
import resource
import threading
import time
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from assets.instance import open_instance
from pipelines.home.folder import Home
from pipelines.ingest.batches import RawLake
from pipelines.lake.duck import literal
from tests.integration.small_shop import FIRST, new_home
from tests.processes import Headwater, Outcome, copy_of, made_up_shop
from tests.support import LANDED_AT, table


class Watch:
    """Watches a running process: its peak memory, its child processes, and its total processor seconds."""

    def __init__(self, run: Headwater) -> None:
        self.run = run
        self.peak_bytes = 0
        self.processor_seconds = 0.0
        self.children: set[str] = set()

    def end(self) -> Outcome:
        """Wait for the end of the process; meanwhile record its memory, child processes and processor seconds."""
        watching = threading.Thread(target=self._look)
        watching.start()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        outcome = self.run.end(3600)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.processor_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        watching.join()
        return outcome

    def _look(self) -> None:
        process = self.run.process
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            try:
                fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
                self.peak_bytes = max(self.peak_bytes, int(fields["VmHWM"].split()[0]) * 1024)
                for task in Path(f"/proc/{process.pid}/task").iterdir():
                    self.children |= set((task / "children").read_text().split())
            except (OSError, KeyError):  # the process ended while it was observed
                return
            time.sleep(0.02)


def split_into_files(home: Home, count: int) -> None:
    """Split the landed events into *count* files, each with a consecutive stretch of time."""
    events = home.landing / "native" / "events"
    lines = [line for file in sorted(events.iterdir()) for line in file.read_text(encoding="utf-8").splitlines(True)]
    for file in events.iterdir():
        file.unlink()
    for number in range(count):
        path = events / f"{number:04d}.ndjson"
        path.write_text("".join(lines[number * len(lines) // count : (number + 1) * len(lines) // count]), "utf-8")
        os.utime(path, (LANDED_AT.timestamp(), LANDED_AT.timestamp()))


@pytest.mark.real
def test_a_thousand_files_are_one_ingestion_of_one_process(tmp_path):
    home = made_up_shop(tmp_path / "home", days=2, devices=300)
    whole = copy_of(home, tmp_path / "whole")
    split_into_files(home, 1000)
    watch = Watch(Headwater(home, "run"))
    outcome = watch.end()
    print(f"1,000 files: {watch.processor_seconds:.0f} processor seconds, {watch.peak_bytes / 2**20:.0f} MB")
    assert outcome.code == 0, outcome.errors
    # One child process is allowed, because Dagster, when imported, runs `file` to find out whether Python has 64 bits.
    assert len(watch.children) <= 1
    assert sum(batch.relation == "events" for batch in RawLake.load(home).batches) == 1000
    with open_instance(home) as instance:
        ingestions = instance.get_runs(dg.RunsFilter(job_name="ingestion"))
    assert len(ingestions) == 1
    assert Headwater.directly(whole).end().code == 0
    assert len(table(home, "core.events")) == len(table(whole, "core.events"))


def land_visits(home: Home, devices: int, events: int = 1_000_000) -> None:
    """Land *events* events of one day, spread evenly over *devices* devices.

    They are clicks on an entrance and in lists, exposures, and add-to-carts.
    """
    folder = home.landing / "native" / "events"
    folder.mkdir(parents=True)
    target = literal(str(folder / "day.parquet"))
    start = 1000 * int(dt.datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=dt.UTC).timestamp())
    with duckdb.connect() as connection:
        connection.execute(
            f"""COPY (
                SELECT
                    'e' || n AS event_id,
                    'd' || (n % {devices}) AS device_id,
                    CASE WHEN n % 50 = 0 THEN 'click' WHEN n % 50 = 49 THEN 'add_to_cart' WHEN n % 3 = 0 THEN 'click'
                        ELSE 'exposure' END AS event_type,
                    CAST(n // {devices} AS VARCHAR) AS page_id,
                    CASE WHEN n % 50 = 0 THEN 'home' ELSE 'list' END AS page_type,
                    CASE WHEN n % 50 = 0 THEN 'banner' ELSE 'grid' END AS module,
                    CAST(n % 10 + 1 AS VARCHAR) AS slot,
                    CASE WHEN n % 50 <> 0 AND n % 3 <> 0 OR n % 50 = 49 THEN 's' || (n % 97) END AS sku,
                    CAST({start} + n * 60 AS VARCHAR) AS device_time
                FROM range({events}) AS log(n)
            ) TO {target} (FORMAT parquet)"""
        )
    os.utime(folder / "day.parquet", (LANDED_AT.timestamp(), LANDED_AT.timestamp()))


@pytest.mark.real
def test_a_million_events_of_one_device_cost_hardly_more(tmp_path):
    seconds, peaks, ends = {}, {}, {}
    for devices in (10_000, 1):
        home = new_home(tmp_path / f"{devices}")
        land_visits(home, devices)
        watch = Watch(Headwater(home, "run"))
        outcome = watch.end()
        assert outcome.code == 0, outcome.errors
        seconds[devices], peaks[devices] = watch.processor_seconds, watch.peak_bytes
        ends[devices] = sum(row["exposures"] for row in table(home, "attribution.entrance_daily"))
    print({n: f"{seconds[n]:.0f} processor seconds, {peaks[n] / 2**20:.0f} MB" for n in seconds})
    assert ends[1] == ends[10_000] > 600_000
    assert seconds[1] < 3 * seconds[10_000] + 10
    assert peaks[1] < 4 * 2**30
