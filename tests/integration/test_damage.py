"""Damaged files of the lake: the damage is found, and no result computed from such a file is published.

Damaged computed files are computed again; damaged raw files stop the run.
"""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pipelines.commands.diagnosis import diagnose
from pipelines.compute.run import Request, RunSummary, run_home
from pipelines.home.errors import HeadwaterError
from pipelines.home.files import write_file
from pipelines.home.folder import Home
from pipelines.ingest.batches import RawLake, manifest_file
from pipelines.lake.checksums import NAME as CHECKSUMS
from pipelines.lake.checksums import Checksum, are_sound, checksums_text, read_checksums
from pipelines.lake.partitions import PART, Lake
from tests.processes import Contents, assert_same_contents, contents, copy_of, headwater, made_up_shop
from tests.support import run

pytestmark = pytest.mark.real

FLIPS_A_ROUND = 40


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A computed home, which tests copy."""
    home = made_up_shop(tmp_path_factory.mktemp("sound") / "home", days=2, devices=60)
    run(home)
    return home


@pytest.fixture(scope="module")
def wanted(sound: Home) -> Contents:
    return contents(sound)


@pytest.fixture
def home(sound: Home, tmp_path: Path) -> Home:
    return copy_of(sound, tmp_path / "home")


def flip(path: Path, rng: random.Random) -> None:
    """Invert one random bit of *path*; its size and its modification time stay."""
    times = path.stat()
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def files_of(home: Home) -> tuple[list[Path], list[Path]]:
    """(computed, raw): all files of computed tables, and some files of raw tables.

    The raw files are those of raw.events, and those that are directly in the folder of a raw table.
    """
    files = sorted(path for path in home.lake.rglob("*") if path.is_file() and path.stat().st_size)
    raw = home.lake / "raw"
    computed = [path for path in files if not path.is_relative_to(raw)]
    return computed, [path for path in files if path.is_relative_to(raw / "events") or path.parent.parent == raw]


def named(home: Home, *, deep: bool = True) -> set[Path]:
    """The files that ``headwater doctor`` reports as damaged."""
    found = [f.message for f in diagnose(home, deep=deep) if f.level == "error" and f.topic in ("lake", "raw")]
    return {Path(message.split(": damaged")[0]) for message in found if ": damaged" in message}


def flip_and_heal(home: Home, wanted: Contents, chosen: Iterable[Path], rng: random.Random) -> None:
    """Flip a bit in each of the *chosen* computed files.

    Assert that doctor names them, and that ``run --verify`` restores the contents *wanted*.
    """
    flipped = set(chosen)
    for path in flipped:
        flip(path, rng)
    told = named(home)
    checksums = {path for path in flipped if path.name == CHECKSUMS}
    assert flipped <= told
    # If a line of a checksums file is damaged, its partition is reported as damaged even though its data is not.
    assert all(
        path.parent.parent / CHECKSUMS in checksums or path.parent / CHECKSUMS in checksums for path in told - flipped
    )
    summary = run(home, verify=True)
    assert {path for path in flipped if path.name == PART} <= set(summary.repaired)
    assert summary.damaged == []
    assert_same_contents(contents(home), wanted)
    assert named(home) == set()


def test_flipped_bits_are_named_and_healed(home, wanted):
    """One of the damaged files is of products.quadrants, a table that reads its own previous day."""
    rng = random.Random(1)
    computed, _ = files_of(home)
    own = max(Lake(home.lake).files("products.quadrants").values())
    flip_and_heal(home, wanted, [own, *rng.sample(computed, FLIPS_A_ROUND)], rng)


@pytest.mark.real
def test_400_flipped_bits_are_named_and_none_is_published(home, wanted):
    rng = random.Random(2)
    computed, raw = files_of(home)
    flips = 0
    while flips < 300:
        flip_and_heal(home, wanted, rng.sample(computed, FLIPS_A_ROUND), rng)
        flips += FLIPS_A_ROUND
        computed, _ = files_of(home)
    while flips < 400:
        path = rng.choice(raw)
        flip_raw(home, wanted, path, rng)
        flips += 1


def flip_raw(home: Home, wanted: Contents, path: Path, rng: random.Random) -> None:
    """Flip a bit of a raw file; assert that doctor names it and that no run publishes anything; then restore it."""
    kept = path.read_bytes()
    flip(path, rng)
    try:
        if path.parent == manifest_file(home.raw).parent:  # without a sound manifest, doctor can check no file
            told = " ".join(finding.message for finding in diagnose(home, deep=True) if finding.level == "error")
            assert str(path) in told
        else:
            assert path in named(home)
        # If only the file of checksums is damaged, the run writes that file again and prints no message.
        was_named = any(line.startswith(f"{path}: ") for line in complaints(home))
        assert was_named or (path.name == CHECKSUMS and are_sound(path.parent))
    finally:
        path.write_bytes(kept)
    assert_same_contents(contents(home), wanted)


def complaints(home: Home) -> list[str]:
    """Run with verification of all files; return the messages about damage. Asserts that the run publishes nothing."""
    try:
        summary = run_anyway(home, verify=True)
    except HeadwaterError as error:
        return [str(error)]
    assert summary.published == {}
    return summary.damaged


def run_anyway(home: Home, **request: Any) -> RunSummary:
    """Like ``tests.support.run``, but errors do not fail the test."""
    return run_home(home, Request(**request))


def test_a_flipped_bit_of_raw_names_its_batch_and_is_healed(home, wanted):
    rng = random.Random(3)
    path = next(path for path in RawLake.load(home).files("raw.events"))
    flip(path, rng)
    batch = path.stem
    outcome = headwater(home, "run", "--verify")
    assert outcome.code == 1
    (line,) = outcome.errors
    assert line.startswith(
        f"error: {path}: damaged: the file has changed since it was written (batch {batch}); remove it: "
    )
    assert_same_contents(contents(home), wanted)
    with pytest.raises(HeadwaterError, match=f"{re.escape(str(path))}: damaged"):
        run_anyway(home, force=True, tables=frozenset({"core.events"}))
    assert_same_contents(contents(home), wanted)
    path.unlink()
    assert f"{path}: damaged: the file is gone" in " ".join(finding.message for finding in diagnose(home))
    run(home)
    assert named(home) == set()
    assert_same_contents(contents(home), wanted)


def test_a_raw_file_lost_with_its_landing_file_fails_each_run(home, wanted):
    batch = next(b for b in RawLake.load(home).batches if b.relation == "events")
    lost = home.lake / "raw" / next(o.path for o in batch.outputs if o.target == "events")
    lost.unlink()
    (home.landing / batch.file).unlink()
    for _ in range(2):
        with pytest.raises(HeadwaterError, match=r"damaged: the file is gone \(batch .*\); restore it from a backup"):
            run_anyway(home)
    assert "restore it from a backup" in " ".join(finding.remedy for finding in diagnose(home))
    assert_same_contents(contents(home), wanted)


def test_another_size_is_found_without_looking_into_files(home, wanted):
    lake = Lake(home.lake)
    path = max(lake.files("core.events").values())
    path.write_bytes(path.read_bytes()[:-1])
    raw = RawLake.load(home).files("raw.orders")[0]
    kept = raw.read_bytes()
    raw.write_bytes(kept + b"x")
    assert named(home, deep=False) == {path, raw}
    with pytest.raises(HeadwaterError, match=re.escape(str(raw))):
        run_anyway(home)
    raw.write_bytes(kept)
    assert run(home).repaired == [path]
    assert_same_contents(contents(home), wanted)


def test_what_is_computed_reads_no_damaged_file(home, wanted):
    """A run without --verify does not check all files, but it checks a file before it computes from it."""
    rng = random.Random(5)
    lake = Lake(home.lake)
    day, path = min(lake.files("core.order_lines").items())
    flip(path, rng)
    assert run(home).did_nothing
    shutil.rmtree(lake.file("attribution.attributed_sales", day).parent)
    with pytest.raises(HeadwaterError, match=f"{re.escape(str(path))}: damaged.*run --verify"):
        run_anyway(home)
    run(home, verify=True)
    assert_same_contents(contents(home), wanted)


def test_a_lake_without_checksums_is_computed_again_once(home, wanted):
    """A lake that an earlier version of the program wrote has no checksums; a run computes its tables again."""
    for path in home.lake.rglob(CHECKSUMS):
        path.unlink()
    summary = run(home)
    assert summary.published
    assert summary.repaired == []
    assert_same_contents(contents(home), wanted)
    assert run(home, verify=True).did_nothing


def test_a_crash_between_checksums_and_file_keeps_the_partition(home):
    lake = Lake(home.lake)
    (key, _path) = max(lake.files("core.events").items())
    folder = lake.folder("core.events")
    name = f"dt={key}/{PART}"
    version = lake.versions("core.events")[key]
    text = checksums_text(folder, {name: Checksum("other", 1, "0" * 16)}, read_checksums(folder).keys())
    write_file(folder / CHECKSUMS, text)
    assert lake.versions("core.events", deep=True)[key] == version
    assert [one.version for one in read_checksums(folder)[name]] == [version, "other"]
    assert run(home, verify=True).did_nothing


def test_every_command_names_a_flipped_bit_in_the_batches_list(home):
    rng = random.Random(7)
    path = manifest_file(home.raw)
    kept = path.read_bytes()
    for _ in range(20):
        flip(path, rng)
        with pytest.raises(HeadwaterError, match=f"{re.escape(str(path))}: the list of batches is damaged"):
            run_anyway(home)
        path.write_bytes(kept)
    sums = path.with_name(CHECKSUMS)
    content = sums.read_bytes()
    sums.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    assert named(home) == {sums}
    run(home, verify=True)
    assert named(home) == set()
