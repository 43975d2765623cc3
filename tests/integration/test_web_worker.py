"""Connections of the web server, with real gunicorn and sockets: slow visitors occupy no thread and block nobody."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from waitress.adjustments import Adjustments

from pipelines.home.folder import REPOSITORY
from pipelines.web import worker
from tests.integration.dagster_servers import free_port

pytestmark = pytest.mark.real

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
"""An unfinished request: the empty line after its header is missing."""
BODY = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf"
CHUNKS = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"
HALVES = (b"", b"G", HEAD, BODY, CHUNKS)
LONG = 60.0
"""Time limit in seconds for things that take a moment, generous for a busy machine."""


@dataclass
class Site:
    """A server, and the connections that a test opened to it."""

    port: int
    process: subprocess.Popen[str]
    opened: list[socket.socket] = field(default_factory=list)

    def open(self, sent: bytes = b"", address: str | None = None) -> socket.socket:
        """A connection from *address* (None: the usual one) over which *sent* has been sent."""
        source = (address, 0) if address else None
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=LONG, source_address=source)
        self.opened.append(connection)
        if sent:
            connection.sendall(sent)
        return connection

    def get(self, path: str = "/", body: bytes | None = None, address: str | None = None) -> tuple[int, bytes]:
        """Send a request on a new connection (POST if it has a body); returns status and body of the answer."""
        source = (address, 0) if address else None
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG, source_address=source)
        with contextlib.closing(connection):
            connection.request("POST" if body is not None else "GET", path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()


@contextlib.contextmanager
def served(**options: object) -> Iterator[Site]:
    port = free_port()
    command = [sys.executable, "-m", "tests.integration.small_server", json.dumps({"port": port, **options})]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    site = Site(port, process)
    try:
        until(lambda: answers(site))
        yield site
    finally:
        for connection in site.opened:
            connection.close()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        errors = process.communicate(timeout=LONG)[1]
        assert "Traceback" not in errors, errors


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A server with the default limits on connections."""
    with served() as made:
        yield made


