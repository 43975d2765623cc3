"""How fast the touch models are: `python -m benchmarks.touch_models` (needs `uv sync --group compare` for the race).

Here: the estimators of ``pipelines.touch`` on random paths of given sizes; and a race: the touches of a day, from
Parquet to the credit of every model, once by our tables and once by published packages, with the same answers.
Not here: jobs of ``make bench`` (``benchmarks.jobs``).
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import functools
import importlib
import io
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import path_counts
from benchmarks.measure import Job, Run, run_in_new_process
from benchmarks.shops import LAST_DAY
from pipelines.compute.run import DirectEngine
from pipelines.home.files import temporary_for
from pipelines.home.folder import Home, find_home, init_home
from pipelines.home.settings import load_settings
from pipelines.lake.duck import literal, session
from pipelines.lake.partitions import DaySpan, Lake, PartitionKey, copy_to
from pipelines.simulator import simulate
from pipelines.touch import markov, shapley, tables

_VERSION = "made up"
_CHANNELS = 12
_SHARE_OF_BUYERS = 0.2
_CREDITS = [
    "core.paid_orders",
    *(f"attribution.{name}" for name in ("order_touches", "paths", "touch_path_daily", "touch_transitions")),
    *(f"attribution.{name}" for name in ("removal_effects", "touch_credits", "model_daily")),
]
_EFFECTS = ["attribution.model_effects"]
_PACKAGES = ("first_click", "last_click", "linear", "position_based", "time_decay", "markov")
_OUR_NAMES = {"first_click": "first", "last_click": "last"}


# The estimators ------------------------------------------------------------------------------------------


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
    """One line for each estimator: what, and seconds and processor seconds from the texts of paths to the result."""
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


# The race ------------------------------------------------------------------------------------------------


def touches_of(persons: int, touches: int, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """*touches* touches of *persons* on LAST_DAY, and their orders; both have person_id.

    A fifth of the persons order once, a second after one of their touches; later touches are in a path without order.
    """
    random = np.random.default_rng(seed)
    person = np.concatenate([np.arange(persons), random.integers(0, persons, touches - persons)])
    second = random.permutation(12 * 3600 * 50)[:touches] // 50 * 2  # even; two touches of a person may be at one time
    begin = dt.datetime.combine(LAST_DAY, dt.time())
    found = pl.DataFrame(
        {
            "person": person,
            "touchpoint": np.array([f"channel_{number:02}" for number in range(_CHANNELS)])[
                np.minimum(random.geometric(0.2, touches) - 1, _CHANNELS - 1)
            ],
            "second": second,
        }
    ).unique(["person", "second"], keep="first", maintain_order=True)
    found = found.select(
        person_id=pl.format("u{}", "person"),
        touch_event_id=pl.format("e{}", pl.int_range(pl.len())),
        touchpoint="touchpoint",
        occurred_at=pl.lit(begin) + pl.duration(seconds="second"),
    )
    bought = found.group_by("person_id", maintain_order=True).first()
    bought = bought.filter(pl.Series(random.random(bought.height) < _SHARE_OF_BUYERS))
    orders = bought.select(
        order_id=pl.format("o{}", pl.int_range(pl.len())),
        person_id="person_id",
        ordered_at=pl.col("occurred_at") + pl.duration(seconds=1),
    )
    return found, orders


_TOUCHES = """
    SELECT
        person_id, touch_event_id, 'channel' AS touchpoint_type, touchpoint, CAST(NULL AS VARCHAR) AS campaign,
        occurred_at
    FROM read_parquet({touches})
"""
_ORDER_LINES = """
    SELECT
        order_id, CAST(1 AS INTEGER) AS line_no, person_id AS user_id, 'A' AS sku, 'A' AS product_id,
        CAST(1 AS INTEGER) AS quantity, CAST(100 AS DECIMAL(18, 4)) AS revenue, CAST(0 AS DECIMAL(18, 4)) AS refunded,
        CAST(100 AS DECIMAL(18, 4)) AS net_revenue, CAST(50 AS DECIMAL(18, 4)) AS cost,
        CAST(50 AS DECIMAL(18, 4)) AS margin, ordered_at, ordered_at AS paid_at
    FROM read_parquet({orders})
"""
_MODELS = """
    SELECT model, 'channel' AS touchpoint_type
    FROM unnest(['first', 'last', 'linear', 'position_based', 'time_decay', 'markov', 'shapley']) AS models(model)
"""


def home_of_touches(folder: Path) -> Home:
    """A home in *folder* with the touches and orders of touches.parquet and orders.parquet there, as tables."""
    home, _ = init_home(folder / "home")
    text = home.settings_file.read_text(encoding="utf-8")
    for name, value in (("clock_tolerance_seconds", "0"), ("transform", "[first]"), ("effects_days", "1")):
        text, changed = re.subn(rf"(?m)^(  {name}:) (\[.*\]|\S+)", rf"\1 {value}", text)
        assert changed == 1, name
    home.settings_file.write_text(text, encoding="utf-8")
    # The last day with landed records is the last day that is computed, so land a file on LAST_DAY.
    simulate(home.landing, days=1, devices=100, seed=1, last_day=LAST_DAY, format="parquet")
    engine = DirectEngine(home)
    engine.ingest()
    engine.compute(["core.first_orders", "core.spend"], DaySpan(LAST_DAY, LAST_DAY))
    files = {name: literal(str(folder / f"{name}.parquet")) for name in ("touches", "orders")}
    lake = Lake(home.lake)
    keyed: tuple[tuple[str, PartitionKey, str], ...] = (
        ("attribution.touches", LAST_DAY, _TOUCHES.format(**files)),
        ("core.order_lines", LAST_DAY, _ORDER_LINES.format(**files)),
        ("attribution.touch_models", None, _MODELS),
    )
    with session(home, load_settings(home)) as connection:
        for table, key, query in keyed:
            temporary = temporary_for(lake.file(table, key))
            temporary.parent.mkdir(parents=True, exist_ok=True)
            copy_to(connection, query, temporary, _VERSION)
            lake.publish(table, {key: (temporary, _VERSION)})
    return home


def credit(folder: Path) -> None:
    """Compute paths and the credit of seven models, with the tables' checks, and publish them."""
    _compute(folder, _CREDITS)


