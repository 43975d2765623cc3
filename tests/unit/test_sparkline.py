"""The small line chart beside a number: its points, gaps and colours."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from dashboards.app.sparkline import IN_CARD, sparkline


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ([0, 5, 10], ["M3.0 23.0L52.0 13.0L101.0 3.0"]),
        ([1, None, 1, 1], ["M3.0 3.0", "M68.3 3.0L101.0 3.0"]),
        ([0, 0], ["M3.0 23.0L101.0 23.0"]),
        ([None, None], []),
        ([4], ["M3.0 3.0"]),
    ],
)
def test_a_small_line_runs_from_zero_to_the_largest(values: list[float | None], lines: list[str]) -> None:
    svg = unquote(sparkline(values, "light").removeprefix("data:image/svg+xml,"))
    assert all(f'stroke-width="1.5" d="{line}"' in svg for line in lines)
    assert svg.count('stroke-width="1.5"') == len(lines)
    assert svg.count("stroke-linecap") == bool(lines)


def test_a_small_line_has_the_colours_of_the_theme() -> None:
    assert sparkline([1, 2], "light") != sparkline([1, 2], "dark")


def test_negative_values_are_below_zero() -> None:
    svg = unquote(sparkline([-10, 10], "light", IN_CARD))
    assert 'd="M3.0 53.0L277.0 3.0"' in svg
    assert 'd="M3.0 28.0L' in svg, "the area reaches to 0, which is in the middle"
