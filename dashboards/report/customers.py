"""Section of the customers: scores, stages of life, cohorts, how much the best bring, and the order of all parts.

Here: its queries, charts and tables, and what it says where a snapshot is not kept.
Not here: octants and segments (``segments``), lifetime value (``lifetime_value``), how a chart looks
(``dashboards.figures``).
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from dashboards.figures.customers import lifecycle, pareto, rfm_heat
from dashboards.figures.look import Look
from dashboards.figures.tables import cohort_triangle
from dashboards.report.columns import full_column, text_column
from dashboards.report.html import Html, empty_card, joined, message, tag
from dashboards.report.lifetime_value import lifetime_value
from dashboards.report.page import Page
from dashboards.report.queries import Reader
from dashboards.report.segments import all_groups, all_names, group_bars, migration, segment_tiles

COHORTS = 12

_SCORES = """
SELECT r_score, f_score, count(*) AS customers, avg(CAST(monetary AS DOUBLE)) AS monetary
FROM customers.rfm WHERE dt = $day GROUP BY ALL ORDER BY ALL
"""
_LIFECYCLE = """
SELECT now.stage, now.customers, now.revenue, before.customers AS before
FROM customers.lifecycle_daily AS now
LEFT JOIN customers.lifecycle_daily AS before ON before.stage = now.stage AND before.dt = $day - $back
WHERE now.dt = $day
"""
_COHORTS = """
SELECT cohort_month, months_since, customers,
    CASE WHEN is_over THEN retained END AS retained, CASE WHEN is_over THEN retention_rate END AS retention_rate
