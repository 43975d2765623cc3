"""``python -m benchmarks.browsing --home HOME``: what one view of each page costs a browser.

Here: each page gets a new browser profile, is opened several times and scrolled to its end. Measured are the seconds
until its first chart, processor seconds of its main thread, its height and the size of the server's answer; and the
times again when the page is opened by a click inside the app. The first visit compiles the scripts; from the third
visit on, Chromium reads them compiled.
Not here: many people at once (``benchmarks.sessions``).

It needs playwright (``uv sync --group browser``) and a browser: of the system, of playwright, or in ``CHROMIUM``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from benchmarks.sessions import server
from dashboards.app.pages import PARTS_OF
from dashboards.app.view import PAGES, View

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FIRST = """() => {
    const at = new MutationObserver(look);
    function look() {
        for (const drawing of document.querySelectorAll('#main .main-svg')) {
            const place = drawing.getBoundingClientRect();
            if (place.height && place.top < innerHeight) {
                at.disconnect();
                requestAnimationFrame(() => { window.firstChart = performance.now(); });
                return;
            }
        }
    }
    at.observe(document, { childList: true, subtree: true });
}"""
"""Notes when the first chart within the window is painted, in milliseconds since navigation."""
_WIDTH, _HEIGHT = 1440, 900


@dataclass
class Visit:
    """One view of a page.

    Attributes:
        first_chart: Seconds until the first chart; None without a chart.
        seen, whole: Processor seconds before, and after, scrolling to the end of the page.
        drawn_at_first, charts: The number of charts before, and after, scrolling.
        height: The height of the page in pixels.
        answer: The size of the server's largest answer in bytes.
        clicked, clicked_cost: Like *first_chart* and *seen*, but the page is opened by a link inside the app.
    """

    first_chart: float | None
    seen: float
    whole: float
    drawn_at_first: int
    charts: int
    height: int
    answer: int
    clicked: float | None
    clicked_cost: float


def visit(context: Any, address: str) -> Visit:
    """Open *address* in a new page of the browser *context*, scroll to its end, and reach it again by a click."""
    page = context.new_page()
    page.add_init_script(f"({_FIRST})()")
    answers: list[int] = []
    page.on("response", lambda one: "_dash-update-component" in one.url and answers.append(len(one.body())))
    devtools = context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(address)
    page.wait_for_selector("#main h1")
    _quiet(page)
    seen, at_first = _processor(devtools), _drawn(page)
    height = page.evaluate("document.documentElement.scrollHeight")
    for top in range(0, height, _HEIGHT // 2):
        page.evaluate("top => window.scrollTo(0, top)", top)
        page.wait_for_timeout(100)
    _quiet(page)
    first = page.evaluate("window.firstChart")
    without_charts = address.partition("?")[0].rsplit("/", 1)[0] + "/sql?lang=en"
    found = Visit(
        first and first / 1000,
        seen,
        _processor(devtools),
        at_first,
        _drawn(page),
        height,
        max(answers, default=0),
        *_by_click(page, devtools, without_charts, address),
    )
    page.close()
    return found


def _by_click(page: Any, devtools: Any, start: str, address: str) -> tuple[float | None, float]:
    """Open *address* by a link on the page *start*; returns seconds until the first chart, and processor seconds."""
    page.goto(start)
    page.wait_for_selector("#main h1")
    _quiet(page)
    before = _processor(devtools)
    begun = page.evaluate(
        """address => {
            const link = document.body.appendChild(document.createElement("a"));
            link.href = address.slice(location.origin.length);
            link.click();
            return performance.now();
        }""",
        address,
    )
    page.wait_for_function(
        "address => document.querySelector('#page')?.dataset.href.startsWith(address)", arg=urlsplit(address).path
    )
    _quiet(page)
    first = page.evaluate("window.firstChart")
    return first and (first - begun) / 1000, _processor(devtools) - before


def _quiet(page: Any) -> None:
    """Wait until the page has done nothing for a while."""
    for _ in range(3):
        page.evaluate("() => new Promise(done => requestIdleCallback(done))")
        page.wait_for_timeout(400)


def _drawn(page: Any) -> int:
    return int(page.evaluate("document.querySelectorAll('#main .js-plotly-plot .main-svg:first-of-type').length"))


def _processor(devtools: Any) -> float:
    """Processor seconds of the page's main thread since navigation."""
    found = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
    return float(found["TaskDuration"])


def _every() -> list[str]:
    """All pages, and all parts of pages."""
    return [f"{page}?part={part}" if part else page for page in PAGES for part in PARTS_OF.get(page, ("",))]


def _print_visits(name: str, visits: Sequence[Visit]) -> None:
    """A line: the first visit, and medians of those from the third on."""
    later = visits[2:]

    def median(values: Iterable[float | None]) -> str:
        known = [value for value in values if value is not None]
        return f"{statistics.median(known):.2f}" if known else "-"

    print(
        f"{name:<24} {visits[0].height:>7} {f'{visits[0].drawn_at_first} of {visits[0].charts}':>9} "
        f"{visits[0].answer / 1000:>9,.0f} {median([visits[0].first_chart]):>8} {visits[0].seen:>7.2f} "
        f"{median(one.first_chart for one in later):>8} {median(one.seen for one in later):>7} "
        f"{median(one.whole for one in later):>8} {median(one.clicked for one in later):>8} "
        f"{median(one.clicked_cost for one in later):>7}",
        flush=True,
    )


def main() -> None:
    """Print a line for each page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3, help="visits, after the first two")
    parser.add_argument("--port", type=int, default=8098)
    parser.add_argument("--query", default="", help="days and filters: from=2026-01-01&to=2026-01-31")
    parser.add_argument("pages", nargs="*", default=_every(), help="such as products?part=moves")
    options = parser.parse_args()
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    with server(options.home, options.port) as _, sync_playwright() as playwright:
        print(f"{'':<51} {'first visit':>16} {'third and later':>25} {'by a click':>16}")
        heads = f"{'first s':>8} {'cpu s':>7} {'first s':>8} {'cpu s':>7} {'scrolled':>8} {'first s':>8} {'cpu s':>7}"
        print(f"{'page':<24} {'height':>7} {'charts':>9} {'answer kB':>9} {heads}")
        for name in options.pages:
            page, _, query = name.partition("?")
            base = f"http://127.0.0.1:{options.port}{View(page).path}?lang=en"
            address = "&".join(filter(None, (base, query, options.query)))
            with tempfile.TemporaryDirectory() as profile:
                context = playwright.chromium.launch_persistent_context(
                    profile,
                    executable_path=path,
                    args=["--no-sandbox"],
                    viewport={"width": _WIDTH, "height": _HEIGHT},
                )
                _print_visits(name, [visit(context, address) for _ in range(2 + options.runs)])
                context.close()


if __name__ == "__main__":
    sys.exit(main())
