"""Measures a job and its limit: a second job that does only the minimum work for as many rows.

Here: running a job in its own process, to get its peak memory; the median of several runs, alternating job and limit,
so that noise affects both; the lines of the table.
Not here: what the jobs do (``benchmarks.jobs``).
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import resource
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Job = Callable[[Path], None]
"""A function to measure; gets the folder to work in."""

HEADER = f"{'job':<44}{'rows':>13}{'seconds':>10}{'cpu s':>9}{'rows/s':>12}{'peak MB':>10}{'spilled':>9}{'ratio':>8}"


@dataclass(frozen=True)
class Run:
    """One run: wall and processor seconds, and in bytes the peak memory and the most spilled to disk."""

    seconds: float
    processor_seconds: float
    peak: int
    spilled: int


@dataclass(frozen=True)
class Figure:
    """Several runs of a job over *rows* rows: median times and largest peak memory."""

    name: str
    rows: int
    runs: tuple[Run, ...]

    @property
    def seconds(self) -> float:
        """Median wall seconds."""
        return statistics.median(run.seconds for run in self.runs)

    @property
    def processor_seconds(self) -> float:
        """Median processor seconds."""
        return statistics.median(run.processor_seconds for run in self.runs)

    @property
    def peak(self) -> int:
        """The largest peak memory in bytes."""
        return max(run.peak for run in self.runs)

    @property
    def spilled(self) -> int:
        """The most bytes that DuckDB had spilled to disk at a time."""
        return max(run.spilled for run in self.runs)

    def line(self, ratio: float | None = None) -> str:
        """One line of the table; *ratio* is the job's time divided by that of its limit (None: the column is empty)."""
        shown = "" if ratio is None else f"{ratio:.2f}"
        return (
            f"{self.name:<44}{self.rows:>13,}{self.seconds:>10.2f}{self.processor_seconds:>9.1f}"
            f"{self.rows / self.seconds:>12,.0f}{self.peak / 1e6:>10,.0f}{self.spilled / 1e6:>9,.0f}{shown:>8}"
        )


@dataclass(frozen=True)
class Pair:
    """The figures of a job and of its limit."""

    job: Figure
    limit: Figure

    def lines(self) -> list[str]:
        """Two lines of the table: the job, with the ratio of the times, and the limit."""
        return [self.job.line(self.job.seconds / self.limit.seconds), self.limit.line()]


def measure_pair(
    names: tuple[str, str], rows: int, jobs: tuple[Job, Job], folders: tuple[Path, Path], runs: int
) -> Pair:
    """Run a job and its limit alternately, *runs* times each.

    In *names*, *jobs* and *folders* the job comes first, then its limit. Both process *rows* rows.
    """
    outcomes: tuple[list[Run], list[Run]] = ([], [])
    for _ in range(runs):
        for job, folder, found in zip(jobs, folders, outcomes, strict=True):
            found.append(run_in_new_process(job, folder))
    return Pair(Figure(names[0], rows, tuple(outcomes[0])), Figure(names[1], rows, tuple(outcomes[1])))


def run_in_new_process(job: Job, folder: Path) -> Run:
    """One run of *job* in a new process.

    Raises:
        RuntimeError: the job failed; its traceback is on stderr.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(job, folder, sender))
    process.start()
    sender.close()  # close our end, so that recv raises EOFError if the job dies
    try:
        run: Run = receiver.recv()
    except EOFError as error:
        raise RuntimeError(f"{job.__name__} failed") from error
    process.join()
    return run


def _run(job: Job, folder: Path, sender: multiprocessing.connection.Connection) -> None:
    spilling = _Spilling(folder)
    spilling.start()
    started = time.monotonic()
    before = _processor_seconds()
    job(folder)
    seconds, processor_seconds = time.monotonic() - started, _processor_seconds() - before
    spilling.is_over.set()
    spilling.join()
    sender.send(Run(seconds, processor_seconds, _peak_memory(), spilling.most))


class _Spilling(threading.Thread):
    """Measures the files to which DuckDB spills four times a second; *most* is the largest total size in bytes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)  # if the job fails, the process ends without waiting for this thread
        self.is_over = threading.Event()
        self.most = 0
        self._folder = folder

    def run(self) -> None:
        while not self.is_over.wait(0.25):
            homes = (self._folder, self._folder / "home")
            files = [path for home in homes for path in home.glob(".tmp/*/duckdb_temp_*")]
            self.most = max(self.most, sum(map(_size_of, files)))


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_blocks * 512
    except FileNotFoundError:  # DuckDB has just removed it
        return 0


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_memory() -> int:
    """The peak memory of this process in bytes, from /proc: in a spawned process getrusage returns the parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
