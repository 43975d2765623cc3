"""The pipeline recovers what the simulator planted: sales' entrances and slots, and effects of slots' contents."""

from dataclasses import replace
from itertools import pairwise
from math import exp, sqrt
from pathlib import Path

import polars as pl
import pytest

from benchmarks.recovery import LAST_DAY, compute_sales, land_shop, recovery, sales_beside_truth
from pipelines.home.folder import Home, init_home
from pipelines.simulator import SimulationParameters, parameters_with

pytestmark = pytest.mark.real


def recovered_home(folder: Path, parameters: SimulationParameters, days: int, devices: int) -> Home:
    """A home with a simulated log, for which the attributed sales have been computed."""
    home, _ = init_home(folder)
    land_shop(home, parameters, days=days, devices=devices, seed=1)
    compute_sales(home)
    return home


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a log without faults, for which the attributed sales and the table of slots have been computed."""
    home = recovered_home(tmp_path_factory.mktemp("clean") / "home", parameters_with(()), days=8, devices=2000)
    compute_sales(home, ["+attribution.slot_daily", "attribution.entrance_daily"])
    return home


def test_in_a_clean_log_nearly_every_sale_finds_its_slot(clean: Home) -> None:
    sales = sales_beside_truth(clean)
    assert sales["planted_entrance_id"].null_count() == 0
    assert sales["planted_entrance_id"].n_unique() == 6
    found = recovery(sales)
    assert found.lines > 600
    assert found.entrance >= 0.99 * found.lines
    assert found.slot >= 0.98 * found.lines


def test_the_recovery_is_no_tautology(clean: Home) -> None:
    """The share of recovered entrances is not high by chance.

    If the entrances are shuffled among the sales, fewer than half of the lines have the planted entrance.
    """
    sales = sales_beside_truth(clean)
    dealt = recovery(sales.with_columns(pl.col("entrance_id").shuffle(seed=1)))
    assert dealt.entrance < 0.5 * dealt.lines


@pytest.mark.parametrize(
    ("trap", "entrance", "slot"),
    [
        pytest.param("wrong_clocks", 0.98, 0.98, marks=pytest.mark.real),
        pytest.param("anonymous_visits", 0.95, 0.95, marks=pytest.mark.real),
    ],
)
def test_traps_cost_little(tmp_path: Path, trap: str, entrance: float, slot: float) -> None:
    home = recovered_home(tmp_path / "home", parameters_with([trap]), days=4, devices=1200)
    found = recovery(sales_beside_truth(home))
    assert found.lines > 150
    assert found.entrance >= entrance * found.lines
    assert found.slot >= slot * found.lines


ALONE = pytest.mark.real  # only on request, because each case takes as long as the case "both"


@pytest.fixture(
    scope="module",
    params=[pytest.param("seconds_off", marks=ALONE), pytest.param("slow_requests", marks=ALONE), "both"],
)
def disturbed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Home]:
    """The name of a disturbance, and a home with the clean log under that disturbance.

    All clocks are up to 30 s off, all requests take 5 to 40 s, or both.
    """
    rates = {"seconds_off": {"seconds_off_rate": 1.0}, "slow_requests": {"slow_request_rate": 1.0}}
    rates["both"] = rates["seconds_off"] | rates["slow_requests"]
    parameters = replace(parameters_with(()), **rates[request.param])
    folder = tmp_path_factory.mktemp(request.param) / "home"
    return request.param, recovered_home(folder, parameters, days=8, devices=2000)


def money_lost(sales: pl.DataFrame, undisturbed: pl.DataFrame) -> float:
    """The share of revenue that has the planted entrance in *undisturbed*, but another one in *sales*."""
    key = ["order_id", "line_no"]
    both = undisturbed.join(sales, on=key, how="full", suffix="_now", validate="1:1")
    assert both.height == sales.height == undisturbed.height
    was_right = pl.col("entrance_id") == pl.col("planted_entrance_id")
    is_right = pl.col("entrance_id_now") == pl.col("planted_entrance_id")
    return float(both.filter(was_right & ~is_right)["revenue"].sum() / both["revenue"].sum())


def test_clocks_seconds_off_cost_under_a_thousandth_of_sales(clean: Home, disturbed: tuple[str, Home]) -> None:
    name, home = disturbed
    undisturbed, sales = sales_beside_truth(clean), sales_beside_truth(home)
    quick = pl.col("matched_by") == "cart"
    assert sales.filter(quick).height == undisturbed.filter(quick).height == sales.height
    assert money_lost(sales, undisturbed) < 0.001
    if name == "both":
        # Without the tolerance, a cart that is received after its order seems to be made after the order, and is not
        # matched.
        compute_sales(home, clock_tolerance_seconds=0)
        strict = sales_beside_truth(home)
        assert strict.filter(quick).height < 0.98 * sales.filter(quick).height
        assert money_lost(strict, undisturbed) > 0.001


@pytest.mark.real
def test_the_realistic_mix_of_all_traps_still_finds_most(tmp_path: Path) -> None:
    home = recovered_home(tmp_path / "home", SimulationParameters(), days=4, devices=1200)
    found = recovery(sales_beside_truth(home))
    assert found.lines > 150
    assert found.entrance >= 0.9 * found.lines
    assert found.slot >= 0.9 * found.lines


def test_a_planted_effect_of_new_content_is_seen_in_slot_daily(clean: Home) -> None:
    """The ratio of the click-through rates after and before each change of a slot's content is the planted one.

    The tolerance is four standard deviations of the logarithm of the ratio, estimated from the numbers of clicks and
    impressions before and after.
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
    # The planted effects must be large, or a missing effect would pass unnoticed.
    doubled = contents.group_by("module", "slot").agg(pl.col("click_share").max() / pl.col("click_share").min())
    assert doubled["click_share"].max() > 2
    assert planted["dt"].max() == LAST_DAY
