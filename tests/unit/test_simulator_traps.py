"""The simulator's traps (faults as in real logs) are visible in the log if they are on, and only then."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from pipelines.commands.main import app
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import REPOSITORY
from pipelines.simulator import TRAPS, SimulationParameters, parameters_with
from tests.simulated import CLEAN, SHANGHAI, content, events, good, lines, records, run, truth

pytestmark = pytest.mark.real

Mark = Callable[[Path], int]
"""A function that counts how often a trap is visible in the files below a folder."""


def _off(folder: Path) -> pl.DataFrame:
    """The events, with column *off*: the absolute difference between sent_time and received_time."""
    log = records(folder, "events").drop_nulls("received_time")
    return log.with_columns(off=(pl.col("sent_time") - pl.col("received_time")).abs())


def _ahead(folder: Path) -> pl.DataFrame:
    """The events, with column *ahead*: sent_time − received_time, by which the device's clock seems to be ahead."""
    log = records(folder, "events").drop_nulls("received_time")
    return log.with_columns(ahead=pl.col("sent_time") - pl.col("received_time"))


def _delay(folder: Path) -> pl.Series:
    """For each event, the time from its occurrence to its sending, both by the device's clock."""
    log = events(folder).drop_nulls("received_time")
    return log.select(delay=pl.col("sent_time") - pl.col("device_time"))["delay"]


def _pages_of_two_kinds(folder: Path) -> int:
    """The number of PageIds that one device used for pages of different types."""
    pages = events(folder).drop_nulls("page_id").group_by("device_id", "page_id")
    return pages.agg(kinds=pl.col("page_type").n_unique()).filter(pl.col("kinds") > 1).height


def _devices_of_two_users(folder: Path) -> int:
    users = events(folder).drop_nulls("user_id").group_by("device_id").agg(users=pl.col("user_id").n_unique())
    return users.filter(pl.col("users") > 1).height


def _users_of_two_devices(folder: Path) -> int:
    devices = events(folder).drop_nulls("user_id").group_by("user_id").agg(ids=pl.col("device_id").n_unique())
    return devices.filter(pl.col("ids") > 1).height


def _first_pages_past_home(folder: Path) -> int:
    pages = events(folder).filter(pl.col("event_type") == "page_view").unique("device_id", keep="first")
    return pages.filter(pl.col("page_type") != "home").height


def _busy_device_days(folder: Path) -> int:
    clicks = events(folder).filter(pl.col("event_type") == "click")
    days = clicks.group_by("device_id", pl.col("device_time").dt.date()).len()
    return days.filter(pl.col("len") > 300).height


def _repeats(folder: Path) -> int:
    log = records(folder, "events")
    return log.height - log["event_id"].n_unique()


def _line_versions(folder: Path) -> int:
    order_lines = records(folder, "order_lines")
    return order_lines.height - order_lines.unique(["order_id", "line_no"]).height


