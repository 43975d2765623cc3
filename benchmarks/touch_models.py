"""How fast the touch models are: `python -m benchmarks.touch_models` (needs `uv sync --group compare` for the race).

Here: the estimators of ``pipelines.touch`` on random paths of given sizes, and the command line.
Not here: our tables beside published packages (``benchmarks.touch_race``), jobs of ``make bench``
(``benchmarks.jobs``).
"""

from __future__ import annotations

import argparse
import functools
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import path_counts, touch_race
from benchmarks.shops import LAST_DAY
from pipelines.touch import markov, shapley, tables

_SHARE_OF_BUYERS = 0.2
_PARTS = ("estimators", "profile", "race")


def random_paths(touchpoints: int, count: int, seed: int = 1) -> pl.DataFrame:
    """*count* paths of 4 touches on average: path, orders, non_conversions, person_group. A fifth are orders."""
    random = np.random.default_rng(seed)
    chance = 1 / np.arange(1, touchpoints + 1) ** 0.8
    lengths = random.geometric(0.25, count)
    names = np.array([f"t{number:03}" for number in range(touchpoints)])
    touches = pl.DataFrame(
        {
            "row": np.repeat(np.arange(count), lengths),
            "touchpoint": names[random.choice(touchpoints, lengths.sum(), p=chance / chance.sum())],
        }
    )
    is_order = (random.random(count) < _SHARE_OF_BUYERS).astype(int)
    return (
        touches.group_by("row", maintain_order=True)
        .agg(path=pl.col("touchpoint").str.join(markov.SEPARATOR))
        .select(
            "path",
            orders=pl.Series(is_order),
            non_conversions=pl.Series(1 - is_order),
            person_group=pl.Series(random.integers(0, 64, count)),
        )
    )


def removal_effects(found: pl.DataFrame, order: int) -> int:
    """Compute the removal effects of the paths *found*; returns the number of states."""
    steps = path_counts.transitions(found, order)
    chain = markov.chain_of(steps["from_state"].to_list(), steps["to_state"].to_list())
    markov.removal_effects(chain, steps["paths"].cast(pl.Float64).to_numpy())
    return chain.states


def rate_game(found: pl.DataFrame, game: Callable[..., object]) -> None:
    """Compute the Shapley values of the conversion-rate game of the paths *found*."""
    counted = path_counts.sets(found)
    orders, lost = (counted[name].cast(pl.Float64).to_numpy() for name in ("orders", "non_conversions"))
    game(shapley.sets_of(counted["touchpoints"].to_list()), orders, lost)


def all_effects(found: pl.DataFrame) -> None:
    """Compute the table model_effects of the paths *found*, with its standard errors."""
    by = ["person_group"]
    parts = [
        path_counts.transitions(found, 1, by).with_columns(kind=pl.lit("transition")),
        path_counts.sets(found, by).with_columns(kind=pl.lit("set")),
    ]
    tables.model_effects(
        pl.concat(parts, how="diagonal").with_columns(dt=pl.lit(LAST_DAY), touchpoint_type=pl.lit("channel"))
    )


def estimators() -> Iterator[str]:
    """One line for each estimator: its name, and its seconds and processor seconds, including parsing the paths."""
    small = random_paths(12, 30_000)
    distinct = small.group_by("path", maintain_order=True).agg(pl.col("orders", "non_conversions").sum()).head(10_000)
    jobs: list[tuple[str, Callable[[], object]]] = [
        *(
            (f"removal effects, 12 touchpoints, 10,000 distinct paths, order {order}",
             functools.partial(removal_effects, distinct, order))
            for order in (1, 2, 3)
        ),
        ("removal effects, 500 touchpoints, 100,000 paths",
         functools.partial(removal_effects, random_paths(500, 100_000), 1)),
        ("rate game, 20 touchpoints, exact, 30,000 paths",
         functools.partial(rate_game, random_paths(20, 30_000), shapley.rate_game)),
        ("rate game, 100 touchpoints, sampled, 30,000 paths",
         functools.partial(rate_game, random_paths(100, 30_000), shapley.sampled_rate_game)),
        ("model_effects with standard errors, 12 touchpoints, 30,000 paths", functools.partial(all_effects, small)),
        ("the same, 100 touchpoints", functools.partial(all_effects, random_paths(100, 30_000))),
    ]  # fmt: skip
    for name, job in jobs:
        started, busy = time.perf_counter(), time.process_time()
        job()
        yield f"{name:<68}{time.perf_counter() - started:>8.3f} s{time.process_time() - busy:>8.3f} cpu s"


def main() -> None:
    """Print the lines of all parts, or of those that are named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.touch_models", description=__doc__)
    parser.add_argument("part", nargs="*", choices=_PARTS, default=_PARTS)
    parser.add_argument("--persons", type=int, default=500_000)
    parser.add_argument("--touches", type=int, default=2_000_000)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    if "estimators" in arguments.part:
        for line in estimators():
            print(line, flush=True)
    if {"race", "profile"} & set(arguments.part):
        with tempfile.TemporaryDirectory(prefix="headwater-touch-") as scratch:
            folder = Path(scratch)
            print(touch_race.prepare(folder, arguments.persons, arguments.touches))
            if "profile" in arguments.part:
                for line in touch_race.profile(folder, arguments.runs):
                    print(line, flush=True)
            if "race" in arguments.part:
                for line in touch_race.race(folder, arguments.runs):
                    print(line, flush=True)


if __name__ == "__main__":
    main()
