"""``config/contents.csv``: the name and the picture of each content. Contents are what slots show.

Here: validating rows.
Not here: what slots showed (``sql/attribution/slot_daily.sql``), showing names and pictures
(``dashboards.app.pages.slots``). No model reads this file, so it never stops a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.config_tables.csv_file import read_rows
from pipelines.config_tables.pictures import picture_size
from pipelines.home.errors import HeadwaterError

_REQUIRED = ("content_id", "name_zh", "name_en")


@dataclass(frozen=True)
class Content:
    """The names of the content *content_id*, and its *picture*: a path relative to the config folder; '': none."""

    content_id: str
    name_zh: str
    name_en: str
    picture: str

    def name(self, language: str) -> str:
        """The name in *language*, zh or en."""
        return self.name_zh if language == "zh" else self.name_en


def load_contents(path: Path) -> dict[str, Content]:
    """content_id → content, from *path*; empty if there is no file.

    Raises:
        HeadwaterError: a row is wrong, two rows have the same content_id, or a picture is missing or not a PNG. The
            error names the file and the row.
    """
    if not path.exists():
        return {}

    def content(cell: Mapping[str, str]) -> Content:
        if not cell["content_id"]:
            raise ValueError("content_id is empty")
        if not (cell["name_zh"] or cell["name_en"]):
            raise ValueError("name_zh and name_en are empty; fill in at least one of them")
        if cell["picture"]:
            picture_size(path.parent, cell["picture"])
        names = (cell["name_zh"] or cell["name_en"], cell["name_en"] or cell["name_zh"])
        return Content(cell["content_id"], *names, cell["picture"])

    rows: dict[str, int] = {}
    contents = {}
    for number, found in read_rows(path, _REQUIRED, ("picture",), content):
        if found.content_id in rows:
            raise HeadwaterError(
                f"row {rows[found.content_id]} already has the content_id {found.content_id}",
                where=f"{path}, row {number}",
                remedy="remove one of the two rows",
            )
        rows[found.content_id] = number
        contents[found.content_id] = found
    return contents
