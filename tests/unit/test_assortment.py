"""XYZ classes of products (how steadily they sell), in shops with data for the whole window and in younger shops."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

import pytest

from pipelines.home.settings import Settings
from tests.sql_models import computed

LAST = dt.date(2026, 3, 31)
SETTINGS = Settings.model_validate({"products": {"windows": [14]}})


def variation(
    days: int, start_date: dt.date | None, skus: Sequence[str] = ("s", "s")
) -> tuple[float | None, str | None]:
    """(variation, xyz_class) of a product that sells two pieces on each of the last *days* days, as *skus* in turn.

    *start_date* is the shop's first day, None if not set; the window has 14 days.
    """
    sold = [(LAST - dt.timedelta(days=n), Counter(skus[2 * n % len(skus) :][:2])) for n in range(days)]
    daily = [
        {"dt": day, "sku": sku, "product_id": "s", "units": units}
        for day, counts in sold
        for sku, units in counts.items()
    ]
    metrics = [{"dt": LAST, "window_days": 14, "product_id": "s", "units": 2 * days, "revenue": Decimal(10 * days)}]
    settings = SETTINGS.model_copy(update={"start_date": start_date})
    given = {"products.daily": daily, "products.metrics": metrics}
    (row,) = computed(["products.assortment"], given, [LAST], settings)["products.assortment"]
    return row["variation"], row["xyz_class"]


@pytest.mark.parametrize(
    ("days", "start", "expected"),
    [
        (14, None, (0.0, "X")),
        (7, None, (1.0, "Y")),  # the product has no sales on half of the window's days
        (7, LAST - dt.timedelta(days=6), (0.0, "X")),  # the shop has existed for only half of the window
        (6, LAST - dt.timedelta(days=5), (None, None)),
        (14, LAST - dt.timedelta(days=99), (0.0, "X")),
    ],
)
def test_days_before_the_records_are_no_days_without_sales(days, start, expected):
    assert variation(days, start) == expected


@pytest.mark.parametrize("skus", [("s-red", "s-blue"), ("s-red", "s-red", "s-blue", "s-blue"), ("s", "s-red")])
def test_a_product_sells_as_steadily_as_its_variants_together(skus):
    assert variation(14, None, skus) == (0.0, "X")
