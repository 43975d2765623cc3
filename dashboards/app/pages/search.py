"""Search results: entrances, products, orders, add-to-carts, devices.

Here: the blocks of this page.
Not here: the search field (``dashboards.app.shell``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.app.context import Context
from dashboards.app.view import PAGES, View
from dashboards.blocks import Block, Table, Text
from dashboards.columns import text
from dashboards.queries import query

MOST = 50
"""Maximum results listed of each kind."""

_KINDS = ("entrance", "product", "order", "cart", "device")
_NEEDS = {"cart": "attribution.attributed_events", "device": "attribution.attributed_events"}


def search(context: Context) -> Sequence[Block]:
    """The results for the text typed."""
    locale = context.locale
    wanted = context.view.get("q").strip()
    if not wanted:
        return [Text(locale.text("search.empty"), "missing")]
    found: list[dict[str, Any]] = []
    notes: list[str] = []
    for kind in _KINDS:
        if kind == "device" and context.role == "viewer":  # viewers may not find a person by device
            continue
        if kind in _NEEDS and not context.copy.has(_NEEDS[kind]):
            notes.append(locale.text("search.too_large", kind=locale.text(f"search.{kind}")))
            continue
        texts = [text for text, name in context.copy.names.items() if wanted.lower() in name.lower()]
        rows = context.rows(query(f"search.{kind}"), q=wanted.lower(), texts=tuple(texts), most=MOST + 1)
        if len(rows) > MOST:
            notes.append(locale.text("search.more", kind=locale.text(f"search.{kind}"), n=MOST))
        found += [
            row
            | {
                "kind": locale.text(f"search.{kind}"),
                "href": _target(context.view, kind, row["key"]),
                "name": " · ".join(filter(None, (row["name"], row.get("variant")))),
            }
            for row in rows[:MOST]
        ]
    if not found:
        return [Text(locale.text("search.nothing", q=wanted), "missing"), *(Text(note) for note in notes)]
    return [
        Table(
            "found",
            locale.text("search.found", q=wanted),
            [
                text(locale.text("column.name"), "name", href=lambda row: row["href"]),
                text(locale.text("column.kind"), "kind"),
                text(locale.text("column.key"), "key", href=lambda row: row["href"]),
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
