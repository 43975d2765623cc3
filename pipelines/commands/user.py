"""``headwater user``: manages who may sign in to the dashboards of a home.

Here: the commands, and asking for passwords.
Not here: the file of users (``dashboards.access.users``), signing in.
"""

from __future__ import annotations

import getpass
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.commands.options import HomeOption
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import find_home

if TYPE_CHECKING:  # commands import what they need when they run, so that --help and errors are fast
    from dashboards.access.users import Users

app = typer.Typer(help="Manage who may sign in to the dashboards.", no_args_is_help=True)

_NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits and ._@-; case does not matter.")]
_StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
]


class UserRole(StrEnum):
    """Roles of users."""

    viewer = "viewer"
    analyst = "analyst"
    admin = "admin"


@app.command(epilog="Example: `headwater user add mei --role analyst`")
def add(
    name: _NameArgument,
    role: Annotated[
        UserRole, typer.Option(help="viewer: sees pages; analyst: also runs SQL; admin: also sees everybody's queries.")
    ],
    password_stdin: _StdinOption = False,
    home: HomeOption = None,
) -> None:
    """Add a user; asks for the password twice."""
    from dashboards.access.passwords import Passwords
    from dashboards.access.users import User

    users = _users(home)
    plain = _plain(name)
    users.add(User(plain, role.value, Passwords().hash(_password(plain, is_piped=password_stdin))))
    print(f"added {plain} ({role.value})")


@app.command("list", epilog="Example: `headwater user list`")
def list_users(home: HomeOption = None) -> None:
    """List names and roles."""
    users = _users(home).all()
    for user in users.values():
        print(f"{user.name}\t{user.role}")
    if not users:
        print("no users; without users, the dashboards on 127.0.0.1 need no sign-in", file=sys.stderr)


@app.command(epilog="Example: `headwater user remove mei`")
def remove(name: _NameArgument, home: HomeOption = None) -> None:
    """Remove a user; their sessions end immediately."""
    plain = _plain(name)
    _users(home).remove(plain)
    print(f"removed {plain}")


@app.command(epilog="Example: `headwater user password mei`")
def password(name: _NameArgument, password_stdin: _StdinOption = False, home: HomeOption = None) -> None:
    """Change a password; the user's sessions end immediately."""
    from dashboards.access.passwords import Passwords

    users = _users(home)
    plain = _plain(name)
    if plain not in users.all():
        raise HeadwaterError(f"unknown user {plain}", remedy="'headwater user list' lists the users")
    users.set_password(plain, Passwords().hash(_password(plain, is_piped=password_stdin)))
    print(f"the password of {plain} is changed")


def _users(home: Path | None) -> Users:
    from dashboards.access.users import Users

    return Users(find_home(home))


def _plain(name: str) -> str:
    from dashboards.access.users import plain_name

    plain = plain_name(name)
    if plain is None:
        raise HeadwaterError(f"{name!r} is not a valid name: use 1 to 64 letters, digits and ._@-, a letter first")
    return plain


def _password(name: str, *, is_piped: bool) -> str:
    if is_piped:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise HeadwaterError("there is no terminal to ask for a password", remedy="give it with --password-stdin")
    given = getpass.getpass(f"password of {name}: ")
    if getpass.getpass("again: ") != given:
        raise HeadwaterError("the two passwords differ, so nothing is changed", remedy="run the command again")
    return given
