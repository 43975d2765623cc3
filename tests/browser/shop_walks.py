"""Walks through the demo shop in a real browser, each with the events and the path that it must lead to.

Here: the walks, and the steps that they consist of.
Not here: running the collector and comparing with the log and the lake (``tests.browser.test_shop``).

A place is written as page, module and slot: ``list1 results.2`` is slot 2 of module results on the first page of type
list, in the order of PageIds. ``+`` before it is an add-to-cart; everything else is a click.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.browser.site import PATIENCE

READY = "() => window.headwater && headwater.page_id && document.querySelector('main > *')"
_NO_NAVIGATION_API = "delete window.navigation"
_NOTICE_RETURNS = "addEventListener('pageshow', event => { window.isFromCache = event.persisted })"


@dataclass
class Shopper:
    """A shopper with a browser of their own, so that the tracker sees a new device. *page* is the tab in use."""

    url: str
    context: Any
    page: Any = None
    devices: list[str] = field(default_factory=list)
    wait: Callable[[int], Any] = lambda _: None
    """Wait until the log has the given number of clicks and add-to-carts of the shopper."""

    def open(self, address: str = "") -> None:
        """Open the shop in a new tab."""
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.goto(self.url + address)
        self.ready()

    def ready(self) -> None:
        """Wait until the page is shown and has its PageId."""
        self.page.wait_for_function(READY, timeout=PATIENCE)
        device = self.page.evaluate("localStorage.getItem('hw.device')")
        if device not in self.devices:
            self.devices.append(device)

    def element(self, module: str, slot: int | None = None) -> Any:
        inside = f" [data-hw-slot='{slot}'] a, [data-hw-module={module}] a[data-hw-slot='{slot}']" if slot else " a"
        return self.page.locator(f"[data-hw-module={module}]{inside}").first

    def click(self, module: str, slot: int | None = None) -> None:
        """Click on a slot; it leads to another page."""
        self._go(lambda: self.element(module, slot).click())

    def search(self, words: str) -> None:
        """Search by pressing Enter."""
        self.page.fill("[name=q]", words)
        self._go(lambda: self.page.press("[name=q]", "Enter"))

    def click_into_new_tab(self, module: str, slot: int, **how: Any) -> None:
        """Click on a slot so that it opens in a new tab, and go to that tab."""
        with self.context.expect_page(timeout=PATIENCE) as opened:
            self.element(module, slot).click(**how)
        self.page = opened.value
        self.page.bring_to_front()
        self.ready()

    def add(self, module: str = "buy_bar", slot: int | None = None) -> None:
        """Put a product into the cart."""
        inside = f"[data-hw-slot='{slot}'] " if slot else ""
        self.page.click(f"[data-hw-module={module}] {inside}[data-hw-action=add_to_cart]")

    def back(self) -> None:
        self._move("back")

    def forward(self) -> None:
        self._move("forward")

    def reload(self) -> None:
        self.page.reload()
        self.ready()

    def _move(self, way: str) -> None:
        before = self.page.url
        self.page.evaluate(f"void setTimeout(() => history.{way}())")
        self.page.wait_for_function("before => location.href !== before", arg=before, timeout=PATIENCE)
        self.ready()

    def _go(self, act: Callable[[], Any]) -> None:
        before = self.page.url
        act()
        self.page.wait_for_url(lambda url: url != before, timeout=PATIENCE, wait_until="commit")
        self.ready()


@dataclass(frozen=True)
class Walk:
    """A walk and its expected result. The function *steps* does the walk.

    *log*: the expected clicks and add-to-carts. *full*, *effective*, *stack*: the expected paths of the last
        add-to-cart; if *effective* is empty, it equals *full*; if *stack* is empty, it equals *effective*.
    """

    name: str
    steps: Callable[[Shopper], None]
    log: Sequence[str]
    full: Sequence[str] = ()
    effective: Sequence[str] = ()
    stack: Sequence[str] = ()
    has_cache: bool = False

    @property
    def paths(self) -> tuple[list[str], list[str], list[str]]:
        effective = self.effective or self.full
        return list(self.full), list(effective), list(self.stack or effective)


def new_shopper(browser: Any, url: str, *, has_navigation_api: bool) -> Shopper:
    """A shopper with a new browser; *has_navigation_api* says whether it has the Navigation API."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    context.set_default_timeout(PATIENCE)
    context.add_init_script(_NOTICE_RETURNS)
    if not has_navigation_api:
        context.add_init_script(_NO_NAVIGATION_API)
    return Shopper(url, context)


