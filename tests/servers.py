"""Real servers on loopback that receive messages: HTTP and SMTP.

Here: what they answer, and what they have received.
Not here: what messages should say.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class WebServer:
    """An HTTP server.

    Attributes:
        port: The port it listens on.
        received: Path and content of each request, in order.
        answer: The number of a request, from 0 → the status, the content (a text as it is, else as JSON), and the delay
            of the answer in seconds.
    """

    port: int = 0
    received: list[tuple[str, Any]] = field(default_factory=list)
    answer: Callable[[int], tuple[int, object, float]] = lambda _number: (200, {}, 0.0)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"


@contextmanager
def web_server() -> Iterator[WebServer]:
    """A running server; it ends with the context."""
    state, lock = WebServer(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                number = len(state.received)
                state.received.append((self.path, json.loads(content)))
            status, answer, seconds = state.answer(number)
            time.sleep(seconds)
            try:
                self.send_response(status)
                self.end_headers()
                self.wfile.write((answer if isinstance(answer, str) else json.dumps(answer)).encode())
            except OSError:
                pass  # the client has given up, or was killed

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class MailServer:
    """An SMTP server: its *port*, the mails *received*, the code with which it *refuses* mails ('': accepts them)."""

    port: int = 0
    received: list[EmailMessage] = field(default_factory=list)
    refusal: str = ""
    logins: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A running server; it ends with the context."""
    state = MailServer()

    class Handler:
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
            if state.refusal:
                return state.refusal
            content = envelope.content
            assert isinstance(content, bytes)
            state.received.append(BytesParser(policy=default).parsebytes(content))  # type: ignore[arg-type]
            return "250 OK"

    def login(_server: object, _session: object, _envelope: object, _mechanism: str, data: object) -> AuthResult:
        assert isinstance(data, LoginPassword)
        state.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=True)

    with socket.socket() as free:  # aiosmtpd connects to the given port itself, so the port must not be 0
        free.bind(("127.0.0.1", 0))
        state.port = free.getsockname()[1]
    controller = Controller(Handler(), "127.0.0.1", state.port, authenticator=login, auth_require_tls=False)
    controller.start()
    try:
        yield state
    finally:
        controller.stop()
