"""In the demo shop, log and path contain exactly what was clicked, with and without the Navigation API."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipelines.home.folder import REPOSITORY, Home
from tests.browser.recorder import eventually
from tests.browser.shop_walks import WALKS, Shopper, Walk, new_shopper
from tests.integration.dagster_servers import free_port
from tests.support import Row, attribute, make_home, table

pytestmark = [pytest.mark.browser, pytest.mark.real]

ACTIONS = ("click", "add_to_cart")
APIS = {"Navigation API": True, "no Navigation API": False}


@contextmanager
def collecting(home: Home) -> Iterator[str]:
    """Run ``headwater collect --demo`` for *home*; the address of the shop."""
    port = free_port()
    command = [sys.executable, "-m", "pipelines.commands.main", "collect", "--demo"]
    command += ["--home", str(home.root), "--port", str(port)]
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        for line in server.stderr:
            if "http://" in line:
                break
        else:
            pytest.fail("the collector did not start")
        threading.Thread(target=server.stderr.read, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{port}/shop/"
        finally:
            server.terminate()


def landed(home: Home) -> list[Row]:
    """The events in the landing folder, also in growing files, in the order of their times."""
    lines = [line for path in _files(home) for line in path.read_text(encoding="utf-8").splitlines(keepends=True)]
    found = {event["event_id"]: event for event in (json.loads(line) for line in lines if line.endswith("\n"))}
    return sorted(found.values(), key=lambda event: (event["device_time"], event["event_id"]))


def _files(home: Home) -> list[Path]:
    return [path for path in (home.landing / "native" / "events").glob("*") if path.is_file()]


def actions_of(home: Home, devices: list[str]) -> list[Row]:
    """The landed clicks and carts of *devices*."""
    return [event for event in landed(home) if event["device_id"] in devices and event["event_type"] in ACTIONS]


@dataclass
class Walked:
    """The result of the walks: the home, and for each walk its shopper or the error that stopped it."""

    home: Home
    shoppers: dict[tuple[str, str], Shopper] = field(default_factory=dict)
    errors: dict[tuple[str, str], BaseException] = field(default_factory=dict)
    events: list[Row] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)

    def shopper(self, walk: Walk, api: str) -> Shopper:
        if (walk.name, api) in self.errors:
            raise self.errors[walk.name, api]
        return self.shoppers[walk.name, api]

    def of(self, shopper: Shopper) -> list[Row]:
        """The landed events of *shopper*, with their place as text, ``list1 results.2``."""
        mine = [event for event in self.events if event["device_id"] in shopper.devices]
        pages: dict[str, list[int]] = {}
        for event in sorted(mine, key=lambda one: one["page_id"]):
            known = pages.setdefault(event["page_type"], [])
            if event["page_id"] not in known:
                known.append(event["page_id"])
        return [{**event, "place": _place(event, pages)} for event in mine]


def _place(event: Row, pages: dict[str, list[int]]) -> str:
    page = f"{event['page_type']}{pages[event['page_type']].index(event['page_id']) + 1}"
    slot = f".{event['slot']}" if event.get("slot") else ""
    return f"{'+' if event['event_type'] == 'add_to_cart' else ''}{page} {event.get('module')}{slot}"


@pytest.fixture(scope="module")
def walked(browser: Any, caching_browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Walked:
    """The results of all walks, each by a new shopper, after one ``headwater run``."""
    home = make_home(tmp_path_factory.mktemp("shop") / "home")
    result = Walked(home)
    with collecting(home) as url:
        for walk in WALKS:
            for api, has_api in APIS.items():
                shopper = new_shopper(caching_browser if walk.has_cache else browser, url, has_navigation_api=has_api)
                try:
                    _walk(home, walk, shopper)
                except Exception as error:
                    result.errors[walk.name, api] = error
                result.shoppers[walk.name, api] = shopper
                shopper.context.close()
        result.events = landed(home)
    attribute(home)
    result.steps = table(home, "attribution.path_steps")
    return result


def _walk(home: Home, walk: Walk, shopper: Shopper) -> None:
    def wait(count: int) -> None:
        def found() -> Any:
            return actions_of(home, shopper.devices)

        eventually(lambda: len(found()) >= count, f"{walk.name}: {count} clicks and carts", found)

    shopper.wait = wait
    walk.steps(shopper)
    for page in shopper.context.pages:
        page.close()
    wait(len(walk.log))


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.name)
def test_the_log_says_what_was_clicked(walk: Walk, api: str, walked: Walked) -> None:
    events = walked.of(walked.shopper(walk, api))
    assert [event["place"] for event in events if event["event_type"] in ACTIONS] == list(walk.log)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("walk", [walk for walk in WALKS if walk.full], ids=lambda walk: walk.name)
def test_the_path_says_what_was_clicked(walk: Walk, api: str, walked: Walked) -> None:
    places = {event["event_id"]: event["place"] for event in walked.of(walked.shopper(walk, api))}
    end = [id_ for id_, place in places.items() if place.startswith("+")][-1]
    steps = [step for step in walked.steps if step["end_event_id"] == end]

    def path(number: str) -> list[str]:
        kept = sorted((step for step in steps if step[number]), key=lambda step: step[number])
        return [places[step["event_id"]] for step in kept]

    assert (path("step_no"), path("effective_step_no"), path("stack_step_no")) == walk.paths


def test_no_shopper_is_taken_for_a_robot(walked: Walked) -> None:
    assert [event for event in walked.events if event.get("is_bot")] == []


def test_no_two_pages_share_a_page_id(walked: Walked) -> None:
    for shopper in walked.shoppers.values():
        pages: dict[int, set[str]] = {}
        for event in walked.of(shopper):
            pages.setdefault(event["page_id"], set()).add(event["page_url"] + event["page_type"])
        assert [page for page, places in pages.items() if len(places) > 1] == []
    for api in APIS:
        views = [
            event["page_id"]
            for event in walked.of(walked.shoppers["tabs at once", api])
            if event["event_type"] == "page_view" and event["page_url"].endswith("cart.html")
        ]
        assert len(views) == 6 * 9
        assert [page for page, times in Counter(views).items() if times > 1] == []


def test_page_ids_grow_after_storage_was_cleared(walked: Walked) -> None:
    for api in APIS:
        pages = [event["page_id"] for event in walked.of(walked.shoppers["cleared storage", api])]
        assert pages == sorted(pages)
        assert len(set(pages)) == 3


def test_a_visitor_who_refuses_leaves_no_event(walked: Walked) -> None:
    wanted = sum(len(shopper.devices) for shopper in walked.shoppers.values())
    assert len({event["device_id"] for event in walked.events}) == wanted


def test_an_order_finds_the_path_before_the_log_in(walked: Walked) -> None:
    sales = {row["person_id"]: row for row in table(walked.home, "attribution.attributed_sales")}
    for api in APIS:
        events = walked.of(walked.shoppers["log-in in the middle", api])
        users = [event.get("user_id") for event in events if event["event_type"] == "add_to_cart"]
        assert users == [None]
        user = f"shopper-{walked.shoppers['log-in in the middle', api].devices[0][-6:]}"
        assert (sales[user]["matched_by"], sales[user]["entrance_id"]) == ("cart", "home_feed")


def test_views_of_a_products_page_name_the_product(walked: Walked) -> None:
    views = [row for row in table(walked.home, "core.events") if row["event_type"] == "page_view"]
    assert {row["page_type"] for row in views if row["sku"]} == {"detail"}
    assert all(row["sku"] for row in views if row["page_type"] == "detail")


def test_the_source_is_on_the_first_page_view_only(walked: Walked) -> None:
    for api in APIS:
        events = walked.of(walked.shoppers["forward", api])
        assert [event["utm_source"] for event in events if "utm_source" in event] == ["mail"]
        referrers = [event["referrer"].rsplit("/", 1)[1] for event in events if "referrer" in event]
        assert referrers == ["", "campaign.html"]
        assert {event["page_url"].rsplit("/", 1)[1] for event in events} == {"", "campaign.html", "detail.html"}