def forward(shopper: Shopper) -> None:
    shopper.open("?utm_source=mail&utm_campaign=tea")
    shopper.click("banner", 1)
    shopper.click("goods", 2)
    shopper.add()


def found_by_search(shopper: Shopper) -> None:
    shopper.open()
    shopper.search("lamp")
    shopper.click("results", 1)
    shopper.add()


def back(shopper: Shopper) -> None:
    shopper.open()
    shopper.click("icons", 1)
    shopper.click("results", 1)
    shopper.back()
    shopper.add("results", 2)


def back_and_forward(shopper: Shopper) -> None:
    shopper.open()
    shopper.click("icons", 1)
    shopper.click("results", 1)
    shopper.back()
    shopper.forward()
    shopper.add()


def back_and_another_way(shopper: Shopper) -> None:
    shopper.open()
    shopper.click("banner", 1)
    shopper.click("goods", 1)
    shopper.click("recommend", 1)
    shopper.back()
    shopper.back()
    shopper.click("goods", 2)
    shopper.add()


def reload(shopper: Shopper) -> None:
    shopper.open()
    shopper.reload()
    shopper.click("banner", 1)
    shopper.reload()
    shopper.click("goods", 2)
    shopper.reload()
    shopper.add()


def two_tabs(shopper: Shopper) -> None:
    shopper.open()
    first = shopper.page
    shopper.click("banner", 1)
    shopper.open()
    second = shopper.page
    shopper.click("icons", 1)
    shopper.page = first
    first.bring_to_front()
    shopper.click("goods", 2)
    shopper.page = second
    second.bring_to_front()
    shopper.add("results", 1)


def tabs_at_once(shopper: Shopper) -> None:
    """Six tabs load again and again at the same time; every page must have a PageId of its own."""
    shopper.open()
    opener = shopper.page
    opener.evaluate(
        """async () => {
            const tabs = Array.from({length: 6}, (_, n) => open('cart.html?0', 'tab' + n));
            for (let turn = 1; turn <= 8; turn++) {
                await Promise.all(tabs.map(async tab => {
                    const isOn = part => tab.location.search === part && tab.headwater?.page_id;
                    while (!isOn('?' + (turn - 1))) await new Promise(done => setTimeout(done));
                }));
                for (const tab of tabs) tab.location.href = 'cart.html?' + turn;
            }
            for (const tab of tabs)
                while (!(tab.location.search === '?8' && tab.headwater?.page_id))
                    await new Promise(done => setTimeout(done));
        }"""
    )
    for page in shopper.context.pages:
        if page is not opener:
            page.close()
    opener.bring_to_front()
    shopper.add("feed", 1)


def link_in_new_tab(shopper: Shopper) -> None:
    shopper.open()
    home = shopper.page
    shopper.click_into_new_tab("feed", 1, modifiers=["Control"])
    shopper.add()
    shopper.page = home
    home.bring_to_front()
    shopper.click_into_new_tab("feed", 2, button="middle")
    shopper.add()


