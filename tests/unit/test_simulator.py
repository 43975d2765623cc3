"""The simulator: what its landing files promise, and that its planted truth can be found again."""

import csv
import datetime as dt
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.errors import HeadwaterError
from pipelines.home import REPOSITORY
from pipelines.simulator import SimulationParameters, SimulationSummary, simulate

LAST_DAY = dt.date(2026, 3, 8)
SHANGHAI = ZoneInfo("Asia/Shanghai")
NO_TRAPS = SimulationParameters(
    late_login_rate=0,
    never_login_rate=0,
    offline_visit_rate=0,
    duplicate_rate=0,
    broken_line_rate=0,
    wrong_clock_rate=0,
    epoch_clock_rate=0,
)

TEXT, NUMBER = str, (int, float)
NATIVE = {
    "events": {
        **dict.fromkeys(("event_id", "device_id", "event_type", "device_time", "platform", "app_version"), TEXT),
        **dict.fromkeys(("sent_time", "received_time"), TEXT),
        **dict.fromkeys(("user_id", "page_type", "module", "sku", "content_id", "referrer"), (str, type(None))),
        **dict.fromkeys(("utm_source", "utm_medium", "utm_campaign"), (str, type(None))),
        **dict.fromkeys(("page_id", "slot"), (int, type(None))),
    },
    "orders": {
        **dict.fromkeys(("order_id", "user_id", "status", "ordered_at", "currency", "updated_at"), TEXT),
        "paid_at": (str, type(None)),
    },
    "order_lines": {
        **dict.fromkeys(("order_id", "sku", "updated_at"), TEXT),
        **dict.fromkeys(("line_no", "quantity"), int),
        **dict.fromkeys(("unit_price", "discount"), NUMBER),
        "unit_cost": (int, float, type(None)),
        "refunded_amount": type(None),
    },
    "refunds": {
        **dict.fromkeys(("refund_id", "order_id", "refunded_at", "updated_at"), TEXT),
        "line_no": int,
        "amount": NUMBER,
    },
}


def run(
    folder: Path,
    parameters: SimulationParameters | None = None,
    *,
    days: int = 4,
    devices: int = 250,
    seed: int = 7,
    file_format: str = "ndjson",
) -> SimulationSummary:
    return simulate(
        folder / "landing",
        days=days,
        devices=devices,
        seed=seed,
        last_day=LAST_DAY,
        format=file_format,
        parameters=parameters,
    )


def lines(folder: Path, relation: str) -> list[str]:
    files = sorted((folder / "landing" / "native" / relation).glob("*.ndjson"))
    return [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def good(line: str) -> bool:
    try:
        record = json.loads(line)
    except json.JSONDecodeError:
        return False
    return record.keys() == NATIVE["events"].keys()


@cache
def records(folder: Path, relation: str) -> pl.DataFrame:
    """The good records, times as UTC."""
    whole = [line for line in lines(folder, relation) if relation != "events" or good(line)]
    frame = pl.DataFrame([json.loads(line) for line in whole], infer_schema_length=None)
    times = [name for name in frame.columns if name.endswith(("_time", "_at"))]
    return frame.with_columns(pl.col(times).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_zone="UTC"))


@cache
def events(folder: Path) -> pl.DataFrame:
    """One record an event, in the order of each device's pages."""
    frame = records(folder, "events").sort("received_time", maintain_order=True)
    return frame.unique("event_id", keep="first", maintain_order=True).sort("device_id", "device_time", "page_id")


