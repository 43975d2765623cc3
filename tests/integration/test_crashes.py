"""A run that is stopped at any time leaves only whole partitions, and the next run completes the work."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from assets.instance import open_instance
from pipelines.home.folder import Home
from pipelines.home.lock import lock_holder
from tests.integration.small_shop import plan_of
from tests.processes import (
    Contents,
    Headwater,
    Outcome,
    assert_intact,
    assert_same_contents,
    assert_tidy,
    contents,
    copy_of,
    made_up_shop,
)

KILLS = int(os.environ.get("HEADWATER_KILLS", "5"))
"""The number of kills in each test."""

Start = Callable[[Home], Headwater]
STARTS: dict[str, Start] = {"directly": Headwater.directly, "through Dagster": lambda home: Headwater(home, "run")}


@dataclass(frozen=True)
class Scene:
    """A home in which a run is to be made, and the contents of its lake *before* and *after* an undisturbed run.

    *seconds* is how long an undisturbed run takes, from the time when it gets the home's lock.
    """

    home: Home
    before: Contents
    after: Contents
    seconds: float


def finished(start: Start, home: Home) -> float:
    """Start a run, wait for its end and return its seconds since it got the lock; a failed run fails the test."""
    run = start(home)
    run.wait_until_at_work()
    begun = time.monotonic()
    outcome = run.end()
    assert outcome.code == 0, outcome.errors
    return time.monotonic() - begun


def first_run(folder: Path, start: Start, **size: int) -> Scene:
    """A scene for the first run of a home, whose lake is empty before."""
    home = made_up_shop(folder / "landed", **size)
    undisturbed = copy_of(home, folder / "undisturbed")
    seconds = finished(start, undisturbed)
    return Scene(home, {}, contents(undisturbed), seconds)


def late_run(folder: Path, start: Start) -> Scene:
    """A scene for a run in which late events of the second day replace partitions of an earlier run."""
    home = made_up_shop(folder / "landed")
    late = sorted((home.landing / "native" / "events").iterdir())[1]
    shutil.move(late, folder / late.name)
    finished(start, home)
    before = contents(home)
    shutil.move(folder / late.name, late)
    undisturbed = copy_of(home, folder / "undisturbed")
    seconds = finished(start, undisturbed)
    return Scene(home, before, contents(undisturbed), seconds)


def assert_as_if_undisturbed(scene: Scene, home: Home, start: Start) -> None:
    """Assert that a killed run left only whole partitions, and that the next run completes the work.

    After the next run the lake must have the contents ``scene.after``, no temporary file may remain, and Dagster must
    list no run as unfinished.
    """
    assert lock_holder(home) is None
    assert_intact(home, scene.before, scene.after)
    finished(start, home)
    assert_same_contents(contents(home), scene.after)
    assert_tidy(home)
    plan = plan_of(home)[1]
    assert (dict(plan.stale), dict(plan.obsolete)) == ({}, {})
    with open_instance(home) as instance:
        unfinished = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
        assert not instance.get_runs(dg.RunsFilter(statuses=unfinished))


def stopped_at(scene: Scene, folder: Path, start: Start, share: float, sign: signal.Signals) -> tuple[Home, Outcome]:
    """Start a run in a copy of the scene's home, and send it *sign* after about *share* of its time.

    Returns the copy, which is in *folder*, and the outcome of the run. Machines vary in speed, so a run may end before
    the signal; then the next attempt sends the signal earlier.
    """
    seconds = scene.seconds * share
    for _ in range(8):
        home = copy_of(scene.home, folder)
        run = start(home)
        assert run.wait_until_at_work()
        begun = time.monotonic()
        run.wait_for(lambda until=begun + seconds: time.monotonic() > until)
        outcome = run.stop(sign)
        if outcome.code != 0:
            return home, outcome
        assert_same_contents(contents(home), scene.after)
        seconds = 0.7 * min(seconds, time.monotonic() - begun)
    raise AssertionError("every run ended before it could be stopped")


@pytest.mark.real
@pytest.mark.parametrize("scene_of", [first_run, late_run])
@pytest.mark.parametrize("how", STARTS)
def test_a_run_killed_at_any_moment_loses_nothing(tmp_path, scene_of, how):
    start = STARTS[how]
    scene = scene_of(tmp_path, start)
    moments = random.Random(f"{scene_of.__name__} {how}")
    for number in range(KILLS):
        share = (number + moments.random()) / KILLS
        home, outcome = stopped_at(scene, tmp_path / "killed", start, share, signal.SIGKILL)
        assert outcome.code == -signal.SIGKILL
        assert_as_if_undisturbed(scene, home, start)


@pytest.mark.real
def test_a_run_that_is_killed_repeatedly_goes_on_where_it_was(tmp_path):
    scene = first_run(tmp_path, Headwater.directly, days=2, devices=60)
    home = copy_of(scene.home, tmp_path / "killed")
    for share in (0.25, 0.5, 0.75):
        run = Headwater.directly(home)
        if run.wait_until_at_work():  # False if the run has already ended, on a fast machine
            time.sleep(scene.seconds * share)
        run.stop(signal.SIGKILL)
        assert_intact(home, scene.before, scene.after)
    assert_as_if_undisturbed(scene, home, Headwater.directly)


@pytest.mark.real
def test_what_a_killed_run_by_force_left_is_cleared_away(tmp_path):
    """A killed ``run --force`` leaves nothing stale, but unfinished files, which the next run must remove."""
    home = made_up_shop(tmp_path / "home", days=2, devices=60)
    finished(Headwater.directly, home)
    for _ in range(10):  # repeated, because the test may miss the short time in which files are written
        run = Headwater.directly(home, "--force")
        if run.wait_for(lambda: any(home.lake.rglob(".*.tmp"))):
            break
    assert run.stop(signal.SIGKILL).code == -signal.SIGKILL, "no file was being written"
    left = home.lake / "core" / "events" / ".part-0.parquet.0.tmp"  # a second unfinished file, made by this test
    left.write_bytes(b"half a file")
    finished(Headwater.directly, home)
    assert_tidy(home)


def assert_one_line(home: Home, outcome: Outcome, after: Contents) -> None:
    """Assert that Ctrl-C printed one line and left the lake intact, and that then a run gives the contents *after*."""
    assert outcome.errors == ["error: stopped; published partitions are intact, run again to continue"]
    assert (outcome.code, outcome.out) == (130, "")
    assert_intact(home, {}, after)
    finished(STARTS["through Dagster"], home)
    assert_same_contents(contents(home), after)
    assert_tidy(home)


@pytest.mark.real
@pytest.mark.parametrize("sign_of_work", ["raw/events", "core/events"])
def test_ctrl_c_is_one_line_and_leaves_a_whole_lake(tmp_path, sign_of_work):
    home = made_up_shop(tmp_path / "home", days=2, devices=60)
    undisturbed = copy_of(home, tmp_path / "undisturbed")
    finished(Headwater.directly, undisturbed)
    run = Headwater(home, "run")
    assert run.wait_for(lambda: any((home.lake / sign_of_work).rglob("*.parquet")))
    assert_one_line(home, run.stop(signal.SIGINT), contents(undisturbed))


@pytest.mark.real
def test_ctrl_c_at_any_moment(tmp_path):
    start = STARTS["through Dagster"]
    scene = first_run(tmp_path, start)
    moments = random.Random("Ctrl-C")
    for number in range(KILLS):
        share = 0.9 * (number + moments.random()) / KILLS
        home, outcome = stopped_at(scene, tmp_path / "stopped", start, share, signal.SIGINT)
        assert_one_line(home, outcome, scene.after)
