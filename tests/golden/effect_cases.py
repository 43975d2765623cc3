"""The worked examples of effects.json: removal effects and Shapley values of a few paths, computed by hand.

Here: reading them.
Not here: computing them (``pipelines.touch``, ``tests.reference_effects``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

_CONTENT = json.loads(Path(__file__).with_name("effects.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class EffectCase:
    """*paths*: touchpoints, orders and non-conversions of each; *effects*: touchpoint → its effect in one model."""

    why: str
    paths: list[tuple[tuple[str, ...], int, int]]
    effects: dict[str, Fraction]


def _cases(model: str) -> list[EffectCase]:
    return [
        EffectCase(
            case["why"],
            [(tuple(row["path"].split(" > ")), row["orders"], row["non_conversions"]) for row in case["paths"]],
            {name: Fraction(effect) for name, effect in case["effects"].items()},
        )
        for case in _CONTENT[model]
    ]


REMOVAL_EFFECTS = _cases("removal_effects")
SET_GAME = _cases("set_game")
RATE_GAME = _cases("rate_game")
