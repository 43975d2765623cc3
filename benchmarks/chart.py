"""Cost against size: the jobs of the speed table at several sizes, as a table in Markdown and as a chart in SVG.

Here: measuring the jobs at each size, the table, the drawing.
Not here: the jobs and their limits (``benchmarks.pairs``).
"""

from __future__ import annotations

import argparse
import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from html import escape
from pathlib import Path

from benchmarks import pairs
from benchmarks.measure import Figure, Pair

SIZES = (100_000, 1_000_000, 10_000_000)

_COLOURS = {"attribution": "#1f77b4", "ingestion": "#d62728", "customers": "#2ca02c", "products": "#9467bd"}
_WIDTH, _HEIGHT = 860, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 330, 50, 60

Job = Callable[[Path, int, argparse.Namespace], Pair]

_JOBS: dict[str, Job] = {
    "attribution": lambda scratch, rows, given: pairs.attribution(scratch, rows, given.runs, given.memory),
    "ingestion": lambda scratch, rows, given: pairs.ingestion(scratch, rows, given.runs),
    "customers": lambda scratch, rows, given: pairs.customers(scratch, rows, given.runs),
    "products": lambda scratch, rows, given: pairs.products(scratch, rows, given.runs),
}
"""The jobs whose number of rows can be chosen."""

_MOST = {"products": 1_000_000}
"""Job → the largest size to measure. No shop has more products, and ten million would take an hour."""


def draw(arguments: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """Measure the jobs at each of ``arguments.sizes``, write the chart, and yield the lines of the table."""
    yield "| job | rows | processor s | of a million rows | peak MB | ratio to the limit, of processor time |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    measured: dict[str, list[Pair]] = {}
    for name in (name for name in _JOBS if name in arguments.jobs):
        for rows in (size for size in arguments.sizes if size <= _MOST.get(name, size)):
            folder = scratch / f"{name}-{rows}"
            folder.mkdir()
            pair = _JOBS[name](folder, rows, arguments)
            measured.setdefault(name, []).append(pair)
            yield _row(pair.job, pair.job.processor_seconds / pair.limit.processor_seconds)
            yield _row(pair.limit)
            shutil.rmtree(folder)
    arguments.chart.write_text(svg(measured), encoding="utf-8")


def _row(figure: Figure, ratio: float | None = None) -> str:
    shown = "" if ratio is None else f"{ratio:.2f}"
    return (
        f"| {figure.name.strip()} | {figure.rows:,} | {figure.processor_seconds:.1f} | {_cost(figure):.2f} "
        f"| {figure.peak / 1e6:,.0f} | {shown} |"
    )


def _cost(figure: Figure) -> float:
    """Processor seconds per million rows."""
    return figure.processor_seconds / figure.rows * 1e6


def svg(measured: dict[str, list[Pair]]) -> str:
    """A chart of the cost of a million rows against the number of rows, both on logarithmic axes."""
    figures = [figure for found in measured.values() for pair in found for figure in (pair.job, pair.limit)]
    x = _Axis([figure.rows for figure in figures], _LEFT, _WIDTH - _RIGHT)
    y = _Axis([_cost(figure) for figure in figures], _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12" fill="#333">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        _text(_LEFT, 22, "Processor seconds of a million rows, by the number of rows", size=15),
        _text(_LEFT, _HEIGHT - 16, "rows; a horizontal line is a cost that grows like the rows"),
    ]
    for value in x.ticks:
        parts += [_line([(x(value), _TOP), (x(value), _HEIGHT - _BOTTOM)], "#ddd"), _tick(x(value), value)]
    for value in y.ticks:
        parts += [
            _line([(_LEFT, y(value)), (_WIDTH - _RIGHT, y(value))], "#ddd"),
            _text(_LEFT - 8, y(value) + 4, f"{value:g}", anchor="end"),
        ]
    legend = _TOP + 10.0
    for name, found in measured.items():
        for side, dashes in ((lambda pair: pair.job, ""), (lambda pair: pair.limit, "5 4")):
            points = [(x(side(pair).rows), y(_cost(side(pair)))) for pair in found]
            parts.append(_line(points, _COLOURS[name], dashes, width=2))
            parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{_COLOURS[name]}"/>' for a, b in points]
            label = side(found[-1]).name.strip() if dashes else name_of(found[-1].job)
            at = _WIDTH - _RIGHT + 20
            parts += [_line([(at, legend - 4), (at + 26, legend - 4)], _COLOURS[name], dashes, width=2)]
            parts.append(_text(at + 34, legend, label))
            legend += 20
        legend += 8
    return "\n".join([*parts, "</svg>"]) + "\n"


def name_of(figure: Figure) -> str:
    """The job without its size, which differs from point to point."""
    return " ".join(word for word in figure.name.split() if not word.replace(",", "").isdecimal())


class _Axis:
    """A logarithmic axis over *values*, in pixels from *first* to *last*; its ticks are powers of ten."""

    def __init__(self, values: Sequence[float], first: float, last: float) -> None:
        self._low, self._high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        self._first, self._last = first, last
        self.ticks = [10.0**power for power in range(self._low, self._high + 1)]

    def __call__(self, value: float) -> float:
        share = (math.log10(value) - self._low) / max(self._high - self._low, 1)
        return self._first + share * (self._last - self._first)


def _tick(x: float, value: float) -> str:
    return _text(x, _HEIGHT - _BOTTOM + 18, f"{value:,.0f}", anchor="middle")


def _text(x: float, y: float, text: str, *, size: int = 12, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">{escape(text)}</text>'


def _line(points: Sequence[tuple[float, float]], colour: str, dashes: str = "", width: float = 1) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dashes}"/>'
    )
