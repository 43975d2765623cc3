"""Delivering messages to real servers on loopback: every body format, mail, failures, a process that is killed."""

import datetime as dt
import json
import logging
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dashboards.app.watch.texts import error_text
from dashboards.locale import Locale
from pipelines.delivery import sending
from pipelines.delivery.addresses import service_of
from pipelines.delivery.deliver import PAUSES, deliver
from pipelines.delivery.outbox import KEPT, Message, Outbox, changed
from pipelines.delivery.sending import NotDeliveredError, send
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import REPOSITORY, Home, init_home
from tests.servers import MailServer, WebServer, mail_server, web_server

KILLS = int(os.environ.get("HEADWATER_KILLS", "5"))
NOW = dt.datetime(2026, 3, 5, 1, 0, tzinfo=dt.UTC)
TITLE, BODY = "[提醒] sales：销售额 偏低", "¥1,234.00 <b>&\n近 14 天 ▁▅█\nhttps://shop.example/?from=2026-03-04&lang=zh"
SECRET = "5ec2e7t0k3n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return init_home(tmp_path / "home")[0]


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def message(name: str = "sales", recipient: str = "ops", **values: Any) -> Message:
    return Message(NOW.date(), name, recipient, "alert", TITLE, BODY, NOW, NOW, NOW, **values)


def service(address: str, web: WebServer | None = None) -> Any:
    """The service that delivers to *address*, changed to send to the local server *web* instead of the internet."""
    found = service_of(address, {"TOKEN": SECRET, "SLACK": f"T1JJ3T3L2/A1BRTD4JD/{SECRET}", "SIGN": "5169"})
    for name in ("notify_url", "webhook_url", "api_url"):
        if web is not None and isinstance(getattr(found, name, None), str):
            path = getattr(found, name).split("/", 3)[3]
            setattr(found, name, f"http://{web.address}/{path}")
    return found


def test_each_chat_gets_the_body_that_its_robot_expects(web: WebServer) -> None:
    web.answer = lambda number: (200, "ok" if number == 5 else {"errcode": 0, "code": 0, "StatusCode": 0}, 0.0)
    addresses = ("dingtalk://${TOKEN}", "dingtalk://${SIGN}@${TOKEN}", "feishu://${TOKEN}", "lark://${TOKEN}")
    for address in (*addresses, "wecombot://${TOKEN}", "slack://${SLACK}"):
        send(service(address, web), TITLE, BODY)
    send(service(f"json://{web.address}/hook"), TITLE, BODY)
    (ding, signed, feishu, lark, wecom, slack, hook) = web.received

    both = f"{TITLE}\r\n{BODY}"
    assert ding[0] == f"/robot/send?access_token={SECRET}"
    assert ding[1] == {"msgtype": "text", "at": {"atMobiles": [], "isAtAll": False}, "text": {"content": both}}
    assert signed[0].startswith(f"/robot/send?access_token={SECRET}&timestamp=")
    assert "&sign=" in signed[0]
    assert feishu[0] == f"/open-apis/bot/v2/hook/{SECRET}/"
    assert feishu[1] == {"msg_type": "text", "content": {"text": both}}
    assert lark[0] == f"/open-apis/bot/v2/hook/{SECRET}"
    assert BODY in lark[1]["content"]["text"]
    assert wecom[0] == f"/cgi-bin/webhook/send?key={SECRET}"
    assert wecom[1]["msgtype"] == "text"
    assert TITLE in wecom[1]["text"]["content"]
    assert BODY in wecom[1]["text"]["content"]
    assert slack[0] == f"/services/T1JJ3T3L2/A1BRTD4JD/{SECRET}"
    (attached,) = slack[1]["attachments"]
    assert attached["title"] == TITLE
    assert attached["text"] == BODY.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert hook[0] == "/hook"
    assert (hook[1]["title"], hook[1]["message"]) == (TITLE, BODY)


