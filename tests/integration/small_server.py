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

from pipelines.web import worker
from pipelines.web.network import Proxies, read_networks
from pipelines.web.server import Server, options_for


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answers ``/large?N`` with N bytes, ``/slow?N`` after N seconds, ``/nothing`` with status 204.

    Other paths answer with the size of the request's body.
    """
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    if path == "/nothing":
        start_response("204 No Content", [])
        return []
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


def main(options: dict[str, Any]) -> None:
    port, trusted = options.pop("port"), options.pop("trusted", [])
    for name, value in options.items():
        setattr(worker, name, value)
    options = options_for("small-server", "127.0.0.1", port, 1, "small server") | {"graceful_timeout": 30}
    Server(lambda: application, Proxies(read_networks(trusted)), options).run()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
