"""Shapley values of touchpoints: each one's fair share in a game that all touchpoints play together.

Here: two games of Zhao, Mahboobi and Bagheri, 'Shapley value methods for attribution modeling in online advertising'
(2018), arXiv:1804.05327; both depend only on the *set* of a path's touchpoints, not on order or repetition. If only the
touchpoints S existed, the paths with no other touchpoint would remain.

- **Set game**, in orders: v(S) is the number of orders that remain. Each set is a unanimity game, whose value is shared
  evenly, so each order is split evenly over the distinct touchpoints of its path; nothing has to be enumerated.
- **Conversion-rate game**: v(S) = orders / (orders + non-conversions) of the paths that remain, 0 if there are none.
  The shares may be negative: a touchpoint that lowers the rate.

The values of all touchpoints sum to v(all).
Not here: counting sets (``paths``, ``sql/attribution/touch_sets.sql``) and other shoppers (``resampling``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.touch.markov import SEPARATOR, Floats, Ints, sums

MOST_EXACT = 20
"""Touchpoints up to which the rate game is computed exactly, over all 2^20 sets (some 50 MB)."""

PAIRS = 500
"""Pairs of permutations that are sampled above that."""

_AT_A_TIME = 4_000_000
"""Numbers held at a time while sampling: touchpoints of all paths × permutations."""


@dataclass(frozen=True)
class Sets:
    """The distinct touchpoints of paths, as numbers.

    Attributes:
        touchpoints: The K touchpoints, sorted.
        members: (all members,) The touchpoints of the first set, then those of the second …
        sizes: (sets,) The number of touchpoints of each set, 1 or more.
    """

    touchpoints: list[str]
    members: Ints
    sizes: Ints

    @property
    def starts(self) -> Ints:
        """(sets,) Where the touchpoints of each set start in ``members``."""
        return np.cumsum(self.sizes) - self.sizes


def sets_of(texts: Sequence[str]) -> Sets:
    """The sets that *texts* name; a text is the touchpoints of a path joined by ``SEPARATOR``, in any order."""
    names = [sorted(set(text.split(SEPARATOR))) for text in texts]
    touchpoints = sorted({name for found in names for name in found})
    places = {name: place for place, name in enumerate(touchpoints)}
    return Sets(
        touchpoints=touchpoints,
        members=np.array([places[name] for found in names for name in found], dtype=np.intp),
        sizes=np.array([len(found) for found in names], dtype=np.intp),
    )


def set_game(sets: Sets, orders: Floats) -> Floats:
    """(K,) The Shapley value of each touchpoint in the set game, in orders. *orders* (sets,) is the orders of each."""
    shares = np.repeat(orders / sets.sizes, sets.sizes)
    return sums(sets.members, shares, len(sets.touchpoints))


def rate_game(sets: Sets, orders: Floats, non_conversions: Floats) -> Floats:
    """(K,) The exact Shapley value of each touchpoint in the conversion-rate game.

    Takes memory and time for 2^K sets. *orders* and *non_conversions* (sets,) count the paths of each set.

    Raises:
        ValueError: If there are more than ``MOST_EXACT`` touchpoints.
    """
    players = len(sets.touchpoints)
    if players > MOST_EXACT:
        raise ValueError(f"{players} touchpoints; all sets are enumerated for at most {MOST_EXACT}")
    if players == 0:
        return np.zeros(0)
    # A set is a number whose bit i says whether touchpoint i is in it.
    codes = np.bitwise_or.reduceat(1 << sets.members, sets.starts)
    won = _of_subsets(sums(codes, orders, 1 << players))
    value = _rate(won, won + _of_subsets(sums(codes, non_conversions, 1 << players)))
    # The Shapley value is the mean of v(S + i) − v(S) over the S without i, each with the weight w(|S|) = |S|! (K − |S|
    # − 1)! / K!. So v(S) counts w(|S| − 1) times for each i in S, and −w(|S|) times for each other.
    sizes = np.bitwise_count(np.arange(1 << players))
    weight = _weights(players)
    # weight[K] is w(K) = 0 and, as weight[−1], also w(−1) = 0.
    outside = value * weight[sizes]
    inside = value * weight[sizes.astype(np.intp) - 1] + outside
    found: Floats = _sums_with_each(inside, players) - outside.sum()
    return found


def _weights(players: int) -> Floats:
    """(players + 1,) w(s) = s! (players − s − 1)! / players! for s < players, and 0."""
    weight = np.zeros(players + 1)
    weight[0] = 1 / players
    for size in range(1, players):
        weight[size] = weight[size - 1] * size / (players - size)
    return weight


def _of_subsets(amounts: Floats) -> Floats:
    """For each set the sum of *amounts* over its subsets (the zeta transform)."""
    found = amounts.copy()
    half = 1
    while half < len(found):
        pairs = found.reshape(-1, 2, half)
        pairs[:, 1] += pairs[:, 0]
        half *= 2
    return found


def _sums_with_each(amounts: Floats, players: int) -> Floats:
    """(players,) The sum of *amounts*, one for each set, over the sets with player i."""
    found = np.zeros(players)
    for player in reversed(range(players)):
        without, having = amounts.reshape(2, -1)
        found[player] = having.sum()
        amounts = without + having
    return found


def _rate(won: Floats, paths: Floats) -> Floats:
    found: Floats = np.divide(won, paths, out=np.zeros_like(won), where=paths > 0)
    return found


def sampled_rate_game(
    sets: Sets, orders: Floats, non_conversions: Floats, *, pairs: int = PAIRS, seed: int = 0
) -> tuple[Floats, Floats]:
    """(K,) Estimates of ``rate_game`` for any number of touchpoints, and (K,) their standard errors.

    Touchpoints join in random order, and each gets what it changes; the mean over orders estimates the Shapley value
    (Castro, Gómez and Tejada, 'Polynomial calculation of the Shapley value based on sampling', Computers & Operations
    Research 36 (2009) 1726–1730). Each order is also taken in reverse. The values of all touchpoints sum to v(all).
    The standard error is that of sampling *pairs* of orders, 2 or more; *seed* makes the result repeatable.
    """
    players = len(sets.touchpoints)
    if players == 0:
        return np.zeros(0), np.zeros(0)
    random = np.random.default_rng(seed)
    total, squares = np.zeros(players), np.zeros(players)
    step = max(1, _AT_A_TIME // (len(sets.members) + players))
    for begin in range(0, pairs, step):
        count = min(step, pairs - begin)
        place = random.permuted(np.tile(np.arange(players), (count, 1)), axis=1)
        # A path remains as soon as the last of its touchpoints has joined; in reverse, the first.
        of_members = place[:, sets.members]
        latest = np.maximum.reduceat(of_members, sets.starts, axis=1)
        earliest = np.minimum.reduceat(of_members, sets.starts, axis=1)
        forward = _gains(latest, orders, non_conversions, players)
        backward = _gains(players - 1 - earliest, orders, non_conversions, players)
        gains = np.take_along_axis(forward, place, axis=1) + np.take_along_axis(backward, players - 1 - place, axis=1)
        total += (gains / 2).sum(axis=0)
        squares += ((gains / 2) ** 2).sum(axis=0)
    mean = total / pairs
    variance = np.maximum(squares / pairs - mean**2, 0) * pairs / (pairs - 1)
    return mean, np.sqrt(variance / pairs)


def _gains(joined: npt.NDArray[np.intp], orders: Floats, non_conversions: Floats, players: int) -> Floats:
    """(samples, players) How much the rate changes when the player at each place joins.

    *joined* (samples, sets) is the place of the player with whom a set's paths begin to remain.
    """
    samples = len(joined)
    cells = (joined + players * np.arange(samples)[:, None]).ravel()
    won, lost = (
        sums(cells, np.tile(paths, samples), samples * players).reshape(samples, players).cumsum(axis=1)
        for paths in (orders, non_conversions)
    )
    return np.diff(_rate(won, won + lost), axis=1, prepend=0)