def single_page(shopper: Shopper) -> None:
    shopper.open("app.html")

    def state() -> Any:
        found = json.loads(shopper.page.evaluate("JSON.stringify(history.state)"))
        found.pop("hw", None)
        return found

    assert state() == {"view": "app", "sku": None, "scroll": 0}
    shopper.click("picks", 1)
    assert state() == {"view": "detail", "sku": "mug-rill", "scroll": 0}
    shopper.back()
    assert state() == {"view": "app", "sku": None, "scroll": 0}
    shopper.forward()
    assert state() == {"view": "detail", "sku": "mug-rill", "scroll": 0}
    shopper.click("recommend", 1)
    shopper.back()
    shopper.back()
    shopper.reload()
    shopper.click("picks", 3)
    shopper.add()


def from_the_cache(shopper: Shopper) -> None:
    shopper.open()
    shopper.click("icons", 1)
    shopper.click("results", 1)
    shopper.back()
    assert shopper.page.evaluate("isFromCache") is True, "the page did not come from the back/forward cache"
    shopper.click("results", 2)
    shopper.back()
    shopper.back()
    assert shopper.page.evaluate("isFromCache") is True, "the page did not come from the back/forward cache"
    shopper.forward()
    shopper.add("results", 3)


def offline_then_online(shopper: Shopper) -> None:
    shopper.open()
    shopper.click("banner", 1)
    shopper.context.set_offline(True)
    shopper.add("goods", 1)
    shopper.page.wait_for_function("() => localStorage.getItem('hw.queue')?.includes('add_to_cart')", timeout=PATIENCE)
    shopper.context.set_offline(False)
    shopper.wait(2)
    shopper.page.wait_for_function("() => localStorage.getItem('hw.queue') === '[]'", timeout=PATIENCE)
    # Leave the page while offline: the events stay in the queue, and the next page sends them.
    shopper.context.set_offline(True)
    shopper.add("goods", 3)
    shopper.page.evaluate("void dispatchEvent(new Event('pagehide'))")
    shopper.page.wait_for_function("() => localStorage.getItem('hw.queue')?.includes('add_to_cart')", timeout=PATIENCE)
    shopper.page.close()
    shopper.context.set_offline(False)
    shopper.open("cart.html")


def closed_tab(shopper: Shopper) -> None:
    shopper.open()
    shopper.add("feed", 1)
    shopper.page.close()


def cleared_storage(shopper: Shopper) -> None:
    shopper.open()
    shopper.click("banner", 1)
    shopper.wait(1)
    shopper.page.evaluate("localStorage.clear(); sessionStorage.clear()")
    shopper.click("goods", 2)
    shopper.add()
    assert len(shopper.devices) == 2


def log_in(shopper: Shopper) -> None:
    shopper.open()
    shopper.click("feed", 2)
    shopper.add()
    shopper.page.click("a.second")
    shopper.ready()
    shopper.click("checkout")
    shopper.page.fill("[name=user]", f"shopper-{shopper.devices[0][-6:]}")
    shopper.page.click("main form button")
    shopper.page.wait_for_selector("#order-id")


def consent_withdrawn(shopper: Shopper) -> None:
    shopper.open()
    shopper.add("feed", 1)
    shopper.reload()
    shopper.wait(1)
    shopper.page.click("[data-consent]")
    stored = "[...Object.entries(localStorage), ...Object.entries(sessionStorage)].filter(([key]) => /^hw/.test(key))"
    assert shopper.page.evaluate(stored) == [["hw.consent", "no"]]
    shopper.page.click("[data-hw-module=feed] [data-hw-slot='2'] button")
    shopper.page.reload()
    shopper.page.click("[data-hw-module=banner] a")
    shopper.page.wait_for_url("**/campaign.html*")
    shopper.page.click("[data-hw-module=goods] [data-hw-slot='1'] button")
    assert shopper.page.evaluate(stored) == [["hw.consent", "no"]]
    shopper.page.click("[data-consent]")
    shopper.ready()
    shopper.add("goods", 2)
    assert len(shopper.devices) == 2, "the same person must not be recognised again"


