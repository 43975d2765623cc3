"""The SQL page as blocks: editor, result, chart, recent queries; beside them saved queries and tables.

Here: the blocks of a view; this never runs a query.
Not here: the chart (``dashboards.app.sql.chart``), running queries (``dashboards.app.sql.callbacks``), the browser's
part (``assets/sql.js``).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from dash import dcc, html
from dash.development.base_component import Component

from dashboards import columns
from dashboards.app.context import Context
from dashboards.app.marks import clean, marks
from dashboards.app.sql.chart import chart_of
from dashboards.app.sql.editor import PATH as MONACO
from dashboards.app.sql.parameters import asked_by, fault_of, inputs, values_of, with_values
from dashboards.app.sql.results import Outcome, Results, new_key
from dashboards.app.sql.saved import SavedQuery, saved_queries
from dashboards.app.sql.table import result_table
from dashboards.app.view import LONGEST_QUERY_IN_ADDRESS
from dashboards.blocks import Block, Column, Group, Part, Row, Table, Text
from dashboards.figures.look import cut
from dashboards.locale import Locale
from dashboards.texts import Texts
from dashboards.workbench.log import last_queries
from dashboards.workbench.words import functions, keywords

SHOWN_QUERIES = 20
"""Number of recent queries listed."""

_EXAMPLE = """\
SELECT entrance_id, sum(revenue) AS revenue
FROM attribution.entrance_daily
GROUP BY entrance_id
ORDER BY revenue DESC"""
OF_RESULT: Mapping[str, None] = dict.fromkeys(("kind", "x", "y", "series", "sort"))
"""Keys in the URL that belong to one result; a link to another query removes them."""
_COLUMNS = """
SELECT schema_name || '.' || table_name AS name, column_name, data_type, coalesce(columns.comment, '') AS about,
    coalesce(tables.comment, '') AS table_about
