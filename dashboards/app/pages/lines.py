"""What an order line or an add-to-cart is called: its product, and its variant where that is not the product itself.

Here: SQL and columns that several pages share.
Not here: the lists of order lines (``dashboards.app.pages.slots``, ``dashboards.app.pages.explorer``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.app.view import View
from dashboards.blocks import Column
from dashboards.columns import text
from dashboards.figures.look import Look


def line_names(of: str) -> str:
    """The columns name, of the product, and variant, null where the product itself is meant; *of* has both keys."""
    return (
        f"coalesce(names.name, {of}.product_id) AS name, "
        f"CASE WHEN {of}.sku <> {of}.product_id THEN coalesce(listed.name, {of}.sku) END AS variant"
    )


def line_joins(of: str) -> str:
    """The joins that ``line_names`` needs."""
    return (
        f"LEFT JOIN products.names AS names ON names.product_id = {of}.product_id "
        f"LEFT JOIN core.products AS listed ON listed.sku = {of}.sku"
    )


def product_columns(look: Look, view: View, rows: Sequence[dict[str, Any]]) -> list[Column]:
    """The product, a link to its page; and the variant, if any of *rows* has one."""
    columns = [
        text(look.text("column.product"), "name", href=lambda row: view.to("products", sku=row["product_id"]).href)
    ]
    if any(row["variant"] is not None for row in rows):
        columns.append(text(look.text("column.variant"), "variant"))
    return columns


def product_title(row: Mapping[str, Any]) -> str:
    """Product and variant in one line."""
    return str(row["name"]) if row["variant"] is None else f"{row['name']} · {row['variant']}"
