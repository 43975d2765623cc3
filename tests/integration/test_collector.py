"""The collector's server under load: every acknowledged event is in the lake once, whatever is killed or full."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.collector import Load, collector, free_port, send_all, workers_of
from pipelines.collector.batch import lines_of, read_body
from pipelines.collector.landing import EventLog, events_folder, left_files
from pipelines.collector.orders import SHOP
from pipelines.commands.diagnosis import diagnose
from pipelines.home.folder import Home, init_home
from tests.commands import headwater
from tests.ingest_support import event, live_events, refused, take_in
from tests.integration.test_faults import disk, remount

KILLS = int(os.environ.get("HEADWATER_KILLS", "5"))
LONG = 120.0
"""Time limit in seconds for things that take a moment, generous for a busy machine."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made, _ = init_home(tmp_path / "home")
    made.settings_file.write_text("collector: {events_per_second: 1000000}\n", encoding="utf-8")
    return made


@contextlib.contextmanager
def under_load(port: int, *, rate: int = 2000, connections: int = 20) -> Iterator[Load]:
    """Load on *port* while the context lasts; afterwards every batch that was begun has been answered by 204."""
    load, is_over = Load(), threading.Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(send_all(port, load, connections, is_over.is_set, rate))
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield load
    finally:
        is_over.set()
        thread.join()
    assert not failures


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONG
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def more(load: Load, batches: int = 50) -> None:
    """Wait until this many further batches are acknowledged."""
    before = len(load.acknowledged)
    until(lambda: len(load.acknowledged) >= before + batches)


def assert_all_in_lake_once(home: Home, load: Load) -> None:
    """Ingest, and assert that the lake has each acknowledged event once, and that nothing was refused."""
    report = take_in(home)
    assert (report.errors, report.quarantined) == ([], 0)
    times = Counter(event["event_id"] for event in live_events(home))
    assert set(times.values()) == {1}
    assert load.event_ids() - times.keys() == set()


def test_a_killed_worker_loses_no_event_and_delays_nobody(home):
    with collector(home, "--workers", "2") as (port, process), under_load(port, connections=8) as load:
        until(lambda: len(workers_of(process)) == 2)
        more(load)
        os.kill(next(filter(has_file, workers_of(process))), signal.SIGKILL)
        more(load)
        until(lambda: len(workers_of(process)) == 2)
        more(load)
        assert list(events_folder(home).glob("*.ndjson"))  # the killed worker's file is finished at once
    assert list(events_folder(home).glob("*.part")) == []
    assert load.refused == {}
    assert_all_in_lake_once(home, load)


