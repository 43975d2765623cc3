"""The simulated shop's channels: their true effects, the marks of their visits, and their spend."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from pipelines.home.errors import HeadwaterError
from pipelines.simulator import SimulationParameters
from pipelines.simulator.channels import CHANNELS
from pipelines.simulator.orders import FOREIGN
from tests.simulated import CLEAN, lines, records, run

pytestmark = pytest.mark.real

NAMES = [channel.name for channel in CHANNELS]
MARKS = ["referrer", "utm_source", "utm_medium", "utm_campaign", "click_id"]


def simulated(folder: Path, parameters: SimulationParameters = CLEAN) -> Path:
    run(folder, parameters, days=12, devices=400, file_format="parquet")
    return folder


def channels(folder: Path) -> dict[str, dict[str, float]]:
    frame = pl.read_csv(folder / "simulation" / "channels.csv")
    return {row["channel"]: row for row in frame.to_dicts()}


def orders(folder: Path) -> int:
    return pl.read_parquet(folder / "simulation" / "truth.parquet")["order_id"].n_unique()


def events(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "landing" / "native" / "events" / "*.parquet").sort("event_id")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated(tmp_path_factory.mktemp("shop"))


@pytest.mark.parametrize("name", NAMES)
def test_without_a_channel_its_incremental_orders_are_missing(shop: Path, tmp_path: Path, name: str) -> None:
    without = simulated(tmp_path, replace(CLEAN, without_channel=name))
    assert orders(shop) - orders(without) == channels(shop)[name]["incremental_orders"]


def test_without_a_channel_the_other_visits_are_the_same(shop: Path, tmp_path: Path) -> None:
    without = events(simulated(tmp_path, replace(CLEAN, without_channel="paid_video")))
    video = pl.col("utm_source").eq_missing("douyin")
    anyway = without.join(events(shop).filter(video), on="event_id", how="semi")
    others = without.join(anyway, on="event_id", how="anti")
    assert others.equals(events(shop).filter(~video))
    # Without the ad, visitors who would come anyway come directly (without any mark), and do the same on the site.
    assert 0 < anyway.height < events(shop).filter(video).height / 4
    assert anyway.select(pl.all_horizontal(pl.col(MARKS).is_null().all())).item()


def test_channels_change_nothing_but_marks_and_who_orders(shop: Path, tmp_path: Path) -> None:
    plain = simulated(tmp_path, replace(CLEAN, channels=CHANNELS[:2], channel_effects=False))
    assert events(plain).drop(MARKS).equals(events(shop).drop(MARKS))
    assert {row["incremental_orders"] for row in channels(plain).values()} == {0}


def test_introducers_cause_more_than_they_touch(shop: Path) -> None:
    found = channels(shop)
    rate = {name: row["incremental_orders"] / row["visits"] for name, row in found.items()}
    assert min(rate["paid_video"], rate["paid_social"]) > 4 * max(rate["paid_search"], rate["display"], rate["direct"])
    assert rate["affiliate"] == 0
    assert sum(row["visits"] for row in found.values()) > 2_000


def test_spend_lands_for_each_day_and_paid_channel(shop: Path) -> None:
    spend = records(shop, "spend").to_dicts()
    paid = {channel.name: channel.utm_campaign for channel in CHANNELS if channel.cost}
    assert {(row["channel"], row["campaign"]) for row in spend} == set(paid.items())
    keys = {(row["dt"], row["channel"], row["campaign"]) for row in spend}
    assert len(keys) == len(spend) >= 11 * len(paid)
    assert {row["currency"] for row in spend} == {"CNY"}
    for name, row in channels(shop).items():
        own = [spent for spent in spend if spent["channel"] == name]
        assert row["spend"] == (pytest.approx(sum(spent["cost"] for spent in own)) if own else None)
        assert not own or row["visits"] == sum(spent["clicks"] for spent in own)


def test_bills_in_dollars_come_with_the_trap_of_currencies(shop: Path, tmp_path: Path) -> None:
    foreign = simulated(tmp_path, replace(CLEAN, foreign_currency_rate=0.05))
    dollars = [row for row in records(foreign, "spend").to_dicts() if row["currency"] == "USD"]
    assert {row["channel"] for row in dollars} == {"paid_social"}
    cost = sum(row["cost"] for row in dollars) * FOREIGN["USD"]
    assert channels(foreign)["paid_social"]["spend"] == pytest.approx(cost, abs=0.01)
    assert cost == pytest.approx(channels(shop)["paid_social"]["spend"], rel=0.01)


def test_a_landing_page_has_the_referrer_and_the_click_id(shop: Path) -> None:
    landed = events(shop).filter(pl.col("click_id").is_not_null())
    assert set(landed["event_type"]) == {"page_view"}
    assert set(landed["utm_campaign"]) == {"brand-words"}
    assert landed.height == channels(shop)["paid_search"]["visits"]


def test_blocks_add_up(tmp_path: Path) -> None:
    one = simulated(tmp_path / "one", replace(CLEAN, devices_per_block=150))
    spend = records(one, "spend").to_dicts()
    assert len({(row["dt"], row["channel"]) for row in spend}) == len(spend)
    assert sum(row["visits"] for row in channels(one).values()) > 2_000


def test_an_unknown_channel_is_refused_with_the_known_names(tmp_path: Path) -> None:
    with pytest.raises(HeadwaterError, match="unknown channel 'tv', expected direct, organic_search"):
        run(tmp_path, replace(CLEAN, without_channel="tv"))
    assert not lines(tmp_path, "events")
