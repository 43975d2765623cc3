"""Gunicorn with our worker.

Here: the server as an object, its options, the listening address.
Not here: connections (``pipelines.web.worker``), what is answered (``dashboards.app.serve``,
``pipelines.collector.serve``).
"""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication

from pipelines.home.errors import HeadwaterError
from pipelines.web.network import Proxies
from pipelines.web.worker import PatientWorker


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with our options; it reads no other configuration.

    Attributes:
        proxies: The trusted proxies, which may open any number of connections.
    """

    def __init__(self, make: Callable[[], Any], proxies: Proxies, options: dict[str, Any]) -> None:
        """*make* makes the WSGI application, in each worker; *options* are gunicorn's."""
        self.proxies = proxies
        self._make = make
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Apply the options."""
        for key, value in self._options.items():
            self.cfg.set(key, value)

    def load(self) -> Any:
        """The WSGI application, made in each worker."""
        return self._make()


def options_for(name: str, host: str, port: int, workers: int, banner: str, path: str = "") -> dict[str, Any]:
    """Gunicorn's options for a server at *host* and *port*; *banner* is printed, with the URL, once it is ready.

    *name* is the name of the processes, *path* the path in the printed URL.

    Raises:
        HeadwaterError: the address cannot be used.
    """
    check_address(host, port)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    line = f"{banner}: http://{address}{path}  (Ctrl-C stops)"
    return {
        "bind": address,
        "workers": workers,
        "worker_class": PatientWorker,
        "graceful_timeout": 5,
        "errorlog": "-",
        "loglevel": "warning",
        "proc_name": name,
        "control_socket_disable": True,
        "when_ready": lambda _server: print(line, file=sys.stderr, flush=True),
    }


def check_address(host: str, port: int) -> None:
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
        is_port = error.errno in (errno.EADDRINUSE, errno.EACCES)
        remedy = f"choose another with {'--port' if is_port else '--host'}"
        raise HeadwaterError(f"{host}:{port} cannot be used: {error.strerror}", remedy=remedy) from error
