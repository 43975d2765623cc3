"""Plain reference implementation of Markov removal effects and Shapley values, for tests.

Here: transitions and sets counted in loops; a chain solved again without each touchpoint, in fractions or by following
its steps; the Shapley value as the mean over all permutations of the touchpoints.
Not here: rule models (``tests.reference_touch``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cache
from itertools import pairwise, permutations

import numpy as np

START, CONVERSION, NULL = "(start)", "(conversion)", "(null)"
Path = tuple[str, ...]
Counts = dict[tuple[str, str], Fraction]
"""(state, next state) → how often."""


# Counting ------------------------------------------------------------------------------------------------


def transitions_of(paths: Iterable[tuple[Path, int, int]], order: int) -> Counts:
    """The transitions of *paths*: (touchpoints, orders, non-conversions). A state is the last *order* touchpoints."""
    counts: Counter[tuple[str, str]] = Counter()
    for path, orders, non_conversions in paths:
        states = [START, *(" > ".join(path[max(0, end - order) : end]) for end in range(1, len(path) + 1))]
        for before, after in pairwise(states):
            counts[before, after] += orders + non_conversions
        counts[states[-1], CONVERSION] += orders
        counts[states[-1], NULL] += non_conversions
    return {step: Fraction(count) for step, count in sorted(counts.items()) if count}


def sets_of(paths: Iterable[tuple[Path, int, int]]) -> dict[str, tuple[int, int]]:
    """The distinct touchpoints of each path, sorted and joined → orders and non-conversions."""
    found: dict[str, tuple[int, int]] = {}
    for path, orders, non_conversions in paths:
        name = " > ".join(sorted(set(path)))
        before = found.get(name, (0, 0))
        found[name] = (before[0] + orders, before[1] + non_conversions)
    return found


# Markov --------------------------------------------------------------------------------------------------


def without(counts: Counts, touchpoint: str) -> Counts:
    """*counts* with every step into a state that ends with *touchpoint* sent to (null)."""
    found: Counts = {}
    for (before, after), count in counts.items():
        if after == touchpoint or after.endswith(f" > {touchpoint}"):
            after = NULL
        found[before, after] = found.get((before, after), Fraction(0)) + count
    return found


def removal_effects(
    counts: Counts, conversion_rate: Callable[[Counts], Fraction | float]
) -> dict[str, Fraction | float] | None:
    """The removal effect of each touchpoint; None if nothing converts. *conversion_rate* solves a chain."""
    states = {state for step in counts for state in step} - {START, CONVERSION, NULL}
    whole = conversion_rate(counts)
    if not whole:
        return None
    touchpoints = sorted({state.split(" > ")[-1] for state in states})
    return {name: 1 - conversion_rate(without(counts, name)) / whole for name in touchpoints}


def solved(counts: Counts) -> Fraction:
    """The probability of reaching (conversion) from (start), by Gaussian elimination in fractions."""
    states = [START, *sorted({before for before, _ in counts} - {START})]
    totals = {state: sum(count for step, count in counts.items() if step[0] == state) for state in states}
    rows = []
    for state in states:
        row = [Fraction(int(other == state)) - counts.get((state, other), 0) / totals[state] for other in states]
        rows.append([*row, counts.get((state, CONVERSION), Fraction(0)) / totals[state]])
    for pivot in range(len(states)):
        found = next(line for line in range(pivot, len(states)) if rows[line][pivot])
        rows[pivot], rows[found] = rows[found], rows[pivot]
        rows[pivot] = [value / rows[pivot][pivot] for value in rows[pivot]]
        for line in range(len(states)):
            if line != pivot and rows[line][pivot]:
                factor = rows[line][pivot]
                rows[line] = [value - factor * other for value, other in zip(rows[line], rows[pivot], strict=True)]
    return rows[0][-1]


def followed(counts: Counts) -> float:
    """The probability of having reached (conversion) from (start) after 2^60 steps.

    Unlike ``solved``, this also works if no end can be reached from some states.
    """
    states = sorted({state for step in counts for state in step} | {START, CONVERSION, NULL})
    chances = np.zeros((len(states), len(states)))
    for (before, after), count in counts.items():
        chances[states.index(before), states.index(after)] += float(count)
    for place in range(len(states)):
        if not chances[place].any():
            chances[place, place] = 1
    for _ in range(60):
        chances /= chances.sum(axis=1, keepdims=True)
        chances = chances @ chances
    return float(chances[states.index(START), states.index(CONVERSION)])


# Shapley -------------------------------------------------------------------------------------------------


def shapley_values(players: list[str], value: Callable[[frozenset[str]], Fraction]) -> dict[str, Fraction]:
    """The Shapley value of each of *players*: what it adds to *value* by joining, as the mean over all permutations."""
    known = cache(value)
    totals = dict.fromkeys(players, Fraction(0))
    orders = list(permutations(players))
    for order in orders:
        before: frozenset[str] = frozenset()
        for player in order:
            after = before | {player}
            totals[player] += known(after) - known(before)
            before = after
    return {player: total / len(orders) for player, total in totals.items()}


def orders_of(sets: dict[str, tuple[int, int]], coalition: frozenset[str]) -> Fraction:
    """The set game: the orders whose touchpoints are all in *coalition*."""
    return Fraction(sum(orders for name, (orders, _) in sets.items() if set(name.split(" > ")) <= coalition))


def rate_of(sets: dict[str, tuple[int, int]], coalition: frozenset[str]) -> Fraction:
    """The conversion-rate game: orders / paths among the paths whose touchpoints are all in *coalition*."""
    inside = [counts for name, counts in sets.items() if set(name.split(" > ")) <= coalition]
    paths = sum(orders + non_conversions for orders, non_conversions in inside)
    return Fraction(sum(orders for orders, _ in inside), paths) if paths else Fraction(0)
