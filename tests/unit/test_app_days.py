"""Which days a page compares, what it says if it compares none, and which hours of the open day are full."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
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


def context(
    page: str, first_event: dt.date, language: Language = "en", first_days: Mapping[str, dt.date] | None = None
) -> Context:
    """The context of *page* for the last week. The shop has orders of 100 days, and events since *first_event*."""
    days = tuple(LAST - dt.timedelta(days=back) for back in range(99, -1, -1))
    events = tuple(day for day in days if day >= first_event)
    copy: Any = SimpleNamespace(
        has=lambda _: True,
        days=days,
        days_of=lambda _: events,
        settings=Settings(),
        open_from=lambda now: now.date(),
        first_days=first_days or {},
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


@pytest.mark.parametrize(
    ("page", "filters", "is_as_of"),
    [
        ("products", {}, True),
        ("products", {"part": "list"}, True),
        ("products", {"sku": "A"}, False),
        ("customers", {"part": "value"}, True),
        ("customers", {"user": "u"}, False),
        ("journeys", {}, False),
        ("journeys", {"part": "paths"}, True),
        ("models", {"part": "effects"}, True),
        ("models", {}, False),
        ("overview", {"part": "paths"}, False),
    ],
)
@pytest.mark.parametrize(("language", "said"), [("en", "not the 7 days selected"), ("zh", "不是所选的 7 天")])
def test_pages_as_of_a_day_do_not_claim_the_days_selected(page, filters, is_as_of, language, said):
    shown = context(page, dt.date(2026, 1, 1), language)
    shown = replace(shown, view=replace(shown.view, filters=filters))
    note = days_note(shown)
    assert (said in note) == is_as_of
    assert ("2026-05-25" in note) != is_as_of
    if is_as_of:
        assert not shown.view.compares
        assert "2026-05-18" not in note


# The days shown begin on 25 May.
@pytest.mark.parametrize(
    ("page", "visitors", "new_visitors", "is_told"),
    [
        ("overview", "2026-05-25", "2026-06-30", False),
        ("overview", "2026-05-26", "2026-06-30", True),
        ("retention", "2026-05-01", "2026-05-25", False),
        ("retention", "2026-05-01", "2026-05-26", True),
    ],
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_days_of_deleted_events_are_told(page, visitors, new_visitors, is_told, language):
    days = {"core.visitors": visitors, "core.first_visits": new_visitors}
    first_days = {table: dt.date.fromisoformat(day) for table, day in days.items()}
    note = days_note(context(page, dt.date(2026, 1, 1), language, first_days))
    assert ("2026-05-26" in note) == is_told
    assert any(words in note for words in ("events are deleted", "旧事件已")) == is_told


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_without_details_names_no_command(language):
    deleted = context("paths", dt.date(2026, 1, 1), language, {"attribution.paths": dt.date(2026, 6, 1)})
    assert "2026-06-01" in deleted.nothing_there("empty.days").text
    assert deleted.nothing_there("empty.days").remedy == ""
    partly = context("paths", dt.date(2026, 1, 1), language, {"attribution.paths": LAST})
    assert "headwater run" in partly.nothing_there("empty.days").remedy


@pytest.mark.parametrize(("page", "is_compared"), [("overview", True), ("models", True), ("journeys", False)])
def test_days_of_deleted_events_are_compared_by_totals(page, is_compared):
    assert context(page, dt.date(2026, 1, 1)).days.is_recorded_then
    deleted = context(page, dt.date(2026, 1, 1), first_days={"attribution.paths": dt.date(2026, 5, 19)})
    assert deleted.days.is_recorded_then == is_compared


def test_the_menu_has_every_page_once():
    names = [name for part in MENU for name in ([part] if isinstance(part, str) else part[1])]
    assert sorted(names) == sorted(PAGES)


def row(hour: int, events: int = 1) -> dict[str, Any]:
    return {"hour": hour, "events": events}


@pytest.mark.parametrize(
    ("rows", "landed", "expected"),
    [
        ([row(8), row(9)], "2026-03-02T02:00:00", 10),  # a file was written at 10:00 in Shanghai
        ([row(8), row(9)], "2026-03-02T01:59:59", 9),
        ([row(8), row(9)], "2026-03-02T16:00:00", 10),  # a file was written on the next day
        ([row(0)], "2026-03-01T16:30:00", 0),
        ([row(8), row(12, events=0)], "2026-03-02T03:00:00", 9),  # orders have landed, but no events since 9:00
        ([row(8, events=0), row(9, events=0)], "2026-03-02T02:00:00", 10),  # a shop without an event log
        ([], "2026-03-02T02:00:00", 0),
    ],
)
def test_an_hour_is_full_when_a_file_was_written_after_it(rows, landed, expected):
    found = full_hours(rows, dt.datetime.fromisoformat(landed), dt.date(2026, 3, 2), "Asia/Shanghai")
    assert found == expected
