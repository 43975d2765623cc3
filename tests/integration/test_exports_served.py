"""Exports of a real server: pages as PDF and PNG by its Chromium, links that open, no secret is written to a file."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import struct
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboards.printing.chromium import SETTING, Answer, Chromium, ChromiumError, command
from dashboards.printing.pages import BusyError, turn
from pipelines.home.files import lock_now
from pipelines.home.folder import Home
from tests.commands import headwater
from tests.integration.small_shop import DAYS, land_days, new_home
from tests.integration.test_links import days_ahead
from tests.integration.test_sign_in import PASSWORD, Browser
from tests.processes import Headwater
from tests.support import run

pytestmark = pytest.mark.real
needs_chromium = pytest.mark.skipif(not command(), reason=f"needs Chromium: apt install chromium, or {SETTING}=…")

FORM = "application/x-www-form-urlencoded"
FIRST = DAYS[0]
VIEW = f"from={FIRST}&to={FIRST}"


class Served:
    """A running dashboard server with two worker processes."""

    def __init__(self, home: Home) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.home = home
        self.server = Headwater(home, "dashboard", "--port", str(self.port), "--workers", "2")

        def is_up() -> bool:
            with contextlib.suppress(OSError):
                return Browser(self.port).send("GET", "/health")[0] == 200
            return False

        assert self.server.wait_for(is_up), self.server.end().errors

    def browser(self, name: str = "") -> Browser:
        made = Browser(self.port)
        if name:
            assert made.sign_in(name)[0] == 303
        return made

    def file(self, browser: Browser, path: str) -> tuple[int, dict[str, str], bytes]:
        """The answer to *path*, with its body as bytes."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)) as connection:
            cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
            connection.request("GET", path, headers={"Cookie": cookies})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    made = new_home(tmp_path_factory.mktemp("exports") / "home")
    land_days(made, DAYS[:1])
    run(made)
    for name, role in (("ana", "analyst"), ("vi", "viewer")):
        told = headwater("user", "add", name, "--role", role, "--password-stdin", home=made, stdin=f"{PASSWORD}\n")
        assert told.returncode == 0, told.stderr
    return made


@pytest.fixture(scope="module")
def served(home) -> Iterator[Served]:
    site = Served(home)
    yield site
    site.server.stop(signal.SIGTERM)


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


@needs_chromium
def test_a_page_is_a_pdf_and_a_picture(served):
    ana = served.browser("ana")
    status, headers, pdf = served.file(ana, f"/export/overview.pdf?{VIEW}&lang=zh")
    assert status == 200, pdf
    assert headers["Content-Type"] == "application/pdf"
    assert f"headwater-overview-{FIRST}-{FIRST}.pdf" in headers["Content-Disposition"]
    assert headers["Cache-Control"] == "no-store"
    assert pdf.startswith(b"%PDF-")
    assert pages_of(pdf) >= 1
    assert b"headwater.invalid" not in pdf
    status, _, png = served.file(ana, f"/export/overview.png?{VIEW}&lang=en")
    assert status == 200
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    assert (width, height > 1500) == (2880, True)


@needs_chromium
def test_a_viewer_gets_the_file_of_a_viewer(served):
    vi = served.browser("vi")
    assert served.file(vi, f"/export/overview.png?{VIEW}")[0] == 200
    assert served.file(served.browser(), f"/export/overview.png?{VIEW}")[0] == 401
    assert served.file(vi, f"/export/nothing.pdf?{VIEW}")[0] == 404
    assert served.file(vi, f"/export/overview.exe?{VIEW}")[0] == 404


@needs_chromium
def test_no_command_line_says_what_is_shown(served):
    ana, seen = served.browser("ana"), []
    at_work = threading.Thread(target=lambda: served.file(ana, f"/export/slots.pdf?{VIEW}&in.platform=secretplatform"))
    at_work.start()
    while at_work.is_alive():
        seen += [line for line in command_lines() if "--remote-debugging-pipe" in line]
        time.sleep(0.02)
    assert seen
    session = [value for name, value in ana.cookies.items() if not name.endswith("_form")]
    secrets = ["secretplatform", "slots", str(served.port), *session]
    assert [one for one in secrets if any(one in line for line in seen)] == []


