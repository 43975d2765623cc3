"""Blocks as components of Dash.

Here: cards, charts, tables, controls, and the export links.
Not here: the contents of a page (``dashboards.app.pages``), files (``dashboards.app.export``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component
from plotly.utils import PlotlyJSONEncoder

from dashboards.app.context import Context
from dashboards.app.marks import clean, marks
from dashboards.app.rows import grid, plain_table
from dashboards.app.sparkline import IN_CARD, sparkline
from dashboards.app.view import Theme, View
from dashboards.blocks import (
    VERDICT_SIGNS,
    Block,
    Card,
    Cards,
    Change,
    Chart,
    Choice,
    Controls,
    Empty,
    Part,
    Search,
    Table,
    Tabs,
    Text,
)
from dashboards.figures.themes import dark
from dashboards.locale import Locale

MOST_ROWS = 200
"""Maximum rows of a table on a page; files have all."""
GRID_FROM = 13
"""A table with at least this many rows is a grid that scrolls on its own with fixed headings."""

_LONG = 14
"""A card's value with at least this many letters is written smaller."""


def components(context: Context, blocks: Sequence[Block]) -> list[Component]:
    """All *blocks*, from top to bottom, without the title, which the frame shows."""
    shown = [block for block in blocks if not (isinstance(block, Text) and block.kind == "title")]
    return [_component(context, block) for block in shown]


def _component(context: Context, block: Block) -> Component:
    if isinstance(block, Text):
        return text(block)
    if isinstance(block, Empty):
        return _empty(block)
    if isinstance(block, Cards):
        is_dark = context.view.theme == "dark"
        return html.Div([_card(card, is_dark=is_dark) for card in block.cards], className=f"cards {block.kind}")
    if isinstance(block, Chart):
        return _chart(context, block)
    if isinstance(block, Table):
        return _titled_table(context, block)
    if isinstance(block, Controls):
        return _controls(block)
    if isinstance(block, Tabs):
        return _tabs(context.view, block.choice)
    if isinstance(block, Part):
        assert isinstance(block.component, Component)
        return block.component
    if block.kind == "card":
        return html.Div(components(context, block.blocks), className="card wide")
    return html.Div(components(context, block.blocks), className=block.kind)


def text(block: Text) -> Component:
    """A line of text; missing data and warnings stand out."""
    if block.kind == "heading":
        return html.H2(clean(block.text), className="heading")
    message: Any = clean(block.text)
    parts: list[Any] = [html.A(message, href=block.href) if block.href else message]
    if block.remedy:
        parts += [" ", html.Code(clean(block.remedy))]
    role = {"role": "status"} if block.kind in ("missing", "warning") else {}
    return html.P(parts, className=block.kind, **marks(role))


def _empty(block: Empty) -> Component:
    message = Text(block.text, "missing" if block.is_missing else "note", block.remedy)
    return html.Section([html.H3(clean(block.title)), text(message)], className="card")


def _card(card: Card, *, is_dark: bool) -> Component:
    value: Any = clean(card.value)
    if card.href:
        value = html.A(value, href=card.href)
    if card.verdict is not None:
        shown = html.P([VERDICT_SIGNS[card.verdict], " ", value], className=f"verdict {card.verdict}")
    else:
        shown = html.P(
            value,
            className="value long" if len(card.value) > _LONG else "value",
            title=card.full or None,
            **marks(_marks(card)),
        )
    return html.Div(
        [
            _term(card.name, card.definition, "name"),
            shown,
            *(_course(card, "dark" if is_dark else "light") if card.course else []),
            *(_change(change) for change in card.changes),
            *([html.P(clean(card.note), className="evidence")] if card.note else []),
        ],
        className="card kpi",
        **marks({"data-sign": card.sign} if card.sign else {}),
    )


def _course(card: Card, theme: Theme) -> list[Component]:
    title = clean(card.course_title)
    drawing = html.Img(src=sparkline(card.course, theme, IN_CARD), alt=title, title=title, className="sparkline")
    return [drawing, html.P(title, className="evidence")]


def _marks(card: Card) -> dict[str, str]:
    return {"data-metric": card.metric, "data-full": card.full} if card.metric else {}


def _term(name: str, definition: str, class_name: str) -> Component:
    """A name whose definition shows on hover, and on focus for keyboard and screen reader users."""
    if not definition:
        return html.P(clean(name), className=class_name)
    return html.P(
        [
            clean(name),
            " ",
            html.Button("?", className="help", type="button", **marks({"aria-label": f"{name}: {definition}"})),
            html.Span(clean(definition), className="tip", role="tooltip"),
        ],
        className=class_name,
    )


def _change(change: Change) -> Component:
    return html.P(
        [html.Span(change.text, className=change.tone), " ", clean(change.against)],
        className="change",
        title=change.full or None,
    )


