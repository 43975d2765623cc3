"""Attributes of HTML elements whose names are no Python names: ``aria-label``, ``data-…``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def marks(values: Mapping[str, str]) -> dict[str, Any]:
    """*values* as keyword arguments of a component, which its declared types do not know."""
    return dict(values)