def command_lines() -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(process.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return found


@needs_chromium
def test_the_browser_reaches_no_other_address(served):
    asked: list[str] = []

    def answers(_method: str, path: str, _headers: Any, _body: bytes) -> Answer:
        asked.append(path)
        return Answer(200, [("Content-Type", "text/html")], b"<h1>ours</h1>")

    with Chromium(answers, 60) as browser:
        browser.call("Page.enable")
        browser.call("Page.navigate", url="http://headwater.invalid/one")
        heading = "document.querySelector('h1')?.textContent"
        found = (
            f"new Promise(done => {{ const look = () => {heading} ? done({heading}) : setTimeout(look, 20); look(); }})"
        )
        assert browser.evaluate(found) == "ours"
        for other in (f"http://127.0.0.1:{served.port}/health", "https://example.com/"):
            script = f"fetch('{other}', {{mode: 'no-cors'}}).then(() => 'reached', () => 'refused')"
            assert browser.evaluate(script) == "refused"
    assert asked[0] == "/one"
    assert {*asked} <= {"/one", "/favicon.ico"}


@needs_chromium
def test_a_page_that_takes_too_long_is_given_up():
    begun = time.monotonic()
    with (
        pytest.raises(ChromiumError, match="longer than 3 seconds"),
        Chromium(lambda *_: Answer(404, [], b""), 3) as browser,
    ):
        browser.evaluate("new Promise(() => {})")
    assert time.monotonic() - begun < 30
    assert not [line for line in command_lines() if "headwater-" in line and "--user-data-dir" in line]


def test_one_page_is_made_at_a_time(tmp_path):
    lock = tmp_path / "access" / "print.lock"
    with turn(lock), pytest.raises(BusyError), turn(lock, 0.3):
        pass
    with turn(lock, 0.3):
        assert lock.stat().st_mode & 0o777 == 0o600


def test_a_busy_server_says_so(served, monkeypatch):
    ana = served.browser("ana")
    with lock_now(served.home.print_lock) or pytest.fail("locked"):
        status, headers, text = served.file(ana, f"/export/overview.pdf?{VIEW}&lang=zh")
    assert status == 503
    assert headers["Retry-After"] == "30"
    assert "正在生成另一份文件" in text.decode()


def test_without_chromium_a_page_says_how_to_get_it(monkeypatch):
    monkeypatch.setenv(SETTING, "/nowhere/chromium --no-sandbox")
    assert command() == []
    with pytest.raises(ChromiumError, match="there is no Chromium"), Chromium(lambda *_: Answer(404, [], b""), 3):
        pass
    monkeypatch.delenv(SETTING)
    monkeypatch.setenv("PATH", "/nowhere")
    assert command() == []


def test_the_secret_of_a_link_is_written_nowhere(home):
    site = Served(home)
    ana = site.browser("ana")
    token = re.search(r'"value":"([0-9a-f]{64})"', page(ana)[1])
    assert token is not None
    form = {"token": token[1], "lang": "en", "address": f"/entrances?{VIEW}", "until": days_ahead(7), "note": "agency"}
    status, _, text = ana.send("POST", "/links/new", urllib.parse.urlencode(form), Content_Type=FORM)
    assert status == 200
    secret = re.search(r"/shared#([\w-]{40,})", text)
    assert secret is not None
    reader = site.browser()
    status, headers, _ = reader.send(
        "POST", "/shared", urllib.parse.urlencode({"secret": secret[1]}), Content_Type=FORM
    )
    assert (status, headers["Location"]) == (303, f"/entrances?{VIEW}")
    assert {page(reader)[0] for _ in range(6)} == {200}  # any of the two processes may answer; both accept the link
    assert reader.send("GET", "/sql")[0] == 401
    wrong = secret[1][::-1]
    assert site.browser().send("POST", "/shared", f"secret={wrong}", Content_Type=FORM)[0] == 404
    sessions = [value for name, value in ana.cookies.items() if not name.endswith("_form")]
    outcome = site.server.stop(signal.SIGTERM)
    written = "\n".join([*outcome.errors, outcome.out])
    assert "link" in written
    for text in (secret[1], wrong, PASSWORD, token[1], *sessions):
        assert text not in written
        assert text.encode() not in b"".join(file.read_bytes() for file in every_file(home))


def page(browser: Browser) -> tuple[int, str]:
    """The page of entrances, as Dash asks for it."""
    request = {
        "output": "..root.children...shown.data..",
        "outputs": [{"id": "root", "property": "children"}, {"id": "shown", "property": "data"}],
        "inputs": [{"id": "address", "property": "data", "value": f"/entrances?{VIEW}"}],
        "changedPropIds": ["address.data"],
    }
    status, _, text = browser.send(
        "POST", "/_dash-update-component", json.dumps(request), Content_Type="application/json"
    )
    return status, text


def every_file(home: Home) -> list[Path]:
    return [
        Path(folder) / name
        for folder, _, names in os.walk(home.root)
        for name in names
        if (Path(folder) / name).is_file()
    ]
