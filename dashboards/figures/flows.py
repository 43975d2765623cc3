"""Paths of many shoppers, as a Sankey diagram and as an icicle.

Here: figures over attribution.path_summary.
Not here: one path (``dashboards.figures.path``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import plotly.graph_objects as go

from dashboards.figures.look import BLUE, GREY, INK, ORANGE, PALE, PAPER, SAND, SKY, SMALL, TEXT, base, clear, plain
from dashboards.locale import Locale
from dashboards.metrics import full_text, short_text

MOST_STEPS = 6
MOST_NODES = 7
"""Maximum nodes in one column; the rest are one node, "Other (n)"."""
MOST_PATHS = 24
"""Maximum paths drawn step by step; of the rest, the steps between the first and the last are "Other (n)"."""

OTHER = "(other)"
LATER = "(later)"
"""Replaces the middle steps of a long path."""

_COLORS = (BLUE, ORANGE, "#2a9d8f", "#8e5ea2", SAND, SKY, "#b5567a", "#6f8f3a")
"""Colours of the steps with the most weight, the heaviest first; all other steps are grey."""
_NAME_WIDTH = 34
_NODE_HEIGHT = 64
"""Height in pixels of a node with the space below it, in the column with the most nodes."""
_COLUMN_WIDTH = 190

Paths = Mapping[tuple[str, ...], float]
"""Path → its weight; a path is its steps, each ``page_type.module``."""


@dataclass(frozen=True)
class Folded:
    """Paths simplified for drawing.

    Attributes:
        paths: Simplified path → its weight.
        replaced: (Simplified path, index of a step that is OTHER) → the names of the steps that it replaces.
    """

    paths: dict[tuple[str, ...], float]
    replaced: dict[tuple[tuple[str, ...], int], set[str]]

    def others(self, place_of: Callable[[tuple[str, ...], int], int]) -> dict[int, int]:
        """Place → how many steps OTHER replaces there; *place_of* returns the place of a path's step."""
        names: dict[int, set[str]] = defaultdict(set)
        for (path, step), replaced in self.replaced.items():
            names[place_of(path, step)] |= replaced
        return {place: len(found) for place, found in names.items()}


def folded(paths: Paths) -> Folded:
    """*paths* simplified for drawing.

    A path of more than MOST_STEPS steps keeps its first steps and its last one; LATER replaces those between. Of the
    paths beyond the MOST_PATHS with the most weight, OTHER replaces all steps between the first and the last. Of more
    than MOST_NODES steps at the same place, those with the most weight are kept; OTHER replaces the rest. All last
    steps count as one place, because the Sankey diagram shows them in one column.
    """
    short: dict[tuple[str, ...], float] = defaultdict(float)
    for path, weight in paths.items():
        cut = path if len(path) <= MOST_STEPS else (*path[: MOST_STEPS - 2], LATER, path[-1])
        short[cut] += weight
    ranked = sorted(short, key=lambda path: (-short[path], path))
    steps = [_merged(path, is_kept=place < MOST_PATHS) for place, path in enumerate(ranked)]
    weights: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for path, merged in zip(ranked, steps, strict=True):
        for place, (name, _) in enumerate(merged):
            weights[_place(place, len(merged))][name] += short[path]
    kept = {place: _heaviest(found) for place, found in weights.items()}
    made: dict[tuple[str, ...], float] = defaultdict(float)
    replaced: dict[tuple[tuple[str, ...], int], set[str]] = defaultdict(set)
    for path, merged in zip(ranked, steps, strict=True):
        names = tuple(
            name if name in kept[_place(place, len(merged))] else OTHER for place, (name, _) in enumerate(merged)
        )
        made[names] += short[path]
        for place, name in enumerate(names):
            if name == OTHER:
                replaced[names, place] |= merged[place][1]
    return Folded(dict(made), dict(replaced))


