"""One restored path: a shopper's actions since the entrance, page by page, and which of them led to its last step.

Here: the figure over the rows of attribution.path_steps for one path, which ends for example with an add-to-cart.
Not here: finding the path, texts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.look import BLUE, GREY, INK, LINE, ORANGE, PAPER, SMALL, SOFT_INK, TEXT, base, plain
from dashboards.locale import Locale

Kind = Literal["head", "kept", "end", "backtracked", "superseded"]
KINDS: tuple[Kind, ...] = ("head", "kept", "end", "backtracked", "superseded")

_LANE = 74
_STEP = 108
"""Height of a lane in pixels, and the least width of a step at which the labels of two steps do not touch."""
_LETTERS = 15
_MARKS: dict[Kind, dict[str, Any]] = {
    "head": {"symbol": "star", "size": 26, "color": ORANGE, "line": {"color": PAPER, "width": 1.5}},
    "kept": {"symbol": "circle", "size": 22, "color": BLUE, "line": {"color": PAPER, "width": 1.5}},
    "end": {"symbol": "diamond", "size": 26, "color": BLUE, "line": {"color": PAPER, "width": 1.5}},
    "backtracked": {"symbol": "square", "size": 16, "color": PAPER, "line": {"color": GREY, "width": 2}},
    "superseded": {"symbol": "circle", "size": 14, "color": PAPER, "line": {"color": GREY, "width": 2}},
}


def kind_of(row: Mapping[str, Any]) -> Kind:
    """The kind of the step that *row* of attribution.path_steps describes; its name is the text ``step.<kind>``."""
    if row["effective_step_no"] is None:
        return "superseded"
    if row["role"] == "head":
        return "head"
    if row["role"] == "end":
        return "end"
    return "backtracked" if row["stack_step_no"] is None else "kept"


def shapes(locale: Locale) -> dict[str, str]:
    """Kind of step → name of the shape that it is drawn with, for the text that explains the figure."""
    return {
        kind: locale.text(f"shape.{'hollow_' if mark['color'] == PAPER else ''}{mark['symbol']}")
        for kind, mark in _MARKS.items()
    }


def path_timeline(locale: Locale, frame: pl.DataFrame, entrance: str) -> go.Figure:
    """Steps from left to right in the order of the device's clock, pages as lanes, the newest page lowest.

    Lines run along the lane of a page until the next step.

    Columns step_no, role, device_time (in the shop's time zone), page_id, page_type, module, slot, product (its name,
    or null), effective_step_no, stack_step_no. *entrance* is the name of the entrance that the path is credited to.
    The thick line is the restored path; the dotted line is all actions. Steps that are not on the path are hollow,
    and their hover says why. ``layout.meta["width"]`` is the width in pixels that the labels need.
    """
    rows = frame.sort("step_no").to_dicts()
    pages = sorted({row["page_id"] for row in rows})
    figure = base(locale, max(_LANE * len(pages) + 92, 170))
    if not rows:
        return figure
    lanes = {page: place for place, page in enumerate(pages)}
    kinds = [kind_of(row) for row in rows]
    _draw_lanes(figure, len(pages), len(rows))
    _draw_lines(figure, rows, kinds, lanes)
    for kind in KINDS:
        chosen = [place for place, found in enumerate(kinds) if found == kind]
        if chosen:
            _draw_marks(locale, figure, kind, chosen, rows, lanes)
    _write_labels(locale, figure, rows, kinds, lanes, entrance)
    figure.update_xaxes(
        tickvals=list(range(len(rows))),
        ticktext=_clock(locale, [row["device_time"] for row in rows]),
        range=[-0.6, len(rows) - 0.4],
        side="top",
        showline=False,
        tickfont={"size": SMALL, "color": SOFT_INK},
    )
    types = {row["page_id"]: locale.text.name("page_type", str(row["page_type"])) for row in rows}
    figure.update_yaxes(
        tickvals=list(range(len(pages))),
        ticktext=[f"<b>{plain(types[page], 18)}</b><br>PageId {page}" for page in pages],
        range=[len(pages) - 0.4, -0.55],
        showline=False,
        tickfont={"size": TEXT, "color": INK},
    )
    figure.update_layout(
        showlegend=True,
        legend={"y": -0.02, "yanchor": "top", "itemclick": False, "itemdoubleclick": False},
        meta={"width": _STEP * len(rows) + 130},
    )
    return figure


def _draw_lanes(figure: go.Figure, pages: int, steps: int) -> None:
    figure.update_layout(
        shapes=[
            {
                "type": "line",
                "layer": "below",
                "x0": -0.5,
                "x1": steps - 0.5,
                "y0": lane,
                "y1": lane,
                "line": {"color": LINE, "width": 1},
            }
            for lane in range(pages)
        ]
    )


def _draw_lines(
    figure: go.Figure, rows: Sequence[Mapping[str, Any]], kinds: Sequence[Kind], lanes: Mapping[int, int]
) -> None:
    """The line of all actions, and above it the line of the restored path."""
    every = list(range(len(rows)))
    kept = [place for place in every if kinds[place] in ("head", "kept", "end")]
    for places, line in (
        (every, {"color": GREY, "width": 1.5, "dash": "dot", "shape": "hv"}),
        (kept, {"color": BLUE, "width": 4, "shape": "hv"}),
    ):
        figure.add_scatter(
            x=places,
            y=[lanes[rows[place]["page_id"]] for place in places],
            mode="lines",
            line=line,
            hoverinfo="skip",
            showlegend=False,
        )


def _draw_marks(
    locale: Locale,
    figure: go.Figure,
    kind: Kind,
    places: Sequence[int],
    rows: Sequence[Mapping[str, Any]],
    lanes: Mapping[int, int],
) -> None:
    figure.add_scatter(
        x=list(places),
        y=[lanes[rows[place]["page_id"]] for place in places],
        mode="markers+text",
        marker=_MARKS[kind],
        text=[str(rows[place]["stack_step_no"] or "") for place in places],
        textfont={"size": SMALL, "color": PAPER},
        textposition="middle center",
        name=locale.text(f"step.{kind}"),
        hovertext=[_hover(locale, rows[place], kind) for place in places],
        hoverinfo="text",
        cliponaxis=False,
    )


def _hover(locale: Locale, row: Mapping[str, Any], kind: Kind) -> str:
    lines = [
        f"<b>{plain(_place(locale, row), 60)}</b>",
        plain(row["product"], 60) if row["product"] else "",
        f"{plain(locale.text.name('page_type', str(row['page_type'])))} · PageId {row['page_id']}",
        f"{row['device_time']:%Y-%m-%d %H:%M:%S}",
        f"<i>{locale.text(f'step.{kind}')}</i>: {locale.text(f'step_reason.{kind}')}",
    ]
    return "<br>".join(line for line in lines if line)


def _place(locale: Locale, row: Mapping[str, Any]) -> str:
    """The place of the click: module and slot."""
    module = locale.text.name("module", str(row["module"] or ""))
    slot = locale.text("slot.number", n=row["slot"]) if row["slot"] is not None else ""
    return " · ".join(part for part in (module, slot) if part)


def _write_labels(
    locale: Locale,
    figure: go.Figure,
    rows: Sequence[Mapping[str, Any]],
    kinds: Sequence[Kind],
    lanes: Mapping[int, int],
    entrance: str,
) -> None:
    labels = []
    for place, (row, kind) in enumerate(zip(rows, kinds, strict=True)):
        is_kept = kind in ("head", "kept", "end")
        where = [locale.text.name("module", str(row["module"]))] if row["module"] is not None else []
        where += [str(row["slot"])] if row["slot"] is not None else []
        lines = [plain(" · ".join(where), _LETTERS)]
        if row["product"]:
            lines.append(plain(row["product"], _LETTERS))
        if kind == "head":
            lines = [f"<b>{locale.text('path.entrance')}</b>", f"<b>{plain(entrance, _LETTERS)}</b>"]
        elif kind == "end":
            lines[0] = f"<b>{locale.text('path.cart')}</b>"
        # A line from a lower lane would cross a label below the point, so such a label stands above it.
        lane = lanes[row["page_id"]]
        is_above = place > 0 and lanes[rows[place - 1]["page_id"]] > lane
        before = next((n for n in range(place - 1, -1, -1) if kinds[n] in ("head", "kept")), None)
        is_beside = is_above and is_kept and before is not None and lanes[rows[before]["page_id"]] < lane
        labels.append(
            {
                "x": place,
                "y": lane,
                "xshift": 14 if is_beside else 0,
                "xanchor": "left" if is_beside else "center",
                "yshift": (4 if is_beside else 15) if is_above else -15,
                "yanchor": "bottom" if is_above else "top",
                "text": "<br>".join(lines),
                "showarrow": False,
                "align": "left" if is_beside else "center",
                "font": {"size": SMALL, "color": INK if is_kept else SOFT_INK},
                "bgcolor": "rgba(255,255,255,0.72)",
                "borderpad": 0,
            }
        )
    figure.update_layout(annotations=labels)


def _clock(locale: Locale, times: Sequence[dt.datetime]) -> list[str]:
    """The time of day of the first step, and the delay of each other step after it."""
    first = times[0]
    return [f"{first:%H:%M:%S}", *(_after(locale, (time - first).total_seconds()) for time in times[1:])]


def _after(locale: Locale, seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return locale.text("after.seconds", n=whole)
    if whole < 3600:
        return locale.text("after.minutes", n=whole // 60, s=f"{whole % 60:02d}")
    return locale.text("after.hours", n=whole // 3600, m=f"{whole % 3600 // 60:02d}")
