"""The touch models by published packages: needs `uv sync --group compare`.

Here: the credit of each channel in seven models from the touches and orders of ``benchmarks.touch_race``, by
marketing-attribution-models, and the Shapley values of the set game by shapley-attribution-wf. This module imports the
packages when it is imported itself, so that neither their import nor ours is measured.
Not here: our tables, and comparing the answers (``benchmarks.touch_race``).
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from pathlib import Path
from typing import Any

import polars as pl

_mam = importlib.import_module("mam.core")
_shares = importlib.import_module("shapley_attribution_wf")

_RULES = ("first_click", "last_click", "linear", "position_based", "time_decay")
_OUR_NAMES = {"first_click": "first", "last_click": "last"}


def as_documented(folder: Path) -> None:
    """Compute all models with one object for all journeys, as in the package's documentation."""
    model = _of(_journeys(folder))
    _write(folder, {name: _credit(model, name) for name in (*_RULES, "markov")} | {"shapley": _set_game(model)})


def at_their_best(folder: Path) -> None:
    """Compute the same credit faster: markov gets all journeys, the other models only those with an order."""
    journeys = _journeys(folder)
    buying = _of(journeys.filter("is_order"))
    found = {name: _credit(buying, name) for name in _RULES}
    _write(folder, found | {"markov": _credit(_of(journeys), "markov"), "shapley": _set_game(buying)})


def _journeys(folder: Path) -> pl.DataFrame:
    """The touches with their journeys, after the window and the transform ``first``, which the packages lack."""
    touches, orders = (pl.read_parquet(folder / f"{name}.parquet") for name in ("touches", "orders"))
    joined = touches.join(orders.select("person_id", "ordered_at"), on="person_id", how="left")
    is_before = pl.col("occurred_at") <= pl.col("ordered_at")
    in_window = pl.col("occurred_at") >= pl.col("ordered_at") - pl.duration(days=30)
    return (
        joined.filter(in_window.fill_null(True))
        .with_columns(is_order=is_before.fill_null(False))
        .with_columns(journey=pl.format("{} {}", "person_id", "is_order"))
        .sort("journey", "occurred_at", "touch_event_id")
        .unique(["journey", "touchpoint"], keep="first", maintain_order=True)
    )


def _of(journeys: pl.DataFrame) -> Any:
    return _mam.MAM(
        journeys,
        "session",
        channels_colname="touchpoint",
        journey_with_conv_colname="is_order",
        datetime_colname="occurred_at",
        user_id_colname="journey",
    )


def _credit(model: Any, name: str) -> dict[str, float]:
    total = getattr(model, f"run_{name}")().to_polars().rename({"attribution": "conversions"})
    return dict(total.select(pl.col("channels").cast(pl.String), "conversions").rows())


def _set_game(model: Any) -> dict[str, float]:
    converting = model.unified_df.filter("has_conversion")["channels"].to_list()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):  # hide its progress
        found: dict[str, float] = _shares.SimplifiedShapleyAttributionModel(converting).attribute()
    return found


def _write(folder: Path, found: dict[str, dict[str, float]]) -> None:
    ours = {_OUR_NAMES.get(name, name): credit for name, credit in found.items()}
    (folder / "packages.json").write_text(json.dumps(ours), encoding="utf-8")
