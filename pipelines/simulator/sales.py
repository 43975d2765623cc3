"""What is sold: the order lines that follow the visits of a day, and the true origin of each line.

Here: which carts and clicks become order lines, when they are ordered, prices, the true origin.
Not here: lines whose sku has no event (``extras``), payments, refunds and the records of orders
(``orders``), how files are written (``landing``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.config_tables import DIRECT, UNATTRIBUTED
from pipelines.simulator.arrays import NOTHING, AnyArray, Floats, Ints, codebook, draw, labels
from pipelines.simulator.extras import with_extras
from pipelines.simulator.marketing import Arrivals
from pipelines.simulator.people import Population, Scene, Visits
from pipelines.simulator.plan import Stage
from pipelines.simulator.shop import ENTRANCES, MODULES, PAGE_TYPES, Module
from pipelines.simulator.trace import Event, Trace
from pipelines.simulator.tracking import event_ids

_MINUTE = 60_000
_DAY = 86_400_000
_NO_PLACE = "(none)"
_ORIGINS = codebook([*ENTRANCES, DIRECT, UNATTRIBUTED])
_MATCHES = codebook(["cart", "click", "order", "visit", "none"])
_KINDS = codebook(["product", "unknown_sku", "add_on", "gift", "bundle", "telephone"])
_QUICKEST = 5_000  # shortest time from a cart to its order, in ms


@dataclass(frozen=True)
class Sold:
    """What is sold after the visits of a scene.

    *lines*: order (a number within the scene), order_id, line_no, user, exported (code of the sku that the order
    names), quantity, ordered_at (epoch ms), unit_price, discount, unit_cost (cents, null = unknown). *truth*, one row
    a line: order_id, line_no, kind, matched_by, end_event_id, and columns of the head (the entrance click that led to
    the line), named as in ``attribution.attributed_sales``. ``simulate`` explains them. *channels*: as in
    ``Arrivals.orders``.
    """

    lines: pl.DataFrame
    truth: pl.DataFrame
    channels: pl.DataFrame


def sell(scene: Scene, visits: Visits, arrivals: Arrivals, trace: Trace, happened: Ints) -> Sold:
    """What is sold after the visits of *scene*. *happened*: true time (epoch ms) of each event of *trace*."""
    rng = scene.stream(Stage.SALES)
    touches = _touches(scene, visits, trace, happened)
    luck = np.zeros(len(visits))
    bought = pl.concat(
        [_from_carts(scene, touches, arrivals, luck, rng), _happening(arrivals, _bought_at_once(scene, touches, rng))]
    )
    touches = _happening(arrivals, touches)
    bought = _choose_variants(scene, pl.concat([bought, _out_of_nowhere(scene, bought, rng)]))
    bought = with_extras(scene, bought, touches, scene.stream(Stage.EXTRAS)).filter(
        pl.col("ordered_at") < scene.plan.end
    )
    ordered = bought.filter(pl.col("visit") >= 0).unique(["visit", "ordered_at"])["visit"].to_numpy()
    channels = arrivals.orders(scene, ordered, luck[ordered])
    lines = _price(scene, _number(scene, bought), rng)
    return Sold(lines.drop("kind", "matched_by", "event", "product", "sku"), _truth(scene, trace, lines), channels)


def _touches(scene: Scene, visits: Visits, trace: Trace, happened: Ints) -> pl.DataFrame:
    """Carts and product clicks of people with an account, sorted by visit and time; *event* = position in the trace."""
    is_cart = trace.event_type == Event.ADD_TO_CART
    is_click = (trace.event_type == Event.CLICK) & (trace.sku >= 0)
    event = np.flatnonzero(is_cart | is_click)
    event = event[~scene.population.is_guest[visits.user[trace.visit[event]]]]
    visit = trace.visit[event].astype(np.int64)
    sku = trace.sku[event].astype(np.int64)
    touches = pl.DataFrame(
        {
            "event": event,
            "is_cart": is_cart[event],
            "visit": visit,
            "user": visits.user[visit],
            "sku": sku,
            "product": scene.shop.catalogue.product_of[sku],
            "touched_at": happened[event],
        }
    )
    return touches.sort("visit", "touched_at", "event")


def _happening(arrivals: Arrivals, rows: pl.DataFrame) -> pl.DataFrame:
    """The *rows* whose visit happens. A visit does not happen if only the excluded channel would bring it.

    Random numbers are drawn before this, for all visits, so that excluding a channel does not change the numbers.
    """
    return rows if arrivals.happens.all() else rows.filter(pl.Series(arrivals.happens[rows["visit"].to_numpy()]))


def _from_carts(
    scene: Scene, touches: pl.DataFrame, arrivals: Arrivals, luck: Floats, rng: np.random.Generator
) -> pl.DataFrame:
    """Order lines from visits with carts.

    A product that was added to the cart twice gives one line; its event is the later add-to-cart.

    A visit leads to an order if the number drawn for it, which is written to *luck*, is below its chance.
    """
    carts = (
        touches.filter("is_cart")
        .with_columns(quantity=pl.len().over("visit", "product"))
        .unique(["visit", "product"], keep="last", maintain_order=True)
    )
    visits = carts.group_by("visit", maintain_order=True).agg(last=pl.col("touched_at").max())
    visit = visits["visit"].to_numpy()
    luck[visit] = rng.random(visits.height)
    buys = arrivals.happens[visit] & (luck[visit] < scene.parameters.buy_rate * arrivals.factor[visit])
    visits = visits.with_columns(ordered_at=pl.col("last") + pl.Series(_delays(rng, visits.height))).filter(buys)
    keeps = rng.random(carts.height) < 0.85
    return _lines(carts.filter(keeps).join(visits, on="visit", how="inner", maintain_order="left"), "cart")


def _delays(rng: np.random.Generator, size: int) -> Ints:
    """Time from the last cart to the order, in ms: mostly minutes, sometimes hours or days."""
    mean = np.array([6 * _MINUTE, 5 * 60 * _MINUTE, 2 * _DAY])[draw(rng, np.array([0.74, 0.14, 0.12]), size)]
    return (_QUICKEST + np.minimum(rng.exponential(mean), 12 * _DAY)).astype(np.int64)


def _bought_at_once(scene: Scene, touches: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Order lines from visits without a cart: some visitors buy the product that they clicked last."""
    with_cart = touches.filter("is_cart").select("visit")
    clicks = touches.join(with_cart, on="visit", how="anti", maintain_order="left").unique(
        "visit", keep="last", maintain_order=True
    )
    clicks = clicks.filter(rng.random(clicks.height) < scene.parameters.buy_now_rate)
    delay = pl.Series(rng.integers(1, 10, clicks.height) * _MINUTE)
    return _lines(clicks.with_columns(quantity=pl.lit(1), ordered_at=pl.col("touched_at") + delay), "click")


