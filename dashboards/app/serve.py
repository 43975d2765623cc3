"""``headwater dashboard``: the app behind gunicorn.

Here: which address it listens on, its processes, keeping the copy of the lake up to date.
Not here: the app (``dashboards.app.server``), who may enter (``dashboards.app.access``).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

from gunicorn.app.base import BaseApplication

from dashboards.app.access.guard import inside
from dashboards.app.access.rules import Rules
from dashboards.app.server import create_app
from dashboards.workbench.snapshot import current, is_stale, publish
from pipelines.errors import HeadwaterError
from pipelines.home import Home, lock_holder

POLL_SECONDS = 5.0
"""How often the lake is looked at for changes."""


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with our application and settings, and no configuration from elsewhere."""

    def __init__(self, home: Home, rules: Rules, options: dict[str, Any]) -> None:
        self._home = home
        self._rules = rules
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Take the options."""
        for key, value in self._options.items():
            self.cfg.set(key, value)

    def load(self) -> Any:
        """The WSGI application, made in each worker."""
        server = create_app(self._home, self._rules).server
        # Dash knows the scripts of its components only once it has written a page that names them; with several
        # workers, another one may be asked for them.
        server.test_client().get("/", environ_overrides=inside())
        return server


def serve(home: Home, rules: Rules, port: int, workers: int) -> None:
    """Serve the app, to those whom *rules* let in, until it is stopped.

    Raises:
        HeadwaterError: the home cannot be read, or the address not be used.
    """
    print(f"copying the marts of {home.root} …", file=sys.stderr)
    publish(home)
    host = rules.host
    options = {
        "bind": f"{host}:{port}" if ":" not in host else f"[{host}]:{port}",
        "workers": workers,
        "worker_class": "gthread",
        "threads": 8,
        "timeout": 120,
        "graceful_timeout": 5,
        "keepalive": 15,
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "warning",
        "proc_name": "headwater-dashboard",
        # Links with a query of SQL in them are long.
        "limit_request_line": 8190,
        # Which proxies are trusted is for dashboards.app.access to say, not for the environment.
        "forwarded_allow_ips": "",
        "control_socket_disable": True,
        "when_ready": lambda _server: _ready(home, host, port),
    }
    Server(home, rules, options).run()


def _ready(home: Home, host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    print(f"dashboards of {home.root}: http://{shown}:{port}  (Ctrl-C stops)", file=sys.stderr, flush=True)
    threading.Thread(target=_keep_fresh, args=(home, os.getpid()), name="freshness", daemon=True).start()


def _keep_fresh(home: Home, parent: int) -> None:
    """Have the copy made anew, by a process of its own, whenever the lake has changed and no run is going."""
    wait = threading.Event()
    while os.getpid() == parent:
        wait.wait(POLL_SECONDS)
        try:
            if lock_holder(home) is None and is_stale(home, current(home)):
                # In a process of its own: making a copy takes memory, which this one would keep.
                subprocess.run(
                    [sys.executable, "-m", "dashboards.workbench.publisher", str(home.root)],
                    check=False,
                    stdin=subprocess.DEVNULL,
                )
        except HeadwaterError as error:
            print(f"warning: {error}", file=sys.stderr)
