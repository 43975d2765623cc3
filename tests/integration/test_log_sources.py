"""Sources for logs of other trackers: the sample logs in tests/samples give the paths and sales of their shoppers.

Each log has the actions of two shoppers on 10 November 2026. A guest comes by a campaign, clicks the home page's
banner, finds product s2 in a list, puts it in the cart, buys it and two lines of s3 (order T1), and is refunded for one
of these. A customer, u7, searches, and buys three of product s1 (T2). A few records beside them cannot be read.
"""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.home.folder import Home
from pipelines.ingest import RawLake, load_sources
from tests.ingest_support import live_events, new_home, raw, take_in
from tests.support import attribute, make_home, table

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "samples"
LANDED = 1794355200  # 2026-11-11 00:00 UTC
SETTINGS = {"timezone": "Asia/Shanghai", "currency": "CNY", "start_date": "2026-11-10"}


def land_sample(home: Home, source: str, *names: str) -> None:
    """Land the sample files of *source*, or only those called *names*."""
    for file in sorted(SAMPLES.joinpath(source).rglob("*.*")):
        if not names or file.name in names:
            place = home.landing / source / file.relative_to(SAMPLES / source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())
            os.utime(place, (LANDED, LANDED))


def computed(folder: Path, source: str) -> Home:
    home = make_home(folder, settings=SETTINGS)
    entrances = ROOT / "sql" / "sources" / source / "entrances.csv"
    (home.config / "entrances.csv").write_bytes(entrances.read_bytes())
    land_sample(home, source)
    attribute(home)
    return home


