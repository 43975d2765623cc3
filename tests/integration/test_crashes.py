"""Whatever stops a run, and whenever: what is visible is whole, and the next run ends as if nothing had happened."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from pipelines.home import Home, lock_holder
from pipelines.launch import open_instance
from tests.integration.small_shop import plan_of
from tests.processes import (
    Contents,
    Headwater,
    assert_same_contents,
    assert_tidy,
    assert_whole,
    contents,
    copy_of,
    made_up_shop,
)

KILLS = 5
"""Of each kind of run: twenty in all."""

Start = Callable[[Home], Headwater]
STARTS: dict[str, Start] = {"directly": Headwater.directly, "through Dagster": lambda home: Headwater(home, "run")}


@dataclass(frozen=True)
class Scene:
    """A home about to be brought up to date, what its lake holds before, and what it must hold after.

    *seconds* is the time that this takes from the moment at which the run holds the home.
    """

    home: Home
    before: Contents
    after: Contents
    seconds: float


def finished(start: Start, home: Home) -> float:
    """Run to the end; the seconds at work, which are none to speak of where nothing is left to do."""
    run = start(home)
    run.wait_until_at_work()
    begun = time.monotonic()
    outcome = run.end()
    assert outcome.code == 0, outcome.errors
    return time.monotonic() - begun


def first_run(folder: Path, start: Start, **size: int) -> Scene:
    """A first run: nothing is there before."""
    home = made_up_shop(folder / "landed", **size)
    undisturbed = copy_of(home, folder / "undisturbed")
    seconds = finished(start, undisturbed)
    return Scene(home, {}, contents(undisturbed), seconds)


def late_run(folder: Path, start: Start) -> Scene:
    """The events of the second day come late, so that days that are there already are replaced."""
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
    """Right after the kill everything is whole; after one more run everything is as it should be."""
    assert lock_holder(home) is None
    assert_whole(home, scene.before, scene.after)
    finished(start, home)
    assert_same_contents(contents(home), scene.after)
    assert_tidy(home)
    plan = plan_of(home)[1]
    assert (dict(plan.stale), dict(plan.obsolete)) == ({}, {})
    with open_instance(home) as instance:
        unfinished = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
        assert not instance.get_runs(dg.RunsFilter(statuses=unfinished))


@pytest.mark.real
@pytest.mark.parametrize("scene_of", [first_run, late_run])
@pytest.mark.parametrize("how", STARTS)
def test_a_run_killed_at_any_moment_loses_nothing(tmp_path, scene_of, how):
    start = STARTS[how]
    scene = scene_of(tmp_path, start)
    moments = random.Random(f"{scene_of.__name__} {how}")
    killed = 0
    seconds = scene.seconds
    for number in range(KILLS):
        share = (number + moments.random()) / KILLS
        for _ in range(6):
            home = copy_of(scene.home, tmp_path / "killed")
            run = start(home)
            assert run.wait_until_at_work()
            begun = time.monotonic()
            run.wait_for(lambda until=begun + seconds * share: time.monotonic() > until)
            if run.stop(signal.SIGKILL).code == -signal.SIGKILL:
                killed += 1
                break
            # The machine has become faster, and the run ended before its moment: earlier, then.
            seconds = 0.8 * (time.monotonic() - begun)
        assert_as_if_undisturbed(scene, home, start)
    assert killed == KILLS, f"only {killed} of {KILLS} runs were still at work when they were to be killed"


def test_a_run_that_is_killed_again_and_again_goes_on_where_it_was(tmp_path):
    scene = first_run(tmp_path, Headwater.directly, days=2, devices=60)
    home = copy_of(scene.home, tmp_path / "killed")
    for share in (0.25, 0.5, 0.75):
        run = Headwater.directly(home)
        if run.wait_until_at_work():  # False: the machine is so fast that all was done at once
            time.sleep(scene.seconds * share)
        run.stop(signal.SIGKILL)
        assert_whole(home, scene.before, scene.after)
    assert_as_if_undisturbed(scene, home, Headwater.directly)


def test_what_a_killed_run_by_force_left_is_cleared_away(tmp_path):
    """By force, nothing is stale afterwards, so that no later writer comes past the unfinished files."""
    home = made_up_shop(tmp_path / "home", days=2, devices=60)
    finished(Headwater.directly, home)
    run = Headwater.directly(home, "--force")
    assert run.wait_for(lambda: any(home.lake.rglob(".*.tmp"))), "no file was being written"
    run.stop(signal.SIGKILL)
    left = home.lake / "core" / "events" / ".part-0.parquet.0.tmp"  # whichever the kill left, at least this one
    left.write_bytes(b"half a file")
    finished(Headwater.directly, home)
    assert_tidy(home)


def assert_ctrl_c_is_one_line(home: Home, run: Headwater, after: Contents) -> None:
    outcome = run.stop(signal.SIGINT)
    assert outcome.errors == ["error: stopped; what was published before is whole, run again to go on"]
    assert (outcome.code, outcome.out) == (130, "")
    assert_whole(home, {}, after)
    finished(STARTS["through Dagster"], home)
    assert_same_contents(contents(home), after)
    assert_tidy(home)


@pytest.mark.parametrize("sign_of_work", ["raw/events", pytest.param("core/events", marks=pytest.mark.real)])
def test_ctrl_c_is_one_line_and_leaves_a_whole_lake(tmp_path, sign_of_work):
    home = made_up_shop(tmp_path / "home", days=2, devices=60)
    undisturbed = copy_of(home, tmp_path / "undisturbed")
    finished(Headwater.directly, undisturbed)
    run = Headwater(home, "run")
    assert run.wait_for(lambda: any((home.lake / sign_of_work).rglob("*.parquet")))
    assert_ctrl_c_is_one_line(home, run, contents(undisturbed))


@pytest.mark.real
def test_ctrl_c_at_any_moment(tmp_path):
    start = STARTS["through Dagster"]
    scene = first_run(tmp_path, start)
    moments = random.Random("Ctrl-C")
    for number in range(KILLS):
        home = copy_of(scene.home, tmp_path / "stopped")
        run = start(home)
        assert run.wait_until_at_work()
        time.sleep(scene.seconds * 0.9 * (number + moments.random()) / KILLS)
        assert_ctrl_c_is_one_line(home, run, scene.after)
