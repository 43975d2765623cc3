"""Competitors' sales: errors name file and row, and relative share is measured against the largest competitor."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from pipelines.config_tables import load_config_tables
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import init_home
from pipelines.home.settings import Settings
from tests.sql_models import computed
from tests.strategies_products import LAST, MODELS, SETTINGS

HEADER = "category,competitor,first_day,last_day,revenue\n"
READ = ["core.products", "core.events", "attribution.attributed_events", "core.order_lines", "core.refunds"]


@pytest.fixture
def home(tmp_path):
    return init_home(tmp_path / "shop")[0]


def market(home, text):
    (home.config / "market.csv").write_text(HEADER + text, encoding="utf-8")
    return load_config_tables(home, Settings()).rows("config.market")


def test_a_home_without_the_file_or_its_rows_has_no_competitor(home):
    assert load_config_tables(home, Settings()).rows("config.market") == ()
    (home.config / "market.csv").unlink()
    assert load_config_tables(home, Settings()).rows("config.market") == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (",rival,2026-03-01,2026-03-31,5", "row 2: category is empty"),
        ("x,,2026-03-01,2026-03-31,5", "row 2: competitor is empty"),
        ("x,rival,,2026-03-31,5", "row 2: first_day is empty, expected a date"),
        ("x,rival,2026-03-01,March,5", "row 2: last_day is 'March', expected a date"),
        ("x,rival,2026-03-02,2026-03-01,5", "row 2: last_day 2026-03-01 is before first_day 2026-03-02"),
        ("x,rival,2026-03-01,2026-03-31,0", "row 2: revenue is '0', expected an amount above 0"),
        ("x,rival,2026-03-01,2026-03-31,NaN", "row 2: revenue is 'NaN'"),
        ("x,rival,2026-03-01,2026-03-31,1.23456", "with at most 4 decimals"),
        (
            "x,rival,2026-03-01,2026-03-31,5\ny,rival,2026-03-31,2026-04-30,5\nx,rival,2026-03-31,2026-04-30,5",
            "row 4: row 2 already has rival in x for 2026-03-31",
        ),
        (
            "x,rival,2026-03-20,2026-03-31,5\nx,rival,2026-03-01,2026-03-20,5",
            "row 3: row 2 already has rival in x for 2026-03-20",
        ),
    ],
)
def test_a_wrong_or_contradicting_row_is_refused(home, text, expected):
    with pytest.raises(HeadwaterError) as caught:
        market(home, text + "\n")
    assert expected in str(caught.value)
    assert "market.csv" in str(caught.value)


def shares(home, text: str) -> dict[tuple[int, str], float | None]:
    """(window, product) → relative share of products a, b (category x) and c (y), for competitors' sales *text*.

    The share is None if there is nothing to compare with.
    """
    market(home, text)
    lines = [
        {
            "order_id": f"{sku}{n}",
            "line_no": 1,
            "sku": sku,
            "product_id": sku,
            "quantity": 1,
            "revenue": Decimal(revenue),
            "dt": day,
        }
        for sku, revenue in (("a", 30), ("b", 10), ("c", 5))
        for n, day in enumerate(LAST - dt.timedelta(days=k) for k in range(3))
    ]
    products = [
        {"sku": sku, "product_id": sku, "category": category} for sku, category in (("a", "x"), ("b", "x"), ("c", "y"))
    ]
    given = {**dict.fromkeys(READ, ()), "core.order_lines": lines, "core.products": products}
    days = [LAST - dt.timedelta(days=k) for k in range(12)]
    rows = computed(MODELS, given, days, SETTINGS, home)["products.metrics"]
    return {(row["window_days"], row["product_id"]): row["relative_share"] for row in rows if row["dt"] == LAST}


def test_without_competitors_shares_are_of_the_largest_other(home):
    found = shares(home, "")
    assert [found[1, sku] for sku in "abc"] == pytest.approx([3.0, 1 / 3, None])


def test_shares_are_of_the_largest_competitor_day_by_day(home):
    # The competitor "small" sells 20 a day. "large" sells 40 a day but has no figure for the last day, so
    # in the window of one day "small" is the largest competitor.
    rows = [
        f"x,small,{LAST - dt.timedelta(days=9)},{LAST},200",
        f"x,large,{LAST - dt.timedelta(days=9)},{LAST - dt.timedelta(days=1)},360",
    ]
    found = shares(home, "\n".join(rows))
    assert [found[1, sku] for sku in "abc"] == pytest.approx([1.5, 0.5, None])
    # In the window of three days "large" does not count either, because its figure for the last day is missing.
    assert [found[3, sku] for sku in "abc"] == pytest.approx([1.5, 0.5, None])


def test_the_days_of_several_rows_make_a_window(home):
    first = LAST - dt.timedelta(days=9)
    rows = f"y,rival,{first},{LAST - dt.timedelta(days=1)},90\ny,rival,{LAST},{LAST},40"
    found = shares(home, rows)
    assert found[1, "c"] == pytest.approx(5 / 40)
    assert found[3, "c"] == pytest.approx(15 / (10 + 10 + 40))
    assert found[3, "a"] == pytest.approx(3.0)  # relative to b, because category x has no competitor in the file
