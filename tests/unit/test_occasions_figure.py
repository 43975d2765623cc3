"""Occasions of the calendar, such as promotions, drawn into charts over time: days as bands, a single day as a line."""

from __future__ import annotations

import datetime as dt

import polars as pl

from dashboards.figures.course import course
from dashboards.figures.occasions import Shown, add_occasions
from dashboards.locale import Locale

FIRST = dt.date(2026, 11, 1)


def figure(number: int = 14):
    frame = pl.DataFrame(
        {"dt": [FIRST + dt.timedelta(days=n) for n in range(number)], "revenue": [float(n) for n in range(number)]}
    )
    return course(Locale("en", "CNY"), frame, "revenue")


def occasion(first: int, last: int, name: str = "Sale") -> Shown:
    return Shown(FIRST + dt.timedelta(days=first), FIRST + dt.timedelta(days=last), name, f"{name} in full")


def test_several_days_are_a_band_and_one_day_a_line():
    chart = figure()
    add_occasions(chart, [occasion(2, 4), occasion(9, 9, "Launch")])
    band, line = chart.layout.shapes
    assert (band.type, band.x0, band.x1) == ("rect", 1.5, 4.5)
    assert (line.type, line.x0, line.x1) == ("line", 9, 9)
    assert [(one.text, one.x, one.hovertext) for one in chart.layout.annotations] == [
        ("Sale", 3, "Sale in full"),
        ("Launch", 9, "Launch in full"),
    ]


def test_an_occasion_is_cut_at_the_ends_of_the_chart():
    chart = figure()
    add_occasions(chart, [occasion(-5, 1), occasion(13, 40), occasion(20, 30)])
    assert [(one.x0, one.x1) for one in chart.layout.shapes] == [(-0.5, 1.5), (13, 13)]


def test_names_that_would_overlap_are_dots():
    chart = figure(90)
    add_occasions(chart, [occasion(30, 30, "Winter launch"), occasion(32, 32, "Price change")])
    assert [one.text for one in chart.layout.annotations] == ["Winter launch", "●"]
    narrow = chart.layout.meta["narrow"]["annotations"]
    assert narrow[1]["hovertext"] == "Price change in full"


def test_markup_in_a_name_is_shown_as_text():
    chart = figure()
    add_occasions(chart, [occasion(3, 3, "<b>x</b>")])
    assert chart.layout.annotations[0].text == "&lt;b&gt;x&lt;/b&gt;"


def test_a_chart_without_days_stays_as_it_is():
    chart = figure()
    chart.update_layout(meta={})
    add_occasions(chart, [occasion(2, 4)])
    assert not chart.layout.shapes
    assert not chart.layout.annotations


def test_the_legend_stands_above_the_names():
    chart = figure()
    chart.update_layout(showlegend=True)
    at = chart.layout.legend.y
    add_occasions(chart, [occasion(2, 4)])
    assert chart.layout.legend.y > at
