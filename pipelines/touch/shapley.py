"""Shapley values of touchpoints: each one's fair share in a game that all touchpoints play together.

Here: two games of Zhao, Mahboobi and Bagheri, 'Shapley value methods for attribution modeling in online advertising'
(2018), arXiv:1804.05327; both depend only on the *set* of a path's touchpoints, not on order or repetition. If only the
touchpoints S existed, the paths with no other touchpoint would remain.

- **Set game**, in orders: v(S) is the number of orders that remain. Each set is a unanimity game, whose value is shared
  evenly, so each order is split evenly over the distinct touchpoints of its path; nothing has to be enumerated.
- **Conversion-rate game**: v(S) = orders / (orders + non-conversions) of the paths that remain, 0 if there are none.
  A share may be negative, for a touchpoint that lowers the rate.

The values of all touchpoints sum to v(all).
Not here: counting sets (``tables``) and standard errors (``resampling``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.touch.markov import SEPARATOR, Floats, Ints, sums

MOST_EXACT = 20
"""Up to this many touchpoints, the rate game is computed exactly, over all their sets (2^20, some 50 MB)."""

_AT_A_TIME = 1 << 16
"""How many sets and games are computed together, so that small games need few calls and large games little memory."""

CIRCLES = 100
"""With more touchpoints than ``MOST_EXACT``, this many random circles are sampled (see ``sampled_rate_game``).

