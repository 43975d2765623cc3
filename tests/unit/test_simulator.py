"""The simulator: the properties of its landing files, and of the true origins of its sales.

Its traps (faults as in real logs) are tested in ``test_simulator_traps``.
"""

import csv
import datetime as dt
import json
import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import REPOSITORY
from pipelines.simulator import SimulationParameters, simulate
from tests.simulated import CLEAN, LAST_DAY, NATIVE, SHANGHAI, content, events, good, lines, records, run, truth


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The landing files and true origins of a small shop with so many carts that every kind of sale occurs.

    Device ids and PageIds are unique, and all records arrive. Exceptions are tested in ``test_simulator_traps``.
    """
    folder = tmp_path_factory.mktemp("shop")
    parameters = SimulationParameters(
        cart_scale=2.0,
        buy_now_rate=0.05,
        refunded_order_rate=0.4,
        cloned_id_rate=0,
        page_id_reset_rate=0,
        offline_visit_rate=0,
        very_late_visit_rate=0,
    )
    run(folder, parameters, devices=400)
    return folder


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
    assert_frame_equal(ndjson, parquet.cast({pl.selectors.enum(): pl.String, pl.Int32: pl.Int64}))
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
    order_lines = records(tmp_path, "order_lines")
    assert summary.order_lines == order_lines.height
    assert order_lines.unique(["order_id", "line_no"]).height == truth(tmp_path).height
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


def test_products_are_distinct_and_cost_less_than_their_price(shop: Path) -> None:
    products = pl.read_csv(shop / "landing" / "native" / "products" / "products.csv", try_parse_dates=True)
    columns = ["sku", "parent_sku", "name", "category", "brand", "unit_cost", "list_price", "launched_on", "updated_at"]
    assert products.columns == columns
    assert products["sku"].n_unique() == products.height
    assert products.filter(pl.col("sku").str.contains("^SKU[0-9]+$")).height == SimulationParameters().products
    assert 0 < products["unit_cost"].null_count() < 0.1 * products.height
    is_gift = pl.col("list_price") == 0
    assert products.filter(pl.col("unit_cost") >= pl.col("list_price"), ~is_gift).is_empty()
    assert products.filter(is_gift)["unit_cost"].min() > 0
    assert set(events(shop)["sku"].drop_nulls()) <= set(products["sku"])


def test_pages_show_products_orders_variants_and_carts_either(shop: Path) -> None:
    products = pl.read_csv(shop / "landing" / "native" / "products" / "products.csv")
    variants = products.filter(pl.col("parent_sku").is_not_null())
    counts = variants.group_by("parent_sku").len()["len"]
    assert (counts.min(), counts.max()) == (2, 4)
    assert 0.2 * SimulationParameters().products < counts.len() < 0.4 * SimulationParameters().products
    both = variants.join(products, left_on="parent_sku", right_on="sku", suffix="_of_product")
    assert both.height == variants.height
    assert both.filter(pl.col("parent_sku_of_product").is_not_null()).is_empty()
    assert both.filter(pl.col("list_price") != pl.col("list_price_of_product")).height > 0.9 * both.height

    parents, log = set(variants["parent_sku"]), events(shop).drop_nulls("sku")
    is_variant, is_parent = pl.col("sku").is_in(variants["sku"].to_list()), pl.col("sku").is_in(list(parents))
    pages = log.filter(pl.col("event_type") != "add_to_cart")
    carts = log.filter(pl.col("event_type") == "add_to_cart")
    assert pages.filter(is_variant).is_empty()
    assert pages.filter(is_parent).height > 100
    assert carts.filter(is_variant).height > 5
    assert carts.filter(is_parent).height > 5
    sold = records(shop, "order_lines").unique(["order_id", "line_no"])
    assert sold.filter(is_parent).is_empty()
    assert sold.filter(is_variant).height > 20
    # If the add-to-cart is of a variant, the same variant is sold.
    ends = truth(shop).filter(pl.col("kind") == "product").join(sold, on=["order_id", "line_no"])
    ends = ends.join(carts, left_on="end_event_id", right_on="event_id", suffix="_of_end")
    named = ends.filter(pl.col("sku_of_end").is_in(variants["sku"].to_list()))
    assert named.height > 3
    assert (named["sku"] == named["sku_of_end"]).all()


def test_page_ids_grow_with_new_pages_and_are_reused_going_back(shop: Path) -> None:
    views = events(shop).filter(pl.col("event_type") == "page_view")
    first = views.unique(["device_id", "page_id"], keep="first", maintain_order=True)
    steps = first.select(step=pl.col("page_id").diff().over("device_id"))["step"].drop_nulls()
    # Records received after the last day are missing and leave gaps, but PageIds never decrease.
    assert steps.min() == 1
    assert steps.filter(steps == 1).len() > 0.99 * steps.len()
    assert views.height > 1.2 * first.height
    kinds = events(shop).drop_nulls("page_id").group_by("device_id", "page_id").agg(pl.col("page_type").n_unique())
    assert kinds["page_type"].max() == 1


def test_every_page_shows_a_product_before_it_is_clicked_there(shop: Path) -> None:
    key = ["device_id", "page_id", "module", "slot", "sku"]
    log = events(shop).filter(pl.col("sku").is_not_null(), pl.col("slot").is_not_null())
    shown = log.filter(pl.col("event_type") == "exposure").group_by(key).agg(shown_at=pl.col("device_time").min())
    clicks = log.filter(pl.col("event_type") == "click").join(shown, on=key, how="left")
    assert clicks.height > 100
    assert clicks.filter(pl.col("shown_at") < pl.col("device_time")).height == clicks.height


def test_nothing_follows_the_last_day_and_files_have_their_day(shop: Path) -> None:
    days = {LAST_DAY - dt.timedelta(days=nth) for nth in range(4)}
    for relation, time in (("events", "received_time"), ("orders", "updated_at"), ("refunds", "refunded_at")):
        for file in (shop / "landing" / "native" / relation).glob("*.ndjson"):
            whole = [json.loads(line) for line in file.read_text().splitlines() if relation != "events" or good(line)]
            assert {record[time][:10] for record in whole if record[time]} == {file.stem}
            assert dt.date.fromisoformat(file.stem) in days
            end = dt.datetime.combine(dt.date.fromisoformat(file.stem), dt.time(), SHANGHAI) + dt.timedelta(days=1)
            assert file.stat().st_mtime == pytest.approx(end.timestamp())
    orders = records(shop, "orders")
    assert orders.filter(pl.col("paid_at") > pl.col("updated_at")).is_empty()
    assert orders.filter(pl.col("ordered_at") > pl.col("updated_at")).is_empty()


def test_orders_and_lines_match_and_have_sound_versions(shop: Path) -> None:
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
    newest = records(shop, "order_lines").sort("updated_at").unique(["order_id", "line_no"], keep="last")
    sold = newest.with_columns(revenue=revenue)
    refunds = records(shop, "refunds").join(sold, on=["order_id", "line_no"], how="left")
    paid = records(shop, "orders").filter(pl.col("status") == "paid").select("order_id", "paid_at")
    refunds = refunds.join(paid, on="order_id", how="left")
    assert refunds.height > 5
    assert (
        refunds.filter((pl.col("amount") <= pl.col("revenue") + 0.001) & (pl.col("amount") > 0)).height
        == refunds.height
    )
    assert refunds.filter(pl.col("refunded_at") > pl.col("paid_at")).height == refunds.height
    paid_for = sold.filter(~pl.col("sku").str.starts_with("GIFT"))
    assert paid_for["revenue"].min() > 0
    assert sold.height > paid_for.height
    assert refunds.select("order_id", "line_no").is_unique().all()


def test_the_truth_names_a_line_its_end_and_the_head_before_it(shop: Path) -> None:
    planted = truth(shop)
    sold = records(shop, "order_lines").join(records(shop, "orders").unique("order_id"), on="order_id")
    assert planted.select("order_id", "line_no").is_unique().all()
    pairs = {
        *(("product", "cart"), ("product", "click"), ("unknown_sku", "cart"), ("unknown_sku", "click")),
        *(("gift", "order"), ("add_on", "order"), ("bundle", "visit"), ("telephone", "none")),
    }
    assert set(planted.select(pl.col("kind", "matched_by").cast(pl.String)).rows()) <= pairs
    assert set(planted["matched_by"]) == {"cart", "click", "order", "visit", "none"}
    log = events(shop).select(
        "event_id", "event_type", "device_id", "device_time", "page_type", "module", "slot", "sku", "content_id"
    )
    lines_ = sold.unique(["order_id", "line_no"]).select("order_id", "line_no", "sku", "ordered_at")
    has_end = pl.col("matched_by").is_in(["cart", "click", "order"])
    assert planted.filter(has_end != pl.col("end_event_id").is_not_null()).is_empty()
    found = planted.filter(has_end).join(lines_, on=["order_id", "line_no"])
    found = found.join(log, left_on="end_event_id", right_on="event_id", suffix="_of_end")
    assert found.height == planted.filter(has_end).height
    own = found.filter(pl.col("kind") == "product")
    # SKU00012-2 is the second variant of SKU00012.
    product, product_of_end = own["sku"].str.head(8), own["sku_of_end"].str.head(8)
    assert (product == product_of_end).all()
    expected = pl.col("matched_by").cast(pl.String).replace_strict({"cart": "add_to_cart", "click": "click"})
    assert own.filter(pl.col("event_type") != expected).is_empty()

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


def test_a_slot_changes_its_content_only_between_days(shop: Path) -> None:
    banners = events(shop).filter(pl.col("module") == "banner", pl.col("event_type") == "exposure")
    day = (pl.col("device_time") + (pl.col("received_time") - pl.col("sent_time"))).dt.convert_time_zone(
        "Asia/Shanghai"
    )
    # Night hours are left out, because a visit over midnight still sees the content of the day on which it began.
    seen = banners.with_columns(at=day).filter(pl.col("at").dt.hour() > 3).with_columns(dt=pl.col("at").dt.date())
    contents = seen.group_by("dt", "slot").agg(pl.col("content_id").n_unique())
    assert contents["content_id"].max() == 1
    assert seen.group_by("slot").agg(pl.col("content_id").n_unique())["content_id"].max() > 1


def test_the_shop_is_busier_in_the_evening_than_before_dawn(shop: Path) -> None:
    hours = events(shop)["received_time"].dt.convert_time_zone("Asia/Shanghai").dt.hour()
    assert hours.is_between(20, 22).sum() > 5 * hours.is_between(2, 4).sum()


def test_most_visits_are_on_the_busiest_weekdays(tmp_path: Path) -> None:
    run(tmp_path, CLEAN, days=14, devices=1500, file_format="parquet")
    log = pl.scan_parquet(tmp_path / "landing" / "native" / "events" / "*.parquet")
    received = pl.from_epoch("received_time", time_unit="ms").dt.replace_time_zone("UTC")
    weekday = received.dt.convert_time_zone("Asia/Shanghai").dt.weekday()
    counts = dict(log.group_by(weekday=weekday).len().collect().rows())
    assert counts[6] + counts[7] > 1.1 * (counts[2] + counts[3])


def test_few_products_are_popular_and_most_are_seldom_clicked(shop: Path) -> None:
    clicks = events(shop).filter(pl.col("event_type") == "click").drop_nulls("sku").group_by("sku").len()
    counts = clicks["len"].sort(descending=True)
    assert counts.head(30).sum() > 0.25 * counts.sum()
    assert counts.len() > 200


def test_a_block_is_the_same_whatever_other_blocks_there_are(tmp_path: Path) -> None:
    parameters = SimulationParameters(devices_per_block=40)
    for devices in (80, 200):
        run(tmp_path / str(devices), parameters, days=3, devices=devices)
    few, many = (content(tmp_path / str(devices) / "landing") for devices in (80, 200))
    of_first_blocks = {name for name in many if "-b000." in name or "-b001." in name}
    assert {name for name in few if "-b" in name} == of_first_blocks
    assert len(of_first_blocks) > 12
    assert all(few[name] == many[name] for name in of_first_blocks)
    assert len(many) > 2 * len(few)


@pytest.mark.parametrize("file_format", ["ndjson", "parquet"])
def test_how_many_blocks_are_made_at_once_changes_no_byte(tmp_path: Path, file_format: str) -> None:
    parameters = SimulationParameters(devices_per_block=20)
    for workers in (1, 3):
        run(tmp_path / str(workers), parameters, days=2, devices=100, file_format=file_format, workers=workers)
    assert content(tmp_path / "1") == content(tmp_path / "3")


def test_blocks_share_no_device_user_event_or_order(tmp_path: Path) -> None:
    run(tmp_path, SimulationParameters(devices_per_block=30), devices=120)
    folder = tmp_path / "landing" / "native"
    for relation, key in (
        ("events", "event_id"),
        ("events", "device_id"),
        ("orders", "order_id"),
        ("orders", "user_id"),
    ):
        owners: dict[str, set[str]] = {}
        for file in (folder / relation).iterdir():
            whole = [json.loads(line) for line in file.read_text().splitlines() if relation != "events" or good(line)]
            for record in whole:
                owners.setdefault(record[key], set()).add(file.stem[-4:])
        assert {len(blocks) for blocks in owners.values()} == {1}, key
        assert key != "event_id" or all(re.fullmatch("[0-9a-f]{32}", event) for event in owners)


def test_hourly_files_hold_the_same_records_as_daily_ones(tmp_path: Path) -> None:
    for files in ("daily", "hourly"):
        run(tmp_path / files, CLEAN, days=2, devices=150, files=files)
    daily, hourly = (sorted(lines(tmp_path / files, "events")) for files in ("daily", "hourly"))
    assert daily == hourly
    stems = {file.stem for file in (tmp_path / "hourly" / "landing" / "native" / "events").iterdir()}
    assert len(stems) > 30
    for stem in stems:
        file = tmp_path / "hourly" / "landing" / "native" / "events" / f"{stem}.ndjson"
        received = {json.loads(line)["received_time"][:13] for line in file.read_text().splitlines()}
        assert received == {f"{stem[:10]}T{stem[11:]}"}
        end = dt.datetime.strptime(stem, "%Y-%m-%d-%H").replace(tzinfo=SHANGHAI) + dt.timedelta(hours=1)
        assert file.stat().st_mtime == pytest.approx(end.timestamp())


def test_the_planted_effect_of_content_is_beside_the_truth(shop: Path) -> None:
    contents = pl.read_parquet(shop / "simulation" / "contents.parquet")
    shown = contents.select("page_type", "module", "slot", "content_id").unique()
    log = events(shop).filter(pl.col("module").is_in(["banner", "icons"])).drop_nulls("content_id")
    assert log.join(shown, on=shown.columns, how="anti", nulls_equal=True).is_empty()
    banners = contents.filter(pl.col("module") == "banner").group_by("slot").agg(pl.col("click_share").n_unique())
    assert (banners["click_share"] > 1).sum() >= 3


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
def test_days_are_the_time_zones_also_when_the_clocks_change(tmp_path: Path, timezone: str) -> None:
    simulate(
        tmp_path / "landing", days=2, devices=80, seed=1, last_day=LAST_DAY, timezone=timezone
    )  # in New York, LAST_DAY has only 23 hours, because the clocks are set forward
    stems = {file.stem for file in (tmp_path / "landing" / "native" / "events").iterdir()}
    assert stems == {"2026-03-07", "2026-03-08"}
    for file in (tmp_path / "landing" / "native" / "events").iterdir():
        received = [json.loads(line)["received_time"] for line in file.read_text().splitlines() if good(line)]
        assert {time[:10] for time in received if time} == {file.stem}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"days": 0}, "days is 0, expected 1 or more"),
        ({"devices": -3}, "devices is -3, expected 1 or more"),
        ({"seed": -1}, "seed is -1, expected 0 or more"),
        ({"timezone": "Mars/Base"}, "time zone 'Mars/Base' is unknown"),
        ({"format": "csv"}, "format is 'csv', expected ndjson or parquet"),
        ({"files": "weekly"}, "files is 'weekly', expected daily or hourly"),
    ],
)
def test_impossible_arguments_are_refused_in_one_line(tmp_path: Path, wrong: dict[str, object], message: str) -> None:
    arguments = {"days": 1, "devices": 1, "seed": 1, "last_day": LAST_DAY, **wrong}
    with pytest.raises(HeadwaterError, match=message):
        simulate(tmp_path / "landing", **arguments)
    assert not (tmp_path / "landing").exists()


def test_an_ab_test_shows_each_user_one_variant(tmp_path: Path) -> None:
    run(tmp_path, replace(CLEAN, experiment_days=3), days=4, devices=400)
    planted = pl.read_csv(tmp_path / "simulation" / "experiments.csv")
    assert planted["variant"].to_list() == ["A", "B"]
    share_a, share_b = planted["click_share"].to_list()
    assert share_b > share_a
    seen = records(tmp_path, "events").filter(pl.col("content_id").str.starts_with("ab/icon-1/"))
    days = seen["device_time"].dt.convert_time_zone(SHANGHAI.key).dt.date()
    assert days.min() == LAST_DAY - dt.timedelta(days=2)
    users = seen.filter(pl.col("user_id").is_not_null()).group_by("user_id").agg(pl.col("content_id").n_unique())
    assert users.height > 30
    assert users["content_id"].max() == 1
    clicks = seen.filter(pl.col("event_type") == "click").group_by("content_id").len()
    assert dict(clicks.rows())["ab/icon-1/B"] > dict(clicks.rows())["ab/icon-1/A"] > 0


def test_without_experiment_days_there_is_no_ab_test(shop: Path) -> None:
    assert not (shop / "simulation" / "experiments.csv").exists()
    assert not records(shop, "events")["content_id"].str.starts_with("ab/").any()
