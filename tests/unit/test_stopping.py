"""How Ctrl-C (and SIGTERM) stops work: the effects on the work, its caller and the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.commands.stopping import run_stoppable
from pipelines.home.folder import REPOSITORY, init_home

PROGRAM = """
import atexit, os, sys, time
from pathlib import Path
from pipelines.commands import main as cli
from pipelines.commands.stopping import run_stoppable

def wait_for_go():
    while not Path("go").exists():
        time.sleep(0.01)

def work(tell):
    print("at work", flush=True)
    {work}

def command(**options):
    try:
        result = run_stoppable(work, lambda line: print(line, flush=True), grace_seconds={grace})
        print("result", result)
        {after}
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)  # both as Typer does

cli.app = command
cli.main()
"""
STOPPED = "error: stopped; published partitions are intact, run again to continue\n"
STOPPING = "stopping after this step; press Ctrl-C again to stop immediately\n"
SIGNALS = pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])


class Program:
    """A process whose output goes to files, so that tests can read it while the process runs."""

    def __init__(self, folder: Path, code: str) -> None:
        self.out, self.errors = folder / "out", folder / "errors"
        self._go = folder / "go"
        buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        environment = buffered | {"PYTHONPATH": str(REPOSITORY)}
        with self.out.open("wb") as out, self.errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-c", code], cwd=folder, env=environment, stdout=out, stderr=errors
            )

    def wait_for(self, text: str) -> None:
        """Wait until the process has written *text*."""
        deadline = time.monotonic() + 120
        while text not in self.out.read_text(encoding="utf-8"):
            assert self._process.poll() is None, self.errors.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, f"waited in vain for {text!r}"
            time.sleep(0.01)

    def send(self, sign: signal.Signals) -> None:
        self._process.send_signal(sign)

    def go(self) -> None:
        """Let the process continue from where it waits for the test."""
        self._go.touch()

    def end(self) -> tuple[int, str, str]:
        """Wait for the end of the process; returns exit code, standard output and standard error."""
        try:
            code = self._process.wait(120)
        finally:
            self._process.kill()
        return code, self.out.read_text(encoding="utf-8"), self.errors.read_text(encoding="utf-8")


@pytest.fixture
def at_work(tmp_path: Path) -> Callable[..., Program]:
    """A function that starts a process and waits until the process runs the code *work*.

    After the result of *work* the process runs the code *after*.
    """

    def start(work: str, *, grace: float = 1000, after: str = "") -> Program:
        program = Program(tmp_path, PROGRAM.format(work=work, grace=grace, after=after))
        program.wait_for("at work\n")
        return program

    return start


def test_work_gives_its_result_and_what_it_raises():
    told: list[str] = []

    def work(tell):
        tell("half done")
        return 7

    def fail(_tell):
        raise ValueError("no such table")

    before = signal.getsignal(signal.SIGINT)
    assert run_stoppable(work, told.append) == 7
    with pytest.raises(ValueError, match="no such table"):
        run_stoppable(fail, told.append)
    assert told == ["half done"]
    assert signal.getsignal(signal.SIGINT) is before


@SIGNALS
def test_work_stops_where_it_next_tells_something(at_work, sign):
    work = """
    try:
        while True:
            time.sleep(0.05)
            tell("step")
    finally:
        print("cleared up", flush=True)
    """
    program = at_work(work)
    program.send(sign)
    code, out, errors = program.end()
    assert (code, errors) == (130, STOPPED)
    assert "cleared up" in out


def test_work_that_tells_nothing_is_left_when_its_grace_is_over(at_work):
    program = at_work("wait_for_go()", grace=0.5)
    program.send(signal.SIGINT)
    assert program.end() == (130, f"at work\n{STOPPING}", STOPPED)


def test_a_second_signal_leaves_at_once(at_work):
    program = at_work("wait_for_go()")
    program.send(signal.SIGINT)
    # Wait, because two signals that arrive together would count as one.
    program.wait_for(STOPPING)
    program.send(signal.SIGINT)
    assert program.end() == (130, f"at work\n{STOPPING}", STOPPED)


def test_work_that_ends_meanwhile_has_its_result(at_work):
    program = at_work("wait_for_go(); return 7")
    program.send(signal.SIGINT)
    program.wait_for(STOPPING)
    program.go()
    assert program.end() == (0, f"at work\n{STOPPING}result 7\n", "")


def test_a_query_that_cannot_be_stopped_lets_the_process_end(at_work):
    query = "import duckdb; duckdb.sql('SELECT count(*) FROM range(10000000000) a, range(1000) b').fetchall()"
    program = at_work(query, grace=0.5)
    program.send(signal.SIGINT)
    assert program.end() == (130, f"at work\n{STOPPING}", STOPPED)


@SIGNALS
def test_a_signal_after_the_end_changes_nothing(at_work, sign):
    """The signal arrives when the work is done, but its output may still be in a buffer that Python flushes at exit."""
    program = at_work("return 7", after="atexit.register(wait_for_go); atexit.register(os.write, 1, b'ending\\n')")
    program.wait_for("ending\n")
    program.send(sign)
    program.go()
    assert program.end() == (0, "at work\nending\nresult 7\n", "")


TELLING_RUN = """
import sys, time
from pathlib import Path
from pipelines.commands import main as cli, run as command
from pipelines.compute import run
show, run_home = command.print_summary, run.run_home

def show_slowly(*arguments, **options):
    print("telling", flush=True)
    while not Path("go").exists():
        time.sleep(0.01)
    show(*arguments, **options)

command.print_summary = show_slowly
run.run_home = lambda home, request, engine, tell: run_home(home, request, tell=tell)  # Dagster takes most of the time
sys.argv = ["headwater", "run", "--home", "home", "--select", "core.quarantine"]
cli.main()
"""


@SIGNALS
def test_a_run_that_is_done_says_so_whatever_comes(tmp_path, sign):
    init_home(tmp_path / "home")
    program = Program(tmp_path, TELLING_RUN)
    program.wait_for("telling\n")
    program.send(sign)
    program.go()
    code, out, errors = program.end()
    assert (code, errors) == (0, "")
    assert out.startswith("telling\nbatches ")
    assert out.endswith("checks    0 failed, 0 warnings\n")
