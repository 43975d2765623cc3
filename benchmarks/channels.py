"""How close each touch model comes to what channels really cause: `python -m benchmarks.channels`.

Here: simulated shops whose channels have known effects run through the pipeline, and Markdown tables compare each
model's share per channel with the channel's share of the incremental orders.
Not here: what the tables mean (docs/recovery.md), the origins of single sales (``benchmarks.recovery``).
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.recovery import LAST_DAY, compute_sales
from pipelines.home.folder import Home, init_home
from pipelines.simulator import parameters_with, simulate
from pipelines.simulator.channels import CHANNELS, Channel

RULE_MODELS = ("first", "last", "linear", "position_based", "time_decay")
LAST_NON_DIRECT = "last_non_direct"
"""The model ``last`` without direct visits at the end of paths, unless a path has no other visits."""

MODELS = (*RULE_MODELS, LAST_NON_DIRECT, "markov", "shapley", "shapley_rate")
EVEN = "evenly"
"""To compare with: every channel gets the same share."""

TABLES = ("+attribution.model_daily", "+attribution.model_effects")


def _changed(**changes: Mapping[str, Any]) -> tuple[Channel, ...]:
    """The shop's channels after *changes*: name of a channel → its new values."""
    return tuple(replace(channel, **changes.get(channel.name, {})) for channel in CHANNELS)


WORLDS: Mapping[str, tuple[Channel, ...]] = {
    "the shop as it is": CHANNELS,
    "introducers matter": _changed(
        paid_video={"weight": 0.09, "effect": 2.5, "half_life": 10.0, "comes_anyway": 0.0},
        paid_social={"weight": 0.08, "effect": 2.0, "half_life": 10.0, "comes_anyway": 0.0},
        organic_social={"effect": 1.2, "half_life": 10.0},
        organic_search={"effect": 0.0, "comes_anyway": 0.9},
        push={"effect": 0.0, "comes_anyway": 0.9},
        email={"effect": 0.0, "comes_anyway": 0.9},
    ),
    "harvesters dominate": _changed(
        paid_search={"weight": 0.22, "decided": 5.0, "comes_anyway": 0.95},
        display={"weight": 0.15, "decided": 5.0, "comes_anyway": 0.95},
    ),
    "a useless channel everywhere": _changed(push={"weight": 0.5, "effect": 0.0, "comes_anyway": 1.0}),
    "only the visit itself counts": tuple(
        replace(channel, early=1.0, decided=1.0, effect=0.0, comes_anyway=0.95 if channel.name == "direct" else 0.0)
        for channel in CHANNELS
    ),
}
"""Name → channels of a shop."""


def computed(home: Home, channels: tuple[Channel, ...], *, days: int, devices: int, seed: int) -> pl.DataFrame:
    """The true shares of a shop with *channels*, and the shares that the pipeline finds in the shop's log.

    Columns: channel, truth (share of the incremental orders), for each of ``MODELS`` its share of the credit, and
    the even share. Each of these columns sums to 1.
    """
    # More carts than usual, so that fewer visits are needed for as many orders.
    parameters = replace(parameters_with(()), channels=channels, cart_scale=3.0)
    summary = simulate(
        home.landing,
        days=days,
        devices=devices,
        seed=seed,
        last_day=LAST_DAY,
        parameters=parameters,
        format="parquet",
    )
    # Only the effects as of the last day are compared.
    _set(home, "daily_for_days", "1")
    compute_sales(home, TABLES)
    rules, effects = _orders(home), _effects(home)
    _set(home, "transform", "[{remove_if_last_and_not_all: [direct]}, exposure]")
    compute_sales(home, ("+attribution.model_daily",))
    non_direct = _orders(home).filter(pl.col("model") == "last").with_columns(model=pl.lit(LAST_NON_DIRECT))
    truth = pl.read_csv(summary.truth.with_name("channels.csv"))
    return with_shares(truth, pl.concat([rules, non_direct, effects]))


def _set(home: Home, name: str, value: str) -> None:
    """Set the setting *name*, which is on a line of its own, to *value*."""
    text, changed = re.subn(rf"(?m)^( *{name}:) (\[.*\]|\S+)", rf"\1 {value}", home.settings_file.read_text("utf-8"))
    assert changed == 1, name
    home.settings_file.write_text(text, encoding="utf-8")


