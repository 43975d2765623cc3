"""Orders as the shop's order system exports them: payments, cancellations, refunds, corrections, currencies.

Here: the records of the relations orders, order_lines and refunds, each with the time of its export.
Not here: what is sold, and why (``sales``); how files are written (``landing``).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.simulator.arrays import Ints, draw, labels
from pipelines.simulator.people import Scene
from pipelines.simulator.plan import Plan, Stage

CURRENCY = "CNY"
FOREIGN = {"USD": 7.1, "EUR": 7.7, "JPY": 0.048}
"""Other currencies, and their usual price in the shop's currency."""

_MINUTE = 60_000
_DAY = 86_400_000
_LONGEST_PAYMENT = 5 * _DAY


@dataclass(frozen=True)
class OrderRecords:
    """Records of the native format, times as epoch ms. Each frame is sorted by *updated_at*, the time of the export.

    *orders* has every version of an order, *order_lines* every version of a line.
    """

    orders: pl.DataFrame
    order_lines: pl.DataFrame
    refunds: pl.DataFrame


def make_orders(scene: Scene, lines: pl.DataFrame) -> OrderRecords:
    """The order, line and refund records for *lines* (as in ``sales.Sold``)."""
    rng = scene.stream(Stage.ORDERS)
    orders = _pay(scene, lines, rng)
    refunds = _refund(scene, lines, orders, rng)
    rates = orders.select("order", "rate", "currency")
    return OrderRecords(
        orders=_versions(scene, orders, refunds),
        order_lines=_line_versions(scene, lines.join(rates, on="order", how="left", maintain_order="left"), rng),
        refunds=refunds.join(rates, on="order", how="left", maintain_order="left")
        .select(
            pl.format("RF{}-{}", pl.col("order_id").str.slice(2), "line_no").alias("refund_id"),
            "order_id",
            "line_no",
            "refunded_at",
            amount=_money("amount"),
            updated_at="refunded_at",
        )
        .sort("updated_at", "refund_id"),
    )


