"""What the tracker records, keeps and sends, on pages made for it."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import ARGUMENTS, chromium
from tests.browser.recorder import PATIENCE, TRACKER, Event, Recorder, eventually, recording

pytestmark = pytest.mark.browser

READY = "() => window.headwater && headwater.page_id"
APIS = {"Navigation API": True, "no Navigation API": False}
STORED = "Object.keys(localStorage).concat(Object.keys(sessionStorage)).filter(key => key.startsWith('hw'))"
both_apis = pytest.mark.parametrize("has_api", APIS.values(), ids=APIS)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording() as started:
        yield started


def html(body: str = "", attributes: str = "", script: str = "", page_type: str = "home") -> str:
    """The HTML of a page with the tracker.

    *attributes* are added to the tracker's script tag; *script* is the address of another script.
    """
    after = f'<script src="{script}" defer></script>' if script else ""
    return (
        f'<!doctype html><html data-hw-page-type="{page_type}"><head><script src="/hw.js" defer {attributes}></script>'
        f"{after}</head><body>{body}</body></html>"
    )


SLOTS = """<div data-hw-module="feed"><p data-hw-slot="1" data-hw-sku="A"><a href="/b" id="a">A</a></p>
    <p data-hw-slot="2" data-hw-sku="B" data-hw-content="autumn">B <button data-hw-action="add_to_cart">+</button></p>
    <i id="blank">nothing</i></div>"""


@pytest.fixture
def opened(browser: Any, recorder: Recorder) -> Iterator[Any]:
    """A function that opens the recorder's page ``/a`` in a new tab. A JavaScript error of a page fails the test."""
    contexts = []
    errors: list[str] = []

    def open_page(
        page: str,
        *,
        has_api: bool = True,
        has_clock: bool = False,
        before: str = "",
        address: str = "/a",
        context: Any = None,
    ) -> Any:
        recorder.pages["/a"] = page
        if context is None:
            context = browser.new_context(viewport={"width": 800, "height": 600})
            context.set_default_timeout(PATIENCE * 1000)
            contexts.append(context)
            context.add_init_script(before + ("" if has_api else "; delete window.navigation"))
            if has_clock:  # time stands still in the page until the test advances it
                context.clock.install()
                context.clock.pause_at(dt.datetime.now() + dt.timedelta(minutes=1))
        tab = context.new_page()
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(recorder.url + address)
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def look(page: Any, position: int) -> None:
    """Scroll to *position*; wait until the browser has reported which slots are seen there."""
    page.evaluate(
        """position => new Promise(done => {
            scrollTo(0, position);
            new IntersectionObserver((_, own) => { own.disconnect(); done(); }).observe(document.body);
        })""",
        position,
    )


def views(events: list[Event]) -> list[Event]:
    return [event for event in events if event["event_type"] == "page_view"]


# Short ---------------------------------------------------------------------------------------------------


def test_the_tracker_is_small() -> None:
    assert len(gzip.compress(TRACKER.read_bytes(), 9)) <= 5120


def test_a_slot_counts_when_half_of_it_is_seen_for_a_second(opened: Any, recorder: Recorder) -> None:
    """Each slot has at most one exposure per page, also a slot that a script adds later.

    A slot that is scrolled past, or of which less than half is visible, has none.
    """
    boxes = "".join(f'<div data-hw-slot="{n}" data-hw-sku="S{n}"></div>' for n in range(1, 7))
    recorder.pages["/style.js"] = """const sheet = new CSSStyleSheet();
        sheet.replaceSync('body { margin: 0 } [data-hw-module] > * { height: 400px; margin: 0 0 600px }'
            + '[data-hw-slot="1"] { margin: 0 0 50px !important }');
        document.adoptedStyleSheets = [sheet];"""
    page = opened(html(f'<div data-hw-module="feed">{boxes}</div>', script="/style.js"), has_clock=True)
    page.wait_for_function(READY)
    for position, milliseconds in (
        (0, 1100),  # visible: slot 1, and 150 of the 400 pixels of slot 2
        (450, 900),  # visible for less than a second: slot 2
        (1450 - 600 + 150, 5000),  # visible: 150 of the 400 pixels of slot 3
        (2450 - 600 + 250, 1100),  # visible: 250 of the 400 pixels of slot 4
        (0, 5000),  # visible a second time: slot 1
    ):
        look(page, position)
        page.clock.run_for(milliseconds)
    page.evaluate(
        """() => { const late = document.createElement('div');
            late.dataset.hwSlot = 9;
            document.querySelector('[data-hw-module]').prepend(late); }"""
    )
    look(page, 0)
    page.clock.run_for(1100)
    page.close()
    recorder.wait(event_type="exposure", slot=9)
    assert [event["slot"] for event in recorder.events(event_type="exposure")] == [1, 4, 9]