def _merged(path: tuple[str, ...], *, is_kept: bool) -> list[tuple[str, set[str]]]:
    """The steps of *path*, each with the names of the steps that it replaces, or its own.

    If not *is_kept*, one step replaces those between the first and the last.
    """
    if is_kept or len(path) < 3:
        return [(name, {name}) for name in path]
    return [(path[0], {path[0]}), (OTHER, set(path[1:-1])), (path[-1], {path[-1]})]


def _place(step: int, length: int) -> int:
    """The place of the step with index *step* in a path of *length* steps; −1 for the last one."""
    return -1 if step == length - 1 else step


def _heaviest(weights: Mapping[str, float]) -> set[str]:
    """The names with the most weight; together with OTHER there are at most MOST_NODES."""
    ranked = sorted((name for name in weights if name != OTHER), key=lambda name: (-weights[name], name))
    is_all = len(ranked) + (OTHER in weights) <= MOST_NODES
    return set(ranked if is_all else ranked[: MOST_NODES - 1]) | {OTHER}


def path_sankey(locale: Locale, paths: Paths, metric: str) -> go.Figure:
    """Steps of paths from left to right; a node's height and label show its *metric*.

    The last column has the last step of every path. A flow has the colour of the step that it comes from.
    """
    found = folded(paths)
    if not found.paths:
        return base(locale, 460)
    total = sum(found.paths.values())
    last = max(map(len, found.paths)) - 1
    others = found.others(lambda path, step: last if step == len(path) - 1 else step)
    weights, links = _flows(found.paths, last)
    order = sorted(weights, key=lambda node: (node[0], -weights[node], node[1]))
    place_of = {node: place for place, node in enumerate(order)}
    colors = _colors(weights)
    rows = max(Counter(column for column, _ in order).values())
    figure = base(locale, max(_NODE_HEIGHT * rows + 40, 320))
    figure.add_sankey(
        arrangement="snap",
        node={
            "label": [
                f"{_step(locale, node[1], others.get(node[0], 0))} · "
                f"{short_text(locale.numbers, metric, weights[node])}"
                for node in order
            ],
            "color": [colors[name] for _, name in order],
            "line": {"color": PAPER, "width": 0.5},
            "pad": 24,
            "thickness": 12,
            "align": "left",
            "customdata": [
                _node_hover(locale, node, others.get(node[0], 0), metric, weights[node], total) for node in order
            ],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
        link={
            "source": [place_of[source] for source, _ in links],
            "target": [place_of[target] for _, target in links],
            "value": list(links.values()),
            "color": [clear(colors[source[1]], 0.3) for source, _ in links],
            "customdata": [
                f"{_step(locale, source[1], others.get(source[0], 0))} → "
                f"{_step(locale, target[1], others.get(target[0], 0))}<br>"
                f"{full_text(locale.numbers, metric, value)} · {locale.numbers.percent(value / total)}"
                for (source, target), value in links.items()
            ],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
        textfont={"color": INK, "size": TEXT},
    )
    figure.update_layout(
        margin={"l": 4, "r": 4, "t": 20, "b": 20},
        meta={"min_width": _COLUMN_WIDTH * (last + 1), "notes": _notes(locale, paths)},
    )
    return figure


def _notes(locale: Locale, paths: Paths) -> tuple[str, ...]:
    """The note that only the first paths are drawn step by step; empty if all paths are."""
    if len(paths) <= MOST_PATHS:
        return ()
    return (locale.text("flows.most", n=MOST_PATHS, m=locale.numbers.full(len(paths) - MOST_PATHS)),)


def _colors(weights: Mapping[_Node, float]) -> dict[str, str]:
    """Step → its colour, the same in every column."""
    sums: dict[str, float] = defaultdict(float)
    for (_, name), weight in weights.items():
        sums[name] += weight
    ranked = sorted((name for name in sums if name not in (OTHER, LATER)), key=lambda name: (-sums[name], name))
    return dict.fromkeys(sums, GREY) | dict(zip(ranked, _COLORS, strict=False))


_Node = tuple[int, str]


def _flows(
    made: Mapping[tuple[str, ...], float], last: int
) -> tuple[dict[_Node, float], dict[tuple[_Node, _Node], float]]:
    """The weight of each node, and of each link between two nodes, in the simplified paths *made*.

    A node is a step's column and name; the last step of every path is in column *last*.
    """
    weights: dict[_Node, float] = defaultdict(float)
    links: dict[tuple[_Node, _Node], float] = defaultdict(float)
    for path, weight in made.items():
        nodes = [(last if place == len(path) - 1 else place, name) for place, name in enumerate(path)]
        for node in nodes:
            weights[node] += weight
        for source, target in pairwise(nodes):
            links[source, target] += weight
    return weights, links


def path_icicle(locale: Locale, paths: Paths, metric: str) -> go.Figure:
    """Paths as boxes: the next steps stand below each step; the width of a box is its share of *metric*."""
    found = folded(paths)
    made, others = found.paths, found.others(lambda _, step: step)
    figure = base(locale, 380)
    if not made:
        return figure
    sums: dict[tuple[str, ...], float] = defaultdict(float)
    for path, weight in made.items():
        for length in range(1, len(path) + 1):
            sums[path[:length]] += weight
    total = sum(made.values())
    root = locale.text("flows.all")
    prefixes = sorted(sums, key=lambda prefix: (len(prefix), -sums[prefix], prefix))
    numbers = {prefix: number for number, prefix in enumerate([(), *prefixes])}
    figure.add_icicle(
        ids=list(map(str, numbers.values())),
        parents=["", *(str(numbers[prefix[:-1]]) for prefix in prefixes)],
        labels=[root, *(_step(locale, prefix[-1], others.get(len(prefix) - 1, 0)) for prefix in prefixes)],
        values=[total, *(sums[prefix] for prefix in prefixes)],
        branchvalues="total",
        tiling={"orientation": "v"},
        text=[short_text(locale.numbers, metric, value) for value in (total, *(sums[prefix] for prefix in prefixes))],
        textinfo="label+text",
        customdata=[full_text(locale.numbers, metric, value) for value in (total, *(sums[p] for p in prefixes))],
        hovertemplate="%{label}<br>%{customdata} · %{percentRoot:.1%}<extra></extra>",
        marker={
            "colors": [GREY, *(ORANGE if len(p) == 1 else SKY if len(p) % 2 else PALE for p in prefixes)],
            "line": {"color": PAPER, "width": 1.5},
        },
        textfont={"size": TEXT},
        pathbar={"visible": False},
        sort=False,
    )
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 4, "b": 4},
        uniformtext={"minsize": SMALL, "mode": "hide"},
        meta={"min_width": 640, "notes": _notes(locale, paths)},
    )
    return figure


def _node_hover(locale: Locale, node: tuple[int, str], others: int, metric: str, weight: float, total: float) -> str:
    share = locale.numbers.percent(weight / total)
    return f"<b>{_step(locale, node[1], others)}</b><br>{full_text(locale.numbers, metric, weight)} · {share}"


def _step(locale: Locale, name: str, others: int) -> str:
    if name == OTHER:
        return locale.text("flows.other", n=others)
    if name == LATER:
        return locale.text("flows.later")
    return plain(step_name(locale, name), _NAME_WIDTH)


def step_name(locale: Locale, step: str) -> str:
    """The display name of a step ``page_type.module``."""
    page, _, module = step.partition(".")
    names = [locale.text.name("page_type", page)]
    if module and module != "(none)":
        names.append(locale.text.name("module", module))
    return " · ".join(names)


def path_name(locale: Locale, steps: Sequence[str]) -> str:
    """The display name of a path."""
    return " → ".join(step_name(locale, step) for step in steps)
