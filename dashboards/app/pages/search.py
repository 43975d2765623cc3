"""What a search found: entrances, products, orders, add-to-carts, devices.

Here: its queries and blocks.
Not here: the field (``dashboards.app.shell``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.app.context import Context
from dashboards.app.view import PAGES, View
from dashboards.blocks import Block, Table, Text
from dashboards.columns import text

MOST = 50
"""Finds of a kind that are listed."""

_FINDS = {
    "entrance": """
        SELECT DISTINCT entrance_id AS key, CASE $language WHEN 'zh' THEN name_zh ELSE name_en END AS name
        FROM core.entrances
        WHERE contains(lower(entrance_id || ' ' || coalesce(name_zh, '') || ' ' || coalesce(name_en, '')), $q)
        ORDER BY key""",
    "product": """
        WITH found AS (
            SELECT product_id, sku, name FROM core.products
            WHERE contains(lower(concat_ws(' ', sku, product_id, name, category)), $q)
        )
        SELECT found.product_id AS key, min(names.name) || CASE
                WHEN count(*) = 1 AND min(found.sku) <> found.product_id
                    THEN ' · ' || min(coalesce(found.name, found.sku)) ELSE '' END AS name
        FROM found JOIN products.names AS names ON names.product_id = found.product_id
        GROUP BY found.product_id ORDER BY key""",
    "order": """
        SELECT order_id AS key, CAST(dt AS VARCHAR) AS name FROM core.orders
        WHERE starts_with(lower(order_id), $q) ORDER BY key""",
    "cart": """
        SELECT event_id AS key, CAST(dt AS VARCHAR) AS name FROM attribution.attributed_events
        WHERE lower(event_id) = $q AND end_type = 'add_to_cart' ORDER BY key""",
    "device": """
        SELECT DISTINCT device_id AS key, device_id AS name FROM attribution.attributed_events
        WHERE starts_with(lower(device_id), $q) ORDER BY key""",
}
_NEEDS = {"cart": "attribution.attributed_events", "device": "attribution.attributed_events"}


def search(context: Context) -> Sequence[Block]:
    """All that goes by what was typed."""
    look = context.look
    wanted = context.view.get("q").strip()
    if not wanted:
        return [Text(look.text("search.empty"), "missing")]
    found: list[dict[str, Any]] = []
    notes: list[str] = []
    for kind, sql in _FINDS.items():
        if kind == "device" and context.role == "viewer":  # a device is a person who has not logged in
            continue
        if kind in _NEEDS and not context.copy.has(_NEEDS[kind]):
            notes.append(look.text("search.too_large", kind=look.text(f"search.{kind}")))
            continue
        rows = context.rows(f"{sql} LIMIT {MOST + 1}", q=wanted.lower())
        if len(rows) > MOST:
            notes.append(look.text("search.more", kind=look.text(f"search.{kind}"), n=MOST))
        found += [
            {"kind": look.text(f"search.{kind}"), "href": _target(context.view, kind, row["key"])} | row
            for row in rows[:MOST]
        ]
    if not found:
        return [Text(look.text("search.nothing", q=wanted), "missing"), *(Text(note) for note in notes)]
    return [
        Table(
            "found",
            look.text("search.found", q=wanted),
            [
                text(look.text("column.name"), "name", href=lambda row: row["href"]),
                text(look.text("column.kind"), "kind"),
                text(look.text("column.key"), "key", href=lambda row: row["href"]),
            ],
            found,
            notes=tuple(notes),
            is_wide=True,
        )
    ]


def _target(view: View, kind: str, key: str) -> str:
    if kind == "entrance":
        return view.to("entrances", entrance=key).href
    if kind == "product" and "products" in PAGES:
        return view.to("products", sku=key).href
    return view.to("paths", find=key).href
