"""Saved queries of a shop: ``config/queries/*.sql`` of a home.

Here: reading them. The first line is ``-- title | 标题``, comment lines below it ``-- description | 说明``. A line
``-- $days = 7 | Days | 天数`` among them gives the parameter ``$days`` its default value and its label.
Not here: running them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dashboards.numbers import Language
from dashboards.workbench.gate import LONGEST_QUERY
from pipelines.home.folder import Home

_NAME = re.compile(r"[\w-]{1,64}")
_PARAMETER = re.compile(r"\$(\w+)\s*=\s*([^|]*?)\s*(?:\|(.*))?")


@dataclass(frozen=True)
class SavedQuery:
    """One file.

    Attributes:
        name: The file's name without its extension.
        titles, abouts: Title and description by language; if one language is missing, the text in the other.
        sql: The file's full text, comments included.
        values: The default values of its parameters, by name.
        labels: The labels of its parameters, by name and language.
    """

    name: str
    titles: Mapping[Language, str]
    abouts: Mapping[Language, str]
    sql: str
    values: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Mapping[Language, str]] = field(default_factory=dict)


def saved_queries(home: Home) -> dict[str, SavedQuery]:
    """Name → query, sorted by name; files that are unreadable or too long to run are skipped."""
    found: dict[str, SavedQuery] = {}
    for path in sorted(home.saved_queries.glob("*.sql")):
        text = _text(path)
        if text is not None and _NAME.fullmatch(path.stem):
            found[path.stem] = _query(path.stem, text)
    return found


def _text(path: Path) -> str | None:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        return None
    return text if len(text) <= LONGEST_QUERY else None


def _query(name: str, text: str) -> SavedQuery:
    comments: list[str] = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        comments.append(line.removeprefix("--").strip())
    found = {line: match for line in comments if (match := _PARAMETER.fullmatch(line))}
    title, *abouts = [line for line in comments if line not in found] or [name]
    pairs = [_both(about) for about in abouts]
    return SavedQuery(
        name,
        _both(title or name),
        {"en": " ".join(pair["en"] for pair in pairs), "zh": "".join(pair["zh"] for pair in pairs)},
        text,
        {match[1]: match[2] for match in found.values()},
        {match[1]: _both(match[3]) for match in found.values() if match[3]},
    )


def _both(line: str) -> dict[Language, str]:
    english, _, chinese = (part.strip() for part in line.partition("|"))
    return {"en": english or chinese, "zh": chinese or english}