FROM duckdb_columns() AS columns
JOIN duckdb_tables() AS tables USING (database_name, schema_name, table_name)
WHERE NOT columns.internal AND schema_name <> 'main'
ORDER BY name, column_index
"""


def may_query(context: Context) -> bool:
    """Whether the user may run SQL."""
    return context.role in ("analyst", "admin")


def sql(context: Context) -> Sequence[Block]:
    """The page; without the right to run SQL, only a note."""
    if not may_query(context):
        return [Text(context.locale.text("sql.not_for_viewers"), "missing")]
    saved = saved_queries(context.copy.home)
    outcome = Results(context.copy.home).find(context.user, context.view.get("result"))
    beside = Part(html.Aside([_saved_list(context, saved), _schema(context)], className="beside"))
    left = [_editor(context, saved, outcome), *_result(context, outcome), _recent(context)]
    return [Group((Group(tuple(left), "stack"), beside), "bench")]


# Editor ------------------------------------------------------------------------------------------------


def _editor(context: Context, saved: Mapping[str, SavedQuery], outcome: Outcome | None) -> Part:
    view, text = context.view, context.locale.text
    chosen = saved.get(view.get("saved"))
    query = outcome.sql if outcome else chosen.sql if chosen else view.get("q")
    asked = asked_by(query, context.copy)
    given = (outcome.values if outcome else {}) or {**(chosen.values if chosen else {}), **values_of(view)}
    area = dcc.Textarea(
        id="sql-text",
        value=query,
        className="editor",
        spellCheck=False,
        rows=min(max(query.count("\n") + 2, 8), 20),
        placeholder=_EXAMPLE,
    )
    is_ready = chosen is not None and outcome is None and not fault_of(text, asked, given)
    about = html.P(clean(chosen.abouts[view.language]), className="definition") if chosen else None
    parts = [
        html.Label(text("sql.editor"), htmlFor="sql-text"),
        about,
        area,
        html.Div(
            id="sql-monaco",
            className="monaco",
            hidden=True,
            **marks(
                {
                    "aria-label": text("sql.editor.label"),
                    "data-monaco": MONACO,
                    "data-functions": " ".join(functions()),
                    "data-keywords": " ".join(keywords()),
                }
            ),
        ),
        html.Div(inputs(asked, given, chosen, view.language), id="sql-parameters"),
        dcc.Store(id="sql-values", data=dict(given)),
        dcc.Store(id="sql-named"),
        _buttons(text),
        html.P(id="sql-fault", className="fault", role="alert"),
        None if outcome else _why_not_run(context, query, is_saved=chosen is not None),
        # The store sql-next has the key of the next result. sql-auto says whether the query runs without a click. Only
        # a saved query does, because the shop wrote it, and values in a link cannot change its text. A query in a link
        # may come from anybody.
        dcc.Store(id="sql-next", data=new_key()),
        dcc.Store(id="sql-auto", data=is_ready),
        dcc.Store(id="sql-done"),
    ]
    return Part(html.Section(parts, className="card", **marks({"aria-label": text("sql.editor"), "data-sql": query})))


def _buttons(text: Texts) -> Component:
    return html.Div(
        [
            html.Button(text("sql.run"), id="sql-run", className="primary", type="button"),
            html.Button(text("sql.stop"), id="sql-stop", className="secondary", type="button", hidden=True),
            html.Span(text("sql.running"), id="sql-wait", role="status", className="note", hidden=True),
            html.Span(text("sql.keys"), className="note keys"),
        ],
        className="buttons",
    )


def _why_not_run(context: Context, query: str, *, is_saved: bool) -> Any:
    text = context.locale.text
    if context.view.get("saved") and not is_saved:
        message = text("sql.saved.unknown", name=context.view.get("saved"))
        return html.P(clean(message), className="missing", role="status")
    if context.view.get("result") and not is_saved:
        return html.P(text("sql.result_is_gone"), className="missing", role="status")
    if query and not is_saved:
        return html.P(text("sql.from_link"), className="missing", role="status")
    return None


# Result ------------------------------------------------------------------------------------------------


def _result(context: Context, outcome: Outcome | None) -> list[Block]:
    if outcome is None:
        return []
    locale = context.locale
    if outcome.error:
        fault = html.P(
            [html.Strong(locale.text("sql.error")), " ", clean(outcome.error)], className="warning", role="alert"
        )
        return [Part(fault)]
    table = result_table(locale, outcome)
    message = locale.text(
        "sql.summary",
        rows=locale.numbers.full(len(table.rows)),
        seconds=f"{outcome.seconds:.2f}",
        at=f"{outcome.read_at.astimezone(_zone(context)):%Y-%m-%d %H:%M}",
    )
    if not context.view.get("q") and not context.view.get("saved"):
        message = locale.text.joined(message, locale.text("sql.too_long_for_link"))
    return [Part(html.P(message, role="status", className="summary")), table, *chart_of(context, outcome, table)]


# Recent queries, saved ones, tables --------------------------------------------------------------------


def _recent(context: Context) -> Table:
    text, zone = context.locale.text, _zone(context)
    is_all = context.role == "admin"
    lines = last_queries(context.copy.home, SHOWN_QUERIES, None if is_all else context.user)
    rows = [
        line
        | {"at": f"{dt.datetime.fromisoformat(line['at']).astimezone(zone):%m-%d %H:%M}"}
        | {"outcome": text.name("sql.outcome", str(line["outcome"])), "short": _short(str(line["sql"]))}
        for line in lines
    ]

    def again(row: Row) -> str | None:
        query = str(row["sql"])
        again = with_values(view.to(q=query), row.get("values") or {})
        return again.href if len(query) <= LONGEST_QUERY_IN_ADDRESS else None

    view = context.view.to(saved=None, result=None, **OF_RESULT)
    query = Column(text("sql.query"), lambda row: row["short"], is_text=True, is_long=True, field="sql", href=again)
    shown = [
        columns.text(text("sql.at"), "at"),
        *([columns.text(text("sql.user"), "user")] if is_all else []),
        Column(text("sql.seconds"), lambda row: f"{row['seconds']:.2f}", field="seconds"),
        Column(text("sql.rows"), lambda row: context.locale.numbers.full(row["rows"]), field="rows"),
        columns.text(text("sql.ended"), "outcome"),
        query,
    ]
    return Table("recent", text("sql.recent.all" if is_all else "sql.recent"), shown, rows, is_wide=True)


def _short(query: str) -> str:
    """The query on one line, without the comments at its beginning."""
    lines = [line.strip() for line in query.splitlines() if not line.lstrip().startswith("--")]
    return cut(" ".join(" ".join(lines).split()), 90)


def _saved_list(context: Context, saved: Mapping[str, SavedQuery]) -> Component:
    view, text = context.view, context.locale.text
    plain = with_values(view.to(q=None, result=None, **OF_RESULT), {})
    items = [
        html.Li(
            html.A(
                clean(query.titles[view.language]),
                href=plain.to(saved=name).href,
                title=clean(query.abouts[view.language]) or None,
                className="here" if name == view.get("saved") else None,
            )
        )
        for name, query in saved.items()
    ]
    where = html.P([text("sql.saved.where"), " ", html.Code("config/queries/")], className="note")
    return html.Section([html.H3(text("sql.saved")), html.Ul(items) if items else None, where], className="card saved")


def _schema(context: Context) -> Component:
    text = context.locale.text
    rows = context.copy.rows(_COLUMNS)
    tables = [_table(context.locale, name, list(own)) for name, own in groupby(rows, key=lambda row: row["name"])]
    find = dcc.Input(id="sql-find", type="search", placeholder=text("sql.find"), className="find-table")
    return html.Section(
        [
            html.H3(text("sql.tables")),
            html.Label(text("sql.find"), htmlFor="sql-find", className="unseen"),
            find,
            html.P(text("sql.insert"), className="note"),
            html.Div(tables, className="tables", tabIndex=0, role="group", **marks({"aria-label": text("sql.tables")})),
            html.P(text("empty.rows"), className="note", id="sql-none", role="status", hidden=True),
        ],
        className="card schema",
    )


def _table(locale: Locale, name: str, rows: Sequence[Mapping[str, Any]]) -> Component:
    """A table of the schema; sql.js renders its columns when it is opened, because there are hundreds in total."""
    written = [[row["column_name"], row["data_type"].lower(), row["about"]] for row in rows]
    insert = html.Button(
        name,
        type="button",
        className="insert",
        **marks({"data-insert": name, "aria-label": locale.text("sql.insert.label", name=name)}),
    )
    return html.Details(
        [
            html.Summary(name),
            html.P([insert, f" {rows[0]['table_about']}"], className="note"),
            html.Div(className="columns"),
        ],
        **marks({"data-columns": json.dumps(written, ensure_ascii=False)}),
    )


def _zone(context: Context) -> ZoneInfo:
    return ZoneInfo(context.copy.settings.timezone)
