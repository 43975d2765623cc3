"""``headwater dashboard``: the app behind gunicorn.

Here: the listening address, the processes, keeping the copy of the lake up to date.
Not here: the app (``dashboards.app.server``), who may enter (``dashboards.access``), connections
(``dashboards.app.worker``).

The process that forks the workers reads no data itself: DuckDB and Polars have threads, which do not survive a fork.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from typing import Any, NoReturn

from gunicorn.app.base import BaseApplication

from dashboards.access.guard import inside
from dashboards.access.rules import Rules
from dashboards.app.server import create_app
from dashboards.app.worker import PatientWorker
from dashboards.copy.build import current
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home

_PUBLISHER = (sys.executable, "-m", "pipelines.commands.publisher")
"""The module that makes copies. It runs in its own process, so that its memory is freed when it ends."""


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with our application and settings; it reads no other configuration."""

    def __init__(self, home: Home, rules: Rules, options: dict[str, Any]) -> None:
        self._home = home
        self.rules = rules
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Apply the options."""
        for key, value in self._options.items():
            self.cfg.set(key, value)

    def load(self) -> Any:
        """The WSGI application, made in each worker."""
        server = create_app(self._home, self.rules).server
        # Dash registers its components' scripts only when it renders a page. With several workers, a browser may
        # request a script from a worker that has not rendered one yet, so render one now.
        server.test_client().get("/", environ_overrides=inside())
        return server


def serve(home: Home, rules: Rules, port: int, workers: int) -> None:
    """Serve the app, with access by *rules*, until it is stopped.

    Raises:
        HeadwaterError: the home cannot be read, or the address cannot be used.
    """
    host = rules.host
    _check_address(host, port)
    if current(home) is None:  # otherwise the app shows this copy until the watcher has made a newer one
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
    shown = f"[{host}]" if ":" in host else host
    banner = f"dashboards of {home.root}: http://{shown}:{port}  (Ctrl-C stops)"
    options = {
        "bind": f"{shown}:{port}",
        "workers": workers,
        "worker_class": PatientWorker,
        "timeout": 120,
        "graceful_timeout": 5,
        "errorlog": "-",
        "loglevel": "warning",
        "proc_name": "headwater-dashboard",
        "control_socket_disable": True,
        "when_ready": lambda _server: print(banner, file=sys.stderr, flush=True),
        "worker_exit": lambda _server, _worker: _leave(),
        "on_exit": lambda _server: _leave(watcher),
    }
    Server(home, rules, options).run()


def _leave(watcher: subprocess.Popen[bytes] | None = None) -> NoReturn:
    """Stop *watcher*, if given, and end this process without Python's cleanup, in which DuckDB would report leaks."""
    if watcher is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(watcher.pid, signal.SIGTERM)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _check_address(host: str, port: int) -> None:
    """Check that the address can be used, because gunicorn would retry for seconds before it reports the failure.

    Raises:
        HeadwaterError: the address cannot be used.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise HeadwaterError(
            f"{host}:{port} cannot be used: {error.strerror}", remedy="choose another with --port"
        ) from error
