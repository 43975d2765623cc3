"""Grids of counts: moves between groups, and how many customers of a cohort bought again.

Here: figures over customers.rfm_migration, products.quadrant_migration and customers.cohorts.
Not here: queries, texts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.heat import Cell, add_heat
from dashboards.figures.look import INK, ORANGE, SMALL, SOFT_INK, base, plain, text_width, wrapped
from dashboards.locale import Locale

NEW, LEFT, ENTERED = "(new)", "(left)", "(entered)"
"""Keys for members without a group: new customers, customers or products that left, products that entered."""

_LETTERS_ACROSS = 64
"""Maximum Latin letters in a column title of a grid."""
_AXIS, _LETTER, _DIGIT = 30, 6.2, 6.8
"""Widths in pixels: of the title at the left of a grid, of a letter in its row names, of a digit in its cells."""
_NARROW = 460
"""Below this width in pixels page.js uses the narrow layout."""


def migration_grid(locale: Locale, frame: pl.DataFrame, names: Mapping[str, str], unit: str) -> go.Figure:
    """Members by earlier group (rows) and group now (columns): columns from_key, to_key, members.

    A cell is coloured by its share of the row; unmoved members are framed. *names* maps the keys to names, in their
    order; *unit* is the text key of the unit. Keys without a row are not shown, unknown keys come last. At less than
    ``layout.meta["min_width"]`` pixels the numbers would overlap.
    """
    counts: dict[tuple[str, str], int] = {}
    for row in frame.iter_rows(named=True):
        counts[row["from_key"], row["to_key"]] = row["members"]
    sources = ordered({source for source, _ in counts}, names)
    targets = ordered({target for _, target in counts}, names)
    figure = base(locale, 40 * len(sources) + 130)
    if not counts:
        return figure
    sums = {source: sum(counts.get((source, target), 0) for target in targets) for source in sources}

    def cell(source: str, target: str) -> Cell:
        count = counts.get((source, target), 0)
        share = count / sums[source] if sums[source] and (source, target) in counts else None
        hover = (
            f"{plain(names.get(source, source))} → {plain(names.get(target, target))}<br>{locale.text(unit)} "
            f"{locale.numbers.full(count)} · {locale.numbers.percent(share)}"
        )
        return Cell(share, locale.numbers.short(count) if (source, target) in counts else "", hover)

    across = [plain(names.get(key, key), 20) for key in targets]
    beside = [
        f"{wrapped(names.get(key, key), 16)} <span style='color:{SOFT_INK}'>{locale.numbers.short(sums[key])}</span>"
        for key in sources
    ]
    add_heat(figure, [[cell(source, target) for target in targets] for source in sources], across, beside, most=1)
    for source in set(sources) & set(targets):
        x, y = targets.index(source), sources.index(source)
        figure.add_shape(
            type="rect", x0=x - 0.47, x1=x + 0.47, y0=y - 0.47, y1=y + 0.47, line={"color": ORANGE, "width": 2}
        )
    is_tight = max(map(text_width, across)) * len(across) > _LETTERS_ACROSS
    figure.update_xaxes(
        title_text=locale.text("axis.to"),
        tickangle=-40 if is_tight else 0,
        tickfont={"size": SMALL},
        ticklabeloverflow="allow",  # else Plotly leaves out a heading that is wider than its margin
    )
    figure.update_yaxes(title_text=locale.text("axis.from"), tickfont={"size": SMALL})
    figure.update_layout(_widths(locale, counts, sums, names, targets, is_tight=is_tight))
    return figure


def _widths(
    locale: Locale,
    counts: Mapping[tuple[str, str], int],
    sums: Mapping[str, int],
    names: Mapping[str, str],
    targets: Sequence[str],
    *,
    is_tight: bool,
) -> dict[str, object]:
    """The layout's right margin, wider if *is_tight*, and the least width in pixels at which numbers do not overlap."""
    last = min(text_width(names.get(targets[-1], targets[-1])), 20)
    right = max(64, round(0.8 * _LETTER * last)) if is_tight else 12  # a slanted heading ends right of its column
    digits = max(text_width(locale.numbers.short(count)) for count in counts.values())
    beside = max(
        min(text_width(names.get(key, key)), 16) + text_width(locale.numbers.short(sum_)) for key, sum_ in sums.items()
    )
    least = round(_AXIS + _LETTER * beside + len(targets) * (_DIGIT * digits + 4))
    return {
        "margin": {"r": right},
        "meta": {
            "narrow": {"xaxis.tickangle": -90, "margin.r": 12},
            "min_width": least + 12 if least + 12 < _NARROW else least + right,
        },
    }


def ordered(keys: set[str], names: Mapping[str, str]) -> list[str]:
    """*keys* in the order of *names*, then keys without a name, then the keys for members without a group."""
    outside = [key for key in (NEW, ENTERED, LEFT) if key in keys]
    known = [key for key in names if key in keys and key not in outside]
    return [*known, *sorted(keys - set(names) - set(outside)), *outside]


def cohort_triangle(locale: Locale, frame: pl.DataFrame, *, months: Sequence[int] | None = None) -> go.Figure:
    """How many of each month's new customers bought again in the months after.

    Columns cohort_month, months_since, customers, retained, retention_rate (null if the month is not over; its cell is
    blank). *months* are the values of months_since to show; by default all observed ones except 0, the month in which
    every customer of the cohort bought.
    """
    cohorts = sorted({(row["cohort_month"], row["customers"]) for row in frame.iter_rows(named=True)})
    observed = frame.filter(pl.col("retention_rate").is_not_null())
    later = sorted(set(observed["months_since"]) - {0})
    cells = {(row["cohort_month"], row["months_since"]): row for row in frame.iter_rows(named=True)}
    shown = list(months if months is not None else later) or [0]
    figure = base(locale, 36 * len(cohorts) + 100)
    if not cohorts:
        return figure

    def cell(month: dt.date, since: int) -> Cell:
        row = cells.get((month, since))
        if row is None or row["retention_rate"] is None:
            return Cell()
        hover = (
            f"{_month(month)} + {since}<br>"
            f"{locale.numbers.full(row['retained'])} / {locale.numbers.full(row['customers'])}"
            f" · {locale.numbers.full_percent(row['retention_rate'])}"
        )
        return Cell(row["retention_rate"], locale.numbers.percent(row["retention_rate"]), hover)

    add_heat(
        figure,
        [[cell(month, since) for since in shown] for month, _ in cohorts],
        [f"+{since}" if since else "0" for since in shown],
        [
            locale.text("label.cohort", cohort=_month(month), n=locale.numbers.short(customers))
            for month, customers in cohorts
        ],
    )
    figure.update_xaxes(title_text=locale.text("axis.months_since"))
    figure.update_yaxes(tickfont={"color": INK})
    return figure


def _month(month: dt.date) -> str:
    return f"{month:%Y-%m}"
