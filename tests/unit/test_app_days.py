"""Which days a page compares, what it says if it compares none, and which hours of the open day are full."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dashboards.app.context import Context
from dashboards.app.pages.today import full_hours
from dashboards.app.shell import MENU, days_note
from dashboards.app.view import PAGES, View
from dashboards.numbers import Language
from pipelines.home.settings import Settings

LAST = dt.date(2026, 5, 31)


def context(page: str, first_event: dt.date, language: Language = "en") -> Context:
    """The last week on *page*, in a shop with orders of 100 days, whose events begin on *first_event*."""
    days = tuple(LAST - dt.timedelta(days=back) for back in range(99, -1, -1))
    events = tuple(day for day in days if day >= first_event)
    copy: Any = SimpleNamespace(
        has=lambda _: True, days=days, days_of=lambda _: events, settings=Settings(), open_from=lambda now: now.date()
    )
    view = View(page, LAST - dt.timedelta(days=6), LAST, language=language)
    return Context(view, cast("Any", copy), "admin", dt.datetime(2026, 6, 2, tzinfo=dt.UTC))


# The comparison days begin on 18 May, and the window of 30 days before them on 18 April.
@pytest.mark.parametrize(
    ("page", "first_event", "is_compared"),
    [
        ("overview", "2026-05-20", True),
        ("entrances", "2026-05-20", True),
        ("journeys", "2026-04-18", True),
        ("journeys", "2026-04-19", False),
        ("channels", "2026-04-19", False),
        ("models", "2026-04-19", False),
        ("channels", "2026-05-20", False),
        ("funnel", "2026-05-17", True),
        ("funnel", "2026-05-19", False),
    ],
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_touches_are_compared_only_after_a_full_window(page, first_event, is_compared, language):
    shown = context(page, dt.date.fromisoformat(first_event), language)
    assert shown.days.is_recorded_then == is_compared
    note = days_note(shown)
    assert "2026-05-18" in note
    assert is_compared == (first_event not in note)
    is_window_named = not is_compared and first_event <= "2026-05-18"
    assert any(words in note for words in ("30-day window", "30 天归因窗口")) == is_window_named


def test_the_menu_has_every_page_once():
    names = [name for part in MENU for name in ([part] if isinstance(part, str) else part[1])]
    assert sorted(names) == sorted(PAGES)


def row(hour: int, events: int = 1) -> dict[str, Any]:
    return {"hour": hour, "events": events}


@pytest.mark.parametrize(
    ("rows", "landed", "expected"),
    [
        ([row(8), row(9)], "2026-03-02T02:00:00", 10),  # 10:00 in Shanghai
        ([row(8), row(9)], "2026-03-02T01:59:59", 9),
        ([row(8), row(9)], "2026-03-02T16:00:00", 10),  # the next day
        ([row(0)], "2026-03-01T16:30:00", 0),
        ([row(8), row(12, events=0)], "2026-03-02T03:00:00", 9),  # orders have landed, but no events since 9:00
        ([row(8, events=0), row(9, events=0)], "2026-03-02T02:00:00", 10),  # a shop without an event log
        ([], "2026-03-02T02:00:00", 0),
    ],
)
def test_an_hour_is_full_when_a_file_was_written_after_it(rows, landed, expected):
    found = full_hours(rows, dt.datetime.fromisoformat(landed), dt.date(2026, 3, 2), "Asia/Shanghai")
    assert found == expected