def global_privacy_control(shopper: Shopper) -> None:
    shopper.context.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', { get: () => true })")
    shopper.page = shopper.context.new_page()
    shopper.page.goto(shopper.url)
    for _ in range(2):
        shopper.page.click("[data-hw-module=feed] [data-hw-slot='2'] button")
        shopper.page.evaluate("headwater.consent(true); headwater.identify('u1'); headwater.track('add_to_cart')")
        shopper.page.reload()
    stored = "Object.keys(localStorage).concat(Object.keys(sessionStorage)).filter(key => key.startsWith('hw'))"
    assert shopper.page.evaluate(stored) == []


WALKS = [
    Walk("forward", forward, *[["home1 banner.1", "campaign1 goods.2", "+detail1 buy_bar"]] * 2),
    Walk("search by Enter", found_by_search, *[["home1 search", "list1 results.1", "+detail1 buy_bar"]] * 2),
    Walk(
        "back",
        back,
        *[["home1 icons.1", "list1 results.1", "+list1 results.2"]] * 2,
        effective=["home1 icons.1", "+list1 results.2"],
    ),
    Walk("back and forward", back_and_forward, *[["home1 icons.1", "list1 results.1", "+detail1 buy_bar"]] * 2),
    Walk(
        "back and another way",
        back_and_another_way,
        *[["home1 banner.1", "campaign1 goods.1", "detail1 recommend.1", "campaign1 goods.2", "+detail3 buy_bar"]] * 2,
        effective=["home1 banner.1", "detail1 recommend.1", "campaign1 goods.2", "+detail3 buy_bar"],
        stack=["home1 banner.1", "campaign1 goods.2", "+detail3 buy_bar"],
    ),
    Walk("reload", reload, *[["home1 banner.1", "campaign1 goods.2", "+detail1 buy_bar"]] * 2),
    Walk(
        "two tabs",
        two_tabs,
        ["home1 banner.1", "home2 icons.1", "campaign1 goods.2", "+list1 results.1"],
        # The latest head is the click in the second tab. After it the shopper uses the first tab again; that page is
        # older, so the return to it counts as a step back.
        ["home2 icons.1", "campaign1 goods.2", "+list1 results.1"],
    ),
    Walk("tabs at once", tabs_at_once, *[["+home1 feed.1"]] * 2),
    Walk(
        "a link in a new tab",
        link_in_new_tab,
        ["home1 feed.1", "+detail1 buy_bar", "home1 feed.2", "+detail2 buy_bar"],
        ["home1 feed.2", "+detail2 buy_bar"],
    ),
    Walk(
        "a single-page app",
        single_page,
        ["app1 picks.1", "detail1 recommend.1", "app1 picks.3", "+detail3 buy_bar"],
        ["app1 picks.3", "+detail3 buy_bar"],
    ),
    Walk(
        "a page from the back/forward cache",
        from_the_cache,
        *[["home1 icons.1", "list1 results.1", "list1 results.2", "+list1 results.3"]] * 2,
        effective=["home1 icons.1", "+list1 results.3"],
        has_cache=True,
    ),
    Walk(
        "offline then online",
        offline_then_online,
        ["home1 banner.1", "+campaign1 goods.1", "+campaign1 goods.3"],
        ["home1 banner.1", "+campaign1 goods.3"],
    ),
    Walk("a closed tab", closed_tab, *[["+home1 feed.1"]] * 2),
    Walk(
        "cleared storage",
        cleared_storage,
        ["home1 banner.1", "campaign1 goods.2", "+detail1 buy_bar"],
        ["+detail1 buy_bar"],
    ),
    Walk(
        "log-in in the middle",
        log_in,
        ["home1 feed.2", "+detail1 buy_bar", "detail1 buy_bar", "cart1 checkout", "order1 checkout"],
        ["home1 feed.2", "+detail1 buy_bar"],
    ),
    Walk("consent withdrawn", consent_withdrawn, ["+home1 feed.1", "+campaign1 goods.2"], ["+campaign1 goods.2"]),
    Walk("Global Privacy Control", global_privacy_control, []),
]
