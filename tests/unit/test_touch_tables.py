"""The Python steps of removal_effects and model_effects: rows, nulls, and standard errors.

The steps draw groups of persons, and their standard errors must be like those of drawing single persons.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from benchmarks import path_counts
from pipelines.touch import markov, shapley
from pipelines.touch.markov import Floats
from pipelines.touch.resampling import GROUPS, draws_for, standard_errors
from pipelines.touch.tables import model_effects, removal_effects

pytestmark = pytest.mark.filterwarnings("error")

DAY = dt.date(2026, 3, 31)
KEY = ["dt", "touchpoint_type"]


def journeys(rows: Sequence[tuple[str, int, int]], group: int = 0, kind: str = "channel") -> pl.DataFrame:
    """Paths (text, orders, non-conversions) of one group of persons."""
    frame = pl.DataFrame(
        rows, schema={"path": pl.String, "orders": pl.Int64, "non_conversions": pl.Int64}, orient="row"
    )
    return frame.with_columns(dt=pl.lit(DAY), touchpoint_type=pl.lit(kind), person_group=pl.lit(group, pl.Int64))


def counts_of(found: pl.DataFrame) -> pl.DataFrame:
    """The input of ``model_effects``: the transitions and sets of the paths *found*."""
    by = [*KEY, "person_group"]
    parts = [
        path_counts.transitions(found, 1, by).with_columns(kind=pl.lit("transition")),
        path_counts.sets(found, by).with_columns(kind=pl.lit("path")),
    ]
    return pl.concat(parts, how="diagonal")


def effects_of(found: pl.DataFrame, model: str) -> dict[str, float | None]:
    own = found.filter(model=model)
    return dict(zip(own["touchpoint"], own["effect"], strict=True))


MIXED = pl.concat([journeys([("a > b", 3, 4), ("a", 2, 6), ("b > c > a", 1, 30)], group) for group in range(5)])


def test_a_table_has_a_row_for_each_day_type_and_touchpoint() -> None:
    other = journeys([("x > y", 1, 1)], kind="entrance")
    earlier = journeys([("a", 1, 0)]).with_columns(dt=pl.lit(dt.date(2026, 3, 30)))
    found = removal_effects(path_counts.transitions(pl.concat([MIXED, other, earlier]), 1, KEY))
    assert found.select(*KEY, "touchpoint").rows() == [
        (dt.date(2026, 3, 30), "channel", "a"),
        (DAY, "channel", "a"),
        (DAY, "channel", "b"),
        (DAY, "channel", "c"),
        (DAY, "entrance", "x"),
        (DAY, "entrance", "y"),
    ]
    assert found["removal_effect"].to_list()[0] == 1
    assert found["removal_effect"].to_list()[-2:] == [1, 1]


def test_both_tables_have_the_same_removal_effects() -> None:
    daily = removal_effects(path_counts.transitions(MIXED, 1, KEY))
    found = model_effects(counts_of(MIXED)).filter(model="markov").select(*daily.columns[:3], removal_effect="effect")
    assert_frame_equal(found, daily, rel_tol=1e-12)


def test_effects_have_shares_and_counts_of_their_paths() -> None:
    found = model_effects(counts_of(MIXED))
    assert found.group_by("model").agg(pl.col("share").sum().round(12)).sort("model").rows() == [
        ("markov", 1.0),
        ("shapley", 1.0),
        ("shapley_rate", 1.0),
    ]
    assert effects_of(found, "shapley") == pytest.approx(
        {"a": 5 * (1.5 + 2 + 1 / 3), "b": 5 * (1.5 + 1 / 3), "c": 5 / 3}
    )
    assert sum(filter(None, effects_of(found, "shapley_rate").values())) == pytest.approx(6 / 46)
    rows = found.filter(model="markov").select("touchpoint", "orders_touched", "paths", "is_small_sample").rows()
    assert rows == [("a", 30, 230, False), ("b", 20, 190, False), ("c", 5, 155, False)]
    low, effect, high = found.select("low", "effect", "high").to_numpy().T
    assert np.all((low <= effect) & (effect <= high))
    assert found.filter(model="markov")["high"].max() <= 1  # type: ignore[operator]
    assert found["standard_error"].null_count() == 0


def test_fewer_than_thirty_paths_are_a_small_sample() -> None:
    found = model_effects(counts_of(journeys([("a", 9, 20), ("b", 10, 20)]))).filter(model="shapley")
    assert found.select("touchpoint", "paths", "is_small_sample").rows() == [("a", 29, True), ("b", 30, False)]


def test_without_an_order_effects_are_null() -> None:
    lost = journeys([("a > b", 0, 4), ("b", 0, 1)])
    assert removal_effects(path_counts.transitions(lost, 1, KEY))["removal_effect"].to_list() == [None, None]
    found = model_effects(counts_of(lost))
    assert found.select("model", "touchpoint", "paths").rows() == [
        (model, name, number)
        for model in ("markov", "shapley", "shapley_rate")
        for name, number in (("a", 4), ("b", 5))
    ]
    for name in ("effect", "share", "standard_error", "low", "high"):
        assert found[name].to_list() == [None] * 6


def test_paths_that_were_taken_back_do_not_count() -> None:
    """A path counted on one day and taken back on another sums to 0: its touchpoints are not in the table."""
    counts = counts_of(pl.concat([MIXED, journeys([("gone", 0, 2)], 7)]))
    taken_back = counts_of(journeys([("gone", 0, 2)], 7)).with_columns(-pl.col("paths"), -pl.col("non_conversions"))
    both = pl.concat([counts, taken_back], how="diagonal")
    assert_frame_equal(model_effects(both), model_effects(counts_of(MIXED)))
    daily = both.filter(kind="transition").group_by(*KEY, "from_state", "to_state").agg(pl.col("paths").sum())
    assert_frame_equal(removal_effects(daily), removal_effects(path_counts.transitions(MIXED, 1, KEY)))


def test_empty_input_gives_the_table_without_rows() -> None:
    for step, whole in ((removal_effects, path_counts.transitions(MIXED, 1, KEY)), (model_effects, counts_of(MIXED))):
        found = step(whole.clear())
        assert found.is_empty()
        assert found.schema == step(whole).schema


@settings(max_examples=8)
@given(st.integers(0, 1000))
def test_the_order_of_rows_does_not_change_a_bit(seed: int) -> None:
    counts = counts_of(MIXED)
    assert model_effects(counts.sample(fraction=1, shuffle=True, seed=seed)).equals(model_effects(counts))
    steps = path_counts.transitions(MIXED, 1, KEY)
    assert removal_effects(steps.sample(fraction=1, shuffle=True, seed=seed)).equals(removal_effects(steps))


def test_above_twenty_touchpoints_rates_are_sampled() -> None:
    random = np.random.default_rng(1)
    names = [f"t{number:02}" for number in range(25)]
    rows = [(" > ".join(random.choice(names, 3)), int(number % 3 == 0), int(number % 3 > 0)) for number in range(600)]
    found = model_effects(counts_of(journeys(rows))).filter(model="shapley_rate")
    assert found.height == 25
    assert found["effect"].sum() == pytest.approx(200 / 600)
    assert found["standard_error"].min() > 0  # type: ignore[operator]


# Standard errors -------------------------------------------------------------------------------------------


def shoppers(count: int, seed: int) -> pl.DataFrame:
    """The paths of *count* persons; persons differ in the touchpoints they prefer and in how readily they buy."""
    random = np.random.default_rng(seed)
    rows = []
    for person in range(count):
        liking = random.dirichlet(np.full(6, 0.7))
        readiness = random.beta(1, 4)
        for _ in range(random.integers(1, 5)):
            path = random.choice(list("abcdef"), random.integers(1, 6), p=liking)
            is_order = int(random.random() < readiness)
            rows.append((person, " > ".join(path), is_order, 1 - is_order))
    columns = {"person": pl.Int64, "path": pl.String, "orders": pl.Int64, "non_conversions": pl.Int64}
    group = pl.Series("person_group", random.integers(0, GROUPS, count))
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(
        person_group=group.gather([person for person, *_ in rows]), dt=pl.lit(DAY), touchpoint_type=pl.lit("channel")
    )


def errors_over_persons(found: pl.DataFrame, draws: int) -> dict[str, Floats]:
    """The standard errors of the effects by a bootstrap that draws persons, not groups of persons."""
    random = np.random.default_rng(99)
    persons = found["person"].n_unique()
    numbers = found["person"].to_numpy()
    results: dict[str, list[Floats]] = {"markov": [], "shapley": [], "shapley_rate": []}
    for _ in range(draws):
        weight = random.multinomial(persons, np.full(persons, 1 / persons))[numbers]
        drawn = found.with_columns(pl.col("orders", "non_conversions") * pl.Series(weight))
        steps = path_counts.transitions(drawn)
        chain = markov.chain_of(steps["from_state"].to_list(), steps["to_state"].to_list())
        effects = markov.removal_effects(chain, steps["paths"].cast(pl.Float64).to_numpy())
        assert effects is not None
        counted = path_counts.sets(drawn)
        sets = shapley.sets_of(counted["touchpoints"].to_list())
        orders, lost = (counted[name].cast(pl.Float64).to_numpy() for name in ("orders", "non_conversions"))
        results["markov"].append(effects)
        results["shapley"].append(shapley.set_game(sets, orders))
        results["shapley_rate"].append(shapley.rate_game(sets, orders, lost))
    return {model: np.std(rows, axis=0, ddof=1) for model, rows in results.items()}


def test_standard_errors_are_those_of_drawing_persons() -> None:
    found = shoppers(2000, seed=4)
    by_groups = model_effects(counts_of(found))
    for model, expected in errors_over_persons(found, draws=100).items():
        ratio = by_groups.filter(model=model)["standard_error"].to_numpy() / expected
        assert ratio == pytest.approx(np.ones(6), abs=0.35)
        assert ratio.mean() == pytest.approx(1, abs=0.15), model


def test_a_sum_over_groups_has_the_error_of_the_formula() -> None:
    """The standard error of a sum of 64 independent numbers is √(64 · their variance)."""
    amounts = np.random.default_rng(2).gamma(2, size=GROUPS)
    found = standard_errors(lambda weights: (weights @ amounts)[:, None], draws=4000)
    assert found == pytest.approx([np.sqrt(GROUPS * amounts.var(ddof=1))], rel=0.05)


def test_fewer_than_two_results_have_no_standard_error() -> None:
    assert standard_errors(lambda weights: [None] * len(weights)) is None


def test_large_chains_have_fewer_draws() -> None:
    assert [draws_for(states) for states in (1, 600, 601, 5000, 5001)] == [100, 100, 20, 20, 0]
