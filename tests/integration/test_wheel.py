"""The built wheel works in an environment that has nothing else, outside of the repository."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from pipelines.home.folder import REPOSITORY

pytestmark = pytest.mark.real


def run(*command: object, folder: Path) -> str:
    """The output of *command*, run in *folder*; if it fails, the test fails with all of its output."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_runs_from_the_wheel(tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    built = subprocess.run(
        [uv, "build", "--wheel", "--out-dir", tmp_path / "dist", "--quiet", REPOSITORY],
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode and "fetch" in built.stderr.lower():
        pytest.skip(f"what builds a wheel cannot be fetched: {built.stderr.strip().splitlines()[-1]}")
    assert built.returncode == 0, built.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    venv.create(tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    # Install the dependencies in the versions of the lock file.
    run(
        uv,
        "export",
        "--frozen",
        "--no-dev",
        "--no-emit-project",
        "--quiet",
        "-o",
        tmp_path / "locked",
        folder=REPOSITORY,
    )
    run(uv, "pip", "install", "--quiet", "--python", python, "-r", tmp_path / "locked", wheel, folder=tmp_path)

    headwater = python.with_name("headwater")
    place = run(python, "-c", "import pipelines.home.folder as f; print(f.DATA)", folder=tmp_path).strip()
    assert Path(place).is_relative_to(tmp_path / "venv")
    told = run(headwater, "demo", "shop", "--days", "3", "--devices", "300", folder=tmp_path)
    assert "Sales check: the entrances' revenue" in told
    assert "dagster dev -m assets.definitions" in told
    assert "all in order" in run(headwater, "check", "--home", "shop", folder=tmp_path)
    query = "SELECT count(*) > 0 AS any FROM attribution.entrance_daily"
    assert "true" in run(headwater, "sql", query, "--home", "shop", "--format", "csv", folder=tmp_path).lower()
    assert len(list((tmp_path / "shop" / "reports").glob("*.html"))) == 2
