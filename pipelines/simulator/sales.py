"""What is sold: orders and their lines, payments, refunds, and the truth of where each line came from.

Here: touches of the log become orders; versions of an order as it is paid, cancelled or refunded.
Not here: how touches come about (``walks``, ``tracking``), how files are written (``landing``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.config_tables import UNATTRIBUTED
from pipelines.simulator.arrays import NOTHING, Ints, draw, labels, stream
from pipelines.simulator.parameters import SimulationParameters
from pipelines.simulator.people import Population
from pipelines.simulator.shop import Catalogue
from pipelines.simulator.tracking import DAY, NO_PLACE

_STAGE_SALES = 6
_MINUTE = 60_000
_LONGEST_PAYMENT = 5 * DAY
_HEAD = ("head_event_id", "entrance_id", "head_page_type", "head_module", "head_slot", "head_content_id")
_ORIGIN = ("event_id", *_HEAD)


@dataclass(frozen=True)
class Sales:
    """The relations of the native format, times as epoch ms, and the planted truth.

    *orders* holds each version of an order, by updated_at. *truth*, one row an order line: order_id,
    line_no, matched_by (cart, click, none), end_event_id, and the columns of the head, named as in
    ``attribution.attributed_sales``.
    """

    orders: pl.DataFrame
    order_lines: pl.DataFrame
    refunds: pl.DataFrame
    truth: pl.DataFrame


def sell(
    touches: pl.DataFrame,
    bounds: tuple[int, int],
    timezone: str,
    population: Population,
    catalogue: Catalogue,
    parameters: SimulationParameters,
    seed: int,
) -> Sales:
    """What is sold from *touches* (that were received) between *bounds* (epoch ms; the end is excluded)."""
    rng = stream(seed, _STAGE_SALES)
    is_guest = pl.Series(population.is_guest)
    touches = touches.filter(~is_guest.gather(pl.Series(touches["user"])))
    bought = pl.concat([_from_carts(touches, parameters, rng), _bought_at_once(touches, parameters, rng)])
    bought = pl.concat([bought, _out_of_nowhere(bought, bounds, population, catalogue, parameters, rng)]).filter(
        pl.col("ordered_at") < bounds[1]
    )
    lines = _number(bought, timezone)
    lines = _price(lines, catalogue, rng)
    orders = _pay(lines, parameters, rng)
    refunds = _refund(lines, orders, parameters, rng)
    truth = lines.select("order_id", "line_no", "matched_by", pl.col("event_id").alias("end_event_id"), *_HEAD)
    return Sales(
        orders=_versions(orders, refunds, population, bounds[1]),
        order_lines=_native_lines(lines, catalogue),
        refunds=refunds.filter(pl.col("refunded_at") < bounds[1]).select(
            pl.format("RF{}-{}", pl.col("order_id").str.slice(2), "line_no").alias("refund_id"),
            "order_id",
            "line_no",
            "refunded_at",
            amount=_in_yuan("amount"),
            updated_at="refunded_at",
        ),
        truth=truth,
    )


def _from_carts(touches: pl.DataFrame, parameters: SimulationParameters, rng: np.random.Generator) -> pl.DataFrame:
    """Lines of orders after visits with carts; a product carted twice is one line, of the later cart."""
    carts = (
        touches.filter(pl.col("kind") == "cart")
        .sort("visit", "touched_at", "event_id")
        .with_columns(quantity=pl.len().over("visit", "product"))
        .unique(["visit", "product"], keep="last", maintain_order=True)
    )
    visits = carts.group_by("visit", maintain_order=True).agg(last=pl.col("touched_at").max())
    buys = rng.random(visits.height) < parameters.buy_rate
    visits = visits.with_columns(ordered_at=pl.col("last") + pl.Series(_delays(rng, visits.height))).filter(buys)
    keeps = rng.random(carts.height) < 0.85
    return _lines(carts.filter(keeps).join(visits, on="visit", how="inner", maintain_order="left"), "cart")


def _delays(rng: np.random.Generator, size: int) -> Ints:
    """From the last cart to the order, in ms: mostly minutes, sometimes hours or days."""
    mean = np.array([6 * _MINUTE, 5 * 60 * _MINUTE, 2 * DAY])[draw(rng, np.array([0.74, 0.14, 0.12]), size)]
    return (_MINUTE + np.minimum(rng.exponential(mean), 12 * DAY)).astype(np.int64)


def _bought_at_once(touches: pl.DataFrame, parameters: SimulationParameters, rng: np.random.Generator) -> pl.DataFrame:
    """Orders without a cart: of the last product that was clicked in a visit without carts."""
    with_cart = touches.filter(pl.col("kind") == "cart").select("visit")
    clicks = (
        touches.join(with_cart, on="visit", how="anti", maintain_order="left")
        .sort("visit", "touched_at", "event_id")
        .unique("visit", keep="last", maintain_order=True)
    )
    clicks = clicks.filter(rng.random(clicks.height) < parameters.buy_now_rate)
    delay = pl.Series(rng.integers(1, 10, clicks.height) * _MINUTE)
    return _lines(clicks.with_columns(quantity=pl.lit(1), ordered_at=pl.col("touched_at") + delay), "click")


def _lines(touches: pl.DataFrame, matched_by: str) -> pl.DataFrame:
    return touches.select(
        "visit",
        "user",
        "product",
        "ordered_at",
        pl.col("quantity").cast(pl.Int64),
        pl.lit(matched_by).alias("matched_by"),
        *_ORIGIN,
    )


def _out_of_nowhere(
    bought: pl.DataFrame,
    bounds: tuple[int, int],
    population: Population,
    catalogue: Catalogue,
    parameters: SimulationParameters,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Orders that no visit explains: by telephone, or in a shop window that is not tracked."""
    size = round(bought["visit"].n_unique() * parameters.no_cart_rate)
    buyers = np.unique(population.owner[~population.is_guest[population.owner]])
    if not len(buyers):
        size = 0
    ordered_at = rng.integers(bounds[0], bounds[1], size)
    product = draw(rng, catalogue.weight, size)
    user = rng.choice(buyers, size) if size else np.zeros(0, dtype=np.int64)
    nothing = pl.lit(None, dtype=pl.String)
    return pl.DataFrame({"user": user, "product": product, "ordered_at": ordered_at}).select(
        # No visit has a negative number, so that each of these is an order of its own.
        (-1 - pl.int_range(pl.len(), dtype=pl.Int64)).alias("visit"),
        "user",
        "product",
        "ordered_at",
        pl.lit(1, dtype=pl.Int64).alias("quantity"),
        pl.lit("none").alias("matched_by"),
        nothing.alias("event_id"),
        nothing.alias("head_event_id"),
        pl.lit(UNATTRIBUTED).alias("entrance_id"),
        pl.lit(NO_PLACE).alias("head_page_type"),
        pl.lit(NO_PLACE).alias("head_module"),
        pl.lit(0, dtype=pl.Int64).alias("head_slot"),
        pl.lit(NO_PLACE).alias("head_content_id"),
    )


