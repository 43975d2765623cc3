"""The dashboards' server processes: they start, show new data, survive a killed worker, and leave no process behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from dashboards.copy.build import current
from pipelines.home.folder import Home, init_home
from tests.commands import headwater
from tests.integration.dagster_servers import free_port
from tests.integration.small_shop import DAYS, land_days, new_home
from tests.integration.test_sign_in import Browser
from tests.processes import Headwater
from tests.support import run


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = new_home(tmp_path / "a home 家")
    land_days(made, DAYS[:1])
    run(made)
    return made


def started(home: Home) -> tuple[Headwater, Browser]:
    """Start a dashboard server of *home* and wait until it answers; returns it and an HTTP client for it."""
    port = free_port()
    server = Headwater(home, "dashboard", "--port", str(port), "--workers", "2")

    def is_up() -> bool:
        with contextlib.suppress(OSError):
            return Browser(port).send("GET", "/health")[0] == 200
        return False

    try:
        assert server.wait_for(is_up), server.end().errors
    except BaseException:
        server.stop(signal.SIGTERM)
        raise
    return server, Browser(port)


def page(browser: Browser, path: str = "/") -> str:
    """The response of the callback that returns the content of the page *path*."""
    body = {
        "output": "..root.children...shown.data..",
        "outputs": [{"id": "root", "property": "children"}, {"id": "shown", "property": "data"}],
        "inputs": [{"id": "address", "property": "data", "value": f"{path}?lang=en"}],
        "changedPropIds": ["address.data"],
    }
    status, _, text = browser.send("POST", "/_dash-update-component", json.dumps(body), Content_Type="application/json")
    assert status == 200
    return text


def below(pid: int) -> list[int]:
    """The ids of all descendants of the process *pid*."""
    with contextlib.suppress(OSError):
        own = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return [one for child in own for one in (child, *below(child))]
    return []


def is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


@pytest.mark.real
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_without_a_trace(home, sign):
    server, browser = started(home)
    assert "Overview" in page(browser)
    children = below(server.process.pid)
    assert len(children) >= 3  # two worker processes, and the process that watches the lake and updates the copy
    outcome = server.stop(sign)
    assert outcome.code == 0
    assert not [line for line in outcome.errors if "Traceback" in line or "leaked" in line]
    deadline = time.monotonic() + 120
    while any(map(is_alive, children)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in children if is_alive(pid)]


@pytest.mark.real
def test_new_days_are_copied_and_a_killed_worker_comes_back(home):
    server, browser = started(home)
    try:
        before = current(home)
        assert before is not None
        workers = [pid for pid in below(server.process.pid) if b"--watch" not in _command(pid)]
        os.kill(workers[0], signal.SIGKILL)
        land_days(home, DAYS[1:2], "second")
        run(home)
        assert server.wait_for(lambda: (now := current(home)) is not None and now.version != before.version)
        for _ in range(6):  # any worker may answer, and all of them must show the new day
            assert f"{DAYS[1]}" in page(browser)
    finally:
        server.stop(signal.SIGTERM)


def _command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def test_a_port_in_use_is_one_line(tmp_path):
    home = new_home(tmp_path / "home")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        outcome = Headwater(home, "dashboard", "--port", str(port)).end()
    assert outcome.code == 1
    assert len(outcome.errors) == 1
    assert f"127.0.0.1:{port} cannot be used: Address already in use" in outcome.errors[0]


@pytest.mark.real
def test_a_home_without_data_says_what_to_run(tmp_path):
    home, _ = init_home(tmp_path / "empty")
    server, browser = started(home)
    try:
        assert "headwater run --home" in page(browser)
    finally:
        server.stop(signal.SIGTERM)


def test_what_is_no_home_is_refused(tmp_path):
    told = headwater("dashboard", "--home", tmp_path)
    assert told.returncode == 1
    assert "not a Headwater home" in told.stderr
