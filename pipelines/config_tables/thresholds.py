"""Thresholds between low and high on an axis, in the syntax of ``config/matrices.yaml``.

Here: the kinds of thresholds, and which argument each takes.
Not here: computing them (``sql/customers``, ``sql/products``).
"""

from __future__ import annotations

import difflib
import sys
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

Kind = Literal["mean", "median", "percentile", "fixed", "fair_share", "weighted_mean"]
_KINDS: tuple[Kind, ...] = get_args(Kind)


class Threshold(BaseModel):
    """The threshold between low and high on an axis."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    argument: float | None = None
    weight: str | None = None


def read_threshold(value: object) -> object:
    """Convert ``mean``, ``{percentile: 80}`` etc. to the fields of Threshold; a ValueError says what was expected."""
    kind, argument = value, None
    if isinstance(value, dict) and len(value) == 1:
        ((kind, argument),) = value.items()
    if kind not in _KINDS:
        close = difflib.get_close_matches(str(kind), _KINDS, n=1)
        hint = f"did you mean {_spelling(close[0])}?" if close else f"expected {', '.join(map(_spelling, _KINDS))}"
        raise ValueError(f"not a threshold; {hint}")
    assert isinstance(kind, str)
    _validate_argument(kind, argument)
    return {"kind": kind, "weight" if kind == "weighted_mean" else "argument": argument}


def _validate_argument(kind: str, argument: object) -> None:
    """Raise a ValueError if *argument* is not valid for this kind of threshold."""
    spelling = _spelling(kind)
    if spelling == kind:
        if argument is not None:
            raise ValueError(f"expected {kind} alone, without a value")
        return
    if argument is None:
        raise ValueError(f"expected {spelling}")
    if kind == "weighted_mean":
        if not isinstance(argument, str):
            raise ValueError(f"expected the name of a metric, as in {spelling}")
        return
    is_finite = isinstance(argument, int | float) and abs(argument) <= sys.float_info.max
    if isinstance(argument, bool) or not isinstance(argument, int | float) or not is_finite:
        raise ValueError(f"expected a decimal number without quotes, as in {spelling}")
    if kind == "percentile":
        if 0 < argument < 1:
            raise ValueError(f"percentile: expected a number from 0 to 100; did you mean {argument * 100:g}?")
        if not 0 <= argument <= 100:
            raise ValueError("percentile: expected a number from 0 to 100")


def _spelling(kind: str) -> str:
    return {
        "percentile": "{percentile: 80}",
        "fixed": "{fixed: 60}",
        "fair_share": "{fair_share: 0.7}",
        "weighted_mean": "{weighted_mean: net_revenue}",
    }.get(kind, kind)
