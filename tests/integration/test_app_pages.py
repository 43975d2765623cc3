"""The web app's pages on a small shop: their numbers equal those of the lake, and no address makes a page fail."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from plotly.utils import PlotlyJSONEncoder

from dashboards.app import shell
from dashboards.app.context import Context
from dashboards.app.marts import Copy, Marts, NoDataError
from dashboards.app.pages import PAGE_OF
from dashboards.app.pages.quality import PARTS
from dashboards.app.pages.slots import click_rate_change
from dashboards.app.render import components
from dashboards.app.server import create_app, page_of
from dashboards.app.shell import freshness, mark_of, to_run
from dashboards.app.view import PAGES, View, read_view
from dashboards.blocks import Block, Card, Cards, Chart, Group, Table, Text, tables
from dashboards.copy.build import current, is_stale, publish
from dashboards.copy.status import read_checks, read_lineage
from dashboards.totals import totals
from pipelines.compute.reading import reading_session
from pipelines.compute.run import Request, run_home
from pipelines.home.folder import Home, init_home
from pipelines.home.lock import home_lock
from tests.processes import copy_of
from tests.shared_homes import HOSTILE, shop_with_dashboards

FIRST, LAST = dt.date(2026, 5, 17), dt.date(2026, 5, 20)
ALL_DAYS = "?from=2026-05-17&to=2026-05-20"


Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return copy_of(shop_with_dashboards(tmp_path_factory), tmp_path_factory.mktemp("app") / "home")


@pytest.fixture(scope="module")
def copy(home: Home) -> Copy:
    return Marts(home).copy()


@pytest.fixture(scope="module")
def client(home: Home) -> Any:
    return create_app(home).server.test_client()


@pytest.fixture(scope="module")
def lake(home: Home) -> Iterator[Ask]:
    """A function that runs a query on the lake and returns its rows."""
    with reading_session(home, "") as connection:
        yield lambda sql: connection.execute(sql).fetchall()


def shown(copy: Copy, address: str) -> tuple[Context, list[Block]]:
    path, _, query = address.partition("?")
    view = read_view(path, query)
    assert view is not None
    return page_of(copy, view, "admin")


def table_of(copy: Copy, address: str, key: str) -> Table:
    return next(table for table in tables(shown(copy, address)[1]) if table.key == key)


def every(blocks: list[Block] | tuple[Block, ...]) -> Iterator[Block]:
    for block in blocks:
        yield block
        if isinstance(block, Group):
            yield from every(block.blocks)


def cards(blocks: list[Block]) -> dict[str, Card]:
    return {
        card.metric or card.name: card for block in every(blocks) if isinstance(block, Cards) for card in block.cards
    }


def written(context: Context, blocks: list[Block]) -> str:
    return json.dumps([part.to_plotly_json() for part in components(context, blocks)], cls=PlotlyJSONEncoder)


# Numbers -----------------------------------------------------------------------------------------------


def test_the_overview_says_what_the_lake_says(lake, copy):
    found = cards(shown(copy, f"/{ALL_DAYS}")[1])
    revenue, orders, buyers, units = lake(
        "SELECT sum(revenue), count(DISTINCT order_id), count(DISTINCT user_id), sum(quantity) FROM core.order_lines",
    )[0]
    visitors = lake("SELECT count(DISTINCT person_id) FROM core.events")[0][0]
    days = lake("SELECT sum(visitors) FROM core.traffic_daily")[0][0]
    assert days > visitors  # the sum over days counts a person once for each day with a visit
    assert found["revenue"].full == f"¥{revenue:,.2f}"
    assert (found["orders"].full, found["buyers"].full) == (f"{orders:,}", f"{buyers:,}")
    assert found["visitors"].full == f"{visitors:,}"
    assert found["visitor_conversion_rate"].full == f"{100 * buyers / visitors:.2f}%"
    assert found["revenue_per_buyer"].full == f"¥{revenue / buyers:,.2f}"
    assert found["average_order_value"].full == f"¥{revenue / orders:,.2f}"
    assert found["units_per_order"].full == f"{units / orders:,.2f}"
    assert found["revenue_per_visitor"].full == f"¥{revenue / visitors:,.2f}"


def test_the_figures_are_called_as_the_trade_calls_them(copy):
    named = {
        "zh": ["销售额", "访客数", "支付转化率", "客单价", "支付买家数", "订单数", "笔单价", "连带率", "UV 价值"],
        "en": ["Sales", "Visitors", "Conversion rate", "Revenue per buyer", "Buyers", "Orders", "Average order value",
               "Units per order", "Revenue per visitor"],
    }  # fmt: skip
    for language, names in named.items():
        assert [card.name for card in cards(shown(copy, f"/{ALL_DAYS}&lang={language}")[1]).values()][:9] == names


def test_visitors_are_not_known_where_a_day_of_them_is_missing(home, copy):
    """The page shows no number of visitors if some of the selected days are missing, because it would be too small.

    core.visitors may be computed for some days only, or be too large for the dashboards' copy of the lake.
    """
    file = next((home.lake / "core" / "visitors").rglob("dt=2026-05-18*/*.parquet"), None) or next(
        path for path in (home.lake / "core" / "visitors").rglob("*.parquet") if "2026-05-18" in str(path)
    )
    content = file.read_bytes()
    file.unlink()
    try:
        publish(home)
        there = Marts(home).copy()
        context, blocks = shown(there, f"/{ALL_DAYS}&lang=en")
        assert cards(blocks)["visitors"].value == cards(blocks)["visitor_conversion_rate"].value == "–"
        assert cards(blocks)["buyers"].value != "–"
        assert context.locale.text("sales.no_visitors") in {one.text for one in blocks if isinstance(one, Text)}
        assert cards(shown(there, "/?from=2026-05-19&to=2026-05-20")[1])["visitors"].value != "–"
        alone = totals(there, FIRST, LAST, has_visitors=False)
        assert (alone["visitors"], alone["revenue_per_visitor"], alone["events"] > 0) == (None, None, True)
    finally:
        file.write_bytes(content)
        publish(home)


COMPARING = {"/", "/entrances", "/channels", "/models", "/journeys", "/funnel", "/products?sku=SKU00001"}


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/entrances",
        "/channels",
        "/models",
        "/journeys",
        "/funnel",
        "/retention",
        "/paths",
        "/modules",
        "/products",
        "/products?sku=SKU00001",
        "/customers",
        "/quality",
    ],
)
@pytest.mark.parametrize("compare", ["previous", "none"])
def test_a_comparison_is_offered_only_where_it_is_made(copy, address, compare):
    separator = "&" if "?" in address else "?"
    context, blocks = shown(copy, f"{address}{separator}from=2026-05-20&to=2026-05-20&lang=en&compare={compare}")
    around = json.dumps(shell.page(context, []).to_plotly_json(), cls=PlotlyJSONEncoder)
    is_made = address in COMPARING
    assert ("Compare with" in around) == is_made
    assert ("ompared" in around) == (is_made and compare == "previous")
    if not is_made or compare == "none":
        assert context.days.then_first is None
        assert "compared with" not in written(context, [one for one in blocks if isinstance(one, Chart | Table | Text)])


def test_days_are_compared_only_with_days_that_are_recorded(copy):
    context, blocks = shown(copy, "/?from=2026-05-20&to=2026-05-20")
    assert not context.days.is_recorded_then
    assert cards(blocks)["revenue"].changes == ()
    assert any(isinstance(block, Text) and "no earlier days" in block.text for block in blocks)
    unasked = shown(copy, "/?from=2026-05-20&to=2026-05-20&compare=none")[1]
    assert not any(isinstance(block, Text) and "no earlier days" in block.text for block in unasked)


def test_the_entrances_sum_to_the_paid_orders(lake, copy):
    table = table_of(copy, f"/entrances{ALL_DAYS}", "entrances")
    paid = lake("SELECT sum(revenue) FROM core.order_lines")[0][0]
    assert sum(row["revenue"] for row in table.rows) == pytest.approx(float(paid), abs=1e-6)
    assert table.total is not None
    assert table.total["revenue"] == float(paid)
    assert f"¥{paid:,.2f}" in table.notes[0]
    assert "equal to the paid orders" in table.notes[0]
    direct = dict(lake("SELECT entrance_id, sum(exposures) FROM attribution.entrance_daily GROUP BY 1"))
    assert {row["entrance_id"]: row["exposures"] for row in table.rows} == {k: int(v) for k, v in direct.items()}


def test_an_entrance_leads_to_its_slots_orders_and_paths(lake, copy):
    entrances = table_of(copy, f"/entrances{ALL_DAYS}", "entrances")
    row = max(entrances.rows, key=lambda row: row["order_lines"] if row["entrance_id"][0] != "(" else 0)
    href = entrances.columns[0].href(row)
    assert href is not None
    orders, slots = table_of(copy, href, "orders"), table_of(copy, href, "slots")
    assert len(orders.rows) == row["order_lines"]
    assert sum(line["revenue"] for line in orders.rows) == pytest.approx(row["revenue"])
    assert sum(slot["revenue"] for slot in slots.rows) == pytest.approx(row["revenue"])
    of_slot = slots.columns[0].href(slots.rows[0])
    contents = table_of(copy, of_slot, "contents")
    assert sum(line["revenue"] for line in contents.rows) == pytest.approx(slots.rows[0]["revenue"])
    line = next(line for line in orders.rows if line["matched_by"] == "cart")
    path = orders.columns[0].href(line)
    steps = table_of(copy, path, "steps").rows
    assert steps[-1]["event_id"] == line["matched_event_id"]
    end = line["matched_event_id"]
    assert len(steps) == lake(f"SELECT count(*) FROM attribution.path_steps WHERE end_event_id = '{end}'")[0][0]


def test_sales_are_split_and_filtered_by_matched_by(lake, copy):
    by_kind = dict(lake("SELECT matched_by, sum(revenue) FROM attribution.attributed_sales GROUP BY ALL"))
    rows = {row["matched_by"]: row["revenue"] for row in table_of(copy, f"/entrances{ALL_DAYS}", "matches").rows}
    assert {kind: value for kind, value in rows.items() if value} == pytest.approx(
        {kind: float(value) for kind, value in by_kind.items() if value}
    )
    of_kind = table_of(copy, f"/entrances{ALL_DAYS}&matched_by={next(iter(by_kind))}", "entrances").total
    assert of_kind["revenue"] == pytest.approx(float(by_kind[next(iter(by_kind))]))
    product, kind = lake(
        "SELECT product_id, min(matched_by) FROM attribution.attributed_sales GROUP BY ALL "
        "ORDER BY count(*) DESC, product_id LIMIT 1",
    )[0]
    own = dict(
        lake(
            "SELECT entrance_id, sum(revenue) FROM attribution.attributed_sales "
            f"WHERE product_id = '{product}' AND matched_by = '{kind}' GROUP BY ALL",
        )
    )
    narrowed = table_of(copy, f"/products{ALL_DAYS}&sku={product}&matched_by={kind}", "entrances")
    assert {row["entrance_id"]: row["revenue"] for row in narrowed.rows} == pytest.approx(
        {entrance: float(value) for entrance, value in own.items()}
    )
    assert f"&matched_by={kind}" in narrowed.columns[0].href(narrowed.rows[0])
    other = "visit" if kind != "visit" else "click"
    assert table_of(copy, f"/products{ALL_DAYS}&sku={product}&matched_by={other}", "entrances").rows == []


def test_paths_count_every_add_to_cart_and_order_line(lake, copy):
    total = table_of(copy, f"/paths{ALL_DAYS}", "paths").total
    assert total is not None
    carts = lake("SELECT count(*) FROM core.events WHERE event_type = 'add_to_cart'")[0][0]
    lines = lake("SELECT count(*) FROM core.order_lines")[0][0]
    assert (total["add_to_carts"], total["order_lines"]) == (carts, lines)


def test_every_order_has_a_path_or_the_reason_why_not(lake, copy):
    found = lake("SELECT order_id, line_no, matched_by FROM attribution.attributed_sales ORDER BY ALL")
    kinds = {matched: (order, line) for order, line, matched in found}
    assert "cart" in kinds
    for matched, (order, line) in kinds.items():
        blocks = shown(copy, f"/paths{ALL_DAYS}&find={order}&line={line}")[1]
        shown_tables = {table.key for table in tables(blocks)}
        kinds_of_text = {block.kind for block in blocks if isinstance(block, Text)}
        assert ("steps" in shown_tables) == (matched == "cart") or matched == "order"
        assert ("visit" in shown_tables) == (matched == "visit")
        # The page shows a warning for a sale that is matched to no event of its own product, and the reason for a sale
        # without a path.
        assert ("warning" in kinds_of_text) == (matched in ("order", "visit"))
        assert shown_tables & {"steps", "visit"} or "missing" in kinds_of_text


def test_a_cart_and_a_device_are_found_too(lake, copy):
    event, device = lake("SELECT event_id, device_id FROM core.events WHERE event_type = 'add_to_cart' LIMIT 1")[0]
    assert table_of(copy, f"/paths{ALL_DAYS}&find={event}", "steps").rows[-1]["event_id"] == event
    carts = table_of(copy, f"/paths{ALL_DAYS}&find={device}", "carts").rows
    own = lake(f"SELECT event_id FROM core.events WHERE event_type = 'add_to_cart' AND device_id = '{device}'")
    assert {row["event_id"] for row in carts} == {event for (event,) in own}
    said = [b.text for b in shown(copy, f"/paths{ALL_DAYS}&find=nobody")[1] if isinstance(b, Text)]
    assert any("No order, add-to-cart or device" in text for text in said)


def test_modules_are_those_of_the_lake(lake, copy):
    rows = table_of(copy, f"/modules{ALL_DAYS}", "modules").rows
    direct = lake("SELECT page_type, module, sum(assisted_revenue) FROM attribution.module_daily GROUP BY 1, 2")
    assert {(row["page_type"], row["module"]): row["assisted_revenue"] for row in rows} == {
        (page, module): float(revenue) for page, module, revenue in direct
    }


def test_quality_accounts_for_every_record(lake, copy):
    found = cards(shown(copy, "/quality?part=files")[1])
    read, refused = lake("SELECT sum(records), sum(quarantined) FROM core.batches")[0]
    assert (found["records"].full, found["quarantined"].full) == (f"{read:,}", f"{refused:,}")
    reasons = table_of(copy, "/quality?part=files", "quarantine").rows
    assert sum(row["quarantined"] for row in reasons) == refused
    assert len(table_of(copy, "/quality?part=files", "batches").rows) == lake("SELECT count(*) FROM core.batches")[0][0]


def test_files_of_one_minute_are_listed_by_when_they_landed(copy):
    rows = table_of(copy, "/quality?part=files", "batches").rows
    times = [(row["ingested"].replace(second=0, microsecond=0), row["landed"]) for row in rows]
    assert len({minute for minute, _ in times}) < len(times)
    assert times == sorted(times, reverse=True)
    keys = [(*time, row["ingested"], row["file"]) for time, row in zip(times, rows, strict=True)]
    assert keys == sorted(keys, reverse=True)


def test_quality_goes_by_the_chosen_days_or_says_it_does_not(lake, copy, client):
    days = "from=2026-05-18&to=2026-05-19"
    blocks = shown(copy, f"/quality?{days}&lang=en")[1]
    events, late = lake(
        "SELECT count(*), count(*) FILTER (received_at > occurred_at + INTERVAL 1 HOUR) FROM core.events "
        "WHERE dt BETWEEN '2026-05-18' AND '2026-05-19'",
    )[0]
    assert cards(blocks)["events"].full == f"{events:,}"
    assert cards(blocks)["late_rate"].full == f"{100 * late / events:.2f}%"
    assert [row["dt"] for row in table_of(copy, f"/quality?{days}", "health").rows] == [
        dt.date(2026, 5, 19),
        dt.date(2026, 5, 18),
    ]
    found = [one for part in PARTS for one in tables(shown(copy, f"/quality?{days}&lang=en&part={part}")[1])]
    assert {one.key for one in found} >= {"health", "quarantine", "batches", "checks", "lineage"}
    for shown_table in found:
        if shown_table.key != "lineage":  # lineage is about columns, and has no days to select
            assert shown_table.is_of_days or "whatever days are selected" in shown_table.definition
    name = client.get(f"/export/quality/batches.csv?part=files&{days}").headers["Content-Disposition"]
    assert "2026-05-18" not in name
    assert "2026-05-18-2026-05-19" in client.get(f"/export/quality/health.csv?{days}").headers["Content-Disposition"]


def test_lineage_leads_to_what_landed(copy):
    rows = table_of(copy, "/quality?table=attribution.entrance_daily&column=revenue", "lineage").rows
    assert ("raw.order_lines", "unit_price") in {(row["table"], row["column"]) for row in rows}


def test_lineage_names_the_queries_of_pages_that_read_a_column(copy):
    rows = table_of(copy, "/quality?table=attribution.entrance_daily&column=revenue&lang=en", "lineage").rows
    shown_by = {row["table"] for row in rows if row["kind"] == "page query"}
    assert {"entrances.total", "report.entrances", "models.sales"} <= shown_by
    assert "slots.slots" not in shown_by


def test_what_records_say_is_not_shown_to_viewers(copy):
    view = read_view("/quality", "part=files")
    assert view is not None
    found = tables(page_of(copy, view, "viewer")[1])
    table = next(table for table in found if table.key == "quarantine")
    assert "raw" not in {column.field for column in table.columns}


@pytest.mark.parametrize(
    ("q", "kind", "target"),
    [("banner", "Entrance", "/entrances?"), ("home_feed", "Entrance", "/entrances?"), ("SO2026", "Order", "/paths?")],
)
def test_a_search_finds_by_name_and_key(copy, q, kind, target):
    rows = table_of(copy, f"/search?q={q}", "found").rows
    assert any(row["kind"] == kind and row["href"].startswith(target) for row in rows)


def test_products_are_named_in_the_language_of_the_page(copy, home):
    category = copy.rows("SELECT min(category) AS category FROM products.catalog WHERE category <> '(none)'")[0][
        "category"
    ]
    home.product_names_file.write_text(f"text,name_zh,name_en\n{category},,Things we sell\n", encoding="utf-8")
    try:
        found = {lang: table_of(copy, f"/search?q={category}&lang={lang}", "found").rows for lang in ("zh", "en")}
        by_name = table_of(copy, "/search?q=things+we&lang=en", "found").rows
        page = {
            lang: str(shown(copy, f"/products?lang={lang}{ALL_DAYS.replace('?', '&')}")[1]) for lang in ("zh", "en")
        }
    finally:
        home.product_names_file.unlink()
    assert [row["key"] for row in by_name] == [row["key"] for row in found["zh"]] == [row["key"] for row in found["en"]]
    assert ["Things we sell" in page["en"], "Things we sell" in page["zh"]] == [True, False]
    assert category not in page["en"]


def test_a_search_that_finds_more_than_it_lists_says_so(copy):
    assert any("only the first 50 results" in note for note in table_of(copy, "/search?q=0", "found").notes)


@pytest.mark.parametrize(
    ("clicks", "impressions", "said"),
    [((100, 50), (1000, 1000), "higher"), ((50, 100), (1000, 1000), "lower"), ((50, 52), (1000, 1000), "no clear"),
     ((9, 100), (1000, 1000), "too few"), ((2000, 100), (1000, 1000), "too few")],
)  # fmt: skip
def test_a_change_of_content_is_tested_for_significance(copy, clicks, impressions, said):
    context = shown(copy, "/entrances")[0]
    row = {
        "clicks": clicks[0], "clicks_before": clicks[1],
        "impressions": impressions[0], "impressions_before": impressions[1],
        "slot_click_rate": clicks[0] / impressions[0], "slot_click_rate_before": clicks[1] / impressions[1],
    }  # fmt: skip
    assert click_rate_change(context, row).startswith(said)


# Languages, selected days and unusual addresses --------------------------------------------------------


@pytest.mark.parametrize("page", PAGE_OF)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_is_written_in_both_languages(copy, page, language):
    for theme in ("light", "dark"):
        said = written(*shown(copy, f"/{page}{ALL_DAYS}&lang={language}&theme={theme}&q=banner"))
        assert "NaN" not in said
        assert "Infinity" not in said


@pytest.mark.parametrize("page", PAGE_OF)
@pytest.mark.parametrize("days", ["from=2020-01-01&to=2020-01-07", "from=2030-01-01&to=2030-12-31", "from=0001-01-01"])
def test_days_without_data_are_said_to_be_so(copy, page, days):
    context, blocks = shown(copy, f"/{page}?{days}")
    assert written(context, blocks)


def test_days_outside_the_records_have_no_numbers_or_remedy(copy):
    for page in ("", "products?part=moves", "customers", "journeys?part=paths"):
        [said] = shown(copy, f"/{page}{'&' if '?' in page else '?'}from=2020-01-01&to=2020-01-07&lang=en")[1]
        assert isinstance(said, Text)
        assert "from 2026-05-17 to 2026-05-20" in said.text
        assert not said.remedy
        assert "from=" not in said.href, "the link leads to the newest days"


@pytest.mark.parametrize("page", PAGE_OF)
def test_no_filter_breaks_a_page(copy, page):
    evil = ("'; DROP TABLE core.orders; --", "%", "\\", "🙂", "a|b|c", "-1", "1e309", "(none)", "\u0000")
    keys = ("entrance", "slot", "metric", "model", "find", "line", "via", "shape", "table", "column", "q", "page_type",
            "sku", "matrix", "window", "segment", "user", "kind", "category", "type", "effect", "channel",
            "by")  # fmt: skip
    for value in evil:
        view = View(page, FIRST, LAST, filters=dict.fromkeys(keys, value))
        context, blocks = page_of(copy, view, "admin")
        assert written(context, blocks) is not None


def test_names_are_text_and_never_markup(copy):
    context, blocks = shown(copy, f"/entrances{ALL_DAYS}")
    for block in every(blocks):
        if isinstance(block, Chart):
            assert HOSTILE not in str(block.figure)
    assert HOSTILE in written(context, blocks)  # the page has the name as text, so a browser does not run it


def test_every_table_of_every_page_is_a_file_of_the_same_rows(copy, client):
    for page in PAGES:
        path = "/" if page == PAGES[0] else f"/{page}"
        for table in tables(shown(copy, f"{path}{ALL_DAYS}")[1]):
            response = client.get(f"/export/{page}/{table.key}.csv{ALL_DAYS}")
            assert response.status_code == 200, (page, table.key)
            rows = list(csv.reader(io.StringIO(response.data.decode("utf-8-sig"))))
            assert len(rows) == len(table.rows) + 1
            assert client.get(f"/export/{page}/{table.key}.xlsx{ALL_DAYS}").data.startswith(b"PK")


@pytest.mark.parametrize(
    "path", ["/export/entrances/nothing.csv", "/export/nothing/days.csv", "/export/overview/days.exe"]
)
def test_files_that_are_not_there(client, path):
    assert client.get(path).status_code == 404


def test_the_browser_is_told_to_ask_nobody_else(client):
    response = client.get("/")
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert client.get("/health").status_code == 200


# The dashboards' copy of the lake ----------------------------------------------------------------------


def test_the_copy_stays_during_a_run_and_is_made_anew_after_it(home, tmp_path):
    marts = Marts(home)
    before = marts.copy()
    events = home.lake / "core" / "traffic_daily"
    file = next(events.rglob("*.parquet"))
    content = file.read_bytes()
    file.unlink()
    try:
        assert is_stale(home, current(home))
        with home_lock(home, "a test"):
            assert publish(home).version == before.file.version
        assert marts.copy() is before
        publish(home)
    finally:
        file.write_bytes(content)
    after = marts.copy()
    assert after.file.version != before.file.version
    assert before.rows("SELECT count(*) AS n FROM core.orders") == after.rows("SELECT count(*) AS n FROM core.orders")
    assert publish(home).version == before.file.version  # the lake is as it was, so the copy has its old version


def test_answers_are_kept_until_there_are_too_many(copy, monkeypatch):
    monkeypatch.setattr("dashboards.app.marts.CACHED_BYTES", 20_000)
    copy = Copy(copy.home, copy.file)
    sql = "SELECT $n AS n, repeat('x', 4000) AS wide"
    first = copy.frame(sql, n=0)
    assert copy.frame(sql, n=0) is first
    for n in range(20):
        copy.frame(sql, n=n)
    assert copy.frame(sql, n=0) is not first


def test_a_home_without_any_day_says_what_to_do(tmp_path):
    home, _ = init_home(tmp_path / "home")
    marts = Marts(home)
    with pytest.raises(NoDataError):
        page_of(marts.copy(), View(), "admin")
    assert "headwater run --home '" in str(to_run(View(), Home(tmp_path / "a home"), "no_data"))
    client = create_app(home).server.test_client()
    assert client.get("/export/overview/days.csv").status_code == 404
    (home.config / "headwater.yaml").write_text("a: [", encoding="utf-8")
    client = create_app(home).server.test_client()
    answer = client.get("/export/overview/days.csv")
    assert answer.status_code == 503
    assert "headwater.yaml" in answer.text


@pytest.mark.parametrize(("language", "said"), [("zh", "数据截至 2026-05-20"), ("en", "Through 2026-05-20")])
def test_the_badge_tells_the_datas_day_then_the_copys_time(copy, language, said):
    context = shown(copy, f"/?lang={language}")[0]
    at = copy.file.published_at.astimezone(ZoneInfo(copy.settings.timezone))
    badge = str(freshness(context.copy, context.view, mark_of(copy))[-1])
    assert 0 < badge.index(said) < badge.index(f"{at:%H:%M}")


def test_a_run_that_changes_nothing_leaves_the_copy(home):
    before = publish(home)
    run_home(home, Request())
    assert publish(home) == before


def test_a_copy_that_cannot_be_written_is_told(home, monkeypatch):
    def full(*_arguments: object, **_more: object) -> None:
        raise OSError(28, "No space left on device", str(home.root))

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(Exception, match="No space left on device"):
        publish(home)


def test_a_copy_that_is_damaged_is_made_anew(home):
    home.copy_pointer.unlink()
    path = publish(home).path  # no process has opened this file, so opening it finds the damage
    path.chmod(0o644)
    path.write_bytes(b"no database")
    assert Marts(home).copy().days
    assert Marts(home).copy().file.path != path


@pytest.mark.parametrize("kept", ['[{"table": 1}]', '["x"]', "{}", "[]", "5", "{", '{"sources": {"a": []}}'])
def test_checks_and_columns_of_another_version_are_as_none(home, kept):
    folder = home.root / ".workbench"
    there = {name: (folder / name).read_bytes() for name in ("checks.json", "lineage.json")}
    try:
        for name in there:
            (folder / name).write_text(kept)
        assert not read_checks(home)
        assert not read_lineage(home).sources
    finally:
        for name, content in there.items():
            (folder / name).write_bytes(content)


def test_viewers_find_no_device(lake, copy):
    device = lake("SELECT device_id FROM core.events WHERE event_type = 'add_to_cart'")[0][0]
    for address, key in ((f"/paths{ALL_DAYS}", "find"), (f"/search{ALL_DAYS}", "q")):
        path, _, query = address.partition("?")
        view = read_view(path, f"{query}&{key}={device}")
        assert view is not None
        for role, is_found in (("viewer", False), ("analyst", True)):
            found = tables(page_of(copy, view, role)[1])
            assert any(table.key in ("carts", "found") for table in found) == is_found


def test_the_first_and_last_day_of_all_are_days_without_data(copy):
    for days in ("to=0001-01-01", "from=0001-01-01", "from=9999-12-31"):
        assert shown(copy, f"/?{days}")[1]


def test_more_than_a_page_can_have_to_send_is_not_read(client):
    assert client.post("/_dash-update-component", json={"x": "x" * 2_000_000}).status_code == 413
