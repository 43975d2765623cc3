"""Targets, calendar and saved views: what the pages show, and who may change them."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from dashboards.access.rules import rules_for
from dashboards.app.marts import Copy, Marts
from dashboards.app.server import create_app
from dashboards.blocks import Cards, Chart
from pipelines.compute.home_check import check_home
from pipelines.compute.reading import reading_session
from pipelines.config_tables import calendar_of, targets_of, views_of
from pipelines.home.folder import Home
from tests.app_pages import flat, look_at, table, texts, values
from tests.processes import copy_of
from tests.shared_homes import shop_with_dashboards

DAYS = "from=2026-05-17&to=2026-05-20"
TARGET = {"metric": "revenue", "month": "2026-05", "slice": "", "value": "1000"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return copy_of(shop_with_dashboards(tmp_path_factory), tmp_path_factory.mktemp("edits") / "home")


@pytest.fixture(scope="module")
def copy(shop: Home) -> Copy:
    return Marts(shop).copy()


@pytest.fixture
def home(shop: Home) -> Iterator[Home]:
    """The shop; after each test the files that a test may change are restored."""
    files = (shop.targets_file, shop.calendar_file, shop.views_file)
    before = [file.read_bytes() for file in files]
    yield shop
    for file, content in zip(files, before, strict=True):
        file.write_bytes(content)


class Client:
    """Sends forms as users whom a reverse proxy has signed in."""

    def __init__(self, home: Home) -> None:
        rules = rules_for(home, "127.0.0.1", trusted=["127.0.0.1"], user_header="X-User", role_header="X-Role")
        self._client = create_app(home, rules).server.test_client()

    def send(self, what: str, user: str, role: str, **form: str) -> tuple[int, str]:
        answer = self._client.post(f"/edit/{what}", data={"lang": "en", **form}, headers=_headers(user, role))
        said: Any = answer.get_json(silent=True)
        return answer.status_code, said["said"] if said else answer.text

    def shown(self, path: str, query: str, user: str) -> str:
        """The title of the page that Dash shows at *path* and *query*."""
        request = {
            "output": "..root.children...shown.data..",
            "outputs": [{"id": "root", "property": "children"}, {"id": "shown", "property": "data"}],
            "inputs": [{"id": "address", "property": "data", "value": path + query}],
            "changedPropIds": ["address.data"],
        }
        answer = self._client.post("/_dash-update-component", json=request, headers=_headers(user, "analyst"))
        return re.findall(r'"data-title": ?"([^"]*)"', answer.text)[0]


def _headers(user: str, role: str) -> dict[str, str]:
    return {"X-User": user, "X-Role": role, "Sec-Fetch-Site": "same-origin", "X-Forwarded-For": "10.0.0.9"}


@pytest.fixture(scope="module")
def the_client(shop: Home) -> Client:
    return Client(shop)


@pytest.fixture
def client(the_client: Client, home: Home) -> Client:
    """The client, for a home whose files are restored after the test."""
    return the_client


def test_a_target_reaches_what_the_shop_sold(home, copy, client):
    assert client.send("targets", "ann", "admin", **TARGET) == (200, "Saved.")
    with reading_session(home, "") as connection:
        month = "dt BETWEEN '2026-05-01' AND '2026-05-31'"
        found = connection.execute(f"SELECT SUM(revenue) FROM core.order_lines WHERE {month}").fetchone()
    (row,) = table(look_at(copy, "/plan?lang=en")[1], "targets").rows
    assert found is not None
    assert row["value"] == pytest.approx(float(found[0]))
    assert row["reached"] == pytest.approx(float(found[0]) / 1000)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_overview_has_a_card_for_each_target(copy, client, language):
    client.send("targets", "ann", "admin", **TARGET)
    client.send("targets", "ann", "admin", **{**TARGET, "metric": "visitors"})
    _, blocks = look_at(copy, f"/?lang={language}&{DAYS}")
    heading = {"zh": "2026年5月目标", "en": "Targets of May 2026"}[language]
    assert heading in [one.text for one in texts(blocks, "heading")]
    cards = [card for block in flat(blocks) if isinstance(block, Cards) for card in block.cards]
    assert {"revenue", "visitors"} <= {card.metric for card in cards if "from=2026-05-01" in card.href}


def test_the_pace_is_in_percentage_points(copy, client):
    client.send("targets", "ann", "admin", **TARGET)
    for language, unit in (("zh", "个百分点"), ("en", "pp")):
        (row,) = table(look_at(copy, f"/plan?lang={language}")[1], "targets").rows
        _, blocks = look_at(copy, f"/?lang={language}&{DAYS}")
        cards = [card for block in flat(blocks) if isinstance(block, Cards) for card in block.cards]
        (own,) = (card for card in cards if card.metric == "revenue" and "from=2026-05-01" in card.href)
        points = 100 * (row["value"] - row["expected"]) / 1000
        assert own.changes[1].text == f"{points:+.{1 if abs(points) >= 9.95 else 2}f} {unit}".replace("-", "−")


def test_parts_of_a_sliced_target_sum_to_the_whole(copy, client):
    for part in ("", "platform=ios", "platform=android", "platform=web", "platform=(none)"):
        client.send("targets", "ann", "admin", **{**TARGET, "slice": part})
    _, *parts = (row["value"] or 0 for row in table(look_at(copy, "/plan?lang=en")[1], "targets").rows)
    whole = table(look_at(copy, "/plan?lang=en")[1], "targets").rows[0]["value"]
    known = look_at(copy, "/?lang=en&from=2026-05-01&to=2026-05-31&breakdown=platform")[1]
    assert sum(parts) <= whole
    assert {round(value, 2) for value in parts if value} <= {
        round(v or 0, 2) for v in values(table(known, "breakdown"), "revenue")
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"value": "-5"}, "expected a number above 0"),
        ({"month": "May"}, "expected a month such as 2026-11"),
        ({"metric": "luck"}, "cannot have a target"),
        ({"slice": "planet=mars"}, "slice has the dimension 'planet'"),
        ({"slice": "platform"}, "expected dimensions and values"),
    ],
)
def test_a_wrong_target_is_refused_with_the_reason(home, client, change, said):
    code, answer = client.send("targets", "ann", "admin", **{**TARGET, **change})
    assert (code, said in answer) == (409, True)
    assert not targets_of(home)


@pytest.mark.parametrize("role", ["viewer", "analyst"])
def test_only_admins_change_targets_and_calendar(home, client, role):
    for what in ("targets", "calendar"):
        assert client.send(what, "bob", role, **TARGET)[0] == 403
    assert not targets_of(home)
    assert not calendar_of(home)


def test_the_calendar_stands_in_the_charts_by_day(home, copy, client):
    occasion = {"first_day": "2026-05-18", "last_day": "", "kind": "launch", "name_zh": "上新", "name_en": "Launch"}
    assert client.send("calendar", "ann", "admin", **occasion)[0] == 200
    assert [(one.first, one.kind) for one in calendar_of(home)] == [(dt.date(2026, 5, 18), "launch")]
    for address in (f"/?lang=en&{DAYS}", f"/entrances?lang=en&{DAYS}", f"/modules?lang=en&{DAYS}"):
        charts = [one for one in flat(look_at(copy, address)[1]) if isinstance(one, Chart)]
        marked = [one for one in charts if "Launch" in [note.text for note in one.figure.layout.annotations]]
        assert marked, address


def test_a_faulty_calendar_warns_and_the_page_stays(home, copy):
    home.calendar_file.write_text("first_day,name_zh,name_en\nsoon,,Launch\n", encoding="utf-8")
    _, blocks = look_at(copy, f"/?lang=en&{DAYS}")
    assert any("first_day is 'soon'" in one.text for one in texts(blocks, "warning"))
    assert any(isinstance(one, Chart) for one in flat(blocks))
    assert any("first_day is 'soon'" in fault for fault in check_home(home).faults)


def view(name: str, **more: str) -> dict[str, str]:
    return {"name": name, "address": "/slots?period=28", **more}


def test_a_saved_view_is_its_owners_unless_it_is_shared(home, client):
    assert client.send("views", "bob", "analyst", **view("mine"))[0] == 200
    assert client.send("views", "ann", "admin", **view("ours", is_shared="true"))[0] == 200
    assert [(one.owner, one.name) for one in views_of(home)] == [("bob", "mine"), ("ann", "ours")]
    mine, ours = (json.dumps(dict(one.cells)) for one in views_of(home))
    refused = [
        client.send("views", "cay", "viewer", **view("no")),
        client.send("views", "bob", "analyst", **view("no", is_shared="true")),
        client.send("views", "bob", "analyst", old=ours, remove="yes"),
        client.send("views", "cay", "analyst", old=mine, remove="yes"),
        client.send("views", "ann", "admin", old=mine, remove="yes"),
    ]
    assert [code for code, _ in refused] == [403] * 5
    assert client.send("views", "bob", "analyst", old=mine, remove="yes")[0] == 200
    assert [one.name for one in views_of(home)] == ["ours"]


@pytest.mark.parametrize("address", ["//evil.example/", "https://evil.example/", "/nowhere", "javascript:alert(1)"])
def test_only_pages_of_the_dashboards_can_be_saved(home, client, address):
    assert client.send("views", "bob", "analyst", **{**view("bad"), "address": address})[0] == 409
    assert not views_of(home)


def test_a_visit_begins_with_the_start_page(home, client):
    client.send("views", "bob", "analyst", **view("first", is_start="true"))
    client.send("views", "bob", "analyst", **view("second", is_start="true"))
    assert [(one.name, one.is_start) for one in views_of(home)] == [("first", False), ("second", True)]
    assert "Slot map" in client.shown("/", "", "bob")
    assert "Slot map" not in client.shown("/", "?lang=en", "bob"), "the menu's link still leads to the overview"
    assert "Slot map" not in client.shown("/", "", "ann"), "it is the start page of its owner alone"


def test_a_moving_view_shows_the_newest_days(copy):
    context, _ = look_at(copy, "/entrances?lang=en&period=day")
    newest = copy.newest(context.now)
    assert (context.days.first, context.days.last) == (newest, newest)
    wrong, blocks = look_at(copy, "/entrances?lang=en&period=soon")
    assert wrong.view.unread == {"period": "soon"}
    assert texts(blocks, "warning")


def test_a_form_of_another_site_or_an_old_one_is_refused(home):
    client = create_app(home).server.test_client()
    assert client.post("/edit/targets", data=TARGET, headers={"Origin": "https://evil.example"}).status_code == 403
    stale = client.post("/edit/targets", data={**TARGET, "token": "old"}, headers={"Sec-Fetch-Site": "same-origin"})
    assert stale.status_code == 403
    assert not targets_of(home)
    assert client.post("/edit/users", data={}, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 404
