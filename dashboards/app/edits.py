"""Changes that users make to files in ``config/``: targets, the calendar, saved views, subscriptions.

Here: the addresses that take these changes, who may make them, and the answers.
Not here: the forms (``dashboards.app.forms``), changing a file (``pipelines.config_tables.csv_edits``).
"""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import flask

from dashboards.access.users import LOCAL, Role
from dashboards.app.view import read_view
from dashboards.app.watch.settings import SUBSCRIPTION_COLUMNS, check_subscriptions
from dashboards.plans.targets import fault_of
from dashboards.texts import Texts
from pipelines.config_tables import views_of
from pipelines.config_tables.calendar import CALENDAR_COLUMNS, load_calendar
from pipelines.config_tables.csv_edits import Change, Row, change_row
from pipelines.config_tables.targets import TARGET_COLUMNS, load_targets
from pipelines.config_tables.views import VIEW_COLUMNS, load_views
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home

LONGEST_VALUE = 4_000
"""Maximum characters of a value; an address may have an SQL query in it."""

_LOGGER = logging.getLogger("headwater.dashboard")


class RefusedError(Exception):
    """The user may not make this change; the exception's argument is the key of a text in ``dashboards/words``."""


@dataclass(frozen=True)
class _File:
    """A file that users change: its path in a home, its columns, and the check of a changed file."""

    path: Callable[[Home], Path]
    columns: Sequence[str]
    check: Callable[[Home, Path], object]


def _check_targets(_home: Home, path: Path) -> None:
    for target in load_targets(path):
        if fault := fault_of(target):
            raise HeadwaterError(fault, where=path)


def _check_views(_home: Home, path: Path) -> None:
    for view in load_views(path):
        page, _, query = view.address.partition("?")
        if read_view(page, query) is None:
            raise HeadwaterError(f"there is no page at '{page}'", where=path)


_FILES: Mapping[str, _File] = {
    "targets": _File(lambda home: home.targets_file, TARGET_COLUMNS, _check_targets),
    "calendar": _File(lambda home: home.calendar_file, CALENDAR_COLUMNS, lambda _home, path: load_calendar(path)),
    "subscriptions": _File(lambda home: home.subscriptions_file, SUBSCRIPTION_COLUMNS, check_subscriptions),
    "views": _File(lambda home: home.views_file, VIEW_COLUMNS, _check_views),
}


def may_edit(what: str, role: Role) -> bool:
    """Whether *role* may change the file of *what*.

    A saved view may be changed by its user, and by an admin if it is shared.
    """
    return role == "admin" or (what == "views" and role == "analyst")


def add_edits(server: flask.Flask, home: Home) -> None:
    """Add the addresses ``/edit/<what>``; the answer is JSON with the text to show."""

    @server.post("/edit/<what>")
    def edit(what: str) -> tuple[dict[str, str], int]:
        given = flask.request.form
        text = Texts("zh" if given.get("lang") == "zh" else "en")
        if what not in _FILES:
            return {"said": text("edit.unknown")}, 404
        token = str(flask.g.get("form_token", ""))
        if not hmac.compare_digest(given.get("token", "").encode(), token.encode()):
            return {"said": text("edit.old_form")}, 403
        role: Role = flask.g.get("role", "admin")
        user = str(flask.g.get("user") or LOCAL)
        try:
            change = _change(what, given, user, role)
            if what == "views":
                _end_other_start(home, change.new, user)
            _save(home, what, change, user)
        except RefusedError as refusal:
            return {"said": text(str(refusal))}, 403
        except HeadwaterError as error:
            return {"said": text("edit.fault", fault=error.what, remedy=error.remedy)}, 409
        except ValueError:
            return {"said": text("edit.old_form")}, 400
        _LOGGER.info("%s changed %s", user, _FILES[what].path(home).name)
        return {"said": text("edit.done")}, 200


def _change(what: str, given: Mapping[str, str], user: str, role: Role) -> Change:
    """The change that the form *given* asks for.

    Raises:
        RefusedError: the user may not make it.
        ValueError: the request does not come from one of our forms.
    """
    if not may_edit(what, role):
        raise RefusedError("edit.not_allowed")
    columns = _FILES[what].columns
    old = _row(json.loads(given["old"]), columns) if given.get("old") else None
    new = None if given.get("remove") else _row({name: given.get(name, "") for name in columns}, columns)
    if old is None and new is None:
        raise ValueError("nothing to remove")
    if what == "views":
        new = _own_view(old, new, user, role)
    return Change(old, new)


def _row(values: object, columns: Sequence[str]) -> Row:
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise ValueError("not a row")
    if any(len(value) > LONGEST_VALUE for value in values.values()):
        raise ValueError("a value is too long")
    return {name: values.get(name, "").replace("\0", "") for name in columns}


def _own_view(old: Row | None, new: Row | None, user: str, role: Role) -> Row | None:
    """*new* with its owner: the user, or the owner of the view that an admin changes.

    Raises:
        RefusedError: the view is another user's, or a user who is no admin would share one.
    """
    owner = old["owner"] if old else user
    is_others = owner != user and not (role == "admin" and old and old["is_shared"] == "true")
    shares = any(row is not None and row["is_shared"] == "true" for row in (old, new))
    if is_others or (shares and role != "admin"):
        raise RefusedError("edit.not_yours" if is_others else "edit.not_shared")
    return None if new is None else {**new, "owner": owner}


def _end_other_start(home: Home, new: Row | None, user: str) -> None:
    """If *new* becomes the start page of *user*, remove that mark from the user's earlier start page."""
    if new is None or new["is_start"] != "true":
        return
    for view in views_of(home):
        if view.owner == user and view.is_start and view.name != new["name"]:
            change = Change(view.cells, {**view.cells, "is_start": ""})
            _save(home, "views", change, user)


def _save(home: Home, what: str, change: Change, user: str) -> None:
    file = _FILES[what]
    change_row(home, file.path(home), file.columns, change, user, lambda path: file.check(home, path))
