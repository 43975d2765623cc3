"""The demo shop: its pages, its products and entrances, and its orders.

Here: serving ``shop/`` at ``/shop/``; ``POST /shop/orders``, which lands an order as paid; landing the products of
``shop/products.json`` and installing ``shop/entrances.csv`` once.
Not here: the pages (``shop/``).
"""

from __future__ import annotations

import datetime as dt
import json
import shlex
from pathlib import Path
from typing import Any
from uuid import uuid4

import flask
from flask import Flask, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.home.files import write_file
from pipelines.home.folder import DATA, Home

SHOP = Path(__file__).with_name("shop")


class Line(BaseModel):
    """A line of an order."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sku: str = Field(max_length=100)
    quantity: int = Field(ge=1, le=1000)


class Order(BaseModel):
    """The body of ``POST /shop/orders``. It has no prices: they are taken from ``products.json``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    user_id: str = Field(min_length=1, max_length=100)
    lines: list[Line] = Field(min_length=1, max_length=100)


def install_shop(home: Home) -> None:
    """Land the shop's products, and replace the template's entrances by the shop's unless they were edited.

    Raises:
        OSError: a file cannot be written.
    """
    products = home.landing / "native" / "products" / "demo-shop.ndjson"
    if not products.exists():
        write_file(products, _ndjson(_products()))
    if home.entrances_file.read_bytes() == (DATA / "config" / home.entrances_file.name).read_bytes():
        write_file(home.entrances_file, (SHOP / "entrances.csv").read_bytes())


def add_shop(app: Flask, home: Home) -> None:
    """Add the shop's pages and ``POST /shop/orders`` to *app*."""
    prices = {product["sku"]: product["list_price"] for product in _products()}

    @app.get("/shop/", defaults={"file": "index.html"})
    @app.get("/shop/<path:file>")
    def page(file: str) -> Response:
        return flask.send_from_directory(SHOP, file, max_age=0)

    @app.post("/shop/orders")
    def order() -> Response:
        try:
            wanted = Order.model_validate_json(flask.request.get_data())
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            return Response(f"{place}: {first['msg']}\n", 400, mimetype="text/plain")
        if unknown := {line.sku for line in wanted.lines} - prices.keys():
            return Response(f"the shop does not have {min(unknown)!r}\n", 400, mimetype="text/plain")
        command = f"headwater run --home {shlex.quote(str(home.root))}"
        response = flask.jsonify(order_id=_land(home, wanted, prices), next=command)
        response.status_code = 201
        return response


def _land(home: Home, wanted: Order, prices: dict[str, Any]) -> str:
    """Land *wanted* as an order that is paid now. Returns its id."""
    order_id = f"demo-{uuid4().hex[:12]}"
    lines = [
        {"order_id": order_id, "line_no": number, **line.model_dump(), "unit_price": prices[line.sku]}
        for number, line in enumerate(wanted.lines, start=1)
    ]
    now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    order = {"order_id": order_id, "user_id": wanted.user_id, "status": "paid", "ordered_at": now, "paid_at": now}
    landing = home.landing / "native"
    write_file(landing / "order_lines" / f"{order_id}.ndjson", _ndjson(lines))
    write_file(landing / "orders" / f"{order_id}.ndjson", _ndjson([order]))
    return order_id


def _products() -> list[dict[str, Any]]:
    products: list[dict[str, Any]] = json.loads((SHOP / "products.json").read_text(encoding="utf-8"))
    return products


def _ndjson(rows: list[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