MARKS: dict[str, Mark] = {
    "second_devices": _users_of_two_devices,
    "shared_devices": _devices_of_two_users,
    "anonymous_visits": lambda folder: events(folder).filter(pl.col("user_id").is_null()).height,
    "late_logins": lambda folder: events(folder).filter(pl.col("event_type") == "login").height,
    "deep_links": _first_pages_past_home,
    "bots": _busy_device_days,
    "cloned_ids": _pages_of_two_kinds,
    "page_id_resets": _pages_of_two_kinds,
    "wrong_clocks": lambda folder: _off(folder).filter(pl.col("off") > dt.timedelta(minutes=5)).height,
    "seconds_off": lambda folder: _ahead(folder).filter(pl.col("ahead") > dt.timedelta(seconds=1)).height,
    "slow_requests": lambda folder: _ahead(folder).filter(pl.col("ahead") < dt.timedelta(seconds=-9)).height,
    "epoch_clocks": lambda folder: events(folder).filter(pl.col("device_time").dt.year() == 1970).height,
    "missing_times": lambda folder: events(folder).filter(pl.col("received_time").is_null()).height,
    "late_records": lambda folder: int((_delay(folder) > dt.timedelta(hours=19)).sum()),
    "duplicates": _repeats,
    "broken_lines": lambda folder: sum(not good(line) for line in lines(folder, "events")),
    "orders_without_cart": lambda folder: truth(folder).filter(pl.col("matched_by") != "cart").height,
    "sales_without_events": lambda folder: truth(folder).filter(~pl.col("kind").is_in(["product", "telephone"])).height,
    "corrected_lines": _line_versions,
    "foreign_currency": lambda folder: records(folder, "orders").filter(pl.col("currency") != "CNY").height,
}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log without traps."""
    folder = tmp_path_factory.mktemp("clean")
    run(folder, CLEAN, devices=150)
    return folder


def test_every_trap_has_a_mark() -> None:
    assert MARKS.keys() == TRAPS.keys()


@pytest.mark.parametrize("name", MARKS)
def test_a_trap_leaves_its_mark_and_a_clean_log_has_none(clean: Path, tmp_path: Path, name: str) -> None:
    trapped = parameters_with([name])
    # Rare traps are made frequent, so that a few devices show them.
    frequent = {rate: max(getattr(trapped, rate), 0.1) for rate in TRAPS[name].rates if rate != "bot_rate"}
    if name == "bots":
        frequent = {"bot_rate": 0.03}
    run(tmp_path, replace(trapped, **frequent), devices=100)
    assert MARKS[name](tmp_path) > 0
    assert MARKS[name](clean) == 0


@pytest.mark.parametrize("name", sorted(MARKS.keys() - {"foreign_currency"}))
def test_the_realistic_mix_has_all_traps_that_any_home_takes(name: str) -> None:
    mix, alone = SimulationParameters(), parameters_with([name])
    for rate in TRAPS[name].rates:
        assert getattr(mix, rate) == getattr(alone, rate) > 0
    assert mix.foreign_currency_rate == 0 < parameters_with(["foreign_currency"]).foreign_currency_rate


def test_a_named_trap_is_the_only_one() -> None:
    alone = parameters_with(["duplicates"])
    assert alone == replace(CLEAN, duplicate_rate=SimulationParameters().duplicate_rate)
    both = parameters_with(["duplicates", "bots"])
    assert both == replace(alone, bot_rate=SimulationParameters().bot_rate)


def test_an_unknown_trap_is_refused_with_the_known_names() -> None:
    with pytest.raises(HeadwaterError, match=r"unknown trap 'bot', expected .*second_devices, .*, foreign_currency$"):
        parameters_with(["bot"])


def test_offline_visits_are_received_about_a_day_later(tmp_path: Path) -> None:
    run(tmp_path, replace(CLEAN, offline_visit_rate=1.0), devices=100)
    log = records(tmp_path, "events")
    delay = log.select(delay=pl.col("received_time") - pl.col("device_time"))["delay"]
    assert delay.min() > dt.timedelta(hours=19)
    assert delay.max() < dt.timedelta(hours=31)
    # A record lands in the file of the day of its receipt; records received after the last day are missing.
    assert log["received_time"].dt.convert_time_zone("Asia/Shanghai").dt.date().n_unique() == 3


def test_very_late_visits_are_received_two_weeks_later(tmp_path: Path) -> None:
    run(tmp_path, replace(CLEAN, very_late_visit_rate=0.2), days=18, devices=60)
    delay = events(tmp_path).select(delay=pl.col("received_time") - pl.col("device_time"))["delay"]
    late = delay.filter(delay > dt.timedelta(days=1))
    assert late.len() > 50
    assert late.min() > dt.timedelta(days=12)
    assert late.max() < dt.timedelta(days=16)
    # The log ends before most late events are received; only those of the first days are in it.
    assert late.len() < 0.1 * delay.len()


def test_a_clock_of_1970_is_repaired_by_sent_and_received_times(tmp_path: Path) -> None:
    run(tmp_path, replace(CLEAN, epoch_clock_rate=1.0), devices=100)
    whole = records(tmp_path, "events")
    occurred = whole["device_time"] + (whole["received_time"] - whole["sent_time"])
    assert whole["device_time"].max().year == 1970
    assert occurred.min() >= dt.datetime(2026, 3, 5, tzinfo=SHANGHAI)
    assert occurred.max() < dt.datetime(2026, 3, 9, tzinfo=SHANGHAI)


def test_clocks_are_up_to_thirty_seconds_off_either_way(tmp_path: Path) -> None:
    run(tmp_path, replace(CLEAN, seconds_off_rate=1.0), devices=100)
    # The median over a device's records removes the varying time that requests take.
    devices = _ahead(tmp_path).group_by("device_id").agg(pl.col("ahead").median().dt.total_milliseconds() / 1000)
    ahead = devices["ahead"]
    assert -31 < ahead.min() < -20
    assert 20 < ahead.max() < 31
    assert ahead.is_between(-10, 10).sum() < 0.6 * ahead.len()


def test_slow_requests_arrive_up_to_40_s_late_by_an_exact_clock(clean: Path, tmp_path: Path) -> None:
    run(tmp_path, replace(CLEAN, slow_request_rate=1.0), devices=150)
    ahead = _ahead(tmp_path)["ahead"]
    assert ahead.max() <= dt.timedelta(seconds=-5)
    assert dt.timedelta(seconds=-40) <= ahead.min() < dt.timedelta(seconds=-38)
    # Events are only received later. Their own times are unchanged, and so are the true origins of sales.
    assert_frame_equal(truth(tmp_path), truth(clean))


def test_a_third_of_the_order_lines_has_no_event_of_its_sku(clean: Path, tmp_path: Path) -> None:
    run(tmp_path, parameters_with(["sales_without_events"], SimulationParameters(cart_scale=2.0)), devices=500)
    planted, sold = truth(tmp_path), records(tmp_path, "order_lines")
    planted = planted.join(sold, on=["order_id", "line_no"])
    seen, catalogue = (
        set(events(tmp_path)["sku"]),
        set(pl.read_csv(tmp_path / "landing" / "native" / "products" / "products.csv")["sku"]),
    )
    never = planted.filter(pl.col("kind") != "product")
    assert 0.28 < never.height / planted.height < 0.38
    assert set(never["kind"]) == {"gift", "add_on", "bundle", "unknown_sku"}
    assert not set(never["sku"]) & seen
    # The catalogue has the gifts, add-ons and bundles, but not the unknown ids.
    assert {sku in catalogue for sku in never.filter(pl.col("kind") == "unknown_sku")["sku"]} == {False}
    assert set(never.filter(pl.col("kind") != "unknown_sku")["sku"]) <= catalogue
    gifts = planted.filter(pl.col("kind") == "gift")
    assert gifts["unit_price"].max() == 0 < gifts["unit_cost"].min()
    # Gifts and add-ons follow another line of the order, and have the same true origin as that line.
    joined = planted.filter(pl.col("kind").is_in(["gift", "add_on"]))
    others = planted.filter(pl.col("kind").is_in(["product", "unknown_sku"])).group_by("order_id")
    others = others.agg(last=pl.col("line_no").max(), ends=pl.col("end_event_id"))
    joined = joined.join(others, on="order_id", how="left")
    assert joined.filter(pl.col("line_no") > pl.col("last")).height == joined.height > 20
    assert joined.filter(pl.col("end_event_id").is_in(pl.col("ends"))).height == joined.height
    alone = planted.filter(pl.len().over("order_id") == 1)
    assert set(planted.filter(pl.col("kind") == "bundle")["order_id"]) <= set(alone["order_id"])
    # Without the trap, the shop sells only ordinary products.
    listed = pl.read_csv(clean / "landing" / "native" / "products" / "products.csv")["sku"]
    assert listed.str.starts_with("SKU").all()


def test_a_clock_that_is_set_right_is_right_from_then_on(tmp_path: Path) -> None:
    run(tmp_path, replace(CLEAN, wrong_clock_rate=1.0, clock_set_rate=1.0), devices=100)
    off = pl.col("sent_time") - pl.col("received_time")
    log = records(tmp_path, "events").sort("received_time").with_columns(is_off=off.abs() > dt.timedelta(minutes=1))
    turns = log.group_by("device_id", maintain_order=True).agg(turns=pl.col("is_off").rle().struct.field("value"))
    histories = {tuple(each) for each in turns["turns"].to_list()}
    assert (True, False) in histories
    assert histories <= {(True,), (False,), (True, False)}


def test_repeated_records_differ_only_in_when_they_were_sent(tmp_path: Path) -> None:
    run(tmp_path, replace(CLEAN, duplicate_rate=0.1), devices=100)
    whole = records(tmp_path, "events").drop("sent_time", "received_time")
    assert whole.height > whole["event_id"].n_unique() == whole.unique().height


def test_broken_lines_are_anywhere_and_lose_nothing_else(clean: Path, tmp_path: Path) -> None:
    run(tmp_path, replace(CLEAN, broken_line_rate=0.02), devices=150)
    written = lines(tmp_path, "events")
    places = [place / len(written) for place, line in enumerate(written) if not good(line)]
    assert len(places) > 100
    for tenth in range(10):
        assert any(tenth <= 10 * place < tenth + 1 for place in places)
    assert [line for line in written if good(line)] == lines(clean, "events")


def test_a_corrected_line_is_wrong_first_and_right_later(tmp_path: Path) -> None:
    run(tmp_path, replace(CLEAN, corrected_line_rate=0.5), devices=150)
    versions = records(tmp_path, "order_lines").sort("order_id", "line_no", "updated_at")
    pairs = versions.group_by("order_id", "line_no").agg("quantity", "updated_at")
    pairs = pairs.filter(pl.col("quantity").list.len() == 2)
    assert pairs.height > 10
    assert pairs.filter(pl.col("quantity").list.first() == pl.col("quantity").list.last() + 1).height == pairs.height
    later = pl.col("updated_at").list.last() - pl.col("updated_at").list.first()
    assert pairs.filter(later.is_between(dt.timedelta(minutes=10), dt.timedelta(days=1))).height == pairs.height


def test_the_rates_of_other_currencies_are_beside_the_truth(clean: Path, tmp_path: Path) -> None:
    run(tmp_path, parameters_with(["foreign_currency"], SimulationParameters(foreign_currency_rate=0)), devices=150)
    rates = pl.read_csv(tmp_path / "simulation" / "fx.csv", try_parse_dates=True)
    assert rates.columns == ["dt", "currency", "rate"]
    paid = records(tmp_path, "orders").filter(pl.col("status") == "paid", pl.col("currency") != "CNY")
    used = paid.select(pl.col("paid_at").dt.convert_time_zone("Asia/Shanghai").dt.date().alias("dt"), "currency")
    assert used.height > 0
    assert used.join(rates, on=["dt", "currency"], how="anti").is_empty()
    assert not (clean / "simulation" / "fx.csv").exists()


def test_traps_happen_as_often_as_they_should(tmp_path: Path) -> None:
    """In a large log, each trap's share is within four standard deviations of the intended one."""
    mix = SimulationParameters(clock_set_rate=0)
    run(tmp_path, mix, days=1, devices=40_000, file_format="parquet")
    log = pl.scan_parquet(tmp_path / "landing" / "native" / "events" / "*.parquet")
    devices = log.group_by("device_id").agg(
        untold=pl.col("received_time").is_null().any(),
        off=(pl.col("sent_time") - pl.col("received_time")).abs().min(),
        epoch=(pl.col("device_time") < 400 * 86_400_000).any(),
    )
    untold, epoch, known, off = (
        devices.select(
            pl.col("untold").sum().alias("untold"),
            pl.col("epoch").sum().alias("epoch"),
            pl.len().alias("known"),
            (pl.col("off").is_between(300_000, 86_400_000)).sum().alias("off"),
        )
        .collect()
        .row(0)
    )
    totals = log.select(pl.len(), pl.col("event_id").n_unique()).collect().row(0)

    def assert_share(count: int, total: int, rate: float) -> None:
        assert abs(count - rate * total) < 4 * (total * rate * (1 - rate)) ** 0.5, (count, total, rate)

    assert_share(totals[0] - totals[1], totals[1], mix.duplicate_rate)
    assert_share(epoch, known, mix.epoch_clock_rate)
    # Two devices with a cloned id are counted as one, which raises each share a little.
    assert_share(untold, known, mix.missing_time_rate)
    # Wrong clocks are off by two hours on average. The test counts only those that are off by over five minutes, which
    # are 96.7 %, and no events of old SDKs, which lack the two times to compare.
    assert_share(off, known, mix.wrong_clock_rate * 0.967 * (1 - mix.missing_time_rate))


