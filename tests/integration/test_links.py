"""Links to a view: who may make, open and revoke them, and when they expire.

The app runs in the process of the tests, and its users sign in.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import flask
import pytest
from argon2 import PasswordHasher

from dashboards.access.attempts import FREE_OF_NAME
from dashboards.access.database import Database
from dashboards.access.guard import Guard
from dashboards.access.links import Links
from dashboards.access.rules import rules_for
from dashboards.access.sessions import Sessions, form_token
from dashboards.access.users import Role, User, Users
from dashboards.app.link_reader import PAGE_CALLBACK
from dashboards.app.server import create_app
from pipelines.home.folder import Home
from tests.processes import copy_of
from tests.shared_homes import shop_with_dashboards

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ADDRESS = "/entrances?from=2026-05-17&to=2026-05-20"
HTML = {"Accept": "text/html"}


class Site:
    """The app of a home in which ana (analyst), bo (analyst), ada (admin) and vi (viewer) sign in."""

    def __init__(self, home: Home) -> None:
        self.home = home
        people: dict[str, Role] = {"ana": "analyst", "bo": "analyst", "ada": "admin", "vi": "viewer"}
        for name, role in people.items():
            Users(home).add(User(name, role, CHEAP.hash("river and stone")))
        rules = rules_for(home, "127.0.0.1")
        self.server: flask.Flask = create_app(home, rules).server
        self.cookie = Guard(home, rules).cookie
        self.links = Links(Database(home))

    def browser(self) -> Any:
        return self.server.test_client()

    def signed_in(self, name: str) -> tuple[Any, str]:
        """A browser in which *name* has signed in, and the token of its forms."""
        token = Sessions(Database(self.home)).begin(Users(self.home).all()[name])
        client = self.browser()
        client.set_cookie(self.cookie, token)
        return client, form_token(token)

    def make(self, name: str = "ana", until: str = "", **form: str) -> tuple[int, str]:
        """Send the form that makes a link; returns the HTTP status, and the link's secret or the error message."""
        client, token = self.signed_in(name)
        given = {"token": token, "lang": "en", "address": ADDRESS, "until": until or days_ahead(7), **form}
        answer = client.post("/links/new", data=given)
        said = answer.get_json()
        return answer.status_code, str(said.get("path", "")).partition("#")[2] or said["said"]

    def reader(self, secret: str) -> Any:
        client = self.browser()
        assert client.post("/shared", data={"secret": secret}).status_code == 303
        return client


def days_ahead(number: int) -> str:
    return str(dt.datetime.now(ZoneInfo("Asia/Shanghai")).date() + dt.timedelta(days=number))


def page(client: Any, address: str = ADDRESS) -> tuple[int, str]:
    request = {
        "output": PAGE_CALLBACK,
        "outputs": [{"id": "root", "property": "children"}, {"id": "shown", "property": "data"}],
        "inputs": [{"id": "address", "property": "data", "value": address}],
        "changedPropIds": ["address.data"],
    }
    answer = client.post("/_dash-update-component", json=request)
    return answer.status_code, answer.text


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Site:
    return Site(copy_of(shop_with_dashboards(tmp_path_factory), tmp_path / "home"))


def test_a_link_shows_its_page_and_nothing_else(site):
    status, secret = site.make()
    assert status == 200
    reader = site.browser()
    assert page(reader)[0] == 401
    opened = reader.post("/shared", data={"secret": secret})
    assert (opened.status_code, opened.headers["Location"]) == (303, ADDRESS)
    assert secret not in opened.headers["Location"]
    assert "HttpOnly" in opened.headers["Set-Cookie"]
    assert reader.get(ADDRESS).status_code == 200
    status, shown = page(reader)
    assert status == 200
    assert "Read-only link" in shown
    for part in ("/sql", "find", "sign-out", "/export/", '"id":"days"', "export-menu"):
        assert part not in shown, part
    others = ["/", "/entrances", "/sql", "/views", "/customers?user=u1", f"/export{ADDRESS.replace('?', '.xlsx?')}"]
    assert {path: reader.get(path).status_code for path in others} == dict.fromkeys(others, 401)
    assert {page(reader, path)[0] for path in others} == {401}
    posts = ["/links/new", "/links/revoke", "/edit/views", "/sign-out"]
    assert {path: reader.post(path, data={"token": ""}).status_code for path in posts} == dict.fromkeys(posts, 401)


def test_two_links_are_open_in_one_browser(site):
    first, second = site.make()[1], site.make(address="/slots?period=7")[1]
    reader = site.reader(first)
    reader.post("/shared", data={"secret": second})
    assert page(reader)[0] == 200
    assert page(reader, "/slots?period=7")[0] == 200
    assert page(reader, "/slots?period=14")[0] == 401


def test_an_expired_link_shows_a_sentence(site, monkeypatch):
    secret = site.make()[1]
    reader = site.reader(secret)
    with Database(site.home).transaction() as connection:
        connection.execute("UPDATE links SET ends_at = made_at + 1e-3")
    again = reader.get(ADDRESS, headers=HTML)
    assert (again.status_code, again.headers["Location"]) == (303, "/shared?ended=expired")
    said = reader.get("/shared?ended=expired")
    assert said.status_code == 410
    assert "这个链接已过期。" in said.text
    assert "This link has expired." in said.text
    assert page(reader)[0] == 401
    assert site.browser().post("/shared", data={"secret": secret}).status_code == 410


