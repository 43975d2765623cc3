"""Alerts and subscriptions of a home: what is found, sent, shown, and requested by Dagster."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.alerts import alerts_job
from assets.instance import open_instance
from assets.records import recorded
from dashboards.alerts.due import next_time
from dashboards.alerts.evaluate import Records, RunFailure
from dashboards.alerts.run import Sent, send_due, send_test
from dashboards.app.marts import Copy
from dashboards.app.server import page_of
from dashboards.app.view import read_view
from dashboards.app.watch.measured import values_of
from dashboards.app.watch.settings import load_watch
from dashboards.app.watch.state import Finding
from dashboards.blocks import Text, tables
from dashboards.copy.build import publish
from dashboards.printing.chromium import SETTING, command
from dashboards.slices import Slice
from dashboards.totals import totals
from pipelines.compute.results import CheckState
from pipelines.delivery.deliver import deliver
from pipelines.delivery.outbox import KEPT, Message, Outbox, changed, picture_folder
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.yaml_files import parse_yaml
from tests.integration.small_shop import DAYS, undescribed
from tests.processes import headwater
from tests.servers import MailServer, WebServer, mail_server, web_server

MORNING = dt.datetime(2026, 3, 5, 1, 0, tzinfo=dt.UTC)
"""09:00 in Shanghai on the day after the last day with data."""

SECRET = "5ec2e7t0k3n"


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def write(home: Home, web: WebServer, alerts: str, subscriptions: str = "", people: str = "") -> None:
    """Write the files of alerts and subscriptions. *alerts*, *subscriptions* and *people* are YAML.

    The person ops has the address of *web*, with a token.
    """
    home.secrets_file.touch(0o600)
    home.secrets_file.write_text(f"TOKEN={SECRET}\n", encoding="utf-8")
    own = f"people:\n  ops: json://{web.address}/${{TOKEN}}\n{people}"
    home.alerts_file.write_text(f"{own}alerts:\n{alerts}", encoding="utf-8")
    found = parse_yaml(subscriptions)
    with home.subscriptions_file.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, ("name", "what", "to", "every", "at", "language"))
        rows.writeheader()
        for name, given in (found if isinstance(found, dict) else {}).items():
            to = given["to"] if isinstance(given["to"], list) else [given["to"]]
            rows.writerow({**given, "name": name, "to": "; ".join(to)})


def send(home: Home, records: Records | None = None, now: dt.datetime = MORNING, **options: Any) -> Sent:
    return send_due(home, records or Records(), now=lambda: now, **options)


def findings(sent: Sent) -> dict[str, Finding]:
    return {finding.name: finding for finding in sent.findings}


ALERTS = """\
  low: {metric: revenue, below: 100, to: ops}
  fine: {metric: revenue, above: 100, to: ops}
  fall: {metric: orders, falls_by: 0.1, to: ops}
  odd: {metric: visitors, unusual: either, to: ops}
  sliced: {metric: revenue, slice: {entrance: "home:banner:1"}, below: 100, to: ops, language: en}
  nothing: {metric: revenue, slice: {platform: nowhere}, below: 1, to: ops}
  late: {when: data_late, to: ops}
