"""``headwater collect``: the app behind gunicorn."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from gunicorn.app.base import BaseApplication

from pipelines.collector.app import create_app
from pipelines.collector.landing import EventLog, finish_left
from pipelines.collector.shop_orders import install_shop
from pipelines.home.folder import Home


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with our application and settings; it reads no other configuration."""

    def __init__(self, home: Home, options: dict[str, Any], *, is_demo: bool) -> None:
        self._home = home
        self._is_demo = is_demo
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Apply the options."""
        for key, value in self._options.items():
            self.cfg.set(key, value)

    def load(self) -> Any:
        """The WSGI application, made in each worker."""
        finish_left(self._home)
        log = EventLog(self._home, is_synced=False)
        threading.Thread(target=_finish_old, args=(log,), daemon=True).start()
        return create_app(self._home, log, is_demo=self._is_demo)


def serve(home: Home, host: str, port: int, workers: int, *, is_demo: bool) -> None:
    """Serve the collector of *home* until it is stopped."""
    if is_demo:
        install_shop(home)
    shown = f"[{host}]" if ":" in host else host
    banner = f"collector of {home.root}: http://{shown}:{port}  (Ctrl-C stops)"
    options = {
        "bind": f"{shown}:{port}",
        "workers": workers,
        "worker_class": "gthread",
        "threads": 8,
        "graceful_timeout": 5,
        "errorlog": "-",
        "loglevel": "warning",
        "proc_name": "headwater-collector",
        "control_socket_disable": True,
        "when_ready": lambda _server: print(banner, file=sys.stderr, flush=True),
        "on_exit": lambda _server: finish_left(home),
    }
    Server(home, options, is_demo=is_demo).run()


def _finish_old(log: EventLog) -> None:
    while True:
        time.sleep(1)
        log.finish_if_old()
