"""The made-up shop: what its pages show.

Here: page kinds and modules, the shelves (rankings of products) of lists and feeds, and the positions that can be
clicked on a day, with their content.
Not here: what is sold (``catalogue``), who visits (``people``) or what visitors do (``walks``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import polars as pl

from pipelines.simulator.arrays import NOTHING, AnyArray, Floats, Ints, codebook, mix64
from pipelines.simulator.catalogue import Catalogue, make_catalogue, rank
from pipelines.simulator.plan import Plan, Stage
from pipelines.simulator.wares import CATEGORIES


class Page(IntEnum):
    """Kinds of pages; their lower-case names are the log's page_type."""

    HOME = 0
    CATEGORY = 1
    MY = 2
    CAMPAIGN = 3
    LIST = 4
    DETAIL = 5
    ORDERS = 6
    CART = 7


class Module(IntEnum):
    """Modules on the pages; their lower-case names are the log's module."""

    BANNER = 0
    ICONS = 1
    FEED = 2
    SEARCH = 3
    MENU = 4
    ORDERS = 5
    TABS = 6
    RESULTS = 7
    GOODS = 8
    RECOMMEND = 9
    ITEMS = 10
    BUY_BAR = 11
    CART_BUTTON = 12


PAGE_TYPES = codebook(page.name.lower() for page in Page)
MODULES = codebook(module.name.lower() for module in Module)
ENTRANCES = ["home_banner", "home_icons", "home_feed", "search", "category", "my_orders"]
"""entrance_id of the first six modules, by module code; the same as in the template's entrances.csv."""

QUERIES = 150
FEEDS = 60
CAMPAIGNS = 8
BANNERS, ICONS = 4, 5
_BANNER_DAYS, _ICON_DAYS, _FEED_DAYS = 4, 10, 14
"""Days after which a banner's creative, an icon's target and the feed's ranking change."""


EXPERIMENT = "icon-1"
"""The A/B test of the first icon; each user always sees the same of its two variants."""
EXPERIMENT_CONTENTS = (f"ab/{EXPERIMENT}/A", f"ab/{EXPERIMENT}/B")
EXPERIMENT_FACTOR = 1.6
"""The icon's share of clicks as variant B, as a multiple of its share as variant A."""
_EXPERIMENT_SHARE = 0.04
"""The icon's share of clicks as variant A; large enough for the difference to show with the demo's few visitors."""


@dataclass(frozen=True)
class Positions:
    """What can be clicked on the portal pages (home, category, my) on a day; one row per position.

    *slot* 0 means no slot. *shelf* NOTHING means the visitor's feed, or, for the search box, the results of a query.
    *content* is an index of the shop's contents. *weight* is the share of the page's clicks, *visibility* the
    probability of an exposure per view of the home page.
    """

    page: Ints
    module: Ints
    slot: Ints
    target: Ints
    shelf: Ints
    content: Ints
    weight: Floats
    visibility: Floats


@dataclass(frozen=True)
class Storefront:
    """What the pages show on one day.

    *shelves*: product codes, one row per shelf: categories, then queries, feeds, campaigns, and the
    recommendations for each product. *feed_content* is the content code of the feed's ranking. *tested* has the content
    codes of variants A and B of the A/B test (*positions* has that of A); None: no test on this day.
    """

    positions: Positions
    shelves: AnyArray
    feed_content: int
    tested: tuple[int, int] | None = None

    first_query: int = len(CATEGORIES)
    first_feed: int = len(CATEGORIES) + QUERIES
    first_campaign: int = len(CATEGORIES) + QUERIES + FEEDS
    first_recommended: int = len(CATEGORIES) + QUERIES + FEEDS + CAMPAIGNS


@dataclass(frozen=True, eq=False)
class Shop:
    """The shop of a simulation; *contents* are the content ids that its slots show during the simulation."""

    plan: Plan
    catalogue: Catalogue
    contents: pl.Series

    def storefront(self, day: dt.date) -> Storefront:
        """The storefront of *day*."""
        return _make_storefront(self, day)

    def showings(self) -> pl.DataFrame:
        """What each slot showed on each day, and its true share of clicks, for comparison with the results of analyses.

        Columns: dt, page_type, module, slot, content_id, click_share (share of the clicks on the home page).
        """
        rows = [
            (day, PAGE_TYPES[row.page], MODULES[row.module], row.slot, row.content, row.weight)
            for day in self.plan.days
            for row in _rows(self.plan, day)
            if row.content is not None and row.slot
        ]
        a, b = EXPERIMENT_CONTENTS
        rows += [(*row[:4], b, EXPERIMENT_FACTOR * row[5]) for row in rows if row[4] == a]
        columns = ["dt", "page_type", "module", "slot", "content_id", "click_share"]
        return pl.DataFrame(rows, schema=columns, orient="row")

    def experiment(self) -> pl.DataFrame:
        """The A/B test, one row for each variant; columns experiment, variant, first_day, last_day, click_share."""
        days = [day for day in self.plan.days if is_tested(self.plan, day)]
        return pl.DataFrame(
            {
                "experiment": EXPERIMENT,
                "variant": ["A", "B"],
                "first_day": days[0],
                "last_day": days[-1],
                "click_share": [_EXPERIMENT_SHARE, EXPERIMENT_FACTOR * _EXPERIMENT_SHARE],
            }
        )


def make_shop(plan: Plan) -> Shop:
    """The shop of *plan*."""
    contents = {row.content for day in plan.days for row in _rows(plan, day) if row.content is not None}
    if plan.parameters.experiment_days:
        contents |= {*EXPERIMENT_CONTENTS}
    return Shop(plan, make_catalogue(plan), codebook(sorted(contents)))


