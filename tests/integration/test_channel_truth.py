"""The simulated shop's channels as the pipeline sees them: its sessions, its spend, and how models are compared."""

from __future__ import annotations

import polars as pl
import pytest

from benchmarks.channels import MODELS, WORLDS, among_others, errors, with_shares
from benchmarks.recovery import LAST_DAY, compute_sales
from pipelines.home.folder import Home, init_home
from pipelines.simulator import parameters_with, simulate
from pipelines.simulator.channels import CHANNELS
from tests.support import table

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home, _ = init_home(tmp_path_factory.mktemp("shop") / "home")
    simulate(home.landing, days=5, devices=600, seed=3, last_day=LAST_DAY, parameters=parameters_with(()))
    compute_sales(home, ["+core.sessions", "core.spend", "+attribution.model_daily"])
    return home


def test_the_shipped_rules_find_the_channel_of_a_session(shop: Home) -> None:
    found = pl.DataFrame(table(shop, "core.sessions")).select("session_id", "channel")
    landed = pl.read_ndjson(shop.landing / "native" / "events" / "*.ndjson", infer_schema_length=None)
    key = ["utm_source", "referrer"]
    planted = pl.DataFrame(
        [(c.name, c.utm_source, c.referrer) for c in CHANNELS], schema=["planted", *key], orient="row"
    )
    first = landed.unique("event_id").join(planted, on=key, how="left", nulls_equal=True)
    sessions = found.join(first, left_on="session_id", right_on="event_id", how="left")
    assert set(sessions["channel"]) == {channel.name for channel in CHANNELS}
    marked = sessions.filter(pl.col("planted") != "direct")
    assert marked.height > 400
    assert marked["channel"].equals(marked["planted"], check_names=False)
    # A visitor who comes directly and a few minutes later by a link makes one session, which the link brought.
    direct = sessions.filter(pl.col("planted") == "direct")
    assert (direct["channel"] == "direct").mean() > 0.97


def test_a_visit_that_an_ad_brought_is_one_session(shop: Home) -> None:
    """The simulated tracker sends utm tags with every event of a visit, but the click id only on the landing page."""
    sessions = pl.DataFrame(table(shop, "core.sessions")).group_by("channel").len()
    visits = pl.read_csv(shop.root / "simulation" / "channels.csv").select("channel", "visits")
    both = visits.join(sessions, on="channel").filter(pl.col("channel").str.starts_with("paid_"))
    assert both.height >= 3
    # Two visits by the same ad within half an hour are one session.
    assert both.select((pl.col("len") / pl.col("visits")).is_between(0.95, 1).all()).item()


def test_the_spend_of_the_shop_is_that_of_its_truth(shop: Home) -> None:
    truth = pl.read_csv(shop.root / "simulation" / "channels.csv").filter(pl.col("spend").is_not_null())
    spend = pl.DataFrame(table(shop, "core.spend")).group_by("channel").agg(pl.col("cost").sum().cast(pl.Float64))
    assert dict(spend.iter_rows()) == pytest.approx(dict(truth.select("channel", "spend").iter_rows()))


def test_ads_return_what_ads_return_in_shops(shop: Home) -> None:
    daily = pl.DataFrame(table(shop, "attribution.model_daily"))
    found = daily.filter(pl.col("model") == "last", pl.col("touchpoint_type") == "channel")
    sums = found.group_by("touchpoint").agg(pl.col("revenue", "spend").sum().cast(pl.Float64))
    returns = sums.filter(pl.col("spend") > 0).with_columns(roas=pl.col("revenue") / pl.col("spend"))
    email, ads = (returns.filter((pl.col("touchpoint") == "email") == one) for one in (True, False))
    assert ads.height == 5
    assert 1.5 < ads["revenue"].sum() / ads["spend"].sum() < 8
    assert 10 < email["roas"].item() < 100  # a wide range, because emails bring only a few orders in five days


def test_errors_are_in_points_of_shares() -> None:
    truth = pl.DataFrame({"channel": ["a", "b", "c"], "incremental_orders": [60, 40, 0]})
    credit = pl.DataFrame(
        [(model, channel, credit) for model in MODELS for channel, credit in (("a", 2.0), ("c", 2.0))],
        schema=["model", "channel", "credit"],
        orient="row",
    )
    shares = with_shares(truth, credit)
    assert shares.select("truth", "last").rows() == [(0.6, 0.5), (0.4, 0.0), (0.0, 0.5)]
    assert errors(shares).rows()[0] == ("first", pytest.approx((10 + 40 + 50) / 3), "c +50")
    assert among_others(shares, ["c"]).select("truth", "last").rows() == [(0.6, 1.0), (0.4, 0.0)]


@pytest.mark.parametrize("name", WORLDS)
def test_every_world_has_the_channels_of_the_shop(name: str) -> None:
    assert [channel.name for channel in WORLDS[name]] == [channel.name for channel in CHANNELS]