def answers(site: Site) -> bool:
    assert site.process.poll() is None, site.process.communicate()[1]
    with contextlib.suppress(OSError):
        return site.get()[0] == 200
    return False


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def is_closed(connection: socket.socket) -> bool:
    """Whether the server has closed *connection*; data that the server sent before is discarded."""
    connection.setblocking(False)
    try:
        while connection.recv(65_536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


# Requests that never become complete -------------------------------------------------------------------


@pytest.mark.parametrize("is_alone", [True, False], ids=["one address", "many addresses"])
def test_half_open_connections_stop_nobody(is_alone):
    """200 unfinished requests do not keep a server with two threads from answering other requests.

    There are forty connections for each of the five beginnings of a request in ``HALVES``, and they do not time out
    within the test. Other requests are answered, from other addresses and from the same one.
    """
    with served(THREADS=2, READ_SECONDS=LONG * 10, IDLE_SECONDS=LONG * 10) as site:
        for number in range(200):
            site.open(HALVES[number % len(HALVES)], "127.0.0.2" if is_alone else f"127.0.1.{number + 1}")
        for address in ("127.0.0.1", "127.0.0.2", "127.0.1.7"):
            assert site.get("/", b"12345", address) == (200, b"5")


def test_a_request_has_a_time_however_steadily_its_bytes_come():
    with served(READ_SECONDS=1.0, IDLE_SECONDS=LONG * 10) as site:
        started = time.monotonic()
        head, body, chunk = site.open(b"GET / HTTP/1.1\r\nX: "), site.open(BODY), site.open(CHUNKS)

        def are_over() -> bool:
            for connection in (head, body):
                with contextlib.suppress(OSError):
                    connection.send(b"a")
            return all(map(is_closed, (head, body, chunk)))

        until(are_over)
        assert time.monotonic() - started >= 0.9


def test_an_idle_connection_is_closed_before_a_half_request():
    with served(IDLE_SECONDS=1.0, READ_SECONDS=LONG * 10) as site:
        idle, half = site.open(), site.open(HEAD)
        until(lambda: is_closed(idle))
        half.setblocking(True)
        half.sendall(b"\r\n")
        assert half.recv(100).startswith(b"HTTP/1.1 200 OK")
        until(lambda: is_closed(half))


def test_a_request_in_pieces_is_whole_at_last_as_is_the_next(site):
    connection = site.open()
    for end, size in ((b"", b"3"), (b"Connection: close\r\n", b"4")):
        for byte in (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
            + size
            + b"\r\n"
            + end
            + b"\r\n"
            + b"abcd"[: int(size)]
        ):
            connection.sendall(bytes([byte]))
    said = b""
    while part := connection.recv(1000):
        said += part
    assert said.count(b"HTTP/1.1 200 OK") == 2
    assert said.endswith(b"\r\n4")


# Responses that the visitor does not read --------------------------------------------------------------


def test_answers_not_taken_hold_no_thread_and_have_a_time():
    large = b"GET /large?30000000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with served(THREADS=2, WRITE_SECONDS=2.0) as site:
        slow = [site.open(large) for _ in range(6)]
        for _ in range(3):
            assert site.get() == (200, b"0")
        started = time.monotonic()
        taken = 0
        # Read a little now and then, too slowly to get the whole response before its time-out.
        while part := slow[0].recv(4096):
            taken += len(part)
            if time.monotonic() - started < 4:
                time.sleep(0.1)
        assert taken < 30_000_000


def test_a_large_answer_arrives_whole(site):
    status, content = site.get("/large?30000000")
    assert (status, len(content)) == (200, 30_000_000)


def test_who_has_gone_is_noticed(site):
    connection = site.open(b"GET /slow?600 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert site.process.stdout is not None
    # Close only now, because the server never starts a request whose visitor leaves before it has been read.
    assert site.process.stdout.readline() == "began\n"
    connection.close()
    assert site.process.stdout.readline() == "gone\n"


# Limits on the number of connections -------------------------------------------------------------------


def test_at_an_address_cap_the_longest_waiting_makes_room():
    with served(MOST_OF_ADDRESS=5, READ_SECONDS=LONG * 10, IDLE_SECONDS=LONG * 10) as site:
        other = site.open(HEAD, "127.0.0.3")
        own = []
        for _ in range(5):
            own.append(site.open(HEAD, "127.0.0.2"))
            time.sleep(0.05)  # own[0] is clearly the oldest connection, and so the one that the server closes
        sixth = site.open(HEAD, "127.0.0.2")
        until(lambda: is_closed(own[0]))
        for connection in (*own[1:], sixth, other):
            assert not is_closed(connection)
            connection.setblocking(True)
            connection.sendall(b"\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_who_is_being_answered_is_never_closed_for_another():
    with served(MOST_OF_ADDRESS=2) as site:
        busy = [site.open(b"GET /slow?5 HTTP/1.1\r\nHost: localhost\r\n\r\n", "127.0.0.2") for _ in range(2)]
        assert site.process.stdout is not None
        assert [site.process.stdout.readline() for _ in busy] == ["began\n"] * 2
        third = site.open(HEAD, "127.0.0.2")
        until(lambda: is_closed(third))
        assert site.get("/", b"12", "127.0.0.3") == (200, b"2")
        for connection in busy:
            connection.setblocking(True)
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_at_the_cap_of_all_the_longest_waiting_makes_room():
    with served(MOST=20, READ_SECONDS=LONG * 10, IDLE_SECONDS=LONG * 10) as site:
        for number in range(60):
            site.open(HEAD, f"127.0.2.{number + 1}")
        assert site.get("/", b"1", "127.0.0.9") == (200, b"1")


def test_a_trusted_proxy_has_as_many_as_it_likes():
    with served(MOST_OF_ADDRESS=3, trusted=["10.0.0.1", "::ffff:127.0.0.2"]) as site:
        through = [site.open(HEAD, "127.0.0.2") for _ in range(10)]
        direct = [site.open(HEAD, "127.0.0.9") for _ in range(10)]
        until(lambda: sum(map(is_closed, direct)) == 7)
        for connection in through:
            connection.setblocking(True)
            connection.sendall(b"\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")


# Shutdown, and invalid requests ------------------------------------------------------------------------


def test_a_request_under_way_is_answered_and_half_ones_are_not():
    with served() as site:
        under_way, _half = site.open(b"GET /slow?2 HTTP/1.1\r\nHost: localhost\r\n\r\n"), site.open(HEAD)
        assert site.process.stdout is not None
        assert site.process.stdout.readline() == "began\n"
        site.process.send_signal(signal.SIGTERM)
        assert under_way.recv(1000).startswith(b"HTTP/1.1 200 OK")
        assert site.process.wait(timeout=LONG) == 0


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x00\xff\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: a\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", b"501"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 40_000 + b"\r\n\r\n", b"431"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n", b"413"),
    ],
)
def test_what_is_no_request_is_refused(site, request_, status):
    assert site.open(request_).recv(100).split(b" ")[1] == status


def test_an_answer_without_a_body_keeps_the_connection(site):
    connection = site.open()
    for _ in range(2):
        connection.sendall(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = until_blank_line(connection)
        assert answer.startswith(b"HTTP/1.1 204 ")
        assert b"Connection: close" not in answer
    connection.sendall(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b"Connection: close" in until_blank_line(connection)
    assert connection.recv(1) == b""


def test_an_unreadable_request_has_a_path_to_log():
    # If the visitor leaves before the answer, waitress logs the path; without one it would log a traceback.
    request = worker._Request(Adjustments())
    request.received(b"\0\r\n\r\n")
    assert request.error is not None
    assert request.path == ""


def until_blank_line(connection: socket.socket) -> bytes:
    """What the server sends, up to the first blank line."""
    found = b""
    while not found.endswith(b"\r\n\r\n"):
        found += connection.recv(1) or pytest.fail(f"closed after {found!r}")
    return found