@lru_cache(maxsize=64)
def _make_storefront(shop: Shop, day: dt.date) -> Storefront:
    """The storefront of *day*. Shelves get a new ranking every day; contents change after a fixed number of days."""
    catalogue = shop.catalogue
    kinds = np.arange(len(CATEGORIES))
    own = np.where(kinds[:, None] == catalogue.category, 50.0, 0.0)
    # A query has one category, the same every day; a campaign has three.
    query = np.where((np.arange(QUERIES) % len(CATEGORIES))[:, None] == catalogue.category, 4.0, 0.0)
    offset = (catalogue.category - np.arange(CAMPAIGNS)[:, None]) % len(CATEGORIES)
    campaign = np.where(offset < 3, 3.0, 0.0)
    feed = np.zeros((FEEDS, len(catalogue.weight)))
    boost = np.concatenate([own, query, feed, campaign])
    ranked = rank(shop.plan.stream(Stage.SHELVES, day), catalogue.weight, boost)
    shelves = np.concatenate([ranked, catalogue.recommended]).astype(np.int32)
    rows = _rows(shop.plan, day)
    codes = {text: code for code, text in enumerate(shop.contents)}
    table = {name: np.array([getattr(row, name) for row in rows]) for name in _Position._fields if name != "content"}
    content = np.array([NOTHING if row.content is None else codes[row.content] for row in rows])
    feed_content = next(int(code) for row, code in zip(rows, content, strict=True) if row.module == Module.FEED)
    tested = (codes[EXPERIMENT_CONTENTS[0]], codes[EXPERIMENT_CONTENTS[1]]) if is_tested(shop.plan, day) else None
    return Storefront(Positions(**table, content=content), shelves, feed_content, tested)


class _Position(NamedTuple):
    """A row of Positions, with the content as text."""

    page: Page
    module: Module
    slot: int
    target: Page
    shelf: int
    content: str | None
    weight: float
    visibility: float = 0.0


def is_tested(plan: Plan, day: dt.date) -> bool:
    """Whether the A/B test runs on *day*."""
    return day in plan.days[max(len(plan.days) - plan.parameters.experiment_days, 0) :]


def _rows(plan: Plan, day: dt.date) -> list[_Position]:
    """The positions of *day*.

    On the home page, the content of a banner or icon changes its share of clicks; the other positions divide the
    remaining clicks in fixed proportions.
    """
    icons = list(_icons(plan.seed, day.toordinal()))
    if is_tested(plan, day):
        icons[0] = icons[0]._replace(content=EXPERIMENT_CONTENTS[0], weight=_EXPERIMENT_SHARE)
    slots = [*_banners(plan.seed, day.toordinal()), *icons]
    # Feed and search have one row each: ``walks`` draws the slot and product of a feed click, and the search query.
    feed_content = f"feed-ranking-{day.toordinal() // _FEED_DAYS % 1000:03d}"
    others = [
        _Position(Page.HOME, Module.FEED, 0, Page.DETAIL, NOTHING, feed_content, 0.30),
        _Position(Page.HOME, Module.SEARCH, 0, Page.LIST, NOTHING, None, 0.26),
        _Position(Page.HOME, Module.TABS, 2, Page.CATEGORY, NOTHING, None, 0.13),
        _Position(Page.HOME, Module.TABS, 4, Page.MY, NOTHING, None, 0.07),
    ]
    scale = (1 - sum(row.weight for row in slots)) / sum(row.weight for row in others)
    menu = [
        _Position(Page.CATEGORY, Module.MENU, slot, Page.LIST, slot - 1, None, 1.0 / slot**0.5)
        for slot in range(1, len(CATEGORIES) + 1)
    ]
    orders = _Position(Page.MY, Module.ORDERS, 1, Page.ORDERS, NOTHING, None, 1.0)
    return [*slots, *(row._replace(weight=scale * row.weight) for row in others), *menu, orders]


def _banners(seed: int, ordinal: int) -> Iterator[_Position]:
    for slot in range(1, BANNERS + 1):
        version = (ordinal + slot) // _BANNER_DAYS
        weight = 0.05 * 0.75 ** (slot - 1) * _appeal(seed, slot, version)
        shelf = Storefront.first_campaign + (slot + 3 * version) % CAMPAIGNS
        seen = 0.95 * 0.8 ** (slot - 1)
        content = f"banner-{slot}-{version % 1000:03d}"
        yield _Position(Page.HOME, Module.BANNER, slot, Page.CAMPAIGN, shelf, content, weight, seen)


def _icons(seed: int, ordinal: int) -> Iterator[_Position]:
    for slot in range(1, ICONS + 1):
        version = (ordinal + 2 * slot) // _ICON_DAYS
        weight = 0.025 * _appeal(seed, 100 + slot, version)
        if slot <= 2:
            target, shelf = Page.CAMPAIGN, Storefront.first_campaign + (slot + version) % CAMPAIGNS
        else:
            target, shelf = Page.LIST, (slot + version) % len(CATEGORIES)
        yield _Position(Page.HOME, Module.ICONS, slot, target, shelf, f"icon-{slot}-{version % 1000:03d}", weight, 0.6)


def _appeal(seed: int, slot: int, version: int) -> float:
    """The factor, 0.5 to 1.8, by which a version of a slot's content changes its share of clicks."""
    hashed = int(mix64(np.array([(seed % 2**20 << 40) + (slot << 24) + version]))[0])
    return 0.5 + 1.3 * (hashed / 2**64)
