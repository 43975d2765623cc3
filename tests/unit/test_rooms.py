"""Imports between packages point one way only; a violation fails ``make lint``."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.home.folder import REPOSITORY

BREACHES = {
    "upwards": ("pipelines/lake/partitions.py", "import pipelines.compute.runner", "pipelines.lake"),
    "dagster below assets": ("pipelines/compute/runner.py", "import dagster", "dagster"),
    "hidden in a function": ("pipelines/home/scratch.py", "def late(): import pipelines.ingest", "pipelines.home"),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """The finished process of ``lint-imports`` on the code in *folder*."""
    program = Path(sys.executable).with_name("lint-imports")
    command = [str(program), "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code, in which tests may insert violations."""
    folder = tmp_path_factory.mktemp("code")
    for room in ("pipelines", "assets", "dashboards"):
        shutil.copytree(REPOSITORY / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(REPOSITORY / "pyproject.toml", folder / "pyproject.toml")
    return folder


@pytest.mark.parametrize(("file", "line", "named"), BREACHES.values(), ids=BREACHES)
def test_a_breach_is_named(code: Path, file: str, line: str, named: str) -> None:
    sound = (code / file).read_text(encoding="utf-8")
    (code / file).write_text(f"{sound}\n\n{line}\n", encoding="utf-8")
    found = lint(code)
    (code / file).write_text(sound, encoding="utf-8")
    assert found.returncode == 1
    assert f"{named} is not allowed to import" in found.stdout or "is not allowed to import dagster" in found.stdout
    assert file.removesuffix(".py").replace("/", ".") in found.stdout


def test_the_code_itself_has_none(code: Path) -> None:
    assert lint(code).returncode == 0
