"""Standard errors: how much a result would differ in another random sample of shoppers.

Here: the bootstrap over persons. Persons are in ``GROUPS`` groups by a hash of their id, and counts are kept by group,
so whole groups are drawn, with all paths of their persons, because a person's paths are not independent of each other.
Groups are random samples of persons, so this estimates the same error as drawing persons.
Not here: the results (``markov``, ``shapley``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from pipelines.touch.markov import Floats

GROUPS = 64

QUANTILE = 2.0
"""Half the width of a 95 % interval in standard errors: Student's t with ``GROUPS`` − 1 degrees of freedom (1.998)."""

DRAWS = 100
"""Draws of a result that is computed fast. They leave an error of 7 % in a standard error: 1 / √(2 · draws)."""

_DRAWS_FOR_STATES = ((600, DRAWS), (5000, 20))


def draws_for(states: int) -> int:
    """The number of draws for a chain of *states*: 100 up to 600 states, 20 up to 5000.

    None above, because it is too slow.
    """
    return next((draws for most, draws in _DRAWS_FOR_STATES if states <= most), 0)


def standard_errors(
    results: Callable[[Floats], Iterable[Floats | None]], draws: int = DRAWS, seed: int = 0
) -> Floats | None:
    """The standard error of each number that *results* computes; None if fewer than two draws have a result.

    *results* gets the weight of each group in each draw (draws, ``GROUPS``) and returns the result of each draw, None
    if there is nothing to compute. *seed* makes the draws repeatable. A draw takes ``GROUPS`` − 1 groups (McCarthy and
    Snowden, 'The bootstrap and finite population sampling', 1985), because with ``GROUPS`` groups the variance would be
    too small by 1 / ``GROUPS``.
    """
    random = np.random.default_rng(seed)
    times = random.multinomial(GROUPS - 1, np.full(GROUPS, 1 / GROUPS), draws).astype(np.float64)
    weights = times * (GROUPS / (GROUPS - 1))
    found = [drawn for drawn in results(weights) if drawn is not None]
    if len(found) < 2:
        return None
    spread: Floats = np.std(found, axis=0, ddof=1)
    return spread