def has_file(worker: int) -> bool:
    """Whether the process has a growing file; a worker without connections has none."""
    for one in Path(f"/proc/{worker}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the file has just been closed
            if one.readlink().suffix == ".part":
                return True
    return False


def test_ctrl_c_finishes_the_files(home):
    with collector(home) as (port, process):
        with under_load(port, connections=2) as load:
            more(load, 2)
        assert {path.suffix for path in events_folder(home).iterdir()} == {".part"}
        os.killpg(process.pid, signal.SIGINT)
        process.wait(LONG)
    assert process.returncode == 0
    assert list(events_folder(home).glob("*.part")) == []
    assert_all_in_lake_once(home, load)


def test_doctor_reports_files_of_killed_processes(home):
    with collector(home) as (port, process):
        with under_load(port, connections=2) as load:
            more(load, 2)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(LONG)
    until(lambda: left_files(home))
    (warning, last) = collector_findings(home)
    assert warning[0] == "warn"
    assert "files of killed processes, which ingestion does not read" in warning[1]
    assert last[1].startswith("last events written 20")
    assert take_in(home).batches == []
    with collector(home):
        assert [level for level, _ in collector_findings(home)] == ["ok"]
    assert_all_in_lake_once(home, load)


def collector_findings(home: Home) -> list[tuple[str, str]]:
    return [(finding.level, finding.message) for finding in diagnose(home) if finding.topic == "collector"]


def test_odd_values_that_are_accepted_harm_no_other_event(home):
    texts = ("", "\uffff\u2028\\\x7f", "长" * 50_000)
    odd = ["9" * 400, "1e300", "-0.0", "1e-400", "true", *map(json.dumps, texts)]
    names = ("slot", "page_id", "sku", "device_time", "page_url", "user_id", "event_id")
    for number, value in enumerate(odd):
        log = EventLog(home, seconds=0, is_synced=False)
        for name in names:
            sent = event(f"{number}-{name}", device_time=1_780_000_000_000, sent_time=None, received_time=None)
            body = json.dumps({"events": [sent | {name: 0}, sent | {"event_id": f"good {number}-{name}"}]})
            changed = body.replace(json.dumps({name: 0})[1:-1], f'"{name}": {value}', 1)
            assert changed != body
            log.append(lines_of(read_body(changed.encode()), 1_780_000_000_500, {}))
        log.finish_old()
    report = take_in(home)
    assert report.records == 2 * len(odd) * len(names)
    accepted = {row["event_id"] for row in live_events(home)}
    assert {f"good {number}-{name}" for number in range(len(odd)) for name in names} <= accepted
    assert not any("json" in reason or "UTF-8" in reason for _, reason in refused(home))


def test_what_prevents_a_start_is_said_in_one_line(home, tmp_path):
    outcome = headwater("collect", "--home", tmp_path / "none")
    assert (outcome.returncode, outcome.stderr.count("\n")) == (1, 1)
    assert "not a Headwater home" in outcome.stderr
    with socket.create_server(("127.0.0.1", 0)) as other:
        outcome = headwater("collect", "--port", other.getsockname()[1], home=home)
    assert (outcome.returncode, outcome.stderr.count("\n")) == (1, 1)
    assert "cannot be used: Address already in use; choose another with --port" in outcome.stderr
    outcome = headwater("collect", "--host", "nowhere.invalid", home=home)
    assert (outcome.returncode, outcome.stderr.count("\n")) == (1, 1)
    assert outcome.stderr.rstrip().endswith("choose another with --host")
    outcome = headwater("collect", "--trust-proxy", "nowhere", home=home)
    assert "--trust-proxy nowhere: not an address or network" in outcome.stderr
    (home.landing / "native").write_text("a file where the folder should be")
    outcome = headwater("collect", "--port", free_port(), home=home)
    assert (outcome.returncode, outcome.stderr.count("\n")) == (1, 1)
    assert "landing/native/events: cannot be written" in outcome.stderr
    home.settings_file.write_text("collector: {origins: [shop.example]}\n", encoding="utf-8")
    assert "expected an origin in lower case such as https://shop.example" in headwater("collect", home=home).stderr


# Long tests


@pytest.mark.real
def test_kills_under_load_lose_no_acknowledged_event(home):
    chance = random.Random(12)
    port = free_port()
    with contextlib.ExitStack() as stack:
        process = start(stack, home, port)
        with under_load(port, rate=3000, connections=50) as load:
            for number in range(2 * KILLS):
                more(load, chance.randrange(20, 300))
                if number % 2:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait(LONG)
                    process = start(stack, home, port)
                else:
                    until(lambda p=process: workers_of(p))
                    os.kill(chance.choice(workers_of(process)), signal.SIGKILL)
    assert load.broken > 0
    assert load.refused == {}
    assert list(events_folder(home).glob("*.part")) == []
    assert_all_in_lake_once(home, load)


def start(stack: contextlib.ExitStack, home: Home, port: int) -> subprocess.Popen[bytes]:
    return stack.enter_context(collector(home, port=port))[1]


@pytest.mark.real
@pytest.mark.parametrize("durability", ["flush", "fsync"])
def test_a_full_disk_acknowledges_nothing_and_tears_no_line(home, durability):
    settings = f"collector: {{events_per_second: 1000000, durability: {durability}, file_seconds: 1}}\n"
    home.settings_file.write_text(settings, encoding="utf-8")
    with disk(home.landing, "400k"):
        with collector(home) as (port, _), under_load(port, connections=8) as load:
            until(lambda: load.refused[503] > 20)
            for path in events_folder(home).iterdir():
                content = path.read_bytes()
                assert content.endswith(b"\n") or not content or is_growing(path)
            remount(home.landing, "size=100m")
            more(load)
        assert set(load.refused) == {503}
        assert load.broken == 0
        assert_all_in_lake_once(home, load)


def is_growing(path: Path) -> bool:
    """Whether the file is being written just now, so that it may have been read in the middle of a line."""
    return path.suffix == ".part" and path.exists()


@pytest.mark.real
def test_a_hundred_slow_connections_block_no_other(home):
    with collector(home) as (port, _), contextlib.ExitStack() as stack:
        for number in range(100):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=LONG))
            slow.sendall((b"POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n{", b"POST /e")[number % 2])
        with under_load(port, connections=20) as load:
            more(load, 500)
    assert load.refused == {}
    assert_all_in_lake_once(home, load)


@pytest.mark.real
def test_two_collectors_share_a_landing_folder(home, tmp_path):
    second, _ = init_home(tmp_path / "second")
    second.settings_file.write_text("collector: {events_per_second: 1000000}\n", encoding="utf-8")
    second.landing.rmdir()
    second.landing.symlink_to(home.landing)
    with contextlib.ExitStack() as stack:
        first_port, process = stack.enter_context(collector(home))
        second_port, _ = stack.enter_context(collector(second))
        first, other = (stack.enter_context(under_load(port, connections=8)) for port in (first_port, second_port))
        more(first)
        until(lambda: len(workers_of(process)) == 2)
        os.kill(workers_of(process)[0], signal.SIGKILL)
        more(first)
        more(other)
    # Both loads send the same events, and the lake must have each only once.
    assert first.event_ids() & other.event_ids()
    assert_all_in_lake_once(home, first)
    assert other.event_ids() <= {str(event["event_id"]) for event in live_events(home)}


@pytest.mark.real
def test_the_demo_makes_a_home_with_the_shops_entrances(tmp_path):
    home = Home(tmp_path / "new")
    with collector(home, "--demo") as (port, _):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
        connection.request("GET", "/shop/")
        assert connection.getresponse().read() == (SHOP / "index.html").read_bytes()
    assert home.entrances_file.read_bytes() == (SHOP / "entrances.csv").read_bytes()