def _number(bought: pl.DataFrame, timezone: str) -> pl.DataFrame:
    """The lines with order_id (local date and a number) and line_no, in the order of ordered_at."""
    utc = pl.from_epoch("ordered_at", time_unit="ms").dt.replace_time_zone("UTC")
    day = utc.dt.convert_time_zone(timezone).dt.strftime("%Y%m%d")
    return (
        bought.sort("ordered_at", "visit", "product")
        .with_columns(order=pl.struct("ordered_at", "visit").rle_id().cast(pl.Int64), day=day)
        .with_columns(
            order_id=pl.format("SO{}{}", "day", pl.col("order").cast(pl.String).str.zfill(7)),
            line_no=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("order"),
        )
    )


def _price(lines: pl.DataFrame, catalogue: Catalogue, rng: np.random.Generator) -> pl.DataFrame:
    """The lines with unit_price, discount and unit_cost, in cents."""
    product = lines["product"].to_numpy()
    extra = draw(rng, np.array([0.82, 0.13, 0.05]), lines.height)
    quantity = np.minimum(lines["quantity"].to_numpy() + extra, 9)
    price = catalogue.price[product]
    share = np.where(rng.random(lines.height) < 0.3, rng.uniform(0.03, 0.2, lines.height), 0.0)
    discount = np.round(quantity * price * share).astype(np.int64)
    return lines.with_columns(
        quantity=pl.Series(quantity),
        unit_price=pl.Series(price),
        discount=pl.Series(discount),
        unit_cost=pl.Series(catalogue.cost[product]),
    )


