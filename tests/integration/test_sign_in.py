"""The dashboards as a server of several processes: who can sign in, and what an analyst may do."""

from __future__ import annotations

import contextlib
import html
import http.client
import json
import re
import signal
import socket
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from pipelines.home.folder import Home
from tests.commands import headwater
from tests.integration.small_shop import DAYS, land_days, new_home
from tests.processes import Headwater
from tests.support import run

PASSWORD = "river and stone"

pytestmark = pytest.mark.real


@dataclass
class Browser:
    """An HTTP client that keeps cookies; it sends requests unchanged, each on its own connection."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, dict[str, str], str]:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)) as connection:
            if self.cookies:
                headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            connection.request(method, path, body or None, {name.replace("_", "-"): v for name, v in headers.items()})
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        for name, value in answer.getheaders():
            if name == "Set-Cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return answer.status, dict(answer.getheaders()), text

    def sign_in(self, name: str, password: str = PASSWORD) -> tuple[int, dict[str, str], str]:
        page = self.send("GET", "/sign-in")[2]
        form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        values = {key: html.unescape(value) for key, value in form.items()} | {"name": name, "password": password}
        kind = "application/x-www-form-urlencoded"
        return self.send("POST", "/sign-in", urllib.parse.urlencode(values), Content_Type=kind)

    def call(
        self, output: str, inputs: list[tuple[str, str, object]], state: list[tuple[str, str, object]]
    ) -> tuple[int, str]:
        """Request the Dash callback with output *output*; returns status and body of the response."""
        name, _, prop = output.partition(".")
        request = {
            "output": output,
            "outputs": {"id": name, "property": prop},
            "inputs": [{"id": i, "property": p, "value": v} for i, p, v in inputs],
            "state": [{"id": i, "property": p, "value": v} for i, p, v in state],
            "changedPropIds": [f"{inputs[0][0]}.{inputs[0][1]}"],
        }
        status, _, text = self.send(
            "POST", "/_dash-update-component", json.dumps(request), Content_Type="application/json"
        )
        return status, text

    def ask(self, sql: str, key: str) -> tuple[int, str]:
        """Send the request of the SQL page's button Run; *key* identifies the run. Returns status and body."""
        state = [
            ("sql-auto", "data", False),
            ("sql-text", "value", sql),
            ("sql-next", "data", key),
            ("address", "data", "/sql"),
            ("sql-values", "data", {}),
        ]
        return self.call("sql-done.data", [("sql-run", "n_clicks", 1)], state)


