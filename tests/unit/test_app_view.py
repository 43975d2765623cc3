"""Addresses of pages: a view is written to an address and read back unchanged; wrong values are ignored."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.app.view import (
    COMPARISONS,
    PAGES,
    PRESETS,
    View,
    compared_days,
    preset_days,
    read_view,
)

DAY = dt.date(2026, 5, 20)
days = st.dates(dt.date(2000, 1, 1), dt.date(2100, 1, 1))


@given(
    page=st.sampled_from(PAGES),
    span=st.one_of(st.none(), st.tuples(days, days).map(sorted)),
    compare=st.sampled_from(COMPARISONS),
    language=st.sampled_from(["zh", "en"]),
    theme=st.sampled_from(["light", "dark"]),
    filters=st.dictionaries(st.sampled_from(["q", "sku", "entrance", "slot"]), st.text(min_size=1, max_size=40)),
)
def test_an_address_gives_the_view_that_it_was_made_of(page, span, compare, language, theme, filters):
    first, last = span or (None, None)
    view = View(page, first, last, compare, language, theme, filters)
    assert read_view(view.path, view.query) == view


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("?from=2026-05-20&to=2026-05-01", View(first=dt.date(2026, 5, 1), last=DAY)),
        ("?from=yesterday&to=2026-02-30", View()),
        ("?lang=fr&theme=pink&compare=never", View()),
        ("?" + "&".join(f"k{n}=1" for n in range(500)), View()),
        ("?q=" + "x" * 5000, View(filters={"q": "x" * 200})),
        ("?q=", View()),
        ("", View()),
    ],
)
def test_what_an_address_says_wrong_is_left_out(query, wanted):
    assert read_view("/", query) == wanted


def test_wrong_days_and_comparisons_are_left_to_the_page():
    view = read_view("/", "?from=yesterday&to=2026-02-30&compare=never")
    assert view.unread == {"from": "yesterday", "to": "2026-02-30", "compare": "never"}
    assert read_view("/", view.query).unread == {}
    assert read_view("/", "?from=2026-05-01&to=&compare=year").unread == {}


@pytest.mark.parametrize("path", ["/nothing", "/overview/more", "/..", "/export", "//evil.example"])
def test_other_pages_are_not_there(path):
    assert read_view(path, "") is None


def test_the_browsers_language_is_taken_where_none_is_named():
    assert read_view("/", "", "zh").language == "zh"
    assert read_view("/", "?lang=en", "zh").language == "en"


def test_another_page_keeps_the_days_and_drops_the_filters():
    view = View("entrances", DAY, DAY, "year", "zh", "dark", {"entrance": "search"})
    assert view.to("paths", find="SO1") == View("paths", DAY, DAY, "year", "zh", "dark", {"find": "SO1"})
    assert view.to(slot="home|feed|1").filters == {"entrance": "search", "slot": "home|feed|1"}
    assert view.to(entrance=None).filters == {}


@given(days, st.integers(0, 1000), st.sampled_from(["previous", "year"]))
def test_compared_days_are_earlier_ones_of_the_same_weekdays(first, length, compare):
    last = first + dt.timedelta(days=length)
    then = compared_days(first, last, compare)
    assert then is not None
    assert then[1] - then[0] == last - first
    assert (first - then[0]).days % 7 == 0
    assert then[1] < first
    assert (first - then[0]).days - length <= (7 if compare == "previous" else 364)


def test_without_a_comparison_there_are_no_compared_days():
    assert compared_days(DAY, DAY, "none") is None


@given(st.sampled_from(PRESETS), days, st.integers(0, 800))
def test_presets_lie_within_the_days_that_there_are(preset, earliest, span):
    newest = earliest + dt.timedelta(days=span)
    first, last = preset_days(preset, earliest, newest)
    assert earliest <= first <= last
    assert last <= newest or preset == "last_month"


@pytest.mark.parametrize(
    ("preset", "first", "last"),
    [
        ("day", "2026-05-20", "2026-05-20"),
        ("7", "2026-05-14", "2026-05-20"),
        ("28", "2026-04-23", "2026-05-20"),
        ("month", "2026-05-01", "2026-05-20"),
        ("last_month", "2026-04-01", "2026-04-30"),
        ("all", "2025-01-01", "2026-05-20"),
    ],
)
def test_presets_end_with_the_newest_day(preset, first, last):
    found = preset_days(preset, dt.date(2025, 1, 1), DAY)
    assert found == (dt.date.fromisoformat(first), dt.date.fromisoformat(last))


@pytest.mark.parametrize("preset", ["7", "90", "day", "all"])
def test_before_the_first_day_of_all_there_is_none(preset):
    assert preset_days(preset, DAY, dt.date.min)[0] == DAY


@pytest.mark.parametrize(
    ("address", "is_of_days"),
    [
        ("/", True),
        ("/quality", True),
        ("/quality?part=tracking", True),
        ("/quality?part=files", False),
        ("/quality?part=checks", False),
        ("/quality?part=lineage", False),
        ("/search?q=tea", False),
        ("/sql", False),
    ],
)
def test_a_page_has_dates_if_they_change_it(address, is_of_days):
    path, _, query = address.partition("?")
    view = read_view(path, query)
    assert view is not None
    assert view.is_of_days is is_of_days