def _pay(lines: pl.DataFrame, parameters: SimulationParameters, rng: np.random.Generator) -> pl.DataFrame:
    """One row an order: order, order_id, user, ordered_at, paid_at and cancelled_at (null: never)."""
    orders = lines.unique("order", keep="first", maintain_order=True)
    orders = orders.select("order", "order_id", "user", "ordered_at")
    size = orders.height
    mean = np.where(rng.random(size) < 0.93, 2 * _MINUTE, DAY)
    delay = np.minimum(5_000 + rng.exponential(mean), _LONGEST_PAYMENT).astype(np.int64)
    is_unpaid = pl.Series(rng.random(size) < parameters.unpaid_rate)
    is_cancelled = pl.Series(rng.random(size) < 0.6)
    return orders.with_columns(
        paid_at=pl.when(~is_unpaid).then(pl.col("ordered_at") + pl.Series(delay)),
        # An order that is not paid within a day is mostly cancelled.
        cancelled_at=pl.when(is_unpaid & is_cancelled).then(pl.col("ordered_at") + DAY),
    )


def _refund(
    lines: pl.DataFrame, orders: pl.DataFrame, parameters: SimulationParameters, rng: np.random.Generator
) -> pl.DataFrame:
    """Refunds, in cents, future ones too: of whole orders (is_whole), or of a line, in full or half."""
    whole = orders.with_columns(
        is_whole=pl.Series(rng.random(orders.height) < parameters.refunded_order_rate),
        order_wait=pl.Series((3_600_000 + rng.exponential(3 * DAY, orders.height)).astype(np.int64)),
    ).select("order", "paid_at", "is_whole", "order_wait")
    revenue = pl.col("quantity") * pl.col("unit_price") - pl.col("discount")
    alone = pl.Series(rng.random(lines.height) < parameters.refunded_line_rate)
    line_wait = pl.Series((3_600_000 + rng.exponential(3 * DAY, lines.height)).astype(np.int64))
    is_half = pl.Series(rng.random(lines.height) < 0.4)
    return (
        lines.with_columns(revenue=revenue, alone=alone, line_wait=line_wait, is_half=is_half)
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


def _versions(orders: pl.DataFrame, refunds: pl.DataFrame, population: Population, end: int) -> pl.DataFrame:
    """The versions of the orders that were known before *end*: placed, paid or cancelled, refunded."""
    refunded = (
        refunds.filter(pl.col("is_whole"))
        .group_by("order", maintain_order=True)
        .agg(refunded_at=pl.col("refunded_at").max())
    )
    known = orders.with_columns(user_id=labels(population.user_id, orders["user"].to_numpy())).join(
        refunded, on="order", how="left", maintain_order="left"
    )
    # The shop exports an order when it changes; a payment within five minutes is in the first version.
    paid_at_once = (pl.col("paid_at") - pl.col("ordered_at") <= 5 * _MINUTE) & (pl.col("paid_at") < end)
    never = pl.lit(None, dtype=pl.Int64)
    placed = known.filter(~paid_at_once.fill_null(False)).with_columns(
        status=pl.lit("unpaid"), paid_at=never, updated_at=pl.col("ordered_at")
    )
    paid = known.filter(pl.col("paid_at").is_not_null()).with_columns(
        status=pl.lit("paid"), updated_at=pl.col("paid_at")
    )
    cancelled = known.filter(pl.col("cancelled_at").is_not_null()).with_columns(
        status=pl.lit("cancelled"), updated_at=pl.col("cancelled_at")
    )
    returned = known.filter(pl.col("refunded_at").is_not_null()).with_columns(
        status=pl.lit("refunded"), updated_at=pl.col("refunded_at")
    )
    return (
        pl.concat([placed, paid, cancelled, returned])
        .filter(pl.col("updated_at") < end)
        .select(
            "order_id",
            "user_id",
            "status",
            "ordered_at",
            "paid_at",
            pl.lit("CNY").alias("currency"),
            "updated_at",
        )
        .sort("updated_at", "order_id", "status")
    )


def _native_lines(lines: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    return lines.select(
        "order_id",
        "line_no",
        labels(catalogue.sku, lines["product"].to_numpy()).alias("sku"),
        "quantity",
        unit_price=_in_yuan("unit_price"),
        discount=_in_yuan("discount"),
        unit_cost=pl.when(pl.col("unit_cost") != NOTHING).then(_in_yuan("unit_cost")),
        # Refunds are told of by their own, dated records.
        refunded_amount=pl.lit(None, dtype=pl.Float64),
        updated_at="ordered_at",
    )


def _in_yuan(cents: str) -> pl.Expr:
    # Rounded, since the quotient may be off in its last bit, and would be written as 114.99000000000001.
    return (pl.col(cents) / 100).round(2)
