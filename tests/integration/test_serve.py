"""``headwater serve``: all programs under one supervisor, and what Prometheus reads."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboards.app.server import create_app
from pipelines.home.folder import Home
from tests.integration.dagster_servers import free_port
from tests.integration.small_shop import DAYS, land_days, new_home
from tests.integration.test_sign_in import Browser
from tests.processes import Headwater, headwater
from tests.support import run

pytestmark = pytest.mark.real


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = new_home(tmp_path / "a home 家 100%")
    land_days(made, DAYS[:1])
    run(made)
    return made


def answers(port: int, path: str = "/health") -> bool:
    with contextlib.suppress(OSError):
        return Browser(port).send("GET", path)[0] == 200
    return False


def wait(what: str, probe: Callable[[], object], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.2)


def processes(home: Home, part: str) -> list[int]:
    """The processes over *home* whose command line contains *part*."""
    found = []
    for path in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if not path.name.isdigit() or part.encode() not in (path / "cmdline").read_bytes():
                continue
            if f"HEADWATER_HOME={home.root}".encode() in (path / "environ").read_bytes().split(b"\0"):
                found.append(int(path.name))
    return found


def test_programs_that_end_start_again_and_all_stop_together(home):
    dashboards, dagster, collector = free_port(), free_port(), free_port()
    ports = ["--port", str(dashboards), "--dagster-port", str(dagster), "--collect", "--collect-port", str(collector)]
    server = Headwater(home, "serve", *ports)
    try:
        assert server.wait_for(lambda: answers(dashboards) and answers(collector)), server.end()
        assert server.wait_for(lambda: answers(dagster, "/server_info"))
        second = headwater(home, "serve", "--port", str(free_port()), "--dagster-port", "0")
        assert (second.code, "another 'headwater serve' runs" in second.errors[-1]) == (1, True), second
        metrics = Browser(dashboards).send("GET", "/metrics")[2]
        assert re.search(r"^headwater_pending_files 0\.0$", metrics, re.MULTILINE), metrics
        assert re.search(r'^headwater_checks\{result="failed"\} 0\.0$', metrics, re.MULTILINE)
        (master, *_) = sorted(processes(home, f"dashboard\0--host\x00127.0.0.1\0--port\0{dashboards}"))
        os.kill(master, signal.SIGKILL)
        wait("the dashboards again", lambda: answers(dashboards) and master not in processes(home, "dashboard\0"))
    finally:
        outcome = server.stop(signal.SIGTERM)
    assert outcome.code == 0, outcome
    wait("the end of all programs", lambda: not processes(home, ""), 60)


def test_a_taken_port_is_one_line(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        outcome = headwater(home, "serve", "--port", str(free_port()), "--dagster-port", str(port))
    assert (outcome.code, len(outcome.errors)) == (1, 1)
    assert f"127.0.0.1:{port} cannot be used" in outcome.errors[0]


def test_others_must_sign_in(home):
    outcome = headwater(home, "serve", "--host", "0.0.0.0", "--port", str(free_port()))
    assert (outcome.code, "nobody would have to sign in" in outcome.errors[0]) == (1, True)


def test_only_programs_on_this_host_read_the_metrics(home, monkeypatch):
    client = create_app(home).server.test_client()
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 403
    elsewhere = {"REMOTE_ADDR": "10.1.2.3"}
    assert client.get("/metrics", environ_overrides=elsewhere).status_code == 403
    monkeypatch.setenv("HEADWATER_METRICS_TOKEN", "a long secret")
    for header, status in (("Bearer a long secret", 200), ("Bearer a", 403), ("Basic a long secret", 403), ("", 403)):
        answer = client.get("/metrics", environ_overrides=elsewhere, headers={"Authorization": header})
        assert answer.status_code == status, header
