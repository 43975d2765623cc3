"""A small web server that serves test pages with the tracker in them and records what the tracker sends.

Here: pages of HTML, the tracker, and an address for events whose answer a test chooses.
Not here: the collector, which `tests.browser.test_shop` uses.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from pipelines.home.folder import REPOSITORY

Event = dict[str, Any]

TRACKER = REPOSITORY / "pipelines" / "collector" / "static" / "hw.js"
STRICT = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; frame-src 'self'; require-trusted-types-for 'script'"
)
PATIENCE = 180.0
"""Seconds to wait for an expected event, enough for a busy machine."""


@dataclass
class Recorder:
    """A running server: its pages (path → HTML), what it answers to events, and what it has received."""

    url: str = ""
    pages: dict[str, str] = field(default_factory=dict)
    answer: int = 204
    batches: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)

    def events(self, **wanted: Any) -> list[Event]:
        """The received events whose fields have the values *wanted*, each event once, in the order of their times."""
        found = {event["event_id"]: event for batch in list(self.batches) for event in batch["events"]}
        fitting = [event for event in found.values() if all(event.get(key) == value for key, value in wanted.items())]
        return sorted(fitting, key=lambda event: (event["device_time"], event["event_id"]))

    def wait(self, count: int = 1, **wanted: Any) -> list[Event]:
        """Wait until at least *count* events with the values *wanted* have arrived; returns these events."""
        eventually(lambda: len(self.events(**wanted)) >= count, f"{count} events {wanted}", self.events)
        return self.events(**wanted)


def eventually(is_so: Callable[[], bool], what: str, seen: Callable[[], Any] = lambda: "") -> None:
    """Wait until *is_so* returns true; if it takes too long, fail with the text *what* and the result of *seen*."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, f"{what} did not come: {seen()}"
        time.sleep(0.02)


@contextmanager
def recording() -> Iterator[Recorder]:
    """A recorder on a free port."""
    recorder = Recorder()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(recorder))
    server.daemon_threads = True
    recorder.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()


def _handler(recorder: Recorder) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path == "/hw.js":
                self._answer(200, "text/javascript", TRACKER.read_bytes())
            elif path.endswith(".js") and path in recorder.pages:
                self._answer(200, "text/javascript", recorder.pages[path].encode())
            elif path in recorder.pages:
                self._answer(200, "text/html; charset=utf-8", recorder.pages[path].encode())
            else:
                self._answer(404, "text/plain", b"")

        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["content-length"])))
            assert set(content) == {"sent_time", "events"}, content
            (recorder.batches if recorder.answer == 204 else recorder.refused).append(content)
            self._answer(recorder.answer, "text/plain", b"")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-security-policy", STRICT)
            if status != 204:
                self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
