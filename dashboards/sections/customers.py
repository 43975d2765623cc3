"""The customers: scores, lifecycle, cohorts, concentration, and the order of all blocks.

Here: charts and tables, and the text if a snapshot is not kept.
Not here: octants and segments (``segments``), lifetime value (``lifetime_value``), how a chart looks
(``dashboards.figures``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from dashboards.blocks import Block, Chart, Empty, Group, Table, Text
from dashboards.columns import exact, text
from dashboards.figures.customers import lifecycle, pareto, rfm_heat
from dashboards.figures.tables import cohort_triangle
from dashboards.locale import Locale
from dashboards.queries import query
from dashboards.sections.lifetime_value import lifetime_value
from dashboards.sections.reading import Href, Reading, again, no_table
from dashboards.sections.segments import Kind, all_groups, all_names, group_bars, migration, segment_tiles
from dashboards.sections.windows import window_text

COHORTS = 12
PARTS = ("groups", "moves", "value")
"""The parts: who the customers are, how they move between groups, whether they return and what they are worth."""


def customers(
    locale: Locale,
    reading: Reading,
    hrefs: Mapping[Kind, Href] | None = None,
    parts: Sequence[str] = PARTS,
    moves: Mapping[Kind, Href] | None = None,
) -> list[Block]:
    """The blocks of *parts* on customers for which the day has data.

    *hrefs*: the links of octants and segments; *moves*: the links of moves between them.
    """
    missing = _missing(locale, reading)
    if missing:
        return [missing, Group((lifetime_value(locale, reading),))]
    return [
        _coverage(locale, reading),
        *(Group(_part(locale, reading, part, hrefs or {}, moves or {})) for part in parts),
    ]


def _part(
    locale: Locale, reading: Reading, part: str, hrefs: Mapping[Kind, Href], moves: Mapping[Kind, Href]
) -> tuple[Block, ...]:
    names = all_names(reading)
    if part == "groups":
        groups = all_groups(reading)
        return (
            group_bars(locale, reading, groups, names, "octant", hrefs.get("octant")),
            group_bars(locale, reading, groups, names, "segment", hrefs.get("segment")),
            _scores(locale, reading),
            segment_tiles(locale, groups, names),
        )
    if part == "moves":
        octants = migration(locale, reading, names, "octant", moves.get("octant"))
        segments = migration(locale, reading, names, "segment", moves.get("segment"))
        return (_lifecycle(locale, reading), octants, segments)
    return (_cohorts(locale, reading), lifetime_value(locale, reading), _pareto(locale, reading))


def _missing(locale: Locale, reading: Reading) -> Text | None:
    """The reason why there is no snapshot of the customers; None if there is one."""
    day = reading.day
    if not reading.exists("customers.rfm_daily"):
        return no_table(locale, "customers.rfm_daily")
    days = reading.days("customers.rfm_daily")
    if days and day not in days:
        before = [kept for kept in days if kept < day]
        nearest = locale.text("missing.nearest", day=max(before)) if before else ""
        kept = reading.settings.snapshots.daily_for_days
        sentences = locale.text("missing.snapshot", day=day, kept=kept, nearest=nearest)
        return Text(sentences, "missing", "headwater run")
    if not days or all_groups(reading).is_empty():
        return Text(locale.text("empty.customers", day=day), "missing", again(day))
    return None


def _coverage(locale: Locale, reading: Reading) -> Text:
    sentences = [window_text(locale, reading, reading.settings.rfm.window_days, "customers.window")]
    found = reading.frame(query("customers.coverage"))
    if not found.is_empty() and (found["lines_without_user"][0] or 0) > 0:
        row = found.row(0, named=True)
        sentences.append(
            locale.text(
                "customers.coverage",
                n=locale.numbers.full(row["lines_without_user"]),
                amount=locale.numbers.money(row["revenue_without_user"]),
            )
        )
    return Text(locale.text.joined(*sentences))


def _scores(locale: Locale, reading: Reading) -> Chart:
    frame = reading.frame(query("customers.scores"))
    table = Table(
        "scores",
        locale.text("rfm.title"),
        [
            exact(locale, "r_score"),
            exact(locale, "f_score"),
            exact(locale, "customers"),
            exact(locale, "mean_monetary", field="monetary"),
        ],
        frame.sort("r_score", "f_score", descending=True).to_dicts(),
        locale.text("rfm.definition"),
    )
    return Chart(rfm_heat(locale, frame), table)


def _lifecycle(locale: Locale, reading: Reading) -> Block:
    settings = reading.settings
    if not reading.has("customers.lifecycle_daily"):
        return no_table(locale, "customers.lifecycle_daily")
    ages = [(reading.day - kept).days for kept in reading.days("customers.lifecycle_daily") if kept < reading.day]
    back = nearest_age(ages, settings.rfm.compare_days)
    frame = reading.frame(query("customers.stages"), back=back)
    has_before = frame["before"].is_not_null().any()
    table = Table(
        "lifecycle",
        locale.text("lifecycle.title"),
        [
            text(locale.text("column.stage"), "name"),
            exact(locale, "customers"),
            exact(locale, "customers", field="before", title=locale.text("column.before", n=back)),
            exact(locale, "revenue"),
        ],
        [row | {"name": locale.text.name("stage", row["stage"])} for row in frame.to_dicts()],
        locale.text("lifecycle.definition", n=settings.lifecycle.period_days, churned=settings.lifecycle.churned_days),
        notes=(locale.text("lifecycle.before" if has_before else "lifecycle.no_before", n=back),),
    )
    return Chart(lifecycle(locale, frame), table)


def nearest_age(ages: Iterable[int], wanted: int) -> int:
    """The age in *ages* (days) nearest to *wanted*, if it differs by at most a quarter of *wanted*; else *wanted*."""
    near = [age for age in ages if abs(age - wanted) <= wanted // 4]
    return min(near, key=lambda age: (abs(age - wanted), age), default=wanted)


def _pareto(locale: Locale, reading: Reading) -> Block:
    frame = reading.frame(query("customers.pareto"))
    title = locale.text("pareto.title")
    if frame.filter(pl.col("cumulative_share").is_not_null()).is_empty():
        return Empty(title, locale.text("empty.pareto"))
    table = Table(
        "pareto",
        title,
        [
            text(locale.text("column.ranked"), "of"),
            exact(locale, "decile"),
            *(exact(locale, name) for name in ("members", "net_revenue", "margin")),
            exact(locale, "members_share", field="cumulative_members", title=locale.text("axis.members")),
            exact(locale, "members_share", field="cumulative_share", title=locale.text("axis.share")),
        ],
        [row | {"of": locale.text(f"legend.pareto_{row['kind']}")} for row in frame.to_dicts()],
        locale.text.joined(
            window_text(locale, reading, reading.settings.rfm.window_days), locale.text("pareto.definition")
        ),
    )
    return Chart(pareto(locale, frame), table, is_wide=True)


def _cohorts(locale: Locale, reading: Reading) -> Block:
    frame = reading.frame(query("customers.cohorts")) if reading.exists("customers.cohorts") else pl.DataFrame()
    title = locale.text("cohorts.title")
    if frame.is_empty() or not frame["retention_rate"].is_not_null().any():
        return Empty(title, locale.text("empty.cohorts"))
    months = sorted(frame["cohort_month"].unique())
    shown = frame.filter(pl.col("cohort_month").is_in(months[-COHORTS:]) & (pl.col("months_since") <= COHORTS))
    is_cut = len(months) > COHORTS
    table = Table(
        "cohorts",
        title,
        [
            text(locale.text("column.cohort"), "month"),
            *(exact(locale, name) for name in ("months_since", "customers", "retained", "retention_rate")),
        ],
        [row | {"month": f"{row['cohort_month']:%Y-%m}"} for row in shown.to_dicts()],
        locale.text("cohorts.definition", day=reading.day),
        notes=(locale.text("note.last_cohorts", n=COHORTS, m=len(months)),) if is_cut else (),
    )
    return Chart(cohort_triangle(locale, shown), table)
