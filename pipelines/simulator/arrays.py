"""Small array tools that the simulator's modules share.

Here: random streams, draws, hashes and running values within groups, all over whole numpy arrays.
Not here: anything about shops.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]
AnyArray = npt.NDArray[Any]

NOTHING = -1
"""The code that stands for null."""


def stream(seed: int, stage: int, day: int = 0) -> np.random.Generator:
    """The random stream of one stage on one day: no draw of one stage moves those of another."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, stage, day])))


def draw(rng: np.random.Generator, weights: Floats, size: int) -> Ints:
    """*size* indices into *weights*, each as often as its weight says."""
    cumulative = np.cumsum(weights)
    drawn: Ints = np.searchsorted(cumulative, rng.random(size) * cumulative[-1], side="right")
    return drawn


def mix64(values: AnyArray) -> npt.NDArray[np.uint64]:
    """A bijective hash of 64-bit integers (the finalizer of splitmix64), so distinct values stay distinct."""
    z = values.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def sum_before(groups: Ints, values: Ints) -> Ints:
    """For each row the sum of *values* over the earlier rows of its group; *groups* is sorted."""
    before = np.cumsum(values) - values
    first = np.flatnonzero(np.diff(groups, prepend=groups[:1] - 1))
    lengths = np.diff(np.append(first, len(groups)))
    return before - np.repeat(before[first], lengths)


def running_max(groups: Ints, values: Ints) -> Ints:
    """For each row the largest of *values* up to it within its group; *groups* is sorted, from 0."""
    if not len(values):
        return values
    # Lifting each group above all earlier ones turns one running maximum into one a group.
    lift = groups * (int(values.max()) - int(values.min()) + 1)
    return np.maximum.accumulate(values + lift) - lift


def labels(names: Sequence[str | None] | pl.Series, codes: AnyArray) -> pl.Series:
    """The names that *codes* point to, null where a code is NOTHING."""
    with_null = pl.concat([pl.Series(names, dtype=pl.String), pl.Series([None], dtype=pl.String)])
    return with_null.gather(np.where(codes < 0, len(with_null) - 1, codes))