def _orders(home: Home) -> pl.DataFrame:
    """The orders that each rule credits to each channel: model, channel, credit."""
    rules = _of_channels(home, "model_daily").filter(pl.col("model").is_in(RULE_MODELS))
    return rules.group_by("model", "channel").agg(credit=pl.col("orders").sum())


def _effects(home: Home) -> pl.DataFrame:
    """The effect of each channel as of the last day, in each model that learns from paths: model, channel, credit."""
    effects = _of_channels(home, "model_effects").filter(pl.col("dt") == pl.col("dt").max())
    return effects.select("model", "channel", credit="effect")


def _of_channels(home: Home, table: str) -> pl.DataFrame:
    frame = pl.read_parquet(home.lake / "attribution" / table / "*" / "*.parquet", hive_partitioning=True)
    return frame.filter(pl.col("touchpoint_type") == "channel").rename({"touchpoint": "channel"})


def with_shares(truth: pl.DataFrame, credit: pl.DataFrame) -> pl.DataFrame:
    """As ``computed``, from *truth* (channel, incremental_orders) and *credit* (model, channel, credit)."""
    shares = truth.select("channel", truth=pl.col("incremental_orders") / pl.col("incremental_orders").sum())
    for model in MODELS:
        own = credit.filter(pl.col("model") == model).select("channel", pl.col("credit").alias(model))
        shares = shares.join(own, on="channel", how="left", maintain_order="left")
        shares = shares.with_columns((pl.col(model).fill_null(0) / pl.col(model).sum()).alias(model))
    return shares.with_columns((1 / pl.len()).alias(EVEN))


def errors(shares: pl.DataFrame) -> pl.DataFrame:
    """The errors of each model's shares, and of even shares, in percentage points.

    Columns: model; mean (of the absolute errors); worst: the channel with the largest error, and its signed error.
    """
    rows = []
    for model in (*MODELS, EVEN):
        apart = shares.select("channel", error=100 * (pl.col(model) - pl.col("truth")))
        worst = apart.sort(pl.col("error").abs(), descending=True).row(0, named=True)
        mean = apart.select(pl.col("error").abs().mean()).item()
        rows.append((model, mean, f"{worst['channel']} {worst['error']:+.0f}"))
    return pl.DataFrame(rows, schema=["model", "mean", "worst"], orient="row")


def among_others(shares: pl.DataFrame, without: Sequence[str]) -> pl.DataFrame:
    """*shares* without the channels in *without*; the other shares are scaled to sum to 1."""
    others = shares.filter(~pl.col("channel").is_in(without))
    names = ("truth", *MODELS, EVEN)
    return others.with_columns(pl.col(*names) / pl.col(*names).sum())


def _table(header: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=24)
    parser.add_argument("--devices", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="keep the homes in this new folder")
    parser.add_argument("worlds", nargs="*", help="names of shops; default: all")
    arguments = parser.parse_args()
    if unknown := set(arguments.worlds) - set(WORLDS):
        parser.error(f"unknown {', '.join(sorted(unknown))}, expected {', '.join(WORLDS)}")
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="headwater-channels-"))
    found: dict[str, pl.DataFrame] = {}
    try:
        for number, name in enumerate(arguments.worlds or WORLDS):
            home, _ = init_home(folder / f"world{number}")
            found[name] = computed(
                home, WORLDS[name], days=arguments.days, devices=arguments.devices, seed=arguments.seed
            )
            print(f"\n### {name}\n")
            print(_shares_table(found[name]), flush=True)
    finally:
        if arguments.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    for title, without in (("all channels", ()), ("without direct", ("direct",))):
        print(f"\n### Mean error in points, and the worst channel: {title}\n")
        print(_errors_table({name: errors(among_others(shares, without)) for name, shares in found.items()}))


def _errors_table(by_world: Mapping[str, pl.DataFrame]) -> str:
    rows = (
        [model, *(f"{error['mean'][nth]:.1f} ({error['worst'][nth]})" for error in by_world.values())]
        for nth, model in enumerate((*MODELS, EVEN))
    )
    return _table(["model", *by_world], rows)


def _shares_table(shares: pl.DataFrame) -> str:
    shown = shares.drop(EVEN)
    rows = ([row[0], *(f"{100 * share:.1f} %" for share in row[1:])] for row in shown.iter_rows())
    return _table(shown.columns, rows)


if __name__ == "__main__":
    main()