def truth(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "simulation" / "truth.parquet")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The landing files and truth of a small shop with more carts than usual, so that every kind of sale is there."""
    folder = tmp_path_factory.mktemp("shop")
    run(folder, SimulationParameters(cart_scale=2.0, buy_now_rate=0.05, refunded_order_rate=0.4), devices=400)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("file_format", ["ndjson", "parquet"])
def test_same_arguments_give_the_same_bytes(tmp_path: Path, file_format: str) -> None:
    for name in ("one", "two"):
        run(tmp_path / name, days=2, devices=100, file_format=file_format)
    run(tmp_path / "other", days=2, devices=100, seed=8, file_format=file_format)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert content(tmp_path / "one") != content(tmp_path / "other")


def test_both_formats_hold_the_same_events(tmp_path: Path) -> None:
    for file_format in ("ndjson", "parquet"):
        run(tmp_path / file_format, days=2, devices=100, file_format=file_format)
    parquet = pl.read_parquet(tmp_path / "parquet" / "landing" / "native" / "events" / "*.parquet")
    ndjson = records(tmp_path / "ndjson", "events").with_columns(pl.col(pl.Datetime).dt.epoch("ms"))
    assert_frame_equal(ndjson, parquet)
    assert truth(tmp_path / "ndjson").equals(truth(tmp_path / "parquet"))


def test_the_summary_counts_what_the_files_hold(tmp_path: Path) -> None:
    summary = run(tmp_path, replace(SimulationParameters(), duplicate_rate=0.02, broken_line_rate=0.002))
    written = lines(tmp_path, "events")
    whole = records(tmp_path, "events")
    assert summary.records == len(written)
    assert summary.broken == sum(not good(line) for line in written) > 0
    assert summary.events == whole["event_id"].n_unique()
    assert summary.duplicates == whole.height - summary.events > 0
    orders = records(tmp_path, "orders")
    assert (summary.orders, summary.order_versions) == (orders["order_id"].n_unique(), orders.height)
    assert summary.order_lines == len(lines(tmp_path, "order_lines")) == truth(tmp_path).height
    assert summary.refunds == len(lines(tmp_path, "refunds"))
    landed = {path for path in (tmp_path / "landing").rglob("*") if path.is_file()}
    assert set(summary.files) == landed
    assert (summary.first_day, summary.last_day) == (dt.date(2026, 3, 5), LAST_DAY)


@pytest.mark.parametrize("relation", NATIVE)
def test_records_have_the_fields_and_types_of_the_native_format(shop: Path, relation: str) -> None:
    whole = [json.loads(line) for line in lines(shop, relation) if relation != "events" or good(line)]
    assert whole
    for record in whole:
        assert record.keys() == NATIVE[relation].keys()
        wrong = [name for name, kind in NATIVE[relation].items() if not isinstance(record[name], kind)]
        assert not wrong, record


def test_events_that_matter_have_a_page_and_a_slot_from_one(shop: Path) -> None:
    on_pages = events(shop).filter(pl.col("event_type") != "login")
    assert set(on_pages["event_type"]) == {"page_view", "exposure", "click", "add_to_cart"}
    assert on_pages.select("page_id", "page_type").null_count().row(0) == (0, 0)
    assert on_pages["slot"].min() == 1
    ends = on_pages.filter(pl.col("event_type") == "add_to_cart")
    assert ends.height > 0
    assert ends["sku"].null_count() == 0


def test_products_are_distinct_and_cheaper_to_buy_in_than_to_sell(shop: Path) -> None:
    products = pl.read_csv(shop / "landing" / "native" / "products" / "products.csv", try_parse_dates=True)
    columns = ["sku", "name", "category", "brand", "unit_cost", "list_price", "launched_on", "updated_at"]
    assert products.columns == columns
    assert products["sku"].n_unique() == products.height == SimulationParameters().products
    assert 0 < products["unit_cost"].null_count() < 0.1 * products.height
    assert products.filter(pl.col("unit_cost") >= pl.col("list_price")).is_empty()
    assert set(events(shop)["sku"].drop_nulls()) <= set(products["sku"])


def test_page_ids_grow_with_each_new_page_of_a_device_and_are_reused_by_going_back(shop: Path) -> None:
    views = events(shop).filter(pl.col("event_type") == "page_view")
    first = views.unique(["device_id", "page_id"], keep="first", maintain_order=True)
    steps = first.select(step=pl.col("page_id").diff().over("device_id"))["step"].drop_nulls()
    # Records that are received after the last day leave gaps, never a step back.
    assert steps.min() == 1
    assert steps.filter(steps == 1).len() > 0.99 * steps.len()
    assert views.height > 1.2 * first.height
    kinds = events(shop).drop_nulls("page_id").group_by("device_id", "page_id").agg(pl.col("page_type").n_unique())
    assert kinds["page_type"].max() == 1


def test_every_page_shows_a_product_in_a_slot_before_it_is_clicked_there(shop: Path) -> None:
    key = ["device_id", "page_id", "module", "slot", "sku"]
    log = events(shop).filter(pl.col("sku").is_not_null(), pl.col("slot").is_not_null())
    shown = log.filter(pl.col("event_type") == "exposure").group_by(key).agg(shown_at=pl.col("device_time").min())
    clicks = log.filter(pl.col("event_type") == "click").join(shown, on=key, how="left")
    assert clicks.height > 100
    assert clicks.filter(pl.col("shown_at") < pl.col("device_time")).height == clicks.height


def test_nothing_happens_after_the_last_day_and_files_are_of_their_day(shop: Path) -> None:
    days = {LAST_DAY - dt.timedelta(days=nth) for nth in range(4)}
    for relation, time in (("events", "received_time"), ("orders", "updated_at"), ("refunds", "refunded_at")):
        for file in (shop / "landing" / "native" / relation).glob("*.ndjson"):
            whole = [json.loads(line) for line in file.read_text().splitlines() if relation != "events" or good(line)]
            assert {record[time][:10] for record in whole} == {file.stem}
            assert dt.date.fromisoformat(file.stem) in days
            end = dt.datetime.combine(dt.date.fromisoformat(file.stem), dt.time(), SHANGHAI) + dt.timedelta(days=1)
            assert file.stat().st_mtime == pytest.approx(end.timestamp())
    orders = records(shop, "orders")
    assert orders.filter(pl.col("paid_at") > pl.col("updated_at")).is_empty()
    assert orders.filter(pl.col("ordered_at") > pl.col("updated_at")).is_empty()


def test_orders_and_lines_belong_together_and_have_sound_versions(shop: Path) -> None:
    orders = records(shop, "orders").sort("order_id", "updated_at")
    assert set(records(shop, "order_lines")["order_id"]) == set(orders["order_id"])
    histories = set(
        orders.group_by("order_id", maintain_order=True).agg("status")["status"].map_elements(tuple, pl.Object)
    )
    sound = {
        ("paid",),
        ("unpaid",),
        ("unpaid", "paid"),
        ("unpaid", "cancelled"),
        ("paid", "refunded"),
        ("unpaid", "paid", "refunded"),
    }
    assert histories <= sound
    assert {("paid",), ("unpaid", "paid"), ("paid", "refunded")} <= histories
    is_paid = orders["status"].is_in(["paid", "refunded"])
    assert (orders["paid_at"].is_not_null() == is_paid).all()


def test_refunds_never_exceed_what_was_paid(shop: Path) -> None:
    revenue = pl.col("quantity") * pl.col("unit_price") - pl.col("discount")
    sold = records(shop, "order_lines").with_columns(revenue=revenue)
    refunds = records(shop, "refunds").join(sold, on=["order_id", "line_no"], how="left")
    paid = records(shop, "orders").filter(pl.col("status") == "paid").select("order_id", "paid_at")
    refunds = refunds.join(paid, on="order_id", how="left")
    assert refunds.height > 5
    assert (
        refunds.filter((pl.col("amount") <= pl.col("revenue") + 0.001) & (pl.col("amount") > 0)).height
        == refunds.height
    )
    assert refunds.filter(pl.col("refunded_at") > pl.col("paid_at")).height == refunds.height
    assert sold["revenue"].min() > 0
    assert refunds.select("order_id", "line_no").is_unique().all()


def test_the_truth_names_a_line_its_end_and_the_head_before_it(shop: Path) -> None:
    planted = truth(shop)
    sold = records(shop, "order_lines").join(records(shop, "orders").unique("order_id"), on="order_id")
    assert planted.select("order_id", "line_no").is_unique().all()
    assert set(planted["matched_by"]) == {"cart", "click", "none"}
    log = events(shop).select(
        "event_id", "event_type", "device_id", "device_time", "page_type", "module", "slot", "sku", "content_id"
    )
    lines_ = sold.select("order_id", "line_no", "sku", "ordered_at")
    found = planted.filter(pl.col("matched_by") != "none").join(lines_, on=["order_id", "line_no"])
    found = found.join(log, left_on="end_event_id", right_on="event_id", suffix="_of_end")
    assert found.height == planted.filter(pl.col("matched_by") != "none").height
    assert (found["sku"] == found["sku_of_end"]).all()
    expected = pl.col("matched_by").replace_strict({"cart": "add_to_cart", "click": "click"})
    assert found.filter(pl.col("event_type") != expected).is_empty()

    headed = found.filter(pl.col("head_event_id").is_not_null())
    assert found.filter((pl.col("entrance_id") == "(direct)") != pl.col("head_event_id").is_null()).is_empty()
    headed = headed.join(log, left_on="head_event_id", right_on="event_id", suffix="_of_head")
    assert headed.height == found["head_event_id"].count() > 0
    assert (headed["event_type_of_head"] == "click").all()
    assert (headed["device_id"] == headed["device_id_of_head"]).all()
    assert headed.filter(pl.col("device_time_of_head") > pl.col("device_time")).is_empty()
    assert (headed["head_slot"] == headed["slot_of_head"].fill_null(0)).all()
    assert (headed["head_content_id"] == headed["content_id_of_head"].fill_null("(none)")).all()


def test_the_truth_speaks_of_the_entrances_of_the_template(shop: Path) -> None:
    with (REPOSITORY / "config" / "entrances.csv").open(encoding="utf-8") as file:
        places = {row["entrance_id"]: (row["page_type"], row["module"]) for row in csv.DictReader(file)}
    planted = truth(shop).filter(pl.col("head_event_id").is_not_null())
    for entrance, page_type, module in planted.select("entrance_id", "head_page_type", "head_module").unique().rows():
        assert places[entrance] == (page_type, module)
    assert set(planted["entrance_id"]) == set(places)


def recovered(folder: Path) -> pl.DataFrame:
    """The truth beside what the log alone says: the buyer's latest cart of the product, and the head before it."""
    with (REPOSITORY / "config" / "entrances.csv").open(encoding="utf-8") as file:
        places = {f"{row['page_type']}.{row['module']}": row["entrance_id"] for row in csv.DictReader(file)}
    log = events(folder).with_columns(
        occurred_at=pl.col("device_time") + (pl.col("received_time") - pl.col("sent_time")),
        person=pl.col("user_id").backward_fill().over("device_id"),
        place=pl.format("{}.{}", "page_type", "module"),
    )
    sales = records(folder, "order_lines").join(records(folder, "orders").unique("order_id"), on="order_id")
    matched = (
        log.filter(pl.col("event_type") == "add_to_cart")
        .join(sales, left_on=["person", "sku"], right_on=["user_id", "sku"])
        .filter(pl.col("occurred_at") <= pl.col("ordered_at"))
        .sort("occurred_at")
        .unique(["order_id", "line_no"], keep="last", maintain_order=True)
        .select("order_id", "line_no", "device_id", "device_time", found_end="event_id")
    )
    heads = log.filter(pl.col("event_type") == "click", pl.col("place").is_in(list(places)))
    heads = heads.select("device_id", "device_time", found_entrance=pl.col("place").replace_strict(places))
    found = matched.sort("device_time").join_asof(
        heads.sort("device_time"), on="device_time", by="device_id", check_sortedness=False
    )
    carted = truth(folder).filter(pl.col("matched_by") == "cart")
    found = carted.join(found, on=["order_id", "line_no"], how="left")
    return found.with_columns(pl.col("found_entrance").fill_null("(direct)"))


