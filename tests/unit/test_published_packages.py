"""Published packages give the same removal effects and Shapley values as we do, to six decimals.

Skipped without them: ``uv sync --group compare``. docs/measurements.md lists packages whose answers differ, and why.

Here: random paths, computed by us and by the packages.
Not here: plain restatements (``test_removal_effects``, ``test_shapley``).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest

from benchmarks import path_counts
from pipelines.touch import markov, shapley
from tests import reference_effects as plain

coopgt = pytest.importorskip("coopgt.shapley_value", reason="uv sync --group compare")
do_attribution = pytest.importorskip("do_attribution", reason="uv sync --group compare")
mam = pytest.importorskip("mam.core", reason="uv sync --group compare")
shapley_attribution = pytest.importorskip("shapley_attribution_wf", reason="uv sync --group compare")

SIX_DECIMALS = 5e-7
NAMES = ["affiliate", "direct", "email", "organic_search", "paid_search", "paid_social", "referral"]


@pytest.fixture(scope="module", params=[1, 2, 3])
def journeys(request: pytest.FixtureRequest) -> pl.DataFrame:
    """path, orders and non_conversions of 400 random paths; each touchpoint converts differently."""
    random = np.random.default_rng(request.param)
    rows = []
    for _ in range(400):
        path = random.choice(NAMES, min(1 + random.geometric(0.4), 12), p=random.dirichlet(np.ones(len(NAMES))))
        count = int(random.integers(1, 5))
        orders = int(random.binomial(count, 0.1 + 0.08 * NAMES.index(path[-1])))
        rows.append((" > ".join(path), orders, count - orders))
    columns = {"path": pl.String, "orders": pl.Int64, "non_conversions": pl.Int64}
    return pl.DataFrame(rows, schema=columns, orient="row")


def one_by_one(journeys: pl.DataFrame) -> tuple[list[str], list[int]]:
    """The path and the outcome, 1 for an order, of every single path."""
    texts, outcomes = [], []
    for text, orders, lost in journeys.iter_rows():
        texts += [text] * (orders + lost)
        outcomes += [1] * orders + [0] * lost
    return texts, outcomes


def removal_effects(journeys: pl.DataFrame, order: int) -> dict[str, float]:
    steps = path_counts.transitions(journeys, order)
    chain = markov.chain_of(steps["from_state"].to_list(), steps["to_state"].to_list())
    found = markov.removal_effects(chain, steps["paths"].cast(pl.Float64).to_numpy())
    assert found is not None
    return dict(zip(chain.touchpoints, found.tolist(), strict=True))


def marketing_attribution(journeys: pl.DataFrame) -> mam.MAM:
    texts, outcomes = one_by_one(journeys)
    frame = pl.DataFrame({"channels": texts, "converted": [bool(outcome) for outcome in outcomes], "count": 1})
    return mam.MAM(
        frame,
        "grouped_journey",
        channels_colname="channels",
        journey_with_conv_colname="converted",
        occurrences_colname="count",
    )


@pytest.mark.parametrize("order", [1, 2, 3])
def test_do_attribution_has_the_same_removal_effects(journeys: pl.DataFrame, order: int) -> None:
    """The package's first state has *order* touchpoints, ours has one; the effects are the same."""
    model = do_attribution.MarkovAttribution(order=order, removal_strategy="redirect_to_null")
    found = model.fit(*one_by_one(journeys))["removal_effects"]
    assert removal_effects(journeys, order) == pytest.approx(found, abs=SIX_DECIMALS)


def test_marketing_attribution_has_the_same_removal_effects(journeys: pl.DataFrame) -> None:
    found = marketing_attribution(journeys).run_markov().metadata["removal_effect"]["removal_effect"].to_dict()
    assert removal_effects(journeys, 1) == pytest.approx(found, abs=SIX_DECIMALS)


def test_shapley_attribution_shares_orders_as_the_set_game(journeys: pl.DataFrame) -> None:
    texts, outcomes = one_by_one(journeys)
    orders = [text.split(" > ") for text, outcome in zip(texts, outcomes, strict=True) if outcome]
    found = shapley_attribution.SimplifiedShapleyAttributionModel(orders).attribute()
    counted = path_counts.sets(journeys)
    sets = shapley.sets_of(counted["touchpoints"].to_list())
    ours = shapley.set_game(sets, counted["orders"].cast(pl.Float64).to_numpy())
    assert dict(zip(sets.touchpoints, ours.tolist(), strict=True)) == pytest.approx(found, abs=SIX_DECIMALS)


def test_coopgt_has_the_same_shapley_values(journeys: pl.DataFrame) -> None:
    """The package takes any game, so both games are restated for it, with the touchpoints as the numbers 1 to 7."""
    counted = path_counts.sets(journeys)
    by_set = {name: (orders, lost) for name, orders, lost in counted.iter_rows()}
    coalitions = [found for size in range(8) for found in combinations(range(1, 8), size)]
    sets = shapley.sets_of(list(by_set))
    assert sets.touchpoints == NAMES
    orders, lost = (counted[name].cast(pl.Float64).to_numpy() for name in ("orders", "non_conversions"))
    games = (
        (plain.orders_of, shapley.set_game(sets, orders)),
        (plain.rate_of, shapley.rate_game(sets, orders, lost)),
    )
    for value, ours in games:
        game = {found: float(value(by_set, frozenset(NAMES[place - 1] for place in found))) for found in coalitions}
        assert ours == pytest.approx(coopgt.calculate(game), abs=SIX_DECIMALS)
