"""``python -m benchmarks.collector``: events a second, latencies and memory of ``headwater collect`` under load.

Here: the load, which the tests of the collector use too; a collector over a new home; what is printed.
Not here: whether the lake has all events (``tests.integration.test_collector``).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.__main__ import at_least_one
from pipelines.home.folder import Home, init_home

EVENTS = 10
"""Number of events in a batch."""
_RETRY_SECONDS = 0.05
_AGENT = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari"
_EVENT = (
    '{"event_id":"%s","device_id":"0190b6a4-device-%d","user_id":null,"event_type":"exposure","page_id":%d,'
    '"page_type":"home","page_url":"https://shop.example/","module":"feed","slot":3,"sku":"sku-000123",'
    '"content_id":null,"device_time":%d,"referrer":"https://search.example/","app_version":"1.0.0"}'
)


@dataclass
class Load:
    """What happened under load.

    Attributes:
        acknowledged: (connection, number of its batch) of each batch that was answered by 204.
        seconds: How long each of these answers took.
        refused: Number of answers by status, except 204.
        broken: How often a connection was refused or closed before the answer; the batch is then sent again.
    """

    acknowledged: list[tuple[int, int]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    broken: int = 0

    def event_ids(self) -> set[str]:
        """The ids of the acknowledged events."""
        return {_event_id(*batch, number) for batch in self.acknowledged for number in range(EVENTS)}

    def percentile(self, share: float) -> float:
        """The latency, in seconds, that *share* of the answers did not exceed."""
        return sorted(self.seconds)[min(int(share * len(self.seconds)), len(self.seconds) - 1)]


async def send(
    port: int, load: Load, connection: int, is_over: Callable[[], bool], due: float = 0.0, period: float = 0.0
) -> None:
    """Send batches over a kept connection, one after the other, until *is_over*. A batch is sent until acknowledged.

    With a *period*, the first batch is due at the time *due* and the next ones each *period* later, and an answer's
    latency counts from when its batch was due, so that a slow answer also counts for the batches that it delays.
    """
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    batch = 0
    while not is_over():
        request = _request(connection, batch)
        if period:
            await asyncio.sleep(max(0.0, due + batch * period - time.perf_counter()))
        begun = due + batch * period if period else time.perf_counter()
        try:
            streams = streams or await asyncio.open_connection("127.0.0.1", port)
            streams[1].write(request)
            head = await streams[0].readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError):
            load.broken += 1
            streams = None
            await asyncio.sleep(_RETRY_SECONDS)
            continue
        if (status := int(head[9:12])) == 204:
            load.seconds.append(time.perf_counter() - begun)
            load.acknowledged.append((connection, batch))
            batch += 1
        else:
            load.refused[status] += 1
            streams[1].close()
            streams = None
            await asyncio.sleep(_RETRY_SECONDS)


async def send_all(port: int, load: Load, connections: int, is_over: Callable[[], bool], rate: int = 0) -> None:
    """Send over *connections* connections until *is_over*: *rate* events a second; 0: as many as possible."""
    period = connections * EVENTS / rate if rate else 0.0
    due = [time.perf_counter() + number * period / connections for number in range(connections)]
    await asyncio.gather(*(send(port, load, number, is_over, due[number], period) for number in range(connections)))


def _event_id(connection: int, batch: int, number: int) -> str:
    return f"0190b6a4-{connection:04x}-7000-8{number:03x}-{batch:012x}"


def _request(connection: int, batch: int) -> bytes:
    now = int(time.time() * 1000)
    events = ",".join(_EVENT % (_event_id(connection, batch, n), connection, now, now) for n in range(EVENTS))
    body = f'{{"sent_time":{now},"events":[{events}]}}'
    head = f"POST /e HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {_AGENT}\r\nContent-Type: text/plain\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


@contextlib.contextmanager
def collector(home: Home, *options: str, port: int = 0) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A running ``headwater collect`` for *home*; yields its port (0: any free one) and its main process."""
    port = port or free_port()
    command = [sys.executable, "-m", "pipelines.commands.main", "collect", "--home", str(home.root)]
    process = subprocess.Popen([*command, "--port", str(port), *options], start_new_session=True)
    try:
        deadline = time.monotonic() + 120
        while not _answers(port):
            assert process.poll() is None, f"the collector ended with code {process.returncode}"
            assert time.monotonic() < deadline, "the collector does not start"
            time.sleep(0.05)
        yield port, process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=120)


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def workers_of(process: subprocess.Popen[bytes]) -> list[int]:
    """The ids of the processes that *process* has started and that are still running."""
    return [int(child) for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
    return False


def _memory(processes: list[int]) -> float:
    """The memory of *processes* in MB; pages that they share are counted once."""
    rollups = [Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii") for process in processes]
    return sum(int(rollup.split("\nPss:")[1].split()[0]) for rollup in rollups) / 1024


def main() -> None:
    """Read the options, put a collector under load and print the figures every tenth of the time."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collector", description=__doc__)
    parser.add_argument("--seconds", type=at_least_one, default=30, help="length of the load (default 30)")
    parser.add_argument("--connections", type=at_least_one, default=50, help="connections at once (default 50)")
    parser.add_argument("--rate", type=at_least_one, default=0, help="events a second; default: as many as possible")
    parser.add_argument("--workers", type=at_least_one, default=2, help="processes of the collector (default 2)")
    parser.add_argument("--durability", choices=("flush", "fsync"), default="flush", help="the setting (default flush)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as scratch:
        home, _ = init_home(Path(scratch) / "home")
        home.settings_file.write_text(
            f"collector: {{durability: {arguments.durability}, events_per_second: 1000000}}\n", encoding="utf-8"
        )
        with collector(home, "--workers", str(arguments.workers)) as (port, process):
            asyncio.run(_measure(port, process, arguments))
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


async def _measure(port: int, process: subprocess.Popen[bytes], arguments: argparse.Namespace) -> None:
    load = Load()
    begun = time.monotonic()
    end = begun + arguments.seconds
    sending = asyncio.create_task(
        send_all(port, load, arguments.connections, lambda: time.monotonic() >= end, arguments.rate)
    )
    print(f"{'seconds':>8}{'events/s':>10}{'p50 ms':>8}{'p99 ms':>8}{'max ms':>8}{'MB':>6}")
    seen = 0
    while not sending.done():
        before = time.monotonic()
        await asyncio.wait([sending], timeout=arguments.seconds / 10)
        part = Load(seconds=load.seconds[seen:])
        seen += len(part.seconds)
        now = time.monotonic()
        print(_line(part, now - before, now - begun, _memory(workers_of(process))), flush=True)
    await sending
    print("all of it:")
    print(_line(load, time.monotonic() - begun, time.monotonic() - begun, _memory(workers_of(process))))
    print(f"broken connections: {load.broken}, answers other than 204: {dict(load.refused)}")


def _line(load: Load, seconds: float, at: float, memory: float) -> str:
    rate = len(load.seconds) * EVENTS / seconds
    p50, p99, most = (load.percentile(share) * 1000 for share in (0.5, 0.99, 1.0))
    return f"{at:>8.0f}{rate:>10,.0f}{p50:>8.1f}{p99:>8.1f}{most:>8.1f}{memory:>6.0f}"


if __name__ == "__main__":
    main()
