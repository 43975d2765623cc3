"""Runs Headwater in separate processes, which tests can kill or deprive of resources, and compares the resulting homes.

Here: starting and stopping processes, and comparing homes by content.
Not here: the expected tables (``tests.reference``).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.compute.workspace import open_workspace
from pipelines.home.folder import REPOSITORY, Home, init_home
from pipelines.ingest.batches import RawLake, manifest_file
from pipelines.lake.checksums import NAME as CHECKSUMS
from pipelines.lake.duck import identifier
from pipelines.lake.partitions import Lake, PartitionKey
from pipelines.simulator import SimulationParameters, simulate
from tests.support import reading

DIRECTLY = """
import sys
from pathlib import Path
from pipelines.home.folder import Home
from pipelines.compute.run import Request, run_home
run_home(Home(Path(sys.argv[1])), Request(force="--force" in sys.argv))
"""
"""A script for a run that writes no records of Dagster, which take most of a run's time."""

Contents = dict[tuple[str, PartitionKey], tuple[int, str]]
"""(Table, partition) → its number of rows, and a hash that does not depend on their order."""


@dataclass(frozen=True)
class Outcome:
    """The exit code and the output of a process."""

    code: int
    out: str
    errors: list[str]

    @property
    def faults(self) -> list[str]:
        """The lines that the process wrote to standard error, without warnings."""
        return [line for line in self.errors if not line.startswith("warning: ")]


class Headwater:
    """A running ``headwater`` command, in its own process group."""

    def __init__(self, home: Home, *arguments: str, prefix: tuple[str, ...] = (), **options: Any) -> None:
        self.home = home
        command = [*prefix, sys.executable, "-m", "pipelines.commands.main", *arguments, "--home", str(home.root)]
        self._start(command, options)

    @classmethod
    def directly(cls, home: Home, *arguments: str) -> Headwater:
        """Start a run of *home* that does not use Dagster; the only possible argument is ``--force``."""
        made = cls.__new__(cls)
        made.home = home
        made._start([sys.executable, "-c", DIRECTLY, str(home.root), *arguments], {})
        return made

    def _start(self, command: list[str], options: dict[str, Any]) -> None:
        self.process: subprocess.Popen[str] = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **options,
        )

    def wait_for(self, condition: Callable[[], bool], seconds: float = 600) -> bool:
        """Wait until *condition* is true; False if the process ended before."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None:
                return False
            assert time.monotonic() < deadline, "timed out"
            time.sleep(0.005)
        return True

    def wait_until_at_work(self) -> bool:
        """Wait until the process has the home's lock; False if the process ended before that was seen."""
        lock = self.home.root / ".lock"
        return self.wait_for(lambda: lock.exists() and f"process {self.process.pid}," in lock.read_text())

    def stop(self, sign: signal.Signals) -> Outcome:
        """Send signal *sign* to the process group unless the process has ended; wait for its end."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, sign)
        return self.end()

    def end(self, seconds: float = 1200) -> Outcome:
        """Wait for the end of the process, at most *seconds*."""
        out, errors = self.process.communicate(timeout=seconds)
        return Outcome(self.process.returncode, out, errors.splitlines())


def confined_workers(folder: Path) -> set[str]:
    """The ids of the processes that run a user's SQL on a copy of the lake in *folder*.

    They are found by their open files, because tests that run in parallel have such processes too.
    """
    found = set()
    for path in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if path.name.isdigit() and b"worker.py" in (path / "cmdline").read_bytes():
                files = [one.readlink() for one in (path / "fd").iterdir()]
                found |= {path.name for file in files if folder in file.parents}
    return found


def headwater(home: Home, *arguments: str, prefix: tuple[str, ...] = (), **options: Any) -> Outcome:
    """Run ``headwater`` with *arguments* for *home*, in a separate process, and wait for its end."""
    return Headwater(home, *arguments, prefix=prefix, **options).end()


def made_up_shop(
    folder: Path, *, days: int = 4, devices: int = 250, parameters: SimulationParameters | None = None
) -> Home:
    """A home with the landed log of a made-up shop; the same arguments always give the same log."""
    home, _ = init_home(folder)
    settings = home.settings_file.read_text(encoding="utf-8")
    # Snapshots (tables as of a day) of one day are enough, because other tests cover them.
    settings = settings.replace("daily_for_days: 28", "daily_for_days: 1").replace("threads: null", "threads: 1")
    home.settings_file.write_text(settings, encoding="utf-8")
    simulate(home.landing, days=days, devices=devices, seed=11, last_day=dt.date(2026, 5, 20), parameters=parameters)
    return home


def copy_of(home: Home, folder: Path) -> Home:
    """A copy of *home* in *folder*, whose previous content is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    return Home(Path(shutil.copytree(home.root, folder, symlinks=True)))


def contents(home: Home) -> Contents:
    """(table, partition) → (number of rows, hash of the rows) in the lake; fails if a partition is unreadable."""
    lake = Lake(home.lake)
    found: Contents = {}
    for table, model in open_workspace(home).project.models.items():
        files = {str(path): key for key, path in lake.files(table).items()}
        if not files:
            continue
        # Do not compare ingested_at, which differs between runs, nor the last bits of ratios.
        columns = ", ".join(
            f"round({identifier(name)}, 6)" if column.type == "DOUBLE" else identifier(name)
            for name, column in model.columns.items()
            if name not in ("ingested_at", "dt")
        )
        query = (
            f"SELECT filename, count(*), CAST(sum(hash({columns})) AS VARCHAR) FROM "
            "read_parquet($1, filename = true, hive_partitioning = false) GROUP BY filename"
        )
        hashes = {file: (rows, total) for file, rows, total in reading().execute(query, [list(files)]).fetchall()}
        found |= {(table, key): hashes.get(file, (0, "")) for file, key in files.items()}
    return found


def assert_same_contents(actual: Contents, expected: Contents) -> None:
    """Fail if any partition differs; the message names those that do."""
    differing = [key for key in actual.keys() | expected.keys() if actual.get(key) != expected.get(key)]
    assert not differing, [(key, actual.get(key), expected.get(key)) for key in sorted(differing, key=str)[:10]]


def assert_intact(home: Home, before: Mapping[tuple[str, PartitionKey], object], after: Contents) -> None:
    """Assert that each partition has its content of *before* or of *after*, and that all raw files are intact."""
    found = contents(home)
    for key, content in found.items():
        assert content in (before.get(key), after.get(key)), f"{key} is neither the old nor the new one: {content}"
    missing = [key for key in before if key in after and key not in found]
    assert not missing, f"partitions are gone: {missing}"
    raw = RawLake.load(home)
    for batch in raw.batches:
        for output in batch.outputs:
            path = raw.root / output.path
            rows = pl.read_parquet(path, glob=False, hive_partitioning=False).height
            assert rows == output.rows, f"{path} has {rows} rows, the manifest says {output.rows}"


def assert_tidy(home: Home) -> None:
    """Assert that killed processes left no files behind."""
    assert not [str(path) for path in home.lake.rglob(".*.tmp")], "unfinished files in the lake"
    assert {path.name for path in (home.root / ".tmp").iterdir()} <= {"lock"}, "scratch folders are left"
    raw = RawLake.load(home)
    own = manifest_file(raw.root)
    listed = {raw.root / path for path in raw.paths()} | {own, own.with_name(CHECKSUMS)}
    assert {path for path in raw.root.rglob("*") if path.is_file()} == listed, "raw files that nobody lists"
