"""The pipeline finds again what the simulator planted: entrances, slots, and the effect of what a slot shows."""

from itertools import pairwise
from math import exp, sqrt
from pathlib import Path

import polars as pl
import pytest

from benchmarks.recovery import LAST_DAY, recovery, sales_beside_truth, simulate_and_run
from pipelines.home import Home, init_home
from pipelines.simulator import SimulationParameters, parameters_with


def recovered_home(folder: Path, parameters: SimulationParameters, days: int, devices: int) -> Home:
    home, _ = init_home(folder)
    simulate_and_run(home, parameters, days=days, devices=devices, seed=1)
    return home


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A computed home of a clean log."""
    return recovered_home(tmp_path_factory.mktemp("clean") / "home", parameters_with(()), days=8, devices=2000)


def test_of_a_clean_log_nearly_every_sale_finds_its_entrance_and_slot(clean: Home) -> None:
    sales = sales_beside_truth(clean)
    assert sales["planted_entrance_id"].null_count() == 0
    assert sales["planted_entrance_id"].n_unique() == 6
    found = recovery(sales)
    assert found.lines > 600
    assert found.entrance >= 0.99 * found.lines
    assert found.slot >= 0.98 * found.lines


def test_the_recovery_is_no_tautology(clean: Home) -> None:
    """Sales that are dealt out at random among the entrances do not find them again."""
    sales = sales_beside_truth(clean)
    dealt = recovery(sales.with_columns(pl.col("entrance_id").shuffle(seed=1)))
    assert dealt.entrance < 0.5 * dealt.lines


@pytest.mark.parametrize(
    ("trap", "entrance", "slot"),
    [pytest.param("wrong_clocks", 0.98, 0.98, marks=pytest.mark.real), ("anonymous_visits", 0.95, 0.95)],
)
def test_traps_cost_little(tmp_path: Path, trap: str, entrance: float, slot: float) -> None:
    home = recovered_home(tmp_path / "home", parameters_with([trap]), days=4, devices=1200)
    found = recovery(sales_beside_truth(home))
    assert found.lines > 150
    assert found.entrance >= entrance * found.lines
    assert found.slot >= slot * found.lines


def test_the_believable_mix_of_all_traps_still_finds_most(tmp_path: Path) -> None:
    home = recovered_home(tmp_path / "home", SimulationParameters(), days=4, devices=1200)
    found = recovery(sales_beside_truth(home))
    assert found.lines > 150
    assert found.entrance >= 0.9 * found.lines
    assert found.slot >= 0.9 * found.lines


def test_the_planted_effect_of_a_new_content_is_seen_in_slot_daily(clean: Home) -> None:
    """Click-through before and after each change of a slot's content has the planted ratio.

    Tolerance: four standard deviations of the logarithm of a ratio of two rates, by the numbers of clicks and
    impressions on both sides.
    """
    key = ["page_type", "module", "slot", "content_id"]
    planted = pl.read_parquet(clean.root / "simulation" / "contents.parquet")
    slots = pl.read_parquet(clean.lake / "attribution" / "slot_daily" / "*" / "*.parquet")
    slots = slots.rename(lambda name: name.removeprefix("head_"))
    seen = slots.group_by(key).agg(pl.col("clicks").sum(), pl.col("impressions").sum())
    shown = planted.group_by([*key, "click_share"]).agg(since=pl.col("dt").min())
    contents = shown.join(seen, on=key, how="left", validate="1:1", nulls_equal=True)
    changes = 0
    for _, versions in contents.sort("since").group_by(["module", "slot"], maintain_order=True):
        rows = versions.to_dicts()
        for before, after in pairwise(rows):
            if min(before["clicks"], after["clicks"]) < 50:
                continue
            rates = [row["clicks"] / row["impressions"] for row in (before, after)]
            noise = sqrt(sum(1 / row[count] for row in (before, after) for count in ("clicks", "impressions")))
            expected = after["click_share"] / before["click_share"]
            assert expected * exp(-4 * noise) < rates[1] / rates[0] < expected * exp(4 * noise), (before, after)
            changes += 1
    assert changes >= 6
    # The planted effects are large enough that a slot that showed none would be noticed.
    doubled = contents.group_by("module", "slot").agg(pl.col("click_share").max() / pl.col("click_share").min())
    assert doubled["click_share"].max() > 2
    assert planted["dt"].max() == LAST_DAY
