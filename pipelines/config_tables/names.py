"""Names in both languages: of the channels of a file, or of its pages.

Here: refusing two equal names.
Not here: the files (``channels``, ``pages``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipelines.home.errors import HeadwaterError


def require_distinct_names(path: Path, kind: str, named: Mapping[str, object]) -> None:
    """Raise a HeadwaterError if two of *named* (key → an object with name_zh and name_en) share a name.

    *kind*, ``channel`` or ``page``, is what the error message calls them.
    """
    for field in ("name_zh", "name_en"):
        keys: dict[str, str] = {}
        for key, one in named.items():
            name = getattr(one, field)
            earlier = keys.setdefault(name, key)
            if earlier != key:
                raise HeadwaterError(
                    f"{field} '{name}' is already that of {kind} '{earlier}'",
                    where=f"{path}, {kind} '{key}'",
                    remedy=f"give each {kind} a name of its own, because the dashboards show only the name",
                )
