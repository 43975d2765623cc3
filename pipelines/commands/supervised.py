"""The programs of ``headwater serve``, and the settings of the supervisor that keeps them running.

Here: which programs run and how they are stopped. The supervisor is supervisord: it starts again what ends, waits
longer after each failed start, and passes signals on.
Not here: the programs themselves.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dashboards.access.rules import rules_for
from pipelines.home.errors import HeadwaterError
from pipelines.home.files import convert_write_errors, lock_now, write_file
from pipelines.home.folder import Home
from pipelines.web.server import check_address

_LONGEST_RUN = 600
"""Seconds that a stopped daemon gets to finish its run."""

_LOCAL = "127.0.0.1"


@dataclass(frozen=True)
class Ports:
    """The ports of dashboards, Dagster's webserver and collector; None: this program does not run."""

    dashboards: int
    dagster: int | None
    collector: int | None


@dataclass(frozen=True)
class Program:
    """A program: its name, its command, and the seconds that it gets to stop."""

    name: str
    command: Sequence[str]
    stop_seconds: int = 30


def supervise(home: Home, host: str, ports: Ports, trusted: Sequence[str]) -> None:
    """Replace this process by the supervisor of the programs over *home*.

    Raises:
        HeadwaterError: a port is taken, nobody could sign in although others can reach *host*, or another supervisor
            already runs on this home.
    """
    rules_for(home, host, trusted=trusted)
    taken = [(host, ports.dashboards), (_LOCAL, ports.dagster), (host, ports.collector)]
    for address, port in taken:
        if port is not None:
            check_address(address, port)
    lines = settings(home, programs(host, ports, trusted))
    file = home.scratch / "supervisor.conf"
    with convert_write_errors(file):
        write_file(file, "\n".join(lines) + "\n")
        held = lock_now(home.scratch / "supervisor.lock")
    if held is None:
        raise HeadwaterError("another 'headwater serve' runs on this home", where=home.root, remedy="stop it first")
    os.set_inheritable(held.fileno(), True)  # the supervisor keeps the lock for as long as it runs
    print(_banner(host, ports), file=sys.stderr, flush=True)
    # The programs inherit the folder and the variables. In the supervisor's file, special characters in a path, such
    # as %, would be misread.
    os.chdir(home.root)
    variables = {"HEADWATER_HOME": str(home.root), "DAGSTER_HOME": str(home.dagster), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-P", "-m", "supervisor.supervisord", "--nodaemon", "--configuration", str(file)]
    os.execve(sys.executable, command, os.environ | variables)


def programs(host: str, ports: Ports, trusted: Sequence[str]) -> Iterator[Program]:
    """The programs, in the order in which they are started."""
    here = Path(sys.executable).parent
    ours = [sys.executable, "-P", "-m", "pipelines.commands.main"]
    proxies = [word for address in trusted for word in ("--trust-proxy", address)]
    yield Program("daemon", [str(here / "dagster-daemon"), "run", "-m", "assets.definitions"], _LONGEST_RUN)
    yield Program("dashboards", [*ours, "dashboard", "--host", host, "--port", str(ports.dashboards), *proxies])
    if ports.dagster is not None:
        address = ["-h", _LOCAL, "-p", str(ports.dagster)]
        yield Program("dagster", [str(here / "dagster-webserver"), "-m", "assets.definitions", *address])
    if ports.collector is not None:
        yield Program("collector", [*ours, "collect", "--host", host, "--port", str(ports.collector), *proxies])


def settings(home: Home, all_programs: Iterator[Program] | Sequence[Program]) -> Iterator[str]:
    """The lines of the supervisor's file for *all_programs* over *home*."""
    yield "; Written by 'headwater serve' at each start."
    yield "[supervisord]"
    yield "nodaemon = true"
    yield "logfile = /dev/null"
    yield "logfile_maxbytes = 0"
    if os.geteuid() == 0:
        yield "user = root"  # otherwise supervisord warns that it runs as root
    yield f"pidfile = {home.scratch.name}/supervisor.pid"
    for program in all_programs:
        yield f"[program:{program.name}]"
        yield f"command = {_written(program.command)}"
        yield "autorestart = true"
        yield "startsecs = 10"
        yield "startretries = 100"  # the supervisor waits a second longer after each failed start
        yield "stopsignal = TERM"
        yield f"stopwaitsecs = {program.stop_seconds}"
        yield "killasgroup = true"
        yield "stdout_logfile = /dev/fd/1"
        yield "stdout_logfile_maxbytes = 0"
        yield "redirect_stderr = true"


def _written(command: Sequence[str]) -> str:
    """*command* for the supervisor's file, in which a percent sign begins an expansion."""
    text = shlex.join(command)
    if "%" in text:
        raise HeadwaterError("'headwater serve' cannot start programs whose path has a percent sign", where=command[0])
    return text


def _banner(host: str, ports: Ports) -> str:
    lines = [f"dashboards: http://{host}:{ports.dashboards}"]
    if ports.dagster is not None:
        lines.append(f"Dagster: http://{_LOCAL}:{ports.dagster}")
    if ports.collector is not None:
        lines.append(f"collector: http://{host}:{ports.collector}")
    return " · ".join(lines) + "  (Ctrl-C stops)"
