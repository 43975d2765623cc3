"""What visitors do: walks from page to page, generated one action at a time for all visits of a day.

Here: opening pages, exposures, scrolling, clicking, going back, adding to the cart. PageIds and times count from the
start of the visit, and every event has the position of its head: the entrance click that truly led to it.
Not here: the table of these events (``trace``); true or device time, identifiers and records (``tracking``).
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from pipelines.simulator.arrays import NOTHING, AnyArray, Floats, Ints, draw, mix64
from pipelines.simulator.catalogue import SHELF_SIZE
from pipelines.simulator.people import Scene, Visits
from pipelines.simulator.plan import Stage
from pipelines.simulator.shop import (
    ENTRANCES,
    EXPERIMENT_FACTOR,
    FEEDS,
    QUERIES,
    Module,
    Page,
)
from pipelines.simulator.trace import Event, Recorder, Trace


class _Action(IntEnum):
    LEAVE = 0
    BACK = 1
    HOME = 2
    CLICK = 3
    SCROLL = 4
    CART_PAGE = 5


_ACTIONS: Floats = np.array(
    [  # leave, back, home, click, scroll, cart page
        (0.20, 0.00, 0.00, 0.64, 0.16, 0.00),  # home
        (0.08, 0.00, 0.14, 0.78, 0.00, 0.00),  # category
        (0.22, 0.00, 0.28, 0.50, 0.00, 0.00),  # my
        (0.12, 0.15, 0.08, 0.44, 0.21, 0.00),  # campaign
        (0.10, 0.12, 0.06, 0.46, 0.26, 0.00),  # list
        (0.14, 0.45, 0.10, 0.16, 0.09, 0.06),  # detail
        (0.16, 0.22, 0.10, 0.52, 0.00, 0.00),  # orders
        (0.42, 0.28, 0.16, 0.14, 0.00, 0.00),  # cart
    ]
).cumsum(axis=1)
"""Cumulated probabilities of the actions, one row per kind of page."""

_SHELF_MODULE = np.array(
    [
        *(Module.FEED, NOTHING, NOTHING, Module.GOODS),
        *(Module.RESULTS, Module.RECOMMEND, Module.ITEMS, Module.RECOMMEND),
    ]
)
"""The module that shows a page's shelf, by kind of page."""

_SEEN = np.array([(3, 6), (0, 0), (0, 0), (4, 8), (4, 8), (0, 4), (2, 5), (0, 3)])
"""Minimum and maximum number of products exposed at once, by kind of page."""

_CART_RATES: Floats = np.array([0.09, 0.12, 0.13, 0.28, 0.19, 0.36, 0.11])
"""Probability of a cart for a product of average appeal, by entrance; the last is for visits without an entrance."""

_QUERY_WEIGHTS: Floats = 1.0 / np.arange(1, QUERIES + 1) ** 0.8

_CART_NAMES_VARIANT = 0.5
"""Share of carts that name the variant, for products with variants; the others name the product, as listings do."""

_BOT_STEPS = 150
_BOT_PACE = 0.1
"""The waits of a bot as a share of a visitor's."""

_MAX_DEPTH = 12
_EXPERIMENT_SALT = 20_261
_EXPOSURE_GAP = 350  # ms between two products scrolling into view


