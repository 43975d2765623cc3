"""Shapley values of both games equal the mean over all permutations of the touchpoints.

The errors of sampled values are as large as their stated standard error.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.touch import shapley
from pipelines.touch.markov import Floats
from tests import reference_effects as plain
from tests.golden.effect_cases import RATE_GAME, SET_GAME, EffectCase

pytestmark = pytest.mark.filterwarnings("error")

Paths = list[tuple[tuple[str, ...], int, int]]
PATHS = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abcde"), min_size=1, max_size=6).map(tuple), st.integers(0, 4), st.integers(0, 4)
    ),
    min_size=1,
    max_size=12,
)
SEVEN: Paths = [
    (("a", "b", "c", "d", "e", "f", "g"), 5, 1),
    *((("g", letter), 2, number) for number, letter in enumerate("abcdef")),
    *(((letter,), number, 3) for number, letter in enumerate("bdfg")),
]


def arrays(paths: Paths) -> tuple[shapley.Sets, Floats, Floats]:
    found = plain.sets_of(paths)
    orders, non_conversions = np.array(list(found.values()), dtype=float).reshape(-1, 2).T
    return shapley.sets_of(list(found)), orders, non_conversions


def set_game(paths: Paths) -> dict[str, float]:
    sets, orders, _ = arrays(paths)
    return dict(zip(sets.touchpoints, shapley.set_game(sets, orders).tolist(), strict=True))


def rate_game(paths: Paths) -> dict[str, float]:
    sets, orders, non_conversions = arrays(paths)
    return dict(zip(sets.touchpoints, shapley.rate_game(sets, orders, non_conversions).tolist(), strict=True))


def by_all_orders(
    paths: Paths, value: Callable[[dict[str, tuple[int, int]], frozenset[str]], Fraction]
) -> dict[str, Fraction]:
    sets = plain.sets_of(paths)
    players = sorted({name for path, _, _ in paths for name in path})
    return plain.shapley_values(players, lambda coalition: value(sets, coalition))


@pytest.mark.parametrize("case", SET_GAME, ids=[case.why for case in SET_GAME])
def test_worked_examples_of_the_set_game(case: EffectCase) -> None:
    assert by_all_orders(case.paths, plain.orders_of) == case.effects
    assert set_game(case.paths) == pytest.approx({name: float(effect) for name, effect in case.effects.items()})


@pytest.mark.parametrize("case", RATE_GAME, ids=[case.why for case in RATE_GAME])
def test_worked_examples_of_the_rate_game(case: EffectCase) -> None:
    assert by_all_orders(case.paths, plain.rate_of) == case.effects
    assert rate_game(case.paths) == pytest.approx({name: float(effect) for name, effect in case.effects.items()})


@settings(max_examples=50)
@given(PATHS)
@example(SEVEN)
def test_values_are_means_over_all_orders_of_joining(paths: Paths) -> None:
    for found, value in ((set_game, plain.orders_of), (rate_game, plain.rate_of)):
        expected = {name: float(effect) for name, effect in by_all_orders(paths, value).items()}
        assert found(paths) == pytest.approx(expected, abs=1e-12)


def random_sets(players: int, count: int, seed: int) -> tuple[shapley.Sets, Floats, Floats]:
    """*count* sets of 1 to 5 of *players* touchpoints; some touchpoints convert better than others."""
    random = np.random.default_rng(seed)
    chosen = [random.choice(players, random.integers(1, 6), replace=False) for _ in range(count)]
    sets = shapley.sets_of([" > ".join(f"t{number:03}" for number in numbers) for numbers in chosen])
    paths = random.integers(1, 200, count)
    orders = random.binomial(paths, [0.02 + 0.2 * numbers.mean() / players for numbers in chosen])
    return sets, orders.astype(float), (paths - orders).astype(float)


@pytest.mark.parametrize("players", [1, 2, 13, 20])
def test_values_sum_to_the_rate_of_all_paths(players: int) -> None:
    sets, orders, non_conversions = (
        random_sets(players, 300, seed=players)
        if players > 4
        else arrays([(("a", "b")[:players], 3, 4), (("a",), 1, 5)])
    )
    rate = orders.sum() / (orders + non_conversions).sum()
    assert shapley.rate_game(sets, orders, non_conversions).sum() == pytest.approx(rate, rel=1e-12)
    assert shapley.sampled_rate_game(sets, orders, non_conversions)[0].sum() == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize("players", [5, 13, 17])
def test_many_games_at_a_time_equal_each_game(players: int) -> None:
    """Games that are computed together have the values of each game by itself.

    In a third of the games two thirds of the sets have no path, so some touchpoints are absent; one game has no path at
    all. With 13 touchpoints the program computes several games at a time, with 17 only one.
    """
    sets, orders, non_conversions = random_sets(players, 12, seed=players)
    weights = np.random.default_rng(1).integers(1, 4, (len(orders), 21)).astype(float)
    weights[4:, ::3] = 0
    weights[:, 7] = 0
    found = shapley.rate_games(sets, orders[:, None] * weights, non_conversions[:, None] * weights)
    for number, weight in enumerate(weights.T):
        used = weight > 0
        members = np.split(sets.members, sets.starts[1:])
        texts = [" > ".join(sets.touchpoints[place] for place in own) for own in members]
        present = shapley.sets_of([text for text, is_used in zip(texts, used, strict=True) if is_used])
        own = shapley.rate_game(present, (orders * weight)[used], (non_conversions * weight)[used])
        expected = dict.fromkeys(sets.touchpoints, 0.0) | dict(zip(present.touchpoints, own.tolist(), strict=True))
        assert found[:, number] == pytest.approx(list(expected.values()), abs=1e-12)


def test_sampling_errs_as_much_as_it_says() -> None:
    """Over twenty seeds, the errors divided by the stated standard error have a mean square of about 1."""
    sets, orders, non_conversions = random_sets(12, 400, seed=3)
    exact = shapley.rate_game(sets, orders, non_conversions)
    errors = []
    for seed in range(20):
        found, stated = shapley.sampled_rate_game(sets, orders, non_conversions, circles=100, seed=seed)
        errors.append((found - exact) / stated)
    assert np.mean(np.square(errors)) == pytest.approx(1, abs=0.25)


def test_a_circle_gives_the_mean_over_its_orders() -> None:
    """The expected value is the mean over permutations that follow the circle from any start, in both directions."""
    sets, orders, non_conversions = random_sets(9, 60, seed=8)
    place = np.random.default_rng(1).permutation(9)
    circle = np.argsort(place).tolist()
    by_set = dict(zip(range(len(sets.sizes)), zip(orders, non_conversions, strict=True), strict=True))
    members = np.split(sets.members, sets.starts[1:])

    def rate(joined: list[int]) -> float:
        inside = [by_set[number] for number, own in enumerate(members) if set(own.tolist()) <= set(joined)]
        paths = sum(won + lost for won, lost in inside)
        return float(sum(won for won, _ in inside) / paths) if paths else 0.0

    expected = np.zeros(9)
    for turn in range(9):
        for order in (circle[turn:] + circle[:turn], (circle[turn:] + circle[:turn])[::-1]):
            for number, player in enumerate(order):
                expected[player] += (rate(order[: number + 1]) - rate(order[:number])) / 18
    rates = shapley._arc_rates(sets, place, orders, non_conversions)
    np.testing.assert_allclose(shapley._gains(rates)[place], expected, atol=1e-12)


def test_more_than_twenty_touchpoints_are_not_enumerated() -> None:
    sets, orders, non_conversions = random_sets(30, 200, seed=5)
    with pytest.raises(ValueError, match="30 touchpoints; all sets are enumerated for at most 20"):
        shapley.rate_game(sets, orders, non_conversions)


def test_without_paths_nobody_gets_anything() -> None:
    sets = shapley.sets_of([])
    none = np.zeros(0)
    assert shapley.set_game(sets, none).tolist() == []
    assert shapley.rate_game(sets, none, none).tolist() == []
    assert [part.tolist() for part in shapley.sampled_rate_game(sets, none, none)] == [[], []]
