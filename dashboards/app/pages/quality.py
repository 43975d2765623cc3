"""Data quality: tracking quality on the selected days; landed records, checks and lineage for all days.

Here: the blocks of this page.
Not here: collecting check results and lineage (``dashboards.copy.status``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from dashboards.app.context import Context
from dashboards.app.pages.tabs import tabs
from dashboards.app.reasons import reasons_in
from dashboards.app.slice_bar import whole_note
from dashboards.app.times import local_time
from dashboards.blocks import Block, Card, Cards, Chart, Choice, Column, Controls, Option, Table, Text
from dashboards.columns import exact, metric, text
from dashboards.copy.status import Lineage, Source, read_checks, read_lineage
from dashboards.figures.course import courses
from dashboards.figures.lineage import lineage_chart, upstream
from dashboards.locale import Locale
from dashboards.metrics import card_text, full_text
from dashboards.numbers import NONE
from dashboards.queries import query
from pipelines.sqlproject.metrics import load_metrics

PARTS: Mapping[str, Sequence[str]] = {"tracking": (), "files": (), "checks": (), "lineage": ("table", "column")}
"""Part of the page → the keys of the URL that only this part reads."""
DEFAULT_COLUMN = ("attribution.entrance_daily", "revenue")

_RATES = ("page_id_missing_rate", "page_id_drop_rate", "skewed_rate", "late_rate")
_SIGNS = {True: "●", False: "■", None: "–"}


def quality(context: Context) -> Sequence[Block]:
    """The quality of the event log on the selected days; records, checks and lineage for all days."""
    locale = context.locale
    links = tabs(context, PARTS)
    part = links.choice.value
    if part == "tracking":
        return [links, *_health(context)]
    if part == "checks":
        return [links, Text(locale.text("checks.heading"), "heading"), *whole_note(context), _checks(context)]
    if part == "lineage":
        heading = Text(locale.text("lineage.title"), "heading", about=locale.text("lineage.about"))
        return [links, heading, *whole_note(context), *_lineage(context, read_lineage(context.copy.home))]
    failed = sum(check.passed is False for check in read_checks(context.copy.home))
    return [
        links,
        Text(locale.text("landed.title"), "heading"),
        Text(locale.text("landed.about"), "intro"),
        *whole_note(context),
        _cards(context, failed),
        *_mismatches(context),
        _reasons(context),
        _batches(context),
    ]


def _cards(context: Context, failed: int) -> Cards:
    locale = context.locale
    number = locale.numbers
    row = context.one(query("quality.records"))
    note = locale.text("quality.equal" if row["is_equal"] else "quality.differs")

    def card(name: str, rate: str = "") -> Card:
        note = locale.text("quality.share", share=number.percent(row[rate])) if rate else ""
        return Card(
            locale.text(f"metric.{name}"),
            card_text(number, name, row[name] or 0),
            number.full(row[name] or 0),
            definition=locale.text.name("about", name),
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
                locale.text("quality.checks"),
                locale.text("quality.failed", n=failed) if failed else locale.text("quality.passed"),
                verdict="bad" if failed else "good",
            ),
        )
    )


def _reasons(context: Context) -> Table:
    """Quarantined records by reason; viewers do not see the raw record, because it may name persons."""
    locale = context.locale
    timezone = context.copy.settings.timezone
    rows = [
        row | {"landed": local_time(row["landed_at"], timezone), "reasons": reasons_in(locale.text, row["reasons"])}
        for row in context.rows(query("quality.reasons"))
    ]
    columns = [
        text(locale.text("column.reason"), "reasons", is_long=True),
        text(locale.text("column.source"), "source"),
        text(locale.text("column.relation"), "relation"),
        exact(locale, "quarantined"),
        exact(locale, "files"),
        _time(locale.text("column.landed"), "landed"),
        text(locale.text("column.example"), "example"),
        *([] if context.role == "viewer" else [text(locale.text("column.raw"), "raw", is_long=True)]),
    ]
    return Table(
        "quarantine",
        locale.text("quarantine.title"),
        columns,
        rows,
        locale.text("quarantine.about"),
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
    locale = context.locale
    rows = context.rows(query("quality.health"))
    heading = Text(locale.text("health_of_log.title", first=context.days.first, last=context.days.last), "heading")
    if not rows:
        return [heading, Text(locale.text("health_of_log.none"), "missing")]
    frame = pl.DataFrame(
        [{"dt": row["dt"], "key": rate, "share_rate": row[rate]} for row in rows for rate in _RATES],
        schema={"dt": pl.Date, "key": pl.String, "share_rate": pl.Float64},
    )
    names = {rate: locale.text(f"metric.{rate}") for rate in _RATES}
    columns = [
        text(locale.text("column.day"), "dt"),
        *(exact(locale, name) for name in ("events", "visitors", "devices", "page_views")),
        *([] if context.slice else [exact(locale, "bot_events")]),  # bots are not visitors, so they have no platform
        *(exact(locale, name) for name in ("events_without_page_id", "events_with_derived_page_id")),
        *(exact(locale, name) for name in ("page_id_drops", "page_id_resets")),
        *(exact(locale, name) for name in ("skewed_events", "late_events")),
        *(metric(locale, name) for name in _RATES),
    ]
    title, about = locale.text("health_of_log.rates"), locale.text("health_of_log.about")
    table = Table("health", title, columns, rows[::-1], about, is_wide=True)
    return [heading, _health_cards(context), Chart(courses(locale, frame, "share_rate", names), table, is_wide=True)]


def _health_cards(context: Context) -> Cards:
    locale, row = context.locale, context.one(query("quality.health_total"))
    return Cards(
        tuple(
            Card(
                locale.text.name("metric", name),
                card_text(locale.numbers, name, row[name]),
                full_text(locale.numbers, name, row[name]),
                definition=locale.text.name("about", name),
                metric=name,
            )
            for name in ("events", *_RATES)
        )
    )


def _checks(context: Context) -> Block:
    locale = context.locale
    timezone = context.copy.settings.timezone
    checks = read_checks(context.copy.home)
    order = {False: 0, None: 1, True: 2}
    rows: list[dict[str, Any]] = [
        {
            "name": check_name(locale, check.name),
            "check": check.name,
            "table": check.table,
            "state": f"{_SIGNS[check.passed]} {locale.text(f'check_state.{_state(check.passed)}')}",
            "severity": locale.text(f"severity.{check.severity}"),
            "found": check.found,
            "at": local_time(check.at.replace(tzinfo=None), timezone) if check.at else None,
        }
        for check in sorted(
            checks, key=lambda check: (order[check.passed], is_grain(check.name), check.table, check.name)
        )
    ]
    columns = [
        text(locale.text("column.check"), "name", is_long=True),
        text(locale.text("column.outcome"), "state"),
        text(locale.text("column.severity"), "severity"),
        text(locale.text("column.table"), "table"),
        _time(locale.text("column.ran"), "at"),
        text(locale.text("column.found"), "found", is_long=True),
    ]
    return Table(
        "checks",
        locale.text("checks.title"),
        columns,
        rows,
        locale.text("checks.about"),
        is_wide=True,
        is_of_days=False,
        keys=("check",),
    )


def check_name(locale: Locale, name: str) -> str:
    """The display name of the check *name*; a shop's own check has only its name."""
    return locale.text("check.grain") if is_grain(name) else locale.text.name("check", name)


