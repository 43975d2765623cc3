"""The customers: scores, lifecycle, cohorts, concentration, and the order of all blocks.

Here: charts and tables, and the text if a snapshot is not kept.
Not here: octants and segments (``segments``), lifetime value (``lifetime_value``), how a chart looks
(``dashboards.figures``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from dashboards.blocks import Block, Chart, Empty, Group, Table, Text
from dashboards.columns import exact, text
from dashboards.figures.customers import lifecycle, pareto, rfm_heat
from dashboards.figures.look import Look
from dashboards.figures.tables import cohort_triangle
from dashboards.queries import query
from dashboards.sections.lifetime_value import lifetime_value
from dashboards.sections.reading import Href, Reading, again, no_table
from dashboards.sections.segments import Kind, all_groups, all_names, group_bars, migration, segment_tiles

COHORTS = 12


def customers(look: Look, reading: Reading, hrefs: Mapping[Kind, Href] | None = None) -> list[Block]:
    """All blocks on customers that the day has data for; *hrefs*: the links of octants and segments."""
    missing = _missing(look, reading)
    if missing:
        return [missing, Group((lifetime_value(look, reading),))]
    groups, names = all_groups(reading), all_names(reading)
    leads = hrefs or {}
    cards = (
        group_bars(look, reading, groups, names, "octant", leads.get("octant")),
        _scores(look, reading),
        group_bars(look, reading, groups, names, "segment", leads.get("segment")),
        segment_tiles(look, groups, names),
        migration(look, reading, names, "octant"),
        _lifecycle(look, reading),
        migration(look, reading, names, "segment"),
        _cohorts(look, reading),
        lifetime_value(look, reading),
        _pareto(look, reading),
    )
    return [_coverage(look, reading), Group(cards)]


def _missing(look: Look, reading: Reading) -> Text | None:
    """The reason why there is no snapshot of the customers; None if there is one."""
    day = reading.day
    if not reading.exists("customers.rfm_daily"):
        return no_table(look, "customers.rfm_daily")
    days = reading.days("customers.rfm_daily")
    if days and day not in days:
        before = [kept for kept in days if kept < day]
        nearest = look.text("missing.nearest", day=max(before)) if before else ""
        kept = reading.settings.snapshots.daily_for_days
        sentences = look.text("missing.snapshot", day=day, kept=kept, nearest=nearest)
        return Text(sentences, "missing", "headwater run")
    if not days or all_groups(reading).is_empty():
        return Text(look.text("empty.customers", day=day), "missing", again(day))
    return None


def _coverage(look: Look, reading: Reading) -> Text:
    sentences = [look.text("customers.window", n=reading.settings.rfm.window_days)]
    found = reading.frame(query("customers.coverage"))
    if not found.is_empty() and (found["lines_without_user"][0] or 0) > 0:
        row = found.row(0, named=True)
        sentences.append(
            look.text(
                "customers.coverage",
                n=look.numbers.full(row["lines_without_user"]),
                amount=look.numbers.money(row["revenue_without_user"]),
            )
        )
    return Text(look.text.joined(*sentences))


def _scores(look: Look, reading: Reading) -> Chart:
    frame = reading.frame(query("customers.scores"))
    table = Table(
        "scores",
        look.text("rfm.title"),
        [
            exact(look, "r_score"),
            exact(look, "f_score"),
            exact(look, "customers"),
            exact(look, "mean_monetary", field="monetary"),
        ],
        frame.sort("r_score", "f_score", descending=True).to_dicts(),
        look.text("rfm.definition"),
    )
    return Chart(rfm_heat(look, frame), table)


def _lifecycle(look: Look, reading: Reading) -> Block:
    settings = reading.settings
    if not reading.has("customers.lifecycle_daily"):
        return no_table(look, "customers.lifecycle_daily")
    ages = [(reading.day - kept).days for kept in reading.days("customers.lifecycle_daily") if kept < reading.day]
    back = nearest_age(ages, settings.rfm.compare_days)
    frame = reading.frame(query("customers.stages"), back=back)
    has_before = frame["before"].is_not_null().any()
    table = Table(
        "lifecycle",
        look.text("lifecycle.title"),
        [
            text(look.text("column.stage"), "name"),
            exact(look, "customers"),
            exact(look, "customers", field="before", title=look.text("column.before", n=back)),
            exact(look, "revenue"),
        ],
        [row | {"name": look.text.name("stage", row["stage"])} for row in frame.to_dicts()],
        look.text("lifecycle.definition", n=settings.lifecycle.period_days, churned=settings.lifecycle.churned_days),
        notes=(look.text("lifecycle.before" if has_before else "lifecycle.no_before", n=back),),
    )
    return Chart(lifecycle(look, frame), table)


def nearest_age(ages: Iterable[int], wanted: int) -> int:
    """The one of *ages* (days) nearest to *wanted*, if it is within a quarter of *wanted*; else *wanted*."""
    near = [age for age in ages if abs(age - wanted) <= wanted // 4]
    return min(near, key=lambda age: (abs(age - wanted), age), default=wanted)


def _pareto(look: Look, reading: Reading) -> Block:
    frame = reading.frame(query("customers.pareto"))
    title = look.text("pareto.title")
    if frame.filter(pl.col("cumulative_share").is_not_null()).is_empty():
        return Empty(title, look.text("empty.pareto"))
    table = Table(
        "pareto",
        title,
        [
            text(look.text("column.ranked"), "of"),
            exact(look, "decile"),
            *(exact(look, name) for name in ("members", "net_revenue", "margin")),
            exact(look, "members_share", field="cumulative_members", title=look.text("axis.members")),
            exact(look, "members_share", field="cumulative_share", title=look.text("axis.share")),
        ],
        [row | {"of": look.text(f"legend.pareto_{row['kind']}")} for row in frame.to_dicts()],
        look.text("pareto.definition"),
    )
    return Chart(pareto(look, frame), table, is_wide=True)


def _cohorts(look: Look, reading: Reading) -> Block:
    frame = reading.frame(query("customers.cohorts")) if reading.exists("customers.cohorts") else pl.DataFrame()
    title = look.text("cohorts.title")
    if frame.is_empty() or not frame["retention_rate"].is_not_null().any():
        return Empty(title, look.text("empty.cohorts"))
    months = sorted(frame["cohort_month"].unique())
    shown = frame.filter(pl.col("cohort_month").is_in(months[-COHORTS:]) & (pl.col("months_since") <= COHORTS))
    is_cut = len(months) > COHORTS
    table = Table(
        "cohorts",
        title,
        [
            text(look.text("column.cohort"), "month"),
            *(exact(look, name) for name in ("months_since", "customers", "retained", "retention_rate")),
        ],
        [row | {"month": f"{row['cohort_month']:%Y-%m}"} for row in shown.to_dicts()],
        look.text("cohorts.definition"),
        notes=(look.text("note.last_cohorts", n=COHORTS, m=len(months)),) if is_cut else (),
    )
    return Chart(cohort_triangle(look, shown), table)