@both_apis
def test_a_strict_page_is_recorded_in_the_native_format(has_api: bool, opened: Any, recorder: Recorder) -> None:
    page = opened(html(SLOTS, 'data-app-version="7"'), has_api=has_api, address="/a?q=1#x")
    page.wait_for_function(READY)
    recorder.pages["/b"] = html(page_type="detail")
    page.click("#blank")
    page.click("button")
    page.evaluate("document.querySelector('button').click()")  # the tracker ignores a click that a script makes
    page.evaluate("headwater.track('share', {sku: 5, slot: 'x', nonsense: {}})")
    page.click("#a")
    page.wait_for_url("**/b")
    page.close()
    recorder.wait(2, event_type="page_view")
    # On a slow machine the slots may be visible for a second, which would count as an exposure.
    first, cart, share, click, second = (e for e in recorder.events() if e["event_type"] != "exposure")
    device = first["device_id"]
    common = {"device_id": device, "page_id": first["page_id"], "page_type": "home"}
    common |= {"page_url": recorder.url + "/a", "app_version": "7"}
    for event, own in (
        (first, {"event_type": "page_view"}),
        (cart, {"event_type": "add_to_cart", "module": "feed", "slot": 2, "sku": "B", "content_id": "autumn"}),
        (share, {"event_type": "share", "sku": "5"}),
        (click, {"event_type": "click", "module": "feed", "slot": 1, "sku": "A"}),
    ):
        assert {key: event[key] for key in event if key not in ("event_id", "device_time")} == common | own
    assert second["page_id"] > first["page_id"]
    assert second["referrer"] == recorder.url + "/a"
    ids = [event["event_id"] for event in recorder.events()]
    assert ids == sorted(ids)
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", id_) for id_ in ids)


@both_apis
def test_an_ads_click_is_sent_by_the_name_of_its_parameter(has_api: bool, opened: Any, recorder: Recorder) -> None:
    page = opened(html(SLOTS), has_api=has_api, address="/a?utm_source=mail&x=notgclid&gclid=SECRET#gclid=1")
    page.wait_for_function(READY)
    page.click("button")
    page.goto(recorder.url + "/a?mygclid=SECRET&gclid")
    page.wait_for_function(READY)
    page.close()
    recorder.wait(2, event_type="page_view")
    first = views(recorder.events())[0]
    assert (first["utm_source"], first["click_id"]) == ("mail", "gclid")
    assert [event for event in recorder.events() if "click_id" in event] == [first]
    assert "SECRET" not in str(recorder.events())


# PageIds -------------------------------------------------------------------------------------------------


@pytest.mark.real
def test_tabs_that_take_numbers_at_once_share_none(opened: Any, recorder: Recorder) -> None:
    first = opened(html())
    tabs = [first, *(opened(html(), context=first.context) for _ in range(2))]
    for tab in tabs:
        tab.wait_for_function(READY)
    start = time.time() * 1000 + 3000
    for tab in tabs:
        tab.evaluate(
            """start => { (async () => {
                const { port1, port2 } = new MessageChannel();  // a timer would be slow in a tab that is not shown
                const pause = () => new Promise(done => { port1.onmessage = done; port2.postMessage(0); });
                while (Date.now() < start) await pause();
                for (let page = 0; page < 200; page++) {
                    const before = headwater.page_id;
                    history.pushState({ page }, '', '/a?' + page);
                    while (!headwater.page_id || headwater.page_id === before) await pause();
                }
                window.isDone = true;
            })(); }""",
            start,
        )
    for tab in tabs:
        tab.wait_for_function("() => window.isDone")
        tab.close()
    seen = views(recorder.wait(603, event_type="page_view"))
    assert len({event["page_id"] for event in seen}) == 603


@pytest.mark.real
def test_numbers_grow_though_the_clock_was_set_back(opened: Any, recorder: Recorder) -> None:
    later = 1_900_000_000_000
    page = opened(html(), before=f"localStorage.getItem('hw.last') || localStorage.setItem('hw.last', {later})")
    numbers = []
    for address in ("?1", "?2", "?3"):
        page.goto(recorder.url + "/a" + address)
        page.wait_for_function(READY)
        numbers.append(page.evaluate("headwater.page_id"))
    assert numbers == [later + 2, later + 3, later + 4]