def test_most_sales_can_be_traced_to_the_planted_end_and_entrance(shop: Path) -> None:
    found = recovered(shop)
    assert found.height > 100
    assert found.filter(pl.col("found_end") == pl.col("end_event_id")).height > 0.93 * found.height
    assert found.filter(pl.col("found_entrance") == pl.col("entrance_id")).height > 0.9 * found.height


def test_without_traps_all_but_shared_and_unlinked_sales_are_traced(tmp_path: Path) -> None:
    plain = replace(
        NO_TRAPS, shared_device_rate=0, second_device_rate=0, deep_link_rate=0, guest_rate=0, cart_scale=1.5
    )
    run(tmp_path, plain, devices=300)
    found = recovered(tmp_path)
    # What is left: a product that is carted again in a later visit, before the order of the earlier one.
    assert found.filter(pl.col("found_end") == pl.col("end_event_id")).height > 0.97 * found.height
    assert found.filter(pl.col("found_entrance") == pl.col("entrance_id")).height > 0.97 * found.height


def test_traps_can_be_switched_off(tmp_path: Path) -> None:
    summary = run(tmp_path, NO_TRAPS, devices=100)
    whole = records(tmp_path, "events")
    assert (summary.duplicates, summary.broken) == (0, 0)
    assert "login" not in set(whole["event_type"])
    assert whole.select((pl.col("received_time") - pl.col("device_time")).max()).item() < dt.timedelta(minutes=2)


