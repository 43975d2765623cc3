"""The collector's files: a growing file has a name that ingestion skips, and gets its final name even after a kill."""

from __future__ import annotations

import errno
import itertools
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.collector import landing
from pipelines.collector.landing import EventLog, events_folder, finish_left, last_written, left_files
from pipelines.home.folder import REPOSITORY, Home

LINE = b'{"event_id":"1"}\n'
WRITE_AND_DIE = """
import os, sys
from pathlib import Path
from pipelines.collector.landing import EventLog
from pipelines.home.folder import Home
log = EventLog(Home(Path(sys.argv[1])), seconds=60, is_synced=False)
for line in sys.argv[2:]:
    log.append(line.encode())
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def files(home: Home, ending: str) -> list[bytes]:
    return sorted(path.read_bytes() for path in events_folder(home).glob(f"*{ending}"))


def killed(home: Home, *lines: bytes) -> None:
    """Run a process that appends *lines* to its collector file and then kills itself with SIGKILL."""
    command = [sys.executable, "-c", WRITE_AND_DIE, str(home.root), *(line.decode() for line in lines)]
    assert subprocess.run(command, cwd=REPOSITORY, check=False).returncode == -9


@pytest.mark.parametrize("is_synced", [False, True])
def test_a_file_grows_as_part_until_it_is_old(home, is_synced):
    log = EventLog(home, seconds=60, is_synced=is_synced)
    log.append(LINE)
    log.append(LINE)
    log.finish_old()
    assert (files(home, ".part"), files(home, ".ndjson")) == ([LINE * 2], [])
    log = EventLog(home, seconds=0, is_synced=is_synced)
    log.append(LINE)
    log.finish_old()
    log.finish_old()
    assert files(home, ".ndjson") == [LINE]
    log.append(LINE)
    log.finish_old()
    assert files(home, ".ndjson") == [LINE, LINE]


def test_a_large_file_is_finished_at_once(home, monkeypatch):
    monkeypatch.setattr(landing, "MOST_BYTES", 3 * len(LINE))
    log = EventLog(home, seconds=60, is_synced=False)
    for _ in range(7):
        log.append(LINE)
    assert (files(home, ".part"), files(home, ".ndjson")) == ([LINE], [LINE * 3, LINE * 3])


def test_files_of_killed_processes_are_finished(home):
    killed(home, LINE, LINE)
    assert files(home, ".part") == [LINE * 2]
    assert len(left_files(home)) == 1
    (finished,) = finish_left(home)
    assert finished.read_bytes() == LINE * 2
    assert (files(home, ".part"), left_files(home)) == ([], [])


@pytest.mark.parametrize("torn", [b"{", b'{"event_id":"2"}', b"x" * 100_000])
def test_an_incomplete_last_line_is_removed(home, torn):
    killed(home, LINE, torn)
    finish_left(home)
    assert (files(home, ".part"), files(home, ".ndjson")) == ([], [LINE])


@pytest.mark.parametrize("content", [b"", b"{"])
def test_a_left_file_without_a_line_is_removed(home, content):
    killed(home, content)
    assert files(home, ".part") == [content]
    assert finish_left(home) == []
    assert files(home, "") == []


def test_the_file_of_a_running_process_is_left_alone(home):
    log = EventLog(home, seconds=60, is_synced=False)
    log.append(LINE)
    assert (left_files(home), finish_left(home)) == ([], [])
    log.append(LINE)
    assert files(home, ".part") == [LINE * 2]


def test_a_file_that_cannot_be_finished_is_logged_and_left(home, caplog):
    killed(home, LINE)
    odd = events_folder(home) / "collected-odd.ndjson.part"
    odd.mkdir()
    finish_left(home)
    assert files(home, ".ndjson") == [LINE]
    assert [record.message for record in caplog.records] == [
        f"{odd}: the file of an ended process cannot be finished: Is a directory"
    ]


def test_many_starting_processes_finish_each_file_once(home):
    for _ in range(5):
        killed(home, LINE)
    in_threads(8, lambda: finish_left(home))
    assert (files(home, ".part"), files(home, ".ndjson")) == ([], [LINE] * 5)


@pytest.mark.parametrize("is_synced", [False, True])
def test_lines_of_threads_do_not_mix_nor_get_lost(home, monkeypatch, is_synced):
    monkeypatch.setattr(landing, "MOST_BYTES", 5_000)
    log = EventLog(home, seconds=0, is_synced=is_synced)

    numbers = itertools.count()

    def write() -> None:
        for _ in range(50):
            number = next(numbers)
            log.append(b'{"event_id":"%d"}\n' % number)
            if number % 10 == 0:
                log.finish_old()

    in_threads(8, write)
    log.finish_old()
    lines = b"".join(files(home, ".ndjson")).splitlines()
    assert sorted(lines) == sorted(b'{"event_id":"%d"}' % number for number in range(8 * 50))


def test_finishing_others_files_harms_none_that_is_just_renamed(home):
    is_over = threading.Event()

    def write() -> None:
        log = EventLog(home, seconds=0, is_synced=False)
        for _ in range(1500):
            log.append(LINE)
            log.finish_old()
        is_over.set()

    def finish() -> None:
        while not is_over.is_set():
            finish_left(home)

    actions = itertools.cycle([write, finish, finish, finish])
    in_threads(4, lambda: next(actions)())
    assert b"".join(files(home, "")) == LINE * 1500


def test_a_synced_append_returns_when_its_lines_are_on_the_disk(home, monkeypatch):
    sizes = []

    def fsync(descriptor: int) -> None:
        real(descriptor)
        sizes.append(os.fstat(descriptor).st_size)

    real = os.fsync
    log = EventLog(home, seconds=60, is_synced=True)
    log.append(LINE)
    monkeypatch.setattr(os, "fsync", fsync)
    for number in range(2, 5):
        log.append(LINE)
        assert sizes[-1] == number * len(LINE)


def test_a_failed_sync_fails_every_append_that_it_includes(home, monkeypatch):
    # No file system can be told to fail at a sync, so the failure is made here.
    def fail_once(_descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", real)
        raise OSError(errno.EIO, "Input/output error")

    real = os.fsync
    log = EventLog(home, seconds=60, is_synced=True)
    log.append(LINE)
    monkeypatch.setattr(os, "fsync", fail_once)
    outcomes: list[str] = []

    def append() -> None:
        try:
            log.append(LINE)
            outcomes.append("written")
        except OSError as error:
            outcomes.append(str(error.strerror))

    threads = [threading.Thread(target=append) for _ in range(3)]
    # No thread can sync while we hold this lock. We hold it until all threads have written, so that the first sync
    # includes the lines of all of them.
    with log._syncing:
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 60
        while files(home, ".part") != [LINE * 4] and time.monotonic() < deadline:
            time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["Input/output error", "an earlier sync failed", "an earlier sync failed"]
    log.append(LINE)


def in_threads(count: int, do: Callable[[], object]) -> None:
    failures: list[BaseException] = []

    def attempt() -> None:
        try:
            do()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=attempt) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_failed_write_leaves_no_part_of_its_lines(home):
    log = EventLog(home, seconds=0, is_synced=False)
    log.append(LINE)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * len(LINE) + 5, before[1]))
    try:
        log.append(LINE)
        with pytest.raises(OSError, match="File too large"):
            log.append(LINE)
        assert files(home, ".part") == [LINE * 2]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    log.append(LINE)
    log.finish_old()
    assert files(home, ".ndjson") == [LINE * 3]


def test_after_a_file_was_taken_away_the_next_begins(home):
    log = EventLog(home, seconds=0, is_synced=False)
    log.append(LINE)
    for path in events_folder(home).iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError):
        log.finish_old()
    log.append(LINE)
    log.finish_old()
    assert files(home, ".ndjson") == [LINE]


def test_the_last_write_is_known(home):
    assert last_written(home) is None
    log = EventLog(home, seconds=0, is_synced=False)
    log.append(LINE)
    (path,) = events_folder(home).iterdir()
    os.utime(path, (5, 1_000_000))
    assert last_written(home) == 1_000_000
    log.finish_old()
    assert last_written(home) == 1_000_000
