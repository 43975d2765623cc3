"""Access control of the dashboards: which requests are answered and which refused, whatever their headers claim."""

from __future__ import annotations

import html
import re
import stat
from dataclasses import replace

import flask
import pytest
from argon2 import PasswordHasher

from dashboards.access.address import own_path
from dashboards.access.attempts import FREE_OF_ADDRESS, FREE_OF_NAME, Attempts
from dashboards.access.database import Database
from dashboards.access.passwords import Passwords
from dashboards.access.rules import Rules, rules_for
from dashboards.access.sessions import IDLE_SECONDS, LONGEST_SECONDS, Sessions, form_token
from dashboards.access.sign_in import add_access
from dashboards.access.users import User, Users, plain_name
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.web.address import visitor_of
from pipelines.web.network import is_loopback

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "river and stone"
OUTSIDE = "203.0.113.9"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def mei(home) -> User:
    user = User("mei", "analyst", CHEAP.hash(PASSWORD))
    Users(home).add(user)
    return user


def server_of(home: Home, rules: Rules | None = None) -> flask.Flask:
    """A server with three addresses, protected by *home*'s access control with *rules* (None: those for 127.0.0.1)."""
    server = flask.Flask(__name__)
    server.add_url_rule("/health", "health", lambda: "OK")
    server.add_url_rule("/export/<path:name>", "export", lambda name: f"secret {name}")
    server.add_url_rule(
        "/", "page", lambda: f"{flask.g.user}|{flask.g.role}|{flask.g.form_token}", methods=["GET", "POST"]
    )
    add_access(server, home, rules or rules_for(home, "127.0.0.1"), Passwords(CHEAP))
    return server


def form_of(client, path: str = "/sign-in") -> dict[str, str]:
    """Name → value of the hidden fields of the sign-in page."""
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', client.get(path).text)
    return {name: html.unescape(value) for name, value in found}


def sign_in(client, password: str = PASSWORD, name: str = "mei", path: str = "/sign-in", **options):
    return client.post("/sign-in", data={**form_of(client, path), "name": name, "password": password}, **options)


# Which servers may start -------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_a_loopback_address_without_users_is_open(home, host):
    assert rules_for(home, host).is_open


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "", "shop.example", "0", "127.1", "::ffff:127.0.0.1"])
def test_another_address_without_users_is_refused_with_a_remedy(home, host):
    with pytest.raises(HeadwaterError, match="headwater user add"):
        rules_for(home, host)


def test_with_users_people_sign_in_everywhere(home, mei):
    assert not rules_for(home, "0.0.0.0").is_open
    assert not rules_for(home, "127.0.0.1").is_open
    assert rules_for(home, "127.0.0.1", is_sign_in_off=True).is_open


@pytest.mark.parametrize(
    ("host", "options", "said"),
    [
        ("0.0.0.0", {"is_sign_in_off": True}, "--no-sign-in is allowed only on"),
        ("127.0.0.1", {"user_header": "X-User"}, "--trust-proxy"),
        ("127.0.0.1", {"trusted": ["127.0.0.1"], "role_header": "X-Role"}, "--proxy-user-header"),
        ("127.0.0.1", {"trusted": ["127.0.0.1"]}, "behind a proxy"),
        ("127.0.0.1", {"trusted": ["127.0.0.1"], "is_sign_in_off": True}, "exclude each other"),
        ("0.0.0.0", {"trusted": ["10.0.0.1/24"], "user_header": "X-User"}, "not an address or network"),
        ("0.0.0.0", {"trusted": ["proxy"], "user_header": "X-User"}, "not an address or network"),
    ],
)
def test_rules_that_let_strangers_in_or_contradict_are_refused(home, host, options, said):
    with pytest.raises(HeadwaterError, match=said):
        rules_for(home, host, **options)


def test_loopback_is_told_by_address_not_by_looks():
    assert [is_loopback(host) for host in ("127.0.0.1.evil.example", "localhost.evil", "127.0.0.1:80")] == [False] * 3


