"""Shopify: the exports of orders and products, made by hand, and orders of every kind compared with their totals."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.compute.reading import query_rows
from pipelines.compute.run import run_home
from pipelines.home.folder import Home
from pipelines.ingest import RawLake
from pipelines.ingest.sources.mapping import create_relations
from pipelines.ingest.sources.source import Source, load_sources
from tests.ingest_support import counts, land, new_home, raw, take_in

pytestmark = pytest.mark.real

SAMPLES = Path(__file__).parents[1] / "samples" / "shopify"
LANDED_AT = dt.datetime(2026, 11, 21)
SETTINGS = "timezone: Asia/Shanghai\ncurrency: CNY\n"
FX = "dt,currency,rate\n2026-11-18,USD,7.1\n"


def shop(folder: Path) -> Home:
    home = new_home(folder)
    home.settings_file.write_text(SETTINGS, encoding="utf-8")
    (home.config / "fx.csv").write_text(FX, encoding="utf-8")
    return home


def land_sample(home: Home, *names: str) -> None:
    for name in names:
        land(home, f"shopify/{name}", (SAMPLES / name).read_bytes(), LANDED_AT)


FIRST, SECOND = "orders/2026-11-18.csv", "orders/2026-11-20.csv"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return shop(tmp_path / "shop")


def test_every_record_is_accounted_for(home: Home) -> None:
    land_sample(home, FIRST, SECOND, "products/products.csv")
    assert take_in(home).errors == []
    batches = {batch.file: batch for batch in RawLake.load(home).batches if batch.kind == "file"}
    seen = {Path(file).name: (*counts(batch), batch.unmapped) for file, batch in batches.items()}
    # Records, accepted, duplicates, quarantined, unmapped. Orders 1006 and 1007 cannot be read; 1002 and 1004 have
    # newer versions in the second file, and one of the two files has the records of 1001 again.
    assert seen["products.csv"] == (6, 5, 0, 1, 1)
    assert {seen["2026-11-18.csv"], seen["2026-11-20.csv"]} in (
        {(10, 4, 3, 3, 2), (8, 8, 0, 0, 0)},
        {(10, 7, 0, 3, 2), (8, 5, 3, 0, 0)},
    )
    reasons = {row["record_no"]: row["reasons"] for row in raw(home, "raw.quarantine") if row["relation"] == "orders"}
    assert reasons == {8: "bad discount", 9: "bad discount", 10: "bad discount; bad ordered_at; bad paid_at"}


def test_orders_add_up_to_their_totals_in_yuan(home: Home) -> None:
    land_sample(home, FIRST, SECOND, "products/products.csv")
    run_home(home)
    found = query_rows(
        home,
        "SELECT order_id, sum(revenue), sum(refunded), sum(cost) FROM core.order_lines GROUP BY 1 ORDER BY 1",
        limit=100,
    ).rows
    assert found == [
        ("#1001", Decimal("109.00"), Decimal(0), Decimal("16.00")),
        ("#1002", Decimal("30.00"), Decimal(0), None),
        ("#1003", Decimal("177.50"), Decimal(0), Decimal("8.50")),  # an order of 25 dollars, converted to yuan
        ("#1004", Decimal("50.00"), Decimal("10.01"), Decimal("8.00")),
        ("#1008", Decimal("29.00"), Decimal("29.00"), Decimal("8.00")),
    ]
    products = query_rows(home, "SELECT product_id FROM core.order_lines WHERE sku = '0042'", limit=10).rows
    assert products == [("mug",)]


def test_the_order_in_which_exports_arrive_changes_nothing(tmp_path: Path) -> None:
    tables = []
    for name, files in (("forwards", (FIRST, SECOND)), ("backwards", (SECOND, FIRST))):
        home = shop(tmp_path / name)
        for file in files:
            land_sample(home, file)
            assert take_in(home).errors == []
        without = ("batch_id", "record_no", "record_hash")
        tables.append(
            [
                sorted(str({k: v for k, v in row.items() if k not in without}) for row in raw(home, table))
                for table in ("raw.orders", "raw.order_lines")
            ]
        )
    assert tables[0] == tables[1]


# Orders of every kind ---------------------------------------------------------------------------------

cents = st.integers(0, 5_000)
item = st.fixed_dictionaries(
    {"quantity": st.integers(0, 4), "price": cents, "discount": cents, "name": st.sampled_from(["Mug", "Bowl", "Tip"])}
)
orders = st.lists(
    st.fixed_dictionaries(
        {
            "items": st.lists(item, min_size=1, max_size=6),
            "subtotal": cents,
            "shipping": cents,
            "taxes": cents,
            "total": st.integers(0, 20_000),
            "refunded": st.integers(0, 100),  # the refunded percentage of the total
        }
    ),
    min_size=1,
    max_size=8,
)


def money(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02d}"


def records(made: list[dict[str, Any]]) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for number, order in enumerate(made):
        head = {
            "financial_status": "paid",
            "created_at": "2026-11-18 10:00:00 +0800",
            **{name: money(order[name]) for name in ("subtotal", "shipping", "taxes", "total")},
            "refunded_amount": money(order["total"] * order["refunded"] // 100),
        }
        for item_no, line in enumerate(order["items"]):
            rows.append(
                {
                    "name": f"#{number}",
                    "lineitem_quantity": str(line["quantity"]),
                    "lineitem_price": money(line["price"]),
                    "lineitem_discount": money(line["discount"]),
                    "lineitem_name": line["name"],
                    **(head if item_no == 0 else {}),
                }
            )
    return rows


@pytest.fixture(scope="module")
def shopify() -> Source:
    return next(source for source in load_sources(None) if source.name == "shopify")


@pytest.fixture(scope="module")
def connection(shopify: Source) -> duckdb.DuckDBPyConnection:
    """A connection with the empty relation of orders."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    create_relations(connection, {"orders": tuple(shopify.relations["orders"].columns)})
    return connection


@settings(max_examples=60, deadline=None)
@given(made=orders)
def test_lines_add_up_to_the_total_whatever_the_order(
    shopify: Source, connection: duckdb.DuckDBPyConnection, made: list[Any]
) -> None:
    connection.execute("DELETE FROM orders")
    rows = records(made)
    for number, row in enumerate(rows, start=1):
        names = ", ".join(row)
        marks = ", ".join("?" for _ in row)
        values = [*row.values(), "b1", number]
        connection.execute(f"INSERT INTO orders ({names}, batch_id, record_no) VALUES ({marks}, ?, ?)", values)
    revenue: dict[str, Decimal] = defaultdict(Decimal)
    refunded: dict[str, Decimal] = defaultdict(Decimal)
    lines = shopify.mappings["order_lines"].query
    query = f"SELECT order_id, quantity, unit_price, discount, refunded_amount FROM ({lines})"
    for order_id, quantity, price, discount, refund in connection.execute(query).fetchall():
        gross = int(quantity) * Decimal(price)
        net = gross - Decimal(discount)
        assert 0 <= Decimal(discount) <= gross
        assert 0 <= Decimal(refund) <= net
        assert net == round(net, 2)
        assert Decimal(refund) == round(Decimal(refund), 2)
        revenue[order_id] += net
        refunded[order_id] += Decimal(refund)
    heads = [row for row in rows if "total" in row]
    assert revenue == {row["name"]: Decimal(row["total"]) for row in heads}
    assert refunded == {row["name"]: Decimal(row["refunded_amount"]) for row in heads}
