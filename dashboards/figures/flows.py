"""Paths of many shoppers, as a Sankey diagram and as an icicle.

Here: figures over attribution.path_summary.
Not here: one path (``dashboards.figures.path``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

import plotly.graph_objects as go

from dashboards.figures.look import BLUE, GREY, INK, ORANGE, PALE, PAPER, SKY, base, plain
from dashboards.locale import Locale
from dashboards.metrics import full_text, short_text

MOST_STEPS = 6
MOST_NODES = 8
"""Maximum nodes in one step; the rest are one node, "Other (n)"."""

_LABELLED = 0.015
"""Smallest share of the total at which a node gets a label; smaller nodes' labels would overlap."""

OTHER = "(other)"
LATER = "(later)"
"""Replaces the middle steps of a long path."""

Paths = Mapping[tuple[str, ...], float]
"""Path → its weight; a path is its steps, each ``page_type.module``."""


def folded(paths: Paths) -> tuple[dict[tuple[str, ...], float], dict[int, int]]:
    """*paths* simplified for drawing, and the number of nodes that OTHER replaces, by index of the step.

    A path of more than MOST_STEPS steps keeps its first steps and its last one; LATER replaces those between. A step
    with more than MOST_NODES nodes keeps those with the most weight; OTHER replaces the rest.
    """
    short: dict[tuple[str, ...], float] = defaultdict(float)
    for path, weight in paths.items():
        cut = path if len(path) <= MOST_STEPS else (*path[: MOST_STEPS - 2], LATER, path[-1])
        short[cut] += weight
    kept: dict[int, set[str]] = {}
    others: dict[int, int] = {}
    for step in range(MOST_STEPS):
        weights: dict[str, float] = defaultdict(float)
        for path, weight in short.items():
            if step < len(path):
                weights[path[step]] += weight
        ranked = sorted(weights, key=lambda name: (-weights[name], name))
        kept[step] = set(ranked if len(ranked) <= MOST_NODES else ranked[: MOST_NODES - 1])
        others[step] = len(ranked) - len(kept[step])
    made: dict[tuple[str, ...], float] = defaultdict(float)
    for path, weight in short.items():
        made[tuple(name if name in kept[step] else OTHER for step, name in enumerate(path))] += weight
    return dict(made), others


def path_sankey(locale: Locale, paths: Paths, metric: str) -> go.Figure:
    """Steps of paths from left to right; a node's height and label show its *metric*.

    The last column has the last step of every path.
    """
    made, others = folded(paths)
    figure = base(locale, 460)
    if not made:
        return figure
    total = sum(made.values())
    last = max(map(len, made)) - 1
    weights, links = _flows(made, last)
    order = sorted(weights, key=lambda node: (node[0], -weights[node], node[1]))
    place_of = {node: place for place, node in enumerate(order)}
    figure.add_sankey(
        arrangement="snap",
        node={
            "label": [
                f"{_step(locale, name, others[step])} · {short_text(locale.numbers, metric, weights[step, name])}"
                if weights[step, name] >= _LABELLED * total
                else ""
                for step, name in order
            ],
            "color": [ORANGE if step == 0 else BLUE if step == last else SKY for step, _ in order],
            "line": {"color": PAPER, "width": 0.5},
            "pad": 14,
            "thickness": 14,
            "align": "left",
            "customdata": [_node_hover(locale, node, others[node[0]], metric, weights[node], total) for node in order],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
        link={
            "source": [place_of[source] for source, _ in links],
            "target": [place_of[target] for _, target in links],
            "value": list(links.values()),
            "color": PALE,
            "customdata": [
                f"{_step(locale, source[1], others[source[0]])} → {_step(locale, target[1], others[target[0]])}<br>"
                f"{full_text(locale.numbers, metric, value)}"
                for (source, target), value in links.items()
            ],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
        textfont={"color": INK, "size": 12},
    )
    figure.update_layout(margin={"l": 4, "r": 4, "t": 10, "b": 10}, meta={"min_width": 150 * (last + 1)})
    return figure


_Node = tuple[int, str]


def _flows(
    made: Mapping[tuple[str, ...], float], last: int
) -> tuple[dict[_Node, float], dict[tuple[_Node, _Node], float]]:
    """The weight of each node, and of each link between two nodes, in the simplified paths *made*.

    A node is the column of a step and its name; the last step of every path is in column *last*.
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
    made, others = folded(paths)
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
        labels=[root, *(_step(locale, prefix[-1], others[len(prefix) - 1]) for prefix in prefixes)],
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
        textfont={"size": 12},
        pathbar={"visible": False},
        sort=False,
    )
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 4, "b": 4},
        uniformtext={"minsize": 10, "mode": "hide"},
        meta={"min_width": 640},
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
    return plain(step_name(locale, name), 24)


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
