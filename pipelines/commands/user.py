"""``headwater user``: who may sign in to the dashboards of a home.

Here: the commands, asking for passwords.
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

if TYPE_CHECKING:  # the commands import what they need, so that --help and errors come at once
    from dashboards.access.users import Users

app = typer.Typer(help="Say who may sign in to the dashboards.", no_args_is_help=True)

_NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits and ._@-; case does not count.")]
_StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
]


class UserRole(StrEnum):
    """What people may do."""

    viewer = "viewer"
    analyst = "analyst"
    admin = "admin"


@app.command(epilog="Example: `headwater user add mei --role analyst`")
def add(
    name: _NameArgument,
    role: Annotated[
        UserRole, typer.Option(help="viewer: looks; analyst: also SQL; admin: also sees everybody's queries.")
    ],
    password_stdin: _StdinOption = False,
    home: HomeOption = None,
) -> None:
    """Add somebody; the password is asked for twice."""
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
        print("nobody; without users, the dashboards of 127.0.0.1 need no sign-in", file=sys.stderr)


@app.command(epilog="Example: `headwater user remove mei`")
def remove(name: _NameArgument, home: HomeOption = None) -> None:
    """Take somebody away; their sessions end at once."""
    plain = _plain(name)
    _users(home).remove(plain)
    print(f"removed {plain}")


@app.command(epilog="Example: `headwater user password mei`")
def password(name: _NameArgument, password_stdin: _StdinOption = False, home: HomeOption = None) -> None:
    """Set another password; sessions begun with the old one end at once."""
    from dashboards.access.passwords import Passwords

    users = _users(home)
    plain = _plain(name)
    if plain not in users.all():
        raise HeadwaterError(f"there is no user {plain}", remedy="'headwater user list' shows who there is")
    users.set_password(plain, Passwords().hash(_password(plain, is_piped=password_stdin)))
    print(f"{plain} has another password")


def _users(home: Path | None) -> Users:
    from dashboards.access.users import Users

    return Users(find_home(home))


def _plain(name: str) -> str:
    from dashboards.access.users import plain_name

    plain = plain_name(name)
    if plain is None:
        raise HeadwaterError(f"{name!r} can be nobody's name: use 1 to 64 letters, digits and ._@-, a letter first")
    return plain


def _password(name: str, *, is_piped: bool) -> str:
    if is_piped:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise HeadwaterError("there is no terminal to ask for a password", remedy="give it with --password-stdin")
    given = getpass.getpass(f"password of {name}: ")
    if getpass.getpass("once more: ") != given:
        raise HeadwaterError("the two differ; nothing is changed")
    return given
