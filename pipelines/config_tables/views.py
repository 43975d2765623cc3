"""``config/views.csv``: addresses of pages that users of the dashboards have saved under a name.

Here: validating rows.
Not here: what an address shows (``dashboards.app.view``), who may save one (``dashboards.app.edits``). No model reads
this file, so it never stops a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.config_tables.csv_file import read_rows
from pipelines.home.errors import HeadwaterError

VIEW_COLUMNS = ("owner", "name", "address", "note", "is_shared", "is_start")
LONGEST_NAME = 80
"""Maximum characters of a name."""


@dataclass(frozen=True)
class SavedView:
    """One row.

    Attributes:
        owner: The user who saved it.
        name: Its name, unique among the owner's views.
        address: The path and query of the page.
        note: What its readers should know; '': nothing.
        is_shared: Whether all users see it.
        is_start: Whether the owner's visits begin with it.
        cells: The row as it is in the file, column → text.
    """

    owner: str
    name: str
    address: str
    note: str
    is_shared: bool
    is_start: bool
    cells: Mapping[str, str]


def load_views(path: Path) -> Sequence[SavedView]:
    """The saved views of *path*, in its order; none if there is no file.

    Raises:
        HeadwaterError: a row is wrong, or a user has a name or a start page twice; with file and row.
    """
    if not path.exists():
        return ()
    required, optional = ("owner", "name", "address"), ("note", "is_shared", "is_start")
    names: dict[tuple[str, str], int] = {}
    starts: dict[str, int] = {}
    found = []
    for number, view in read_rows(path, required, optional, _view):
        other = names.get((view.owner, view.name)) or (starts.get(view.owner) if view.is_start else None)
        if other:
            what = "start page" if (view.owner, view.name) not in names else f"view named '{view.name}'"
            raise HeadwaterError(
                f"row {other} is already a {what} of {view.owner}",
                where=f"{path}, row {number}",
                remedy="change one of the two rows",
            )
        names[view.owner, view.name] = number
        if view.is_start:
            starts[view.owner] = number
        found.append(view)
    return tuple(found)


def _view(cell: Mapping[str, str]) -> SavedView:
    for column in ("owner", "name", "address"):
        if not cell[column]:
            raise ValueError(f"{column} is empty")
    if len(cell["name"]) > LONGEST_NAME:
        raise ValueError(f"name has {len(cell['name'])} characters, at most {LONGEST_NAME} are allowed")
    if not cell["address"].startswith("/") or cell["address"].startswith("//"):
        raise ValueError(f"address is '{cell['address']}', expected one of these dashboards such as /slots?lang=en")
    is_shared, is_start = _switch(cell, "is_shared"), _switch(cell, "is_start")
    cells = {name: cell[name] for name in VIEW_COLUMNS}
    return SavedView(cell["owner"], cell["name"], cell["address"], cell["note"], is_shared, is_start, cells)


def _switch(cell: Mapping[str, str], name: str) -> bool:
    if cell[name] not in ("", "true", "false"):
        raise ValueError(f"{name} is '{cell[name]}', expected true or false")
    return cell[name] == "true"
