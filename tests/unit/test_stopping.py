"""Ctrl-C as a request: what the work, the caller and the process see of it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest

from pipelines.home import REPOSITORY
from pipelines.stopping import run_stoppable

PROGRAM = """
import os, sys, threading, time
from pipelines import cli
from pipelines.stopping import run_stoppable

def work(tell):
    print("at work", flush=True)
    {work}

def command(**options):
    try:
        print("result", run_stoppable(work, lambda line: print(line, flush=True), grace_seconds={grace}))
    except KeyboardInterrupt:
        sys.exit(130)  # as Typer does

cli.app = command
cli.main()
"""
STOPPED = "error: stopped; what was published before is whole, run again to go on\n"


@dataclass
class Ended:
    code: int
    out: str
    errors: str
    seconds: float


def stopped(work: str, *signs: signal.Signals, grace: float = 30) -> Ended:
    """How a process ends that is sent *signs*, 0.3 s apart, while it is at *work*."""
    command = [sys.executable, "-c", PROGRAM.format(work=work, grace=grace)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        begun = time.monotonic()
        for sign in signs:
            time.sleep(0.3)
            process.send_signal(sign)
        out, errors = process.communicate(timeout=60)
        return Ended(process.returncode, out, errors, time.monotonic() - begun)


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


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_work_stops_where_it_next_tells_something(sign):
    work = """
    try:
        while True:
            time.sleep(0.05)
            tell("step")
    finally:
        print("cleared up", flush=True)
    """
    ended = stopped(work, sign)
    assert (ended.code, ended.errors) == (130, STOPPED)
    assert "cleared up" in ended.out.splitlines()


def test_work_that_tells_nothing_is_left_when_its_grace_is_over():
    ended = stopped("time.sleep(60)", signal.SIGINT, grace=0.5)
    assert (ended.code, ended.errors) == (130, STOPPED)
    assert ended.out == "stopping after this step; Ctrl-C again stops at once\n"
    assert ended.seconds < 30


def test_a_second_signal_leaves_at_once():
    ended = stopped("time.sleep(60)", signal.SIGINT, signal.SIGINT)
    assert (ended.code, ended.errors) == (130, STOPPED)
    assert ended.seconds < 30


def test_work_that_ends_meanwhile_has_its_result():
    ended = stopped("time.sleep(1); return 7", signal.SIGINT)
    assert (ended.code, ended.errors) == (0, "")
    assert ended.out.endswith("result 7\n")


def test_a_query_that_cannot_be_stopped_does_not_keep_the_process():
    query = "import duckdb; duckdb.sql('SELECT count(*) FROM range(10000000000) a, range(1000) b').fetchall()"
    ended = stopped(query, signal.SIGINT, grace=0.5)
    assert (ended.code, ended.errors) == (130, STOPPED)
    assert ended.seconds < 30


def test_ctrl_c_after_the_end_changes_nothing():
    ended = stopped("import atexit; atexit.register(time.sleep, 1); return 7", signal.SIGINT)
    assert (ended.code, ended.errors) == (0, "")
    assert ended.out.endswith("result 7\n")
