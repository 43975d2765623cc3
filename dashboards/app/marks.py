"""What components are written with: attributes that are no Python names, text without signs that nobody sees.

Here: ``aria-label``, ``data-…`` as keyword arguments; cleaning what data say.
Not here: components.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_UNSEEN = dict.fromkeys([*range(9), *range(0x0E, 0x20), 0x7F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], " ")


def marks(values: Mapping[str, str]) -> dict[str, Any]:
    """*values* as keyword arguments of a component, which its declared types do not know."""
    return dict(values)


def clean(said: str) -> str:
    """*said* without the signs that nobody sees, which could turn its direction."""
    return said.translate(_UNSEEN)