They leave an error of 7 % in a standard error.
"""


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
    """(K,) The Shapley value of each touchpoint in the set game, in orders.

    *orders* (sets,) has the number of orders of each set.
    """
    shares = np.repeat(orders / sets.sizes, sets.sizes)
    return sums(sets.members, shares, len(sets.touchpoints))


def rate_game(sets: Sets, orders: Floats, non_conversions: Floats) -> Floats:
    """(K,) The exact Shapley value of each touchpoint in the conversion-rate game.

    Takes memory and time for 2^K sets. *orders* and *non_conversions* (sets,) count the paths of each set.

    Raises:
        ValueError: If there are more than ``MOST_EXACT`` touchpoints.
    """
    return rate_games(sets, orders[:, None], non_conversions[:, None])[:, 0]


def rate_games(sets: Sets, orders: Floats, non_conversions: Floats) -> Floats:
    """(K, games) The values of ``rate_game`` for each column of *orders* and *non_conversions* (sets, games).

    Raises:
        ValueError: If there are more than ``MOST_EXACT`` touchpoints.
    """
    players = len(sets.touchpoints)
    if players > MOST_EXACT:
        raise ValueError(f"{players} touchpoints; all sets are enumerated for at most {MOST_EXACT}")
    found = np.zeros((players, orders.shape[1]))
    games = max(1, _AT_A_TIME >> players)
    for first in range(0, orders.shape[1], games):
        own = np.s_[:, first : first + games]
        # A touchpoint that is in no path changes nothing: its value is 0, and the values of the others are the same
        # without it.
        used = (orders[own] + non_conversions[own]).any(axis=1)
        present, members = np.unique(sets.members[np.repeat(used, sets.sizes)], return_inverse=True)
        if len(present):
            # A set is a number whose bit i says whether touchpoint i is in it.
            sizes = sets.sizes[used]
            codes = np.bitwise_or.reduceat(1 << members, np.cumsum(sizes) - sizes)
            found[present, own[1]] = _values(len(present), codes, orders[own][used], non_conversions[own][used])
    return found


def _values(players: int, codes: Ints, orders: Floats, non_conversions: Floats) -> Floats:
    """(players, games) The values of ``rate_games``; *codes* are the numbers of the sets."""
    won = _of_subsets(players, codes, orders)
    value = _rate(won, won + _of_subsets(players, codes, non_conversions))
    # The Shapley value is the mean of v(S + i) − v(S) over the S without i, each with the weight w(|S|) = |S|! (K − |S|
    # − 1)! / K!. So v(S) has the weight w(|S| − 1) for each i in S, and −w(|S|) for each i not in S.
    sizes = np.bitwise_count(np.arange(1 << players))
    weight = _weights(players)[:, None]
    # weight[K] is w(K) = 0 and, as weight[−1], also w(−1) = 0.
    outside = value * weight[sizes]
    inside = value * weight[sizes.astype(np.intp) - 1] + outside
    found: Floats = _sums_with_each(inside, players) - outside.sum(axis=0)
    return found


def _weights(players: int) -> Floats:
    """(players + 1,) w(s) = s! (players − s − 1)! / players! for each s < players; the last entry is 0."""
    weight = np.zeros(players + 1)
    weight[0] = 1 / players
    for size in range(1, players):
        weight[size] = weight[size - 1] * size / (players - size)
    return weight


def _of_subsets(players: int, codes: Ints, amounts: Floats) -> Floats:
    """(2^players, games) The zeta transform of *amounts* (of the sets *codes*): for each set the sum of its subsets."""
    found = np.zeros((1 << players, amounts.shape[1]))
    np.add.at(found, codes, amounts)
    for player in range(players):
        pairs = found.reshape(-1, 2, amounts.shape[1] << player)
        pairs[:, 1] += pairs[:, 0]
    return found


def _sums_with_each(amounts: Floats, players: int) -> Floats:
    """(players, games) The sum of *amounts* (2^players, games) over the sets with each player."""
    found = np.zeros((players, amounts.shape[1]))
    for player in reversed(range(players)):
        without, having = np.split(amounts, 2)
        found[player] = having.sum(axis=0)
        amounts = without + having
    return found


def _rate(won: Floats, paths: Floats) -> Floats:
    found: Floats = np.divide(won, paths, out=np.zeros_like(won), where=paths > 0)
    return found


def sampled_rate_game(
    sets: Sets, orders: Floats, non_conversions: Floats, *, circles: int = CIRCLES, seed: int = 0
) -> tuple[Floats, Floats]:
    """(K,) Estimates of ``rate_game`` for any number of touchpoints, and (K,) their standard errors.

    Touchpoints join in random order, and each gets the change of the rate when it joins; the mean over orders estimates
    the Shapley value (Castro, Gómez and Tejada, 'Polynomial calculation of the Shapley value based on sampling',
    Computers & Operations Research 36 (2009) 1726–1730). The orders are taken from *circles* of touchpoints: from one
    circle all 2 K orders that begin at any place and go either way round. Each touchpoint then joins first, second …
    equally often, which removes most of the variance, and all these orders need only the rates of the circle's arcs.

    The values of all touchpoints sum to v(all). The standard error is that of sampling the circles, 2 or more; *seed*
    makes the result repeatable.
    """
    players = len(sets.touchpoints)
    if players == 0:
        return np.zeros(0), np.zeros(0)
    random = np.random.default_rng(seed)
    found = np.empty((circles, players))
    for number in range(circles):
        place = random.permutation(players)
        found[number] = _gains(_arc_rates(sets, place, orders, non_conversions))[place]
    return found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(circles)


def _arc_rates(sets: Sets, place: Ints, orders: Floats, non_conversions: Floats) -> Floats:
    """(players, players + 1) The rate among the touchpoints of each arc of a circle, by its first place and length.

    *place* (players,) is the place of each touchpoint on the circle. A set of n touchpoints has n shortest arcs: each
    begins at one touchpoint of the set and ends at the one before it. An arc contains the set if it contains one of
    these arcs, and it never contains two. So an arc's sum is a cumulative sum over the first and last places of these.
    """
    players = len(place)
    of_set = np.repeat(np.arange(len(sets.sizes)), sets.sizes)
    first = np.sort(of_set * players + place[sets.members]) - of_set * players
    last = np.roll(first, 1) + players
    last[sets.starts] -= players
    last[sets.starts] = first[sets.starts + sets.sizes - 1]
    # Twice round, so that arcs that pass the end of the circle are ranges of places too.
    width = 2 * players
    rates = np.zeros((players, players + 1))
    won, paths = np.zeros((width, width)), np.zeros((width, width))
    for table, counts in ((won, orders), (paths, orders + non_conversions)):
        amounts = np.repeat(counts, sets.sizes)
        for turn in (0, players):
            inside = last + turn < width
            cells = (first[inside] + turn) * width + last[inside] + turn
            table += sums(cells, amounts[inside], width * width).reshape(width, width)
        np.cumsum(table[::-1], axis=0, out=table[::-1])
        np.cumsum(table, axis=1, out=table)
    begin = np.arange(players)[:, None]
    end = begin + np.arange(players)
    rates[:, 1:] = _rate(won[begin, end], paths[begin, end])
    return rates


def _gains(rates: Floats) -> Floats:
    """(players,) The change of the rate by the touchpoint at each place of a circle, the mean of its 2 K orders.

    *rates* is the result of ``_arc_rates``.
    """
    players = len(rates)
    begin, length = np.arange(players)[:, None], np.arange(1, players + 1)
    at_the_end = rates[:, 1:] - rates[:, :-1]
    at_the_begin = rates[:, 1:] - rates[(begin + 1) % players, length - 1]
    joined = (begin + length - 1) % players
    total: Floats = sums(joined.ravel(), at_the_end.ravel(), players) + at_the_begin.sum(axis=1)
    return total / (2 * players)
