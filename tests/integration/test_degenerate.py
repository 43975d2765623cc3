"""Shops with too little data for most figures, from landing to the report.

Nothing crashes, no figure is NaN, and the report explains what is missing.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Sequence
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from dashboards.report.file import LANGUAGES, Language, write_reports
from pipelines.compute.workspace import open_workspace
from pipelines.home.folder import Home
from pipelines.lake.partitions import Lake
from tests.shared_homes import made_once
from tests.support import land, make_home, run, table

pytestmark = pytest.mark.real

Row = dict[str, Any]

FIRST = dt.date(2026, 4, 29)
DAYS = [FIRST + dt.timedelta(days=n) for n in range(3)]  # the second day, 30 April, is the end of a month
LAST = DAYS[-1]


class Shop:
    """Collects the records of a shop; each call of a method adds some."""

    def __init__(self) -> None:
        self.relations: dict[str, list[Row]] = {
            name: [] for name in ("events", "orders", "order_lines", "refunds", "products")
        }

    def sees(self, day: dt.date, sku: str, kind: str = "exposure", device: str = "d1") -> None:
        """Add an event of type *kind* of the product *sku* in the home feed."""
        number = len(self.relations["events"])
        self.relations["events"].append(
            {
                "event_id": f"e{number}",
                "device_id": device,
                "event_type": kind,
                "page_id": 1,
                "page_type": "home",
                "module": "feed",
                "slot": 1,
                "sku": sku,
                "device_time": f"{day}T02:00:{number % 60:02d}Z",
            }
        )

    def buys(self, day: dt.date, sku: str = "s1", user: str = "u1", price: str = "10.00") -> str:
        """Add a paid order of one piece; returns its order_id."""
        key = f"o{len(self.relations['orders'])}"
        times = {"ordered_at": f"{day}T05:00:00Z", "paid_at": f"{day}T05:01:00Z"}
        self.relations["orders"].append({"order_id": key, "user_id": user, "status": "paid", **times})
        line = {"order_id": key, "line_no": 1, "sku": sku, "quantity": 1, "unit_price": price, "discount": "0"}
        self.relations["order_lines"].append(line)
        return key

    def refunds(self, day: dt.date, order: str, amount: str) -> None:
        """Add a refund of *amount* for the order's line."""
        row = {"order_id": order, "line_no": 1, "amount": amount, "refunded_at": f"{day}T06:00:00Z"}
        self.relations["refunds"].append({"refund_id": f"r-{order}", **row})

    def lists(self, sku: str, cost: str | None = "6.00", category: str | None = "c") -> None:
        """Add a product to the catalogue; a *cost* or *category* of None is unknown."""
        self.relations["products"].append(
            {"sku": sku, "name": sku, "category": category, "unit_cost": cost, "launched_on": str(FIRST)}
        )


def one_of_each() -> Shop:
    """One customer, one product, one order."""
    shop = Shop()
    shop.lists("s1")
    shop.sees(LAST, "s1")
    shop.sees(LAST, "s1", "add_to_cart")
    shop.buys(LAST)
    return shop


def all_equal() -> Shop:
    """Every customer buys every product once a day, and all products have equally many exposures."""
    shop = Shop()
    for sku in ("s1", "s2", "s3", "s4"):
        shop.lists(sku)
        for day in DAYS:
            shop.sees(day, sku)
            for user in ("u1", "u2", "u3"):
                shop.buys(day, sku, user)
    return shop


def never_seen() -> Shop:
    """Products that are sold, in a shop that logs no events."""
    shop = Shop()
    for sku in ("s1", "s2"):
        shop.lists(sku)
        shop.buys(LAST, sku)
    return shop


def sold_below_cost() -> Shop:
    """Every product is sold below its cost."""
    shop = Shop()
    for number, sku in enumerate(("s1", "s2", "s3")):
        shop.lists(sku, cost="25.00")
        shop.sees(LAST, sku)
        shop.buys(LAST, sku, price=f"{10 + number}.00")
    return shop


def refunded_beyond_the_sale() -> Shop:
    """The refunds exceed the payments."""
    shop = Shop()
    for day, sku in zip(DAYS, ("s1", "s2", "s3"), strict=False):
        shop.lists(sku)
        shop.sees(day, sku)
        shop.refunds(LAST, shop.buys(day, sku, user=f"u-{sku}"), "25.00")
    return shop


def without_costs() -> Shop:
    """One product has a cost, one has none, one is not even in the catalogue."""
    shop = Shop()
    shop.lists("s1")
    shop.lists("s2", cost=None)
    for sku in ("s1", "s2", "s3"):
        shop.sees(LAST, sku)
        shop.buys(LAST, sku)
    return shop


