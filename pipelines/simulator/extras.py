"""Order lines whose sku was neither clicked nor added to the cart in the visit before.

Here: gifts and add-ons added to an order, bundles, and lines exported under an id that occurs nowhere else.
Not here: lines of products that were clicked or added to a cart, and orders by telephone (``sales``).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from pipelines.simulator.arrays import Ints
from pipelines.simulator.people import Scene

_MINUTE = 60_000

Choose = Callable[[int], Ints]
"""Draws the given number of sku codes."""


def with_extras(scene: Scene, lines: pl.DataFrame, touches: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """*lines*, some exported under an unknown sku, and further lines: gifts, add-ons and bundles.

    *lines* and *touches* (carts and product clicks) are the tables of ``sales``.
    """
    catalogue, parameters = scene.shop.catalogue, scene.parameters
    is_of_visit = lines["visit"] >= 0
    # One line per order: the one whose cart or click was last. Gifts and add-ons get the true origin of that event.
    orders = (
        lines.filter(is_of_visit)
        .sort("event")
        .unique(["visit", "ordered_at"], keep="last", maintain_order=True)
        .sort("visit", "ordered_at")
    )

    def drawn(codes: Ints) -> Choose:
        return lambda size: rng.choice(codes, size)

    is_unknown = pl.Series(rng.random(lines.height) < parameters.unknown_sku_rate) & is_of_visit
    unknown = pl.Series(rng.choice(catalogue.unknown, lines.height))
    known = lines.with_columns(
        kind=pl.when(is_unknown).then(pl.lit("unknown_sku")).otherwise("kind"),
        exported=pl.when(is_unknown).then(unknown).otherwise("sku"),
    )
    return pl.concat(
        [
            known,
            _added(orders, "add_on", parameters.add_on_rate, drawn(catalogue.add_ons), rng),
            _added(orders, "gift", parameters.gift_rate, drawn(catalogue.gifts), rng),
            _bundles(scene, orders.height, touches, rng),
        ]
    )


def _added(orders: pl.DataFrame, kind: str, rate: float, choose: Choose, rng: np.random.Generator) -> pl.DataFrame:
    """One line of *kind* for each of a random share *rate* of *orders* (a row per order).

    The function *choose* draws the skus.
    """
    chosen = orders.filter(pl.Series(rng.random(orders.height) < rate))
    return _never_shown(chosen, kind, "order", pl.Series(choose(chosen.height), dtype=pl.Int64))


def _bundles(scene: Scene, orders: int, touches: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Order lines of bundles, each ordered alone, minutes after the last product click of a visit without a cart.

    *orders* is the number of other orders, on which the number of bundles depends.
    """
    with_cart = touches.filter("is_cart").select("visit")
    clicks = touches.join(with_cart, on="visit", how="anti", maintain_order="left")
    visits = clicks.unique("visit", keep="last", maintain_order=True)
    size = min(int(rng.poisson(orders * scene.parameters.bundle_rate)), visits.height)
    chosen = visits[np.sort(rng.choice(visits.height, size, replace=False))] if size else visits.clear()
    delay = pl.Series(rng.integers(1, 10, size) * _MINUTE, dtype=pl.Int64)
    sku = pl.Series(rng.choice(scene.shop.catalogue.bundles, size), dtype=pl.Int64)
    return _never_shown(chosen.with_columns(ordered_at=pl.col("touched_at") + delay), "bundle", "visit", sku)


def _never_shown(buyers: pl.DataFrame, kind: str, matched_by: str, sku: pl.Series) -> pl.DataFrame:
    """Order lines of quantity 1: row i has the visit, user, ordered_at and event of row i of *buyers*, and *sku*[i]."""
    return buyers.select(
        "visit",
        "user",
        sku.alias("product"),
        sku.alias("sku"),
        "ordered_at",
        pl.lit(1, dtype=pl.Int64).alias("quantity"),
        pl.lit(matched_by).alias("matched_by"),
        "event",
        pl.lit(kind).alias("kind"),
        sku.alias("exported"),
    )
