"""Helpers for writing components: attributes that are not Python names, text without invisible characters.

Here: ``aria-label``, ``data-…`` as keyword arguments; cleaning text from data.
Not here: components.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_UNSEEN = dict.fromkeys([*range(9), *range(0x0E, 0x20), 0x7F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], " ")


def marks(values: Mapping[str, str]) -> dict[str, Any]:
    """*values* as keyword arguments of a component; typed as Any, because Dash does not declare these attributes."""
    return dict(values)


def clean(text: str) -> str:
    """*text* without invisible characters, some of which reverse the direction of text."""
    return text.translate(_UNSEEN)
