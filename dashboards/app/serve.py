"""``headwater dashboard``: the app behind gunicorn.

Here: making the app in each process, keeping the copy of the lake up to date.
Not here: the app (``dashboards.app.server``), who may enter (``dashboards.access``), gunicorn and connections
(``pipelines.web``).

The process that forks the workers reads no data itself: DuckDB and Polars have threads, which do not survive a fork.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import Any, NoReturn

from dashboards.access.guard import inside
from dashboards.access.rules import Rules
from dashboards.app.server import create_app
from dashboards.copy.build import current
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.web.network import Proxies
from pipelines.web.server import Server, options_for

_PUBLISHER = (sys.executable, "-m", "pipelines.commands.publisher")
"""The module that makes copies. It runs in its own process, so that its memory is freed when it ends."""


def serve(home: Home, rules: Rules, port: int, workers: int) -> None:
    """Serve the app, with access by *rules*, until it is stopped.

    Raises:
        HeadwaterError: the home cannot be read, or the address cannot be used.
    """
    options = options_for("headwater-dashboard", rules.host, port, workers, f"dashboards of {home.root}")
    if current(home) is None:  # if there is a copy, the app shows it until the watcher has made a newer one
        print(f"copying the tables of {home.root} …", file=sys.stderr)
        if subprocess.run([*_PUBLISHER, str(home.root)], check=False, stdin=subprocess.DEVNULL).returncode:
            raise HeadwaterError(
                "the tables cannot be copied for the dashboards; the line above says why", where=home.root
            )
    # The watcher has its own session, so that Ctrl-C reaches only the server, which then stops the watcher.
    watcher = subprocess.Popen(
        [*_PUBLISHER, str(home.root), "--watch"],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    options |= {
        "timeout": 120,
        "worker_exit": lambda _server, _worker: _leave(),
        "on_exit": lambda _server: _leave(watcher),
    }
    Server(lambda: _application(home, rules), rules.proxy or Proxies(), options).run()


def _application(home: Home, rules: Rules) -> Any:
    server = create_app(home, rules).server
    # Dash registers its components' scripts only when it renders a page. With several workers, a browser may
    # request a script from a worker that has not rendered one yet, so render a page now.
    server.test_client().get("/", environ_overrides=inside())
    return server


def _leave(watcher: subprocess.Popen[bytes] | None = None) -> NoReturn:
    """Stop *watcher*, if given, and end this process without Python's cleanup, in which DuckDB would report leaks."""
    if watcher is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(watcher.pid, signal.SIGTERM)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