# The users' file ---------------------------------------------------------------------------------------


def test_the_file_is_for_its_owner_only(home, mei):
    assert stat.S_IMODE(home.users_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.users_file.parent.stat().st_mode) == 0o700


def test_names_are_compared_without_case_and_hold_nothing_odd():
    assert plain_name(" Ｍei ") == "mei"
    assert plain_name("王芳") == "王芳"
    assert [plain_name(name) for name in ("", "a b", "../x", "a,b", "a\nb", "-a", "x" * 65)] == [None] * 7


def test_a_broken_file_lets_nobody_in(home, mei):
    server = server_of(home)
    home.users_file.write_text('{"users": {"eve": {"role": "king", "password": ""}}}', encoding="utf-8")
    assert server.test_client().get("/").status_code == 503


def test_passwords_by_default_cost_what_rfc_9106_says():
    assert Passwords().hash(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    with pytest.raises(HeadwaterError, match="8 to 1024"):
        Passwords(CHEAP).hash("short")


# How a request is answered -----------------------------------------------------------------------------


def test_without_users_everybody_on_this_host_is_admin(home):
    assert server_of(home).test_client().get("/").text == "|admin|"


def test_users_that_are_added_while_the_server_runs_close_it(home, mei):
    Users(home).remove("mei")
    server = server_of(home)
    assert server.test_client().get("/").status_code == 200
    Users(home).add(mei)
    assert server.test_client().get("/").status_code == 401


def test_users_removed_while_the_server_runs_do_not_open_it(home, mei):
    server = server_of(home)
    home.users_file.unlink()
    assert server.test_client().get("/").status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/export/orders.csv",
        "/export/..",
        "/export/../health",
        "//health/..",
        "/health/",
        "/health/../export/x",
        "/health%2f..%2fexport/x",
        "/HEALTH",
        "/sign-in/",
        "/sign-in/../export/x",
        "/static/x",
        "/_dash-layout",
        "/_dash-dependencies",
        "/assets/app.css",
        "/_favicon.ico",
    ],
)
def test_without_a_session_only_health_and_the_sign_in_answer(home, mei, path):
    client = server_of(home).test_client()
    for method in ("GET", "POST", "OPTIONS"):
        answer = client.open(method=method, environ_overrides={"PATH_INFO": path})
        assert (answer.status_code, answer.text) == (401, "sign in first\n")


def test_health_says_nothing_but_that_it_is_there(home, mei):
    answer = server_of(home).test_client().get("/health")
    assert (answer.status_code, answer.text) == (200, "OK")


def test_a_page_leads_to_the_sign_in_and_back(home, mei):
    client = server_of(home).test_client()
    answer = client.get("/sql?lang=zh&q=1", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=%2Fsql%3Flang%3Dzh%26q%3D1&lang=zh")
    assert "登录" in client.get(answer.location).text
    answer = sign_in(client, path=answer.location)
    assert (answer.status_code, answer.location) == (303, "/sql?lang=zh&q=1")
    assert client.get("/").text.startswith("mei|analyst|")
    assert client.get("/sign-in?next=/sql").location == "/sql"


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x=1",
        "/\u2028",
        "evil",
        "",
        "/sign-in",
        "/sign-out?x",
        "/" + "x" * 9000,
    ],
)
def test_nobody_is_led_elsewhere(path):
    assert own_path(path) == "/"


def test_the_page_shows_what_was_typed_as_text(home, mei):
    client = server_of(home).test_client()
    page = sign_in(client, name='"><script>alert(1)</script>', password="x").text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in client.get('/sign-in?next=/"><script>').text


# Sessions ----------------------------------------------------------------------------------------------


def test_a_session_begins_with_a_new_token_whatever_was_there(home, mei):
    server = server_of(home)
    client = server.test_client()
    cookie = sign_in(client).headers["Set-Cookie"]
    name, token = re.match(r"(headwater_\w+)=([^;]+)", cookie).groups()
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
    assert "Secure" not in cookie
    assert token not in Database(home)._path.read_bytes().decode("latin-1")
    fixed = server.test_client()
    fixed.set_cookie(name, "chosen-by-somebody-else")
    new = sign_in(fixed).headers["Set-Cookie"]
    assert "chosen-by-somebody-else" not in new
    assert token not in new


