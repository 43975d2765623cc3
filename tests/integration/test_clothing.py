"""E-shop clothing 2008: five months of real product clicks without sales, compared with plain counts of the file."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import os
import shutil
import time
from collections import Counter, defaultdict
from decimal import Decimal

import pytest

from pipelines.compute.reading import query_rows
from pipelines.compute.run import run_home
from pipelines.home.folder import REPOSITORY, init_home
from tests.real_data import data_set
from tests.support import LANDED_AT, run_selected, table

FILE = "e-shop_clothing_2008.csv.gz"
CATEGORIES = {"1": "trousers", "2": "skirts", "3": "blouses", "4": "sale"}
SETTINGS = "timezone: UTC\ncurrency: USD\nattribution: {path_ends: [click]}\n"


def make_home(folder):
    home, _ = init_home(folder)
    home.settings_file.write_text(SETTINGS, encoding="utf-8")
    shutil.copyfile(REPOSITORY / "sql/sources/clothing/entrances.csv", home.config / "entrances.csv")
    (home.landing / "clothing" / "clicks").mkdir(parents=True)
    return home


def found(home, sql):
    return query_rows(home, sql, limit=1_000_000).rows


# A small log, made by hand --------------------------------------------------------------------------------

HEADER = (
    "year;month;day;order;country;session ID;page 1 (main category);page 2 (clothing model);colour;location;"
    "model photography;price;price 2;page"
)
CLICKS = """\
2008;4;1;1;29;7;1;A1;1;5;1;28;2;1
2008;4;1;2;29;7;1;A2;1;6;2;33;2;1
2008;4;1;3;29;7;1;A9;1;1;1;43;2;2
2008;4;1;4;29;7;3;C5;1;2;1;52;1;4
2008;4;1;5;29;7;1;A1;1;5;1;28;2;1
2008;4;2;1;29;8;4;P1;1;3;1;38;2;1
"""


def write(home, text, name="clicks.csv"):
    path = home.landing / "clothing" / "clicks" / name
    path.write_text(f"{HEADER}\n{text}", encoding="utf-8")
    os.utime(path, (LANDED_AT.timestamp(), LANDED_AT.timestamp()))


@pytest.fixture
def small(tmp_path):
    home = make_home(tmp_path / "shop")
    write(home, CLICKS)
    return home


def test_each_opened_category_is_a_head_and_each_list_a_page(small):
    run_selected(small, "+attribution.path_steps")
    steps = found(
        small,
        "SELECT event_id, page_id, page_type, module, slot, sku, entrance_id FROM core.events "
        "ORDER BY device_id, device_time, page_id, event_id",
    )
    assert steps == [
        ("menu-7-1", 1, "menu", "trousers", None, None, "trousers"),
        ("click-7-1", 2, "trousers", "page_1", 5, "A1", None),
        ("click-7-2", 2, "trousers", "page_1", 6, "A2", None),
        ("click-7-3", 6, "trousers", "page_2", 1, "A9", None),
        ("menu-7-4", 7, "menu", "blouses", None, None, "blouses"),
        ("click-7-4", 8, "blouses", "page_4", 2, "C5", None),
        ("menu-7-5", 9, "menu", "trousers", None, None, "trousers"),
        ("click-7-5", 10, "trousers", "page_1", 5, "A1", None),
        ("menu-8-1", 1, "menu", "sale", None, None, "sale"),
        ("click-8-1", 2, "sale", "page_1", 3, "P1", None),
    ]
    path = (
        "SELECT event_id, effective_step_no FROM attribution.path_steps WHERE end_event_id = 'click-7-3' ORDER BY ALL"
    )
    assert found(small, path) == [("click-7-1", None), ("click-7-2", 2), ("click-7-3", 3), ("menu-7-1", 1)]


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "Europe/Warsaw", "Asia/Tokyo"])
def test_clicks_keep_their_day_in_the_time_zone_of_the_shop(small, zone):
    small.settings_file.write_text(f"timezone: {zone}\n", encoding="utf-8")
    run_selected(small, "+core.events")
    days = Counter(row["dt"] for row in table(small, "core.events") if row["sku"])
    assert days == {dt.date(2008, 4, 1): 5, dt.date(2008, 4, 2): 1}


def test_broken_and_repeated_clicks_are_counted_by_reason(small):
    broken = {
        "2008;4;31;1;29;9;1;A1;1;5;1;28;2;1": "bad device_time",
        "2008;4;1;x;29;9;1;A1;1;5;1;28;2;1": "missing event_id",
        "2008;4;1;1.5;29;9;1;A1;1;5;1;28;2;1": "missing event_id",
        "2008;4;1;1;29;10;5;A1;1;5;1;28;2;1": "missing page_type",
        "2008;4;1;2;29;10;1;A1;1;top;1;28;2;1": "bad slot",
    }
    again = CLICKS.splitlines()[3]
    write(small, "\n".join([*broken, again]) + "\n", "more.csv")
    summary = run_selected(small, "core").ingested
    counts = (summary.records, summary.accepted, summary.duplicates, summary.quarantined)
    assert counts == (12, 6, 1, 5)
    refused = found(small, "SELECT record_no, reasons FROM core.quarantine ORDER BY record_no")
    assert [number for number, _ in refused] == [1, 2, 3, 4, 5]
    for (_, reasons), expected in zip(refused, broken.values(), strict=True):
        assert expected in reasons
    # A record yields a click on a product, and may yield one on the menu; a refused record yields neither.
    assert {row["device_id"] for row in table(small, "core.events")} == {"session-7", "session-8"}


# The real log ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A computed home with the five months."""
    home = make_home(tmp_path_factory.mktemp("clothing") / "shop")
    shutil.copyfile(data_set("eshop_clothing") / FILE, home.landing / "clothing" / "clicks" / FILE)
    started = time.monotonic()
    summary = run_home(home)
    seconds = time.monotonic() - started
    print(f"165,474 clicks ingested and computed in {seconds:.1f} s")
    assert not summary.has_errors
    assert not summary.failed_checks
    return home