FROM (
    SELECT *, CAST(cohort_month + to_months(months_since + 1) AS DATE) <= $day + 1 AS is_over
    FROM customers.cohorts
    WHERE cohort_month + to_months(months_since) <= $day
)
WHERE cohort_month < date_trunc('month', $day) OR NOT (SELECT max(dt) > $day FROM core.order_lines)
ORDER BY ALL
"""


def customers(page: Page, reader: Reader) -> Html:
    """Everything on customers that is there for the day."""
    missing = _missing(page.look, reader)
    if missing:
        return joined([missing, tag("div", lifetime_value(page, reader), class_="grid")])
    groups, names = all_groups(reader), all_names(reader)
    cards = [
        group_bars(page, reader, groups, names, "octant"),
        _scores(page, reader),
        group_bars(page, reader, groups, names, "segment"),
        segment_tiles(page, groups, names),
        migration(page, reader, names, "octant"),
        _lifecycle(page, reader),
        migration(page, reader, names, "segment"),
        _cohorts(page, reader),
        lifetime_value(page, reader),
        _pareto(page, reader),
    ]
    return joined([_coverage(page.look, reader), tag("div", *cards, class_="grid")])


def _missing(look: Look, reader: Reader) -> Html | None:
    """Why there is no snapshot of the customers; None where there is one."""
    day = reader.day
    if not reader.exists("customers.rfm_daily"):
        return message(look.text("missing.table", table="customers.rfm_daily"), "headwater run")
    days = reader.days("customers.rfm_daily")
    if days and day not in days:
        before = [kept for kept in days if kept < day]
        nearest = look.text("missing.nearest", day=max(before)) if before else ""
        kept = reader.workspace.settings.snapshots.daily_for_days
        return message(look.text("missing.snapshot", day=day, kept=kept, nearest=nearest), "headwater run")
    if not days or all_groups(reader).is_empty():
        return message(look.text("empty.customers", day=day), f"headwater run --from {day} --to {day} --force")
    return None


def _coverage(look: Look, reader: Reader) -> Html:
    said = [look.text("customers.window", n=reader.workspace.settings.rfm.window_days)]
    found = reader.frame("SELECT * FROM customers.sales_coverage WHERE dt = $day")
    if not found.is_empty() and (found["lines_without_user"][0] or 0) > 0:
        row = found.row(0, named=True)
        said.append(
            look.text(
                "customers.coverage",
                n=look.numbers.full(row["lines_without_user"]),
                amount=look.numbers.money(row["revenue_without_user"]),
            )
        )
    return tag("p", look.text.joined(*said), class_="note")


def _scores(page: Page, reader: Reader) -> Html:
    look = page.look
    frame = reader.frame(_SCORES)
    return page.chart(
        rfm_heat(look, frame),
        look.text("rfm.title"),
        look.text("rfm.definition"),
        [
            full_column(look, "r_score"),
            full_column(look, "f_score"),
            full_column(look, "customers"),
            full_column(look, "mean_monetary", field="monetary"),
        ],
        frame.sort("r_score", "f_score", descending=True).to_dicts(),
    )


def _lifecycle(page: Page, reader: Reader) -> Html:
    look, settings = page.look, reader.workspace.settings
    if not reader.has("customers.lifecycle_daily"):
        return message(look.text("missing.table", table="customers.lifecycle_daily"), "headwater run")
    ages = [(reader.day - kept).days for kept in reader.days("customers.lifecycle_daily") if kept < reader.day]
    back = nearest_age(ages, settings.rfm.compare_days)
    frame = reader.frame(_LIFECYCLE, back=back)
    rows = [row | {"name": look.text.name("stage", row["stage"])} for row in frame.to_dicts()]
    has_before = frame["before"].is_not_null().any()
    before = look.text("lifecycle.before", n=back) if has_before else look.text("lifecycle.no_before", n=back)
    return page.chart(
        lifecycle(look, frame),
        look.text("lifecycle.title"),
        look.text("lifecycle.definition", n=settings.lifecycle.period_days, churned=settings.lifecycle.churned_days),
        [
            text_column(look.text("column.stage"), "name"),
            full_column(look, "customers"),
            full_column(look, "customers", field="before", title=look.text("column.before", n=back)),
            full_column(look, "revenue"),
        ],
        rows,
        notes=[before],
    )


def _pareto(page: Page, reader: Reader) -> Html:
    look = page.look
    frame = reader.frame("SELECT * FROM customers.pareto WHERE dt = $day ORDER BY kind, decile")
    if frame.filter(pl.col("cumulative_share").is_not_null()).is_empty():
        return empty_card(look.text("pareto.title"), look.text("empty.pareto"))
    rows = [row | {"of": look.text(f"legend.pareto_{row['kind']}")} for row in frame.to_dicts()]
    return page.chart(
        pareto(look, frame),
        look.text("pareto.title"),
        look.text("pareto.definition"),
        [
            text_column(look.text("column.ranked"), "of"),
            full_column(look, "decile"),
            *(full_column(look, name) for name in ("members", "net_revenue", "margin")),
            full_column(look, "members_share", field="cumulative_members", title=look.text("axis.members")),
            full_column(look, "members_share", field="cumulative_share", title=look.text("axis.share")),
        ],
        rows,
        is_wide=True,
    )


def nearest_age(ages: Iterable[int], wanted: int) -> int:
    """The one of *ages* that is nearest to *wanted*, if within a quarter of it; else *wanted*."""
    near = [age for age in ages if abs(age - wanted) <= wanted // 4]
    return min(near, key=lambda age: (abs(age - wanted), age), default=wanted)


def _cohorts(page: Page, reader: Reader) -> Html:
    look = page.look
    frame = reader.frame(_COHORTS) if reader.exists("customers.cohorts") else pl.DataFrame()
    title = look.text("cohorts.title")
    if frame.is_empty() or not frame["retention_rate"].is_not_null().any():
        return empty_card(title, look.text("empty.cohorts"))
    months = sorted(frame["cohort_month"].unique())
    shown = frame.filter(pl.col("cohort_month").is_in(months[-COHORTS:]) & (pl.col("months_since") <= COHORTS))
    rows = [row | {"month": f"{row['cohort_month']:%Y-%m}"} for row in shown.to_dicts()]
    columns = [
        text_column(look.text("column.cohort"), "month"),
        *(full_column(look, name) for name in ("months_since", "customers", "retained", "retention_rate")),
    ]
    notes = []
    if len(months) > COHORTS:
        notes.append(look.text("note.last_cohorts", n=COHORTS, m=len(months)))
    return page.chart(cohort_triangle(look, shown), title, look.text("cohorts.definition"), columns, rows, notes=notes)