@contextlib.contextmanager
def served(home: Home, *options: str) -> Iterator[int]:
    """Serve the dashboards of *home* with two processes; yields the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Headwater(home, "dashboard", "--port", str(port), "--workers", "2", *options)

    def is_up() -> bool:
        with contextlib.suppress(OSError):
            return Browser(port).send("GET", "/health")[0] == 200
        return False

    try:
        assert server.wait_for(is_up), server.end().errors
        yield port
    finally:
        server.stop(signal.SIGTERM)


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    made = new_home(tmp_path_factory.mktemp("entrance") / "home")
    land_days(made, DAYS[:1])
    run(made)
    for name, role in (("ana", "analyst"), ("ada", "admin"), ("vi", "viewer")):
        told = headwater("user", "add", name, "--role", role, "--password-stdin", home=made, stdin=f"{PASSWORD}\n")
        assert told.returncode == 0, told.stderr
    return made


@pytest.fixture(scope="module")
def port(home) -> Iterator[int]:
    with served(home) as number:
        yield number


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/sql",
        "/export/overview/days.csv",
        "/export/..",
        "//health/..",
        "/health/../export/overview/days.csv",
        "/health%2f..%2fsql",
        "/health;/sql",
        "/assets/app.css",
        "/_dash-layout",
        "/_dash-dependencies",
        "/_dash-component-suites/dash/deps/polyfill.js",
        "/sign-in/..",
        "/%73ql",
    ],
)
def test_a_stranger_gets_nothing(port, path):
    status, headers, text = Browser(port).send("GET", path)
    assert status == 401
    assert text == "sign in first\n"
    assert headers["Cache-Control"] == "no-store"


def test_a_stranger_calls_nothing(port, home):
    assert Browser(port).ask("SELECT 1", "0" * 32)[0] == 401
    assert not home.query_results.exists()


def test_the_health_needs_no_session_and_says_nothing(port):
    assert Browser(port).send("GET", "/health")[::2] == (200, "OK")


@pytest.mark.parametrize("name", ["X-Forwarded-User", "X_Forwarded_User", "X-Role", "Remote-User", "X-Forwarded-For"])
def test_proxies_headers_count_nothing_where_none_is_trusted(port, name):
    browser = Browser(port)
    assert browser.send("GET", "/", **{name: "127.0.0.1"})[0] == 401
    assert browser.send("GET", "/", **{name: "ada"})[0] == 401


def test_another_name_of_this_host_is_refused(port):
    assert Browser(port).send("GET", "/health", Host="evil.example")[0] == 400


def test_a_session_holds_in_every_process_until_it_is_left(port):
    browser = Browser(port)
    status, headers, _ = browser.sign_in("ana")
    assert (status, headers["Location"]) == (303, "/")
    assert {browser.send("GET", "/")[0] for _ in range(12)} == {200}
    assert browser.send("GET", "/assets/app.css")[0] == 200
    assert browser.send("POST", "/_dash-update-component", "{}", Origin="https://evil.example")[0] == 403


def test_only_the_analyst_gets_an_answer_and_its_file(port):
    ana, ada, key = Browser(port), Browser(port), "a" * 32
    ana.sign_in("ana")
    ada.sign_in("ada")
    status, text = ana.ask("SELECT '=1+1' AS sign, count(*) AS orders FROM core.orders", key)
    assert status == 200
    assert f"result={key}" in text
    files = [ana.send("GET", f"/export/sql/result.csv?result={key}") for _ in range(6)]
    assert {(status, text) for status, _, text in files} == {(200, "\ufeffsign,orders\r\n'=1+1,1\r\n")}
    assert ada.send("GET", f"/export/sql/result.csv?result={key}")[0] == 404
    assert ana.send("GET", f"/export/sql/result.xlsx?result={key}")[2].startswith("PK")


def test_a_viewer_queries_nothing(port):
    vi = Browser(port)
    vi.sign_in("vi")
    assert vi.send("GET", "/sql")[0] == 200
    assert vi.ask("SELECT 1", "b" * 32)[0] == 403
    assert vi.send("GET", "/export/sql/recent.csv")[0] == 404


def test_a_user_who_is_removed_is_out_at_once_in_every_process(port, home):
    headwater("user", "add", "lin", "--role", "viewer", "--password-stdin", home=home, stdin=f"{PASSWORD}\n")
    lin = Browser(port)
    assert lin.sign_in("lin")[0] == 303
    assert lin.send("GET", "/")[0] == 200
    headwater("user", "remove", "lin", home=home)
    assert {lin.send("GET", "/")[0] for _ in range(6)} == {401}


def test_guessing_is_slowed_down_over_all_processes(port):
    browser = Browser(port)
    answers = [browser.sign_in("guessed", "wrong password")[0] for _ in range(7)]
    assert answers == [401] * 5 + [429] * 2


def test_a_trusted_proxy_says_who_comes(home):
    options = ("--trust-proxy", "127.0.0.1", "--proxy-user-header", "X-Forwarded-User", "--proxy-role-header", "X-Role")
    with served(home, *options) as port:
        browser = Browser(port)
        assert browser.send("GET", "/")[0] == 401
        assert browser.send("GET", "/sign-in")[0] == 401
        assert browser.send("GET", "/", X_Forwarded_User="zoe", X_Role="viewer")[0] == 200
        assert browser.send("GET", "/export/sql/recent.csv", X_Forwarded_User="zoe", X_Role="viewer")[0] == 404
        assert browser.send("GET", "/export/sql/recent.csv", X_Forwarded_User="zoe", X_Role="analyst")[0] == 200
