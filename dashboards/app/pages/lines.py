"""The name of an order line or add-to-cart: its product, and its variant if that differs from the product.

Here: columns that several pages share.
Not here: the lists of order lines (``dashboards.app.pages.slots``, ``dashboards.app.pages.explorer``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.app.view import View
from dashboards.blocks import Column
from dashboards.columns import text
from dashboards.locale import Locale


def product_columns(locale: Locale, view: View, rows: Sequence[dict[str, Any]]) -> list[Column]:
    """The product with a link to its page; and the variant, if any of *rows* has one."""
    columns = [
        text(locale.text("column.product"), "name", href=lambda row: view.to("products", sku=row["product_id"]).href)
    ]
    if any(row["variant"] is not None for row in rows):
        columns.append(text(locale.text("column.variant"), "variant"))
    return columns


def product_title(row: Mapping[str, Any]) -> str:
    """Product and variant in one line."""
    return str(row["name"]) if row["variant"] is None else f"{row['name']} · {row['variant']}"
