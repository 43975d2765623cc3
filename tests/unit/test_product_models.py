"""The product models' SQL on made-up figures: its rows equal those of the reference implementation.

The rows also have the documented properties.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.config_tables.matrices import PRODUCT_METRICS, UNKNOWN
from pipelines.home.settings import Settings
from pipelines.sqlproject.project import load_project
from tests.reference_products import Portfolio, Row
from tests.sql_models import computed
from tests.strategies_customers import tried

FIRST = dt.date(2026, 3, 1)
DAYS = [FIRST + dt.timedelta(days=n) for n in range(6)]
WINDOW = 1
SETTINGS = Settings.model_validate({"products": {"windows": [WINDOW]}})
QUADRANTS = ["products.rate_priors", "products.axis_values", "products.quadrants"]
MOVES = [*QUADRANTS, "products.quadrant_moves", "products.quadrant_migration", "products.portfolio_health"]


def figures(day: dt.date, product_id: str, **values: Any) -> Row:
    """A row of products.metrics with counts 0 and rates null, except for *values*."""
    nothing = {"exposures": 0, "product_clicks": 0, "order_lines": 0, "repurchase_base": 0, "repurchasers": 0}
    return {
        "dt": day,
        "window_days": WINDOW,
        "product_id": product_id,
        "category": "c",
        "revenue": Decimal(0),
        **nothing,
        **values,
    }


def quadrants(rows: list[Row], names: list[str] = QUADRANTS, *, day_by_day: bool = False) -> dict[str, list[Row]]:
    days = {row["dt"] for row in rows}
    return computed(names, {"products.metrics": rows}, days, SETTINGS, day_by_day=day_by_day)


@st.composite
def portfolios(draw: st.DrawFn) -> list[Row]:
    """Rows of products.metrics: up to four products, each on most of six days.

    Values are near each other, and some are missing.
    """
    near = st.sampled_from([0, 100, 100, 98, 104, 106, 111, 95, 400])
    rates = st.sampled_from([None, -0.5, 0.0, 0.3, 0.3, 0.31, 0.29, 0.1, 0.104, 1.0])
    rows = []
    for sku in "abcd"[: draw(st.integers(1, 4))]:
        for day in DAYS:
            if draw(st.integers(0, 7)):
                values = {"exposures": draw(near), "views": draw(near), "margin_rate": draw(rates)}
                values |= {
                    "growth_rate": draw(rates),
                    "relative_share": draw(st.sampled_from([None, 0.9, 0.97, 1.0, 1.2])),
                }
                age = draw(st.sampled_from([None, 10, 58, 60, 61, 64, 90]))
                rows.append(figures(day, sku, days_since_launch=age, revenue=Decimal(draw(near)), **values))
    return rows


@tried(1)
@given(portfolios())
def test_quadrants_equal_the_restatement(rows: list[Row]) -> None:
    placed = quadrants(rows, day_by_day=True)["products.quadrants"]
    found = {(r["dt"], r["matrix_id"], r["product_id"]): r for r in placed}
    portfolio = Portfolio()
    for day in sorted({row["dt"] for row in rows}):
        for (matrix_id, sku), stay in portfolio.on(day, [row for row in rows if row["dt"] == day]).items():
            row = found[day, matrix_id, sku]
            assert (row["quadrant"], row["previous_quadrant"], row["days_in_quadrant"]) == (
                stay.quadrant,
                stay.previous,
                stay.days,
            ), (day, matrix_id, sku)
            assert [row["x_high"], row["y_high"]] == stay.sides
            assert (row["unknown_metrics"] is not None) == (stay.quadrant == UNKNOWN)


@tried(1)
@given(portfolios())
def test_a_side_is_clear_or_kept_or_else_the_plain_one(rows: list[Row]) -> None:
    found = quadrants(rows)
    axes = {(r["dt"], r["matrix_id"], r["product_id"], r["axis"]): r for r in found["products.axis_values"]}
    assert len(axes) == len(found["products.axis_values"]) == 2 * len(found["products.quadrants"])
    for row in found["products.quadrants"]:
        for axis in "xy":
            own = axes[row["dt"], row["matrix_id"], row["product_id"], axis]
            for name in ("value", "raw_value", "threshold", "distance"):
                assert row[f"{axis}_{name}"] == own[name], name
            if own["clear_side"] is not None:
                assert row[f"{axis}_high"] is own["clear_side"] is own["plain_side"]
            elif row["dt"] == DAYS[0]:
                assert row[f"{axis}_high"] is own["plain_side"]


@pytest.mark.real
@tried(1)
@given(portfolios())
def test_days_computed_at_once_equal_days_computed_one_by_one(rows: list[Row]) -> None:
    one_by_one, at_once = (quadrants(rows, MOVES, day_by_day=way) for way in (True, False))
    for name in MOVES:
        assert _rounded(one_by_one[name]) == _rounded(at_once[name]), name


def _rounded(rows: list[Row]) -> list[Row]:
    return [{k: round(v, 9) if isinstance(v, float) else v for k, v in row.items()} for row in rows]


@tried(1)
@given(portfolios(), st.sampled_from([0.001, 7, 1000]))
def test_quadrants_partition_the_products_in_any_unit(rows: list[Row], factor: float) -> None:
    found = quadrants(rows)["products.quadrants"]
    per_matrix = Counter((row["dt"], row["matrix_id"]) for row in found)
    per_day = Counter(row["dt"] for row in rows)
    assert all(count == per_day[day] for (day, _), count in per_matrix.items())
    scaled = [{**row, "margin_rate": row["margin_rate"] and row["margin_rate"] * factor} for row in rows]
    again = quadrants(scaled)["products.quadrants"]
    own = [(r["dt"], r["product_id"], r["quadrant"]) for r in found if r["matrix_id"] == "exposure_margin"]
    assert own == [(r["dt"], r["product_id"], r["quadrant"]) for r in again if r["matrix_id"] == "exposure_margin"]


@tried(1)
@given(portfolios(), st.booleans())
def test_migrations_and_moves_lose_no_product(rows: list[Row], day_by_day: bool) -> None:
    found = quadrants(rows, MOVES, day_by_day=day_by_day)
    placed: dict[tuple[dt.date, str], Counter[str]] = {}
    for row in found["products.quadrants"]:
        placed.setdefault((row["dt"], row["matrix_id"]), Counter())[row["quadrant"]] += 1
    then_of: dict[tuple[dt.date, str], Counter[str]] = {}
    now_of: dict[tuple[dt.date, str], Counter[str]] = {}
    for row in found["products.quadrant_migration"]:
        key = row["dt"], row["matrix_id"]
        then_of.setdefault(key, Counter())[row["from_key"]] += row["products"]
        now_of.setdefault(key, Counter())[row["to_key"]] += row["products"]
    for (day, matrix_id), then in then_of.items():
        then.pop("(entered)", None)
        assert then == placed[day - dt.timedelta(days=WINDOW), matrix_id]
        now = now_of[day, matrix_id]
        now.pop("(left)", None)
        assert now == placed.get((day, matrix_id), Counter())
    by_day = {(r["dt"], r["matrix_id"], r["product_id"]): r["quadrant"] for r in found["products.quadrants"]}
    for (day, matrix_id, sku), quadrant in by_day.items():
        before = by_day.get((day - dt.timedelta(days=1), matrix_id, sku))
        moved = [
            m
            for m in found["products.quadrant_moves"]
            if (m["dt"], m["matrix_id"], m["product_id"]) == (day, matrix_id, sku)
        ]
        assert [(m["from_quadrant"], m["to_quadrant"]) for m in moved] == (
            [(before, quadrant)] if before not in (None, quadrant) else []
        )


@pytest.mark.parametrize(("first", "quadrant"), [(1.2, "star"), (0.5, "question_mark")])
def test_a_series_within_the_band_never_changes_quadrant(first, quadrant):
    shares = [first, *(1.049, 0.951) * 20]
    rows = [
        figures(FIRST + dt.timedelta(days=n), "a", relative_share=share, growth_rate=1.0)
        for n, share in enumerate(shares)
    ]
    found = [row for row in quadrants(rows)["products.quadrants"] if row["matrix_id"] == "growth_share"]
    assert {row["quadrant"] for row in found} == {quadrant}
    assert [row["days_in_quadrant"] for row in found] == list(range(1, 42))
    assert [row["is_borderline"] for row in found] == [False] + [True] * 40


def test_a_rate_of_few_trials_is_shrunk_toward_its_category():
    rows = [figures(FIRST, "lucky", product_clicks=2, order_lines=1, conversion_rate=0.5)]
    generator = np.random.default_rng(5)
    for number in range(40):
        sold = int(generator.binomial(500, generator.beta(4, 76)))
        rate = sold / 500
        rows.append(figures(FIRST, f"s{number}", product_clicks=500, order_lines=sold, conversion_rate=rate))
    found = {
        r["product_id"]: r for r in quadrants(rows)["products.quadrants"] if r["matrix_id"] == "exposure_conversion"
    }
    lucky = found["lucky"]
    assert (lucky["y_raw_value"], lucky["is_small_sample"]) == (0.5, True)
    assert 0.05 < lucky["y_value"] < 0.1
    for number in range(40):
        product = found[f"s{number}"]
        assert product["y_value"] == pytest.approx(product["y_raw_value"], abs=0.012)
        assert not product["is_small_sample"]


def placed_by_conversion(*products: Row) -> dict[str, Row]:
    """Product → its row of products.quadrants in the matrix exposure × conversion, for rows of products.metrics.

    Besides *products* there are 60 more products, in two categories whose conversion rates are 4 % and 8 %.
    """
    rows = list(products)
    for number in range(60):
        category, sold = ("good", 80) if number % 2 else ("c", 40)
        values = {
            "product_clicks": 1000,
            "order_lines": sold + number % 6,
            "conversion_rate": (sold + number % 6) / 1000,
        }
        rows.append(figures(FIRST, f"s{number}", category=category, **values))
    return {
        r["product_id"]: r for r in quadrants(rows)["products.quadrants"] if r["matrix_id"] == "exposure_conversion"
    }


@pytest.mark.parametrize("category", ["c", "good", "of its own"])
@pytest.mark.parametrize(
    ("clicks", "sold", "is_high"),
    [(9, 0, False), (2, 1, False), (1, 1, False), (40, 3, True), (3, 2, True), (500, 60, True), (500, 10, False)],
)
def test_neither_luck_nor_category_alone_makes_a_product_high(category, clicks, sold, is_high):
    values = {"product_clicks": clicks, "order_lines": sold, "conversion_rate": sold / clicks}
    row = placed_by_conversion(figures(FIRST, "it", category=category, **values))["it"]
    assert row["y_high"] == (is_high and row["y_value"] > row["y_threshold"])
    if category != "c" or clicks == 500:
        assert row["y_high"] == is_high


def test_few_products_of_a_category_are_judged_by_all_of_them():
    rows = [
        figures(
            FIRST, f"{category}{n}", category=category, product_clicks=20, order_lines=n % 2, conversion_rate=n % 2 / 20
        )
        for category, count in (("few", 9), ("many", 10))
        for n in range(count)
    ]
    priors = computed(QUADRANTS[:1], {"products.metrics": rows}, [FIRST], SETTINGS)["products.rate_priors"]
    known = {p["category"]: p["strength"] is not None for p in priors if p["rate"] == "conversion_rate"}
    assert known == {"(all)": True, "few": False, "many": True}
    assert min(p["strength"] for p in priors if p["strength"] is not None) >= SETTINGS.products.small_sample


def test_a_category_named_as_all_of_them_is_not_counted_twice():
    rows = [figures(FIRST, f"s{n}", category="(all)", exposures=100, product_clicks=n) for n in range(12)]
    priors = computed(QUADRANTS[:1], {"products.metrics": rows}, [FIRST], SETTINGS)["products.rate_priors"]
    (prior,) = (p for p in priors if p["rate"] == "click_through_rate")
    assert (prior["products"], prior["trials"]) == (12, 1200)


def test_a_prior_finds_the_spread_of_its_products():
    generator = np.random.default_rng(7)
    rows = []
    for number in range(3000):
        trials = int(generator.integers(1, 400))
        clicks = int(generator.binomial(trials, generator.beta(2, 38)))
        rows.append(figures(FIRST, f"s{number}", exposures=trials, product_clicks=clicks))
    priors = computed(QUADRANTS[:1], {"products.metrics": rows}, [FIRST], SETTINGS)["products.rate_priors"]
    (prior,) = (p for p in priors if p["rate"] == "click_through_rate" and p["category"] == "c")
    assert prior["products"] == 3000
    assert prior["mean"] == pytest.approx(2 / 40, rel=0.03)
    assert prior["strength"] == pytest.approx(40, rel=0.15)


@pytest.mark.parametrize("rows", [[], [figures(FIRST, "a")], [figures(FIRST, sku, exposures=5) for sku in "ab"]])
def test_no_product_one_and_all_equal(rows):
    found = computed(MOVES, {"products.metrics": rows}, [FIRST], SETTINGS)
    for name in MOVES:
        for row in found[name]:
            assert all(abs(value) < float("inf") for value in row.values() if isinstance(value, float))
    assert {r["quadrant"] for r in found["products.quadrants"]} <= {UNKNOWN}
    for row in found["products.portfolio_health"]:
        assert row["verdict"] is None
        assert row["evidence_zh"]
        assert row["evidence_en"]


def test_every_metric_that_an_axis_may_name_is_a_filled_column():
    model = load_project(None, Settings()).models["products.axis_values"]
    columns = load_project(None, Settings()).models["products.metrics"].types
    for metric in PRODUCT_METRICS:
        assert metric in columns
        assert f"WHEN '{metric}' THEN" in " ".join(model.source.split()), metric
