"""Counts transitions and sets of touchpoints in paths that are texts in a frame, for benchmarks and tests.

Here: the same counts as in ``sql/attribution/touch_transitions.sql`` and ``model_effects``, without a lake.
Not here: the models (``pipelines.touch``).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipelines.touch.markov import CONVERSION, NULL, SEPARATOR, START


def transitions(paths: pl.DataFrame, order: int = 1, by: Sequence[str] = ()) -> pl.DataFrame:
    """How often paths go from one state to the next: columns *by*, from_state, to_state, paths; sorted.

    A state consists of the last *order* touchpoints, or of fewer at the beginning of a path. *paths* has path (its
    touchpoints, one or more, joined by ' > '), orders, non_conversions, and the columns *by*.

    Raises:
        ValueError: If *order* is less than 1.
    """
    if order < 1:
        raise ValueError(f"order {order}; a state has at least one touchpoint")
    touchpoints = paths.with_row_index("row").select(
        "row", *by, "orders", "non_conversions", touchpoint=pl.col("path").str.split(SEPARATOR)
    )
    steps = touchpoints.explode("touchpoint")
    back = [pl.col("touchpoint").shift(lag).over("row") for lag in reversed(range(order))]
    steps = steps.with_columns(
        state=pl.concat_str(back, separator=SEPARATOR, ignore_nulls=True),
        count=pl.col("orders") + pl.col("non_conversions"),
    ).with_columns(
        before=pl.col("state").shift().over("row"),
        is_last=pl.int_range(pl.len()).over("row") + 1 == pl.len().over("row"),
    )
    last = steps.filter("is_last")
    counted = [
        steps.select(*by, from_state=pl.col("before").fill_null(START), to_state="state", paths="count"),
        last.select(*by, from_state="state", to_state=pl.lit(CONVERSION), paths="orders"),
        last.select(*by, from_state="state", to_state=pl.lit(NULL), paths="non_conversions"),
    ]
    key = [*by, "from_state", "to_state"]
    return pl.concat(counted).filter(pl.col("paths") != 0).group_by(key).agg(pl.col("paths").sum()).sort(key)


def sets(paths: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """The number of paths with each set of touchpoints, sorted.

    *paths* is as in ``transitions``. Columns: *by*, touchpoints (distinct, sorted, joined by ' > '), orders,
    non_conversions.
    """
    names = pl.col("path").str.split(SEPARATOR).list.unique().list.sort().list.join(SEPARATOR)
    key = [*by, "touchpoints"]
    return paths.with_columns(touchpoints=names).group_by(key).agg(pl.col("orders", "non_conversions").sum()).sort(key)
