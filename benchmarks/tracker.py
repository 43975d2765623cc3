"""Measures the tracker's script time on a page of 500 slots: ``python -m benchmarks.tracker``. Needs a browser.

Here: clicking and scrolling in Chromium under its profiler, which says how long functions of ``hw.js`` ran.
Not here: what the tracker records (``tests.browser``). Not part of ``make bench``, because it needs playwright.
"""

from __future__ import annotations

import gzip
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS, chromium
from tests.browser.recorder import TRACKER, Recorder, recording

SLOTS = 500
CLICKS = 200
SCREENS = 60
MOST_MICROSECONDS_A_CLICK = 1000


def page_of_slots() -> str:
    """The HTML of a page of 500 slots, five in a row."""
    inner = '<a href="#">open</a><button data-hw-action="add_to_cart">+</button>'
    slots = "".join(f'<li data-hw-slot="{n}" data-hw-sku="S{n}">{inner}</li>' for n in range(1, SLOTS + 1))
    return (
        '<!doctype html><html data-hw-page-type="list"><script src="/hw.js" defer></script><script src="/s.js" defer>'
        f'</script><body><ul data-hw-module="grid">{slots}</ul></body></html>'
    )


STYLE = """const sheet = new CSSStyleSheet();
sheet.replaceSync('ul { display: grid; grid-template-columns: repeat(5, 1fr) } li { height: 180px }');
document.adoptedStyleSheets = [sheet];
document.addEventListener('click', event => event.preventDefault());"""


class Profile:
    """Chromium's sampling profiler on *page*."""

    def __init__(self, page: Any) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Profiler.enable")
        self._session.send("Profiler.setSamplingInterval", {"interval": 50})

    def __enter__(self) -> Profile:
        self._session.send("Profiler.start")
        return self

    def __exit__(self, *_: object) -> None:
        profile = self._session.send("Profiler.stop")["profile"]
        nodes = {node["id"]: node for node in profile["nodes"]}
        parents = {child: node["id"] for node in profile["nodes"] for child in node.get("children", [])}

        def is_ours(id_: int | None) -> bool:
            while id_ is not None:
                if nodes[id_]["callFrame"]["url"].endswith("/hw.js"):
                    return True
                id_ = parents.get(id_)
            return False

        ours = {id_ for id_ in nodes if is_ours(id_)}
        samples = zip(profile["samples"], [*profile["timeDeltas"][1:], 0], strict=True)
        self.microseconds = sum(delta for id_, delta in samples if id_ in ours)


def measure(recorder: Recorder) -> dict[str, float]:
    """Microseconds of the tracker's script at the start, a click, and a screen of scrolling."""
    recorder.pages |= {"/list": page_of_slots(), "/s.js": STYLE}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.goto("about:blank")
        with Profile(page) as start:
            page.goto(f"{recorder.url}/list")
            page.wait_for_function("() => window.headwater?.page_id")
        targets = page.locator("li a, li button")
        targets.first.click()
        boxes = [targets.nth(number).bounding_box() for number in range(20)]
        with Profile(page) as clicks:
            for number in range(CLICKS):
                box = boxes[number % len(boxes)]
                page.mouse.click(box["x"] + 3, box["y"] + 3)
            page.evaluate("0")
        with Profile(page) as scrolling:
            for _ in range(SCREENS):
                page.mouse.wheel(0, 300)
                page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            page.wait_for_timeout(1500)
        page.close()
        browser.close()
    actions = [event for event in recorder.events() if event["event_type"] in ("click", "add_to_cart")]
    assert len(actions) == CLICKS + 1, f"{len(actions)} clicks were recorded"
    return {
        "start": start.microseconds,
        "a click": clicks.microseconds / CLICKS,
        "a scroll of 300 px": scrolling.microseconds / SCREENS,
    }


def main() -> None:
    """Print the figures."""
    print(f"hw.js: {len(gzip.compress(TRACKER.read_bytes(), 9))} bytes gzipped")
    with recording() as recorder:
        for name, microseconds in measure(recorder).items():
            print(f"{name}: {microseconds:.0f} µs")
    print(f"(the goal: at most {MOST_MICROSECONDS_A_CLICK} µs a click)")


if __name__ == "__main__":
    main()
