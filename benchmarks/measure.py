"""Measures a job and its limit: a second job over as many rows, which shows how fast the first could be.

Here: running a job in its own process, to get its peak memory; the median of several runs, alternating job and limit,
so that noise affects both; the lines of the table.
Not here: what the jobs do (``benchmarks.jobs``).
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Job = Callable[[Path], None]
"""A function to measure; gets the folder to work in."""

HEADER = f"{'job':<44}{'rows':>13}{'seconds':>10}{'cpu s':>9}{'rows/s':>12}{'peak MB':>10}{'ratio':>8}"


@dataclass(frozen=True)
class Run:
    """One run: wall seconds, processor seconds, and the peak memory of its process in bytes."""

    seconds: float
    processor_seconds: float
    peak: int


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

    def line(self, ratio: float | None = None) -> str:
        """One line of the table; *ratio* is the job's time divided by that of its limit (None: the column is empty)."""
        processor = statistics.median(run.processor_seconds for run in self.runs)
        peak = max(run.peak for run in self.runs)
        shown = "" if ratio is None else f"{ratio:.2f}"
        return (
            f"{self.name:<44}{self.rows:>13,}{self.seconds:>10.2f}{processor:>9.1f}{self.rows / self.seconds:>12,.0f}"
            f"{peak / 1e6:>10,.0f}{shown:>8}"
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
    sender.close()  # otherwise recv would wait for ever if the job dies, and not raise EOFError
    try:
        run: Run = receiver.recv()
    except EOFError as error:
        raise RuntimeError(f"{job.__name__} failed") from error
    process.join()
    return run


def _run(job: Job, folder: Path, sender: multiprocessing.connection.Connection) -> None:
    started = time.monotonic()
    before = _processor_seconds()
    job(folder)
    sender.send(Run(time.monotonic() - started, _processor_seconds() - before, _peak_memory()))


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_memory() -> int:
    """The peak memory of this process in bytes, from /proc: in a spawned process getrusage returns the parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
