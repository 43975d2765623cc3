"""A query in a confined process of its own.

Here: starting the process without our environment variables, waiting for it, killing it when its time is over.
Not here: what the process may do (``worker``), which queries may run (``gate``).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

from dashboards.workbench.messages import QueryError
from dashboards.workbench.worker import Kind

Values = Mapping[str, tuple[Kind, str]]
"""The values of a query's parameters: name → kind and text."""

_WORKER = Path(__file__).with_name("worker.py")
_LOOK_SECONDS = 0.25
"""Seconds between checks whether the query should be stopped."""


@dataclass(frozen=True)
class Limits:
    """The limits of a query.

    Attributes:
        seconds: Time from the start of the process; when it is over, the process is killed.
        rows, bytes: Number of rows, and size of the result as JSON in UTF-8. Further rows are cut, and *is_cut* is set.
        cell_bytes: Size of one value. A longer value is cut, and a note in it says so.
        memory: DuckDB's setting memory_limit. DuckDB cannot spill to disk, because the process may not write files.
        address_space: Address space of the process, in bytes.
    """

    seconds: float = 10.0
    rows: int = 10_000
    bytes: int = 8_000_000
    cell_bytes: int = 1_000_000
    memory: str = "512MB"
    address_space: int = 1_500_000_000


@dataclass(frozen=True)
class Result:
    """The first rows of a query, in the order of *columns*.

    Values are numbers, booleans, None or text. Decimals, days and times are text; lists, structs and maps are JSON.

    Attributes:
        columns: Name and DuckDB type of each column.
        is_cut: Whether there are more rows than these.
        seconds: Time taken, including the start of the process.
    """

    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[object]]
    is_cut: bool
    seconds: float


def run_confined(
    database: Path,
    sql: str,
    limits: Limits,
    is_stopped: Callable[[], bool] = lambda: False,
    values: Values = MappingProxyType({}),
) -> Result:
    """The result of *sql* on the copy *database*, with *values* bound to its parameters.

    Raises:
        QueryError: DuckDB rejects the query, it exceeds its time or memory, or *is_stopped()* is true.
    """
    request = {"database": str(database), "sql": sql, "values": dict(values), **asdict(limits)}
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-I", "-X", "utf8", str(_WORKER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        start_new_session=True,
    )
    try:
        out = _waited_for(process, json.dumps(request).encode(), limits, is_stopped)
    finally:
        _end(process)
    seconds = time.monotonic() - started
    try:
        reply = json.loads(out)
    except ValueError:
        raise QueryError("memory") from None
    if "error" in reply:
        raise QueryError(reply["error"], **reply["values"])
    columns = [(column["name"], column["type"]) for column in reply["columns"]]
    return Result(columns, reply["rows"], reply["is_cut"], seconds)


def _waited_for(
    process: subprocess.Popen[bytes], request: bytes, limits: Limits, is_stopped: Callable[[], bool]
) -> bytes:
    """The output of *process* for *request*.

    Raises:
        QueryError: it takes too long, or *is_stopped()* is true.
    """
    given: bytes | None = request
    deadline = time.monotonic() + limits.seconds
    while True:
        try:
            return process.communicate(given, timeout=max(min(_LOOK_SECONDS, deadline - time.monotonic()), 0))[0]
        except subprocess.TimeoutExpired:
            given = None  # communicate() accepts input only in its first call, which has sent it
        if is_stopped():
            raise QueryError("stopped")
        if time.monotonic() >= deadline:
            raise QueryError("slow", n=f"{limits.seconds:g}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill *process* with its children, and wait until it is gone."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