def categories_of_one() -> Shop:
    """Each product is the only one of its category."""
    shop = Shop()
    for number, sku in enumerate(("s1", "s2", "s3")):
        shop.lists(sku, category=f"only {sku}")
        for day in DAYS:
            shop.sees(day, sku)
            shop.buys(day, sku, price=f"{10 * (number + 1)}.00")
    return shop


def no_orders() -> Shop:
    """Visitors see and click products, but nobody orders."""
    shop = Shop()
    for day in DAYS:
        for number, sku in enumerate(("s1", "s2", "s3")):
            for _ in range(number + 1):
                shop.sees(day, sku)
            shop.sees(day, sku, "click")
    shop.lists("s1")
    return shop


def nothing_but_a_catalogue() -> Shop:
    """Products that nobody sees or buys, and one page view of one visitor."""
    shop = Shop()
    shop.lists("s1")
    shop.lists("s2", cost=None, category=None)
    shop.sees(LAST, "s1", "page_view")
    return shop


def given_away() -> Shop:
    """All prices and costs are 0."""
    shop = Shop()
    for sku in ("s1", "s2"):
        shop.lists(sku, cost="0.00")
        shop.sees(LAST, sku)
        shop.buys(LAST, sku, price="0.00")
    return shop


SHOPS = (
    one_of_each,
    all_equal,
    never_seen,
    sold_below_cost,
    refunded_beyond_the_sale,
    without_costs,
    categories_of_one,
    no_orders,
    nothing_but_a_catalogue,
    given_away,
)


@pytest.fixture
def home_of_shop(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Callable[[], Shop]], Home]:
    """A function that returns the computed home of a shop; each home is computed only once."""

    def home_of(shop: Callable[[], Shop]) -> Home:
        def make(folder: Path) -> None:
            settings = {"start_date": FIRST, "snapshots": {"daily_for_days": 2}, "products": {"windows": [1, 3]}}
            home = make_home(folder, settings=settings)
            for relation, rows in shop().relations.items():
                if rows:
                    land(home, relation, rows, "log")
            run(home)

        return Home(made_once(tmp_path_factory, shop.__name__, make))

    return home_of


@pytest.fixture
def report_of_shop(tmp_path_factory: pytest.TempPathFactory, home_of_shop) -> Callable[..., str]:
    """A function that returns the HTML of a shop's report of the last day; the reports are written only once."""

    def report_of(shop: Callable[[], Shop], language: Language) -> str:
        home = home_of_shop(shop)
        made_once(tmp_path_factory, f"{shop.__name__}-reports", lambda _: write_reports(home, LAST))
        return (home.reports / f"{LAST}-{language}.html").read_text(encoding="utf-8")

    return report_of


def last_of(home: Home, name: str, **wanted: Any) -> list[Row]:
    """The last day's rows of table *name* whose columns have the values *wanted* (column → value)."""
    rows = [row for row in table(home, name) if row["dt"] == LAST]
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def said(html: str) -> str:
    """The text of a report outside of its scripts and styles."""
    html = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.mark.parametrize("shop", SHOPS)
def test_no_number_is_nan_or_infinite(home_of_shop, shop):
    home = home_of_shop(shop)
    lake = Lake(home.lake)
    found = {}
    for name in open_workspace(home).project.models:
        rows = table(home, name)
        assert bool(rows) <= bool(lake.files(name))
        odd = [row for row in rows if any(isinstance(v, float) and not math.isfinite(v) for v in row.values())]
        if odd:
            found[name] = odd[:3]
    assert found == {}


@pytest.mark.parametrize("shop", SHOPS)
def test_its_report_is_written_in_both_languages(report_of_shop, shop):
    for language in LANGUAGES:
        html = report_of_shop(shop, language)
        text = said(html)
        assert not re.search(r"\b(nan|NaN|inf|Infinity|None|null)\b", text), text
        figures = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', html)
        assert not any(re.search(r"[:\[, ](NaN|-?Infinity)\b", figure) for figure in figures)


def values(rows: Sequence[Row], name: str) -> list[Any]:
    return [row[name] for row in rows]


def test_one_customer_has_scores_an_octant_and_a_segment(home_of_shop):
    (customer,) = last_of(home_of_shop(one_of_each), "customers.rfm")
    # 3 is the middle of the scores 1 to 5.
    assert {customer[score] for score in ("r_score", "f_score", "m_score")} == {3}
    assert customer["octant"]
    assert customer["segment"]