def clicks():
    with gzip.open(data_set("eshop_clothing") / FILE, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter=";"):
            day = dt.date(int(row["year"]), int(row["month"]), int(row["day"]))
            yield day, CATEGORIES[row["page 1 (main category)"]], row


@pytest.mark.real
def test_every_click_is_accounted_for(home):
    batches = "SELECT records, accepted, duplicates, quarantined FROM core.batches WHERE file <> ''"
    assert found(home, batches) == [(165_474, 165_474, 0, 0)]
    assert found(home, "SELECT count(*) FROM core.quarantine") == [(0,)]
    assert sum(1 for _ in clicks()) == 165_474


@pytest.mark.real
def test_product_clicks_by_slot_category_and_day_equal_the_file(home):
    expected = Counter(
        (day, category, f"page_{row['page']}", int(row["location"]), row["page 2 (clothing model)"])
        for day, category, row in clicks()
    )
    rows = found(
        home,
        "SELECT dt, page_type, module, slot, sku, count(*) FROM core.events "
        "WHERE event_type = 'click' AND sku IS NOT NULL GROUP BY ALL",
    )
    assert {tuple(key): count for *key, count in rows} == expected
    by_slot = Counter(row["location"] for _, _, row in clicks())
    slots = found(home, "SELECT slot, count(*) FROM core.events WHERE sku IS NOT NULL GROUP BY slot")
    assert {str(slot): count for slot, count in slots} == by_slot
    assert set(by_slot) == set("123456")


@pytest.mark.real
def test_clicks_are_credited_to_categories_and_visits_are_heads(home):
    ends, visits = Counter(), Counter()
    shoppers = defaultdict(set)
    open_category: dict[str, str] = {}
    for day, category, row in clicks():  # the clicks of a session come in order of time
        session = row["session ID"]
        ends[day, category] += 1
        shoppers[day, category].add(session)
        visits[day, category] += open_category.get(session) != category
        open_category[session] = category
    rows = found(home, "SELECT dt, entrance_id, product_clicks, visitors FROM attribution.entrance_daily")
    assert {(day, entrance): count for day, entrance, count, _ in rows} == ends
    assert {(day, entrance): count for day, entrance, _, count in rows} == {k: len(v) for k, v in shoppers.items()}
    heads = found(home, "SELECT dt, head_module, clicks, product_clicks FROM attribution.slot_daily")
    assert {(day, category): count for day, category, count, _ in heads} == visits
    assert {(day, category): count for day, category, _, count in heads} == ends
    assert found(home, "SELECT DISTINCT rule FROM attribution.attributed_events") == [("head",)]


@pytest.mark.real
def test_the_paths_of_a_session_grow_by_its_clicks(home):
    expected = defaultdict(list)
    path: list[str] = []
    last = ("", "")
    for _, category, row in clicks():
        session, number = row["session ID"], row["order"]
        if (session, category) != last:
            path = [f"menu-{session}-{number}"]
        last = session, category
        path.append(f"click-{session}-{number}")
        if len(path) > 40:  # only long paths are compared
            expected[path[-1]] = list(path)
    assert len(expected) > 100
    longest = "', '".join(expected)
    rows = found(
        home,
        "SELECT end_event_id, list(event_id ORDER BY step_no) FROM attribution.path_steps "
        f"WHERE end_event_id IN ('{longest}') GROUP BY ALL",
    )
    assert dict(rows) == expected
    total = found(home, "SELECT count(DISTINCT end_event_id) FROM attribution.path_steps")
    assert total == [(165_474,)]


@pytest.mark.real
def test_products_have_their_category_and_price(home):
    prices = {row["page 2 (clothing model)"]: Decimal(row["price"]) for _, _, row in clicks()}
    rows = found(home, "SELECT sku, category, list_price FROM core.products")
    assert {sku: price for sku, _, price in rows} == prices
    letters = {"A": "trousers", "B": "skirts", "C": "blouses", "P": "sale"}
    assert {sku: category for sku, category, _ in rows} == {sku: letters[sku[0]] for sku in prices}
    assert len(rows) == 217