def is_grain(name: str) -> bool:
    """Whether *name* is a check that the key of a table is unique; every table has such a check."""
    return name.endswith("_grain")


def _state(passed: bool | None) -> str:
    return "never" if passed is None else "passed" if passed else "failed"


def _mismatches(context: Context) -> list[Block]:
    locale = context.locale
    return [
        Text(locale.text(f"mismatch.{row['mismatch']}", n=locale.numbers.full(row["orders"])), "note")
        for row in context.rows(query("quality.mismatches"))
    ]


def _batches(context: Context) -> Table:
    locale = context.locale
    timezone = context.copy.settings.timezone
    rows = [
        row | {"landed": local_time(row["landed_at"], timezone), "ingested": local_time(row["ingested_at"], timezone)}
        for row in context.rows(query("quality.batches"))
    ]
    columns = [
        text(locale.text("column.file"), "file"),
        text(locale.text("column.source"), "source"),
        text(locale.text("column.relation"), "relation"),
        _time(locale.text("column.ingested"), "ingested"),
        *(exact(locale, name) for name in ("records", "accepted", "duplicates", "quarantined", "unmapped", "bytes")),
        _time(locale.text("column.landed"), "landed"),
    ]
    return Table(
        "batches",
        locale.text("batches.title"),
        columns,
        rows,
        locale.text("batches.about"),
        is_wide=True,
        is_of_days=False,
    )