def exchange_rates(plan: Plan) -> pl.DataFrame:
    """``config/fx.csv`` of the simulation (dt, currency, rate), for all days on which orders may be paid."""
    rows = [
        (plan.days[0] + dt.timedelta(days=nth), currency, rate)
        for nth in range(len(plan.days) + _LONGEST_PAYMENT // _DAY + 1)
        for currency, rate in FOREIGN.items()
    ]
    return pl.DataFrame(rows, schema=["dt", "currency", "rate"], orient="row")


def _pay(scene: Scene, lines: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """One row per order: paid_at and cancelled_at (null = never), currency, and rate (the currency's price in CNY)."""
    parameters = scene.parameters
    orders = lines.unique("order", keep="first", maintain_order=True)
    orders = orders.select("order", "order_id", "user", "ordered_at")
    size = orders.height
    mean = np.where(rng.random(size) < 0.93, 2 * _MINUTE, _DAY)
    delay = np.minimum(5_000 + rng.exponential(mean), _LONGEST_PAYMENT).astype(np.int64)
    is_unpaid = pl.Series(rng.random(size) < parameters.unpaid_rate)
    is_cancelled = pl.Series(rng.random(size) < 0.6)
    is_foreign = rng.random(size) < parameters.foreign_currency_rate
    currency = np.where(is_foreign, 1 + draw(rng, np.ones(len(FOREIGN)), size), 0)
    return orders.with_columns(
        paid_at=pl.when(~is_unpaid).then(pl.col("ordered_at") + pl.Series(delay)),
        # Most orders that are not paid within a day are cancelled.
        cancelled_at=pl.when(is_unpaid & is_cancelled).then(pl.col("ordered_at") + _DAY),
        currency=pl.Series([CURRENCY, *FOREIGN]).gather(currency),
        rate=pl.Series([1.0, *FOREIGN.values()]).gather(currency),
    )


def _refund(scene: Scene, lines: pl.DataFrame, orders: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """One row per refunded line: all lines of an order in full (is_whole), or a single line in full or half.

    Amounts are in cents.
    """
    parameters = scene.parameters
    whole = orders.with_columns(
        is_whole=pl.Series(rng.random(orders.height) < parameters.refunded_order_rate),
        order_wait=_wait(rng, orders.height),
    ).select("order", "paid_at", "is_whole", "order_wait")
    revenue = pl.col("quantity") * pl.col("unit_price") - pl.col("discount")
    alone = pl.Series(rng.random(lines.height) < parameters.refunded_line_rate)
    is_half = pl.Series(rng.random(lines.height) < 0.4)
    return (
        lines.with_columns(revenue=revenue, alone=alone, line_wait=_wait(rng, lines.height), is_half=is_half)
        .join(whole, on="order", how="left", maintain_order="left")
        .filter(pl.col("paid_at").is_not_null(), pl.col("is_whole") | pl.col("alone"))
        .select(
            "order",
            "order_id",
            "line_no",
            "is_whole",
            refunded_at=pl.col("paid_at") + pl.when("is_whole").then("order_wait").otherwise("line_wait"),
            amount=pl.when(pl.col("is_half") & ~pl.col("is_whole")).then(pl.col("revenue") // 2).otherwise("revenue"),
        )
        .filter(pl.col("amount") > 0)
    )


def _wait(rng: np.random.Generator, size: int) -> pl.Series:
    """Time from payment to refund, in ms: one hour to some weeks."""
    waits: Ints = (3_600_000 + rng.exponential(3 * _DAY, size)).astype(np.int64)
    return pl.Series(waits)


def _versions(scene: Scene, orders: pl.DataFrame, refunds: pl.DataFrame) -> pl.DataFrame:
    """The versions of the orders: placed, paid or cancelled, refunded."""
    end = scene.plan.end
    refunded = refunds.filter("is_whole").group_by("order", maintain_order=True).agg(pl.col("refunded_at").max())
    user_id = labels(scene.population.user_id, orders["user"].to_numpy())
    known = orders.with_columns(user_id=user_id).join(refunded, on="order", how="left", maintain_order="left")
    # The shop exports an order at each change. An order paid within five minutes has no unpaid version.
    paid_at_once = (pl.col("paid_at") - pl.col("ordered_at") <= 5 * _MINUTE) & (pl.col("paid_at") < end)
    placed = known.filter(~paid_at_once.fill_null(False)).with_columns(
        status=pl.lit("unpaid"), paid_at=pl.lit(None, dtype=pl.Int64), updated_at=pl.col("ordered_at")
    )
    changes = [
        known.filter(pl.col(when).is_not_null()).with_columns(status=pl.lit(status), updated_at=pl.col(when))
        for status, when in (("paid", "paid_at"), ("cancelled", "cancelled_at"), ("refunded", "refunded_at"))
    ]
    columns = ("order_id", "user_id", "status", "ordered_at", "paid_at", "currency", "updated_at")
    return pl.concat([placed, *changes]).select(columns).sort("updated_at", "order_id", "status")


def _line_versions(scene: Scene, lines: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """The lines as records. Some have an earlier, wrong version: one unit too many and no discount."""
    is_corrected = pl.Series(rng.random(lines.height) < scene.parameters.corrected_line_rate)
    later = pl.Series(rng.integers(10 * _MINUTE, _DAY, lines.height))
    corrected_at = pl.when(is_corrected).then(pl.col("ordered_at") + later).otherwise("ordered_at")
    right = lines.with_columns(updated_at=corrected_at)
    wrong = lines.filter(is_corrected).with_columns(
        pl.col("quantity") + 1, discount=pl.lit(0, dtype=pl.Int64), updated_at=pl.col("ordered_at")
    )
    versions = pl.concat([right, wrong], how="diagonal").sort("updated_at", "order_id", "line_no")
    return versions.select(
        "order_id",
        "line_no",
        labels(scene.shop.catalogue.sku, versions["exported"].to_numpy()).alias("sku"),
        "quantity",
        unit_price=_money("unit_price"),
        discount=_money("discount"),
        unit_cost=_money("unit_cost"),
        # Refunds are separate records with their own time, so lines have no refunded amount.
        refunded_amount=pl.lit(None, dtype=pl.Float64),
        updated_at="updated_at",
    )


def _money(cents: str) -> pl.Expr:
    """The column *cents* in the order's currency, rounded, so that no quotient is written as 114.99000000000001."""
    return (pl.col(cents) / 100 / pl.col("rate")).round(2)
