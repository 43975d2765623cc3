"""Fixtures for the tests of pages in a browser: the browser, and a made-up shop whose dashboards are served.

Without a browser these tests are skipped; the skip message gives the reason.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from assets.engine import DagsterEngine
from pipelines.compute.run import run_home
from tests.browser.site import HOSTILE, Site, served
from tests.processes import made_up_shop

ARGUMENTS = [
    "--no-sandbox",
    # The collector marks browsers with "Headless" in their user agent as robots. This argument changes the user agent
    # of all requests; Playwright's option does not change it in requests that a page sends while it is being left.
    "--user-agent=Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The path of the browser that the variable CHROMIUM names or the system has; None: use Playwright's browser."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="needs playwright: uv sync --group browser, then playwright install chromium"
    )
    with sync_api.sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        except sync_api.Error as error:
            pytest.skip(f"no browser: playwright install chromium, or CHROMIUM=/path/to/it ({error.message[:80]})")
        yield started
        started.close()


@pytest.fixture(scope="session")
def caching_browser(browser: Any) -> Iterator[Any]:
    """A second browser, with a back/forward cache, which Playwright turns off by default."""
    started = browser.browser_type.launch(
        executable_path=chromium(),
        args=ARGUMENTS,
        ignore_default_args=["--disable-back-forward-cache"],
    )
    yield started
    started.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = made_up_shop(tmp_path_factory.mktemp("site") / "home", days=10, devices=250)
    entrances = home.config / "entrances.csv"
    entrances.write_text(entrances.read_text(encoding="utf-8").replace("Home icons", f'"{HOSTILE}"'), encoding="utf-8")
    run_home(home, engine=DagsterEngine)
    yield from served(home)