def test_a_long_message_is_cut_off_not_sent_in_parts(web: WebServer) -> None:
    link = "https://shop.example/?from=2026-03-04"
    send(service("wecombot://${TOKEN}", web), TITLE, "销售额 ¥1\n" * 600 + link)
    (received,) = web.received
    content = received[1]["text"]["content"]
    assert 1900 < len(content.encode()) <= 2048
    assert content.startswith(TITLE)
    assert content.endswith(f"销售额 ¥1\n…\n{link}")


def test_two_processes_at_once_send_each_message_once(home: Home, web: WebServer) -> None:
    web.answer = lambda _number: (200, {}, 0.2)
    with Outbox(home).locked():
        for number in range(5):
            Outbox(home).add(message(f"alert {number}"))
    command = [sys.executable, "-c", DELIVER, str(home.root), f"json://{web.address}/hook"]
    both = [subprocess.Popen(command, cwd=REPOSITORY) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert len(web.received) == 5
    assert set(states(home).values()) == {"delivered"}


def test_mail_arrives_with_the_report_as_a_file(mail: MailServer, tmp_path: Path) -> None:
    report = tmp_path / "2026-03-04-zh.html"
    report.write_text("<h1>日报</h1>", encoding="utf-8")
    address = f"mailto://sender:${{TOKEN}}@127.0.0.1:{mail.port}?from=sender@shop.example&to=anna@shop.example"
    send(service(address), TITLE, BODY, report)
    assert mail.logins == [("sender", SECRET)]
    (received,) = mail.received
    assert received["Subject"] == TITLE
    assert received["To"] == "anna@shop.example"
    text = received.get_body(("plain",))
    assert text is not None
    assert text.get_content().strip().replace("\r", "") == BODY
    (attached,) = received.iter_attachments()
    assert attached.get_filename() == report.name
    assert attached.get_content_type() == "text/html"
    content = attached.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert content.decode().strip() == "<h1>日报</h1>"


def test_other_services_get_no_file(web: WebServer, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text("x", encoding="utf-8")
    send(service(f"json://{web.address}/hook"), TITLE, BODY, report)
    assert web.received[0][1]["attachments"] == []


@pytest.mark.parametrize(
    ("address", "answer", "reason"),
    [
        ("json://{web}/x", (500, {}, 0.0), "http:500"),
        ("json://{web}/x", (404, {}, 0.0), "http:404"),
        ("json://{web}/x", (200, {}, 3.0), "timeout:0.3"),
        ("slack://${SLACK}", (200, "no_service", 0.0), "not_taken:200"),
        ("dingtalk://${TOKEN}", (200, {"errcode": 310000, "errmsg": "keywords"}, 0.0), "refused:errcode 310000"),
        ("wecombot://${TOKEN}", (200, {"errcode": 93000}, 0.0), "refused:errcode 93000"),
        ("feishu://${TOKEN}", (200, {"code": 19001}, 0.0), "refused:code 19001"),
        ("lark://${TOKEN}", (200, {"code": 19001}, 0.0), "refused:code 19001"),
    ],
)
def test_a_message_that_was_not_taken_says_why(
    web: WebServer, address: str, answer: tuple[int, object, float], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "ANSWER_SECONDS", 0.3)
    web.answer = lambda _number: answer
    one = service(address.replace("{web}", web.address), None if "{web}" in address else web)
    with pytest.raises(NotDeliveredError, match=reason) as raised:
        send(one, TITLE, BODY)
    assert SECRET not in str(raised.value)


def test_a_server_that_is_gone_or_refuses_mail_is_told(mail: MailServer) -> None:
    with web_server() as closed:
        port = closed.port
    with pytest.raises(NotDeliveredError, match="no_connection"):
        send(service(f"json://127.0.0.1:{port}/x"), TITLE, BODY)
    mail.refusal = "554 no"
    address = f"mailto://127.0.0.1:{mail.port}?from=a@shop.example&to=b@shop.example"
    with pytest.raises(NotDeliveredError, match="mail"):
        send(service(address), TITLE, BODY)
    with pytest.raises(NotDeliveredError, match="mail"):
        send(service(f"mailto://127.0.0.1:{port}?from=a@shop.example&to=b@shop.example"), TITLE, BODY)


def states(home: Home) -> dict[str, str]:
    return {one.name: one.state for one in Outbox(home).messages()}


def delivered_at(home: Home, people: dict[str, str], at: dt.datetime) -> list[Message]:
    with Outbox(home).locked():
        return deliver(home, people, lambda: at)


def test_a_failure_is_repeated_later_and_later_then_given_up(home: Home, web: WebServer) -> None:
    web.answer = lambda _number: (500, {}, 0.0)
    people = {"ops": f"json://{web.address}/hook"}
    outbox = Outbox(home)
    with outbox.locked():
        assert outbox.add(message())
        assert not outbox.add(message())
    at = NOW
    for pause in PAUSES:
        (found,) = delivered_at(home, people, at)
        assert (found.state, found.error) == ("pending", "http:500")
        assert found.next_at == at + pause
        assert delivered_at(home, people, at + pause - dt.timedelta(seconds=1)) == []
        at += pause
    (found,) = delivered_at(home, people, at)
    assert (found.state, found.attempts) == ("failed", len(PAUSES) + 1)
    assert delivered_at(home, people, at + dt.timedelta(days=1)) == []
    assert len(web.received) == len(PAUSES) + 1


def test_a_server_that_recovers_gets_the_message_once(home: Home, web: WebServer) -> None:
    web.answer = lambda number: (500 if number < 2 else 200, {}, 0.0)
    people = {"ops": f"json://{web.address}/hook"}
    with Outbox(home).locked():
        Outbox(home).add(message())
    for minutes in (0, 1, 6, 7, 60):
        delivered_at(home, people, NOW + dt.timedelta(minutes=minutes))
    assert states(home) == {"sales": "delivered"}
    assert len(web.received) == 3


def test_one_bad_address_does_not_keep_others_waiting(home: Home, web: WebServer) -> None:
    people = {"a": "dingtalk://${HEADWATER_TEST_UNSET}", "c": f"json://{web.address}/hook"}
    with Outbox(home).locked():
        for name in ("a", "b", "c"):
            Outbox(home).add(message(name, name))
    found = {one.name: one for one in delivered_at(home, people, NOW)}
    assert found["a"].state == "pending"
    assert "${HEADWATER_TEST_UNSET} is not set" in found["a"].error
    assert (found["b"].state, found["b"].error) == ("failed", "no_person")
    assert found["c"].state == "delivered"


def test_settled_messages_are_kept_for_half_a_year(home: Home) -> None:
    outbox = Outbox(home)
    with outbox.locked():
        outbox.save(changed(message("old"), "delivered", NOW - KEPT - dt.timedelta(seconds=1)))
        outbox.save(changed(message("new"), "delivered", NOW - KEPT + dt.timedelta(seconds=1)))
    delivered_at(home, {}, NOW)
    assert states(home) == {"new": "delivered"}


def test_a_damaged_message_is_named(home: Home) -> None:
    with Outbox(home).locked():
        Outbox(home).add(message())
    (file,) = (home.alerts / "outbox").glob("*.json")
    file.write_text('{"day": "2026"', encoding="utf-8")
    with pytest.raises(HeadwaterError, match=file.name):
        Outbox(home).messages()


DELIVER = """
import datetime as dt, sys
from pathlib import Path
from pipelines.delivery.deliver import deliver
from pipelines.delivery.outbox import Outbox
from pipelines.home.folder import Home
home = Home(Path(sys.argv[1]))
with Outbox(home).locked():
    deliver(home, {"ops": sys.argv[2]}, lambda: dt.datetime(2026, 3, 5, 2, tzinfo=dt.UTC))
"""


def test_no_message_arrives_twice_however_often_it_is_killed(home: Home, web: WebServer) -> None:
    """Half of the kills come while the server has the message and has not answered; the others at any moment."""
    web.answer = lambda _number: (200, {}, 0.05)
    names = [f"alert {number}" for number in range(4 * KILLS)]
    with Outbox(home).locked():
        for name in names:
            Outbox(home).save(replace(message(name), title=name))
    command = [sys.executable, "-c", DELIVER, str(home.root), f"json://{web.address}/hook"]
    moments = random.Random(7)
    for kill in range(KILLS):
        had = len(web.received)
        process = subprocess.Popen(command, cwd=REPOSITORY)
        while process.poll() is None and len(web.received) <= had + kill % 2:
            pass
        if kill % 2:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(moments.uniform(0, 0.06))
        process.send_signal(signal.SIGKILL)
        process.wait()
    in_doubt = {one.name for one in Outbox(home).messages() if one.state == "sending"}
    assert in_doubt, "no kill came in the middle of an attempt"
    subprocess.run(command, cwd=REPOSITORY, check=True)

    arrived = [content["title"] for _, content in web.received]
    assert len(arrived) == len(set(arrived)), "a message arrived twice"
    found = states(home)
    assert set(found.values()) <= {"delivered", "unknown"}
    assert {name for name, state in found.items() if state == "delivered"} <= set(arrived)
    assert set(names) - set(arrived) <= {name for name, state in found.items() if state == "unknown"}
    unknown = [name for name, state in found.items() if state == "unknown"]
    assert len(in_doubt) <= len(unknown) <= KILLS


def test_nothing_that_is_written_holds_a_secret(
    home: Home, web: WebServer, mail: MailServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """The libraries log addresses at the level DEBUG, and put them into the texts of errors."""
    caplog.set_level(logging.DEBUG)
    for name in ("apprise", "urllib3", "urllib3.connectionpool"):
        caplog.set_level(logging.DEBUG, name)
    people = {
        "hook": f"json://user:${{TOKEN}}@{web.address}/${{TOKEN}}?key=${{TOKEN}}",
        "gone": "json://127.0.0.1:9/${TOKEN}",
        "wrong": "dingtalk://${TOKEN}!!",
        "form": "form://127.0.0.1:9/${TOKEN}?:x=${TOKEN}",
        "anna": f"mailto://u:${{TOKEN}}@127.0.0.1:{mail.port}?from=a@shop.example&to=b@shop.example",
        "nobody": "mailto://u:${TOKEN}@127.0.0.1:9?from=a@shop.example&to=b@shop.example",
    }
    home.secrets_file.touch(0o600)
    home.secrets_file.write_text(f"TOKEN={SECRET}\n", encoding="utf-8")
    with Outbox(home).locked():
        for name in people:
            Outbox(home).add(message(name, name))
    found = {one.name: one for one in delivered_at(home, people, NOW)}
    assert {name for name, one in found.items() if one.state == "delivered"} == {"hook", "anna"}
    assert web.received[0][0].startswith(f"/{SECRET}")
    assert logging.getLogger("urllib3").disabled is False
    texts = [caplog.text, *capfd.readouterr(), json.dumps([vars(one) for one in found.values()], default=str)]
    written = [path for path in home.root.rglob("*") if path.is_file() and path != home.secrets_file]
    assert any(".alerts" in str(path) for path in written)
    texts += [path.read_text(encoding="utf-8", errors="replace") for path in written]
    assert not [text for text in texts if SECRET in text]


@pytest.mark.parametrize("error", ["http:500", "timeout:15", "refused:errcode 1", "killed", "no_person", "address:x"])
def test_the_reason_of_a_failure_is_said_in_both_languages(error: str) -> None:
    one = changed(message(), "failed", NOW, error=error)
    zh, en = (error_text(Locale(language, "CNY"), one) for language in ("zh", "en"))
    assert zh != en
    assert error not in (zh, en)
    assert error.partition(":")[2] in zh
    assert error_text(Locale("zh", "CNY"), changed(message(), "failed", NOW, error="older words")) == "older words"
