"""What the made-up shop sells: products, their variants, and skus that no page shows.

Here: skus with names, prices and costs; how popular each product is; which products are recommended on its page.
Not here: where products are shown (``shop``), who buys them (``sales``, ``extras``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.simulator.arrays import NOTHING, Floats, Ints, codebook
from pipelines.simulator.plan import Plan, Stage
from pipelines.simulator.wares import ADD_ONS, BRANDS, BUNDLES, CATEGORIES, ENGLISH, GIFTS, STYLES, VARIANTS

SHELF_SIZE = 40
_UNKNOWN_SKUS = 40
_OLD = 200
"""Gifts, add-ons and bundles were launched this many days before the first day."""


@dataclass(frozen=True, eq=False)
class Catalogue:
    """What the shop sells. A sku has a code: products come first, then variants, then skus that no page shows.

    *frame* is the content of products.csv.
    One entry per product: *category*; *weight*, its popularity (Zipf); *appeal*, a factor (mean about 1) on the
    probability of an add-to-cart; *recommended*, a row of product codes; *variants*, their number; *first_variant*, the
    code of the first.
    One entry per sku: *sku*, its text; *product_of*, the code of its product; *price* and *cost* in cents (cost NOTHING
    = unknown).
    *gifts*, *add_ons*, *bundles* and *unknown*: codes of skus that no page shows; *frame* lacks the unknown ones.
    """

    frame: pl.DataFrame
    category: Ints
    weight: Floats
    appeal: Floats
    recommended: Ints
    first_variant: Ints
    variants: Ints
    sku: pl.Series
    product_of: Ints
    price: Ints
    cost: Ints
    gifts: Ints
    add_ons: Ints
    bundles: Ints
    unknown: Ints

    def choose_variant(self, rng: np.random.Generator, product: Ints) -> Ints:
        """The sku code of a random variant of each *product*, or of the product itself if it has no variants."""
        count = self.variants[product]
        nth = (rng.random(len(product)) * count).astype(np.int64)
        return np.where(count > 0, self.first_variant[product] + nth, product)


def make_catalogue(plan: Plan) -> Catalogue:
    """The catalogue of the shop of *plan*."""
    rng = plan.stream(Stage.CATALOGUE)
    parameters = plan.parameters
    count = parameters.products
    category = np.arange(count, dtype=np.int64) % len(CATEGORIES)
    # Draw the popularity at random: if it were computed from the sku's number, as the category is, it would depend on
    # the category.
    weight = 1.0 / (1.0 + rng.permutation(count)) ** 0.9
    products = _products(plan, category, rng)
    boost = np.where(category[:, None] == category, 2.5, 0.0)
    np.fill_diagonal(boost, -1e9)
    recommended = rank(rng, weight, boost)
    appeal = rng.lognormal(-0.08, 0.4, count)

    # Variants have their own random stream, so that their number changes nothing else in the shop.
    variants, counts = _variants(products, parameters.variant_rate, plan.stream(Stage.VARIANTS))
    product_of = np.concatenate([np.arange(count), np.repeat(np.arange(count), counts)])
    never_shown = _never_shown(plan)
    kinds = pl.concat([products, variants, never_shown], how="diagonal")
    code = product_of.size + np.arange(never_shown.height)
    of_kind = {kind: code[never_shown["kind"] == kind] for kind in ("gift", "add_on", "bundle", "unknown")}
    sold = {
        "gift": parameters.gift_rate > 0,
        "add_on": parameters.add_on_rate > 0,
        "bundle": parameters.bundle_rate > 0,
        "unknown": False,
    }
    listed = kinds.filter(pl.col("kind").replace_strict(sold, default=True, return_dtype=pl.Boolean))
    return Catalogue(
        frame=_as_file(listed, plan),
        category=category,
        weight=weight,
        appeal=appeal,
        recommended=recommended,
        first_variant=count + np.cumsum(counts) - counts,
        variants=counts,
        sku=codebook(kinds["sku"]),
        product_of=np.concatenate([product_of, code]),
        price=kinds["price"].to_numpy(),
        cost=kinds["cost"].to_numpy(),
        gifts=of_kind["gift"],
        add_ons=of_kind["add_on"],
        bundles=of_kind["bundle"],
        unknown=of_kind["unknown"],
    )


def product_names(frame: pl.DataFrame) -> pl.DataFrame:
    """The content of ``config/product_names.csv`` for the products in *frame*, which is as in ``Catalogue``."""
    texts = {text for column in ("name", "category", "brand") for text in frame[column].drop_nulls()}
    pieces = re.compile("|".join(sorted(map(re.escape, ENGLISH), key=len, reverse=True)))
    english = {text: " ".join(ENGLISH[piece] for piece in pieces.findall(text)) for text in sorted(texts)}
    rows = [(text, "", name) for text, name in english.items() if name]
    return pl.DataFrame(rows, schema=["text", "name_zh", "name_en"], orient="row")


def rank(rng: np.random.Generator, weight: Floats, boost: Floats) -> Ints:
    """Draw a ranking of distinct product codes for each row of *boost*, which has a column for each product.

    Probabilities are in proportion to weight × exp(boost) (Gumbel trick).
    """
    scores = np.log(weight) + boost + rng.gumbel(size=boost.shape)
    size = min(SHELF_SIZE, boost.shape[1])
    shelf = np.argpartition(-scores, size - 1, axis=1)[:, :size]  # select, then sort: faster than sorting all
    order = np.argsort(-np.take_along_axis(scores, shelf, axis=1), axis=1)
    return np.take_along_axis(shelf, order, axis=1).astype(np.int64)


def _products(plan: Plan, category: Ints, rng: np.random.Generator) -> pl.DataFrame:
    """The products: sku, name, category, brand, price and cost (cents), age (days before the first day), kind."""
    count = len(category)
    typical = np.array([price for _, price, _ in CATEGORIES])[category]
    yuan = np.maximum(5, np.round(typical * rng.lognormal(0, 0.45, count)))
    price = (yuan * 100).astype(np.int64) - rng.choice([0, 10, 1], count)
    cost = np.round(price * rng.uniform(0.42, 0.82, count)).astype(np.int64)
    cost[rng.random(count) < plan.parameters.unknown_cost_rate] = NOTHING
    age = rng.integers(1, 900, count)
    offered = [CATEGORIES[code][2] for code in category]
    nouns = [nouns[rng.integers(len(nouns))] for nouns in offered]
    brands = rng.choice(list(BRANDS), count)
    styles = rng.choice(list(STYLES), count)
    names = [f"{brand}{style}{noun}" for brand, style, noun in zip(brands, styles, nouns, strict=True)]
    return pl.DataFrame(
        {
            "sku": [f"SKU{number:05d}" for number in range(1, count + 1)],
            "name": names,
            "category": [CATEGORIES[code][0] for code in category],
            "brand": [str(brand) for brand in brands],
            "price": price,
            "cost": cost,
            "age": age,
            "kind": ["product"] * count,
        }
    )


def _variants(products: pl.DataFrame, rate: float, rng: np.random.Generator) -> tuple[pl.DataFrame, Ints]:
    """The variants (the columns of *products*, and parent_sku), and how many each product has: 0, or 2 to 4.

    Price and cost of a variant differ from those of its product by up to 10 %.
    """
    has_some, how_many = rng.random(products.height) < rate, rng.integers(2, len(VARIANTS) + 1, products.height)
    counts = np.where(has_some, how_many, 0)
    row = np.repeat(np.arange(products.height), counts)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    factor = pl.Series(rng.uniform(0.9, 1.1, len(row)))
    variants = products[row].with_columns(nth=pl.Series(nth))
    named = variants.select(
        pl.format("{}-{}", "sku", pl.col("nth") + 1).alias("sku"),
        pl.format(
            "{} {}", "name", pl.col("nth").replace_strict(dict(enumerate(VARIANTS)), return_dtype=pl.String)
        ).alias("name"),
        "category",
        "brand",
        price=(pl.col("price") * factor).round().cast(pl.Int64),
        cost=pl.when(pl.col("cost") < 0)
        .then(pl.col("cost"))
        .otherwise((pl.col("cost") * factor).round().cast(pl.Int64)),
        age="age",
        kind=pl.lit("variant"),
        parent_sku="sku",
    )
    return named, counts


def _never_shown(plan: Plan) -> pl.DataFrame:
    """Skus that no page shows: gifts, add-ons, bundles, and ids that are not in products.csv."""
    rng = plan.stream(Stage.EXTRAS)
    rows = []
    for kind, prefix, category, offers in (
        ("gift", "GIFT", "赠品", GIFTS),
        ("add_on", "ADD", "加购服务", ADD_ONS),
        ("bundle", "SET", "组合套装", BUNDLES),
        ("unknown", "X", "", tuple((f"unknown {number}", 1) for number in range(1, _UNKNOWN_SKUS + 1))),
    ):
        for number, (name, yuan) in enumerate(offers, 1):
            # A gift is free for the customer but has a cost for the shop.
            cost = round(100 * yuan * rng.uniform(0.4, 0.8))
            price = 0 if kind == "gift" else 100 * yuan
            rows.append((f"{prefix}{number:05d}", name, category, price, cost, kind))
    columns = {"sku": pl.String, "name": pl.String, "category": pl.String}
    frame = pl.DataFrame(rows, schema={**columns, "price": pl.Int64, "cost": pl.Int64, "kind": pl.String}, orient="row")
    return frame.with_columns(age=pl.lit(_OLD, dtype=pl.Int64))


def _as_file(listed: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """The skus *listed*, with the columns of products.csv; each variant follows its product."""
    first_day = plan.days[0]
    return listed.sort("sku").select(
        "sku",
        "parent_sku",
        "name",
        "category",
        "brand",
        unit_cost=pl.when(pl.col("cost") >= 0).then(pl.col("cost") / 100),
        list_price=pl.col("price") / 100,
        launched_on=pl.lit(first_day) - pl.duration(days="age"),
        updated_at=pl.lit(f"{first_day}T00:00:00"),
    )