def test_signing_in_again_ends_the_session_before(home, mei):
    server = server_of(home)
    client, other = server.test_client(), server.test_client()
    sign_in(client)
    cookie = next(iter(client._cookies.values()))
    other.set_cookie(cookie.key, cookie.value)
    assert other.get("/").status_code == 200
    form = {**form_of(server.test_client()), "name": "mei", "password": PASSWORD}
    client.set_cookie(f"{cookie.key}_form", form["token"], path="/sign-in")
    assert client.post("/sign-in", data=form).status_code == 303
    assert other.get("/").status_code == 401


def test_signing_out_ends_the_session_and_needs_its_form(home, mei):
    client = server_of(home).test_client()
    sign_in(client)
    token = client.get("/").text.split("|")[2]
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out", data={"token": "guessed"}).status_code == 403
    cookie = next(iter(client._cookies.values()))
    assert client.post("/sign-out", data={"token": token}).status_code == 303
    client.set_cookie(cookie.key, cookie.value)
    assert client.get("/").status_code == 401


@pytest.mark.parametrize("change", ["remove", "password"])
def test_a_user_who_is_gone_or_has_another_password_is_out(home, mei, change):
    client = server_of(home).test_client()
    sign_in(client)
    assert client.get("/").status_code == 200
    users = Users(home)
    users.remove("mei") if change == "remove" else users.set_password("mei", CHEAP.hash(PASSWORD))
    assert client.get("/").status_code == 401


def test_another_role_holds_at_once(home, mei):
    client = server_of(home).test_client()
    sign_in(client)
    Users(home).remove("mei")
    Users(home).add(replace(mei, role="viewer"))
    assert client.get("/").text.startswith("mei|viewer|")


def test_sessions_end_when_nobody_uses_them_and_after_a_week(home, mei):
    clock = Clock()
    sessions, users = Sessions(Database(home), clock), {"mei": mei}
    idle, used = sessions.begin(mei), sessions.begin(mei)
    for _ in range(int(LONGEST_SECONDS / (IDLE_SECONDS - 60))):
        clock.now += IDLE_SECONDS - 60
        assert sessions.user_of(used, users) == mei
    assert sessions.user_of(idle, users) is None
    clock.now += IDLE_SECONDS - 60
    assert sessions.user_of(used, users) is None
    clock.now -= LONGEST_SECONDS
    assert sessions.user_of(used, users) is None, "a session that has ended stays so"


def test_the_form_token_does_not_tell_the_session():
    assert form_token("a") != form_token("b")
    assert "a" * 20 not in form_token("a" * 20)


# Guessing passwords ------------------------------------------------------------------------------------


def test_a_wrong_password_and_an_unknown_name_hear_the_same(home, mei):
    client = server_of(home).test_client()
    wrong, unknown, odd = (sign_in(client, "not this one", name) for name in ("mei", "nobody", "../.."))
    assert {answer.status_code for answer in (wrong, unknown, odd)} == {401}
    assert wrong.text.replace('"mei"', '"nobody"') == unknown.text


def test_an_unknown_name_costs_a_hash_too(home, mei):
    asked = []

    class Counting(PasswordHasher):
        def verify(self, hashed, password):
            asked.append(hashed)
            return super().verify(hashed, password)

    passwords = Passwords(Counting(time_cost=1, memory_cost=8, parallelism=1))
    assert not passwords.is_right(None, PASSWORD)
    assert passwords.is_right(mei.password, PASSWORD)
    assert len(asked) == 2