class _Walk:
    """The state of all visits of a day. Methods take *ix*: the indices of the visits to which the action applies."""

    def __init__(self, scene: Scene, visits: Visits) -> None:
        size = len(visits)
        self.storefront, self.catalogue = scene.storefront, scene.shop.catalogue
        self.parameters, self.rng = scene.parameters, scene.stream(Stage.WALKS)
        self.choices = scene.stream(Stage.VARIANTS)
        self.is_bot = visits.is_bot
        # Whether a visit's user sees variant B of the A/B test
        self.is_b = mix64(visits.user + _EXPERIMENT_SALT) % 2 == 1
        self.pace = np.where(visits.is_bot, _BOT_PACE, 1.0)
        self.log = Recorder(64 + 40 * size)
        self.clock = np.zeros(size, dtype=np.int64)
        self.pages = np.zeros(size, dtype=np.int64)
        self.head = np.full(size, NOTHING, dtype=np.int64)
        self.entrance = np.full(size, len(_CART_RATES) - 1, dtype=np.int64)
        self.own_shelf = self.storefront.first_feed + visits.user % FEEDS
        # The stack of open pages of each visit; *depth* is the index of the current page
        self.depth = np.zeros(size, dtype=np.int64)
        self.page = np.zeros((size, _MAX_DEPTH), dtype=np.int64)
        self.kind = np.zeros((size, _MAX_DEPTH), dtype=np.int64)
        self.shelf = np.zeros((size, _MAX_DEPTH), dtype=np.int64)
        self.product = np.full((size, _MAX_DEPTH), NOTHING, dtype=np.int64)
        self.shown = np.zeros((size, _MAX_DEPTH), dtype=np.int64)
        self._open(np.arange(size), visits.page, visits.shelf, visits.product)

    def advance(self, live: Ints) -> Ints:
        """Simulate one action, such as a click, of each visit in *live* (indices). Returns the visits that continue."""
        depth, kind = self.depth[live], self._top(self.kind, live)
        action: Ints = (self.rng.random(len(live))[:, None] > _ACTIONS[kind, :-1]).sum(axis=1)
        shown = self._top(self.shown, live)
        # Replace impossible actions. Go home instead if a bot would leave (bots never do), if the stack of pages is
        # full, or if there is no page to go back to. Scroll instead of clicking if the page has shown no product yet.
        action[(action == _Action.LEAVE) & self.is_bot[live]] = _Action.HOME
        opens = (action == _Action.CLICK) | (action == _Action.CART_PAGE)
        action[opens & (depth == _MAX_DEPTH - 1)] = _Action.HOME
        is_empty = (action == _Action.CLICK) & (_SHELF_MODULE[kind] >= 0) & (kind != Page.HOME) & (shown == 0)
        action[is_empty] = _Action.SCROLL
        action[(action == _Action.BACK) & (depth == 0)] = _Action.HOME
        for kind_of_action, act in (
            (_Action.BACK, self._back),
            (_Action.HOME, self._go_home),
            (_Action.SCROLL, self._expose),
            (_Action.CART_PAGE, self._open_cart_page),
            (_Action.CLICK, self._click),
        ):
            chosen = live[action == kind_of_action]
            if len(chosen):
                act(chosen)
        staying: Ints = live[action != _Action.LEAVE]
        return staying

    def _top(self, stack: Ints, ix: Ints) -> Ints:
        top: Ints = stack[ix, self.depth[ix]]
        return top

    def _wait(self, ix: Ints, least: int, mean: int) -> None:
        waited = least + np.minimum(self.rng.exponential(mean, len(ix)), 20 * mean)
        self.clock[ix] += (waited * self.pace[ix]).astype(np.int64)

    def _record(self, ix: Ints, event: Event, **columns: AnyArray | int) -> None:
        """Record an event on the page on top of the stack."""
        place = {"page": self._top(self.page, ix), "page_kind": self._top(self.kind, ix)}
        self.log.add(ix, **{"time": self.clock[ix], "event_type": event, "head": self.head[ix], **place, **columns})

    def _open(self, ix: Ints, kind: AnyArray, shelf: AnyArray, product: AnyArray) -> None:
        """Open a page at the current depth of the stack; records its view, its exposures and perhaps an add-to-cart."""
        if not len(ix):
            return
        top = (ix, self.depth[ix])
        self.page[top], self.kind[top] = self.pages[ix], kind
        self.shelf[top], self.product[top], self.shown[top] = shelf, product, 0
        self.pages[ix] += 1
        self._view(ix)
        self._expose_banners(ix[self.kind[top] == Page.HOME])
        self._expose(ix)
        self._cart(ix[self.kind[top] == Page.DETAIL])

    def _view(self, ix: Ints) -> None:
        self._wait(ix, 150, 350)
        self._record(ix, Event.PAGE_VIEW, sku=self._top(self.product, ix))
        self._wait(ix, 200, 300)

    def _expose_banners(self, ix: Ints) -> None:
        """Record exposures of banners and icons, which show no product."""
        positions = self.storefront.positions
        seen = np.flatnonzero(positions.visibility > 0)
        row, column = np.nonzero(self.rng.random((len(ix), len(seen))) < positions.visibility[seen])
        which = seen[column]
        self._record(
            ix[row],
            Event.EXPOSURE,
            time=self.clock[ix[row]] + 10 * column,
            module=positions.module[which],
            slot=positions.slot[which],
            content=self._content(ix[row], positions.content[which]),
        )
        self.clock[ix] += 10 * len(seen) + 50

    def _content(self, ix: Ints, content: Ints) -> Ints:
        """The *content* of a position as each visit sees it: variant B of the A/B test for the users of B."""
        if self.storefront.tested is None:
            return content
        a, b = self.storefront.tested
        return np.where(self.is_b[ix] & (content == a), b, content)

    def _expose(self, ix: Ints) -> None:
        """Record exposures of the next products of the page's shelf."""
        kind, shown = self._top(self.kind, ix), self._top(self.shown, ix)
        least, most = _SEEN[kind].T
        room = min(SHELF_SIZE, self.storefront.shelves.shape[1]) - shown
        count = np.minimum(self.rng.integers(least, most + 1), room)
        row = np.repeat(np.arange(len(ix)), count)
        nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        slot = shown[row] + nth + 1
        shelf = self._top(self.shelf, ix)[row]
        self._record(
            ix[row],
            Event.EXPOSURE,
            time=self.clock[ix[row]] + _EXPOSURE_GAP * nth,
            module=_SHELF_MODULE[kind[row]],
            slot=slot,
            sku=self.storefront.shelves[shelf, slot - 1],
            content=np.where(kind[row] == Page.HOME, self.storefront.feed_content, NOTHING),
        )
        self.shown[ix, self.depth[ix]] += count
        self.clock[ix] += _EXPOSURE_GAP * count
        self._wait(ix, 400, 3_000)

    def _cart(self, ix: Ints) -> None:
        product = self._top(self.product, ix)
        chance = _CART_RATES[self.entrance[ix]] * self.catalogue.appeal[product] * self.parameters.cart_scale
        is_cart = self.rng.random(len(ix)) < chance
        ix, product = ix[is_cart], product[is_cart]
        self._wait(ix, 1_500, 15_000)
        self._record(ix, Event.ADD_TO_CART, module=Module.BUY_BAR, sku=self._named_by_cart(product))
        self._wait(ix, 500, 1_500)

    def _named_by_cart(self, product: Ints) -> Ints:
        """The sku in the add-to-cart event of each *product*: the product itself, or a randomly chosen variant."""
        variant = self.catalogue.choose_variant(self.choices, product)
        return np.where(self.choices.random(len(product)) < _CART_NAMES_VARIANT, variant, product)

    def _back(self, ix: Ints) -> None:
        self.depth[ix] -= 1
        self._view(ix)
        self._wait(ix, 300, 1_500)

    def _go_home(self, ix: Ints) -> None:
        """Click the home tab: returns to the first page if that is the home page, otherwise opens a new home page."""
        self._record(ix, Event.CLICK, module=Module.TABS, slot=1)
        self.depth[ix] = 0
        is_home = self.kind[ix, 0] == Page.HOME
        self._view(ix[is_home])
        self._wait(ix[is_home], 300, 1_500)
        elsewhere = ix[~is_home]
        self._open(
            elsewhere,
            np.full(len(elsewhere), Page.HOME),
            self.own_shelf[elsewhere],
            np.full(len(elsewhere), NOTHING),
        )

    def _open_cart_page(self, ix: Ints) -> None:
        self._record(ix, Event.CLICK, module=Module.CART_BUTTON)
        self.depth[ix] += 1
        self._open(ix, np.full(len(ix), Page.CART), self.own_shelf[ix], np.full(len(ix), NOTHING))

    def _click(self, ix: Ints) -> None:
        """Click a position on a portal page (home, category, my), or a product of the shelf on another page."""
        kind = self._top(self.kind, ix)
        positions = self.storefront.positions
        chosen = np.full(len(ix), NOTHING, dtype=np.int64)
        for portal in (Page.HOME, Page.CATEGORY, Page.MY):
            here, offered = np.flatnonzero(kind == portal), np.flatnonzero(positions.page == portal)
            chosen[here] = offered[draw(self.rng, positions.weight[offered], len(here))]
        if self.storefront.tested is not None:
            self._click_as_b(np.flatnonzero((kind == Page.HOME) & self.is_b[ix]), chosen)
        is_shelf = (chosen < 0) | (positions.module[chosen] == Module.FEED)
        self._click_product(ix[is_shelf])
        self._click_position(ix[~is_shelf], chosen[~is_shelf])

    def _click_as_b(self, of_b: Ints, chosen: Ints) -> None:
        """For the visits *of_b* (rows of *chosen*), draw again what they click on the home page: B gets more clicks."""
        positions = self.storefront.positions
        assert self.storefront.tested is not None
        offered = np.flatnonzero(positions.page == Page.HOME)
        is_tested = positions.content[offered] == self.storefront.tested[0]
        weight = positions.weight[offered]
        share = EXPERIMENT_FACTOR * weight[is_tested].sum()
        of_others = weight * (1 - share) / weight[~is_tested].sum()
        chosen[of_b] = offered[draw(self.rng, np.where(is_tested, share, of_others), len(of_b))]

    def _click_product(self, ix: Ints) -> None:
        kind, shown = self._top(self.kind, ix), self._top(self.shown, ix)
        # Visitors click upper slots more often than lower ones.
        slot = 1 + (np.maximum(shown, 1) * self.rng.random(len(ix)) ** 1.7).astype(np.int64)
        product = self.storefront.shelves[self._top(self.shelf, ix), slot - 1]
        content = np.where(kind == Page.HOME, self.storefront.feed_content, NOTHING)
        self._record_click(ix, _SHELF_MODULE[kind], slot=slot, sku=product, content=content)
        self.depth[ix] += 1
        self._open(ix, np.full(len(ix), Page.DETAIL), self.storefront.first_recommended + product, product)

    def _click_position(self, ix: Ints, chosen: Ints) -> None:
        positions = self.storefront.positions
        module, target, shelf = positions.module[chosen], positions.target[chosen], positions.shelf[chosen]
        self._record_click(
            ix, module, slot=positions.slot[chosen], content=self._content(ix, positions.content[chosen])
        )
        query = self.storefront.first_query + draw(self.rng, _QUERY_WEIGHTS, len(ix))
        shelf = np.where(module == Module.SEARCH, query, np.where(shelf < 0, self.own_shelf[ix], shelf))
        self.depth[ix] += 1
        self._open(ix, target, shelf, np.full(len(ix), NOTHING))

    def _record_click(self, ix: Ints, module: Ints, **columns: AnyArray) -> None:
        """Record a click. An entrance click is the head of itself and of the events up to the next entrance click."""
        is_entrance = module < len(ENTRANCES)
        own = self.log.count + np.arange(len(ix))
        self.head[ix] = np.where(is_entrance, own, self.head[ix])
        self.entrance[ix] = np.where(is_entrance, module, self.entrance[ix])
        self._record(ix, Event.CLICK, module=module, **columns)
        self._wait(ix, 80, 200)


def walk(scene: Scene, visits: Visits) -> Trace:
    """The events of all *visits*."""
    state = _Walk(scene, visits)
    live = np.arange(len(visits), dtype=np.int64)
    for number in range(max(scene.parameters.max_steps, _BOT_STEPS)):
        live = state.advance(live)
        if number + 1 == scene.parameters.max_steps:
            live = live[visits.is_bot[live]]
        if not len(live):
            break
    return Trace(**state.log.columns(), duration=state.clock, pages=state.pages)