"""


def test_alerts_are_sent_once_with_number_course_and_link(computed_copy: Home, web: WebServer) -> None:
    write(computed_copy, web, ALERTS)
    settings = computed_copy.settings_file
    settings.write_text(settings.read_text("utf-8") + "\ndashboard: {address: https://shop.example}\n", "utf-8")
    sent = send(computed_copy)
    found = findings(sent)
    assert {name: one.outcome for name, one in found.items()} == {
        "low": "fired",
        "fine": "fine",
        "fall": "not_judged",  # the shop has only four days of data, so there is no earlier week to compare with
        "odd": "not_judged",
        "sliced": "fired" if found["sliced"].value is not None else "not_judged",
        "nothing": "not_judged",
        "late": "fine",
    }
    assert (found["low"].day, found["low"].value, found["low"].side) == (DAYS[3], 10.0, "low")
    # No row has this platform, so the alert is reported as wrong. A revenue of 0 would be below 1 and fire the alert.
    assert found["nothing"].reason == "unknown_value:nowhere"
    titles = [content["title"] for _, content in web.received]
    assert "[提醒] low：销售额 偏低" in titles
    body = web.received[titles.index("[提醒] low：销售额 偏低")][1]["message"].splitlines()
    assert body == [
        f"销售额，{DAYS[3]}",
        "¥10.00",
        "规则：低于 ¥100.00",
        "近 14 天 ··········████",
        f"https://shop.example/?from={DAYS[3]}&to={DAYS[3]}&lang=zh",
    ]
    assert all(message.state == "delivered" for message in sent.changed)
    had = len(web.received)
    again = send(computed_copy, now=MORNING + dt.timedelta(hours=5))
    assert (again.written, again.changed, len(web.received)) == ([], [], had)


def test_promotions_of_the_calendar_are_not_judged(computed_copy: Home, web: WebServer) -> None:
    alerts = "  odd: {metric: revenue, unusual: either, to: ops}\n  low: {metric: revenue, below: 1, to: ops}\n"
    write(computed_copy, web, alerts)
    calendar = computed_copy.calendar_file
    head = "first_day,last_day,kind,name_zh,name_en\n"
    for kind, reason in (("promotion", "festival:大促"), ("festival", "festival:大促"), ("launch", "no_history")):
        calendar.write_text(f"{head}{DAYS[2]},{DAYS[3]},{kind},大促,Sale\n", encoding="utf-8")
        found = findings(send(computed_copy, is_dry_run=True))
        assert (found["odd"].outcome, found["odd"].reason) == ("not_judged", reason)
    calendar.write_text(f"{head}someday,,,x,x\n", encoding="utf-8")
    found = findings(send(computed_copy, is_dry_run=True))
    assert "calendar.csv" in found["odd"].reason
    assert found["low"].outcome == "fine"


def test_a_dry_run_says_what_it_would_send_and_writes_nothing(computed_copy: Home, web: WebServer) -> None:
    write(computed_copy, web, ALERTS, "  daily: {what: report, to: ops}\n")
    sent = send(computed_copy, is_dry_run=True)
    assert {"low", "daily"} <= {message.name for message in sent.written}
    assert web.received == []
    assert not computed_copy.alerts.exists()
    send(computed_copy)
    assert send(computed_copy, is_dry_run=True).written == []


def test_failed_runs_checks_and_late_data_are_told_once_a_day(computed_copy: Home, web: WebServer) -> None:
    events = "".join(f"  {name}: {{when: {name}, to: ops}}\n" for name in ("run_failed", "check_failed", "data_late"))
    write(computed_copy, web, events)
    failure = RunFailure("tables", MORNING - dt.timedelta(hours=1), "Catalog Error: no such column")
    checks = [
        CheckState("core.events", "conserved", "error", False, "3 rows", MORNING),
        CheckState("core.visitors", "odd", "warn", False, "1 row", MORNING),
        CheckState("core.sessions", "good", "error", True, "", MORNING),
    ]
    records = Records([failure], checks)
    two_days_later = MORNING + dt.timedelta(days=1)
    sent = send(computed_copy, records, two_days_later)
    assert [(one.name, one.day) for one in sent.written] == [
        ("run_failed", dt.date(2026, 3, 5)),
        ("check_failed", dt.date(2026, 3, 6)),
        ("data_late", dt.date(2026, 3, 5)),
    ]
    bodies = {content["title"].split("：")[0]: content["message"] for _, content in web.received}
    assert "03-05 08:00 tables: Catalog Error: no such column" in bodies["[提醒] run_failed"]
    assert "core.events: conserved: 3 rows" in bodies["[提醒] check_failed"]
    assert "odd" not in bodies["[提醒] check_failed"]
    assert "没有 2026-03-05 的数据，最新的是 2026-03-04" in bodies["[提醒] data_late"]
    assert send(computed_copy, records, two_days_later).written == []
    before_eight = two_days_later.replace(hour=23) - dt.timedelta(seconds=1)  # in Shanghai: 06:59:59 on the next day
    assert [one.name for one in send(computed_copy, Records((), checks), before_eight).written] == ["check_failed"]


def test_subscriptions_bring_the_page_and_by_mail_the_report(
    computed_copy: Home, web: WebServer, mail: MailServer
) -> None:
    write(
        computed_copy,
        web,
        "  none: {when: run_failed, to: ops}\n",
        "  daily: {what: report, to: [ops, anna]}\n"
        "  page: {what: '/products?in.category=Shoes', to: ops, language: en}\n"
        "  weekly: {what: '/', to: ops, every: thursday, language: en}\n"
        "  month: {what: '/?period=month', to: ops, language: en}\n"
        "  other: {what: '/', to: ops, every: friday}\n"
        "  evening: {what: '/', to: ops, at: '20:00'}\n",
        f"  anna: mailto://127.0.0.1:{mail.port}?from=a@shop.example&to=anna@shop.example\n",
    )
    assert MORNING.weekday() == 3
    sent = send(computed_copy)
    assert [(one.name, one.recipient) for one in sent.written] == [
        ("daily", "ops"),
        ("daily", "anna"),
        ("page", "ops"),
        ("weekly", "ops"),
        ("month", "ops"),
    ]
    texts = {content["title"]: content["message"] for _, content in web.received}
    daily = texts[f"经营日报 · {DAYS[3]}"]
    assert "销售额  ¥10" in daily
    assert "销售额近 14 天 ··········████" in daily
    assert f"/?from={DAYS[3]}&to={DAYS[3]}&lang=zh" in daily
    weekly = texts["Overview · 2026-02-26 to 2026-03-04"]
    assert "Sales  ¥40" in weekly
    assert "Overview · 2026-03-01 to 2026-03-04" in texts
    (received,) = mail.received
    (attached,) = received.iter_attachments()
    assert attached.get_filename() == f"{DAYS[3]}-zh.html"
    content = attached.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert content == (computed_copy.reports / f"{DAYS[3]}-zh.html").read_bytes()
    evening = MORNING + dt.timedelta(hours=11)
    assert [one.name for one in send(computed_copy, now=evening).written] == ["evening"]
    # The next morning's message waits until the day before is computed.
    assert send(computed_copy, now=MORNING + dt.timedelta(days=1)).written == []


@pytest.mark.real
@pytest.mark.parametrize("has_browser", [True, False])
def test_mail_has_the_page_as_a_picture_if_there_is_a_browser(
    computed_copy: Home, web: WebServer, mail: MailServer, monkeypatch: pytest.MonkeyPatch, has_browser: bool
) -> None:
    if not has_browser:
        monkeypatch.setenv(SETTING, "no-such-browser")
    elif not command():
        pytest.skip(f"needs Chromium: apt install chromium, or {SETTING}=…")
    write(
        computed_copy,
        web,
        "  low: {metric: revenue, below: 100000, to: [ops, anna], language: en}\n",
        people=f"  anna: mailto://127.0.0.1:{mail.port}?from=a@shop.example&to=anna@shop.example\n",
    )
    sent = send(computed_copy)
    assert [one.state for one in sent.changed] == ["delivered", "delivered"]
    (received,) = mail.received
    attached = [one.get_payload(decode=True) for one in received.iter_attachments()]
    assert len(attached) == has_browser
    assert all(isinstance(content, bytes) and content.startswith(b"\x89PNG") for content in attached)
    pictures = list(picture_folder(computed_copy).glob("*.png"))
    assert len(pictures) == has_browser
    assert send(computed_copy, now=MORNING + dt.timedelta(minutes=5)).written == []
    deliver(computed_copy, load_watch(computed_copy).people, lambda: MORNING + KEPT + dt.timedelta(days=1))
    assert not list(picture_folder(computed_copy).glob("*.png")), "it is removed with its message"


@pytest.mark.parametrize("metric", ["revenue", "orders", "visitors", "visitor_conversion_rate", "average_order_value"])
@pytest.mark.parametrize("parts", [(), (("customers", ("returning",)),), (("platform", ("web", "(unknown)")),)])
def test_an_alert_has_the_value_that_the_overview_shows(computed: Home, metric: str, parts: Any) -> None:
    copy = Copy(computed, publish(computed))
    segments_on = max(copy.days_of("customers.rfm"))
    shown = copy.in_slice(Slice(parts, segments_on)) if parts else copy
    found = values_of(copy, metric, parts, DAYS[0], DAYS[3])
    assert sorted(found) == DAYS
    for day in DAYS:
        expected = totals(shown, day, day, has_visitors=True)[metric]
        if found[day] is None:
            assert not expected
        else:
            assert found[day] == pytest.approx(float(expected or 0))
    copy.close()


def test_a_faulty_file_sends_nothing_and_names_the_fault(computed_copy: Home, web: WebServer) -> None:
    write(computed_copy, web, "  low: {metric: revenu, below: 100, to: ops}\n")
    with pytest.raises(HeadwaterError, match=r"'alerts\.low': unknown metric 'revenu'"):
        send(computed_copy)
    write(computed_copy, web, "  low: {metric: revenue, below: 100, to: ops}\n")
    computed_copy.secrets_file.chmod(0o644)
    with pytest.raises(HeadwaterError, match="chmod 600"):
        send(computed_copy)
    assert web.received == []
    computed_copy.secrets_file.chmod(0o600)
    assert [one.state for one in send(computed_copy).changed] == ["delivered"]


def test_a_test_message_may_be_sent_again(computed_copy: Home, web: WebServer) -> None:
    write(computed_copy, web, "  low: {metric: revenue, below: 100, to: ops}\n")
    for _ in range(2):
        assert send_test(computed_copy, "ops").state == "delivered"
    assert len(web.received) == 2
    with pytest.raises(HeadwaterError, match=r"no person 'op'.*did you mean 'ops'"):
        send_test(computed_copy, "op")


def rows_of(home: Home, address: str, key: str) -> list[list[str]]:
    """The cells of a table of the page at *address*."""
    copy = Copy(home, publish(home))
    path, _, query = address.partition("?")
    view = read_view(path, query)
    assert view is not None
    _, blocks = page_of(copy, view, "viewer")
    copy.close()
    return [
        [column.cell(row) for column in one.columns] for one in tables(blocks) if one.key == key for row in one.rows
    ]


def test_the_page_shows_rules_and_what_became_of_messages(computed_copy: Home, web: WebServer) -> None:
    web.answer = lambda number: (500 if number == 0 else 200, {}, 0.0)
    write(computed_copy, web, "  low: {metric: revenue, below: 100, to: ops}\n", "  day: {what: /products, to: ops}\n")
    send(computed_copy)
    (row,) = rows_of(computed_copy, "/alerts?lang=en", "watched")
    assert row == ["low", "Sales", "below ¥100.00", "▲ Fired", "¥10.00", str(DAYS[3]), "ops"]
    (row,) = rows_of(computed_copy, "/alerts?lang=zh", "watched")
    assert row == ["low", "销售额", "低于 ¥100.00", "▲ 提醒中", "¥10.00", str(DAYS[3]), "ops"]
    (row,) = rows_of(computed_copy, "/alerts?lang=en", "subscriptions")
    assert row == ["day", "Products", "every day, 08:00", "ops", "2026-03-05"]
    messages = {row[1]: row for row in rows_of(computed_copy, "/alerts?lang=en", "messages")}
    assert messages["low"][4:] == ["To be tried again", "1", "the server answered HTTP 500; next attempt 09:01"]
    assert messages["day"][4:] == ["Delivered", "1", ""]


def test_the_overview_lists_open_alerts_and_lost_messages(computed_copy: Home, web: WebServer) -> None:
    write(computed_copy, web, "  low: {metric: revenue, below: 100, to: ops}\n")
    send(computed_copy)
    shown = f"/?from={DAYS[3]}&to={DAYS[3]}&lang=en"
    assert ["Alert", "low", str(DAYS[3]), "Sales: ¥10.00 · below ¥100.00"] in rows_of(computed_copy, shown, "attention")
    now = dt.datetime.now(dt.UTC)
    lost = Message(now.date(), "low", "ops", "alert", "t", "b", now, now, now)
    Outbox(computed_copy).save(changed(lost, "unknown", now))
    kinds = {row[0]: row for row in rows_of(computed_copy, shown, "attention")}
    assert kinds["Message not delivered"][1] == "low → ops"


def test_a_faulty_file_is_shown_on_the_page_only(computed_copy: Home) -> None:
    computed_copy.alerts_file.write_text("alert: 1\n", encoding="utf-8")
    copy = Copy(computed_copy, publish(computed_copy))
    for path in ("/alerts", "/"):
        view = read_view(path, "lang=en")
        assert view is not None
        _, blocks = page_of(copy, view, "viewer")
        warnings = [one.text for one in blocks if isinstance(one, Text) and one.kind == "warning"]
        assert any("unknown key 'alert'" in text for text in warnings) == (path == "/alerts")
    copy.close()


def test_the_next_look_is_at_the_next_time_of_day_or_attempt(computed_copy: Home, web: WebServer) -> None:
    write(computed_copy, web, "  late: {when: data_late, by: '10:30', to: ops}\n", "  d: {what: report, to: ops}\n")
    assert next_time(computed_copy, MORNING) == MORNING + dt.timedelta(hours=1, minutes=30)
    after = MORNING + dt.timedelta(hours=2)
    # 06:00 in Shanghai: from this hour on, yesterday counts as over even if no run has closed it.
    assert next_time(computed_copy, after) == MORNING + dt.timedelta(hours=21)
    web.answer = lambda _number: (500, {}, 0.0)
    send(computed_copy, now=MORNING)
    assert next_time(computed_copy, MORNING) == MORNING + dt.timedelta(minutes=1)
    assert next_time(computed_copy, after) == after + dt.timedelta(minutes=10)
    computed_copy.alerts_file.write_text("", encoding="utf-8")
    computed_copy.subscriptions_file.unlink()
    for file in (computed_copy.alerts / "outbox").glob("*.json"):
        file.unlink()
    assert next_time(computed_copy, MORNING) is None


def tick(home: Home, instance: dg.DagsterInstance, cursor: str | None) -> dg.SensorResult:
    with dg.build_sensor_context(instance, cursor=cursor) as context:
        result = undescribed(home).resolve_sensor_def("alerts")(context)
    assert isinstance(result, dg.SensorResult)
    return result


def test_dagster_evaluates_alerts_after_changes_and_in_time(computed_copy: Home, web: WebServer) -> None:
    home = computed_copy
    with open_instance(home) as instance:
        assert "are empty" in str(tick(home, instance, None).skip_reason)
        write(home, web, "  low: {metric: revenue, below: 100, to: ops}\n  runs: {when: run_failed, to: ops}\n")
        first = tick(home, instance, None)
        assert len(first.run_requests or []) == 1
        assert "nothing has changed" in str(tick(home, instance, first.cursor).skip_reason)
        assert alerts_job(home).execute_in_process(instance=instance).success
        assert [content["title"] for _, content in web.received] == ["[提醒] low：销售额 偏低"]

        run = instance.create_run_for_job(undescribed(home).resolve_job_def("ingestion"))
        instance.report_run_failed(run, "the disk is full")
        second = tick(home, instance, first.cursor)
        assert len(second.run_requests or []) == 1
        (failure,) = recorded(home).failures
        assert failure.job == "ingestion"
        assert alerts_job(home).execute_in_process(instance=instance).success
        assert "the disk is full" in web.received[1][1]["message"]

        # Days later no file has changed, but alerts are evaluated again, because a day may have ended since.
        old = json.dumps({**json.loads(second.cursor or ""), "at": MORNING.isoformat()})
        assert len(tick(home, instance, old).run_requests or []) == 1
    assert not [path for path in files_of(home) if SECRET.encode() in path.read_bytes()]


def files_of(home: Home) -> list[Path]:
    """All files of the home but the one with the secrets."""
    return [path for path in home.root.rglob("*") if path.is_file() and path != home.secrets_file]


def test_a_failed_evaluation_fails_its_run_and_causes_no_alert(computed_copy: Home, web: WebServer) -> None:
    write(computed_copy, web, "  low: {metric: revenue, below: 100, to: ops}\n")
    computed_copy.secrets_file.chmod(0o644)
    with open_instance(computed_copy) as instance:
        result = alerts_job(computed_copy).execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    assert recorded(computed_copy).failures == ()
    computed_copy.secrets_file.chmod(0o600)
    assert [one.state for one in send(computed_copy, now=dt.datetime.now(dt.UTC)).changed] == ["delivered"]


@pytest.mark.real
def test_the_command_lists_tests_and_refuses(computed_copy: Home, web: WebServer) -> None:
    write(computed_copy, web, "  low: {metric: revenue, below: 100, to: ops}\n")
    shown = headwater(computed_copy, "alerts", "--dry-run")
    assert (shown.code, "to ops: [提醒] low：销售额 偏低" in shown.out) == (0, True)
    assert web.received == []
    assert headwater(computed_copy, "alerts").code == 0
    listed = json.loads(headwater(computed_copy, "alerts", "--list", "--json").out)
    assert [(one["name"], one["recipient"], one["state"]) for one in listed] == [("low", "ops", "delivered")]
    web.answer = lambda _number: (500, {}, 0.0)
    tested = headwater(computed_copy, "alerts", "test", "ops")
    assert (tested.code, tested.errors) == (1, ["error: ops: the server answered HTTP 500"])
    assert headwater(computed_copy, "alerts", "probe").code == 2
    assert headwater(computed_copy, "alerts", "--list", "--dry-run").code == 2