@both_apis
@pytest.mark.real
def test_a_duplicated_tab_shows_the_same_page(has_api: bool, browser: Any, recorder: Recorder, tmp_path: Path) -> None:
    """The browser copies sessionStorage and the history; only an extension can ask it to duplicate a tab."""
    extension = tmp_path / "extension"
    extension.mkdir()
    manifest = {"manifest_version": 3, "name": "duplicate", "version": "1", "permissions": ["tabs"]}
    manifest |= {"background": {"service_worker": "worker.js"}, "host_permissions": ["<all_urls>"]}
    (extension / "manifest.json").write_text(json.dumps(manifest))
    (extension / "worker.js").write_text("")
    context = browser.browser_type.launch_persistent_context(
        tmp_path / "profile",
        executable_path=chromium(),
        args=[*ARGUMENTS, f"--load-extension={extension}"],
        ignore_default_args=["--disable-extensions"],
    )
    context.set_default_timeout(PATIENCE * 1000)
    if not has_api:
        context.add_init_script("delete window.navigation")
    recorder.pages |= {"/a": html(SLOTS), "/b": html(page_type="detail")}
    page = context.new_page()

    def number(tab: Any) -> int:
        tab.wait_for_function(READY)
        found: int = tab.evaluate("headwater.page_id")
        return found

    page.goto(recorder.url + "/a")
    first = number(page)
    page.click("#a")
    page.wait_for_url("**/b")
    second = number(page)
    worker = context.service_workers[0] if context.service_workers else context.wait_for_event("serviceworker")
    with context.expect_page() as opening:
        worker.evaluate(
            """async () => {
                const tabs = await chrome.tabs.query({});
                chrome.tabs.duplicate(tabs.find(tab => tab.url.endsWith('/b')).id);
            }"""
        )
    copy = opening.value
    assert number(copy) == second
    copy.evaluate("void setTimeout(() => history.back())")
    copy.wait_for_url("**/a")
    assert number(copy) == first
    copy.click("#a")
    copy.wait_for_url("**/b")
    assert number(copy) > second
    assert number(page) == second
    context.close()


@both_apis
@pytest.mark.real
def test_a_replaced_page_is_another_page(has_api: bool, opened: Any, recorder: Recorder) -> None:
    recorder.pages["/b"] = html(page_type="b")
    page = opened(html(), has_api=has_api)
    page.wait_for_function(READY)
    page.evaluate("location.replace('/b')")
    page.wait_for_url("**/b")
    page.wait_for_function(READY)
    page.evaluate("location.replace('/b?again')")
    page.wait_for_url("**/b?again")
    page.close()
    recorder.wait(3, event_type="page_view")
    assert len({event["page_id"] for event in recorder.events()}) == 3


@both_apis
@pytest.mark.real
def test_an_app_keeps_its_history_state(has_api: bool, opened: Any, recorder: Recorder) -> None:
    """With another fragment or history state a page stays the same page; with another address it is a new page.

    An app may copy history.state, with the tracker's mark in it, to a new address: the copied mark is ignored.
    """
    recorder.pages["/app.js"] = "window.atStart = JSON.stringify(history.state)"
    page = opened(html('<a id="to" href="#below">below</a>', script="/app.js"), has_api=has_api)
    page.wait_for_function(READY)
    assert page.evaluate("atStart") == "null", "a router that starts must find the state untouched"
    number = "() => headwater.page_id"

    def pushed(state: str, address: str, way: str = "push") -> int:
        page.evaluate(f"history.{way}State({state}, '', '{address}')")
        page.wait_for_function(READY)
        found: int = page.evaluate(number)
        return found

    first = page.evaluate(number)
    assert pushed("{n: 1}", "/a#part") == first
    assert pushed("{n: 2}", "/a", "replace") == first
    page.click("#to")
    page.wait_for_url("**/a#below")
    assert page.evaluate("[headwater.page_id, history.state]") == [first, None]
    second = pushed("{...history.state, deep: {m: [1]}}", "/a?page=2")
    third = pushed("{...history.state, n: 3}", "/a?page=3")
    assert first < second < third
    assert pushed("'text'", "/a?page=4") > third
    assert page.evaluate("history.state") == "text"
    route = pushed("0", "/a#/cart")
    assert page.evaluate("history.state") == 0
    assert route > third

    def back_to(address: str) -> Any:
        page.evaluate("void setTimeout(() => history.back())")
        page.wait_for_url(f"**{address}")
        page.wait_for_function(READY)
        return page.evaluate("const {hw, ...own} = history.state ?? {}; [headwater.page_id, own]")

    page.evaluate("void setTimeout(() => history.back())")
    page.wait_for_url("**/a?page=4")
    assert back_to("/a?page=3") == [third, {"deep": {"m": [1]}, "n": 3}]
    assert back_to("/a?page=2") == [second, {"deep": {"m": [1]}}]
    page.reload()
    page.wait_for_function(READY)
    assert page.evaluate(number) == second
    below = back_to("/a#below")[0]
    assert below == first or not has_api, "without the Navigation API, a fragment that an app pushes over is forgotten"
    assert back_to("/a") == [first, {"n": 2}]


