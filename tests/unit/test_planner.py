"""Stale days become runs: days in a row on which the same tables are stale."""

from __future__ import annotations

import datetime as dt

from pipelines.planner import Segment, segments


def day(number: int) -> dt.date:
    return dt.date(2026, 3, number)


def test_days_in_a_row_with_the_same_tables_are_one_segment():
    stale = {"a": [day(1), day(2), day(3), day(7)], "b": [day(3), day(7)], "whole": [None]}
    assert segments(stale) == [
        Segment(day(1), day(2), frozenset("a")),
        Segment(day(3), day(3), frozenset("ab")),
        Segment(day(7), day(7), frozenset("ab")),
    ]


def test_a_late_day_and_its_look_back():
    stale = {"events": [day(5)], "paths": [day(5), day(6)], "sales": [day(n) for n in range(5, 10)]}
    found = segments(stale)
    assert [(s.first.day, s.last.day, sorted(s.tables)) for s in found] == [
        (5, 5, ["events", "paths", "sales"]),
        (6, 6, ["paths", "sales"]),
        (7, 9, ["sales"]),
    ]
    assert found[2].days == [day(7), day(8), day(9)]


def test_nothing_stale_is_no_segment():
    assert segments({}) == []