def _chart(context: Context, chart: Chart) -> Component:
    """The place of a chart, with its figure as data: ``assets/charts.js`` draws it when it comes near the window."""
    locale, table = context.locale, chart.table
    layout = chart.figure.layout
    meta = layout.meta or {}
    notes = [note for note in (*chart.notes, *table.notes, *(meta.get("notes") or ())) if note]
    figure = dark(chart.figure) if context.view.theme == "dark" else chart.figure.to_plotly_json()
    if chart.selects:
        figure["layout"] |= {"dragmode": "select", "clickmode": "event+select"}
    wide = {"minWidth": meta["min_width"]} if "min_width" in meta else {}
    if "width" in meta:  # the figure needs this width: its container scrolls
        wide = {"width": meta["width"], "minWidth": "100%"}
    return html.Figure(
        [
            html.Figcaption([_head(context, table, is_chart=True), *_definition(table)]),
            html.Div(
                html.Div(
                    role="img",
                    className="plot",
                    style={"height": layout.height, **wide},
                    **marks(
                        {
                            "aria-label": clean(f"{table.title}. {table.definition}"),
                            "data-figure": json.dumps(figure, cls=PlotlyJSONEncoder),
                            **({"data-selects": chart.selects} if chart.selects else {}),
                        }
                    ),
                ),
                className="scroll",
                tabIndex=0,
                role="group",
                **marks({"aria-label": clean(table.title)}),
            ),
            *(html.P(clean(note), className="note") for note in notes),
            *([_selection(locale)] if chart.selects else []),
            _as_table(context, replace(table, notes=())),
        ],
        className="card wide" if chart.is_wide or table.is_wide else "card",
        id=f"chart-{table.key}",
    )


def _as_table(context: Context, table: Table) -> Component:
    """The table of a chart, folded. Its rows are data until it is unfolded: app.js then makes components of them.

    So the grids that nobody unfolds cost the browser nothing.
    """
    is_open = table.is_open or bool(table.sort)
    body = html.Div(_body(context, table))
    if not is_open:
        later = json.dumps(body.children, cls=PlotlyJSONEncoder)
        body = html.Div(id={"type": "later", "key": table.key}, **marks({"data-later": later}))
    return html.Details([html.Summary(context.locale.text("view_as_table")), body], open=is_open)


def _selection(locale: Locale) -> Component:
    hint = html.P(locale.text("select.hint"), className="note")
    return html.Div([hint, html.Div(className="selection", **marks({"aria-live": "polite"}))])


def _head(context: Context, table: Table, *, is_chart: bool = False) -> Component:
    """The title, and the links to the CSV and XLSX files of *table*; if *is_chart*, also a button for a PNG."""
    locale = context.locale
    links: list[Any] = [
        html.A(
            form.upper(),
            href=export_href(context.view, table.key, form),
            className="export",
            download="",
            **marks({"aria-label": locale.text("export.label", form=form.upper(), title=clean(table.title))}),
        )
        for form in ("csv", "xlsx")
    ]
    if is_chart:
        links.append(
            html.Button(
                "PNG",
                className="export png",
                type="button",
                **marks(
                    {
                        "data-chart": table.key,
                        "aria-label": locale.text("export.label", form="PNG", title=clean(table.title)),
                    }
                ),
            )
        )
    return html.Div([html.H3(clean(table.title)), html.Div(links, className="exports")], className="head")


def export_href(view: View, key: str, form: str) -> str:
    """The URL of the file of the table *key* at *view*; *form* is csv or xlsx."""
    return f"/export/{view.page}/{key}.{form}{view.query}"


def _definition(table: Table) -> list[Component]:
    return [html.P(clean(table.definition), className="definition")] if table.definition else []


def _titled_table(context: Context, table: Table) -> Component:
    return html.Section(
        [_head(context, table), *_definition(table), *_body(context, table)],
        className="card wide" if table.is_wide else "card",
        id=f"table-{table.key}",
        **marks({"aria-label": clean(table.title)}),
    )


def _body(context: Context, table: Table) -> list[Component]:
    locale = context.locale
    shown = table.rows[: min(MOST_ROWS, table.most or MOST_ROWS)]
    if not shown:
        return [html.P(locale.text("empty.rows"), className="missing"), *_notes(table)]
    notes = list(_notes(table))
    if len(shown) < len(table.rows):
        message = locale.text("first_of", n=locale.numbers.full(len(shown)), m=locale.numbers.full(len(table.rows)))
        notes.append(html.P(message, className="note"))
    if len(shown) < GRID_FROM:
        return [plain_table(context, table, shown), *notes]
    return [grid(context, table, shown), *notes]


def _notes(table: Table) -> list[Component]:
    return [html.P(clean(note), className="note") for note in table.notes if note]


def _controls(block: Controls) -> Component:
    """The controls in a row.

    Attributes tell app.js the default of each control, and which keys to remove from the URL when it changes.
    """
    choices = [control for control in block.controls if isinstance(control, Choice)]
    defaults = {choice.key: choice.default for choice in choices if choice.default}
    clears = {choice.key: choice.clears for choice in choices if choice.clears}
    return html.Div(
        [_control(control) for control in block.controls],
        className="controls",
        role="search",
        **marks({"data-defaults": json.dumps(defaults), "data-clears": json.dumps(clears)}),
    )


def _tabs(view: View, choice: Choice) -> Component:
    links = [
        html.A(
            clean(option.label),
            href=view.to(**{choice.key: option.value}).href,
            className="here" if option.value == choice.value else None,
            **marks({"aria-current": "page"} if option.value == choice.value else {}),
        )
        for option in choice.options
    ]
    return html.Nav(links, className="tabs", **marks({"aria-label": choice.label}))


def _control(control: Choice | Search) -> Any:
    if isinstance(control, Search):
        return dmc.TextInput(
            id={"type": "set", "key": control.key},
            label=control.label,
            value=control.value,
            placeholder=control.hint,
            debounce=500,
            size="sm",
        )
    return dmc.Select(
        id={"type": "set", "key": control.key},
        label=control.label,
        data=[{"value": option.value, "label": clean(option.label)} for option in control.options],
        value=control.value,
        searchable=control.is_searchable,
        allowDeselect=False,
        size="sm",
        comboboxProps={"withinPortal": True},
    )
