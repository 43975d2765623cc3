"""A worker process of gunicorn that never lets a thread wait for a visitor's network.

Here: connections: how many there may be, how long one may take to send a request and to take an answer.
Not here: addresses, processes and signals (``dashboards.app.serve`` and gunicorn), HTTP itself (waitress), what is
answered (``dashboards.app.server``).

One thread of waitress reads all requests and writes all answers; the other threads get a request once it is whole. So a
connection that sends half a head, or a byte a second, costs a file descriptor and nothing else. These are limited too:
see docs/decisions/0014-web-server.md.
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
from waitress.task import ThreadedTaskDispatcher
from waitress.wasyncore import poll2

from dashboards.access.network import network_of
from dashboards.app.server import LARGEST_REQUEST

THREADS = 32
"""Of a process. Up to 24 of them may be taken by queries (``dashboards.workbench.turns``); the others are for pages."""
READ_SECONDS = 20.0
"""For a request, from its first byte to its last, however steadily its bytes come."""
IDLE_SECONDS = 15.0
"""That a connection stays open without a request."""
WRITE_SECONDS = 300.0
"""For an answer, from when it is ready until the visitor has taken all of it."""
MOST_OF_ADDRESS = 64
MOST = 512
"""Connections of a process: of one address (of IPv6, of one /64 network), and in all."""
LARGEST_HEAD = 32_768
"""Bytes; links with a query of SQL in them are long."""

_LOOK_SECONDS = 0.5
_NO_LIMIT = 10**12
"""For what waitress limits in a way that lets threads or visitors wait for others."""


class _Request(HTTPRequestParser):  # type: ignore[misc]
    """A request that knows when its first byte came."""

    def __init__(self, adjustments: Adjustments) -> None:
        super().__init__(adjustments)
        self.began_at = time.time()


class _Connection(HTTPChannel):  # type: ignore[misc]
    """A connection that knows whom it keeps waiting, and for how long."""

    parser_class = _Request

    def __init__(self, server: _Listener, connection: socket.socket, address: Any, **options: Any) -> None:
        self.network = network_of(address[0])
        self._writes_since: float | None = None
        super().__init__(server, connection, address, server.adj, **options)

    @property
    def waits_since(self) -> float | None:
        """Since when its request is to come; None while one is answered."""
        if self.requests or self.total_outbufs_len:
            return None
        since: float = self.last_activity if self.request is None else self.request.began_at
        return since

    def is_late(self, now: float) -> bool:
        """Whether it has had its time."""
        if not self.total_outbufs_len:
            self._writes_since = None
        elif self._writes_since is None:
            self._writes_since = now
        elif now - self._writes_since > WRITE_SECONDS:
            return True
        since = self.waits_since
        return since is not None and now - since > (IDLE_SECONDS if self.request is None else READ_SECONDS)


class _Listener(TcpWSGIServer):  # type: ignore[misc]
    """A listening socket that closes what waits too long, and makes room for whoever comes."""

    def __init__(self, *arguments: Any, is_exempt: Callable[[str], bool], **options: Any) -> None:
        """*is_exempt*: whether an address may have any number of connections; a proxy has those of many visitors."""
        self._is_exempt = is_exempt
        super().__init__(*arguments, **options)

    def handle_accept(self) -> None:
        """Accept a connection if there is room for it, or can be made."""
        with suppress(OSError):  # it was closed meanwhile
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
        """Nothing: waitress would only mark connections here, to close them when they can be written to."""

    def end_late(self) -> None:
        """Close the connections that have had their time."""
        now = time.time()
        for connection in list(self.active_channels.values()):
            if connection.is_late(now):
                connection.handle_close()

    @property
    def is_busy(self) -> bool:
        """Whether an answer is being made or sent."""
        return any(one.requests or one.total_outbufs_len for one in list(self.active_channels.values()))


def _end_longest_waiting(connections: Iterable[_Connection]) -> bool:
    """Close the connection whose request is awaited longest; False if all are being answered.

    Whoever has just come sends a request at once: the one that has waited longest is the one to give up.
    """
    waiting = [(since, one) for one in connections if (since := one.waits_since) is not None]
    if not waiting:
        return False
    min(waiting, key=lambda pair: pair[0])[1].handle_close()
    return True


class PatientWorker(Worker):  # type: ignore[misc]
    """Serves gunicorn's sockets with waitress until gunicorn ends it."""

    def run(self) -> None:
        """Serve until there is a signal to stop, or gunicorn's own process is gone."""
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # requests may queue: that is no fault
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

        Ctrl-C comes twice, from the terminal and from gunicorn's own process: an exception of the second would end what
        the first had begun to tidy up, and leave DuckDB's module to complain of leaks.
        """
        os._exit(0)

    def _listener(
        self, listening: socket.socket, connections: dict[int, Any], dispatcher: ThreadedTaskDispatcher
    ) -> _Listener:
        proxy = self.app.rules.proxy
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
                connection_limit=_NO_LIMIT,  # ours is MOST
                # Which proxies are trusted is for dashboards.access to say.
                clear_untrusted_proxy_headers=False,
                log_socket_errors=False,
                # Reads on while a request is answered, to notice that the visitor has gone.
                channel_request_lookahead=1,
            ),
            bind_socket=False,
            sockinfo=(listening.family, listening.type, listening.proto, listening.getsockname()),
            is_exempt=proxy.is_at if proxy else lambda _address: False,
        )

    def _serve_for_a_moment(self, listeners: Iterable[_Listener], connections: dict[int, Any]) -> None:
        self.notify()
        for listener in listeners:
            listener.end_late()
        poll2(_LOOK_SECONDS, connections)
