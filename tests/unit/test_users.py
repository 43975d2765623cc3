"""``headwater user``: who may sign in."""

from __future__ import annotations

import json
import subprocess

import pytest
from argon2 import PasswordHasher

from dashboards.access import passwords
from dashboards.access.passwords import Passwords
from dashboards.access.users import Users
from pipelines.home.folder import Home, init_home
from tests.commands import headwater

PASSWORD = "river and stone"


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch):
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords.PasswordHasher, "from_parameters", lambda _parameters: cheap)


@pytest.fixture
def home(tmp_path) -> Home:
    return init_home(tmp_path / "shop")[0]


def add(
    home: Home, name: str = "mei", role: str = "analyst", password: str = PASSWORD
) -> subprocess.CompletedProcess[str]:
    return headwater("user", "add", name, "--role", role, "--password-stdin", home=home, stdin=f"{password}\n")


def test_a_user_is_added_listed_and_removed(home):
    assert add(home).stdout == "added mei (analyst)\n"
    assert add(home, "王芳", "viewer").returncode == 0
    assert headwater("user", "list", home=home).stdout == "mei\tanalyst\n王芳\tviewer\n"
    assert headwater("user", "remove", "MEI", home=home).stdout == "removed mei\n"
    assert list(Users(home).all()) == ["王芳"]


def test_nobody_listed_says_what_that_means(home):
    told = headwater("user", "list", home=home)
    assert (told.returncode, told.stdout) == (0, "")
    assert "need no sign-in" in told.stderr


def test_only_a_hash_of_the_password_is_kept(home):
    add(home)
    kept = home.users_file.read_text(encoding="utf-8")
    assert PASSWORD not in kept
    assert json.loads(kept)["users"]["mei"]["password"].startswith("$argon2id$")
    assert Passwords().is_right(Users(home).all()["mei"].password, PASSWORD)


def test_another_password_replaces_the_first(home):
    add(home)
    told = headwater("user", "password", "mei", "--password-stdin", home=home, stdin="something else\n")
    assert told.stdout == "the password of mei is changed\n"
    hashed = Users(home).all()["mei"].password
    assert Passwords().is_right(hashed, "something else")
    assert not Passwords().is_right(hashed, PASSWORD)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "mei", "--role", "viewer"), "user mei already exists"),
        (("add", "a b", "--role", "viewer"), "is not a valid name"),
        (("remove", "lin"), "there is no user lin"),
        (("password", "lin"), "there is no user lin"),
    ],
)
def test_what_cannot_be_is_one_line_that_says_why(home, arguments, said):
    add(home)
    before = home.users_file.read_bytes()
    options = () if arguments[0] == "remove" else ("--password-stdin",)
    told = headwater("user", *arguments, *options, home=home, stdin=f"{PASSWORD}\n")
    assert told.returncode == 1
    assert told.stderr.count("\n") == 1
    assert said in told.stderr
    assert home.users_file.read_bytes() == before


def test_a_short_password_is_refused(home):
    told = add(home, password="short")
    assert told.returncode == 1
    assert "8 to 1024 characters" in told.stderr
    assert not home.users_file.exists()


def test_without_a_terminal_the_password_is_not_asked_for(home):
    told = headwater("user", "add", "mei", "--role", "viewer", home=home, stdin="x\n")
    assert told.returncode == 1
    assert "--password-stdin" in told.stderr


def test_a_dashboard_of_another_address_needs_users_to_start(home):
    told = headwater("dashboard", "--host", "0.0.0.0", home=home)
    assert told.returncode == 1
    assert told.stderr.count("\n") == 1
    assert "headwater user add NAME --role admin" in told.stderr
