"""Slices: a page that is filtered or broken down shows the numbers of exactly these visitors, events and order lines.

The expected numbers are computed from rows of the lake by plain loops.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from dashboards.app.context import Context
from dashboards.app.marts import Copy, Marts
from dashboards.app.pages.quality import PARTS as QUALITY
from dashboards.app.server import page_of
from dashboards.app.slice_bar import slice_warnings
from dashboards.app.view import PAGES, SLICED, read_view
from dashboards.blocks import Block, Cards, Table, tables
from dashboards.queries import query
from dashboards.slices import DIMENSIONS, OF_ITEMS, OF_VISITS
from pipelines.compute.reading import reading_session
from tests.app_pages import texts
from tests.shared_homes import shop_with_dashboards

FIRST, LAST = dt.date(2026, 5, 17), dt.date(2026, 5, 20)
ALL_DAYS = "from=2026-05-17&to=2026-05-20&compare=none"

Row = dict[str, Any]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Marts(shop_with_dashboards(tmp_path_factory)).copy()


class Shop:
    """The rows of a shop with their dimensions, by plain loops over the tables of the lake."""

    def __init__(self, copy: Copy) -> None:
        with reading_session(copy.home, "") as connection:

            def rows(table: str) -> list[Row]:
                relation = connection.sql(f"SELECT * FROM {table}")
                return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]

            first_paid = {row["user_id"]: row["dt"] for row in rows("core.first_orders")}
            scores = rows("customers.rfm")
            on = max((row["dt"] for row in scores if row["dt"] <= LAST), default=None)
            segment = {row["user_id"]: row["segment"] for row in scores if row["dt"] == on}
            visits = {(row["dt"], row["person_id"]): row for row in rows("core.visitors")}
            profiles = {row["order_id"]: row for row in rows("core.order_profiles")}
            category = {row["product_id"]: row["category"] for row in rows("products.catalog")}
            brand = {row["product_id"]: row["brand"] for row in rows("products.names")}

            def person(day: dt.date, who: str | None, came: Row) -> Row:
                is_returning = who in first_paid and first_paid[who] < day
                return {
                    "platform": came["platform"],
                    "channel": came["channel"],
                    "customers": "returning" if is_returning else "new",
                    "segment": segment.get(who, "(none)"),
                }

            def item(row: Row) -> Row:
                product = row["product_id"]
                return {
                    "category": category.get(product, "(none)"),
                    "brand": brand.get(product, "(none)"),
                    "entrance": row["entrance_id"],
                }

            self.touched = {
                row["order_id"] for row in rows("attribution.order_touches") if row["touchpoint_type"] == "channel"
            }
            self.events = [
                row | {"platform": visits[row["dt"], row["person_id"]]["platform"]} for row in rows("core.events")
            ]
            self.customers = [row for row in scores if row["dt"] == on]
            self.visits = [row | person(*key, row) for key, row in visits.items()]
            self.lines = [
                row | person(row["dt"], row["person_id"], profiles[row["order_id"]]) | item(row)
                for row in rows("attribution.attributed_sales")
            ]
            self.ends = [
                row | person(row["dt"], row["person_id"], visits[row["dt"], row["person_id"]]) | item(row)
                for row in rows("attribution.attributed_events")
            ]

    def visitors(self, dimension: str, value: str) -> int:
        rows = self.visits if dimension in OF_VISITS else self.ends
        return len({row["person_id"] for row in rows if row[dimension] == value})


@pytest.fixture(scope="module")
def shop(copy: Copy) -> Shop:
    return Shop(copy)


def shown(copy: Copy, address: str) -> tuple[Context, list[Block]]:
    path, _, rest = address.partition("?")
    view = read_view(path, rest)
    assert view is not None
    return page_of(copy, view, "admin")


def cards(blocks: list[Block]) -> dict[str, str]:
    return {card.metric: card.full for block in blocks if isinstance(block, Cards) for card in block.cards}


def table_of(blocks: list[Block], key: str) -> Table:
    return next(table for table in tables(blocks) if table.key == key)


def values_of(shop: Shop, dimension: str) -> Iterator[str]:
    counted: dict[str, int] = defaultdict(int)
    for row in shop.ends:
        counted[row[dimension]] += 1
    yield from sorted(counted, key=lambda value: (-counted[value], value))[:2]


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_the_overview_of_a_slice_counts_its_rows(copy, shop, dimension):
    value = next(values_of(shop, dimension))
    found = cards(shown(copy, f"/?{ALL_DAYS}&in.{dimension}={value}")[1])
    lines = [row for row in shop.lines if row[dimension] == value]
    ends = [row["end_type"] for row in shop.ends if row[dimension] == value]
    assert found["revenue"] == f"¥{sum((row['revenue'] for row in lines), Decimal(0)):,.2f}"
    assert found["orders"] == f"{len({row['order_id'] for row in lines}):,}"
    assert found["visitors"] == f"{shop.visitors(dimension, value):,}"
    assert found["exposures"] == f"{ends.count('exposure'):,}"
    assert found["add_to_carts"] == f"{ends.count('add_to_cart'):,}"


@pytest.mark.parametrize("dimension", SLICED["entrances"])
def test_the_entrances_of_a_slice_count_its_rows(copy, shop, dimension):
    value = next(values_of(shop, dimension))
    _, blocks = shown(copy, f"/entrances?{ALL_DAYS}&in.{dimension}={value}")
    found = {row["entrance_id"]: row for row in table_of(blocks, "entrances").rows}
    expected: dict[str, list[Any]] = defaultdict(lambda: [0, Decimal(0)])
    for row in shop.ends:
        if row[dimension] == value and row["end_type"] == "click":
            expected[row["entrance_id"]][0] += 1
    for row in shop.lines:
        if row[dimension] == value:
            expected[row["entrance_id"]][1] += row["revenue"]
    for entrance, (clicks, revenue) in expected.items():
        assert found[entrance]["product_clicks"] == clicks
        assert found[entrance]["revenue"] == pytest.approx(float(revenue), abs=0.005)


def test_filters_of_several_dimensions_must_all_match(copy, shop):
    platform, category = next(values_of(shop, "platform")), next(values_of(shop, "category"))
    others = [value for value in values_of(shop, "platform") if value != platform]
    address = f"/?{ALL_DAYS}&in.platform={platform}&in.platform={others[0]}&in.category={category}"
    found = cards(shown(copy, address)[1])
    ends = [row for row in shop.ends if row["platform"] in (platform, others[0]) and row["category"] == category]
    assert found["visitors"] == f"{len({row['person_id'] for row in ends}):,}"
    assert found["exposures"] == f"{sum(row['end_type'] == 'exposure' for row in ends):,}"


def part_of(shop: Shop, page: str) -> list[Row]:
    """The order lines that the page is about."""
    if page == "slots":
        return [row for row in shop.lines if row["head_page_type"] != "(none)"]
    return [row for row in shop.lines if page != "customers" or row["person_id"] is not None]


BREAKDOWNS = [
    *((page, dimension) for page in ("overview", "entrances") for dimension in SLICED[page]),
    *((page, dimension) for page in ("slots", "channels", "customers") for dimension in ("platform", "category")),
    ("products", "brand"),
]


@pytest.mark.parametrize(("page", "dimension"), BREAKDOWNS)
def test_the_parts_of_a_breakdown_sum_to_the_whole(copy, shop, page, dimension):
    rows = table_of(shown(copy, f"/{page}?{ALL_DAYS}&breakdown={dimension}")[1], "breakdown").rows
    lines = part_of(shop, page)
    assert len(rows) > 1
    assert sum(row["revenue"] for row in rows) == pytest.approx(float(sum(row["revenue"] for row in lines)))
    assert sum(row["revenue_share"] for row in rows) == pytest.approx(1)
    name, end_type = ("product_clicks", "click") if page in ("entrances", "products") else ("", "")
    if not name:
        return
    assert sum(row[name] for row in rows) == sum(row["end_type"] == end_type for row in shop.ends)


def test_events_of_a_breakdown_by_platform_sum_to_the_whole(copy, shop):
    rows = table_of(shown(copy, f"/quality?{ALL_DAYS}&breakdown=platform")[1], "breakdown").rows
    for row in rows:
        own = [event for event in shop.events if event["platform"] == row["value"]]
        assert row["events"] == len(own)
        assert row["visitors"] == len({event["person_id"] for event in own})
        missing = sum(event["page_id"] is None for event in own)
        assert row["page_id_missing_rate"] == pytest.approx(missing / len(own))
    assert sum(row["events"] for row in rows) == len(shop.events)


def test_the_page_of_one_has_no_breakdown_of_all(copy):
    address = f"/entrances?{ALL_DAYS}&entrance=search&breakdown=platform"
    assert "breakdown" not in {table.key for table in tables(shown(copy, address)[1])}


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_a_part_is_the_page_filtered_to_it(copy, dimension):
    _, blocks = shown(copy, f"/?{ALL_DAYS}&breakdown={dimension}")
    for row in table_of(blocks, "breakdown").rows[:1]:
        found = cards(shown(copy, f"/?{ALL_DAYS}&in.{dimension}={row['value']}")[1])
        assert found["revenue"] == f"¥{row['revenue']:,.2f}"
        assert found["visitors"] == f"{row['visitors']:,}"
        assert found["buyers"] == f"{row['buyers']:,}"


@pytest.mark.parametrize("page", sorted(SLICED))
def test_every_page_can_be_filtered_by_what_it_offers(copy, shop, page):
    name = "" if page == PAGES[0] else page
    for dimension, language in zip(SLICED[page], itertools.cycle(("zh", "en"))):
        value = next(values_of(shop, dimension))
        context, blocks = shown(copy, f"/{name}?from=2026-05-19&to=2026-05-20&lang={language}&in.{dimension}={value}")
        assert blocks
        assert all(block.kind == "note" for block in slice_warnings(context))
        assert context.slice == ((dimension, (value,)),)


@pytest.mark.parametrize("dimension", OF_VISITS)
def test_the_hours_of_an_entrance_are_of_the_slice(copy, shop, dimension):
    value = next(values_of(shop, dimension))
    address = f"/entrances?{ALL_DAYS}&entrance=search&metric=product_clicks&in.{dimension}={value}"
    context, blocks = shown(copy, address)
    clicks = [row for row in shop.ends if row["entrance_id"] == "search" and row["end_type"] == "click"]
    expected = sum(row[dimension] == value for row in clicks)
    assert 0 < expected < len(clicks)
    assert sum(row["product_clicks"] for row in table_of(blocks, "hours").rows) == expected
    slot = table_of(blocks, "slots").columns[0].href(table_of(blocks, "slots").rows[0])
    context, blocks = shown(copy, f"{slot}&{ALL_DAYS}&in.{dimension}={value}")
    assert context.slice == ((dimension, (value,)),)
    assert table_of(blocks, "hours").rows


@pytest.mark.parametrize("dimension", ["platform", "category", "entrance"])
def test_journeys_of_a_slice_are_those_of_its_orders(copy, shop, dimension):
    value = next(values_of(shop, dimension))
    _, blocks = shown(copy, f"/journeys?{ALL_DAYS}&in.{dimension}={value}")
    lines = [row for row in shop.lines if row[dimension] == value]
    orders = {row["order_id"] for row in lines}
    found = cards(blocks)
    assert found["orders_with_touch"] == f"{len(orders & shop.touched):,}"
    assert found["orders_without_touch"] == f"{len(orders - shop.touched):,}"
    revenue = float(sum(row["revenue"] for row in lines if row["order_id"] in shop.touched))
    for key in ("lags", "lengths"):
        assert sum(row["revenue"] for row in table_of(blocks, key).rows) == pytest.approx(revenue)
    assert sum(row["orders"] for row in table_of(blocks, "buyers").rows) == len(orders)
    assert max(row["orders_touched"] for row in table_of(blocks, "touchpoints").rows) <= len(orders)


@pytest.mark.parametrize("dimension", ["channel", "brand"])
def test_customers_of_a_slice_are_those_who_bought_in_it(copy, shop, dimension):
    value = next(values_of(shop, dimension))
    _, blocks = shown(copy, f"/customers?{ALL_DAYS}&in.{dimension}={value}")
    users = {row["person_id"] for row in shop.lines if row[dimension] == value} - {None}
    expected: dict[str, list[Any]] = defaultdict(lambda: [0, Decimal(0)])
    for row in shop.customers:
        if row["user_id"] in users:
            expected[row["segment"]][0] += 1
            expected[row["segment"]][1] += row["net_revenue"]
    assert 1 < sum(number for number, _ in expected.values()) < len(shop.customers)
    found = {row["key"]: (row["customers"], row["net_revenue"]) for row in table_of(blocks, "segments").rows}
    assert found == {key: (number, pytest.approx(float(money))) for key, (number, money) in expected.items()}
    assert sum(row["customers"] for row in table_of(blocks, "scores").rows) == len(users)
    _, moves = shown(copy, f"/customers?{ALL_DAYS}&part=moves&in.{dimension}={value}")
    stages = table_of(moves, "lifecycle").rows
    assert sum(row["customers"] for row in stages) == len(users)
    spent = float(sum(row["revenue"] for row in shop.lines if row["person_id"] in users))
    assert sum(row["revenue"] for row in stages) == pytest.approx(spent)


def test_the_health_of_a_platforms_log_is_that_of_its_events(copy, shop):
    value = next(values_of(shop, "platform"))
    _, blocks = shown(copy, f"/quality?{ALL_DAYS}&in.platform={value}&lang=en")
    events = [event for event in shop.events if event["platform"] == value]
    days = {row["dt"]: row for row in table_of(blocks, "health").rows}
    for day, row in days.items():
        own = [event for event in events if event["dt"] == day]
        assert row["events"] == len(own)
        assert row["devices"] == len({event["device_id"] for event in own})
        assert row["events_without_page_id"] == sum(event["page_id"] is None for event in own)
    assert sum(row["events"] for row in days.values()) == len(events)
    assert "bot_events" not in [column.field for column in table_of(blocks, "health").columns]
    for part in QUALITY:
        _, there = shown(copy, f"/quality?{ALL_DAYS}&in.platform={value}&lang=en&part={part}")
        assert any("whole shop" in block.text for block in texts(there, "note")) == (part != "tracking")


def test_slots_of_a_category_have_exposures_of_its_products(copy, shop):
    value = next(values_of(shop, "category"))
    _, blocks = shown(copy, f"/slots?{ALL_DAYS}&page_type=home&in.category={value}")
    found = cards(blocks)
    ends = [row["end_type"] for row in shop.ends if (row["category"], row["head_page_type"]) == (value, "home")]
    revenue = sum(row["revenue"] for row in shop.lines if (row["category"], row["head_page_type"]) == (value, "home"))
    assert found["exposures"] == f"{ends.count('exposure'):,}"
    assert found["click_through_rate"] == f"{100 * ends.count('click') / ends.count('exposure'):.2f}%"
    assert found["revenue"] == f"¥{revenue:,.2f}"
    assert "impressions" not in found
    assert "impressions" not in [column.field for column in table_of(blocks, "slots").columns]


def test_slots_of_an_entrance_are_only_its_own(copy, shop):
    _, blocks = shown(copy, f"/slots?{ALL_DAYS}&in.entrance=home_feed")
    rows = table_of(blocks, "slots").rows
    assert {row["entrance_id"] for row in rows} == {"home_feed"}
    whole = table_of(shown(copy, f"/slots?{ALL_DAYS}")[1], "slots").rows
    own = [row for row in whole if row["entrance_id"] == "home_feed"]
    assert sum(row["impressions"] for row in rows) == sum(row["impressions"] for row in own) > 0


def test_the_entrances_of_a_slice_sum_to_its_orders(copy, shop):
    for dimension in SLICED["entrances"]:
        value = next(values_of(shop, dimension))
        _, blocks = shown(copy, f"/entrances?{ALL_DAYS}&lang=en&in.{dimension}={value}")
        assert "equal to the paid orders" in table_of(blocks, "entrances").notes[0]


def test_a_page_says_which_filters_it_ignores(copy):
    _, blocks = shown(copy, f"/products?{ALL_DAYS}&lang=en&in.platform=ios")
    assert "cannot be filtered by Platform" in blocks[0].text
    _, blocks = shown(copy, f"/?{ALL_DAYS}&lang=en&in.platform=fridge")
    assert "No data has Platform “fridge”" in blocks[0].text
    _, blocks = shown(copy, f"/?{ALL_DAYS}&lang=en&in.weather=rain&breakdown=weather")
    assert [block.text for block in blocks[:2]] == [
        "The address breaks the page down by “weather”, which is not an option.",
        "The address filters by “in.weather”, which is not an option. Ignored.",
    ]


def test_filters_stay_from_page_to_page():
    view = read_view("/", "in.platform=ios&in.platform=web&in.brand=a%20%26%20b")
    assert view is not None
    assert view.slice == {"platform": ("ios", "web"), "brand": ("a & b",)}
    other = view.to("products")
    assert read_view(other.path, other.query) == other
    assert other.slice == view.slice


def test_a_page_without_the_tables_offers_no_filters(copy):
    """A large shop's events are not in the copy, so its paths cannot be filtered; its sales can."""
    tables = copy.file.tables - {"core.events"}
    large = Copy(copy.home, replace(copy.file, tables=tables))
    context, blocks = shown(large, f"/modules?{ALL_DAYS}&lang=en&in.platform=ios")
    assert (context.dimensions, context.slice) == ((), ())
    assert "cannot be filtered by Platform" in blocks[0].text
    for page in ("", "funnel"):
        context, _ = shown(large, f"/{page}?{ALL_DAYS}&lang=en&in.platform=ios")
        assert context.slice == (("platform", ("ios",)),)
    assert "category" not in context.dimensions, "the steps of a product are found in the events"


def test_a_value_with_quotes_is_only_a_value(copy):
    found = cards(shown(copy, f"/?{ALL_DAYS}&in.brand=' OR 1=1 --")[1])
    assert found["revenue"] in ("¥0.00", "–")


def test_dimensions_are_those_of_the_values_query(copy):
    found = {row["dimension"] for row in copy.rows(query("slices.values"), segments_on=LAST)}
    assert found == {*OF_VISITS, *OF_ITEMS} - {"customers"}