def test_a_revoked_link_is_closed_at_once(site):
    secret = site.make()[1]
    key = site.links.all()[0].key
    reader = site.reader(secret)
    assert page(reader)[0] == 200
    for name, expected in (("vi", 403), ("bo", 403), ("ana", 200)):
        client, token = site.signed_in(name)
        assert client.post("/links/revoke", data={"token": token, "key": key}).status_code == expected
        assert page(reader)[0] == (401 if expected == 200 else 200)
    refused = reader.post("/shared", data={"secret": secret})
    assert refused.status_code == 410
    assert "revoked" in refused.text
    assert "已被收回" in refused.text


def test_an_admin_sees_and_revokes_all_links(site):
    site.make("ana")
    site.make("bo")
    seen = {}
    for name in ("ana", "ada", "vi"):
        client, _ = site.signed_in(name)
        seen[name] = len(re.findall(r'"action":"\\u002flinks\\u002frevoke"', page(client, "/views?lang=en")[1]))
    assert seen == {"ana": 1, "ada": 2, "vi": 0}
    ada, token = site.signed_in("ada")
    for one in site.links.all():
        assert ada.post("/links/revoke", data={"token": token, "key": one.key}).status_code == 200
    assert {one.state(0) for one in site.links.all()} == {"revoked"}


def test_a_tampered_link_shows_nothing(site):
    secret = site.make()[1]
    wrong = ("A" if secret[0] != "A" else "B") + secret[1:]
    answer = site.browser().post("/shared", data={"secret": wrong})
    assert answer.status_code == 404
    assert "There is no such link." in answer.text
    assert "没有这个链接" in answer.text
    reader = site.browser()
    reader.set_cookie(f"{site.cookie}_link_00000000", wrong)
    assert reader.get(ADDRESS).status_code == 401
    assert page(reader)[0] == 401


def test_guessing_links_is_slowed_down(site):
    secret = site.make()[1]
    client = site.browser()
    answers = [client.post("/shared", data={"secret": f"guess{n}"}).status_code for n in range(FREE_OF_NAME + 1)]
    assert answers == [404] * FREE_OF_NAME + [429]
    assert client.post("/shared", data={"secret": secret}).status_code == 429


def test_opening_an_ended_link_often_locks_nobody_out(site):
    secret = site.make()[1]
    site.links.revoke(site.links.all()[0].key)
    client = site.browser()
    assert {client.post("/shared", data={"secret": secret}).status_code for _ in range(30)} == {410}


def test_a_link_ends_with_its_maker(site):
    secret = site.make("bo")[1]
    reader = site.reader(secret)
    assert page(reader)[0] == 200
    Users(site.home).remove("bo")
    assert page(reader)[0] == 401
    assert reader.post("/shared", data={"secret": secret}).status_code == 410


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"until": days_ahead(91)}, 400, "90 days"),
        ({"until": days_ahead(-1)}, 400, "90 days"),
        ({"until": "soon"}, 400, "2026-06-18"),
        ({"address": "/sql?q=SELECT+1"}, 400, "No link can show this page"),
        ({"address": "/customers?segment=champions"}, 400, "No link can show this page"),
        ({"address": "https://evil.example/"}, 400, "No link can show this page"),
        ({"address": ""}, 200, ""),
        ({"until": days_ahead(90)}, 200, ""),
        ({"until": days_ahead(0)}, 200, ""),
        ({"token": "0" * 64}, 403, "out of date"),
    ],
)
def test_only_a_page_of_figures_is_linked_for_a_while(site, form, status, said):
    got, text = site.make(**form)
    assert got == status, text
    assert said in text
    assert len(site.links.all()) == (status == 200)


@pytest.mark.parametrize("address", ["", "//entrances?period=7", "///entrances", "/entrances/?period=7&to=nonsense"])
def test_a_link_leads_to_a_page_of_this_server(site, address):
    status, secret = site.make(address=address)
    if status == 200:
        opened = site.browser().post("/shared", data={"secret": secret})
        assert re.fullmatch(r"/(entrances)?(\?.*)?", opened.headers["Location"])
    else:
        assert "nonsense" in address


def test_viewers_make_no_links(site):
    assert site.make("vi")[0] == 403
    client, _ = site.signed_in("vi")
    assert "/links/new" not in page(client)[1].replace("\\u002f", "/")


def test_signed_in_people_keep_their_own_rights(site):
    secret = site.make()[1]
    client, _ = site.signed_in("vi")
    assert client.post("/shared", data={"secret": secret}).status_code == 303
    assert "Read-only link" not in page(client)[1]
    assert client.get("/slots").status_code == 200


def test_the_page_that_opens_links_has_no_secret(site):
    answer = site.browser().get(f"/shared?{quote('lang=en')}")
    assert answer.status_code == 200
    assert "正在打开" in answer.text
    assert "window.location.hash" in answer.text
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert site.browser().get("/shared?ended=<script>").status_code == 200
