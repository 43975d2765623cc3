"""core.event_pages: PageIds derived from addresses equal a plain restatement of the rule, and grow with time."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from tests.sql_models import Row, computed
from tests.strategies_customers import tried

MIDNIGHT = dt.datetime(2026, 3, 1)
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
PAUSES = [dt.timedelta(seconds=s) for s in (0, 1, 60, 1799, 1800, 1801, 7200, 40_000)]
ADDRESSES = ["https://shop.example/", "https://shop.example/p/1", "https://shop.example/p/1?a=b", "/cart"]


@st.composite
def logs(draw: st.DrawFn) -> list[Row]:
    """Rows of raw.events of eight devices, in any order; some have a PageId or a page type, some are of bots."""
    rows: list[Row] = []
    for device in "abcdefgh":  # many devices in each example: opening a DuckDB session takes longer than their rows
        time = MIDNIGHT + draw(st.sampled_from([0 * HOUR, 10 * HOUR, 23 * HOUR]))
        for _ in range(draw(st.integers(0, 9))):
            time += draw(st.sampled_from(PAUSES))
            rows.append(
                {
                    "event_id": f"e{len(rows)}",
                    "device_id": device,
                    "event_type": draw(st.sampled_from(["page_view", "click", "exposure", "heartbeat"])),
                    "event_rank": draw(st.integers(0, 2)),
                    "page_id": draw(st.sampled_from([None, None, None, 7])),
                    "page_type": draw(st.sampled_from([None, None, "landing"])),
                    "page_url": draw(st.sampled_from(ADDRESSES)),
                    "referrer": draw(st.sampled_from([None, "https://shop.example/", "/cart"])),
                    "is_bot": draw(st.sampled_from([None, None, False, True])),
                    "device_time": time,
                    "dt": time.date(),
                }
            )
    return draw(st.permutations(rows))


def restated(rows: list[Row]) -> dict[str, int]:
    """event_id → derived PageId, in plain loops."""
    found: dict[str, int] = {}
    open_pages: dict[tuple[str, str | None], int] = {}
    last: Row | None = None
    number = 0
    for row in sorted(rows, key=lambda r: (r["device_id"], r["device_time"], r["event_rank"], r["event_id"])):
        if row["event_type"] == "heartbeat" or row["is_bot"] or row["page_id"] is not None:
            continue
        is_new_day = last is None or (row["device_id"], row["dt"]) != (last["device_id"], last["dt"])
        number = 1 if is_new_day else number + 1
        if is_new_day or row["device_time"] - last["device_time"] > dt.timedelta(minutes=30):
            open_pages = {}
        page = open_pages.setdefault((row["page_url"], row["referrer"]), number)
        found[row["event_id"]] = (row["dt"] - dt.date(1970, 1, 1)).days * 10**9 + page
        last = row
    return found


def derived(rows: list[Row], days: set[dt.date], *, day_by_day: bool = False) -> dict[str, int]:
    """event_id → derived PageId, as the model computes it."""
    pages = computed(
        ["core.event_pages"], {"raw.events": rows, "raw.superseded_events": []}, days, day_by_day=day_by_day
    )["core.event_pages"]
    return {row["event_id"]: row["page_id"] for row in pages if row["page_id"] is not None}


@tried(8)
@given(logs())
def test_derived_page_ids_equal_the_plain_loop(rows: list[Row]) -> None:
    days = {row["dt"] for row in rows} or {MIDNIGHT.date()}
    assert derived(rows, days) == restated(rows)
    assert derived(rows, days, day_by_day=True) == restated(rows)


def test_page_ids_grow_from_day_to_day() -> None:
    late = {"device_id": "a", "event_type": "click", "event_rank": 2, "page_url": "/"}
    times = [MIDNIGHT + 23 * HOUR + n * dt.timedelta(seconds=1) for n in range(3000)]
    rows = [late | {"event_id": f"e{n}", "device_time": t, "dt": t.date()} for n, t in enumerate(times)]
    rows += [late | {"event_id": "next", "device_time": MIDNIGHT + DAY, "dt": (MIDNIGHT + DAY).date()}]
    found = derived(rows, {row["dt"] for row in rows})
    assert found["next"] > max(page for event, page in found.items() if event != "next")
