"""The session tables' SQL equals the reference implementation in plain loops, whichever days are computed together."""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipelines.home.settings import SessionSettings, Settings
from tests.reference_sessions import Rules, restate_sessions
from tests.sql_models import Row, computed
from tests.strategies_customers import tried

TABLES = ("core.event_sources", "core.session_starts", "core.sessions")
MIDNIGHT = dt.datetime(2026, 3, 1)
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)
NOTHING: Row = {}
SAYS = [
    *[NOTHING] * 4,
    {"utm_source": "weibo", "utm_medium": "social"},
    {"utm_source": "weibo", "utm_medium": "social"},
    {"utm_source": "(direct)", "utm_medium": "(none)"},
    {"utm_campaign": "may"},
    {"click_id": "gclid"},
    {"page_url": "https://shop.example/?fbclid=1"},
    {"page_url": "https://shop.example/?utm_source=weibo&utm_medium=social"},
    {"referrer": "https://m.baidu.com/"},
    {"referrer": "https://www.shop.example/cart"},
    {"referrer": "https://www.paypal.com/"},
]


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[Row], SessionSettings]:
    """Rows of core.events of twelve devices over up to five days, in any order, and settings.

    Pauses between events are near the session timeout of the settings, and some sessions would last longer than a day.
    """
    timeout = draw(st.sampled_from([1, 30, 30, 720]))
    pause = timeout * MINUTE
    pauses = [0 * MINUTE, pause / 3, pause / 2, pause - dt.timedelta(milliseconds=1), pause, 3 * pause]
    rows: list[Row] = []
    # Each example has many devices, because opening a DuckDB session takes longer than computing their rows.
    for number, device in enumerate("abcdefghijkl"):
        time = MIDNIGHT + draw(st.sampled_from([10 * HOUR, 24 * HOUR - pause / 2, 24 * HOUR - pause]))
        for _ in range(draw(st.integers(0, 10))):
            time += draw(st.sampled_from(pauses))
            event_type, rank = draw(st.sampled_from([("page_view", 0), ("click", 2), ("exposure", 1)]))
            row = {
                "event_id": f"e{len(rows)}",
                "device_id": device,
                "person_id": draw(st.sampled_from(["device:" + device] * 4 + [f"ann{number % 2}", f"ben{number % 2}"])),
                "event_type": event_type,
                "event_rank": rank,
                "page_id": draw(st.sampled_from([None, 7, 8])),
                "page_type": draw(st.sampled_from(["home", "list"])),
                "page_url": "https://shop.example/",
                "device_time": time + draw(st.sampled_from([0 * HOUR, 0 * HOUR, -5 * HOUR])),
                "occurred_at": time,
                "dt": time.date(),
            }
            rows.append({**dict.fromkeys(("referrer", "utm_source", "utm_medium", "utm_campaign", "click_id")), **row})
            rows[-1] |= draw(st.sampled_from(SAYS))
    settings = SessionSettings(
        timeout_minutes=timeout, new_at_midnight=draw(st.booleans()), new_at_campaign=draw(st.integers(0, 3)) > 0
    )
    return draw(st.permutations(rows)), settings


def rows_by_key(rows: list[Row]) -> dict[Any, Row]:
    found = {row.get("session_id") or row["event_id"]: row for row in rows}
    assert len(found) == len(rows), "a key occurs twice"
    return found


def all_in_order(tables: dict[str, list[Row]]) -> dict[str, dict[Any, Row]]:
    return {name: rows_by_key(tables[name]) for name in TABLES}


@tried(2)
@given(logs())
def test_sessions_equal_the_plain_loops(log: tuple[list[Row], SessionSettings]) -> None:
    rows, sessions = log
    days = {row["dt"] for row in rows} or {MIDNIGHT.date()}
    expected = all_in_order(restate_sessions(rows, Rules(**sessions.model_dump())))
    settings = Settings(sessions=sessions)
    for day_by_day in (False, True):
        seen = computed(TABLES, {"core.events": rows}, days, settings, day_by_day=day_by_day)
        assert all_in_order(seen) == expected


@tried(1)
@given(logs())
def test_every_event_is_in_one_session(log: tuple[list[Row], SessionSettings]) -> None:
    """The page views of all sessions sum to those of the log, if sessions end at midnight."""
    rows, sessions = log
    days = {row["dt"] for row in rows} or {MIDNIGHT.date()}
    settings = Settings(sessions=SessionSettings(**{**sessions.model_dump(), "new_at_midnight": True}))
    seen = computed(TABLES, {"core.events": rows}, days, settings)["core.sessions"]
    assert sum(row["page_views"] for row in seen) == sum(row["event_type"] == "page_view" for row in rows)