def credit_and_effects(folder: Path) -> None:
    """Compute paths and credit as above, and the effects of three models with their standard errors."""
    _compute(folder, [*_CREDITS, *_EFFECTS])


def _compute(folder: Path, names: list[str]) -> None:
    result = DirectEngine(find_home(folder / "home")).compute(names, DaySpan(LAST_DAY, LAST_DAY))
    failed = [check.describe() for check in result.checks.values() if not check.passed]
    if failed:
        raise RuntimeError("; ".join(failed))


def packages(folder: Path) -> None:
    """Credit of the same paths by marketing-attribution-models, and of the set game by shapley-attribution-wf.

    They take touches with journeys, so the window join and the transform ``first`` are done for them, in Polars.
    """
    mam = importlib.import_module("mam.core")
    shares = importlib.import_module("shapley_attribution_wf")
    touches, orders = (pl.read_parquet(folder / f"{name}.parquet") for name in ("touches", "orders"))
    joined = touches.join(orders.select("person_id", "ordered_at"), on="person_id", how="left")
    is_before = pl.col("occurred_at") <= pl.col("ordered_at")
    in_window = pl.col("occurred_at") >= pl.col("ordered_at") - pl.duration(days=30)
    journeys = (
        joined.filter(in_window.fill_null(True))
        .with_columns(is_order=is_before.fill_null(False))
        .with_columns(journey=pl.format("{} {}", "person_id", "is_order"))
        .sort("journey", "occurred_at", "touch_event_id")
        .unique(["journey", "touchpoint"], keep="first", maintain_order=True)
    )
    model = mam.MAM(
        journeys,
        "session",
        channels_colname="touchpoint",
        journey_with_conv_colname="is_order",
        datetime_colname="occurred_at",
        user_id_colname="journey",
    )
    found = {}
    for name in _PACKAGES:
        total = getattr(model, f"run_{name}")().to_polars().rename({"attribution": "conversions"})
        found[_OUR_NAMES.get(name, name)] = dict(total.select(pl.col("channels").cast(pl.String), "conversions").rows())
    converting = model.unified_df.filter("has_conversion")["channels"].to_list()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):  # it prints its progress
        found["shapley"] = shares.SimplifiedShapleyAttributionModel(converting).attribute()
    (folder / "packages.json").write_text(json.dumps(found), encoding="utf-8")


def largest_difference(folder: Path) -> float:
    """The largest difference between our credit of a touchpoint in a model, in orders, and the packages'."""
    theirs = json.loads((folder / "packages.json").read_text(encoding="utf-8"))
    ours = pl.read_parquet(folder / "home/lake/attribution/model_daily/*/*.parquet")
    return max(
        abs(theirs[row["model"]].get(row["touchpoint"], 0) - row["orders"])
        for row in ours.filter(pl.col("touchpoint") != "(unattributed)").to_dicts()
    )


def race(folder: Path, persons: int, touches: int, runs: int) -> Iterator[str]:
    """Lines: seconds, processor seconds and peak memory of each side in turn, and the largest difference."""
    found, orders = touches_of(persons, touches)
    found.write_parquet(folder / "touches.parquet")
    orders.write_parquet(folder / "orders.parquet")
    home_of_touches(folder)
    yield f"{found.height:,} touches of {persons:,} persons, {orders.height:,} orders, {_CHANNELS} channels"
    yield f"{'':<44}{'seconds':>10}{'cpu s':>9}{'peak MB':>10}"
    jobs: tuple[tuple[str, Job], ...] = (
        ("paths, credit of seven models, checks", credit),
        ("the same and effects with standard errors", credit_and_effects),
        ("published packages, seven models", packages),
    )
    for _ in range(runs):
        for name, job in jobs:
            if job is not packages:
                clear(folder)
            yield _line(name, run_in_new_process(job, folder))
    yield f"largest difference of a touchpoint's orders in a model: {largest_difference(folder):.1e}"


def clear(folder: Path) -> None:
    """Remove the computed tables of the home in *folder*, so that they are computed again."""
    lake = Lake(find_home(folder / "home").lake)
    for name in (*_CREDITS, *_EFFECTS):
        lake.remove(name, LAST_DAY)


def _line(name: str, run: Run) -> str:
    return f"{name:<44}{run.seconds:>10.2f}{run.processor_seconds:>9.1f}{run.peak / 1e6:>10,.0f}"


def main() -> None:
    """Print the lines of both parts, or of one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.touch_models", description=__doc__)
    parser.add_argument("part", nargs="*", choices=("estimators", "race"), default=("estimators", "race"))
    parser.add_argument("--persons", type=int, default=500_000)
    parser.add_argument("--touches", type=int, default=2_000_000)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    if "estimators" in arguments.part:
        for line in estimators():
            print(line, flush=True)
    if "race" in arguments.part:
        with tempfile.TemporaryDirectory(prefix="headwater-touch-") as scratch:
            for line in race(Path(scratch), arguments.persons, arguments.touches, arguments.runs):
                print(line, flush=True)


if __name__ == "__main__":
    main()
