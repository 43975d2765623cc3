"""``headwater backup`` and ``restore``: the restored home has the same rows, and nothing in it is stale."""

from __future__ import annotations

import io
import json
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from pipelines.compute.planner import verified_plan
from pipelines.compute.workspace import open_workspace
from pipelines.home.archive import zstd
from pipelines.home.folder import Home
from pipelines.ingest import pending
from tests.integration.small_shop import DAYS, land_days, new_home
from tests.processes import Headwater, headwater, made_up_shop
from tests.support import all_tables, assert_same_tables, run


def restored(file: Path, folder: Path) -> Home:
    outcome = restore(file, folder)
    assert outcome == (0, ""), outcome
    return Home(folder)


def restore(file: Path, folder: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "pipelines.commands.main", "restore", str(file), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = new_home(tmp_path / "a home 家")
    land_days(made, DAYS[:1])
    run(made)
    return made


def test_a_restored_home_has_the_same_rows_and_nothing_stale(home, tmp_path):
    home.access.mkdir(mode=0o700, exist_ok=True)
    home.users_file.write_text("{}", encoding="utf-8")
    home.users_file.chmod(0o600)
    file = tmp_path / "backup.tar.zst"
    assert headwater(home, "backup", str(file)).code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600, "it has the users' password hashes"
    other = restored(file, tmp_path / "elsewhere" / "home")
    assert_same_tables(all_tables(other), all_tables(home))
    assert not pending(other), "ingestion recognises the files that it has read"
    assert not verified_plan(open_workspace(other)).stale
    assert stat.S_IMODE(other.users_file.stat().st_mode) == 0o600
    assert not (other.root / ".workbench" / "current.json").exists()


@pytest.mark.real
def test_without_landing_files_the_rows_are_the_same(home, tmp_path):
    file = tmp_path / "small.tar.zst"
    assert headwater(home, "backup", "--without-landing", str(file)).code == 0
    other = restored(file, tmp_path / "other")
    assert not list(other.landing.rglob("*.ndjson"))
    assert_same_tables(all_tables(other), all_tables(home))


@pytest.mark.real
def test_a_backup_waits_for_the_run_that_goes(tmp_path):
    home = made_up_shop(tmp_path / "shop", days=2, devices=60)
    at_work = Headwater.directly(home)
    assert at_work.wait_until_at_work()
    file = tmp_path / "backup.tar.zst"
    outcome = headwater(home, "backup", str(file))
    assert outcome.code == 0, outcome.errors
    assert at_work.end().code == 0
    other = restored(file, tmp_path / "other")
    assert_same_tables(all_tables(other), all_tables(home))
    assert not verified_plan(open_workspace(other)).stale


@pytest.mark.real
def test_a_cut_or_foreign_file_is_refused_and_leaves_nothing(home, tmp_path):
    file = tmp_path / "backup.tar.zst"
    assert headwater(home, "backup", str(file)).code == 0
    content = file.read_bytes()
    for name, bad in (("cut", content[: len(content) // 2]), ("other", b"PK\x03\x04 not ours"), ("empty", b"")):
        wrong = tmp_path / name
        wrong.write_bytes(bad)
        code, said = restore(wrong, tmp_path / "made")
        assert (code, "not a" in said) == (1, True), said
        assert said.count("\n") == 1
        assert not (tmp_path / "made").exists()
        assert not list(tmp_path.glob(".made*"))


def test_a_name_that_leads_out_of_the_home_is_refused(tmp_path):
    file = tmp_path / "evil.tar.zst"
    with zstd.open(file, "wb") as packed, tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for name, text in (
            ("headwater-backup.json", json.dumps({"format": 1, "files": 1, "bytes": 2})),
            ("../out", "hi"),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            member.pax_headers = {"mtime": "1700000000.5"}
            archive.addfile(member, io.BytesIO(text.encode()))
    code, said = restore(file, tmp_path / "made" / "home")
    assert (code, "not a complete backup" in said) == (1, True), said
    assert not (tmp_path / "made" / "out").exists()


@pytest.mark.real
def test_places_in_use_are_refused(home, tmp_path):
    file = tmp_path / "backup.tar.zst"
    inside = headwater(home, "backup", str(home.root / "x.tar.zst"))
    assert (inside.code, "in the home itself" in inside.errors[0]) == (1, True)
    assert headwater(home, "backup", str(file)).code == 0
    again = headwater(home, "backup", str(file))
    assert (again.code, "exists already" in again.errors[0]) == (1, True)
    code, said = restore(file, home.root)
    assert (code, "in use" in said) == (1, True)
    assert any(home.root.iterdir())
