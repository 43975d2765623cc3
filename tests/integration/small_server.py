"""``python -m tests.integration.small_server OPTIONS``: our gunicorn worker with an application of three addresses.

Here: a server that starts in a second, with timeouts as short as a test needs; OPTIONS is a JSON object.
Not here: the dashboards (``tests.integration.test_dashboard_server``).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from gunicorn.app.base import BaseApplication

from dashboards.access.rules import Proxy, Rules, _network
from dashboards.app import worker


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answers ``/large?N`` with N bytes, ``/slow?N`` after N seconds, other paths with the size of the body."""
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    if path == "/large":
        content = b"x" * int(query)
    elif path == "/slow":
        # One write for the line and its end, so that lines of two requests do not mix.
        print("began\n", end="", flush=True)
        deadline = time.monotonic() + float(query)
        while time.monotonic() < deadline and not environ["waitress.client_disconnected"]():
            time.sleep(0.05)
        content = b"slow"
        print("gone\n" if environ["waitress.client_disconnected"]() else "stayed\n", end="", flush=True)
    else:
        content = str(len(environ["wsgi.input"].read())).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(content)))])
    return [content]


class SmallServer(BaseApplication):
    def __init__(self, options: dict[str, Any]) -> None:
        self.port = options.pop("port")
        trusted = options.pop("trusted", [])
        self.rules = Rules(proxy=Proxy(tuple(map(_network, trusted))) if trusted else None)
        for name, value in options.items():
            setattr(worker, name, value)
        super().__init__()

    def load_config(self) -> None:
        self.cfg.set("bind", f"127.0.0.1:{self.port}")
        self.cfg.set("worker_class", worker.PatientWorker)
        self.cfg.set("workers", 1)
        self.cfg.set("graceful_timeout", 30)
        self.cfg.set("control_socket_disable", True)
        self.cfg.set("loglevel", "warning")

    def load(self) -> Any:
        return application


if __name__ == "__main__":
    SmallServer(json.loads(sys.argv[1])).run()