def _lines(touches: pl.DataFrame, matched_by: str) -> pl.DataFrame:
    return touches.select(
        "visit",
        "user",
        "product",
        "sku",
        "ordered_at",
        pl.col("quantity").cast(pl.Int64),
        pl.lit(matched_by).alias("matched_by"),
        "event",
        pl.lit("product").alias("kind"),
    )


def _out_of_nowhere(scene: Scene, bought: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Orders that no visit led to: by telephone, or in a channel that is not tracked.

    Their number depends on the number of visits in *bought*.
    """
    population: Population = scene.population
    size = int(rng.poisson(bought["visit"].n_unique() * scene.parameters.no_cart_rate))
    buyers = np.unique(population.owner[~population.is_guest[population.owner]])
    size = size if len(buyers) else 0
    user = rng.choice(buyers, size) if size else np.zeros(0, dtype=np.int64)
    product = draw(rng, scene.shop.catalogue.weight, size)
    return pl.DataFrame(
        {
            # Lines with the same visit and time form one order. These negative numbers differ from each other and
            # from all visits, so each line becomes a separate order.
            "visit": -1 - np.arange(size),
            "user": user,
            "product": product,
            "sku": product,
            "ordered_at": rng.integers(*scene.plan.bounds(scene.nth), size),
            "quantity": np.ones(size, dtype=np.int64),
            "matched_by": pl.Series(["none"] * size, dtype=pl.String),
            "event": np.full(size, NOTHING, dtype=np.int64),
            "kind": pl.Series(["telephone"] * size, dtype=pl.String),
        }
    )


def _choose_variants(scene: Scene, lines: pl.DataFrame) -> pl.DataFrame:
    """*lines* with the sku that was bought: a random variant if the cart did not name one and the product has some."""
    product = lines["product"].to_numpy()
    chosen = scene.shop.catalogue.choose_variant(scene.stream(Stage.CHOICES), product)
    return lines.with_columns(
        sku=pl.when(pl.col("sku") == pl.col("product")).then(pl.Series(chosen)).otherwise("sku"),
    )


def _number(scene: Scene, bought: pl.DataFrame) -> pl.DataFrame:
    """*bought* sorted by time, with the columns ``order`` (a running number), ``order_id`` and ``line_no`` added."""
    # Within an order products come first, then add-ons and gifts.
    place = pl.col("kind").cast(_KINDS.dtype).to_physical()
    numbered = bought.sort("ordered_at", "visit", place.clip(1), "product").with_columns(
        order=pl.struct("ordered_at", "visit").rle_id().cast(pl.Int64)
    )
    # Orders are numbered within a day and block, so both are part of the order_id.
    prefix = f"SO{scene.day:%Y%m%d}{scene.block:03d}"
    return numbered.with_columns(
        order_id=pl.format("{}{}", pl.lit(prefix), pl.col("order").cast(pl.String).str.zfill(6)),
        line_no=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("order"),
    ).drop("visit")


def _price(scene: Scene, lines: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """The lines with unit_price, discount and unit_cost, in cents."""
    catalogue, sku = scene.shop.catalogue, lines["sku"].to_numpy()
    extra = draw(rng, np.array([0.82, 0.13, 0.05]), lines.height)
    extra[lines["kind"].to_numpy() == "gift"] = 0
    quantity = np.minimum(lines["quantity"].to_numpy() + extra, 9)
    price = catalogue.price[sku]
    share = np.where(rng.random(lines.height) < 0.3, rng.uniform(0.03, 0.2, lines.height), 0.0)
    discount = np.round(quantity * price * share).astype(np.int64)
    return lines.with_columns(
        quantity=pl.Series(quantity),
        unit_price=pl.Series(price),
        discount=pl.Series(discount),
        unit_cost=pl.Series(catalogue.cost[sku]).replace(NOTHING, None),
    )


def _truth(scene: Scene, trace: Trace, lines: pl.DataFrame) -> pl.DataFrame:
    """The true origin of each line: the entrance click that led to its cart or click, the *head*.

    It is `(direct)` if there was no entrance click, and `(unattributed)` if no visit led to the line.
    """
    event = lines["event"].to_numpy()
    # A bundle has a head, but no end event, because the last click of its visit was on another product.
    end = np.where(lines["matched_by"].to_numpy() == "visit", NOTHING, event)
    head = np.where(event >= 0, trace.head[event] if len(trace) else NOTHING, NOTHING).astype(np.int64)

    def of_head(values: AnyArray) -> AnyArray:
        return np.where(head >= 0, values[head] if len(values) else NOTHING, NOTHING)

    module = of_head(trace.module)
    entrance = np.where((module >= 0) & (module <= Module.ORDERS), module, len(ENTRANCES))
    entrance = np.where(event < 0, len(ENTRANCES) + 1, entrance)
    return pl.DataFrame(
        {
            "order_id": lines["order_id"],
            "line_no": lines["line_no"],
            "kind": lines["kind"].cast(_KINDS.dtype),
            "matched_by": lines["matched_by"].cast(_MATCHES.dtype),
            "end_event_id": _ids(scene, end),
            "head_event_id": _ids(scene, head),
            "entrance_id": labels(_ORIGINS, entrance),
            "head_page_type": labels(PAGE_TYPES, of_head(trace.page_kind)).cast(pl.String).fill_null(_NO_PLACE),
            "head_module": labels(MODULES, module).cast(pl.String).fill_null(_NO_PLACE),
            "head_slot": np.maximum(of_head(trace.slot), 0).astype(np.int64),
            "head_content_id": labels(scene.shop.contents, of_head(trace.content)).cast(pl.String).fill_null(_NO_PLACE),
        }
    )


def _ids(scene: Scene, event: Ints) -> pl.Series:
    return event_ids(scene, np.maximum(event, 0)).set(pl.Series(event < 0), None)
