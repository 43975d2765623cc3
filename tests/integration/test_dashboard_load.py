"""The dashboards under load from one visitor: other visitors still get their pages and query results.

Half of the pages must arrive within a second, and the result of ``SELECT 1`` within five seconds.
"""

from __future__ import annotations

import contextlib
import json
import socket
import statistics
import threading
import time
from collections.abc import Iterator

import pytest

from pipelines.home.folder import Home
from tests.commands import headwater
from tests.integration.small_shop import DAYS, land_days, new_home
from tests.integration.test_sign_in import PASSWORD, Browser, served
from tests.processes import confined_workers
from tests.support import run

pytestmark = pytest.mark.real

HALF_OPEN = 200
LOADED_SECONDS = 60.0
HALVES = (
    b"",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n",
    b"POST /_dash-update-component HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n{",
    b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nname",
)
HEAVY = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r"
"""A query that never ends by itself; the workbench stops it after its time limit of ten seconds."""


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    made = new_home(tmp_path_factory.mktemp("load") / "home")
    land_days(made, DAYS[:2])
    run(made)
    for name in ("ana", "bea"):
        told = headwater("user", "add", name, "--role", "analyst", "--password-stdin", home=made, stdin=f"{PASSWORD}\n")
        assert told.returncode == 0, told.stderr
    return made


@pytest.fixture(scope="module")
def port(home) -> Iterator[int]:
    with served(home) as number:
        for _ in range(20):  # enough requests for both processes to have read the tables
            assert Browser(number).send("GET", "/health")[0] == 200
        yield number


class Attacker:
    """Keeps connections open, and sends an endless request on each of them, one byte a second.

    A connection that the server closes is opened again.
    """

    def __init__(self, port: int, addresses: list[str]) -> None:
        self._port = port
        self._addresses = addresses
        self._is_over = threading.Event()
        self.most = 0
        self._thread = threading.Thread(target=self._attack, daemon=True)

    def __enter__(self) -> Attacker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _attack(self) -> None:
        held: dict[int, socket.socket] = {}
        while not self._is_over.is_set():
            for number in range(HALF_OPEN):
                if number not in held:
                    with contextlib.suppress(OSError):
                        source = (self._addresses[number % len(self._addresses)], 0)
                        held[number] = socket.create_connection(("127.0.0.1", self._port), 5, source)
                        held[number].sendall(HALVES[number % len(HALVES)])
                elif number % len(HALVES):
                    try:
                        held[number].sendall(b"a")
                    except OSError:
                        held.pop(number).close()
            self.most = max(self.most, len(held))
            self._is_over.wait(1)
        for connection in held.values():
            connection.close()


def page(browser: Browser, path: str) -> int:
    """The HTTP status of the request that loads the contents of the page *path*."""
    body = {
        "output": "..root.children...shown.data..",
        "outputs": [{"id": "root", "property": "children"}, {"id": "shown", "property": "data"}],
        "inputs": [{"id": "address", "property": "data", "value": f"{path}?lang=en"}],
        "changedPropIds": ["address.data"],
    }
    return browser.send("POST", "/_dash-update-component", json.dumps(body), Content_Type="application/json")[0]


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["127.0.0.2"], [f"127.0.3.{number + 1}" for number in range(HALF_OPEN)]],
    ids=["the same address", "another address", "many addresses"],
)
def test_200_half_open_connections_leave_the_others_their_pages(port, addresses, record_property):
    browser = Browser(port)
    assert browser.sign_in("bea")[0] == 303
    for path in ("/", "/entrances") * 4:
        assert page(browser, path) == 200
    took: dict[str, list[float]] = {"/health": [], "/": [], "/entrances": []}
    with Attacker(port, addresses) as attacker:
        deadline = time.monotonic() + LOADED_SECONDS
        while time.monotonic() < deadline:
            for path, seconds in took.items():
                started = time.monotonic()
                assert (browser.send("GET", path)[0] if path == "/health" else page(browser, path)) == 200
                seconds.append(time.monotonic() - started)
            time.sleep(0.5)
    assert attacker.most > HALF_OPEN / 2, "there was no attack"
    for path, seconds in took.items():
        record_property(f"median of {path}", f"{statistics.median(seconds):.3f} s of {len(seconds)}")
        print(f"{path}: median {statistics.median(seconds):.3f} s, longest {max(seconds):.3f} s, {len(seconds)} times")
        assert statistics.median(seconds) < 1


def test_16_heavy_queries_of_one_leave_another_a_timely_answer(port, home, record_property):
    ana, bea = Browser(port), Browser(port)
    ana.sign_in("ana")
    bea.sign_in("bea")
    assert bea.ask("SELECT 1", f"{0:032x}")[0] == 200
    heavy = []
    for number in range(16):
        heavy.append(threading.Thread(target=_ask_and_leave, args=(port, ana.cookies, f"{number:032x}"), daemon=True))
        heavy[-1].start()
    until_running = time.monotonic() + 60
    while not confined_workers(home.root):
        assert time.monotonic() < until_running
        time.sleep(0.05)
    took, most = [], 0
    for number in range(1, 6):
        started = time.monotonic()
        status, text = bea.ask(f"SELECT {number}", f"{number:032x}")
        took.append(time.monotonic() - started)
        assert status == 200
        assert "result=" in text
        assert bea.send("GET", f"/export/sql/result.csv?result={number:032x}")[2].split() == [
            f"\ufeff{number}",
            f"{number}",
        ]
        most = max(most, len(confined_workers(home.root)))
    record_property("seconds of SELECT", [round(seconds, 2) for seconds in took])
    print(f"SELECT 1 beside 16 heavy queries: {', '.join(f'{seconds:.2f} s' for seconds in took)}")
    assert max(took) < 5
    assert most == 1, "of one user one query runs"
    for thread in heavy:
        thread.join()


def _ask_and_leave(port: int, cookies: dict[str, str], key: str) -> None:
    """Start the heavy query *key* and close the connection after half a minute, as a closed browser tab does."""
    state = [
        ("sql-auto", "data", False),
        ("sql-text", "value", HEAVY),
        ("sql-next", "data", key),
        ("address", "data", "/sql"),
        ("sql-values", "data", {}),
    ]
    body = json.dumps(
        {
            "output": "sql-done.data",
            "outputs": {"id": "sql-done", "property": "data"},
            "inputs": [{"id": "sql-run", "property": "n_clicks", "value": 1}],
            "state": [{"id": i, "property": p, "value": v} for i, p, v in state],
            "changedPropIds": ["sql-run.n_clicks"],
        }
    ).encode()
    said = "; ".join(f"{name}={value}" for name, value in cookies.items())
    head = (
        f"POST /_dash-update-component HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nCookie: {said}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection, contextlib.suppress(TimeoutError):
        connection.sendall(head.encode() + body)
        connection.recv(1)


def test_queries_of_a_closed_tab_are_dropped(port, home):
    """The analyst of the previous test has closed her tab, so her queries stop and her next query can run."""
    ana = Browser(port)
    ana.sign_in("ana")
    status, text = ana.ask("SELECT 2", "c" * 32)
    assert (status, "result=" in text) == (200, True)
    deadline = time.monotonic() + 60
    while confined_workers(home.root):
        assert time.monotonic() < deadline
        time.sleep(0.1)
