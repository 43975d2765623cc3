"""Stale days are grouped into segments: consecutive days that have the same stale tables."""

from __future__ import annotations

import datetime as dt

from pipelines.compute.planner import Segment, segments
from pipelines.lake.partitions import DaySpan


def day(number: int) -> dt.date:
    return dt.date(2026, 3, number)


def every(*tables: str, days: int = 9) -> dict[str, dict]:
    return {table: {day(n): "v" for n in range(1, days + 1)} for table in tables}


def test_days_in_a_row_with_the_same_tables_are_one_segment():
    stale = {"a": [day(1), day(2), day(3), day(7)], "b": [day(3), day(7)], "whole": [None]}
    assert segments(stale, every("a", "b") | {"whole": {None: "v"}}) == [
        Segment(DaySpan(day(1), day(2)), frozenset("a")),
        Segment(DaySpan(day(3), day(3)), frozenset("ab")),
        Segment(DaySpan(day(7), day(7)), frozenset("ab")),
    ]


def test_a_late_day_and_its_look_back():
    stale = {"events": [day(5)], "paths": [day(5), day(6)], "sales": [day(n) for n in range(5, 10)]}
    found = segments(stale, every("events", "paths", "sales"))
    assert [(s.span.first.day, s.span.last.day, sorted(s.tables)) for s in found] == [
        (5, 5, ["events", "paths", "sales"]),
        (6, 6, ["paths", "sales"]),
        (7, 9, ["sales"]),
    ]
    assert found[2].span.days == [day(7), day(8), day(9)]


def test_nothing_stale_is_no_segment():
    assert segments({}, {}) == []


def test_a_day_without_a_partition_ends_no_segment():
    stale = {"sales": [day(n) for n in range(1, 6)], "refunds": [day(2), day(4)]}
    expected = every("sales") | {"refunds": {day(2): "v", day(4): "v"}}
    assert segments(stale, expected) == [Segment(DaySpan(day(1), day(5)), frozenset({"sales", "refunds"}))]


def test_a_day_that_is_up_to_date_ends_a_segment():
    stale = {"sales": [day(1), day(2), day(4)]}
    assert [(s.span.first.day, s.span.last.day) for s in segments(stale, every("sales"))] == [(1, 2), (4, 4)]
    only_stale = {"sales": dict.fromkeys(stale["sales"], "v")}
    assert [(s.span.first.day, s.span.last.day) for s in segments(stale, only_stale)] == [(1, 4)]