def test_guessing_has_to_wait_even_with_the_right_password(home, mei):
    client = server_of(home).test_client()
    for _ in range(FREE_OF_NAME):
        assert sign_in(client, "wrong one").status_code == 401
    answer = sign_in(client)
    assert answer.status_code == 429
    assert 10 <= int(answer.headers["Retry-After"]) <= 15
    assert re.search(r"Try again in \d+ seconds", answer.text)


def test_waits_grow_and_end(home):
    clock = Clock()
    attempts = Attempts(Database(home), clock)
    waits = []
    for _ in range(FREE_OF_NAME + 8):
        while wait := attempts.begin("mei", OUTSIDE):
            waits.append(wait)
            clock.now += wait
    assert waits[:4] == [15, 30, 60, 120]
    assert max(waits) <= 900
    clock.now += 3601
    assert attempts.begin("mei", OUTSIDE) == 0


def test_an_address_that_tries_many_names_waits_alone(home):
    attempts = Attempts(Database(home), Clock())
    for number in range(FREE_OF_ADDRESS):
        assert attempts.begin(f"name{number}", OUTSIDE) == 0
    assert attempts.begin("another", OUTSIDE) > 0
    assert attempts.begin("another", "198.51.100.7") == 0


def test_one_network_of_ipv6_is_one_address(home):
    attempts = Attempts(Database(home), Clock())
    for number in range(FREE_OF_ADDRESS):
        attempts.begin(f"name{number}", f"2001:db8::{number:x}")
    assert attempts.begin("another", "2001:db8::ffff") > 0
    assert attempts.begin("another", "2001:db8:0:1::1") == 0


def test_success_forgives_the_name(home):
    attempts = Attempts(Database(home), Clock())
    for _ in range(3 * FREE_OF_NAME):
        assert attempts.begin("mei", OUTSIDE) == 0
        attempts.succeed("mei", OUTSIDE)


# Requests from other websites --------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8050", "127.0.0.1.evil.example", "localhost@evil", ""])
def test_a_name_that_was_made_to_lead_here_is_refused(home, host):
    assert server_of(home).test_client().get("/", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost", "localhost:8050", "127.0.0.1:1", "[::1]:8050"])
def test_our_own_names_are_not(home, host):
    assert server_of(home).test_client().get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "file://"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_sites_post_nothing(home, mei, headers):
    client = server_of(home).test_client()
    sign_in(client)
    assert client.post("/", headers=headers).status_code == 403
    assert server_of(Home(home.root)).test_client().post("/sign-in", headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://localhost"}, {"Sec-Fetch-Site": "same-origin"}])
def test_our_pages_do(home, mei, headers):
    client = server_of(home).test_client()
    sign_in(client)
    assert client.post("/", headers=headers).status_code == 200


def test_a_form_that_this_browser_was_not_given_is_refused(home, mei):
    server = server_of(home)
    form = {**form_of(server.test_client()), "name": "mei", "password": PASSWORD}
    assert server.test_client().post("/sign-in", data=form).status_code == 400
    assert server.test_client().post("/sign-in", data={"name": "mei", "password": PASSWORD}).status_code == 400


# Reverse proxies ---------------------------------------------------------------------------------------


@pytest.fixture
def proxied(home) -> flask.Flask:
    rules = rules_for(home, "0.0.0.0", trusted=["10.0.0.0/24"], user_header="X-User", role_header="X-Role")
    return server_of(home, rules)


def told(server: flask.Flask, peer: str, headers: dict[str, str]):
    return server.test_client().get("/", headers=headers, environ_overrides={"REMOTE_ADDR": peer})


def test_a_trusted_proxy_says_who_it_is(proxied):
    assert told(proxied, "10.0.0.7", {"X-User": "Mei", "X-Role": "Analyst"}).text == "mei|analyst|"
    assert told(proxied, "::ffff:10.0.0.7", {"X-User": "mei"}).text == "mei|viewer|"


@pytest.mark.parametrize("role", ["", "king", "admin,viewer"])
def test_a_role_that_is_none_is_the_least(proxied, role):
    assert told(proxied, "10.0.0.7", {"X-User": "mei", "X-Role": role}).text == "mei|viewer|"


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        (OUTSIDE, {"X-User": "mei", "X-Role": "admin"}),
        (OUTSIDE, {"X-User": "mei", "X-Forwarded-For": "10.0.0.7"}),
        ("10.0.1.7", {"X-User": "mei"}),
        ("", {"X-User": "mei"}),
        ("10.0.0.7", {}),
        ("10.0.0.7", {"X-User": ""}),
        ("10.0.0.7", {"X-User": "mei,admin"}),
    ],
)
def test_others_are_not_believed(proxied, peer, headers):
    answer = told(proxied, peer, {"Accept": "text/html", **headers})
    assert (answer.status_code, answer.text) == (401, "sign in first\n")


