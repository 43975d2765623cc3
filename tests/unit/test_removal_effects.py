"""Markov removal effects, computed by one factorisation, equal those of solving the chain without each touchpoint.

This holds for chains whose states are one touchpoint, and for chains of higher order.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import path_counts
from pipelines.touch import markov
from tests import reference_effects as plain
from tests.golden.effect_cases import REMOVAL_EFFECTS, EffectCase

pytestmark = pytest.mark.filterwarnings("error")

Paths = list[tuple[tuple[str, ...], int, int]]


def journeys(touchpoints: str, longest: int = 7) -> st.SearchStrategy[Paths]:
    """Paths over *touchpoints* (one letter each) with their orders and non-conversions, some of them 0."""
    path = st.lists(st.sampled_from(touchpoints), min_size=1, max_size=longest).map(tuple)
    return st.lists(st.tuples(path, st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12)


def effects_of(counts: plain.Counts) -> dict[str, float] | None:
    chain = markov.chain_of([before for before, _ in counts], [after for _, after in counts])
    found = markov.removal_effects(chain, np.array([float(count) for count in counts.values()]))
    return None if found is None else dict(zip(chain.touchpoints, found.tolist(), strict=True))


def frame_of(rows: Paths) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "path": [" > ".join(path) for path, _, _ in rows],
            "orders": [orders for _, orders, _ in rows],
            "non_conversions": [lost for _, _, lost in rows],
        }
    )


@pytest.mark.parametrize("case", REMOVAL_EFFECTS, ids=[case.why for case in REMOVAL_EFFECTS])
def test_worked_examples(case: EffectCase) -> None:
    counts = plain.transitions_of(case.paths, 1)
    assert plain.removal_effects(counts, plain.solved) == case.effects
    assert effects_of(counts) == pytest.approx({name: float(effect) for name, effect in case.effects.items()})


@settings(max_examples=60)
@given(journeys("abcdefgh"))
def test_effects_are_those_of_one_removal_at_a_time(rows: Paths) -> None:
    counts = plain.transitions_of(rows, 1)
    expected = plain.removal_effects(counts, plain.solved) if counts else None
    found = effects_of(counts)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert found == pytest.approx({name: float(effect) for name, effect in expected.items()}, abs=1e-10)


@settings(max_examples=40)
@given(journeys("abc", longest=5), st.sampled_from([2, 3]))
def test_effects_of_longer_memory_are_those_of_removals(rows: Paths, order: int) -> None:
    counts = plain.transitions_of(rows, order)
    expected = plain.removal_effects(counts, plain.solved) if counts else None
    found = effects_of(counts)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert found == pytest.approx({name: float(effect) for name, effect in expected.items()}, abs=1e-10)


STATES = ["a", "b", "c", "a > b", "b > a", "c > a", "b > c"]


@given(
    st.dictionaries(
        st.tuples(st.sampled_from([plain.START, *STATES]), st.sampled_from([*STATES, plain.CONVERSION, plain.NULL])),
        st.sampled_from([0.0, 0.25, 1.0, 2.0, 7.5]),
        min_size=1,
        max_size=30,
    )
)
def test_weights_may_leave_states_without_an_end(weights: dict[tuple[str, str], float]) -> None:
    """With weights of 0, paths may circle for ever or states may be out of reach; both count as not converting."""
    counts = {step: Fraction(weight) for step, weight in weights.items()}
    expected = plain.removal_effects(counts, plain.followed)
    found = effects_of(counts)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert found == pytest.approx(expected, abs=1e-9)


@settings(max_examples=30)
@given(journeys("abcd"), st.sampled_from([1, 2, 3]))
def test_factorising_and_following_paths_agree(rows: Paths, order: int) -> None:
    counts = plain.transitions_of(rows, order)
    factorised = effects_of(counts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markov, "_MOST_FACTORISED", 0)
        patch.setattr(markov, "_AT_A_TIME", 2)
        followed = effects_of(counts)
    assert followed == pytest.approx(factorised, abs=1e-12)


@given(journeys("abcd"), st.sampled_from([1, 2, 3]))
def test_counted_transitions_and_sets_are_those_of_loops(rows: Paths, order: int) -> None:
    frame = frame_of(rows)
    counted = path_counts.transitions(frame, order)
    assert dict(zip(zip(counted["from_state"], counted["to_state"], strict=True), counted["paths"], strict=True)) == (
        plain.transitions_of(rows, order)
    )
    found = {row["touchpoints"]: (row["orders"], row["non_conversions"]) for row in path_counts.sets(frame).to_dicts()}
    assert found == plain.sets_of(rows)


def test_a_touchpoint_on_every_way_to_an_order_has_effect_one() -> None:
    rows: Paths = [(("a", "b"), 5, 2), (("a", "c", "b"), 3, 1), (("d",), 0, 4)]
    found = effects_of(plain.transitions_of(rows, 1))
    assert found is not None
    assert (found["a"], found["b"]) == pytest.approx((1, 1))
    assert found["c"] < 1


def test_no_order_means_no_effect() -> None:
    assert effects_of(plain.transitions_of([(("a", "b"), 0, 5)], 1)) is None
    assert effects_of({}) is None


def test_names_may_contain_anything_but_the_separator() -> None:
    rows: Paths = [(("a>b", " 坑位 1"), 3, 1), (("(none)",), 1, 1)]
    for order in (1, 2):
        found = effects_of(plain.transitions_of(rows, order))
        assert found is not None
        assert sorted(found) == sorted(["a>b", " 坑位 1", "(none)"])


@pytest.mark.parametrize("count", [-1.0, math.nan, math.inf])
def test_impossible_counts_are_refused(count: float) -> None:
    chain = markov.chain_of(["(start)"], ["(conversion)"])
    with pytest.raises(ValueError, match="negative or not finite"):
        markov.removal_effects(chain, np.array([count]))


def test_impossible_transitions_are_refused() -> None:
    for before, after in [(["(null)"], ["a"]), (["(conversion)"], ["a"]), (["a"], ["(start)"])]:
        with pytest.raises(ValueError, match="leaves"):
            markov.chain_of(before, after)
    with pytest.raises(ValueError, match="1 states to leave, but 0 to enter"):
        markov.chain_of(["a"], [])
    with pytest.raises(ValueError, match="counts for 1 transitions"):
        markov.removal_effects(markov.chain_of(["(start)"], ["(null)"]), np.ones(2))
    with pytest.raises(ValueError, match="order 0"):
        path_counts.transitions(frame_of([(("a",), 1, 0)]), 0)


def test_a_chain_whose_paths_hardly_end_is_inverted() -> None:
    others = [f"x{number}" for number in range(1100)]
    chain = markov.chain_of(
        [markov.START, "a", "b", "b", *[markov.START] * 1100, *others],
        ["a", "b", "a", markov.CONVERSION, *others, *[markov.CONVERSION] * 1100],
    )
    effects = markov.removal_effects(chain, np.array([1.0, 1e6, 1e6, 1.0, *[1.0] * 2200]))
    assert effects is not None
    assert effects[:2] == pytest.approx([1 / 1101, 1 / 1101])
