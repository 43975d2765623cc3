"""Maven Fuzzy Factory, a fictitious shop for teaching: three years, from CSV files to attributed sales, by Dagster."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import shutil
import subprocess
import sys
import time
from collections import Counter, defaultdict
from decimal import Decimal

import pytest

from pipelines.compute.reading import query_rows
from pipelines.compute.run import Request, run_home
from pipelines.compute.workspace import open_workspace
from pipelines.home.folder import REPOSITORY, init_home
from pipelines.home.settings import load_settings
from tests.real_data import data_set

pytestmark = pytest.mark.real

FILES = {
    "sessions": "website_sessions_first5000.csv.gz",
    "pageviews": "website_pageviews_first5000.csv.gz",
    "orders": "orders.csv.gz",
    "order_items": "order_items.csv.gz",
    "order_item_refunds": "order_item_refunds.csv.gz",
    "products": "products.csv",
}
MAIN_JOB = ("core", "attribution")
"""The schemas that lead from the log to attributed sales."""


def make_home(folder):
    data = data_set("maven")
    home, _ = init_home(folder)
    home.settings_file.write_text("timezone: UTC\ncurrency: USD\n", encoding="utf-8")
    shutil.copyfile(REPOSITORY / "sql/sources/maven/entrances.csv", home.config / "entrances.csv")
    for relation, name in FILES.items():
        target = home.landing / "maven" / relation / name
        target.parent.mkdir(parents=True)
        shutil.copyfile(data / name, target)
    return home


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The home of the three years, computed without Dagster, and the duration of the main job."""
    home = make_home(tmp_path_factory.mktemp("maven") / "shop")
    started = time.monotonic()
    project = open_workspace(home).project
    summary = run_home(home, Request(frozenset(project.select(MAIN_JOB))))
    home_seconds.append(time.monotonic() - started)
    assert not summary.has_errors
    assert not run_home(home).has_errors
    assert summary.ingested.records == summary.ingested.accepted == 84_073
    return home


home_seconds: list[float] = []


def rows(name):
    path = data_set("maven") / FILES[name]
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        yield from csv.DictReader(file)


def test_revenue_and_cost_by_month_and_product_equal_the_files(home):
    expected = defaultdict(lambda: [Decimal(0), Decimal(0), 0])
    for item in rows("order_items"):
        total = expected[item["created_at"][:7], item["product_id"]]
        total[0] += Decimal(item["price_usd"])
        total[1] += Decimal(item["cogs_usd"])
        total[2] += 1
    found = query_rows(
        home,
        "SELECT strftime(dt, '%Y-%m'), sku, sum(revenue), sum(cost), count(*) FROM core.order_lines GROUP BY ALL",
        limit=10_000,
    )
    assert {(month, sku): [revenue, cost, lines] for month, sku, revenue, cost, lines in found.rows} == expected
    assert sum(total[2] for total in expected.values()) == 40_025


def test_refunds_by_month_and_product_equal_the_files(home):
    product_of = {item["order_item_id"]: item["product_id"] for item in rows("order_items")}
    expected = defaultdict(Decimal)
    refunded = Decimal(0)
    for refund in rows("order_item_refunds"):
        expected[refund["created_at"][:7], product_of[refund["order_item_id"]]] += Decimal(refund["refund_amount_usd"])
        refunded += Decimal(refund["refund_amount_usd"])
    found = query_rows(
        home, "SELECT strftime(dt, '%Y-%m'), sku, sum(amount) FROM core.refunds GROUP BY ALL", limit=10_000
    )
    assert {(month, sku): amount for month, sku, amount in found.rows} == expected
    assert query_rows(home, "SELECT sum(refunded) FROM core.order_lines").rows[0][0] == refunded


def test_every_order_is_there_and_entrances_sum_to_the_sales(home):
    assert query_rows(home, "SELECT count(*) FROM core.orders").rows[0][0] == 32_313
    found = query_rows(home, "SELECT sum(revenue), sum(order_lines) FROM attribution.entrance_daily").rows[0]
    total = sum(Decimal(item["price_usd"]) for item in rows("order_items"))
    assert found == (total, 40_025)


def test_orders_whose_sessions_are_there_are_matched_by_cart(home):
    thanked = {view["website_session_id"] for view in rows("pageviews") if "thank-you" in view["pageview_url"]}
    expected = {order["order_id"] for order in rows("orders") if order["website_session_id"] in thanked}
    assert len(expected) == 79
    found = query_rows(
        home, "SELECT DISTINCT order_id FROM attribution.attributed_sales WHERE matched_by = 'cart'", limit=1000
    )
    assert {row[0] for row in found.rows} == expected


def test_each_matched_order_has_the_entrance_of_its_session(home):
    sessions = {session["website_session_id"]: session for session in rows("sessions")}
    landing = {}
    for view in rows("pageviews"):
        landing.setdefault(view["website_session_id"], view["pageview_url"].lstrip("/"))
    expected = Counter()
    for order in rows("orders"):
        session = sessions.get(order["website_session_id"])
        if session and order["website_session_id"] in landing and session["utm_source"] != "NULL":
            name = f"{session['utm_source']}_{session['utm_campaign']}"
            expected[f"{name}:{landing[order['website_session_id']]}"] += 1
    found = query_rows(
        home,
        "SELECT entrance_id, count(DISTINCT order_id) FROM attribution.attributed_sales "
        "WHERE matched_by = 'cart' AND NOT entrance_id LIKE '(%' GROUP BY ALL",
    )
    assert dict(found.rows) == dict(expected)


