"""The day in progress: computed whenever files land, shown up to its last full hour, closed by the first later run."""

from __future__ import annotations

import datetime as dt
import os
import re
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboards.app.marts import OPEN_AFTER_MIDNIGHT, Copy, Marts
from dashboards.app.shell import days_note
from dashboards.blocks import Block, Card, Cards
from dashboards.copy.build import publish
from pipelines.home.folder import Home
from tests.app_pages import flat, look_at, table, texts, values
from tests.commands import headwater
from tests.integration.dagster_servers import Servers
from tests.integration.test_dashboard_server import page, started
from tests.processes import copy_of
from tests.shared_homes import made_once
from tests.support import all_tables, assert_same_tables, land, make_home

pytestmark = pytest.mark.real

START = dt.datetime.now(dt.UTC)


def afternoon() -> str:
    """A time zone in which it is between 14:00 and 15:00 when the tests begin: its day is in progress."""
    ahead = (14 - START.hour + 11) % 24 - 11
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


ZONE = afternoon()
TODAY = START.astimezone(ZoneInfo(ZONE)).date()
LAST_WEEK, YESTERDAY = TODAY - dt.timedelta(days=7), TODAY - dt.timedelta(days=1)


def at(day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), ZoneInfo(ZONE))


def land_hours(home: Home, day: dt.date, hours: Iterable[int]) -> None:
    """Land the events and orders of each of *hours* in files of their own, written just after the hour.

    In each hour the regular customer and one new guest come. In hour n the customer pays one order of ¥(n + 1).
    """
    for hour in hours:
        name = f"{day}-{hour:02d}"
        events: list[dict[str, Any]] = []
        for person in ("regular", f"guest{hour}"):
            common = {"device_id": person, "user_id": person, "page_id": 2 * hour + 1}
            banner = {"page_type": "home", "module": "banner", "slot": 1, "event_type": "click"}
            own = f"{name}-{person}"
            events += [
                {"event_id": f"{own}-1", "device_time": at(day, hour, 10).isoformat(), **common, **banner},
                {
                    "event_id": f"{own}-2",
                    "device_time": at(day, hour, 20).isoformat(),
                    **common,
                    "page_id": 2 * hour + 2,
                    "page_type": "list",
                    "event_type": "exposure",
                    "sku": "s1",
                },
            ]
        time = at(day, hour, 30).isoformat()
        order = {"order_id": name, "user_id": "regular", "status": "paid", "ordered_at": time, "paid_at": time}
        line = {"order_id": name, "line_no": 1, "sku": "s1", "quantity": 1, "unit_price": f"{hour + 1}.00"}
        written = (at(day, hour) + dt.timedelta(hours=1, seconds=5)).timestamp()
        for relation, records in (("events", events), ("orders", [order]), ("order_lines", [line])):
            os.utime(land(home, relation, records, name), (written, written))


