"""``Turns`` limits how many queries run at once, over all threads and processes: one per user, and a few in all.

A user does not wait for the waiting queries of another user.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboards.workbench.messages import QueryError
from dashboards.workbench.turns import MOST_OF_A_USER, MOST_WAITING, Turns

LONG = 60.0


def patient() -> None:
    """The argument *check* of ``Turns.turn`` for a query that waits without a time limit: it never raises."""


class Queries:
    """Simulated queries, each in a thread, that run until the test ends them."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._threads: list[threading.Thread] = []
        self.running: list[str] = []
        self.faults: list[str] = []
        self.ends: dict[str, threading.Event] = {}

    def ask(self, user: str, name: str, check: Callable[[], None] = patient) -> None:
        self.ends[name] = threading.Event()
        self._threads.append(threading.Thread(target=self._run, args=(user, name, check), daemon=True))
        self._threads[-1].start()

    def _run(self, user: str, name: str, check: Callable[[], None]) -> None:
        try:
            with self._turns.turn(user, check):
                self.running.append(name)
                assert self.ends[name].wait(LONG)
                self.running.remove(name)
        except QueryError as error:
            self.faults.append(str(error))

    def end_all(self) -> None:
        for end in self.ends.values():
            end.set()
        for thread in self._threads:
            thread.join(LONG)


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def stays(is_so: Callable[[], bool]) -> None:
    """Assert that *is_so* stays true for half a second, longer than it takes to pass on a turn."""
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        assert is_so()
        time.sleep(0.02)


def test_a_users_queries_run_one_after_another_as_they_came(tmp_path):
    queries = Queries(Turns(tmp_path))
    for name in "abcd":
        queries.ask("ann", name)
        until(lambda name=name: name in queries.running or name != "a")  # type: ignore[misc]
        time.sleep(0.05)
    for name in "abcd":
        until(lambda name=name: queries.running == [name])  # type: ignore[misc]
        stays(lambda name=name: queries.running == [name])  # type: ignore[misc]
        queries.ends[name].set()
    queries.end_all()


def test_two_processes_of_a_server_run_one_query_of_a_user(tmp_path):
    here, there = Queries(Turns(tmp_path)), Queries(Turns(tmp_path))  # like two processes, they share only files
    here.ask("ann", "a")
    until(lambda: here.running == ["a"])
    there.ask("ann", "b")
    there.ask("bob", "c")
    until(lambda: there.running == ["c"])
    stays(lambda: there.running == ["c"])
    here.ends["a"].set()
    until(lambda: sorted(there.running) == ["b", "c"])
    here.end_all()
    there.end_all()


def test_whoever_has_many_waiting_keeps_nobody_waiting(tmp_path):
    queries = Queries(Turns(tmp_path, at_once=2))
    for number in range(MOST_OF_A_USER):
        queries.ask("ann", f"a{number}")
    queries.ask("bob", "b")
    until(lambda: "b" in queries.running)
    assert len(queries.running) == 2
    queries.end_all()
    assert queries.faults == []


def test_a_free_place_goes_to_a_user_who_has_none(tmp_path):
    queries = Queries(Turns(tmp_path, at_once=2))
    queries.ask("ann", "a1")
    queries.ask("bob", "b1")
    until(lambda: sorted(queries.running) == ["a1", "b1"])
    queries.ask("ann", "a2")
    queries.ask("eve", "e1")
    stays(lambda: sorted(queries.running) == ["a1", "b1"])
    queries.ends["b1"].set()
    until(lambda: sorted(queries.running) == ["a1", "e1"])
    queries.end_all()


def test_there_is_an_end_to_how_many_wait(tmp_path):
    queries = Queries(Turns(tmp_path, at_once=1))
    for number in range(MOST_OF_A_USER + 1):
        queries.ask("ann", f"a{number}")
    until(lambda: len(queries.faults) == 1)
    assert f"you have {MOST_OF_A_USER} queries running or waiting" in queries.faults[0]
    for number in range(MOST_WAITING - MOST_OF_A_USER + 1):
        queries.ask(f"user {number}", f"u{number}")
    until(lambda: len(queries.faults) == 2)
    assert "too many queries are waiting" in queries.faults[1]
    queries.end_all()
    assert len(queries.faults) == 2


def test_who_stops_waiting_leaves_the_queue(tmp_path):
    queries, is_stopped = Queries(Turns(tmp_path)), threading.Event()

    def check() -> None:
        if is_stopped.is_set():
            raise QueryError("stopped")

    queries.ask("ann", "a")
    until(lambda: queries.running == ["a"])
    queries.ask("ann", "b", check)
    time.sleep(0.05)
    queries.ask("ann", "c")
    is_stopped.set()
    until(lambda: queries.faults == ["stopped on request"])
    queries.ends["a"].set()
    until(lambda: queries.running == ["c"])
    queries.end_all()


def test_a_process_that_is_killed_gives_its_turn_back(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from dashboards.workbench.turns import Turns\n"
        "with Turns(Path(sys.argv[1]), 1).turn('ann', lambda: None): print('runs', flush=True); time.sleep(600)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "runs\n"
    queries = Queries(Turns(tmp_path, 1))
    queries.ask("ann", "a")
    stays(lambda: not queries.running)
    other.kill()
    other.wait()
    until(lambda: queries.running == ["a"])
    queries.end_all()


@pytest.mark.parametrize("user", ["", "王芳", "../../x", "a" * 500])
def test_any_name_has_a_turn_of_its_own(tmp_path, user):
    folder: Path = tmp_path / "turns"
    with Turns(folder).turn(user, patient):
        assert {path.parent for path in folder.iterdir()} == {folder}
