"""The collector's answers: which requests it accepts, what it writes, and that it stores no address or user agent."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from pipelines.collector import limits
from pipelines.collector.app import LARGEST_BODY, create_app
from pipelines.collector.landing import EventLog, events_folder
from pipelines.collector.limits import Notes, Rate
from pipelines.collector.orders import install_shop
from pipelines.home.folder import Home, init_home
from pipelines.home.web_settings import CollectorSettings
from pipelines.web.network import Proxies, read_networks

BODY = b'{"sent_time": 1, "events": [{"event_id": "1"}, {"event_id": "2"}]}'
SHOP = "https://shop.example"
PROXIES = Proxies(read_networks(["10.0.0.5"]))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return init_home(tmp_path / "home")[0]


def visitor(home: Home, *, is_demo: bool = False, **settings: object) -> FlaskClient:
    log = EventLog(home, seconds=60, is_synced=False)
    app = create_app(home, CollectorSettings.model_validate(settings), log, PROXIES, is_demo=is_demo)
    return app.test_client()


def written(home: Home) -> list[dict[str, object]]:
    files = events_folder(home).glob("*.part")
    return [json.loads(line) for path in files for line in path.read_bytes().splitlines()]


def test_204_means_written(home):
    answer = visitor(home).post("/e", data=BODY)
    assert (answer.status_code, answer.data) == (204, b"")
    assert [event["event_id"] for event in written(home)] == ["1", "2"]


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "application/x-www-form-urlencoded", ""])
def test_the_content_type_does_not_matter(home, kind):
    assert visitor(home).post("/e", data=BODY, content_type=kind).status_code == 204
    assert len(written(home)) == 2


def test_neither_address_nor_user_agent_is_kept(home, caplog):
    agent, address = "Mozilla/5.0 (iPhone; xyzzy)", "203.0.113.77"
    client = visitor(home, events_per_second=1)
    with caplog.at_level(logging.DEBUG):
        for body in (BODY, BODY, b"{"):
            client.post("/e", data=body, headers={"User-Agent": agent}, environ_overrides={"REMOTE_ADDR": address})
    kept = "".join(path.read_text(errors="replace") for path in home.root.rglob("*") if path.is_file()) + caplog.text
    assert "xyzzy" not in kept
    assert address not in kept
    assert written(home)[0]["platform"] == "ios"


def test_a_wrong_body_gets_its_reason_as_text(home):
    answer = visitor(home).post("/e", data=b"{")
    assert answer.status_code == 400
    assert answer.mimetype == "text/plain"
    assert answer.text.startswith("not JSON: ")
    # The reason names the field, even if the name cannot be encoded in UTF-8.
    answer = visitor(home).post("/e", data=rb'{"events": [{"\ud83d": []}]}')
    assert answer.status_code == 400
    assert answer.text.startswith(r"events[0].\ud83d: expected text")
    assert written(home) == []


def test_a_body_has_at_most_256_kb(home):
    client = visitor(home)
    padding = b" " * (LARGEST_BODY - len(BODY))
    assert client.post("/e", data=BODY + padding).status_code == 204
    answer = client.post("/e", data=BODY + padding + b" ")
    assert (answer.status_code, answer.text) == (413, "the body is too large; at most 262144 bytes are allowed\n")


def test_too_many_events_are_too_large(home):
    answer = visitor(home).post("/e", data=json.dumps({"events": [{}] * 501}))
    assert (answer.status_code, answer.text) == (413, "501 events; at most 500 are allowed\n")


def test_compressed_bodies_are_not_supported(home):
    answer = visitor(home).post("/e", data=BODY, headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, written(home)) == (415, [])


@pytest.mark.parametrize(
    ("origins", "origin", "status"),
    [
        ([SHOP], None, 204),
        ([SHOP], SHOP, 204),
        ([SHOP], "http://collector.example", 204),
        ([SHOP], "https://m.shop.example", 403),
        ([SHOP], "http://shop.example", 403),
        ([SHOP], "http://localhost:3000", 403),
        ([SHOP], "null", 403),
        ([SHOP], "http://[", 403),
        ([], "http://localhost:3000", 204),
        ([], "http://127.0.0.1", 204),
        ([], "http://[::1]:8000", 204),
        ([], SHOP, 403),
        ([], "null", 403),
        ([], "http://localhost.evil.example", 403),
    ],
)
def test_only_pages_of_allowed_origins_send_events(home, origins, origin, status):
    headers = {"Host": "collector.example"} | ({"Origin": origin} if origin else {})
    client = visitor(home, origins=origins)
    answer = client.post("/e", data=BODY, headers=headers)
    assert answer.status_code == status
    assert len(written(home)) == (2 if status == 204 else 0)
    assert answer.headers.get("Access-Control-Allow-Origin") == (origin if status == 204 else None)
    assert client.options("/e", headers=headers).status_code == status


def test_a_refused_origin_is_logged(home, caplog):
    visitor(home, origins=[SHOP]).post("/e", data=BODY, headers={"Origin": "https://m.shop.example"})
    (record,) = caplog.records
    assert record.message == "403: pages of 'https://m.shop.example' may not send events; setting: collector.origins"


def test_a_page_may_read_the_answer_to_a_refused_body(home):
    answer = visitor(home, origins=[SHOP]).post("/e", data=b"{", headers={"Origin": SHOP})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (400, SHOP)
    assert answer.headers["Vary"] == "Origin"


def test_a_preflight_allows_json(home):
    answer = visitor(home, origins=[SHOP]).options("/e", headers={"Origin": SHOP})
    assert answer.headers["Access-Control-Allow-Headers"] == "Content-Type"
    assert answer.headers["Access-Control-Allow-Methods"] == "POST"


def test_one_address_may_send_a_limited_number_of_events(home):
    client = visitor(home, events_per_second=1)

    def send(address: str, forwarded: str = "", body: bytes = BODY) -> int:
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        environment = {"REMOTE_ADDR": address}
        return client.post("/e", data=body, headers=headers, environ_overrides=environment).status_code

    # The limit is for each second. Send many requests, because a new second may begin between two of them.
    answers = {send("192.0.2.1") for _ in range(50)}
    assert answers == {204, 429}
    wrong = {
        client.post("/e", data=b"{", environ_overrides={"REMOTE_ADDR": "192.0.2.9"}).status_code for _ in range(50)
    }
    assert wrong == {400, 429}
    assert send("192.0.2.2") == 204
    assert send("10.0.0.5", forwarded="192.0.2.3") == 204
    assert send("10.0.0.5", forwarded="192.0.2.4") == 204
    assert {send("192.0.2.5", forwarded=f"192.0.2.{n}") for n in range(100, 150)} == {204, 429}


def test_the_limit_counts_whole_batches_in_each_second():
    now = [10.0]
    rate = Rate(100, lambda: now[0])
    assert rate.has_room("a")
    rate.add("a", 500)
    assert not rate.has_room("a")
    assert rate.has_room("b")
    now[0] = 11.0
    assert rate.has_room("a")


def test_unknown_fields_are_logged_once(home, caplog):
    client = visitor(home)
    for _ in range(3):
        assert client.post("/e", data=b'{"events": [{"event_id": "1", "colour\\n": "red"}]}').status_code == 204
    assert [record.message for record in caplog.records] == [r"an unknown field of events is dropped: 'colour\n'"]
    assert "colour\n" not in written(home)[0]


def test_nobody_can_flood_the_log(caplog, monkeypatch):
    notes = Notes()
    for number in range(1000):
        notes.write(str(number))
    assert len(caplog.records) == 100
    monkeypatch.setattr(limits, "_HOUR", -1.0)
    notes.write("5")
    assert len(caplog.records) == 101


def test_what_cannot_be_written_is_not_acknowledged(home, caplog):
    client = visitor(home)
    (home.landing / "native").write_text("a file where the folder should be")
    answer = client.post("/e", data=BODY, headers={"Origin": "http://localhost"})
    assert (answer.status_code, answer.text) == (503, "events cannot be written: Not a directory\n")
    assert answer.headers["Retry-After"] == "10"
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost"
    assert [record.message for record in caplog.records] == ["503: events cannot be written: Not a directory"]


def test_the_tracker_is_cached_and_revalidated(home):
    client = visitor(home)
    answer = client.get("/hw.js")
    assert (answer.status_code, answer.mimetype) == (200, "text/javascript")
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert client.get("/hw.js", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/e", 405),
        ("PUT", "/e", 405),
        ("GET", "/", 404),
        ("GET", "/shop/", 404),
        ("POST", "/shop/orders", 404),
    ],
)
def test_other_addresses_answer_in_plain_text(home, method, path, status):
    answer = visitor(home).open(path, method=method)
    assert (answer.status_code, answer.mimetype) == (status, "text/plain")


# The demo shop


def test_the_demo_shop_is_served(home):
    client = visitor(home, is_demo=True)
    assert client.get("/shop/").mimetype == "text/html"
    assert client.get("/shop").status_code == 308
    assert client.get("/shop/../orders.py").status_code == 404
    assert client.get("/shop/%2e%2e/orders.py").status_code == 404


def test_an_order_of_the_demo_shop_is_landed_as_paid(home):
    install_shop(home)
    (product, *_) = products = records(home, "products")
    client = visitor(home, is_demo=True)
    answer = client.post("/shop/orders", json={"user_id": "u1", "lines": [{"sku": product["sku"], "quantity": 2}]})
    assert answer.status_code == 201
    assert answer.json["next"] == f"headwater run --home {home.root}"
    (order,) = records(home, "orders")
    assert (order["order_id"], order["user_id"], order["status"]) == (answer.json["order_id"], "u1", "paid")
    assert order["paid_at"] == order["ordered_at"]
    (line,) = records(home, "order_lines")
    assert line == {
        "order_id": order["order_id"],
        "line_no": 1,
        "sku": product["sku"],
        "quantity": 2,
        "unit_price": product["list_price"],
    }
    install_shop(home)
    assert records(home, "products") == products


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{", ": Invalid JSON"),
        ('{"user_id": "u1", "lines": []}', "lines: List should have at least 1 item"),
        ('{"user_id": "u1", "lines": [{"sku": "no", "quantity": 1}]}', "the shop does not have 'no'"),
        ('{"user_id": "u1", "lines": [{"sku": "no", "quantity": 0}]}', "lines.0.quantity: "),
        ('{"user_id": 1, "lines": [{"sku": "no", "quantity": 1}]}', "user_id: "),
    ],
)
def test_a_wrong_order_is_refused_with_the_reason(home, body, reason):
    answer = visitor(home, is_demo=True).post("/shop/orders", data=body)
    assert answer.status_code == 400
    assert answer.text.startswith(reason)
    assert not (home.landing / "native" / "orders").exists()


def test_edited_entrances_are_kept(home):
    template = home.entrances_file.read_bytes()
    home.entrances_file.write_bytes(template + b"mine,Mine,Mine,mine,,,,\n")
    install_shop(home)
    assert home.entrances_file.read_bytes().endswith(b"mine,Mine,Mine,mine,,,,\n")


def records(home: Home, relation: str) -> list[dict[str, object]]:
    files = sorted((home.landing / "native" / relation).iterdir())
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]
