"""Grids of counts: who moved from where to where, and how many of a cohort came back.

Here: figures over customers.rfm_migration, products.quadrant_migration and customers.cohorts.
Not here: queries, texts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.look import BLUES, GREY, INK, ORANGE, Look, base, plain, text_width, wrapped

NEW, LEFT, ENTERED = "(new)", "(left)", "(entered)"
"""Where members come from and go to that are in no cell."""

_LETTERS_ACROSS = 64
"""Latin letters that fit above the columns of a grid."""
_AXIS, _LETTER, _DIGIT = 30, 6.2, 6.8
"""Pixels of the title left of a grid, of a letter beside it, of a digit in it."""
_NARROW = 460
"""Pixels below which the narrow layout is taken (page.js)."""


def migration_grid(look: Look, frame: pl.DataFrame, names: Mapping[str, str], unit: str) -> go.Figure:
    """Members by where they were (rows) and where they are (columns): columns from_key, to_key, members.

    A cell is coloured by its share of the row; those who stayed are framed. *names* gives the keys' names in
    their order, *unit* is the text key of what is counted. Keys that no row has are left out, unknown ones stand last.
    In fewer pixels than ``layout.meta["min_width"]`` the numbers would run into each other.
    """
    counts: dict[tuple[str, str], int] = {}
    for row in frame.iter_rows(named=True):
        counts[row["from_key"], row["to_key"]] = row["members"]
    sources = ordered({source for source, _ in counts}, names)
    targets = ordered({target for _, target in counts}, names)
    figure = base(look, 40 * len(sources) + 130)
    if not counts:
        return figure
    sums = {source: sum(counts.get((source, target), 0) for target in targets) for source in sources}
    shares = [
        [counts.get((s, t), 0) / sums[s] if sums[s] and (s, t) in counts else None for t in targets] for s in sources
    ]
    figure.add_heatmap(
        x=list(range(len(targets))),
        y=list(range(len(sources))),
        z=shares,
        zmin=0,
        zmax=1,
        text=[[look.numbers.short(counts[s, t]) if (s, t) in counts else "" for t in targets] for s in sources],
        texttemplate="%{text}",
        textfont={"size": 12, "color": INK},
        hovertext=[
            [
                f"{plain(names.get(s, s))} → {plain(names.get(t, t))}<br>{look.text(unit)} "
                f"{look.numbers.full(counts.get((s, t), 0))} · {look.numbers.percent(share)}"
                for t, share in zip(targets, row, strict=True)
            ]
            for s, row in zip(sources, shares, strict=True)
        ],
        hoverinfo="text",
        hoverongaps=False,
        colorscale=BLUES,
        showscale=False,
        xgap=2,
        ygap=2,
    )
    across = [plain(names.get(key, key), 20) for key in targets]
    is_tight = max(map(text_width, across)) * len(across) > _LETTERS_ACROSS
    for source in set(sources) & set(targets):
        x, y = targets.index(source), sources.index(source)
        figure.add_shape(
            type="rect", x0=x - 0.47, x1=x + 0.47, y0=y - 0.47, y1=y + 0.47, line={"color": ORANGE, "width": 2}
        )
    figure.update_xaxes(
        tickvals=list(range(len(targets))),
        ticktext=across,
        range=[-0.5, len(targets) - 0.5],
        side="top",
        ticks="",
        title_text=look.text("axis.to"),
        tickangle=-40 if is_tight else 0,
        tickfont={"size": 11},
    )
    figure.update_yaxes(
        tickvals=list(range(len(sources))),
        ticktext=[
            f"{wrapped(names.get(key, key), 16)} <span style='color:{GREY}'>{look.numbers.short(sums[key])}</span>"
            for key in sources
        ],
        range=[len(sources) - 0.5, -0.5],
        ticks="",
        title_text=look.text("axis.from"),
        tickfont={"size": 11},
    )
    right = 64 if is_tight else 8
    digits = max(text_width(look.numbers.short(count)) for count in counts.values())
    beside = max(
        min(text_width(names.get(key, key)), 16) + text_width(look.numbers.short(sums[key])) for key in sources
    )
    least = round(_AXIS + _LETTER * beside + len(targets) * (_DIGIT * digits + 4))
    figure.update_layout(
        margin={"r": right},
        meta={
            "narrow": {"xaxis.tickangle": -90, "margin.r": 8},
            "min_width": least + 8 if least + 8 < _NARROW else least + right,
        },
    )
    return figure


def ordered(keys: set[str], names: Mapping[str, str]) -> list[str]:
    """*keys* in the order of *names*, unknown ones after them, those in no cell last."""
    outside = [key for key in (NEW, ENTERED, LEFT) if key in keys]
    known = [key for key in names if key in keys and key not in outside]
    return [*known, *sorted(keys - set(names) - set(outside)), *outside]


def cohort_triangle(look: Look, frame: pl.DataFrame, *, months: Sequence[int] | None = None) -> go.Figure:
    """Of each month's new customers, how many bought again in the months after.

    Columns cohort_month, months_since, customers, retained, retention_rate (null: not over yet, blank). *months*: the
    months after the first that are shown; default: all observed but the first, in which everybody bought.
    """
    cohorts = sorted({(row["cohort_month"], row["customers"]) for row in frame.iter_rows(named=True)})
    observed = frame.filter(pl.col("retention_rate").is_not_null())
    later = sorted(set(observed["months_since"]) - {0})
    cells = {(row["cohort_month"], row["months_since"]): row for row in frame.iter_rows(named=True)}
    shown = list(months if months is not None else later) or [0]
    figure = base(look, 36 * len(cohorts) + 100)
    if not cohorts:
        return figure

    def cell(month: dt.date, since: int) -> dict[str, object] | None:
        row = cells.get((month, since))
        return row if row is not None and row["retention_rate"] is not None else None

    grid = [[cell(month, since) for since in shown] for month, _ in cohorts]
    figure.add_heatmap(
        x=list(range(len(shown))),
        y=list(range(len(cohorts))),
        z=[[row["retention_rate"] if row else None for row in line] for line in grid],
        zmin=0,
        text=[[look.numbers.percent(_float(row["retention_rate"])) if row else "" for row in line] for line in grid],
        texttemplate="%{text}",
        textfont={"size": 12, "color": INK},
        hovertext=[
            [
                f"{_month(row['cohort_month'])} + {row['months_since']}<br>"
                f"{look.numbers.full(_float(row['retained']))} / {look.numbers.full(_float(row['customers']))} · "
                f"{look.numbers.full_percent(_float(row['retention_rate']))}"
                if row
                else ""
                for row in line
            ]
            for line in grid
        ],
        hoverinfo="text",
        hoverongaps=False,
        colorscale=BLUES,
        showscale=False,
        xgap=2,
        ygap=2,
    )
    figure.update_xaxes(
        tickvals=list(range(len(shown))),
        ticktext=[f"+{since}" if since else "0" for since in shown],
        range=[-0.5, len(shown) - 0.5],
        side="top",
        ticks="",
        title_text=look.text("axis.months_since"),
    )
    figure.update_yaxes(
        tickvals=list(range(len(cohorts))),
        ticktext=[f"{_month(month)}  n={look.numbers.short(customers)}" for month, customers in cohorts],
        range=[len(cohorts) - 0.5, -0.5],
        ticks="",
        tickfont={"color": INK},
    )
    return figure


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _month(month: object) -> str:
    return f"{month:%Y-%m}" if isinstance(month, dt.date) else ""
