"""The demo shop: its pages, and its orders.

Here: serving ``shop/`` at ``/shop/``; ``POST /shop/orders`` lands an order, paid at once, and its lines; landing the
products of ``shop/products.json`` once; the shop's entrances, ``shop/entrances.csv``.
Not here: the pages themselves.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import flask
from flask import Flask, Response

from pipelines.home.files import write_file
from pipelines.home.folder import DATA, Home

SHOP = Path(__file__).with_name("shop")
_PRODUCTS: list[dict[str, Any]] = json.loads((SHOP / "products.json").read_text(encoding="utf-8"))


def install_shop(home: Home) -> None:
    """Land the shop's products, and replace the template's entrances by the shop's unless they were edited.

    Raises:
        OSError: a file cannot be written.
    """
    products = home.landing / "native" / "products" / "demo-shop.ndjson"
    if not products.exists():
        write_file(products, _ndjson(_PRODUCTS))
    template = (DATA / "config" / home.entrances_file.name).read_bytes()
    if home.entrances_file.read_bytes() == template:
        write_file(home.entrances_file, (SHOP / "entrances.csv").read_bytes())


def add_shop(app: Flask, home: Home) -> None:
    """Add the shop's pages and the address of its orders to *app*."""

    @app.get("/shop/", defaults={"file": "index.html"})
    @app.get("/shop/<path:file>")
    def page(file: str) -> Response:
        return flask.send_from_directory(SHOP, file, max_age=0)

    @app.post("/shop/orders")
    def order() -> tuple[dict[str, str], int]:
        wanted = flask.request.get_json()
        return {"order_id": land_order(home, wanted["user_id"], wanted["lines"])}, 201


def land_order(home: Home, user_id: str, wanted: list[dict[str, Any]]) -> str:
    """Land an order of *user_id* that is paid now; *wanted* has ``sku`` and ``quantity`` of each line.

    Returns the order's id.

    Raises:
        KeyError: the shop does not have a sku.
        OSError: it cannot be written.
    """
    prices = {product["sku"]: product["list_price"] for product in _PRODUCTS}
    now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    order_id = f"demo-{uuid4().hex[:12]}"
    lines = [
        {
            "order_id": order_id,
            "line_no": number,
            "sku": line["sku"],
            "quantity": line["quantity"],
            "unit_price": prices[line["sku"]],
        }
        for number, line in enumerate(wanted, start=1)
    ]
    order = {"order_id": order_id, "user_id": user_id, "status": "paid", "ordered_at": now, "paid_at": now}
    landing = home.landing / "native"
    write_file(landing / "order_lines" / f"{order_id}.ndjson", _ndjson(lines))
    write_file(landing / "orders" / f"{order_id}.ndjson", _ndjson([order]))
    return order_id


def _ndjson(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
