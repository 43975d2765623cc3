"""The worked example of quadrants.json through the whole pipeline: exposures and orders landed, quadrants out."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from pipelines.home.folder import Home
from tests.support import Row, land, make_home, run_selected, table

EXAMPLE = json.loads(Path(__file__).with_name("quadrants.json").read_text(encoding="utf-8"))
DAY = dt.date(2026, 3, 2)
TIME = f"{DAY}T04:00:00Z"


def exposures_of(product: Row) -> list[Row]:
    """Exposure events of *product*, as many as the example states, each with its own event_id."""
    shown = {"device_id": "d", "event_type": "exposure", "page_id": 1, "page_type": "list", "module": "results"}
    return [
        {**shown, "event_id": f"{product['sku']}-{n}", "slot": 1, "sku": product["sku"], "device_time": TIME}
        for n in range(product["exposures"])
    ]


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A computed home: each product is sold once for 100, at the cost that gives the example's margin rate."""
    settings = {"snapshots": {"daily_for_days": 1}, "products": {"windows": [1]}}
    home = make_home(tmp_path_factory.mktemp("quadrants") / "home", settings=settings)
    land(home, "events", [event for product in EXAMPLE["products"] for event in exposures_of(product)], "events")
    orders, lines = [], []
    for product in EXAMPLE["products"]:
        key = f"o-{product['sku']}"
        cost = 100 - 100 * Decimal(str(product["margin_rate"]))
        orders.append({"order_id": key, "user_id": "u", "status": "paid", "ordered_at": TIME, "paid_at": TIME})
        lines.append({"order_id": key, "line_no": 1, "sku": product["sku"], "quantity": 1, "unit_price": 100})
        lines[-1]["unit_cost"] = f"{cost:.2f}"
    land(home, "orders", orders, "orders")
    land(home, "order_lines", lines, "lines")
    land(home, "products", [{"sku": product["sku"], "name": product["sku"]} for product in EXAMPLE["products"]], "skus")
    run_selected(home, "+products.quadrants")
    return home


def quadrants(home: Home, matrix_id: str) -> dict[str, Row]:
    return {row["product_id"]: row for row in table(home, "products.quadrants") if row["matrix_id"] == matrix_id}


def test_each_product_is_in_the_stated_quadrant(computed: Home) -> None:
    found = quadrants(computed, EXAMPLE["matrix"])
    assert {sku: row["quadrant"] for sku, row in found.items()} == {
        product["sku"]: product["quadrant"] for product in EXAMPLE["products"]
    }
    for product in EXAMPLE["products"]:
        row = found[product["sku"]]
        assert (row["x_value"], row["y_value"]) == (product["exposures"], pytest.approx(product["margin_rate"]))
        assert (row["x_threshold"], row["y_threshold"]) == (
            EXAMPLE["thresholds"]["exposures"],
            pytest.approx(EXAMPLE["thresholds"]["margin_rate"]),
        )
        assert (row["previous_quadrant"], row["days_in_quadrant"]) == (None, 1)


def test_the_quadrants_have_the_stated_names_and_strategies(computed: Home) -> None:
    matrices = yaml.safe_load((computed.config / "matrices.yaml").read_text(encoding="utf-8"))
    cells = {cell["key"]: cell for cell in matrices["products"][EXAMPLE["matrix"]]["cells"].values()}
    for product in EXAMPLE["products"]:
        cell = cells[product["quadrant"]]
        assert (cell["name_zh"], cell["advice_zh"]) == (product["zh"], product["strategy_zh"])


def test_a_matrix_added_to_the_file_becomes_rows(computed: Home, tmp_path: Path) -> None:
    path = computed.config / "matrices.yaml"
    matrices = yaml.safe_load(path.read_text(encoding="utf-8"))
    added = {**matrices["products"][EXAMPLE["matrix"]], "name_zh": "收入 × 曝光", "name_en": "Revenue × exposure"}
    added |= {"x": {"metric": "revenue", "threshold": "median"}, "y": {"metric": "exposures", "threshold": "median"}}
    matrices["products"]["revenue_exposure"] = added
    path.write_text(yaml.safe_dump(matrices, allow_unicode=True), encoding="utf-8")
    published = run_selected(computed, "+products.quadrants").published
    assert "products.metrics" not in published
    found = quadrants(computed, "revenue_exposure")
    # All products have the same revenue, so none is above the median revenue. The median of exposures is midway
    # between 500 and 5,000.
    assert {sku: (row["quadrant"], row["y_threshold"]) for sku, row in found.items()} == {
        "A": ("potential", 2750),
        "B": ("potential", 2750),
        "C": ("dog", 2750),
        "D": ("dog", 2750),
    }
