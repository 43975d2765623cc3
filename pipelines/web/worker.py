"""A gunicorn worker process whose threads never wait for a visitor's network.

Here: limits on the number of connections, and on the time to send a request and to receive the answer.
Not here: processes and signals (``pipelines.web.server`` and gunicorn), HTTP itself (waitress), what is answered
(``dashboards.app.server``, ``pipelines.collector.app``).

One thread of waitress reads all requests and writes all answers; the other threads get complete requests only. So a
connection that sends half a header, or a byte a second, costs only a file descriptor. As these are limited, so is
the number of connections (docs/decisions/0014-web-server.md).
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, NoReturn

from gunicorn.workers.base import Worker
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask
from waitress.wasyncore import poll2

from pipelines.web.network import network_of

THREADS = 32
"""Threads of a process. Queries may take up to 24 of them (``dashboards.workbench.turns``); the rest serve pages."""
READ_SECONDS = 20.0
"""Seconds for a request, from its first byte to its last, even if bytes keep arriving."""
IDLE_SECONDS = 15.0
"""Seconds that a connection may stay open without a request."""
WRITE_SECONDS = 300.0
"""Seconds until the visitor must have received all of an answer, from when it is ready."""
MOST_OF_ADDRESS = 64
MOST = 512
"""Maximum connections of a process, from one address (for IPv6, one /64 network) and in total."""
LARGEST_HEAD = 32_768
"""Maximum bytes of a request's header; links that contain an SQL query are long."""
LARGEST_REQUEST = 1_000_000
"""Maximum bytes of a request's body; a query is the longest text that a page sends."""

_LOOK_SECONDS = 0.5
_NO_LIMIT = 10**12
"""Switches off waitress's limits: with them a thread would wait for a slow visitor, and a visitor for others."""


class _Request(HTTPRequestParser):  # type: ignore[misc]
    """A request that records when its first byte arrived."""

    path = ""
    """The path of a request that cannot be read; waitress logs it if the visitor leaves before the answer."""

    def __init__(self, adjustments: Adjustments) -> None:
        super().__init__(adjustments)
        self.began_at = time.time()


class _Task(WSGITask):  # type: ignore[misc]
    """A request being answered."""

    close_on_finish: bool

    def build_response_header(self) -> bytes:
        """The answer's head. An answer that never has a body, such as 204, leaves the connection open.

        waitress closes the connection after an answer without Content-Length, but such an answer must not have one.
        """
        is_last = self.close_on_finish or self.request.headers.get("CONNECTION", "").lower() == "close"
        stays_open = self.version == "1.1" and not self.has_body and not is_last
        if stays_open:
            self.close_on_finish = True  # so that waitress does not add "Connection: close"
        head: bytes = super().build_response_header()
        if stays_open:
            self.close_on_finish = False
        return head


class _Connection(HTTPChannel):  # type: ignore[misc]
    """A connection that knows since when it has been waiting for the visitor to send or to receive."""

    parser_class = _Request
    task_class = _Task

    def __init__(self, server: _Listener, connection: socket.socket, address: Any, **options: Any) -> None:
        self.network = network_of(address[0])
        self._writes_since: float | None = None
        super().__init__(server, connection, address, server.adj, **options)

    def __repr__(self) -> str:
        """Without the visitor's address, because waitress logs this text."""
        return "a connection"

    @property
    def waits_since(self) -> float | None:
        """Unix time since which the connection has been waiting for a complete request; None while one is answered."""
        if self.requests or self.total_outbufs_len:
            return None
        since: float = self.last_activity if self.request is None else self.request.began_at
        return since

    def is_late(self, now: float) -> bool:
        """Whether it has waited too long: WRITE_SECONDS (answer), READ_SECONDS (request), IDLE_SECONDS (no request)."""
        if not self.total_outbufs_len:
            self._writes_since = None
        elif self._writes_since is None:
            self._writes_since = now
        elif now - self._writes_since > WRITE_SECONDS:
            return True
        since = self.waits_since
        return since is not None and now - since > (IDLE_SECONDS if self.request is None else READ_SECONDS)


