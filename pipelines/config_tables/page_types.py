"""``config/page_types.csv``: which page type an address has, for logs that do not name page types.

Here: validating rows.
Not here: applying the rules (``sql/core/event_pages.sql``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.config_tables.csv_file import read_rows
from pipelines.home.errors import HeadwaterError

PAGE_TYPE_COLUMNS = {
    "rule_no": "INTEGER",
    "path": "VARCHAR",
    "is_open_before": "BOOLEAN",
    "is_open_after": "BOOLEAN",
    "page_type": "VARCHAR",
}


@dataclass(frozen=True)
class PageTypeRule:
    """A rule: a page with this *path*, in lower case, is of *page_type*, unless a rule with a smaller number matches.

    *is_open_before*: the page's path may have any text before *path*; *is_open_after*: any text after it.
    """

    rule_no: int
    path: str
    is_open_before: bool
    is_open_after: bool
    page_type: str


def load_page_types(path: Path) -> tuple[PageTypeRule, ...]:
    """Read the rules in *path*, in their order.

    Raises:
        HeadwaterError: a row is wrong, or two rows have the same path. The error names the file and the row.
    """
    rows: dict[str, int] = {}
    rules = []
    for number, (glob, page_type) in read_rows(path, ("path", "page_type"), (), _row):
        if glob in rows:
            raise HeadwaterError(
                f"row {rows[glob]} already has the path {glob}",
                where=f"{path}, row {number}",
                remedy="remove one of the two rows: only the first one would count",
            )
        rows[glob] = number
        rules.append(PageTypeRule(len(rows), glob.strip("*"), glob[0] == "*", glob[-1] == "*", page_type))
    return tuple(rules)


def _row(cell: Mapping[str, str]) -> tuple[str, str]:
    path = cell["path"].lower()
    if not path.startswith(("/", "*")) or not path.strip("*") or "*" in path.strip("*"):
        raise ValueError(
            f"path is '{cell['path']}', expected a path such as /cart, */cart or */products/*: "
            "* stands for any text, and may be only at the ends"
        )
    if not cell["page_type"]:
        raise ValueError("page_type is empty")
    return path, cell["page_type"]
