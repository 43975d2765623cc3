"""The people who may sign in: ``.dashboard/users.json`` of a home.

Here: reading and changing that file, valid names.
Not here: passwords (``dashboards.access.passwords``), the commands (``pipelines.commands.user``).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipelines.home.errors import HeadwaterError
from pipelines.home.files import convert_write_errors, lock, write_file
from pipelines.home.folder import Home

Role = Literal["viewer", "analyst", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "analyst", "admin")
"""The roles. A viewer views pages; an analyst also runs SQL, saves views and makes links.

An admin also edits files and sees the SQL of all users.
"""

LOCAL = "local"
"""The user name if the server has no sign-in."""

_ROLE_OF = {role: role for role in ROLES}
_NAME = re.compile(r"\w[\w.@-]{0,63}")


@dataclass(frozen=True)
class User:
    """Somebody who may sign in; *password* is its argon2 hash."""

    name: str
    role: Role
    password: str


def plain_name(text: str) -> str | None:
    """*text* as a user name: lower-case letters, digits and ``._@-``; None if it cannot be one."""
    name = unicodedata.normalize("NFKC", text).strip().casefold()
    return name if _NAME.fullmatch(name) else None


class Users:
    """The users of one home; their file is read again whenever it has changed."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._seen: tuple[int, int, int] | None = None
        self._users: Mapping[str, User] = {}

    def all(self) -> Mapping[str, User]:
        """Name → user; the file is read again when it has changed.

        Raises:
            HeadwaterError: the file cannot be read or has another format.
        """
        try:
            stat = self._home.users_file.stat()
        except FileNotFoundError:
            self._seen, self._users = None, {}
            return self._users
        seen = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
        if seen != self._seen:
            self._users = _read(self._home.users_file)
            self._seen = seen
        return self._users

    def add(self, user: User) -> None:
        """Add a new user.

        Raises:
            HeadwaterError: the name exists, or the file cannot be written.
        """
        with self._changing() as users:
            if user.name in users:
                raise HeadwaterError(
                    f"user {user.name} already exists",
                    remedy=f"'headwater user password {user.name}' sets another password",
                )
            users[user.name] = user

    def remove(self, name: str) -> None:
        """Remove the user *name*, which ends the user's sessions.

        Raises:
            HeadwaterError: the name does not exist, or the file cannot be written.
        """
        with self._changing() as users:
            del users[self._existing(users, name)]

    def set_password(self, name: str, password: str) -> None:
        """Set the password hash of the user *name* to *password*, which ends the user's sessions.

        Raises:
            HeadwaterError: the name does not exist, or the file cannot be written.
        """
        with self._changing() as users:
            old = users[self._existing(users, name)]
            users[old.name] = User(old.name, old.role, password)

    @staticmethod
    def _existing(users: Mapping[str, User], name: str) -> str:
        if name not in users:
            raise HeadwaterError(f"unknown user {name}", remedy="'headwater user list' lists the users")
        return name

    @contextmanager
    def _changing(self) -> Iterator[dict[str, User]]:
        """Lock the file and yield its users to be changed; they are saved if the ``with`` block raises no error."""
        with convert_write_errors(self._home.users_file):
            self._home.access.mkdir(mode=0o700, exist_ok=True)
            with lock(self._home.users_lock):
                users = dict(self.all())
                yield users
                _write(self._home.users_file, users)


def _read(path: Path) -> dict[str, User]:
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
        users = [
            User(str(name), _ROLE_OF[entry["role"]], str(entry["password"])) for name, entry in text["users"].items()
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise HeadwaterError(
            "is not a valid list of users", where=path, remedy="restore it, or remove it and add the users again"
        ) from error
    return {user.name: user for user in users}


def _write(path: Path, users: Mapping[str, User]) -> None:
    text = {"users": {name: {"role": user.role, "password": user.password} for name, user in sorted(users.items())}}
    write_file(path, json.dumps(text, ensure_ascii=False, indent=1), mode=0o600)
