"""A query in a confined process of its own.

Here: starting the process with nothing of this one's environment, waiting for it, ending it when its time is over.
Not here: what the process may do (``worker``), which queries come this far (``gate``).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.home.errors import HeadwaterError

_WORKER = Path(__file__).with_name("worker.py")
_LOOK_SECONDS = 0.25
"""How often it is asked whether somebody wants a query stopped."""


class QueryError(HeadwaterError):
    """A query that was run and gave no result; the message says why."""


@dataclass(frozen=True)
class Limits:
    """What a query may take.

    Attributes:
        seconds: From start to end; then its process is killed.
        rows, bytes: Of the result, as JSON in UTF-8; what is beyond is cut off, and said to be.
        cell_bytes: Of one value; what is beyond is cut off, and the value says so.
        memory: DuckDB's, as it writes it. It spills nothing, for it may write nothing.
        address_space: The whole process's, in bytes.
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

    Values are numbers, booleans, None and text: decimals, days and times as text, lists, structs and maps as JSON.

    Attributes:
        columns: Name and DuckDB type of each.
        is_cut: Whether there are more rows than these.
        seconds: How long it took, the process's start included.
    """

    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[object]]
    is_cut: bool
    seconds: float


def run_confined(database: Path, sql: str, limits: Limits, is_stopped: Callable[[], bool] = lambda: False) -> Result:
    """The result of *sql* on the copy *database*.

    Raises:
        QueryError: DuckDB refuses it, it takes more time or memory than it may, or *is_stopped*.
    """
    request = {"database": str(database), "sql": sql, **asdict(limits)}
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
        said = json.loads(out)
    except ValueError:
        raise QueryError("the query needs more memory than a query may have; aggregate first") from None
    if "error" in said:
        raise QueryError(said["error"])
    columns = [(column["name"], column["type"]) for column in said["columns"]]
    return Result(columns, said["rows"], said["is_cut"], seconds)


def _waited_for(
    process: subprocess.Popen[bytes], request: bytes, limits: Limits, is_stopped: Callable[[], bool]
) -> bytes:
    """What *process* answers."""
    given: bytes | None = request
    deadline = time.monotonic() + limits.seconds
    while True:
        try:
            return process.communicate(given, timeout=max(min(_LOOK_SECONDS, deadline - time.monotonic()), 0))[0]
        except subprocess.TimeoutExpired:
            given = None  # it was taken
        if is_stopped():
            raise QueryError("stopped on request")
        if time.monotonic() >= deadline:
            raise QueryError(
                f"stopped after {limits.seconds:g} seconds; read fewer days, or fewer columns, or aggregate first"
            )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Make sure that nothing of *process* is left."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
