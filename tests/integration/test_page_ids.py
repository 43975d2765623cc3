"""Odd PageIds (page numbers) from broken SDKs: no record is lost, every path has one entrance, and no run fails."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from tests.reference import restate
from tests.reference_core import Log, Shop
from tests.support import assert_same_tables, attribute, home_of, land_log, partition_days, table, tables

Row = dict[str, Any]

DAY = dt.datetime(2026, 3, 2, 3, tzinfo=dt.UTC)
SHOP = Shop(
    entrances=[
        {"entrance_id": "banner", "name_zh": "一", "name_en": "One", "page_type": "home", "module": "banner"},
        {"entrance_id": "search", "name_zh": "二", "name_en": "Two", "page_type": "home", "module": "search"},
    ],
    start_date=DAY.date(),
)


def event(second: int, kind: str, page_id: Any, module: str = "grid", device: str = "d1", **fields: Any) -> Row:
    """An event *second* seconds after nine o'clock; on the home page (banner, search) it has no product."""
    is_home = module in ("banner", "search")
    return {
        "event_id": f"{device}-{second}",
        "device_id": device,
        "user_id": "u1",
        "event_type": kind,
        "page_id": page_id,
        "page_type": "home" if is_home else "list",
        "module": module,
        "slot": 1,
        "sku": None if is_home else "s1",
        "device_time": (DAY + dt.timedelta(seconds=second)).isoformat(),
    } | fields


def visit(start: int, page_ids: list[int], module: str = "banner", device: str = "d1") -> list[Row]:
    """The events of a visit to pages *page_ids*, one a second; the first is *start* seconds after nine o'clock.

    They are a click on entrance *module* on the first page, a click on each next page, and an add-to-cart on the last.
    """
    first, *middle, last = page_ids
    steps = [event(start, "click", first, module, device)]
    steps += [event(start + n, "click", page, device=device) for n, page in enumerate(middle, start=1)]
    return [*steps, event(start + len(page_ids) - 1, "add_to_cart", last, device=device)]


CASES = {
    "negative": visit(0, [-3, -2, -1]),
    "zero": visit(0, [0, 0, 0]),
    "as large as they get": visit(0, [2**63 - 3, 2**63 - 2, 2**63 - 1]),
    "begun again after the app was installed again": visit(0, [41, 42, 43]) + visit(100, [1, 2, 3], "search"),
    "two devices with one id, at once": [
        step
        for pair in zip(visit(0, [7, 8, 9, 10]), visit(50, [101, 102, 103, 104], "search"), strict=True)
        for step in pair
    ],
    "two devices with one id, in turns": sorted(
        visit(0, [7, 8, 9, 10]) + visit(2, [101, 102, 103, 104], "search"), key=lambda step: step["device_time"]
    )[:4]
    + visit(30, [11, 12]),
    "falling": visit(0, [9, 7, 5, 3, 1]),
    "all the same": visit(0, [5] * 6),
    "up and down": visit(0, [1, 9, 2, 8, 3, 7]),
}


def of_case(case: str, step: Row) -> Row:
    """*step* with ids prefixed by *case*, so that each case has its own device and user."""
    return {**step, **{name: f"{case}: {step[name]}" for name in ("event_id", "device_id", "user_id")}}


def test_any_whole_number_is_a_page_id_and_ends_have_entrances(tmp_path: Path) -> None:
    landed = [of_case(case, step) for case, visits in CASES.items() for step in visits]
    steps = list({step["event_id"]: step for step in landed}.values())
    log = Log(events=steps)
    home = home_of(tmp_path / "home", SHOP)
    land_log(home, log)
    summary = attribute(home)
    assert (summary.ingested.accepted, summary.failed_checks) == (len(steps), {})
    found = tables(home)
    days, as_of = (partition_days(home, f"attribution.{name}") for name in ("removal_effects", "touch_path_summary"))
    assert_same_tables(found, restate(log, SHOP, found, days, as_of))
    ends = table(home, "attribution.attributed_events")
    assert len(ends) == sum(1 for step in steps if step["sku"])
    daily = table(home, "attribution.entrance_daily")
    assert sum(row["add_to_carts"] + row["product_clicks"] for row in daily) == len(ends)
    assert {row["entrance_id"] for row in ends} <= {"banner", "search"}


def test_a_wrong_page_id_is_quarantined_where_it_is_needed(tmp_path: Path) -> None:
    sound = visit(0, [1, 2, 3])
    broken = [event(60 + n, "click", page_id) for n, page_id in enumerate((None, "", "seven", 1.5, 2**63))]
    needless = event(90, "app_start", None)
    home = home_of(tmp_path / "home", SHOP)
    land_log(home, Log(events=[*sound, *broken, needless]))
    summary = attribute(home)
    report = summary.ingested
    assert (report.records, report.accepted, report.quarantined) == (9, 4, 5)
    reasons = {
        row["raw"].split('"page_id": ')[1].split(",")[0]: row["reasons"] for row in table(home, "core.quarantine")
    }
    assert reasons == {
        "null": "missing page_id",
        '""': "missing page_id",
        '"seven"': "bad page_id",
        "1.5": "bad page_id",
        str(2**63): "bad page_id",
    }
    (cart,) = [row for row in table(home, "attribution.attributed_events") if row["end_type"] == "add_to_cart"]
    assert cart["entrance_id"] == "banner"
