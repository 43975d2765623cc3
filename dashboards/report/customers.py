"""Section of the customers: octants, segments, scores, migrations, stages of life, cohorts, how much the best bring.

Here: its queries, charts and tables, and what it says where a snapshot is not kept.
Not here: how a chart looks (``dashboards.figures``).
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from dashboards.figures.customers import group_shares, lifecycle, pareto, rfm_heat
from dashboards.figures.look import Look
from dashboards.figures.tables import LEFT, NEW, cohort_triangle, migration_grid
from dashboards.report.columns import full_column, text_column
from dashboards.report.html import Html, joined, message, tag
from dashboards.report.page import Page
from dashboards.report.queries import Reader

COHORTS = 12

_NAMES = """
SELECT 'octant' AS kind, key, name_zh, name_en, advice_zh, advice_en, code AS place
FROM config.cells WHERE matrix_id = 'octants'
UNION ALL
SELECT 'segment', segment, name_zh, name_en, advice_zh, advice_en, CAST(1000 - position AS VARCHAR) FROM config.segments
ORDER BY place DESC
"""
_GROUPS = (
    "SELECT * FROM customers.rfm_daily WHERE dt = $day AND customers > 0 ORDER BY revenue_share DESC NULLS LAST, key"
)
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
    look, day = page.look, reader.day
    if not reader.exists("customers.rfm_daily"):
        return message(look.text("missing.table", table="customers.rfm_daily"), "headwater run")
    if not reader.days("customers.rfm_daily"):
        return message(look.text("empty.customers", day=day), f"headwater run --from {day} --to {day} --force")
    if not reader.has("customers.rfm_daily"):
        days = [kept for kept in reader.days("customers.rfm_daily") if kept < day]
        nearest = look.text("missing.nearest", day=max(days)) if days else ""
        kept = reader.workspace.settings.snapshots.daily_for_days
        return message(look.text("missing.snapshot", day=day, kept=kept, nearest=nearest), "headwater run")
    groups = reader.frame(_GROUPS)
    if groups.is_empty():
        return message(look.text("empty.customers", day=day), f"headwater run --from {day} --to {day} --force")
    names = reader.frame(_NAMES)
    cards = [
        _groups(page, reader, groups, names, "octant"),
        _scores(page, reader),
        _groups(page, reader, groups, names, "segment"),
        _migration(page, reader, names),
        _lifecycle(page, reader),
        _cohorts(page, reader),
        _pareto(page, reader),
    ]
    return joined([_coverage(look, reader), tag("div", *cards, class_="grid")])


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
    return tag("p", " ".join(said), class_="note")


def _groups(page: Page, reader: Reader, groups: pl.DataFrame, names: pl.DataFrame, kind: str) -> Html:
    look = page.look
    language = look.language
    called = names.filter(pl.col("kind") == kind).select(
        "key", pl.col(f"name_{language}").alias("name"), pl.col(f"advice_{language}").alias("advice")
    )
    frame = (
        groups.filter(pl.col("kind") == kind)
        .join(called, on="key", how="left", maintain_order="left")
        .with_columns(pl.coalesce("name", "key").alias("name"))
    )
    return page.chart(
        group_shares(look, frame),
        look.text(f"{kind}s.title"),
        look.text(f"{kind}s.definition") + (f" {_thresholds(look, reader)}" if kind == "octant" else ""),
        [
            text_column(look.text(f"column.{kind}"), "name"),
            full_column(look, "customers"),
            *(full_column(look, name) for name in ("revenue_share", "net_revenue", "average_order_value")),
            full_column(look, "average_recency_days"),
            text_column(look.text("column.advice"), "advice", is_long=True),
        ],
        frame.to_dicts(),
    )


def _thresholds(look: Look, reader: Reader) -> str:
    found = reader.frame("SELECT axis, value FROM customers.rfm_thresholds WHERE dt = $day")
    values = {row["axis"]: row["value"] for row in found.iter_rows(named=True)}
    if any(values.get(axis) is None for axis in "rfm"):
        return ""
    return look.text(
        "octants.thresholds",
        r=look.numbers.short(values["r"]),
        f=look.numbers.short(values["f"]),
        m=look.numbers.money(values["m"]),
    )


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
    back = settings.rfm.compare_days
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


def _migration(page: Page, reader: Reader, names: pl.DataFrame) -> Html:
    look = page.look
    back = reader.workspace.settings.rfm.compare_days
    earlier = reader.day - dt.timedelta(days=back)
    frame = reader.frame(
        "SELECT from_key, to_key, customers AS members, net_revenue FROM customers.rfm_migration "
        "WHERE dt = $day AND kind = 'octant' ORDER BY customers DESC, from_key, to_key"
    )
    title = look.text("migration.title", n=back)
    if frame.is_empty():
        text = look.text("missing.migration", earlier=earlier)
        return tag("div", tag("h3", title), message(text), class_="card")
    called = _names_of(look, names, "octant")
    rows = [
        row | {"from": called.get(row["from_key"], row["from_key"]), "to": called.get(row["to_key"], row["to_key"])}
        for row in frame.to_dicts()
        if row["from_key"] != row["to_key"]
    ]
    return page.chart(
        migration_grid(look, frame, called, "metric.customers"),
        title,
        look.text("migration.definition", earlier=earlier),
        [
            text_column(look.text("column.from"), "from"),
            text_column(look.text("column.to"), "to"),
            full_column(look, "customers", field="members"),
            full_column(look, "net_revenue"),
        ],
        rows,
    )


def _names_of(look: Look, names: pl.DataFrame, kind: str) -> dict[str, str]:
    rows = names.filter(pl.col("kind") == kind).iter_rows(named=True)
    called = {row["key"]: row[f"name_{look.language}"] or row["key"] for row in rows}
    return called | {NEW: look.text("migration.new"), LEFT: look.text("migration.left")}


def _pareto(page: Page, reader: Reader) -> Html:
    look = page.look
    frame = reader.frame("SELECT * FROM customers.pareto WHERE dt = $day ORDER BY kind, decile")
    if frame.filter(pl.col("cumulative_share").is_not_null()).is_empty():
        return tag("div", tag("h3", look.text("pareto.title")), message(look.text("empty.pareto")), class_="card")
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


def _cohorts(page: Page, reader: Reader) -> Html:
    look = page.look
    frame = reader.frame(_COHORTS) if reader.exists("customers.cohorts") else pl.DataFrame()
    title = look.text("cohorts.title")
    if frame.is_empty() or not frame["retention_rate"].is_not_null().any():
        return tag("div", tag("h3", title), message(look.text("empty.cohorts")), class_="card")
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
