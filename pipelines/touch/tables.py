"""Touch models as tables: removal effects of every day, and the effects of both models with their standard errors.

Here: the Python steps of the models ``attribution.removal_effects`` and ``attribution.model_effects``, from frame to
frame. Rows are sorted first, because the rounding of a sum depends on the order of its terms: the same rows in another
order give the same bits.
Not here: the estimators (``markov``, ``shapley``, ``resampling``), and the counts (``sql/attribution/``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import csc_array

from pipelines.touch import markov, shapley
from pipelines.touch.markov import Floats
from pipelines.touch.resampling import GROUPS, QUANTILE, draws_for, standard_errors

SMALL_SAMPLE = 30
"""A touchpoint in fewer paths than this has a small sample."""

_KEY = ("dt", "touchpoint_type")
_REMOVAL_EFFECTS = pl.Schema(
    {"dt": pl.Date, "touchpoint_type": pl.String, "touchpoint": pl.String, "removal_effect": pl.Float64}
)
_MODEL_EFFECTS = pl.Schema(
    {
        "dt": pl.Date,
        "touchpoint_type": pl.String,
        "model": pl.String,
        "touchpoint": pl.String,
        "effect": pl.Float64,
        "share": pl.Float64,
        "standard_error": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "orders_touched": pl.Int64,
        "paths": pl.Int64,
        "is_small_sample": pl.Boolean,
    }
)


def removal_effects(transitions: pl.DataFrame) -> pl.DataFrame:
    """The removal effect of each touchpoint, from *transitions* (dt, touchpoint_type, from_state, to_state, paths).

    One row for each dt, touchpoint_type and touchpoint. The effect is null if no path of that dt and touchpoint_type
    converts. Rows whose paths are 0 are ignored.

    Raises:
        ValueError: If paths are negative.
    """
    rows = [_REMOVAL_EFFECTS.to_frame()]
    for key, own in _by_key(transitions.filter(pl.col("paths") != 0), ["from_state", "to_state", "paths"]):
        chain = markov.chain_of(own["from_state"].to_list(), own["to_state"].to_list())
        effects = markov.removal_effects(chain, _floats(own["paths"]))
        rows.append(
            pl.DataFrame(
                {
                    "dt": [key[0]] * len(chain.touchpoints),
                    "touchpoint_type": key[1],
                    "touchpoint": chain.touchpoints,
                    "removal_effect": [None] * len(chain.touchpoints) if effects is None else effects,
                },
                schema=_REMOVAL_EFFECTS,
            )
        )
    return pl.concat(rows)


def model_effects(counts: pl.DataFrame) -> pl.DataFrame:
    """The effect of each touchpoint in the models markov, shapley and shapley_rate, with its standard error.

    *counts* are transitions and paths of one or more dt and touchpoint_type, by group of persons: dt, touchpoint_type,
    kind ('transition' or 'path'), person_group (0 to 63), from_state, to_state and paths of a transition, touchpoints
    (joined by ' > '), orders and non_conversions of a path; null in rows of the other kind.

    The effect is the removal effect (0 to 1) in markov, orders in shapley, points of the conversion rate in
    shapley_rate; it is null if there is no order. share is the effect's part of the sum of effects. low and high are an
    interval of 95 %. The standard error is that of the bootstrap over persons; in shapley_rate with more than 20
    touchpoints, where a draw would be too expensive, it is only that of the sampling of permutations.

    Raises:
        ValueError: If paths are negative.
    """
    rows = [_MODEL_EFFECTS.to_frame()]
    sort = ["kind", "person_group", "from_state", "to_state", "touchpoints", "orders", "non_conversions", "paths"]
    for key, own in _by_key(counts, sort):
        sets = _sets(own.filter(kind="path"))
        found = [_markov(own.filter(kind="transition")), *_shapley(sets)]
        effects = pl.concat([each.frame() for each in found])
        rows.append(
            effects.join(_sample(sets), on="touchpoint", how="left")
            .with_columns(
                pl.lit(key[0], pl.Date).alias("dt"),
                pl.lit(key[1], pl.String).alias("touchpoint_type"),
                pl.col("orders_touched", "paths").fill_null(0),
            )
            .with_columns(is_small_sample=pl.col("paths") < SMALL_SAMPLE)
            .select(_MODEL_EFFECTS.names())
            .cast(_MODEL_EFFECTS)
        )
    return pl.concat(rows).sort("dt", "touchpoint_type", "model", "touchpoint")


def _by_key(frame: pl.DataFrame, sort: list[str]) -> Iterator[tuple[tuple[object, ...], pl.DataFrame]]:
    """The rows of each (dt, touchpoint_type), sorted."""
    ordered = frame.sort(*_KEY, *sort, nulls_last=True)
    return ((key, own) for key, own in ordered.group_by(_KEY, maintain_order=True))


def _floats(column: pl.Series) -> Floats:
    return column.cast(pl.Float64).to_numpy()


@dataclass(frozen=True)
class _Effects:
    """The effects of a model; *low_end* and *high_end* are the ends of the scale, beyond which no interval reaches."""

    model: str
    touchpoints: list[str]
    effects: Floats | None
    standard_errors: Floats | None
    low_end: float = -np.inf
    high_end: float = np.inf

    def frame(self) -> pl.DataFrame:
        """model, touchpoint, effect, share, standard_error, low, high."""
        nothing = np.full(len(self.touchpoints), np.nan)
        effects = nothing if self.effects is None else self.effects
        errors = nothing if self.standard_errors is None or self.effects is None else self.standard_errors
        total = effects.sum()
        columns = {
            "effect": effects,
            "share": effects / total if total > 0 else nothing,
            "standard_error": errors,
            "low": np.maximum(effects - QUANTILE * errors, self.low_end),
            "high": np.minimum(effects + QUANTILE * errors, self.high_end),
        }
        return pl.DataFrame(
            {"touchpoint": self.touchpoints, **columns}, schema_overrides={"touchpoint": pl.String}
        ).select(pl.lit(self.model).alias("model"), "touchpoint", pl.col(*columns).fill_nan(None))


def _grouped(rows: pl.DataFrame, key: list[str], column: str) -> csc_array:
    """(keys, GROUPS) The sums of *column*; the keys are in the order of ``rows.select(key).unique().sort(key)``."""
    place = rows.select(pl.struct(key).rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()
    keys = int(place.max()) + 1 if len(place) else 0
    return csc_array((_floats(rows[column]), (place, rows["person_group"].to_numpy())), shape=(keys, GROUPS))


def _markov(transitions: pl.DataFrame) -> _Effects:
    key = ["from_state", "to_state"]
    distinct = transitions.select(key).unique().sort(key)
    by_group = _grouped(transitions, key, "paths")
    total = by_group @ np.ones(GROUPS)
    used = total != 0
    chain = markov.chain_of(*(distinct.filter(used)[name].to_list() for name in key))
    by_group = by_group.tocsr()[used]
    errors = standard_errors(
        lambda weights: (markov.removal_effects(chain, by_group @ weight) for weight in weights),
        draws_for(chain.states),
    )
    return _Effects("markov", chain.touchpoints, markov.removal_effects(chain, total[used]), errors, 0, 1)


def _shapley(rows: pl.DataFrame) -> list[_Effects]:
    """The effects of the set game, and of the conversion-rate game."""
    distinct = rows["touchpoints"].unique().sort()
    by_group = [_grouped(rows, ["touchpoints"], name).tocsr() for name in ("orders", "non_conversions")]
    orders, non_conversions = (counts @ np.ones(GROUPS) for counts in by_group)
    used = orders + non_conversions != 0
    sets = shapley.sets_of(distinct.filter(used).to_list())
    won, lost = (counts[used] for counts in by_group)
    orders, non_conversions = orders[used], non_conversions[used]
    if not orders.any():
        return [_Effects(model, sets.touchpoints, None, None) for model in ("shapley", "shapley_rate")]
    by_sets = _Effects(
        "shapley",
        sets.touchpoints,
        shapley.set_game(sets, orders),
        standard_errors(lambda weights: (shapley.set_game(sets, won @ weight) for weight in weights)),
        low_end=0,
    )
    by_rate: tuple[Floats, Floats | None]
    if len(sets.touchpoints) > shapley.MOST_EXACT:
        by_rate = shapley.sampled_rate_game(sets, orders, non_conversions)
    else:
        by_rate = (
            shapley.rate_game(sets, orders, non_conversions),
            standard_errors(lambda weights: shapley.rate_games(sets, won @ weights.T, lost @ weights.T).T),
        )
    return [by_sets, _Effects("shapley_rate", sets.touchpoints, *by_rate)]


def _sets(paths: pl.DataFrame) -> pl.DataFrame:
    """*paths* with the column touchpoints replaced by the distinct touchpoints of each path, sorted."""
    distinct = pl.col("touchpoints").str.split(markov.SEPARATOR).list.unique().list.sort().list.join(markov.SEPARATOR)
    return paths.with_columns(distinct)


def _sample(sets: pl.DataFrame) -> pl.DataFrame:
    """For each touchpoint the number of orders and of paths that contain it: touchpoint, orders_touched, paths."""
    return (
        sets.select(pl.col("touchpoints").str.split(markov.SEPARATOR).alias("touchpoint"), "orders", "non_conversions")
        .explode("touchpoint")
        .group_by("touchpoint")
        .agg(
            orders_touched=pl.col("orders").sum(),
            paths=pl.col("orders").sum() + pl.col("non_conversions").sum(),
        )
    )
