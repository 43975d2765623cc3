"""Lifetime values through the whole pipeline, from landed orders to tables of parameters and expected values."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from pipelines.clv.purchases import expected_orders, fit_bg_nbd
from pipelines.home.errors import HeadwaterError
from pipelines.sqlproject.python_step import step_named, step_version
from tests.support import Row, land, make_home, run_selected, table

MONTH_END = dt.date(2026, 4, 30)
SETTINGS = {"timezone": "UTC", "snapshots": {"daily_for_days": 1}}


def orders(purchases: dict[str, list[tuple[int, int]]]) -> tuple[list[Row], list[Row]]:
    """The records of orders and order lines for *purchases*: customer → (days before month end, amount)."""
    headers, lines = [], []
    for user_id, bought in purchases.items():
        for number, (ago, amount) in enumerate(bought):
            key, time = f"{user_id}-{number}", f"{MONTH_END - dt.timedelta(days=ago)}T04:00:00Z"
            headers.append({"order_id": key, "user_id": user_id, "status": "paid", "ordered_at": time, "paid_at": time})
            lines.append({"order_id": key, "line_no": 1, "sku": "s", "quantity": 1, "unit_price": amount})
    return headers, lines


def computed(folder: Path, purchases: dict[str, list[tuple[int, int]]]) -> tuple[list[Row], list[Row]]:
    home = make_home(folder, settings=SETTINGS)
    headers, lines = orders(purchases)
    land(home, "orders", headers, "orders")
    land(home, "order_lines", lines, "lines")
    run_selected(home, "+customers.clv")
    fits, values = (
        [row for row in table(home, f"customers.{name}") if row["dt"] == MONTH_END] for name in ("clv_fits", "clv")
    )
    return fits, sorted(values, key=lambda row: row["user_id"])


def test_parameters_and_expectations_are_those_of_the_orders(tmp_path):
    generator = np.random.default_rng(3)
    purchases = {}
    for number in range(120):
        days = sorted({int(day) for day in generator.integers(0, 60, generator.integers(1, 6))}, reverse=True)
        purchases[f"u{number:03}"] = [(day, int(generator.integers(5, 60))) for day in days]
    purchases["u000"] = [(0, 10)]  # tables are computed up to this order, on the month's last day
    (fit,), values = computed(tmp_path / "home", purchases)
    users = sorted(purchases)
    frequency = np.array([len(purchases[user]) - 1 for user in users])
    age = np.array([purchases[user][0][0] for user in users])
    recency = np.array([purchases[user][0][0] - purchases[user][-1][0] for user in users])
    model = fit_bg_nbd(frequency, recency, age)
    assert (fit["customers"], fit["orders_not_fitted"], fit["values_not_fitted"]) == (120, None, None)
    assert [fit[name] for name in ("r", "alpha", "a", "b")] == pytest.approx([model.r, model.alpha, model.a, model.b])
    assert fit["orders_log_likelihood"] == pytest.approx(model.log_likelihood)
    assert [row["user_id"] for row in values] == users
    assert [row["expected_orders_90d"] for row in values] == pytest.approx(
        expected_orders(model, frequency, recency, age, 90.0).tolist()
    )
    assert all(0 <= row["p_alive"] <= 1 and row["expected_value_90d"] > 0 for row in values)


def test_where_nothing_can_be_fitted_the_table_says_why(tmp_path):
    fits, values = computed(tmp_path / "home", {"u1": [(3, 10)], "u2": [(0, 20)]})
    assert "repeat order" in fits[0]["orders_not_fitted"]
    assert fits[0]["values_not_fitted"]
    assert [(row["user_id"], row["p_alive"], row["expected_value_90d"]) for row in values] == [
        ("u1", None, None),
        ("u2", None, None),
    ]


@pytest.mark.parametrize("name", ["pipelines.clv.tables:nothing", "pipelines.nowhere:fits"])
def test_a_function_that_is_not_there_is_named(name):
    with pytest.raises(HeadwaterError, match=name):
        step_named(name)


def test_the_version_of_a_function_is_that_of_its_package():
    assert step_version("pipelines.clv.tables:fits") == step_version("pipelines.clv.tables:values")
    with pytest.raises(HeadwaterError, match="does not exist"):
        step_version("pipelines.nowhere:fits")


STEP = (
    'def step(rows):\n    """Rows."""\n    # all of them\n    text = """# kept"""  # as it is\n    return rows, text\n'
)


@pytest.mark.parametrize(
    ("old", "new", "is_same"),
    [
        ("Rows.", "The rows,\n\n    unchanged.", True),
        ("# all of them", "# each", True),
        ("  # as it is", "", True),
        ("\n    return", "\n\n    return", True),
        ("# kept", "# left", False),
        ("return rows", "return 2 * rows", False),
    ],
)
def test_only_code_changes_the_version(tmp_path, monkeypatch, old, new, is_same):
    monkeypatch.syspath_prepend(tmp_path)
    versions = []
    for number, text in enumerate((STEP, STEP.replace(old, new))):
        package = f"shop_{tmp_path.name}_{number}"
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(text, encoding="utf-8")
        versions.append(step_version(f"{package}:step"))
    assert (versions[0] == versions[1]) is is_same


def test_a_package_that_is_not_valid_python_is_named(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "shop_steps.py").write_text("def step(rows):\n    return (\n", encoding="utf-8")
    with pytest.raises(HeadwaterError, match=r"shop_steps\.py:2: not valid Python"):
        step_version("shop_steps:step")
