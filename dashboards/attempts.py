"""Attempts at a funnel: how far each person came, by the definition of the funnel page.

An attempt of a person begins with an event of step 1. Step k of the attempt is the first event of step k at or after
its step k − 1; it counts only if it lies within the window that begins at step 1. Of each person only the attempt that
got furthest counts; if several got equally far, the last of them.
Here: finding these attempts.
Not here: reading the events (``dashboards/queries/funnel.sql``), the page (``dashboards.app.pages.funnel``).
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
from numpy.typing import NDArray


def attempts(hits: pl.DataFrame, steps: int, last: dt.date, window: dt.timedelta | str) -> pl.DataFrame:
    """The attempt of each person who did step 1 up to the day *last*.

    Args:
        hits: The events: person_id, dt, at (time), step_no (from 1), entrance_id. Of consecutive events of the same
            step, only the first and the last are needed. An event that belongs to two steps has two rows.
        steps: The number of steps.
        last: The last day on which attempts begin; hits on later days only continue them.
        window: The longest time from step 1 to any other step; or a column of *hits*, such as dt, whose value must be
            the same for all steps and never decreases over a person's events.

    Returns:
        person_id; dt, at and entrance_id of step 1; depth, the number of steps done (at least 1); seconds_2,
        seconds_3 …, the seconds from step 1 to each later step, null if it was not done.
    """
    # Sorting integers takes a tenth of the time that sorting the texts of ids does.
    entrances = pl.Enum(hits["entrance_id"].unique().sort())
    rows = hits.with_columns(
        pl.col("person_id").cast(pl.Categorical).to_physical().alias("person"),
        pl.col("entrance_id").cast(entrances).to_physical().alias("entrance_no"),
    ).sort("person", "at", "step_no", "entrance_no")
    if rows.is_empty():
        return _found(rows, np.array([], int), np.array([], int), [np.array([], int)] * (steps - 1))
    people, at = (rows[name].to_physical().to_numpy() for name in ("person", "at"))
    common = rows[window].to_physical().to_numpy() if isinstance(window, str) else at
    step_no, places = rows["step_no"].to_numpy(), np.arange(len(rows))
    first_places = np.flatnonzero(np.diff(people, prepend=-1.0))
    first_place = np.repeat(first_places, np.diff(first_places, append=len(rows)))

    # reached[k - 1] has a value for each row: the index of the attempt's step 1 if the row completes step k, else -1.
    # Of the attempts that are at step k - 1, only the one that began last matters, because its window ends last too.
    reached = [np.where((step_no == 1) & (rows["dt"] <= last).to_numpy(), places, -1)]
    for step in range(2, steps + 1):
        latest = np.maximum.accumulate(reached[-1])
        is_open = (step_no == step) & (latest >= first_place)
        is_in_time = (
            common == common[latest]
            if isinstance(window, str)
            else at - at[latest] <= window // dt.timedelta(microseconds=1)
        )
        reached.append(np.where(is_open & is_in_time, latest, -1))

    # For each person and step, the last attempt that reached the step; then for each person the one that got furthest.
    furthest = np.stack([np.maximum.reduceat(starts, first_places) for starts in reached])
    depth = (furthest >= 0).sum(axis=0)
    start = furthest[depth - 1, np.arange(len(depth))][depth > 0]
    return _found(rows, start, depth[depth > 0], [_seconds(starts, start, at) for starts in reached[1:]])


def _seconds(starts: NDArray[np.int64], start: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.float64]:
    """The seconds from the beginning of each attempt to one of its steps; NaN if the attempt did not reach the step.

    Args:
        starts: For each row, the index of step 1 of the attempt whose step it completes, else -1.
        start: The index of step 1 of each attempt.
        at: The time of each row, in microseconds.
    """
    never = np.iinfo(np.int64).max
    done = np.full(len(at), never)
    np.minimum.at(done, starts[starts >= 0], at[starts >= 0])
    return np.where(done[start] < never, (done[start] - at[start]) / 1e6, np.nan)


def _found(
    rows: pl.DataFrame, start: NDArray[np.int64], depth: NDArray[np.int64], seconds: list[NDArray[np.float64]]
) -> pl.DataFrame:
    return rows.select("person_id", "dt", "at", "entrance_id")[start].with_columns(
        pl.Series("depth", depth, pl.Int64),
        *(
            pl.Series(f"seconds_{number}", values, pl.Float64).fill_nan(None)
            for number, values in enumerate(seconds, start=2)
        ),
    )
