"""The small line beside a number: where its points are, and its gaps."""

from __future__ import annotations

import re
from urllib.parse import unquote

from dashboards.app.sparkline import HEIGHT, WIDTH, sparkline


def drawn(values: list[float | None]) -> str:
    """The image as SVG."""
    return unquote(sparkline(values, "Sales by day", "#000000").src)


def points(svg: str) -> list[tuple[float, float]]:
    """The points of the line, which is the last path."""
    path = re.findall(r"<path d='([^']*)'", svg)[-1]
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+),([\d.]+)", path)]


def test_higher_values_are_higher_and_later_ones_to_the_right():
    (left, low), (middle, high), (right, between) = points(drawn([0.0, 10.0, 5.0]))
    assert 0 <= left < middle < right <= WIDTH
    assert HEIGHT >= low > between > high >= 0
    assert between == (low + high) / 2


def test_zero_is_the_ground_unless_values_are_negative():
    assert points(drawn([10.0, 10.0]))[0][1] < HEIGHT / 2, "equal values are above 0, not at the bottom"
    (_, first), (_, second) = points(drawn([-10.0, 10.0]))
    assert first > second


def test_an_unknown_value_is_a_gap():
    svg = drawn([1.0, 2.0, None, 3.0])
    path = re.findall(r"<path d='([^']*)'", svg)[-1]
    assert path.count("M") == 2
    assert len(points(svg)) == 3
    assert svg.count("<path") == 1, "no ground below a line with gaps"


def test_without_any_value_nothing_is_drawn():
    svg = drawn([None, None])
    assert "<line" not in svg
    assert points(svg) == []


def test_one_value_is_a_dot():
    assert drawn([4.0]).count("<line") == 1
