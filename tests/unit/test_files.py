"""Replacing files atomically, and file locks."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from pipelines.home.errors import HeadwaterError
from pipelines.home.files import (
    convert_write_errors,
    lock,
    lock_holder,
    lock_now,
    replacing,
    replacing_all,
    write_file,
)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file.txt"
    write_file(target, "one")
    write_file(target, "二")
    assert target.read_text(encoding="utf-8") == "二"
    assert _names(target.parent) == {"file.txt"}


def test_what_fails_leaves_every_file_as_it_was(tmp_path: Path) -> None:
    targets = [tmp_path / "a", tmp_path / "b"]
    for target in targets:
        target.write_text("before", encoding="utf-8")

    def fail() -> None:
        with replacing_all(targets) as temporaries:
            for temporary in temporaries:
                temporary.write_text("after", encoding="utf-8")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [target.read_text(encoding="utf-8") for target in targets] == ["before", "before"]
    assert _names(tmp_path) == {"a", "b"}


def test_the_mode_is_the_one_given_else_that_of_the_file_before(tmp_path: Path) -> None:
    target = tmp_path / "users.json"
    with replacing(target, mode=0o600) as temporary:
        temporary.touch()
    assert _mode(target) == 0o600
    write_file(target, b"again")
    assert _mode(target) == 0o600
    write_file(target, "shown to all", mode=0o644)
    assert _mode(target) == 0o644


def test_of_a_link_the_file_is_replaced_that_it_names(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    write_file(link, "text")
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "text"


def test_only_what_was_left_long_ago_is_removed(tmp_path: Path) -> None:
    old, young = tmp_path / ".odd**name.aaa.tmp", tmp_path / ".odd**name.bbb.tmp"
    for path in (old, young):
        path.touch()
    os.utime(old, (time.time() - 7200,) * 2)
    write_file(tmp_path / "odd**name", "")
    assert _names(tmp_path) == {"odd**name", young.name}


def test_what_the_file_system_refuses_is_told_of_the_file(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    (target / "within").mkdir(parents=True)
    with pytest.raises(HeadwaterError) as caught, convert_write_errors(tmp_path), replacing(target) as temporary:
        temporary.touch()
    assert str(caught.value) == f"{target}: cannot be written: Is a directory"
    assert _names(tmp_path) == {"folder"}


def test_a_lock_is_held_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    assert lock_holder(path) is None
    with lock(path) as handle:
        handle.write("process 7")
        handle.flush()
        assert lock_holder(path) == "process 7"
        assert lock_now(path) is None
    assert lock_holder(path) is None
    with lock_now(path, mode=0o600) or pytest.fail("nobody holds it"):
        assert lock_now(path) is None


def test_who_waits_for_a_lock_says_so_once(tmp_path: Path) -> None:
    path, said = tmp_path / ".lock", []
    holder = lock(path)

    def before_waiting() -> None:
        said.append("waiting")
        holder.close()

    lock(path, before_waiting=before_waiting).close()
    lock(path, before_waiting=before_waiting).close()
    assert said == ["waiting"]
