"""Loading a page of the web app in Chromium, and taking it as PDF or PNG.

Here: when a page is complete, sizes of paper and picture, one browser at a time.
Not here: the browser (``dashboards.printing.chromium``).
"""

from __future__ import annotations

import base64
import html
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from dashboards.printing.chromium import ORIGIN, Answers, Chromium
from pipelines.home.errors import HeadwaterError
from pipelines.home.files import lock_now

Form = Literal["pdf", "png"]

SECONDS = 60.0
"""The longest time for a page, from the start of the browser."""
WAIT_SECONDS = 20.0
"""The longest time that a request waits while another page is made."""

_WIDTH, _HEIGHT = 1440, 900
_TALLEST = 16_000
"""Maximum height of a picture in pixels; a longer page is cut, because Chromium cannot draw more."""
_A4_INCHES = (11.69, 8.27)
_MARGIN_INCHES = 0.4
_FOOTER_INCHES = 0.55
_PIXELS_PER_INCH = 96
_LOADED = """
document.querySelector('#page #main h1') && !document.querySelector('.busy.on') && window.Plotly
&& document.fonts.status === 'loaded' && [...document.images].every(one => one.complete)
&& [...document.querySelectorAll('.grid-table')].every(one => !one.clientHeight || one.querySelector('.ag-row'))
"""
# The window is now as tall as the page, so charts.js draws all charts.
_DRAWN = """
[...document.querySelectorAll('[data-figure]')].every(one => !one.clientHeight
  || (one.headwaterFigure === one.dataset.figure && one.querySelector('.main-svg')))
"""
# The sheet is as wide as the window, so charts.js does not draw a chart again. Links are removed, because they would
# lead to a host that does not exist.
_KEPT_AS_DRAWN = """
window.headwaterKeepsCharts = true;
document.querySelectorAll('a[href]').forEach(one => one.removeAttribute('href'));
"""


class BusyError(HeadwaterError):
    """Another page is being printed."""


@contextmanager
def turn(lock: Path, seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """The right to run a browser.

    Only one request of all servers of a home has it at a time, because a browser takes some 300 MB.

    Raises:
        BusyError: another request still has it after *seconds*.
    """
    lock.parent.mkdir(mode=0o700, exist_ok=True)
    end = time.monotonic() + seconds
    while (handle := lock_now(lock, mode=0o600)) is None:
        if time.monotonic() > end:
            raise BusyError("another PDF or PNG is being made", remedy="try again in a minute")
        time.sleep(0.2)
    with handle:
        yield


def page_file(href: str, form: Form, answers: Answers, footer: str = "") -> bytes:
    """The page at *href* as it is shown, as PDF on A4 (landscape) with *footer* below each sheet, or as PNG.

    *answers* answers the browser's requests.

    Raises:
        ChromiumError: there is no Chromium, or it fails.
    """
    with Chromium(answers, SECONDS) as browser:
        browser.call("Page.enable")
        if form == "png":  # as on paper: without menus
            browser.call("Emulation.setEmulatedMedia", media="print")
        _resize(browser, _HEIGHT)
        browser.call("Page.navigate", url=ORIGIN + href)
        _wait(browser, _LOADED)
        height = min(int(browser.evaluate("document.documentElement.scrollHeight")), _TALLEST)
        _resize(browser, height)
        _wait(browser, _DRAWN)
        browser.evaluate(_KEPT_AS_DRAWN)
        return _pdf(browser, footer) if form == "pdf" else _png(browser)


def _resize(browser: Chromium, height: int) -> None:
    browser.call("Emulation.setDeviceMetricsOverride", width=_WIDTH, height=height, deviceScaleFactor=1, mobile=False)


def _wait(browser: Chromium, condition: str) -> None:
    """Wait until *condition* has held twice, a moment apart: a page may change once more after it has loaded."""
    browser.evaluate(
        f"""new Promise(done => {{
          let held = 0;
          const look = () => {{ held = ({condition}) ? held + 1 : 0; held > 2 ? done(true) : setTimeout(look, 100); }};
          look();
        }})"""
    )


def _png(browser: Chromium) -> bytes:
    height = int(browser.evaluate("document.documentElement.scrollHeight"))
    area = {
        "x": 0,
        "y": 0,
        "width": _WIDTH,
        "height": min(height, _TALLEST),
        "scale": 2 if height < _TALLEST / 2 else 1,
    }
    taken = browser.call("Page.captureScreenshot", format="png", clip=area, captureBeyondViewport=True)
    return base64.b64decode(taken["data"])


def _pdf(browser: Chromium, footer: str) -> bytes:
    style = "font: 8px sans-serif; color: #566572; width: 100%; padding: 0 12mm; display: flex; gap: 1em"
    numbers = (
        '<span style="margin-left: auto"><span class="pageNumber"></span> / <span class="totalPages"></span></span>'
    )
    width, height = _A4_INCHES
    made = browser.call(
        "Page.printToPDF",
        printBackground=True,
        displayHeaderFooter=True,
        headerTemplate="<span></span>",
        footerTemplate=f'<div style="{style}"><span>{html.escape(footer)}</span>{numbers}</div>',
        paperWidth=width,
        paperHeight=height,
        scale=(width - 2 * _MARGIN_INCHES) * _PIXELS_PER_INCH / _WIDTH,  # the sheet is as wide as the window
        marginTop=_MARGIN_INCHES,
        marginBottom=_FOOTER_INCHES,
        marginLeft=_MARGIN_INCHES,
        marginRight=_MARGIN_INCHES,
    )
    return base64.b64decode(made["data"])