def _lineage(context: Context, lineage: Lineage) -> Sequence[Block]:
    locale, view = context.locale, context.view
    if not lineage.sources:
        return [Text(locale.text("lineage.none"), "missing")]
    table = view.get("table", DEFAULT_COLUMN[0])
    table = table if table in lineage.sources else DEFAULT_COLUMN[0]
    columns = list(lineage.sources[table])
    default = DEFAULT_COLUMN[1] if table == DEFAULT_COLUMN[0] else columns[0]
    column = view.get("column", default)
    column = column if column in columns else default
    tables = Choice(
        "table",
        locale.text("column.table"),
        _options(sorted(lineage.sources)),
        table,
        is_searchable=True,
        default=DEFAULT_COLUMN[0],
        clears=("column",),
    )
    of_table = Choice(
        "column", locale.text("column.column"), _options(columns), column, is_searchable=True, default=default
    )
    controls = Controls((tables, of_table))
    of = (table, column)
    described = {
        (name, key): _description(locale, key, about)
        for name, keys in lineage.descriptions.items()
        for key, about in keys.items()
    }
    chart = lineage_chart(locale, lineage.sources, of, described)
    return [controls, Chart(chart, _lineage_table(context, lineage, of, described), is_wide=True)]


def _description(locale: Locale, column: str, about: str) -> str:
    """What a column means. Models describe their columns in English only; metrics are defined in both languages."""
    found = load_metrics().get(column) if locale.language == "zh" else None
    return locale.text("lineage.metric", name=found.names["zh"], about=found.definitions["zh"]) if found else about


def _lineage_table(context: Context, lineage: Lineage, of: Source, described: Mapping[Source, str]) -> Table:
    locale, view = context.locale, context.view

    def href(row: Mapping[str, Any]) -> str | None:
        return view.to(table=row["table"], column=row["column"]).href if row["table"] in lineage.sources else None

    return Table(
        "lineage",
        locale.text("lineage.of", column=".".join(of)),
        [
            text(locale.text("column.kind"), "kind"),
            text(locale.text("column.table"), "table"),
            text(locale.text("column.column"), "column", href=href),
            text(locale.text("column.about"), "about", is_long=True),
        ],
        _related(locale, lineage, of, described),
        described.get(of, ""),
        is_wide=True,
        is_of_days=False,
    )


def _related(
    locale: Locale, lineage: Lineage, of: Source, described: Mapping[Source, str]
) -> list[dict[str, str | None]]:
    """The rows of the lineage table: the column *of*, its sources, the columns and queries that read it."""
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
        {"kind": locale.text(f"lineage.{kind}"), "table": name, "column": key, "about": described.get((name, key), "")}
        for kind, pairs in kinds
        for name, key in pairs
    ]
    rows += [
        {"kind": locale.text("lineage.shown_by"), "table": name, "column": None, "about": None}
        for name, read in sorted(lineage.queries.items())
        if of in read
    ]
    return rows


def _options(names: Sequence[str]) -> tuple[Option, ...]:
    return tuple(Option(name, name) for name in names)
