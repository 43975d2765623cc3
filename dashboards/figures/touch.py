"""Touchpoints: shares by model, learned effects with their intervals, distributions of days and path lengths.

Here: figures over attribution.model_daily, model_effects and touch_lag_daily.
Not here: queries, texts, sales by one model (``dashboards.figures.bars``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from dashboards.figures.axes import round_values
from dashboards.figures.course import value_axis
from dashboards.figures.look import BLUE, GREY, INK, LINE, ORANGE, SAND, SKY, base, plain, wrapped
from dashboards.locale import Locale
from dashboards.metrics import full_text, tick_text

_ROW = 34
_NAME_WIDTH = 28
_NARROW_NAME_WIDTH = 16

_MARKS = {
    "fused": (INK, "star"),
    "first": (BLUE, "triangle-right"),
    "last": (ORANGE, "triangle-left"),
    "linear": (GREY, "circle"),
    "position_based": (SKY, "square"),
    "time_decay": (SAND, "diamond"),
    "markov": ("#2a9d8f", "cross"),
    "shapley": ("#8e5ea2", "x"),
}
"""Colour and symbol of each model: models can be told apart without colour too."""


def share_ranges(
    locale: Locale, names: Sequence[str], shares: Mapping[str, Sequence[float | None]], hovers: Sequence[str]
) -> go.Figure:
    """A row for each touchpoint of *names*, the first on top: its share by each model, and a line from least to most.

    *shares* maps each model to its shares, one per touchpoint; None is not drawn. *hovers* are HTML for Plotly.
    """
    figure = _rows(locale, names, 40 if len(shares) <= 4 else 62)
    everything = [share for values in shares.values() for share in values if share is not None]
    for place in range(len(names)):
        own = [share for share in (values[place] for values in shares.values()) if share is not None]
        if own:
            figure.add_scatter(
                x=[min(own), max(own)],
                y=[place, place],
                mode="lines",
                line={"color": LINE, "width": 8},
                hoverinfo="skip",
                showlegend=False,
            )
    for model, values in shares.items():
        color, symbol = _MARKS[model]
        figure.add_scatter(
            x=list(values),
            y=list(range(len(names))),
            mode="markers",
            marker={"symbol": symbol, "size": 11, "color": color, "line": {"color": INK, "width": 0.6}},
            name=plain(locale.text(f"model.{model}")),
            hovertext=list(hovers),
            hoverinfo="text",
            cliponaxis=False,
        )
    _value_axis(locale, figure, "share_rate", [0.0, *everything])
    figure.update_layout(showlegend=True)
    return figure


def effect_intervals(
    locale: Locale,
    metric: str,
    names: Sequence[str],
    effects: Sequence[tuple[float, float | None, float | None]],
    are_small: Sequence[bool],
    hovers: Sequence[str],
) -> go.Figure:
    """A row for each touchpoint of *names*: its effect as a point, and its 95 % interval as a line.

    Args:
        locale: The language.
        metric: The metric of the effects, which gives the unit.
        names: The names of the touchpoints, the first on top.
        effects: For each the effect, and the low and high end of its interval; None without an interval.
        are_small: For each, whether its sample is small; its point is then hollow.
        hovers: HTML for Plotly.
    """
    figure = _rows(locale, names, 10)
    values = [effect for effect, _, _ in effects]
    figure.add_scatter(
        x=values,
        y=list(range(len(names))),
        mode="markers",
        marker={
            "symbol": ["circle-open" if is_small else "circle" for is_small in are_small],
            "size": 10,
            "color": BLUE,
            "line": {"color": BLUE, "width": 2},
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [0.0 if high is None else high - effect for effect, _, high in effects],
            "arrayminus": [0.0 if low is None else effect - low for effect, low, _ in effects],
            "color": ORANGE,
            "thickness": 2,
            "width": 5,
        },
        hovertext=list(hovers),
        hoverinfo="text",
        cliponaxis=False,
    )
    ends = [end for effect in effects for end in effect if end is not None]
    _value_axis(locale, figure, metric, [0.0, *ends])
    return figure


def distribution(
    locale: Locale,
    metric: str,
    title: str,
    buckets: Sequence[str],
    values: Sequence[float | None],
    earlier: Sequence[float | None] | None = None,
) -> go.Figure:
    """*metric* of each bucket as bars, and on the comparison days (*earlier*) as a line; *title* names the buckets."""
    figure = base(locale, 280)
    figure.add_bar(
        x=list(range(len(buckets))),
        y=list(values),
        marker_color=BLUE,
        name=locale.text("legend.these_days"),
        hovertext=[_hover(locale, metric, title, *pair) for pair in zip(buckets, values, strict=True)],
        hoverinfo="text",
    )
    if earlier is not None:
        figure.add_scatter(
            x=list(range(len(buckets))),
            y=list(earlier),
            mode="lines+markers",
            line={"color": ORANGE, "width": 2, "dash": "dash"},
            marker={"symbol": "square", "size": 6, "color": ORANGE},
            name=locale.text("legend.those_days"),
            hovertext=[_hover(locale, metric, title, *pair) for pair in zip(buckets, earlier, strict=True)],
            hoverinfo="text",
        )
    step = max(1, -(-len(buckets) // 16))
    ticks = list(range(len(buckets) - 1, -1, -step))  # always label the last bucket, such as "20+"
    narrow = ticks[:: max(1, -(-len(ticks) // 6))]
    figure.update_xaxes(
        tickvals=ticks, ticktext=[plain(buckets[tick]) for tick in ticks], title_text=title, tickangle=0
    )
    value_axis(locale, figure, metric, [value for value in (*values, *(earlier or ())) if value is not None])
    figure.update_yaxes(title_text=locale.text.name("metric", metric))
    figure.update_layout(
        showlegend=earlier is not None,
        bargap=0.2,
        margin={"t": 12},
        meta={"narrow": {"xaxis.tickvals": narrow, "xaxis.ticktext": [plain(buckets[tick]) for tick in narrow]}},
    )
    return figure


def _rows(locale: Locale, names: Sequence[str], above: int) -> go.Figure:
    """An empty figure with a row for each of *names*, and *above* pixels for a legend."""
    figure = base(locale, max(_ROW * len(names) + above + 34, 130))
    places = list(range(len(names)))
    figure.update_yaxes(
        tickvals=places,
        ticktext=[wrapped(name, _NAME_WIDTH) for name in names],
        range=[len(names) - 0.45, -0.55],
        showline=False,
        showgrid=True,
    )
    figure.update_layout(meta={"narrow": {"yaxis.ticktext": [wrapped(name, _NARROW_NAME_WIDTH) for name in names]}})
    return figure


def _value_axis(locale: Locale, figure: go.Figure, metric: str, values: Sequence[float]) -> None:
    """Set up the horizontal axis for *values* of *metric*, some of which may be negative."""
    low, high = min(values), max(values) or 1.0
    ticks = round_values(low, high, 5)
    pad = (high - low) * 0.04
    figure.update_xaxes(
        tickvals=ticks,
        ticktext=[tick_text(locale.numbers, metric, tick) for tick in ticks],
        range=[low - pad, high + pad],
        showgrid=True,
        zeroline=True,
        zerolinecolor=GREY,
    )
    meta = figure.layout.meta
    figure.update_layout(
        meta={
            "narrow": {
                **meta["narrow"],
                "xaxis.tickvals": ticks[::2],
                "xaxis.ticktext": [tick_text(locale.numbers, metric, tick) for tick in ticks[::2]],
            }
        }
    )


def _hover(locale: Locale, metric: str, title: str, bucket: str, value: float | None) -> str:
    name, shown = locale.text.name("metric", metric), full_text(locale.numbers, metric, value)
    return f"{plain(title)}: {plain(bucket)}<br>{name} {shown}"