def test_offline_visits_are_received_about_a_day_later(tmp_path: Path) -> None:
    run(tmp_path, replace(NO_TRAPS, offline_visit_rate=1.0), devices=100)
    delay = records(tmp_path, "events").select(delay=pl.col("received_time") - pl.col("device_time"))["delay"]
    assert delay.min() > dt.timedelta(hours=19)
    assert delay.max() < dt.timedelta(hours=31)


def test_a_clock_of_1970_is_repaired_by_the_sent_and_received_times(tmp_path: Path) -> None:
    run(tmp_path, replace(NO_TRAPS, epoch_clock_rate=1.0), devices=100)
    whole = records(tmp_path, "events")
    occurred = whole["device_time"] + (whole["received_time"] - whole["sent_time"])
    assert whole["device_time"].max().year == 1970
    assert occurred.min() >= dt.datetime(2026, 3, 5, tzinfo=SHANGHAI)
    assert occurred.max() < dt.datetime(2026, 3, 9, tzinfo=SHANGHAI)


def test_repeated_records_differ_only_in_when_they_were_sent(tmp_path: Path) -> None:
    run(tmp_path, replace(NO_TRAPS, duplicate_rate=0.1), devices=100)
    whole = records(tmp_path, "events").drop("sent_time", "received_time")
    assert whole.height > whole["event_id"].n_unique() == whole.unique().height


