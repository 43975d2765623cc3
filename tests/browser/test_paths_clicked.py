"""The worked examples of tests/golden/paths.json, clicked in a browser: the paths are as stated."""

from __future__ import annotations

import datetime as dt
import html
from typing import Any

import pytest

from tests.browser.recorder import PATIENCE, Event, Recorder, recording
from tests.golden.path_cases import CASES, SHOP, Case, observed
from tests.support import Row, home_of, land, run_selected, tables

pytestmark = [pytest.mark.browser, pytest.mark.real]

READY = "() => window.headwater && headwater.page_id"
PLACE = ("module", "slot", "sku")
APIS = {"Navigation API": True, "no Navigation API": False}


def address(case: Case, page_id: int) -> str:
    return f"/{CASES.index(case)}/{page_id}"


def pages_of(case: Case) -> dict[str, str]:
    """Address → HTML of the pages of *case*, with an element for each thing clicked or seen, and the links followed."""
    found = {}
    for page_id in {event["page_id"] for event in case.events}:
        here = [event for event in case.events if event["page_id"] == page_id]
        places = {tuple(event.get(name) for name in PLACE): event for event in here}
        body = "".join(_element(case, place) for place in places)
        found[address(case, page_id)] = (
            f'<!doctype html><html data-hw-page-type="{here[0]["page_type"]}">'
            f'<script src="/hw.js" defer></script><body>{body}</body></html>'
        )
    return found


def _element(case: Case, place: tuple[Any, ...]) -> str:
    """The HTML element at *place* (page type, module and slot), with a link or button for what was done there."""
    inner = "seen"
    for event, after in zip(case.events, [*case.events[1:], None], strict=True):
        if tuple(event.get(name) for name in PLACE) != place:
            continue
        if event["event_type"] == "click":
            is_link = after is not None and after["page_id"] > max(e["page_id"] for e in _until(case, event))
            inner = f'<a href="{address(case, after["page_id"])}">go</a>' if is_link else "<button>stay</button>"
        if event["event_type"] == "add_to_cart":
            inner = '<button data-hw-action="add_to_cart">add</button>'
    marks = " ".join(f'data-hw-{name}="{html.escape(str(v))}"' for name, v in zip(PLACE, place, strict=True) if v)
    return f"<div {marks}>{inner}</div>"


def _until(case: Case, event: Row) -> list[Row]:
    return case.events[: case.events.index(event) + 1]


def click(case: Case, page: Any, recorder: Recorder) -> None:
    """Repeat in *page* the actions that the events of *case* record."""
    page.goto(recorder.url + address(case, case.events[0]["page_id"]))
    page.wait_for_function(READY)
    page.evaluate("user => headwater.identify(user)", case.events[0]["user_id"])
    for event in case.events:
        while not page.url.endswith(address(case, event["page_id"])):
            before = page.url
            page.evaluate("void setTimeout(() => history.back())")
            page.wait_for_url(lambda url, before=before: url != before, wait_until="commit")
            page.wait_for_function(READY)
        marks = "".join(f"[data-hw-{name}='{event[name]}']" for name in PLACE if event.get(name))
        if event["event_type"] == "exposure":
            user, place = event["user_id"], {name: event[name] for name in PLACE if event.get(name)}
            recorder.wait(event_type="exposure", user_id=user, page_url=page.url, **place)
        else:
            before, is_link = page.url, page.locator(f"{marks} a").count() > 0
            page.click(f"{marks} a, {marks} button")
            if is_link:
                page.wait_for_url(lambda url, before=before: url != before, wait_until="commit")
                page.wait_for_function(READY)
    page.close()


def as_case(case: Case, logged: list[Event]) -> list[Row]:
    """The *logged* events with the ids and days of *case*; events that are not in the case get an id with x."""
    expected = list(case.events)
    shift = int(dt.datetime.fromisoformat(case.events[0]["device_time"]).timestamp() * 1000) - logged[0]["device_time"]
    rows = []
    for number, event in enumerate(logged):
        page = int(event["page_url"].rsplit("/", 1)[1])
        key = (event["event_type"], page, *(event.get(name) for name in PLACE))
        fitting = [e for e in expected if (e["event_type"], e["page_id"], *(e.get(name) for name in PLACE)) == key]
        if fitting:
            expected.remove(fitting[0])
        id_ = fitting[0]["event_id"] if fitting else f"{CASES.index(case)}-x{number}"
        rows.append({**event, "event_id": id_, "device_time": event["device_time"] + shift})
    assert expected == [], "events that are missing in the log"
    return rows


@pytest.fixture(scope="module", params=APIS)
def clicked(
    request: pytest.FixtureRequest, browser: Any, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Row]]:
    """The tables after all cases were clicked, each by a shopper with a browser of their own."""
    rows = []
    with recording() as recorder:
        for case in CASES:
            recorder.pages |= pages_of(case)
            context = browser.new_context()
            context.set_default_timeout(PATIENCE * 1000)
            if not APIS[request.param]:
                context.add_init_script("delete window.navigation")
            user = case.events[0]["user_id"]
            click(case, context.new_page(), recorder)
            wanted = [event for event in case.events if event["event_type"] != "exposure"]
            for kind in ("click", "add_to_cart"):
                recorder.wait(sum(event["event_type"] == kind for event in wanted), event_type=kind, user_id=user)
            rows += as_case(case, [e for e in recorder.events(user_id=user) if e["event_type"] != "identify"])
            context.close()
    home = home_of(tmp_path_factory.mktemp("clicked") / "home", SHOP)
    land(home, "events", rows, "clicked")
    run_selected(home, *(f"+attribution.{name}" for name in ("attributed_events", "path_steps", "module_daily")))
    return tables(home)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_worked_example_that_is_clicked_has_its_path(case: Case, clicked: dict[str, list[Row]]) -> None:
    found = observed(case, clicked)
    # The browser also recorded events that the example does not mention.
    if "exposures" in found:
        found["exposures"] = {id_: entrance for id_, entrance in found["exposures"].items() if id_[0] != "x"}
    assert found == case.expect
