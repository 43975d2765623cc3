"""Portfolio health in special cases: other cells have the role of stars, no earlier period, no revenue."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from pipelines.home.folder import Home, init_home
from pipelines.home.settings import Settings
from tests.sql_models import Row, computed

FIRST = dt.date(2026, 3, 1)
SECOND = FIRST + dt.timedelta(days=1)
SETTINGS = Settings.model_validate({"products": {"windows": [1]}})
MODELS = [
    "products.rate_priors",
    "products.axis_values",
    "products.quadrants",
    "products.quadrant_moves",
    "products.quadrant_migration",
    "products.portfolio_health",
]
CELLS = ("high-high", "high-low", "low-high", "low-low")


def home_with(folder: Path, roles: dict[str, str], cut: float = 20, x: str = "revenue") -> Home:
    """A home with one matrix, *x* × refunded, split at *cut* on both axes; *roles*: cell (one of ``CELLS``) → role."""
    home, _ = init_home(folder / "home")
    cells = {
        cell: {
            "key": cell.replace("-", "_"),
            "name_zh": cell,
            "name_en": cell,
            "advice_zh": "无",
            "advice_en": "none",
            "color": "#117733",
        }
        | ({"role": roles[cell]} if cell in roles else {})
        for cell in CELLS
    }
    file = home.config / "matrices.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    axis = {"threshold": {"fixed": cut}}
    content["products"] = {
        "own": {
            "name_zh": "自定",
            "name_en": "Own",
            "x": {"metric": x, **axis},
            "y": {"metric": "refunded", **axis},
            "cells": cells,
        }
    }
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return home


def figures(day: dt.date, product_id: str, revenue: int, refunded: int) -> Row:
    nothing = {"exposures": 0, "product_clicks": 0, "order_lines": 0, "repurchase_base": 0, "repurchasers": 0}
    own = {"revenue": Decimal(revenue), "refunded": Decimal(refunded)}
    return {"dt": day, "window_days": 1, "product_id": product_id, "category": "c", **nothing, **own}


def laws(home: Home, rows: list[Row]) -> dict[str, Row]:
    """Rule → its row of products.portfolio_health on the last day of *rows*."""
    days = sorted({row["dt"] for row in rows})
    found = computed(MODELS, {"products.metrics": rows}, days, SETTINGS, home)["products.portfolio_health"]
    return {row["rule"]: row for row in found if row["dt"] == days[-1]}


STARS_LOW = {"high-low": "star", "high-high": "question_mark", "low-high": "dog", "low-low": "dog"}


def test_northeast_is_where_the_stars_are(tmp_path):
    home = home_with(tmp_path, STARS_LOW)
    better = [figures(FIRST, "a", 100, 40), figures(SECOND, "a", 100, 0)]
    assert (laws(home, better)["northeast"]["verdict"], laws(home, better)["northeast"]["value"] > 1) == ("good", True)
    worse = [figures(FIRST, "a", 100, 0), figures(SECOND, "a", 100, 40)]
    assert laws(home, worse)["northeast"]["verdict"] == "bad"


def test_a_standstill_is_neither_forward_nor_backward(tmp_path):
    rows = [figures(day, sku, n, n) for day in (FIRST, SECOND) for sku, n in (("a", 33), ("b", 47), ("c", 7))]
    law = laws(home_with(tmp_path, STARS_LOW), rows)["northeast"]
    assert (law["verdict"], law["value"]) == ("warn", 0.0)


def test_without_stars_nothing_moves_toward_them(tmp_path):
    rows = [figures(day, "a", 100, 40) for day in (FIRST, SECOND)]
    found = laws(home_with(tmp_path, {"low-low": "dog"}), rows)
    for rule, reason in (
        ("northeast", "No quadrant of this matrix has the role star"),
        ("black_ball", "No quadrant of this matrix has the role star or cash_cow"),
    ):
        assert (found[rule]["verdict"], found[rule]["value"], found[rule]["evidence_en"]) == (None, None, reason)


@pytest.mark.parametrize(
    ("rows", "cut", "reason"),
    [
        ([figures(FIRST, "a", 100, 40)], 20, "There is no earlier period to compare with"),
        ([figures(FIRST, "a", 100, 40), figures(SECOND, "a", 0, 0)], 20, "No product with revenue has a place"),
        ([figures(FIRST, "a", 0, 0), figures(SECOND, "a", 100, 40)], 20, "No product with revenue had a place"),
        ([figures(FIRST, "a", 9, 4), figures(SECOND, "a", 9, 4)], 0, "or a threshold is 0"),
    ],
)
def test_why_there_is_no_movement_is_told(tmp_path, rows, cut, reason):
    law = laws(home_with(tmp_path, STARS_LOW, cut), rows)["northeast"]
    assert law["verdict"] is None
    assert reason in law["evidence_en"]
    assert law["evidence_zh"]


def test_products_without_revenue_are_counted_and_named_so(tmp_path):
    law = laws(home_with(tmp_path, {"low-low": "star", "high-low": "dog"}), [figures(FIRST, "a", 0, 0)])["crescent"]
    assert (law["value"], law["verdict"]) == (None, "warn")
    assert law["evidence_en"] == "Strong products: 1, weak ones: 0; they brought no revenue"
    assert law["evidence_zh"] == "强势产品 1 个，弱势产品 0 个；这些产品没有收入"


def test_a_median_between_two_days_is_told_as_it_is(tmp_path):
    """One product moves up after one day, another after two days, so the median is 1.5 days."""
    days = [FIRST + dt.timedelta(days=n) for n in range(3)]
    refunds = {"a": (40, 0, 0), "b": (40, 40, 0)}
    rows = [figures(day, sku, 100, refunds[sku][n]) for n, day in enumerate(days) for sku in refunds]
    law = laws(home_with(tmp_path, STARS_LOW), rows)["speed"]
    assert law["value"] == 1.5
    assert law["evidence_en"] == "Moves up: 2; median days in the quadrant before: 1.5 (good: 14 to 180)"
    assert law["evidence_zh"] == "2 次升级，升级前停留天数中位数 1.5 天（合适：14 至 180 天）"


@pytest.mark.parametrize(
    ("metric", "counted", "en", "zh"),
    [
        ("exposures", "exposures", "No exposures in the log", "日志中没有商品曝光"),
        ("click_through_rate", "exposures", "No exposures in the log", "日志中没有商品曝光"),
        ("product_clicks", "product_clicks", "No product clicks in the log", "日志中没有商品点击"),
        ("views", "views", "No views of product pages in the log", "日志中没有商品页浏览"),
        ("add_to_carts", "add_to_carts", "No add-to-carts in the log", "日志中没有加购"),
    ],
)
def test_what_was_never_logged_is_no_verdict(tmp_path, metric, counted, en, zh):
    """A law has no verdict if the log has no events of the type that *metric* needs; one product's events suffice."""
    home = home_with(tmp_path, STARS_LOW, x=metric)
    silent = {"exposures": 0, "product_clicks": 0, "views": 0, "add_to_carts": 0, "click_through_rate": None}
    rows = [figures(day, sku, 100, 40) | silent for day in (FIRST, SECOND) for sku in "ab"]
    for law in laws(home, rows).values():
        assert (law["verdict"], law["value"], law["evidence_en"], law["evidence_zh"]) == (None, None, en, zh)
    for row in rows:
        if row["product_id"] == "a":
            row |= {counted: 30, "click_through_rate": 0.5 if counted == "exposures" else None}
    found = laws(home, rows)
    assert found["black_ball"]["verdict"] == "bad"
    assert found["black_ball"]["evidence_en"] == "Stars: 0"