@both_apis
@pytest.mark.real
def test_a_fragment_is_the_same_page_after_a_return(has_api: bool, opened: Any, recorder: Recorder) -> None:
    recorder.pages["/b"] = html(page_type="b")
    page = opened(html('<a id="to" href="#below">below</a> <a id="away" href="/b">b</a>'), has_api=has_api)
    page.wait_for_function(READY)
    first = page.evaluate("headwater.page_id")
    page.click("#to")
    page.click("#away")
    page.wait_for_url("**/b")
    page.go_back()
    page.wait_for_url("**/a#below")
    page.wait_for_function(READY)
    assert page.evaluate("headwater.page_id") == first


@pytest.mark.real
def test_a_page_view_has_the_type_set_after_the_address(opened: Any, recorder: Recorder) -> None:
    page = opened(html())
    page.wait_for_function(READY)
    page.evaluate(
        """() => { history.pushState({}, '', '/a?sku=1');
            requestAnimationFrame(() => { document.documentElement.dataset.hwPageType = 'detail'; }); }"""
    )
    page.wait_for_function("() => document.documentElement.dataset.hwPageType === 'detail'")
    page.close()
    recorder.wait(2, event_type="page_view")
    assert [event["page_type"] for event in recorder.events()] == ["home", "detail"]


@pytest.mark.real
def test_a_slot_counts_once_after_reload_and_back(opened: Any, recorder: Recorder) -> None:
    recorder.pages["/b"] = html(page_type="detail")
    page = opened(html(SLOTS), has_clock=True)

    def watch_for_two_seconds() -> None:
        page.wait_for_function(READY)
        look(page, 0)
        page.clock.run_for(2000)

    watch_for_two_seconds()
    page.reload()
    watch_for_two_seconds()
    page.click("#a")
    page.wait_for_url("**/b")
    page.go_back()
    watch_for_two_seconds()
    page.close()
    recorder.wait(4, event_type="page_view")
    assert len(recorder.events(event_type="exposure")) == 2


# Consent, and browsers that lack something ---------------------------------------------------------------


@pytest.mark.real
def test_nothing_is_stored_before_the_required_consent(opened: Any, recorder: Recorder) -> None:
    page = opened(html(SLOTS, 'data-consent="required"'))
    page.wait_for_function("() => window.headwater")
    page.evaluate("headwater.identify('u1')")
    page.click("button")
    page.reload()
    page.wait_for_function("() => window.headwater")
    assert page.evaluate(f"[headwater.page_id, {STORED}]") == [None, []]
    page.evaluate("headwater.identify('u1'); headwater.consent(true)")
    page.reload()
    page.wait_for_function(READY)
    page.close()
    recorder.wait(2, event_type="page_view")
    assert {(event["event_type"], event["user_id"]) for event in recorder.events()} == {("page_view", "u1")}


@pytest.mark.real
def test_a_refusal_in_another_tab_stops_this_one(opened: Any, recorder: Recorder) -> None:
    page = opened(html(SLOTS))
    page.wait_for_function(READY)
    recorder.wait(2, event_type="exposure")
    page.click("button")
    other = opened(html(), context=page.context)
    other.wait_for_function(READY)
    other.evaluate("headwater.consent(false)")
    page.wait_for_function("() => localStorage.getItem('hw.consent') === 'no'")
    page.click("button")
    page.close()
    other.close()
    later = opened(html())
    later.wait_for_function(READY)
    later.close()
    recorder.wait(2, event_type="page_view")
    assert recorder.events(event_type="add_to_cart") == []


