"""Data quality: tracking quality on the selected days; landed records, checks and lineage for all days.

Here: its blocks.
Not here: collecting check results and lineage (``dashboards.copy.status``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from dashboards.app.context import Context
from dashboards.app.times import local_time
from dashboards.blocks import Block, Card, Cards, Chart, Choice, Column, Controls, Option, Table, Text
from dashboards.columns import exact, metric, text
from dashboards.copy.status import Lineage, Source, read_checks, read_lineage
from dashboards.figures.course import courses
from dashboards.figures.lineage import lineage_chart, upstream
from dashboards.figures.look import Look
from dashboards.metrics import full_text, short_text
from dashboards.numbers import NONE
from dashboards.queries import query

DEFAULT_COLUMN = ("attribution.entrance_daily", "revenue")

_RATES = ("page_id_missing_rate", "page_id_drop_rate", "skewed_rate", "late_rate")
_SIGNS = {True: "●", False: "■", None: "–"}


def quality(context: Context) -> Sequence[Block]:
    """First the event log of the selected days; then the blocks for all days, each of which says so."""
    look = context.look
    checks = read_checks(context.copy.home)
    return [
        *_health(context),
        Text(look.text("landed.title"), "heading"),
        Text(look.text("landed.about"), "intro"),
        _cards(context, sum(check.passed is False for check in checks)),
        *_mismatches(context),
        _reasons(context),
        _batches(context),
        Text(look.text("checks.heading"), "heading"),
        _checks(context),
        Text(look.text("lineage.title"), "heading"),
        Text(look.text("lineage.about"), "intro"),
        *_lineage(context, read_lineage(context.copy.home)),
    ]


def _cards(context: Context, failed: int) -> Cards:
    look = context.look
    number = look.numbers
    row = context.one(query("quality.records"))
    note = look.text("quality.equal" if row["is_equal"] else "quality.differs")

    def card(name: str, rate: str = "") -> Card:
        note = look.text("quality.share", share=number.percent(row[rate])) if rate else ""
        return Card(
            look.text(f"metric.{name}"),
            number.short(row[name] or 0),
            number.full(row[name] or 0),
            definition=look.text.name("about", name),
            note=note,
            metric=name,
        )

    records = card("records")
    return Cards(
        (
            Card(records.name, records.value, records.full, definition=records.definition, note=note, metric="records"),
            card("duplicates", "duplicate_rate"),
            card("quarantined", "quarantined_rate"),
            Card(
                look.text("quality.checks"),
                look.text("quality.failed", n=failed) if failed else look.text("quality.passed"),
                verdict="bad" if failed else "good",
            ),
        )
    )


def _reasons(context: Context) -> Table:
    """Quarantined records by reason; viewers do not see the raw record, because it may name persons."""
    look = context.look
    timezone = context.copy.settings.timezone
    rows = [row | {"landed": local_time(row["landed_at"], timezone)} for row in context.rows(query("quality.reasons"))]
    columns = [
        text(look.text("column.reason"), "reasons", is_long=True),
        text(look.text("column.source"), "source"),
        text(look.text("column.relation"), "relation"),
        exact(look, "quarantined"),
        exact(look, "files"),
        _time(look.text("column.landed"), "landed"),
        text(look.text("column.example"), "example"),
        *([] if context.role == "viewer" else [text(look.text("column.raw"), "raw", is_long=True)]),
    ]
    return Table(
        "quarantine",
        look.text("quarantine.title"),
        columns,
        rows,
        look.text("quarantine.about"),
        is_wide=True,
        is_of_days=False,
    )


def _time(title: str, field: str) -> Column:
    return Column(
        title,
        lambda row: NONE if row[field] is None else f"{row[field]:%Y-%m-%d %H:%M}",
        is_text=True,
        field=field,
    )


def _health(context: Context) -> list[Block]:
    look = context.look
    rows = context.rows(query("quality.health"))
    heading = Text(look.text("health_of_log.title", first=context.days.first, last=context.days.last), "heading")
    if not rows:
        return [heading, Text(look.text("health_of_log.none"), "missing")]
    frame = pl.DataFrame(
        [{"dt": row["dt"], "key": rate, "share_rate": row[rate]} for row in rows for rate in _RATES],
        schema={"dt": pl.Date, "key": pl.String, "share_rate": pl.Float64},
    )
    names = {rate: look.text(f"metric.{rate}") for rate in _RATES}
    columns = [
        text(look.text("column.day"), "dt"),
        *(exact(look, name) for name in ("events", "visitors", "devices", "page_views")),
        *(exact(look, name) for name in ("events_without_page_id", "page_id_drops", "page_id_resets")),
        *(exact(look, name) for name in ("skewed_events", "late_events")),
        *(metric(look, name) for name in _RATES),
    ]
    title, about = look.text("health_of_log.rates"), look.text("health_of_log.about")
    table = Table("health", title, columns, rows[::-1], about, is_wide=True)
    return [heading, _health_cards(context), Chart(courses(look, frame, "share_rate", names), table, is_wide=True)]


def _health_cards(context: Context) -> Cards:
    look, row = context.look, context.one(query("quality.health_total"))
    return Cards(
        tuple(
            Card(
                look.text.name("metric", name),
                short_text(look.numbers, name, row[name]),
                full_text(look.numbers, name, row[name]),
                definition=look.text.name("about", name),
                metric=name,
            )
            for name in ("events", *_RATES)
        )
    )


def _checks(context: Context) -> Block:
    look = context.look
    timezone = context.copy.settings.timezone
    checks = read_checks(context.copy.home)
    order = {False: 0, None: 1, True: 2}
    rows: list[dict[str, Any]] = [
        {
            "name": check.name,
            "table": check.table,
            "state": f"{_SIGNS[check.passed]} {look.text(f'check_state.{_state(check.passed)}')}",
            "severity": look.text(f"severity.{check.severity}"),
            "found": check.found,
            "at": local_time(check.at.replace(tzinfo=None), timezone) if check.at else None,
        }
        for check in sorted(checks, key=lambda check: (order[check.passed], check.table, check.name))
    ]
    columns = [
        text(look.text("column.check"), "name"),
        text(look.text("column.outcome"), "state"),
        text(look.text("column.severity"), "severity"),
        text(look.text("column.table"), "table"),
        _time(look.text("column.ran"), "at"),
        text(look.text("column.found"), "found", is_long=True),
    ]
    return Table(
        "checks", look.text("checks.title"), columns, rows, look.text("checks.about"), is_wide=True, is_of_days=False
    )


def _state(passed: bool | None) -> str:
    return "never" if passed is None else "passed" if passed else "failed"


def _mismatches(context: Context) -> list[Block]:
    look = context.look
    return [
        Text(look.text(f"mismatch.{row['mismatch']}", n=look.numbers.full(row["orders"])), "note")
        for row in context.rows(query("quality.mismatches"))
    ]


def _batches(context: Context) -> Table:
    look = context.look
    timezone = context.copy.settings.timezone
    rows = [
        row | {"landed": local_time(row["landed_at"], timezone), "ingested": local_time(row["ingested_at"], timezone)}
        for row in context.rows(query("quality.batches"))
    ]
    columns = [
        text(look.text("column.file"), "file"),
        text(look.text("column.source"), "source"),
        text(look.text("column.relation"), "relation"),
        _time(look.text("column.ingested"), "ingested"),
        *(exact(look, name) for name in ("records", "accepted", "duplicates", "quarantined", "unmapped", "bytes")),
        _time(look.text("column.landed"), "landed"),
    ]
    return Table(
        "batches", look.text("batches.title"), columns, rows, look.text("batches.about"), is_wide=True, is_of_days=False
    )


def _lineage(context: Context, lineage: Lineage) -> Sequence[Block]:
    look, view = context.look, context.view
    if not lineage.sources:
        return [Text(look.text("lineage.none"), "missing")]
    table = view.get("table", DEFAULT_COLUMN[0])
    table = table if table in lineage.sources else DEFAULT_COLUMN[0]
    columns = list(lineage.sources[table])
    default = DEFAULT_COLUMN[1] if table == DEFAULT_COLUMN[0] else columns[0]
    column = view.get("column", default)
    column = column if column in columns else default
    tables = Choice(
        "table",
        look.text("column.table"),
        _options(sorted(lineage.sources)),
        table,
        is_searchable=True,
        default=DEFAULT_COLUMN[0],
        clears=("column",),
    )
    of_table = Choice(
        "column", look.text("column.column"), _options(columns), column, is_searchable=True, default=default
    )
    controls = Controls((tables, of_table))
    of = (table, column)
    described = {(name, key): about for name, keys in lineage.descriptions.items() for key, about in keys.items()}
    chart = lineage_chart(look, lineage.sources, of, described)
    return [controls, Chart(chart, _lineage_table(context, lineage, of, described), is_wide=True)]


def _lineage_table(context: Context, lineage: Lineage, of: Source, described: Mapping[Source, str]) -> Table:
    look, view = context.look, context.view

    def href(row: Mapping[str, Any]) -> str | None:
        return view.to(table=row["table"], column=row["column"]).href if row["table"] in lineage.sources else None

    return Table(
        "lineage",
        look.text("lineage.of", column=".".join(of)),
        [
            text(look.text("column.kind"), "kind"),
            text(look.text("column.table"), "table"),
            text(look.text("column.column"), "column", href=href),
            text(look.text("column.about"), "about", is_long=True),
        ],
        _related(look, lineage, of, described),
        described.get(of, ""),
        is_wide=True,
        is_of_days=False,
    )


def _related(look: Look, lineage: Lineage, of: Source, described: Mapping[Source, str]) -> list[dict[str, str | None]]:
    """The column, its sources, the columns computed from it, and the page queries that read it."""
    ranks = upstream(lineage.sources, of)
    used = sorted(
        (name, key) for name, keys in lineage.sources.items() for key, sources in keys.items() if of in sources
    )
    kinds = (
        ("itself", [of]),
        ("made_of", sorted(ranks.keys() - {of}, key=lambda pair: (ranks[pair], pair))),
        ("used_by", used),
    )
    rows: list[dict[str, str | None]] = [
        {"kind": look.text(f"lineage.{kind}"), "table": name, "column": key, "about": described.get((name, key), "")}
        for kind, pairs in kinds
        for name, key in pairs
    ]
    rows += [
        {"kind": look.text("lineage.shown_by"), "table": name, "column": None, "about": None}
        for name, read in sorted(lineage.queries.items())
        if of in read
    ]
    return rows


def _options(names: Sequence[str]) -> tuple[Option, ...]:
    return tuple(Option(name, name) for name in names)