def test_visitors_log_in_within_a_visit(shop: Path) -> None:
    log = events(shop)
    logins = log.filter(pl.col("event_type") == "login")
    assert logins.height > 10
    assert logins["user_id"].null_count() == 0
    assert log.filter(pl.col("user_id").is_null()).height > 0


def test_a_slot_changes_its_content_between_days_and_never_within_one(shop: Path) -> None:
    banners = events(shop).filter(pl.col("module") == "banner", pl.col("event_type") == "exposure")
    day = (pl.col("device_time") + (pl.col("received_time") - pl.col("sent_time"))).dt.convert_time_zone(
        "Asia/Shanghai"
    )
    # A visit over midnight still sees what the day of its start showed: the night hours are left out.
    seen = banners.with_columns(at=day).filter(pl.col("at").dt.hour() > 3).with_columns(dt=pl.col("at").dt.date())
    contents = seen.group_by("dt", "slot").agg(pl.col("content_id").n_unique())
    assert contents["content_id"].max() == 1
    assert seen.group_by("slot").agg(pl.col("content_id").n_unique())["content_id"].max() > 1


def test_the_shop_is_busier_in_the_evening_than_before_dawn(shop: Path) -> None:
    hours = events(shop)["received_time"].dt.convert_time_zone("Asia/Shanghai").dt.hour()
    assert hours.is_between(20, 22).sum() > 5 * hours.is_between(2, 4).sum()


def test_a_shop_without_sales_has_no_order_files(tmp_path: Path) -> None:
    summary = run(tmp_path, SimulationParameters(cart_scale=0, buy_now_rate=0), days=1, devices=30)
    assert (summary.orders, summary.order_lines, summary.refunds) == (0, 0, 0)
    assert not (tmp_path / "landing" / "native" / "orders").exists()
    assert truth(tmp_path).is_empty()


@pytest.mark.parametrize("seed", range(4))
def test_one_device_for_a_day_is_enough(tmp_path: Path, seed: int) -> None:
    summary = run(tmp_path, days=1, devices=1, seed=seed)
    assert summary.records == len(lines(tmp_path, "events"))


@pytest.mark.parametrize("timezone", ["America/New_York", "UTC"])
def test_days_are_those_of_the_time_zone_also_when_the_clocks_change(tmp_path: Path, timezone: str) -> None:
    simulate(
        tmp_path / "landing", days=2, devices=80, seed=1, last_day=LAST_DAY, timezone=timezone
    )  # LAST_DAY has 23 hours
    stems = {file.stem for file in (tmp_path / "landing" / "native" / "events").iterdir()}
    assert stems == {"2026-03-07", "2026-03-08"}
    for file in (tmp_path / "landing" / "native" / "events").iterdir():
        received = [json.loads(line)["received_time"] for line in file.read_text().splitlines() if good(line)]
        assert {time[:10] for time in received} == {file.stem}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"days": 0}, "days is 0, expected 1 or more"),
        ({"devices": -3}, "devices is -3, expected 1 or more"),
        ({"seed": -1}, "seed is -1, expected 0 or more"),
        ({"timezone": "Mars/Base"}, "time zone 'Mars/Base' is unknown"),
        ({"format": "csv"}, "format is 'csv', expected ndjson or parquet"),
    ],
)
def test_impossible_arguments_are_refused_in_one_line(tmp_path: Path, wrong: dict[str, object], message: str) -> None:
    arguments = {"days": 1, "devices": 1, "seed": 1, "last_day": LAST_DAY, **wrong}
    with pytest.raises(HeadwaterError, match=message):
        simulate(tmp_path / "landing", **arguments)
    assert not (tmp_path / "landing").exists()
