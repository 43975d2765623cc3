"""A real PostgreSQL server for tests, with its data in a temporary folder and reachable only by a socket file.

Not here: the tests (``tests/integration/test_databases.py``).
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

PASSWORD = "p@ss/w0rd"
"""Contains characters that must be escaped in an address."""

USER = "shop"


def programs() -> Path | None:
    """The folder of PostgreSQL's programs; None if it is not installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    on_path = shutil.which("initdb")
    found = [folder for folder in reversed(folders) if (folder / "initdb").exists()]
    return found[0] if found else Path(on_path).parent if on_path else None


_OPTIONS = ("-c", "listen_addresses=", "-c", "fsync=off")


class Server:
    """A running server. Its files belong to another user than root, because PostgreSQL refuses to run as root."""

    def __init__(self, folder: Path, owner: str | None) -> None:
        self.folder = folder
        self._prefix = ["setpriv", f"--reuid={owner}", f"--regid={_group(owner)}", "--clear-groups"] if owner else []
        found = programs()
        assert found is not None
        self._programs = found
        (folder / "password").write_text(PASSWORD, encoding="utf-8")
        self._run("initdb", "-U", USER, "-A", "scram-sha-256", f"--pwfile={folder}/password", "-E", "UTF8", "-N")
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._process = subprocess.Popen(
            [*self._prefix, self._programs / "postgres", "-D", self.folder / "data", *_OPTIONS, "-k", self.folder],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 300
        while True:
            with contextlib.suppress(Exception):
                return self.execute("SELECT 1", database="postgres")
            assert self._process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "timed out"
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server at once, without waiting for its clients."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
        self._process.wait(300)

    def url(self, database: str) -> str:
        """The address of *database*, with the password."""
        return f"postgresql://{USER}:p%40ss%2Fw0rd@/{database}?host={self.folder}"

    def execute(self, *queries: str, database: str) -> None:
        """Execute *queries*, each in a transaction of its own."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for query in queries:
                connection.execute(query)

    def connect(self, database: str) -> Any:
        """An open connection to *database*, in a transaction."""
        import psycopg

        return psycopg.connect(self.url(database))

    def _run(self, program: str, *arguments: str) -> None:
        command: Sequence[Any] = [*self._prefix, self._programs / program, "-D", self.folder / "data", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    """A new server, which is stopped and removed at the end."""
    # The server runs as another user, who may not enter pytest's folders if root owns them. So use a folder elsewhere.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    owner = _other_user() if os.geteuid() == 0 else None
    if owner:
        shutil.chown(folder, owner, _group(owner))
    server = None
    try:
        server = Server(folder, owner)
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _other_user() -> str:
    names = [entry.pw_name for entry in pwd.getpwall()]
    return "postgres" if "postgres" in names else "nobody"


def _group(user: str | None) -> int:
    return pwd.getpwnam(user).pw_gid if user else -1