@pytest.mark.real
def test_forbidden_storage_throws_nothing_and_sends_nothing(opened: Any, recorder: Recorder) -> None:
    recorder.pages["/inner"] = html(SLOTS + "<output></output>", script="/calls.js")
    calls = "headwater.identify(1); headwater.forget(); headwater.track('x'); headwater.consent(true);"
    calls += "headwater.consent(false); [headwater.page_id, headwater.dropped]"
    recorder.pages["/calls.js"] = calls + "; document.querySelector('output').textContent = 'called'"
    page = opened('<iframe sandbox="allow-scripts" src="/inner"></iframe>')
    inner = page.frame_locator("iframe")
    inner.locator("output", has_text="called").wait_for()
    inner.locator("button").click()
    page.evaluate("new Promise(done => setTimeout(done, 1500))")
    page.close()
    healthy = opened(html())
    healthy.wait_for_function(READY)
    healthy.close()
    recorder.wait(1, event_type="page_view")
    assert len(recorder.events()) == 1


@pytest.mark.real
@pytest.mark.parametrize(
    "missing",
    [
        "delete crypto.constructor.prototype.randomUUID",
        "delete Navigator.prototype.locks",
        "delete Request.prototype.keepalive",
        "delete window.IntersectionObserver",
        "performance.getEntriesByType = () => []",
        "localStorage.setItem('hw.last', 'x'); localStorage.setItem('hw.queue', '5'); "
        "sessionStorage.setItem('hw.pages', '{')",
        "localStorage.setItem('hw.last', '9e99'); localStorage.setItem('hw.queue', '[')",
        "Date.now = () => 1800000000000",
    ],
)
@both_apis
def test_a_page_without_a_feature_still_records(missing: str, has_api: bool, opened: Any, recorder: Recorder) -> None:
    page = opened(html(SLOTS), has_api=has_api, before=missing)
    page.wait_for_function(READY)
    page.click("button")
    page.close()
    assert recorder.wait(event_type="add_to_cart")[0]["page_id"] < 2**53


# Sending -------------------------------------------------------------------------------------------------


@pytest.mark.real
def test_refused_events_wait_and_go_with_the_next_page(opened: Any, recorder: Recorder) -> None:
    recorder.answer = 503
    page = opened(html(SLOTS))
    page.wait_for_function(READY)
    page.click("button")
    eventually(lambda: len(recorder.refused) > 0, "a refused batch")
    page.wait_for_function("() => localStorage.getItem('hw.queue')?.includes('add_to_cart')")
    page.close()
    recorder.answer = 204
    again = opened(html(), context=page.context)
    recorder.wait(event_type="add_to_cart")
    again.wait_for_function("() => localStorage.getItem('hw.queue') === '[]' && headwater.dropped === 0")


@pytest.mark.real
def test_a_batch_that_is_wrong_is_dropped_and_counted(opened: Any, recorder: Recorder) -> None:
    recorder.answer = 400
    page = opened(html(SLOTS))
    page.wait_for_function(READY)
    page.click("button")
    page.wait_for_function("() => headwater.dropped >= 2 && !localStorage.getItem('hw.queue')")


@pytest.mark.real
def test_at_most_500_events_wait_and_the_oldest_go(opened: Any, recorder: Recorder) -> None:
    recorder.answer = 503
    waiting = json.dumps([{"event_id": str(number)} for number in range(498)])
    page = opened(html(), before=f"localStorage.getItem('hw.queue') || localStorage.setItem('hw.queue', '{waiting}')")
    page.wait_for_function(READY)
    page.evaluate("for (let n = 0; n < 9; n++) headwater.track('share')")
    page.wait_for_function("() => headwater.dropped === 8")
    queue = json.loads(page.evaluate("localStorage.getItem('hw.queue')"))
    assert len(queue) == 500
    assert [queue[0]["event_id"], queue[-1]["event_type"]] == ["8", "share"]


@pytest.mark.real
def test_ten_events_make_a_batch(opened: Any, recorder: Recorder) -> None:
    page = opened(html())
    page.wait_for_function(READY)
    page.evaluate("for (let n = 0; n < 12; n++) headwater.track('share')")
    recorder.wait(10)
    assert len(recorder.batches[0]["events"]) >= 10
    page.close()
