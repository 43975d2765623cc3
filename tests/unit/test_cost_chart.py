"""The chart of costs by size."""

from __future__ import annotations

from xml.etree import ElementTree

from benchmarks.chart import svg
from benchmarks.measure import Figure, Pair, Run

SVG = "{http://www.w3.org/2000/svg}"


def figure(name: str, rows: int, processor_seconds: float) -> Figure:
    return Figure(name, rows, (Run(processor_seconds, processor_seconds, 1, 0),))


def test_a_cost_that_grows_like_the_rows_is_horizontal() -> None:
    sizes = (100_000, 1_000_000, 10_000_000)
    found = [Pair(figure("sort <rows>", n, n / 1e6), figure("limit", n, n**1.5 / 1e9)) for n in sizes]
    tree = ElementTree.fromstring(svg({"attribution": found}))
    texts = [text.text for text in tree.iter(f"{SVG}text")]
    assert {"sort <rows>", "limit", "100,000", "1,000,000", "10,000,000"} <= set(texts)
    points = [
        [tuple(map(float, point.split(","))) for point in (line.get("points") or "").split()]
        for line in tree.iter(f"{SVG}polyline")
    ]
    job, limit = (line for line in points if len(line) == len(sizes))
    assert len({y for _, y in job}) == 1
    heights = [y for _, y in limit]
    assert heights == sorted(heights, reverse=True)  # in SVG, y grows downwards
    assert len(set(heights)) == len(sizes)
    assert [x for x, _ in job] == [x for x, _ in limit]