def test_the_guide_has_every_trap_and_what_it_does() -> None:
    guide = (REPOSITORY / "docs" / "user-guide.md").read_text(encoding="utf-8")
    for name, trap in TRAPS.items():
        # Only the first part of the text is compared; the guide may add more, e.g. in which files late records are.
        assert f"| `{name}` | {re.split(r'[;(]', trap.description)[0].strip()}" in guide


def test_the_command_line_lists_the_traps_and_refuses_others(tmp_path: Path) -> None:
    described = CliRunner().invoke(app, ["simulate", "--help"]).output
    assert [name for name in TRAPS if f"{name}:" not in described] == []
    refused = CliRunner().invoke(app, ["simulate", "--trap", "bot", "--out", str(tmp_path / "landing")])
    assert isinstance(refused.exception, HeadwaterError)
    assert not (tmp_path / "landing").exists()


def test_the_command_line_simulates_what_is_named(clean: Path, tmp_path: Path) -> None:
    options = ["--days", "4", "--devices", "150", "--seed", "7", "--last-day", "2026-03-08"]
    CliRunner().invoke(app, ["simulate", "--clean", *options, "--out", str(tmp_path / "clean" / "landing")])
    CliRunner().invoke(app, ["simulate", "--trap", "duplicates", *options, "--out", str(tmp_path / "trap" / "landing")])
    assert content(tmp_path / "clean") == content(clean)
    assert _repeats(tmp_path / "trap") > 0