@pytest.fixture(scope="module")
def ga4(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return computed(tmp_path_factory.mktemp("ga4") / "home", "ga4")


@pytest.fixture(scope="module")
def snowplow(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return computed(tmp_path_factory.mktemp("snowplow") / "home", "snowplow")


def fates(home: Home) -> dict[str, tuple[int, int, int, int, int]]:
    """File → its numbers of records, accepted, duplicates, quarantined and unmapped."""
    found = {}
    for batch in RawLake.load(home).batches:
        assert batch.records == batch.accepted + batch.duplicates + batch.quarantined
        numbers = (batch.records, batch.accepted, batch.duplicates, batch.quarantined, batch.unmapped)
        found[Path(batch.file).name] = numbers
    return found


def reasons(home: Home) -> dict[tuple[str, int], str]:
    return {(Path(row["file"]).name, row["record_no"]): row["reasons"] for row in raw(home, "raw.quarantine")}


def path_of_cart(home: Home, device: str) -> list[tuple[Any, ...]]:
    """Page type, module, slot and sku of the effective steps that lead to the device's add-to-cart."""
    events = {row["event_id"]: row for row in table(home, "core.events")}
    (cart,) = [e for e, row in events.items() if row["device_id"] == device and row["event_type"] == "add_to_cart"]
    steps = sorted(
        (row for row in table(home, "attribution.path_steps") if row["end_event_id"] == cart),
        key=lambda row: row["step_no"],
    )
    effective = [events[row["event_id"]] for row in steps if row["effective_step_no"] is not None]
    return [(row["page_type"], row["module"], row["slot"], row["sku"]) for row in effective]


def sales(home: Home) -> dict[tuple[str, str], tuple[Any, ...]]:
    """(order, product) of each line → entrance and head module's entrance, how it was matched, revenue."""
    return {
        (row["order_id"], f"{row['sku']} × {row['quantity']}"): (row["entrance_id"], row["matched_by"], row["revenue"])
        for row in table(home, "attribution.attributed_sales")
    }


SALES = {
    ("T1", "s2 × 1"): ("home_hero", "cart", Decimal(99)),
    ("T1", "s3 × 2"): ("home_hero", "order", Decimal(21)),
    ("T1", "s3 × 1"): ("home_hero", "order", Decimal("9.99")),
    ("T2", "s1 × 3"): ("search", "cart", Decimal(150)),
}


def landed_parquet(folder: Path, source: str, select: str) -> Home:
    """A home in which the rows of the query *select* are landed as the source's only file."""
    home = new_home(folder)
    home.settings_file.write_text("timezone: Asia/Shanghai\ncurrency: CNY\n", encoding="utf-8")
    file = home.landing / source / "events" / "events.parquet"
    file.parent.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{file}' (FORMAT parquet)")
    os.utime(file, (LANDED, LANDED))
    assert take_in(home).errors == []
    return home


@pytest.mark.parametrize("name", ["ga4", "snowplow"])
def test_each_file_of_a_log_is_mapped_by_itself(name: str) -> None:
    """Mapping all files at once would read the whole log again for each new day."""
    (source,) = [source for source in load_sources(None) if source.name == name]
    assert {target: mapping.by_record for target, mapping in source.mappings.items()} == dict.fromkeys(
        ("events", "orders", "order_lines", "refunds"), True
    )


# GA4 ---------------------------------------------------------------------------------------------------


def test_every_record_of_the_ga4_sample_is_accounted_for(ga4: Home) -> None:
    assert fates(ga4) == {
        "events_20261110.ndjson": (26, 21, 0, 5, 3),
        "events_intraday_20261110.ndjson": (6, 1, 5, 0, 1),
    }
    day = "events_20261110.ndjson"
    assert reasons(ga4) == {
        (day, 22): "missing device_id",
        (day, 23): "bad device_time",
        (day, 24): "missing page_url",
        (day, 25): "bad slot",
        (day, 26): "missing order_id",
    }


def test_ga4_shoppers_have_the_paths_and_sales_of_the_log(ga4: Home) -> None:
    assert path_of_cart(ga4, "100.1") == [
        ("home", "home_hero", None, None),
        ("list", "category_list", 2, "s2"),
        ("detail", None, None, "s2"),
    ]
    assert path_of_cart(ga4, "200.2") == [("search", "search_results", 1, "s1"), ("detail", None, None, "s1")]
    assert sales(ga4) == SALES


def test_a_ga4_refund_finds_its_line_or_is_listed(ga4: Home) -> None:
    lines = {
        row["refunded"]: (row["sku"], row["quantity"]) for row in table(ga4, "core.order_lines") if row["refunded"]
    }
    assert lines == {Decimal("10.5"): ("s3", 2)}
    assert [row["order_id"] for row in table(ga4, "core.order_mismatches")] == ["T2"]


def test_ga4_times_are_exact_to_the_microsecond(ga4: Home) -> None:
    (click,) = [
        row for row in table(ga4, "core.events") if row["module"] == "category_list" and row["event_type"] == "click"
    ]
    assert str(click["device_time"]) == "2026-11-10 02:00:09.000001"


def test_parquet_of_ga4_gives_the_events_of_ndjson(tmp_path: Path, ga4: Home) -> None:
    """A day that is landed in both formats is the same day, so its event ids must not depend on the format."""
    value = "STRUCT(string_value VARCHAR, int_value BIGINT, float_value DOUBLE, double_value DOUBLE)"
    numbers = "event_timestamp, event_bundle_sequence_id, batch_page_id, batch_ordering_id, batch_event_index"
    home = landed_parquet(
        tmp_path / "home",
        "ga4",
        f"SELECT * REPLACE ({', '.join(f'CAST({n} AS BIGINT) AS {n}' for n in numbers.split(', '))}, "
        f'CAST(event_params AS STRUCT("key" VARCHAR, "value" {value})[]) AS event_params) '
        f"FROM read_json('{SAMPLES}/ga4/events/events_20261110.ndjson', sample_size = -1) "
        "WHERE event_timestamp <> 'yesterday'",
    )
    columns = ("event_id", "event_type", "page_url", "module", "slot", "sku", "device_time", "utm_source")
    expected = {tuple(row[c] for c in columns) for row in live_events(ga4)}
    assert {tuple(row[c] for c in columns) for row in live_events(home)} == expected
    for target in ("raw.orders", "raw.order_lines", "raw.refunds"):
        assert {row["record_hash"] for row in raw(home, target)} == {row["record_hash"] for row in raw(ga4, target)}


# Snowplow ----------------------------------------------------------------------------------------------


def test_every_record_of_the_snowplow_sample_is_accounted_for(snowplow: Home) -> None:
    assert fates(snowplow) == {"enriched.tsv": (22, 17, 1, 4, 3), "enriched.ndjson": (9, 8, 0, 1, 0)}
    assert reasons(snowplow) == {
        ("enriched.tsv", 17): "100 fields instead of 131",
        ("enriched.tsv", 19): "bad device_time",
        ("enriched.tsv", 20): "bad slot",
        ("enriched.tsv", 21): "missing device_id",
        ("enriched.ndjson", 9): "missing order_id",
    }


def test_snowplow_shoppers_have_the_log_s_paths_and_sales(snowplow: Home) -> None:
    assert path_of_cart(snowplow, "aaaa") == [
        ("home", "home_hero", 1, None),
        ("list", "category_list", 2, "s2"),
        ("detail", None, None, "s2"),
    ]
    assert path_of_cart(snowplow, "bbbb") == [
        ("search", "search_results", 1, "s1"),
        ("detail", None, None, "s1"),
    ]
    assert sales(snowplow) == SALES


def test_snowplow_crawlers_are_no_visitors(snowplow: Home) -> None:
    crawlers = {row["device_id"] for row in raw(snowplow, "raw.events") if row["is_bot"]}
    assert crawlers == {"spider1", "spider2"}
    assert not crawlers & {row["device_id"] for row in table(snowplow, "core.events")}


def test_a_snowplow_clock_that_is_wrong_is_corrected(snowplow: Home) -> None:
    (event,) = [row for row in table(snowplow, "core.events") if row["device_id"] == "cccc"]
    assert (str(event["device_time"]), str(event["occurred_at"])) == (
        "2026-11-10 04:10:40",
        "2026-11-10 02:10:40.200000",
    )


def test_a_snowplow_refund_finds_its_line(snowplow: Home) -> None:
    refunded = [(row["sku"], row["quantity"], row["refunded"]) for row in table(snowplow, "core.order_lines")]
    assert [row for row in refunded if row[2]] == [("s3", 2, Decimal(8))]


def test_parquet_of_a_snowplow_lake_gives_the_events_of_json(tmp_path: Path, snowplow: Home) -> None:
    query = f"SELECT * FROM read_json('{SAMPLES}/snowplow/events/enriched.ndjson', sample_size = -1)"
    home = landed_parquet(tmp_path / "home", "snowplow", query)
    columns = ("event_id", "event_type", "page_url", "module", "slot", "sku", "device_time", "received_at", "platform")
    shoppers = ("bbbb", "APP1")
    expected = {tuple(row[c] for c in columns) for row in live_events(snowplow) if row["device_id"] in shoppers}
    assert {tuple(row[c] for c in columns) for row in live_events(home)} == expected
    assert [(row["order_id"], row["sku"], row["quantity"]) for row in raw(home, "raw.order_lines")] == [("T2", "s1", 3)]