class _Listener(TcpWSGIServer):  # type: ignore[misc]
    """A listening socket that closes connections which wait too long, and makes room for new ones."""

    def __init__(self, *arguments: Any, is_exempt: Callable[[str], bool], **options: Any) -> None:
        """*is_exempt*: whether an IP address may open any number of connections, as a proxy does for many visitors."""
        self._is_exempt = is_exempt
        super().__init__(*arguments, **options)

    def handle_accept(self) -> None:
        """Accept a connection.

        If there are too many, close one that waits for a request; if none waits, close the new one.
        """
        with suppress(OSError):  # the visitor has closed the connection already, so nothing is left to do
            accepted = self.accept()
            if accepted is None:
                return
            connection, address = accepted
            if self._has_room(address[0]):
                self.set_socket_options(connection)
                _Connection(self, connection, address, map=self._map)
            else:
                connection.close()

    def _has_room(self, address: str) -> bool:
        everybody: list[_Connection] = list(self.active_channels.values())
        network = network_of(address)
        own = [one for one in everybody if one.network == network]
        if not self._is_exempt(address) and len(own) >= MOST_OF_ADDRESS:
            return _end_longest_waiting(own)
        return len(everybody) < MOST or _end_longest_waiting(everybody)

    def maintenance(self, _now: float) -> None:
        """Do nothing, because ``end_late`` closes late connections.

        waitress would mark them here, and close each one only when it can be written to, which may be never.
        """

    def end_late(self) -> None:
        """Close the connections that are late (``is_late``)."""
        now = time.time()
        for connection in list(self.active_channels.values()):
            if connection.is_late(now):
                connection.handle_close()

    @property
    def is_busy(self) -> bool:
        """Whether an answer is being made or sent."""
        return any(one.requests or one.total_outbufs_len for one in list(self.active_channels.values()))


def _end_longest_waiting(connections: Iterable[_Connection]) -> bool:
    """Close the connection that has waited longest for its request; False if all are being answered.

    A new visitor sends a request at once, so the longest wait is the one least likely to end.
    """
    waiting = [(since, one) for one in connections if (since := one.waits_since) is not None]
    if not waiting:
        return False
    min(waiting, key=lambda pair: pair[0])[1].handle_close()
    return True


class PatientWorker(Worker):  # type: ignore[misc]
    """Serves gunicorn's sockets with waitress until gunicorn ends it."""

    def run(self) -> None:
        """Serve until there is a signal to stop, or gunicorn's main process is gone."""
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # no warning for each queued request
        connections: dict[int, Any] = {}
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.set_thread_count(THREADS)
        listeners = [self._listener(wrapped.sock, connections, dispatcher) for wrapped in self.sockets]
        while self.alive and self.ppid == os.getppid():
            self._serve_for_a_moment(listeners, connections)
        for listener in listeners:
            listener.accepting = False
        deadline = time.monotonic() + self.cfg.graceful_timeout
        while any(listener.is_busy for listener in listeners) and time.monotonic() < deadline:
            self._serve_for_a_moment(listeners, connections)

    def handle_quit(self, _sign: int, _frame: Any) -> NoReturn:
        """End at once.

        Ctrl-C arrives twice, from the terminal and from gunicorn's main process: an exception from the second would
        interrupt the cleanup that the first began, and DuckDB's module would report leaks.
        """
        os._exit(0)

    def _listener(
        self, listening: socket.socket, connections: dict[int, Any], dispatcher: ThreadedTaskDispatcher
    ) -> _Listener:
        return _Listener(
            self.wsgi,
            connections,
            _sock=listening,
            dispatcher=dispatcher,
            adj=Adjustments(
                sockets=[listening],
                ident="headwater",
                max_request_header_size=LARGEST_HEAD,
                max_request_body_size=LARGEST_REQUEST,
                outbuf_high_watermark=_NO_LIMIT,
                connection_limit=_NO_LIMIT,  # _Listener limits the number of connections instead
                # dashboards.access needs these headers: it decides which proxies are trusted.
                clear_untrusted_proxy_headers=False,
                log_socket_errors=False,
                # Keep reading while a request is answered, to notice that the visitor has left.
                channel_request_lookahead=1,
            ),
            bind_socket=False,
            sockinfo=(listening.family, listening.type, listening.proto, listening.getsockname()),
            is_exempt=self.app.proxies.is_at,
        )

    def _serve_for_a_moment(self, listeners: Iterable[_Listener], connections: dict[int, Any]) -> None:
        self.notify()
        for listener in listeners:
            listener.end_late()
        poll2(_LOOK_SECONDS, connections)