def test_without_a_role_header_the_users_file_says_the_role(home, mei):
    server = server_of(home, rules_for(home, "0.0.0.0", trusted=["10.0.0.7"], user_header="X-User"))
    assert told(server, "10.0.0.7", {"X-User": "mei"}).text == "mei|analyst|"
    assert told(server, "10.0.0.7", {"X-User": "lin"}).text == "lin|viewer|"


def test_behind_a_proxy_with_tls_the_cookie_is_for_tls_only(home, mei):
    server = server_of(home, rules_for(home, "127.0.0.1", trusted=["127.0.0.1"]))
    client = server.test_client()
    told_by = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example", "Origin": "https://shop.example"}
    form = {**form_of(client), "name": "mei", "password": PASSWORD}
    assert "Secure" in client.post("/sign-in", data=form, headers=told_by).headers["Set-Cookie"]
    client = server.test_client()
    form = {**form_of(client), "name": "mei", "password": PASSWORD}
    outside = {"REMOTE_ADDR": OUTSIDE}
    assert client.post("/sign-in", data=form, headers=told_by, environ_overrides=outside).status_code == 403


@pytest.mark.parametrize(
    ("said", "visitor"),
    [
        ("", "10.0.0.7"),
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.7, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 10.0.0.8, [::ffff:10.0.0.9]:80", "203.0.113.9"),
        ("198.51.100.7, 203.0.113.9:4711, 10.0.0.8", "203.0.113.9"),
        ("10.0.0.9, 10.0.0.8", "10.0.0.9"),
        ("10.0.0.9, unknown", "unknown"),
    ],
)
def test_the_visitor_is_the_last_address_before_trusted_proxies(proxied, said, visitor):
    proxied.add_url_rule("/who", "who", lambda: visitor_of(flask.request))
    headers = {"X-User": "mei", "X-Forwarded-For": said}
    answer = proxied.test_client().get("/who", headers=headers, environ_overrides={"REMOTE_ADDR": "10.0.0.7"})
    assert answer.text == visitor


def test_a_proxy_on_this_host_does_not_make_other_names_ours(home, mei):
    server = server_of(home, rules_for(home, "127.0.0.1", trusted=["127.0.0.1"]))
    # A script in a web page can set X-Forwarded-Host, so the server must ignore that header.
    headers = {"Host": "evil.example", "X-Forwarded-Host": "localhost"}
    assert server.test_client().get("/", headers=headers).status_code == 400
    headers = {"Host": "127.0.0.1:8050", "X-Forwarded-Host": "shop.example"}
    assert server.test_client().get("/", headers=headers).status_code == 401


def test_attempts_count_for_the_address_that_the_proxy_names(home, mei):
    server = server_of(home, rules_for(home, "127.0.0.1", trusted=["127.0.0.1"]))

    def attempt(number: int, address: str) -> int:
        # The visitor can make up the first of the two addresses, so attempts must count for the second.
        headers = {"X-Forwarded-For": f"192.0.2.{number}, {address}"}
        return sign_in(server.test_client(), "wrong one", f"name{number}", headers=headers).status_code

    assert {attempt(number, OUTSIDE) for number in range(FREE_OF_ADDRESS)} == {401}
    assert attempt(99, OUTSIDE) == 429
    assert attempt(99, "198.51.100.7") == 401
