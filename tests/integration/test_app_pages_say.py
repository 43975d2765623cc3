"""The texts of the web app's pages: which slot a chart shows, what is wrong in an address, names instead of keys.

The numbers of the same pages are tested in ``tests/integration/test_app_pages.py``.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import plotly.graph_objects as go
import pytest

from dashboards.app.context import Context
from dashboards.app.export import columns_of
from dashboards.app.marts import Copy, Marts
from dashboards.app.pages import PARTS_OF
from dashboards.app.pages.views import IDEAS
from dashboards.app.server import create_app
from dashboards.app.view import PAGES
from dashboards.blocks import Block, Cards, Chart, Choice, Controls, Group, Table, Tabs, Text, flat, tables
from pipelines.compute.reading import reading_session
from pipelines.home.folder import Home
from tests.app_pages import chart, choice, look_at, table, texts, values
from tests.shared_homes import shop_with_dashboards

DAYS = "from=2026-05-17&to=2026-05-20"
LANGUAGES = ("zh", "en")


Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return shop_with_dashboards(tmp_path_factory)


@pytest.fixture(scope="module")
def copy(home: Home) -> Copy:
    return Marts(home).copy()


@pytest.fixture(scope="module")
def lake(home: Home) -> Iterator[Ask]:
    """A function that runs a query on the lake and returns its rows."""
    with reading_session(home, "") as connection:
        yield lambda sql: connection.execute(sql).fetchall()


def warnings(blocks: list[Block]) -> list[str]:
    return [one.text for kind in ("warning", "missing") for one in texts(blocks, kind)]


@pytest.fixture(scope="module")
def slot(lake: Ask) -> tuple[str, str, str, int]:
    """The best-selling slot of an entrance that has several slots: entrance, page type, module and slot number."""
    return lake(
        """SELECT entrance_id, head_page_type, head_module, head_slot FROM attribution.slot_daily
        WHERE entrance_id = 'home_feed' GROUP BY ALL ORDER BY sum(revenue) DESC LIMIT 1""",
    )[0]


def of_slot(slot: tuple[str, str, str, int], more: str = "") -> str:
    entrance, page, module, number = slot
    return f"/entrances?{DAYS}&entrance={entrance}&slot={page}|{module}|{number}{more}"


# The page of a slot ------------------------------------------------------------------------------------


SUMS = {
    "revenue": "sum(revenue)",
    "order_lines": "sum(order_lines)",
    "impressions": "sum(impressions)",
    "clicks": "sum(clicks)",
    "slot_click_rate": "sum(clicks) FILTER (WHERE has_impressions) / nullif(sum(impressions), 0)",
    "exposures": "sum(exposures)",
    "product_clicks": "sum(product_clicks)",
    "click_through_rate": "sum(product_clicks) / sum(exposures)",
}


@pytest.mark.parametrize("metric", SUMS)
def test_a_slots_page_charts_the_slot_and_not_its_entrance(lake, copy, slot, metric):
    _, blocks = look_at(copy, of_slot(slot, f"&slot_metric={metric}"))
    shown = chart(blocks, "course")
    own = "entrance_id = '{}' AND head_page_type = '{}' AND head_module = '{}' AND head_slot = {}".format(*slot)
    days = dict(lake(f"SELECT dt, {SUMS[metric]} FROM attribution.slot_daily WHERE {own} GROUP BY dt"))
    found = dict(zip(values(shown.table, "dt"), values(shown.table, metric), strict=True))
    assert {day: found[day] for day in days} == {
        day: pytest.approx(float(value)) if value is not None else None for day, value in days.items()
    }
    assert list(shown.figure.data[0].y) == values(shown.table, metric)
    of_entrance = f"entrance_id = '{slot[0]}'"
    rest = lake(f"SELECT {SUMS[metric]} FROM attribution.slot_daily WHERE {of_entrance} AND NOT ({own})")[0][0]
    assert rest  # other slots of the entrance count too, so the entrance's value differs from the slot's
    card = next(
        one for block in flat(blocks) if isinstance(block, Cards) for one in block.cards if one.metric == metric
    )
    whole = lake(f"SELECT {SUMS[metric]} FROM attribution.slot_daily WHERE {own}")[0][0]
    said = re.sub(r"[^0-9.\-]", "", card.full)
    assert float(said) == pytest.approx(float(whole) * (100 if metric.endswith("rate") else 1), abs=0.006)


def test_a_day_of_nothing_is_0_and_one_not_computed_is_blank(lake, copy, slot):
    _, blocks = look_at(copy, of_slot(slot).replace("from=2026-05-17", "from=2026-05-14"))
    shown = chart(blocks, "course").table
    found = dict(zip(values(shown, "dt"), values(shown, "revenue"), strict=True))
    assert [found[dt.date(2026, 5, day)] for day in (14, 15, 16)] == [None, None, None]
    quiet = lake(
        """SELECT entrance_id, head_page_type, head_module, head_slot FROM attribution.slot_daily
        GROUP BY ALL HAVING count(DISTINCT dt) < 4 AND sum(impressions) > 0 ORDER BY ALL LIMIT 1""",
    )
    assert quiet
    for one in quiet:
        _, blocks = look_at(copy, of_slot(one))
        assert 0 in values(chart(blocks, "course").table, "revenue")


def test_the_contents_of_a_slot_sum_to_the_slot(copy, slot):
    _, blocks = look_at(copy, of_slot(slot))
    contents = table(blocks, "contents")
    assert contents.total is not None
    for name in ("revenue", "impressions", "clicks", "exposures", "order_lines"):
        assert sum(row[name] for row in contents.rows) == pytest.approx(contents.total[name])


# Controls ----------------------------------------------------------------------------------------------


def block_of(blocks: list[Block], key: str) -> Group:
    """The group of blocks whose controls include the choice with the key *key*."""
    (found,) = [
        one
        for one in groups(blocks)
        if any(isinstance(part, Controls) and any(c.key == key for c in part.controls) for part in one.blocks)
    ]
    return found


def groups(blocks: list[Block] | tuple[Block, ...]) -> Iterator[Group]:
    for block in blocks:
        if isinstance(block, Group):
            yield block
            yield from groups(block.blocks)


@pytest.mark.parametrize(
    ("address", "key", "charts"),
    [
        ("/models?", "model", {"models"}),
        ("/models?part=effects&", "effect", {"effects"}),
        ("/channels?", "metric", {"course"}),
        ("/entrances?", "metric", {"course"}),
        ("/entrances?entrance=home_feed&", "metric", {"course", "hours"}),
        ("/entrances?entrance=home_feed&slot=home|feed|1&", "slot_metric", {"course", "hours"}),
    ],
)
def test_a_switch_stands_in_the_block_that_it_acts_on(copy, address, key, charts):
    _, blocks = look_at(copy, address + DAYS)
    block = block_of(blocks, key)
    assert {one.table.key for one in flat(block.blocks) if isinstance(one, Chart)} == charts


# Addresses of things that do not exist -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/entrances?entrance=nope", "No entrance “nope”"),
        ("/entrances?entrance=nope&slot=a|b|1", "No entrance “nope”"),
        ("/entrances?entrance=home_feed&slot=home|feed|99", "has no slot “home|feed|99”"),
        ("/entrances?entrance=home_feed&slot=nonsense", "has no slot “nonsense”"),
        ("/entrances?slot=home|feed|1", "without its entrance"),
        ("/entrances?metric=happiness", "“happiness” (Metric)"),
        ("/models?model=magic", "“magic” (Attribution model)"),
        ("/models?type=magic", "“magic” (Touchpoint type)"),
        ("/models?type=channel&model=fused", "“fused” (Attribution model)"),
        ("/models?effect=magic", "“magic” (Effect)"),
        ("/channels?channel=nope", "No channel “nope”"),
        ("/channels?model=fused", "“fused” (Attribution model)"),
        ("/channels?metric=happiness", "“happiness” (Metric)"),
        ("/channels?channel=push&by=moon", "“moon” (Break down by)"),
        ("/journeys?type=moon", "“moon” (Touchpoint type)"),
        ("/journeys?via=moon", "“moon” (Passes through)"),
        ("/paths?find=nobody", "No order, add-to-cart or device “nobody”"),
        ("/paths?shape=cube", "“cube” (Chart)"),
        ("/modules?page_type=moon", "“moon” (Page)"),
        ("/products?sku=nope", "No product nope"),
        ("/products?matrix=nope", "“nope” (Matrix)"),
        ("/products?window=9999", "“9999” (Window)"),
        ("/products?part=nope", "“nope” (Part of the page)"),
        ("/products?category=nope", "No data has Category “nope”"),
        ("/customers?user=nope", "No customer nope"),
        ("/customers?segment=nope", "No customer was in the octant or segment nope"),
        ("/quality?table=nope.nope", "“nope.nope” (Table)"),
    ],
)
def test_what_is_not_there_is_said_to_be_so(copy, address, said):
    _, blocks = look_at(copy, f"{address}&{DAYS}")
    assert [one for one in warnings(blocks) if said in one], warnings(blocks)
    assert not any(one.remedy for one in texts(blocks, "missing"))  # no command would create what the address names
    chinese = warnings(look_at(copy, f"{address}&{DAYS}&lang=zh")[1])
    assert len(chinese) == len(warnings(blocks))


@pytest.mark.parametrize("page", ["/" if page == PAGES[0] else f"/{page}" for page in PAGES if page != "sql"])
def test_an_address_without_mistakes_warns_of_none(copy, page):
    _, blocks = look_at(copy, f"{page}?{DAYS}")
    assert not [one for one in warnings(blocks) if "not an option" in one]


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("/models?", "models"), ("/models?effect=markov&", "effects"), ("/journeys?via=push&", "paths"),
        ("/quality?table=core.events&", "lineage"), ("/quality?table=core.events&part=checks&", "checks"),
    ],
)  # fmt: skip
def test_an_address_shows_the_part_that_reads_its_keys(copy, address, part):
    _, blocks = look_at(copy, address + DAYS)
    (links,) = (block for block in blocks if isinstance(block, Tabs))
    assert links.choice.value == part


def test_a_choice_keeps_what_is_shown_in_place_of_no_value(copy):
    for address, key, value in (
        ("/entrances?metric=x&", "metric", "revenue"), ("/models?model=x&", "model", "fused"),
        ("/models?type=slot&model=x&", "model", "fused"), ("/models?type=channel&model=x&", "model", "last"),
        ("/modules?page_type=x&", "page_type", ""),
    ):  # fmt: skip
        assert choice(look_at(copy, address + DAYS)[1], key).value == value


def test_an_entrance_that_only_the_data_name_is_known(lake, copy):
    names = look_at(copy, f"/entrances?{DAYS}")[0].entrance_names()
    assert set(names) >= {key for (key,) in lake("SELECT DISTINCT entrance_id FROM attribution.entrance_daily")}


@pytest.mark.parametrize("address", IDEAS.values())
def test_ideas_for_views_are_addresses_of_pages(copy, address):
    context, blocks = look_at(copy, address)
    assert not context.view.unread
    assert not [one for one in warnings(blocks) if "address" in one], "a choice that the page does not offer"


def test_an_entrance_quiet_on_the_days_is_not_unknown(lake, copy):
    one = lake(
        """SELECT entrance_id, head_page_type, head_module, head_slot, min(dt) FROM attribution.slot_daily
        WHERE head_slot > 0 GROUP BY ALL HAVING count(DISTINCT dt) = 1 ORDER BY ALL LIMIT 1""",
    )
    assert one
    for *place, day in one:
        other = next(dt.date(2026, 5, n) for n in (17, 18, 19, 20) if dt.date(2026, 5, n) != day)
        address = of_slot(tuple(place)).replace(DAYS, f"from={other}&to={other}")
        assert "This slot had no impressions" in "".join(warnings(look_at(copy, address)[1]))


def test_a_missing_line_and_an_unpaid_order_are_said_to_be_so(lake, copy):
    order = lake("SELECT min(order_id) FROM attribution.attributed_sales")[0][0]
    _, blocks = look_at(copy, f"/paths?{DAYS}&find={order}&line=77")
    assert any("has no line 77" in one for one in warnings(blocks))
    unpaid, status = lake(
        """SELECT order_id, status FROM core.orders
        WHERE order_id NOT IN (SELECT order_id FROM attribution.attributed_sales) ORDER BY 1 LIMIT 1""",
    )[0]
    said = warnings(look_at(copy, f"/paths?{DAYS}&find={unpaid}")[1])
    assert any(f"Order {unpaid} has no paid line (status: {status})" in one for one in said)
    found = table(look_at(copy, f"/search?{DAYS}&q={unpaid}")[1], "found")
    assert unpaid in values(found, "key")


# Sorting, keys and names -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("-exposures", "exposures DESC"),
        ("exposures", "exposures"),
        ("-product_id", "product_id DESC"),
        ("revenue", "revenue"),
    ],
)
def test_a_sorted_table_shows_the_first_rows_as_its_file_does(home, lake, copy, sort, order):
    address = f"/products?{DAYS}&part=list&sort=products:{sort}"
    _, blocks = look_at(copy, address)
    shown = table(blocks, "products")
    window = shown.rows[0]["window_days"]
    whole = lake(
        f"""SELECT product_id FROM (
            SELECT *, row_number() OVER (ORDER BY revenue DESC, exposures DESC, product_id) AS place
            FROM products.metrics
            WHERE dt = '2026-05-20' AND window_days = {window}
        ) ORDER BY {order}, place""",
    )
    assert values(shown, "product_id") == [product_id for (product_id,) in whole]
    assert len(whole) > 200  # the page shows fewer products than this; the file must have all of them
    client = create_app(home).server.test_client()
    rows = list(csv.DictReader(io.StringIO(client.get(f"/export{address.replace('?', '/products.csv?', 1)}").text[1:])))
    assert [row["Product ID"] for row in rows] == [product_id for (product_id,) in whole]


@pytest.fixture(scope="module")
def addresses(lake: Ask) -> list[str]:
    """The addresses of all pages, and of the details to which they link."""
    one = {
        "sku": "SELECT min(sku) FROM core.order_lines",
        "cart": "SELECT min(order_id) FROM attribution.attributed_sales WHERE matched_by = 'cart'",
        "none": "SELECT min(order_id) FROM attribution.attributed_sales WHERE matched_by = 'none'",
        "event": "SELECT min(event_id) FROM attribution.attributed_events WHERE end_type = 'add_to_cart'",
        "device": "SELECT min(device_id) FROM attribution.attributed_events WHERE end_type = 'add_to_cart'",
        "user": "SELECT min(user_id) FROM customers.rfm",
        "segment": "SELECT min(segment) FROM customers.rfm",
    }
    key = {name: lake(sql)[0][0] for name, sql in one.items()}
    return [
        "/?", "/entrances?", "/entrances?entrance=home_feed&", "/entrances?entrance=(direct)&",
        "/entrances?entrance=(unattributed)&", "/entrances?entrance=home_feed&slot=home|feed|1&",
        "/entrances?entrance=(direct)&slot=(none)|(none)|0&", "/models?", "/models?type=slot&", "/models?type=channel&",
        "/channels?", "/channels?channel=push&", "/channels?channel=push&by=source&", "/journeys?",
        "/journeys?type=entrance&", "/journeys?type=slot&", "/paths?", f"/paths?find={key['cart']}&",
        f"/paths?find={key['none']}&", f"/paths?find={key['event']}&", f"/paths?find={key['device']}&", "/modules?",
        "/products?", f"/products?sku={key['sku']}&", "/customers?", f"/customers?user={key['user']}&",
        f"/customers?segment={key['segment']}&", "/quality?", "/search?q=home&",
        *(f"/{page}?part={part}&" for page, parts in PARTS_OF.items() for part in parts[1:]),
    ]  # fmt: skip


KEYS = {"sku", "entrance_id", "order_id", "line_no", "user_id", "event_id", "device_id"}


def test_files_carry_their_rows_keys_under_unique_headings(copy, addresses):
    seen = set()
    for address in addresses:
        for language in LANGUAGES:
            for shown in tables(look_at(copy, f"{address}{DAYS}&lang={language}")[1]):
                fields = {column.field for column in columns_of(shown)}
                own = {name for row in shown.rows for name in row} & KEYS
                # The table of steps shows the entrance's name, so it needs no column for the entrance's id.
                allowed = {"entrance_id"} if shown.key == "steps" else set()
                assert own - allowed <= fields, (address, shown.key)
                titles = [column.title for column in columns_of(shown)]
                assert len(set(titles)) == len(titles), (address, shown.key, titles)
                seen |= own & fields
    # No table has a column for the device, because the address already names it.
    assert seen == KEYS - {"device_id"}


def test_users_in_files_are_hashed_for_viewers(lake, copy, slot):
    users = {user for (user,) in lake("SELECT DISTINCT person_id FROM attribution.attributed_sales")}
    for role, is_hashed in (("viewer", True), ("analyst", False)):
        orders = table(look_at(copy, f"/entrances?{DAYS}&entrance={slot[0]}", role)[1], "orders")
        found = {row["user_id"] for row in orders.rows} - {None}
        assert found
        assert found.isdisjoint(users) if is_hashed else found <= users


RAW = """
SELECT DISTINCT entrance_id FROM attribution.entrance_daily
UNION SELECT page_type FROM attribution.module_daily UNION SELECT module FROM attribution.module_daily
UNION SELECT rule FROM attribution.attributed_events UNION SELECT end_type FROM attribution.attributed_events
UNION SELECT matched_by FROM attribution.attributed_sales UNION SELECT status FROM core.orders
UNION SELECT quadrant FROM products.quadrants UNION SELECT matrix_id FROM products.quadrants
UNION SELECT key FROM config.cells UNION SELECT segment FROM config.segments
UNION SELECT touchpoint FROM attribution.model_daily WHERE touchpoint_type <> 'campaign'
UNION SELECT model FROM attribution.model_daily
UNION SELECT stage FROM customers.lifecycle_daily UNION SELECT rule FROM products.portfolio_health
UNION SELECT event_type FROM core.events
"""
"""The keys of everything that has a display name; no page may show such a key."""


def test_no_key_stands_where_a_name_should(lake, copy, addresses):
    """The pages are read in Chinese, because no Chinese name is equal to its key, so any key on a page is a fault."""
    raw = {key for (key,) in lake(RAW)} | {"(none)", "(no path)", "(new)", "(left)", "unknown"}
    raw -= {"sku"}
    assert {"home_feed", "(direct)", "(unattributed)", "own", "cart", "paid"} <= raw
    for address in addresses:
        context, blocks = look_at(copy, f"{address}{DAYS}&lang=zh")
        for where, said in everything(context, blocks):
            if where.endswith(("found.key", "batches.relation", "quarantine.relation")):  # columns that show keys
                continue
            parts = {part.strip() for part in re.split(r"·|→|、|,|（|）|<br>|<b>|</b>", said)}
            assert not parts & raw, (address, where, parts & raw)


def everything(context: Context, blocks: list[Block]) -> Iterator[tuple[str, str]]:
    """(where, text) of each text that a page shows; *where* names its place, such as ``quarantine.relation``."""
    for block in flat(blocks):
        if isinstance(block, Text):
            yield "text", block.text
        if isinstance(block, Cards):
            for card in block.cards:
                yield "card", card.name
                yield "card", card.value
                yield "card", card.note
        if isinstance(block, Controls):
            for control in block.controls:
                if isinstance(control, Choice) and control.key not in ("table", "column"):
                    yield from ((f"choice {control.key}", option.label) for option in control.options)
        if isinstance(block, Chart):
            yield from ((block.table.key, said) for said in drawn(block.figure))
        shown = block.table if isinstance(block, Chart) else block
        if isinstance(shown, Table):
            for column in shown.columns:
                yield from ((f"{shown.key}.{column.field}", column.cell(row)) for row in shown.rows)


def drawn(figure: go.Figure) -> Iterator[str]:
    """The texts of a figure: labels, tick texts, trace names, titles and hover texts."""

    def walk(part: Any, name: str = "") -> Iterator[str]:
        if isinstance(part, dict):
            for key, value in part.items():
                yield from walk(value, key)
        elif isinstance(part, list | tuple):
            for value in part:
                yield from walk(value, name)
        elif isinstance(part, str) and name in ("text", "hovertext", "ticktext", "label", "labels", "name", "title"):
            yield part

    yield from walk(figure.to_dict())


# Errors in an address ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("from=2026-05-17&to=2026-02-30", ("“2026-02-30”", "无效", "not a valid date")),
        ("from=soon&to=2026-05-20", ("“soon”", "无效", "not a valid date")),
        (f"{DAYS}&compare=never", ("“never”", "对比方式", "not an option")),
        (f"{DAYS}&sort=entrances:nothing", ("“entrances:nothing”", "排序", "no table on this page has")),
        (f"{DAYS}&sort=upwards", ("“upwards”", "排序", "no table on this page has")),
    ],
)
def test_days_comparisons_and_orders_that_are_none_are_reported(copy, asked, said):
    value, zh, en = said
    for language, words in (("zh", zh), ("en", en)):
        found = [line for line in warnings(look_at(copy, f"/entrances?{asked}&lang={language}")[1]) if value in line]
        assert len(found) == 1
        assert words in found[0]


@pytest.mark.parametrize("address", ["/products?to=2026-05-20&compare=never", "/sql?from=soon&compare=never"])
def test_a_page_without_days_or_comparison_says_nothing_of_them(copy, address):
    said = warnings(look_at(copy, f"{address}&lang=en")[1])
    assert not [line for line in said if "address" in line]


@pytest.mark.parametrize("asked", ["sort=entrances:-revenue", "sort=entrances:revenue", "sort=elsewhere:revenue"])
def test_an_order_that_a_table_has_is_not_reported(copy, asked):
    said = warnings(look_at(copy, f"/entrances?{DAYS}&{asked}&lang=en")[1])
    assert not [line for line in said if "sorts by" in line]