def test_margin_by_month_and_product_equals_the_files(home):
    """A month's margin is its sales minus their cost, minus the month's refunds (of any month's sales)."""
    product_of = {item["order_item_id"]: item["product_id"] for item in rows("order_items")}
    expected = defaultdict(Decimal)
    for item in rows("order_items"):
        expected[item["created_at"][:7], item["product_id"]] += Decimal(item["price_usd"]) - Decimal(item["cogs_usd"])
    for refund in rows("order_item_refunds"):
        expected[refund["created_at"][:7], product_of[refund["order_item_id"]]] -= Decimal(refund["refund_amount_usd"])
    found = query_rows(
        home,
        "SELECT strftime(dt, '%Y-%m'), sku, sum(revenue - refunded - cost), sum(lines_without_cost) "
        "FROM products.daily GROUP BY ALL",
        limit=10_000,
    )
    assert {(month, sku): margin for month, sku, margin, _ in found.rows} == expected
    assert {unknown for *_, unknown in found.rows} == {0}


def test_the_bcg_matrix_equals_direct_sums_over_three_years(home):
    """At each month's end, a product's share is its revenue of 28 days / that of the largest other product.

    Growth compares these 28 days with the 28 days before them.
    """
    revenue = defaultdict(Decimal)
    for item in rows("order_items"):
        revenue[item["product_id"], dt.date.fromisoformat(item["created_at"][:10])] += Decimal(item["price_usd"])

    def in_window(sku, last):
        return sum((revenue[sku, last - dt.timedelta(days=n)] for n in range(28)), Decimal())

    found = query_rows(
        home,
        "SELECT dt, product_id, x_value, y_value FROM products.quadrants WHERE matrix_id = 'growth_share' "
        "AND window_days = 28 AND dt = last_day(dt)",
        limit=10_000,
    ).rows
    assert len({day for day, *_ in found}) == 37
    start = load_settings(home).start_date
    for day, sku, share, growth in found:
        sold, before = in_window(sku, day), in_window(sku, day - dt.timedelta(days=28))
        largest_other = max(in_window(other, day) for other in "1234" if other != sku)
        assert share == (pytest.approx(float(sold / largest_other)) if largest_other else None)
        has_base = before and day - dt.timedelta(days=55) >= start  # growth needs 56 days since the shop's start
        assert growth == (pytest.approx(float(sold / before - 1)) if has_base else None)


def test_the_portfolio_lives_on_one_product(home):
    """The first product outsells every other in all three years, so only it is ever a star or a cash cow.

    The number of weak products grows, until together they bring more revenue than the first.
    """
    placed = query_rows(
        home,
        "SELECT product_id, quadrant, count(*) FROM products.quadrants "
        "WHERE matrix_id = 'growth_share' AND window_days = 28 AND dt >= DATE '2013-03-01' "
        "AND quadrant <> 'unknown' GROUP BY ALL",
        limit=100,
    ).rows
    assert {quadrant for sku, quadrant, _ in placed if sku == "1"} == {"star", "cash_cow"}
    assert {quadrant for sku, quadrant, _ in placed if sku != "1"} == {"question_mark", "dog"}
    verdicts = query_rows(
        home,
        "SELECT rule, verdict, evidence_en FROM products.portfolio_health WHERE matrix_id = 'growth_share' "
        "AND window_days = 28 AND dt = DATE '2015-02-28'",
    ).rows
    assert {rule: verdict for rule, verdict, _ in verdicts} == {
        "crescent": "bad",
        "black_ball": "good",
        "northeast": "warn",
        "speed": "warn",
    }
    moves = query_rows(
        home,
        "SELECT DISTINCT product_id FROM products.quadrant_moves WHERE matrix_id = 'growth_share' AND window_days = 28",
    )
    assert {sku for (sku,) in moves.rows} == set("1234")


def test_through_dagster_everything_is_computed_once(tmp_path):
    """`headwater run`, as a user starts it, computes all three years; a second run has nothing to do."""
    home = make_home(tmp_path / "shop")
    main_job = [word for schema in MAIN_JOB for word in ("--select", schema)]
    command = [sys.executable, "-m", "pipelines.commands.main", "run", *main_job, "--home", str(home.root)]
    started = time.monotonic()
    first = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY)
    seconds = time.monotonic() - started
    assert "84,073 read = 84,073 accepted + 0 duplicates + 0 quarantined" in first.stdout
    workspace = open_workspace(home)
    partitions = sum(len(workspace.lake.files(table)) for table in workspace.project.select(MAIN_JOB))
    bookkeeping = (seconds - home_seconds[0] if home_seconds else seconds) / partitions
    print(f"{seconds:.0f} s through Dagster, of it {bookkeeping * 1000:.1f} ms an asset × partition ({partitions:,})")
    again = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert "nothing to do" in again.stdout
