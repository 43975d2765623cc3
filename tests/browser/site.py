"""Serves the dashboards of a made-up shop, and opens their pages in a browser.

Here: serving a home, opening a page, waiting until it has loaded, reading it.
Not here: what pages should show (``tests.browser.test_app`` and its neighbours).
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from pipelines.compute.reading import query_rows
from pipelines.home.folder import REPOSITORY, Home
from tests.integration.dagster_servers import free_port

DAYS = "from=2026-05-11&to=2026-05-20"
HOSTILE = "<img src=x onerror=alert(1)>"
WIDE, PHONE = 1440, 390
PATIENCE = 180_000
"""Milliseconds to wait for an expected event, enough for a busy machine."""
_LOUD = ("error", "warning")


@dataclass
class Site:
    """A home and the address at which its dashboards are served."""

    home: Home
    url: str

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in query_rows(self.home, sql, limit=10_000).rows]


def served(home: Home) -> Iterator[Site]:
    """Serve the dashboards of *home* in another process until the caller leaves the ``with`` block."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "pipelines.commands.main",
        "dashboard",
        "--home",
        str(home.root),
        "--port",
        str(port),
    ]
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        for line in server.stderr:
            if "http://" in line:
                break
        threading.Thread(target=server.stderr.read, daemon=True).start()
        yield Site(home, f"http://127.0.0.1:{port}")
        server.terminate()


@dataclass
class Seen:
    """Records the errors, console messages, dialogs and requests to other servers while a page is open."""

    wrong: list[str] = field(default_factory=list)


def opened(browser: Any, site: Site, address: str, width: int = WIDE) -> tuple[Any, Seen]:
    """The fully loaded page at *address*, and the record of its errors and requests.

    Requests to other servers are blocked and recorded.
    """
    context = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    seen = Seen()

    def only_own(route: Any) -> None:
        if route.request.url.startswith((site.url, "data:", "blob:")):
            route.continue_()
        else:
            seen.wrong.append(f"asked for {route.request.url}")
            route.abort()

    context.route("**/*", only_own)
    page.on("console", lambda said: said.type in _LOUD and seen.wrong.append(f"console {said.type}: {said.text}"))
    page.on("pageerror", lambda error: seen.wrong.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (seen.wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.goto(site.url + address)
    settled(page)
    return page, seen


def settled(page: Any) -> None:
    """Wait until the page has loaded, unfolded parts are made, charts in the window drawn and grids filled."""
    page.wait_for_selector("#page #main h1", timeout=PATIENCE)
    page.wait_for_function(
        """() => !document.querySelector('.busy.on')
        && [...document.querySelectorAll('[data-figure]')].every(one => {
            const place = one.getBoundingClientRect();
            const isSeen = place.height && place.top < innerHeight && place.bottom > 0;
            return !isSeen || (one.querySelector('.main-svg') && one.headwaterFigure === one.dataset.figure);
        })
        && [...document.querySelectorAll('details[open] > [data-later]')].every(one => one.firstChild)
        && [...document.querySelectorAll('.grid-table')].every(one => one.querySelector('.ag-row'))
        && [...document.querySelectorAll('#sql-monaco')].every(one => one.querySelector('.monaco-editor'))""",
        timeout=PATIENCE,
    )
    page.evaluate("() => new Promise(done => requestIdleCallback(done))")
    page.wait_for_timeout(250)


def chart_of(page: Any, key: str) -> Any:
    """The chart *key*, scrolled into the window and drawn."""
    chart = page.locator(f"#chart-{key} [data-figure]")
    chart.scroll_into_view_if_needed()
    page.wait_for_selector(f"#chart-{key} .main-svg", timeout=PATIENCE)
    return chart


def followed(page: Any, act: Any, part: str) -> None:
    """Call *act*; wait until the address contains *part* and the page of that address has fully loaded."""

    def is_page(response: Any) -> bool:
        asked = unquote(response.request.post_data or "")
        # The app's request has the path and the query string in separate values, so each is searched for by itself.
        return "..root.children...shown.data.." in asked and all(one in asked for one in part.split("?"))

    with page.expect_response(is_page, timeout=PATIENCE):
        act()
    page.wait_for_function("part => decodeURIComponent(location.href).includes(part)", arg=part, timeout=PATIENCE)
    settled(page)


def written(page: Any, sql: str) -> None:
    """Write *sql* into the editor of the SQL page, in place of what is there."""
    in_editor(page)
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(sql)
    page.wait_for_function("sql => document.getElementById('sql-text').value === sql", arg=sql)


def in_editor(page: Any) -> None:
    """Set the keyboard focus to the editor of the SQL page."""
    page.locator("#sql-monaco .view-lines").click()


def query(page: Any) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def full(page: Any, metric: str) -> str:
    """The unabbreviated number that the card of *metric* shows."""
    said: str = page.locator(f"[data-metric='{metric}']").first.get_attribute("data-full")
    return said


def close(page: Any) -> None:
    page.context.close()
