"""Small array tools that the simulator's modules share.

Here: random draws, hashes, texts for integer codes and running values within groups, on numpy arrays.
Not here: anything about shops.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]
AnyArray = npt.NDArray[Any]

NOTHING = -1
"""The code for null."""


def draw(rng: np.random.Generator, weights: Floats, size: int) -> Ints:
    """Draw *size* indices into *weights*, with probabilities in proportion to the weights."""
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
    """For each row the maximum of *values* so far within its group; *groups* is sorted and starts at 0."""
    if not len(values):
        return values
    # Add an offset to each group, so that its values exceed those of all earlier groups. Then one running maximum over
    # the whole array starts anew in each group.
    lift = groups * (int(values.max()) - int(values.min()) + 1)
    return np.maximum.accumulate(values + lift) - lift


def codebook(names: Iterable[str | None]) -> pl.Series:
    """The column with which ``labels`` translates codes: row i is the text of code i. An Enum stores each text once."""
    texts = list(names)
    return pl.Series(texts, dtype=pl.Enum(list(dict.fromkeys(text for text in texts if text is not None))))


def labels(texts: pl.Series, codes: AnyArray) -> pl.Series:
    """The text of each of *codes*, which are row numbers of *texts*; null for the code NOTHING."""
    with_null = texts.extend_constant(None, 1)
    return with_null.gather(np.where(codes < 0, len(texts), codes))


def hexadecimal(values: npt.NDArray[np.uint64]) -> pl.Series:
    """One text for each row of *values*: 16 hexadecimal digits for each of its columns."""
    size, columns = values.shape
    digits = values.astype(">u8").tobytes().hex().encode()
    return pl.Series(np.frombuffer(digits, dtype=f"S{16 * columns}", count=size), dtype=pl.Binary).cast(pl.String)
