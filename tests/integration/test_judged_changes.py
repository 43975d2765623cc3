"""A change of a slot compared with a control, and an A/B test, on the pages of a small shop from its landed events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dashboards.app.marts import Copy, Marts
from dashboards.blocks import Table
from dashboards.copy.build import publish
from pipelines.compute.reading import reading_session
from pipelines.home.folder import Home
from tests.app_pages import choice, look_at, table, texts
from tests.support import land, make_home, run

pytestmark = pytest.mark.real

FIRST, LENGTH = dt.date(2026, 3, 2), 20
CHANGED = FIRST + dt.timedelta(days=10)
DAYS = f"from={FIRST}&to={FIRST + dt.timedelta(days=LENGTH - 1)}"
ENTRANCE = "entrance=home_banner"

Ask = Callable[[str], list[tuple[Any, ...]]]


def slot(number: int) -> str:
    return f"{ENTRANCE}&slot=home%7Cbanner%7C{number}"


def events() -> Iterator[dict[str, Any]]:
    """Twenty days of the banner.

    Slot 1 shows content "old" for ten days, then "new", which is clicked twice as often. Slot 2 always shows "steady".
    Slot 3 shows the A/B test "hero", whose variant B is clicked more often. On the last day slots 1 and 2 have twice
    the clicks.
    """
    for nth in range(LENGTH):
        day = FIRST + dt.timedelta(days=nth)
        number, busy = 1, 2 if nth == LENGTH - 1 else 1
        base = {"module": "banner", "slot": 1, "content_id": None, "sku": None, "page_type": "home"}
        content = "old" if day < CHANGED else "new"
        shows = [
            (1, content, 40, (4 + nth % 3) * (1 if content == "old" else 2) * busy),
            (2, "steady", 40, (5 + nth % 2) * busy),
            (3, "ab/hero/A", 20, (2 + nth % 2) * busy),
            (3, "ab/hero/B", 20, (5 + nth % 3) * busy),
        ]
        for place, shown, impressions, clicks in shows:
            for kind, count in (("exposure", impressions), ("click", clicks)):
                for nth_event in range(count):
                    number += 1
                    user = f"{shown[-1]}{(nth_event + 7 * nth) % 20}" if place == 3 else "u"
                    yield event(day, number, kind, user, base | {"slot": place, "content_id": shown})
        yield event(
            day, number + 1, "add_to_cart", "u", base | {"page_type": "detail", "module": "buy_bar", "sku": "A"}
        )


def event(day: dt.date, number: int, kind: str, user: str, where: dict[str, Any]) -> dict[str, Any]:
    time = f"{day}T03:{number // 60:02d}:{number % 60:02d}Z"
    ids = {"event_id": f"{day}-{number}", "device_id": user, "user_id": user, "page_id": number}
    return {**ids, "event_type": kind, "device_time": time, **where}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = make_home(tmp_path_factory.mktemp("judged") / "home")
    land(home, "events", list(events()), "events")
    run(home)
    publish(home)
    return home


@pytest.fixture(scope="module")
def copy(home: Home) -> Copy:
    return Marts(home).copy()


@pytest.fixture(scope="module")
def lake(home: Home) -> Iterator[Ask]:
    with reading_session(home, "") as connection:
        yield lambda sql: connection.execute(sql).fetchall()


def of_page(copy: Copy, address: str, key: str) -> Table:
    return table(look_at(copy, address)[1], key)


def test_the_numbers_of_a_control_are_those_of_the_lake(copy, lake):
    row = of_page(copy, f"/entrances?{DAYS}&{slot(1)}&lang=en", "control").rows[0]
    rates = dict(
        lake(
            f"""SELECT (head_slot = 1) || CASE WHEN dt < '{CHANGED}' THEN ' before' ELSE ' after' END,
                sum(clicks) / sum(impressions)
            FROM attribution.slot_daily GROUP BY 1"""
        )
    )
    assert row["metric"] == "slot_click_rate"
    assert (row["before"], row["after"]) == pytest.approx((rates["true before"], rates["true after"]))
    assert (row["control_before"], row["control_after"]) == pytest.approx((rates["false before"], rates["false after"]))
    expected = rates["true before"] * rates["false after"] / rates["false before"]
    assert (row["expected"], row["difference"]) == pytest.approx((expected, rates["true after"] - expected))
    assert 0 < row["low"] < row["difference"] < row["high"]


@pytest.mark.parametrize(
    ("language", "better", "steady", "few"),
    [
        ("en", "above what the module's other slots suggest", "control: the module's other slots", "not enough days"),
        ("zh", "比本模块其他坑位的走势高", "对照：本模块其他坑位", "天数不够"),
    ],
)
def test_a_control_stands_beside_before_and_after(copy, language, better, steady, few):
    page = f"/entrances?{DAYS}&{slot(1)}&lang={language}"
    assert better in of_page(copy, page, "contents").rows[1]["judged"]
    assert better in of_page(copy, page, "changes").rows[0]["against_control"]
    assert better in of_page(copy, page, "control").rows[0]["verdict"]
    assert (
        better in of_page(copy, f"/entrances?{DAYS}&{ENTRANCE}&lang={language}", "changes").rows[0]["against_control"]
    )
    assert better in " ".join(of_page(copy, page, "two_contents").notes)
    on_map = f"/slots?{DAYS}&page_type=home&content=new&against=old&lang={language}"
    assert [better in row["against_control"] for row in of_page(copy, on_map, "map_contents").rows] == [True]
    other = of_page(copy, f"/entrances?{DAYS}&{slot(2)}&change=2026-03-07&lang={language}", "control")
    assert steady in other.rows[0]["verdict"]
    early = of_page(copy, f"{page}&change=2026-03-03", "control")
    assert few in early.rows[0]["verdict"]


def test_a_day_alone_is_judged_by_the_days_before_it(copy):
    blocks = look_at(copy, f"/entrances?{DAYS}&{slot(2)}&change=2026-03-21&control=weekdays&lang=en")[1]
    assert choice(blocks, "change").value == "2026-03-21"
    shown = table(blocks, "control")
    assert "weeks before: 1" in shown.notes[0]
    assert "not enough days" in shown.rows[0]["verdict"]


@pytest.mark.parametrize(("language", "test"), [("en", "A/B test hero: "), ("zh", "A/B 实验 hero：")])
def test_contents_of_a_test_are_judged_by_the_test(copy, language, test):
    blocks = look_at(copy, f"/entrances?{DAYS}&{slot(3)}&lang={language}")[1]
    judged = {row["head_content_id"]: row["judged"] for row in table(blocks, "contents").rows}
    assert judged["ab/hero/B"].startswith(test)
    assert "hero" in judged["ab/hero/A"]
    assert test in " ".join(table(blocks, "two_contents").notes)
    assert not [row for row in texts(blocks, "note") if "2026-03" in row.text]
    page = look_at(copy, f"/experiments?{DAYS}&lang={language}&test=hero")[1]
    assert table(page, "comparisons").rows[0]["interval"].verdict == "higher"


def test_the_experiment_counts_what_the_lake_has(copy, lake):
    rows = of_page(copy, f"/experiments?{DAYS}&test=hero", "variants").rows
    counted = lake(
        """SELECT variant, count(DISTINCT person_id), sum(impressions), sum(clicks)
        FROM attribution.visitor_variants GROUP BY ALL ORDER BY ALL"""
    )
    names = ("variant", "variant_visitors", "variant_impressions", "variant_clicks")
    assert [tuple(row[name] for name in names) for row in rows] == counted
    assert [row[1:3] for row in counted] == [(20, 400), (20, 400)]
