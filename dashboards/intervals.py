"""An effect with its 95 % interval, and what the interval says of the effect.

Here: the value and its verdict.
Not here: how intervals are computed (``dashboards.experiments``, ``dashboards.trends``), their words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["higher", "lower", "unclear", "few"]
"""higher, lower: the interval does not contain zero; unclear: it contains zero.

Few: there are too few data for an interval.
"""


def verdict_of(low: float, high: float) -> Verdict:
    """What an interval says of the sign of the effect."""
    return "higher" if low > 0 else "lower" if high < 0 else "unclear"


@dataclass(frozen=True)
class Interval:
    """An effect and its 95 % interval; all None if there are too few data.

    Attributes:
        effect: The estimate.
        verdict: What the interval says.
        low, high: The bounds.
    """

    effect: float | None
    verdict: Verdict
    low: float | None = None
    high: float | None = None

    @classmethod
    def around(cls, effect: float, half: float) -> Interval:
        """The interval of *effect* ± *half*; without bounds if *half* is not a number."""
        if not half > 0:
            return cls(None, "few")
        return cls(effect, verdict_of(effect - half, effect + half), effect - half, effect + half)