def run_command(home: Home) -> Copy:
    """Run ``headwater run``, publish the dashboards' copy and open it."""
    done = headwater("run", home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    publish(home)
    return Marts(home).copy()


def new_home(folder: Path) -> Home:
    settings = {"timezone": ZONE, "start_date": LAST_WEEK, "threads": 1, "snapshots": {"daily_for_days": 1}}
    return make_home(folder, settings=settings)


@pytest.fixture(scope="module")
def yesterday(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with the files of days up to yesterday, computed today."""

    def make(folder: Path) -> None:
        home = new_home(folder)
        for day in (LAST_WEEK, YESTERDAY):
            land_hours(home, day, range(24))
        run_command(home)

    return Home(made_once(tmp_path_factory, f"yesterday-{TODAY}{ZONE.replace('/', '')}", make))


@dataclass(frozen=True)
class InProgress:
    """A home in which the files of today landed in two pieces, up to 9:00 and up to 13:00, each followed by a run.

    Attributes:
        first: The overview after the first piece.
        copy: The dashboards' copy after the second one.
    """

    home: Home
    first: list[Block]
    copy: Copy


@pytest.fixture(scope="module")
def in_progress(yesterday: Home, tmp_path_factory: pytest.TempPathFactory) -> InProgress:
    home = copy_of(yesterday, tmp_path_factory.mktemp("in_progress") / "home")
    land_hours(home, TODAY, range(9))
    first = look_at(run_command(home), "/?lang=en")[1]
    land_hours(home, TODAY, range(9, 13))
    return InProgress(home, first, run_command(home))


def cards_of_today(blocks: list[Block]) -> dict[str, Card]:
    """The cards of the open day, which come after the tree of sales; empty if there are none."""
    rows = [block for block in flat(blocks) if isinstance(block, Cards)]
    found = {card.metric: card for card in rows[1].cards}
    return found if "exposures" in found and "orders" in found else {}


def sales_until(hour: int) -> int:
    return sum(range(1, hour + 1))


def assert_tree_adds_up(blocks: list[Block], difference: int) -> None:
    """Fail unless the tree's change in sales is *difference* and the effects of its branches, as written, sum to it."""
    tree = next(block for block in flat(blocks) if isinstance(block, Cards) and block.kind == "tree")
    branches = tree.cards[1:]
    assert [card.metric for card in branches] == ["visitors", "visitor_conversion_rate", "revenue_per_buyer"]
    assert [card.sign for card in branches] == ["=", "×", "×"]
    assert all(card.href for card in tree.cards)
    total, *effects = (Decimal(re.sub(r"[▲▼¥,+ ]", "", card.changes[-1].text).replace("−", "-")) for card in tree.cards)
    assert total == difference
    assert sum(effects) == total
    assert effects[0] < 0, "fewer came"


def test_without_files_of_today_yesterday_is_the_newest_day(yesterday):
    copy = Marts(yesterday).copy()
    assert copy.newest(START) == YESTERDAY, "the run after its end has closed it"
    context, blocks = look_at(copy, "/?lang=en")
    assert context.days.last == YESTERDAY
    assert not cards_of_today(blocks)
    assert "not over yet" not in days_note(context)


def test_the_overview_follows_the_files_that_land_today(in_progress):
    assert cards_of_today(in_progress.first)["revenue"].full == f"¥{sales_until(9)}.00"
    context, blocks = look_at(in_progress.copy, "/?lang=en")
    shown = cards_of_today(blocks)
    assert context.days.last == YESTERDAY, "the days shown end with the last closed one"
    assert {name: card.full for name, card in shown.items()} == {
        "revenue": f"¥{sales_until(13)}.00",
        "orders": "13",
        "visitors": "14",
        "exposures": "26",
    }
    assert [change.full for change in shown["revenue"].changes] == [f"¥{sales_until(13)}.00"], "the same hours"
    assert all(f"from={TODAY}&to={TODAY}" in card.href for card in shown.values())
    assert any(f"{TODAY}, up to 13:00" in note.text for note in texts(blocks, "note"))


def test_hours_of_both_days_accumulate(in_progress):
    hours = table(look_at(in_progress.copy, "/?lang=en")[1], "today")
    assert values(hours, "until") == [f"{hour}:00" for hour in range(1, 25)]
    assert values(hours, "revenue") == [*(float(sales_until(hour)) for hour in range(1, 14)), *[None] * 11]
    assert values(hours, "revenue_before") == [float(sales_until(hour)) for hour in range(1, 25)]
    assert values(hours, "visitors")[:3] == [2, 3, 4], "the regular counts once"
    alone = table(look_at(in_progress.copy, "/?lang=en&compare=none")[1], "today")
    assert values(alone, "revenue") == values(hours, "revenue")[:13]
    assert "revenue_before" not in [column.field for column in alone.columns]


def test_the_hours_of_a_slice_are_its_own(in_progress):
    # The regular customer paid an order a week ago. Guests never order, so they are new.
    for value, visitors, exposures, revenue in (("returning", "1", "13", sales_until(13)), ("new", "13", "13", 0)):
        shown = cards_of_today(look_at(in_progress.copy, f"/?lang=en&in.customers={value}")[1])
        assert {name: card.full for name, card in shown.items()} == {
            "revenue": f"¥{revenue}.00",
            "orders": "13" if revenue else "0",
            "visitors": visitors,
            "exposures": exposures,
        }
    blocks = look_at(in_progress.copy, "/?lang=en&in.customers=new")[1]
    assert values(table(blocks, "today"), "visitors")[:3] == [1, 2, 3], "one guest comes in each hour"
    assert any("whole shop only" in note.text for note in texts(blocks, "note"))
    everything = cards_of_today(look_at(in_progress.copy, "/?lang=en")[1])
    most = "SELECT arg_max(entrance_id, exposures) AS entrance FROM attribution.entrance_daily"
    shown = cards_of_today(
        look_at(in_progress.copy, f"/?lang=en&in.entrance={in_progress.copy.one(most)['entrance']}")[1]
    )
    assert [shown[name].full for name in ("visitors", "exposures")] == ["14", "26"], "all came by it"
    assert shown["visitors"].full == everything["visitors"].full


def test_an_open_day_is_called_so_and_compared(in_progress):
    context, blocks = look_at(in_progress.copy, f"/?lang=en&from={TODAY}&to={TODAY}")
    assert "not over yet" in days_note(context)
    assert_tree_adds_up(blocks, sales_until(13) - sales_until(24))
    (slot,) = table(blocks, "movers_slot").rows
    assert slot["difference"] == sales_until(13) - sales_until(24)


def test_days_before_are_shown_without_today(in_progress):
    assert not cards_of_today(look_at(in_progress.copy, f"/?lang=en&from={LAST_WEEK}&to={LAST_WEEK}")[1])


def test_days_without_data_need_attention(in_progress):
    rows = table(look_at(in_progress.copy, f"/?lang=en&from={LAST_WEEK}&to={YESTERDAY}")[1], "attention").rows
    (row,) = (row for row in rows if row["kind"] == "No data")
    assert (row["since"], row["note"]) == (LAST_WEEK + dt.timedelta(days=1), "5 days in all")


def test_only_a_run_after_midnight_closes_the_day(in_progress):
    copy, midnight = in_progress.copy, at(TODAY + dt.timedelta(days=1), 0)
    assert (copy.open_from(START), copy.newest(START)) == (TODAY, YESTERDAY)
    night = midnight + OPEN_AFTER_MIDNIGHT - dt.timedelta(seconds=1)
    assert (copy.open_from(night), copy.newest(night)) == (TODAY, YESTERDAY), "no run has read files since"
    morning = midnight + OPEN_AFTER_MIDNIGHT
    assert (copy.open_from(morning), copy.newest(morning)) == (morning.date(), TODAY), "nobody waits longer"


def test_a_day_that_came_in_pieces_equals_one_that_came_at_once(in_progress, tmp_path):
    home = new_home(tmp_path / "home")
    for day, hours in ((LAST_WEEK, range(24)), (YESTERDAY, range(24)), (TODAY, range(13))):
        land_hours(home, day, hours)
    run_command(home)
    found = all_tables(in_progress.home)
    assert {row["hour"] for row in found["core.traffic_hourly"] if row["dt"] == TODAY} == set(range(13))
    assert_same_tables(found, all_tables(home))


def test_servers_show_an_hour_soon_after_it_landed(yesterday, tmp_path):
    home = copy_of(yesterday, tmp_path / "home")
    land_hours(home, TODAY, range(9))
    run_command(home)
    (tmp_path / "logs").mkdir()
    dashboards, browser = started(home)
    try:
        with Servers(home, tmp_path / "logs") as servers:
            assert f"{TODAY}, up to 9:00" in page(browser)
            land_hours(home, TODAY, [9])
            landed = time.monotonic()
            servers.wait("the hour on the overview", lambda: f"{TODAY}, up to 10:00" in page(browser))
            print(f"the overview showed the hour {time.monotonic() - landed:.0f} s after it landed")
    finally:
        dashboards.stop(signal.SIGTERM)