def test_equal_customers_are_alike_and_equal_products_not_high(home_of_shop):
    home = home_of_shop(all_equal)
    customers = last_of(home, "customers.rfm")
    assert len(customers) == 3
    assert len({(c["r_score"], c["f_score"], c["m_score"], c["octant"], c["segment"]) for c in customers}) == 1
    products = last_of(home, "products.quadrants", matrix_id="exposure_margin", window_days=3)
    # Each product equals the mean, and only a product above the mean is high.
    assert values(products, "quadrant") == ["dog"] * 4
    assert values(products, "x_distance") == [0.0] * 4


def test_what_nobody_sees_has_no_rates_of_exposure(home_of_shop):
    metrics = last_of(home_of_shop(never_seen), "products.metrics", window_days=1)
    assert values(metrics, "exposures") == [0, 0]
    assert values(metrics, "click_through_rate") == values(metrics, "conversion_rate") == [None, None]
    unknown = last_of(home_of_shop(never_seen), "products.quadrants", matrix_id="exposure_conversion", window_days=1)
    assert {(row["quadrant"], row["unknown_metrics"]) for row in unknown} == {("unknown", "exposures, conversion_rate")}


def test_losses_are_negative_margins(home_of_shop):
    metrics = last_of(home_of_shop(sold_below_cost), "products.metrics", window_days=1)
    assert sorted(values(metrics, "margin_rate")) == pytest.approx([-1.5, -14 / 11, -13 / 12])
    placed = last_of(home_of_shop(sold_below_cost), "products.quadrants", matrix_id="exposure_margin", window_days=1)
    # Two of the three products are above the mean margin, so their quadrant is "potential".
    assert sorted(values(placed, "quadrant")) == ["dog", "potential", "potential"]


def test_a_product_refunded_beyond_its_sale_has_no_margin_rate(home_of_shop):
    home = home_of_shop(refunded_beyond_the_sale)
    metrics = last_of(home, "products.metrics", window_days=3)
    assert {row["margin_rate"] for row in metrics} == {None}
    assert min(values(metrics, "net_revenue")) < 0
    placed = last_of(home, "products.quadrants", matrix_id="exposure_margin", window_days=3)
    assert {(row["quadrant"], row["unknown_metrics"]) for row in placed} == {("unknown", "margin_rate")}
    customers = last_of(home, "customers.rfm")
    assert {float(row["net_revenue"]) for row in customers} == {-15.0}
    assert {row["revenue_share"] for row in last_of(home, "customers.rfm_daily")} == {None}


def test_products_without_cost_have_no_margin_and_are_listed(home_of_shop, report_of_shop):
    home = home_of_shop(without_costs)
    metrics = {row["product_id"]: row for row in last_of(home, "products.metrics", window_days=1)}
    assert {sku: (row["margin"], row["lines_without_cost"]) for sku, row in metrics.items() if sku != "s1"} == {
        "s2": (None, 1),
        "s3": (None, 1),
    }
    assert float(metrics["s1"]["margin"]) == 4
    placed = last_of(home, "products.quadrants", matrix_id="exposure_margin", window_days=1)
    unknown = {row["product_id"]: row["unknown_metrics"] for row in placed if row["quadrant"] == "unknown"}
    assert unknown == {"s2": "margin_rate", "s3": "margin_rate"}
    text = said(report_of_shop(without_costs, "en"))
    assert "Order lines without a known cost, excluded from margin and margin rate: 2" in text


def test_a_product_alone_in_its_category_has_no_relative_share(home_of_shop):
    home = home_of_shop(categories_of_one)
    assert {row["relative_share"] for row in last_of(home, "products.metrics", window_days=3)} == {None}
    placed = last_of(home, "products.quadrants", matrix_id="growth_share", window_days=3)
    assert {row["quadrant"] for row in placed} == {"unknown"}
    assert all("relative_share" in row["unknown_metrics"] for row in placed)


def test_without_orders_are_no_customers_and_the_laws_say_why(home_of_shop, report_of_shop):
    home = home_of_shop(no_orders)
    assert last_of(home, "customers.rfm") == []
    health = last_of(home, "products.portfolio_health", window_days=3)
    assert health
    assert all(row["evidence_en"] and row["evidence_zh"] for row in health)
    assert {row["verdict"] for row in health if row["rule"] == "northeast"} == {None}
    text = said(report_of_shop(no_orders, "en"))
    assert f"No paid orders on {LAST}" in text
    assert f"No customer with a paid order in the window up to {LAST}" in text


def test_what_is_free_has_revenue_nought_and_no_rate(home_of_shop):
    metrics = last_of(home_of_shop(given_away), "products.metrics", window_days=1)
    assert {(float(row["revenue"]), row["margin_rate"], row["relative_share"]) for row in metrics} == {
        (0.0, None, None)
    }
    classes = last_of(home_of_shop(given_away), "products.assortment", window_days=1)
    assert {row["cumulative_share"] for row in classes} == {None}
