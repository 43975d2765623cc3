"""Blocks as components of Dash.

Here: charts, tables, controls, and the export links.
Not here: cards (``dashboards.app.kpi``), the contents of a page (``dashboards.app.pages``), files
(``dashboards.app.export``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component
from plotly.utils import PlotlyJSONEncoder

from dashboards.app.context import Context
from dashboards.app.icons import icon
from dashboards.app.kpi import cards
from dashboards.app.marks import clean, marks
from dashboards.app.paper import is_for_paper
from dashboards.app.rows import grid, letters, plain_table
from dashboards.app.terms import term
from dashboards.app.view import View
from dashboards.blocks import (
    Block,
    Cards,
    Chart,
    Choice,
    Controls,
    Empty,
    Group,
    Part,
    Search,
    Table,
    Tabs,
    Text,
)
from dashboards.figures.themes import dark, light_again
from dashboards.locale import Locale

MOST_ROWS = 200
"""Maximum rows of a table on a page; exported files have all rows."""
MOST_ROWS_ON_PAPER = 100
"""Maximum rows of a table on a page that becomes a PDF or PNG: about four sheets."""
GRID_FROM = 13
"""A table with at least this many rows is a grid that scrolls on its own with fixed headings, but not on paper."""


def components(context: Context, blocks: Sequence[Block]) -> list[Component]:
    """All *blocks*, from top to bottom, without the title, which the frame shows.

    A block without contents is one line; several such blocks in succession are lines of one box.
    """
    shown = [block for block in blocks if not (isinstance(block, Text) and block.kind == "title")]
    made: list[Component] = []
    for is_folded, group in groupby(shown, _is_folded):
        if is_folded:
            made.append(html.Div([_folded(context, block) for block in group], className="folded"))
        else:
            made += [_component(context, block) for block in group]
    return made


def _is_folded(block: Block) -> bool:
    """Whether *block* has nothing to show: an empty card, or a table or chart without rows."""
    table = block.table if isinstance(block, Chart) else block
    return isinstance(block, Empty) or (isinstance(table, Table) and not table.rows)


def _folded(context: Context, block: Block) -> Component:
    """The line of a block without contents: its title, and why it is empty."""
    if isinstance(block, Empty):
        return _line(block.title, "info" if not block.is_missing else "warning", Text(block.text, remedy=block.remedy))
    table = block.table if isinstance(block, Chart) else block
    assert isinstance(table, Table)
    notes = [note for note in (*(block.notes if isinstance(block, Chart) else ()), *table.notes) if note]
    message = Text(context.locale.text.joined(context.locale.text("empty.rows"), *notes))
    kind = "chart" if isinstance(block, Chart) else "table"
    return _line(table.title, "info", message, f"{kind}-{table.key}")


def _line(title: str, name: str, message: Text, key: str | None = None) -> Component:
    parts: list[Any] = [icon(name), html.H3(clean(title)), clean(message.text)]
    if message.remedy:
        parts += [" ", html.Code(clean(message.remedy))]
    return html.Div(parts, id=key) if key else html.Div(parts)


def _component(context: Context, block: Block) -> Component:
    if isinstance(block, Text):
        return text(block)
    if isinstance(block, Cards):
        return cards(block, context.view.theme)
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
    assert isinstance(block, Group)
    if block.kind == "card":
        return html.Div(components(context, block.blocks), className="card wide")
    if block.kind in ("grid", "thirds"):
        return _grid(context, block)
    return html.Div(components(context, block.blocks), className=block.kind)


def _grid(context: Context, group: Group) -> Component:
    """The blocks of *group* side by side; those without contents come last, so that they leave no gap."""
    full = [block for block in group.blocks if not _is_folded(block)]
    ordered = [*full, *(block for block in group.blocks if _is_folded(block))]
    kind = {1: "single", 3: group.kind}.get(len(full), "")
    return html.Div(components(context, ordered), className=f"grid {kind}".strip())


def text(block: Text) -> Component:
    """A line of text; missing data and warnings stand out."""
    if block.kind == "heading":
        return term(html.H2(clean(block.text), className="heading"), block.about)
    message: Any = clean(block.text)
    is_notice = block.kind in ("missing", "warning")
    parts: list[Any] = [icon("info" if block.kind == "missing" else "warning")] if is_notice else []
    if block.kind == "check":
        parts.append(icon("done"))
    parts.append(html.A(message, href=block.href) if block.href else message)
    if block.remedy:
        parts += [" ", html.Code(clean(block.remedy))]
    role = {"role": "status"} if is_notice else {}
    return html.P(parts, className=block.kind, **marks(role))


def _chart(context: Context, chart: Chart) -> Component:
    """The empty element of a chart, with its figure as data; ``assets/charts.js`` draws it when almost in view."""
    locale, table = context.locale, chart.table
    layout = chart.figure.layout
    meta = layout.meta or {}
    notes = [note for note in (*chart.notes, *table.notes, *(meta.get("notes") or ())) if note]
    is_dark = context.view.theme == "dark"
    figure = dark(chart.figure) if is_dark else chart.figure.to_plotly_json()
    if chart.selects:
        figure["layout"] |= {"dragmode": "select", "clickmode": "event+select"}
    wide = {"minWidth": meta["min_width"]} if "min_width" in meta else {}
    if "width" in meta:  # the figure needs this width: its container scrolls
        wide = {"width": meta["width"], "minWidth": "100%"}
    return html.Figure(
        [
            html.Figcaption([_head(context, table, is_chart=True), *_period(table)]),
            html.Div(
                html.Div(
                    role="img",
                    className="plot",
                    style={"height": layout.height, **wide},
                    **marks(
                        {
                            "aria-label": clean(f"{table.title}. {table.definition}"),
                            "data-figure": json.dumps(figure, cls=PlotlyJSONEncoder),
                            **({"data-light": json.dumps(light_again(chart.figure))} if is_dark else {}),
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
    """The table of a chart, folded unless it is open or sorted.

    The content of a folded table is kept as JSON until the user unfolds it; app.js then renders it. So tables that
    nobody unfolds take no time in the browser.
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
    links: list[Any] = [icon("download")]
    links += [
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
    definition = table.definition if table.is_of_days else ""
    name = term(html.H3(clean(table.title)), definition, "definition")
    return html.Div([name, html.Div(links, className="exports")], className="head")


def export_href(view: View, key: str, form: str) -> str:
    """The URL of the file of the table *key* at *view*; *form* is csv or xlsx."""
    return f"/export/{view.page}/{key}.{form}{view.query}"


def _period(table: Table) -> list[Component]:
    """The definition as a visible line, if *table* covers other days than the page: it says which. Else nothing."""
    if table.is_of_days or not table.definition:
        return []
    return [html.P(clean(table.definition), className="definition")]


def _titled_table(context: Context, table: Table) -> Component:
    return html.Section(
        [_head(context, table), *_period(table), *_body(context, table)],
        className="card wide" if table.is_wide else "card",
        id=f"table-{table.key}",
        **marks({"aria-label": clean(table.title)}),
    )


def _body(context: Context, table: Table) -> list[Component]:
    locale = context.locale
    most = MOST_ROWS_ON_PAPER if is_for_paper() else MOST_ROWS
    shown = table.rows[: min(most, table.most or most)]
    if not shown:
        return [html.P(locale.text("empty.rows"), className="missing"), *_notes(table)]
    notes = list(_notes(table))
    if len(shown) < len(table.rows):
        message = locale.text("first_of", n=locale.numbers.full(len(shown)), m=locale.numbers.full(len(table.rows)))
        notes.append(html.P(message, className="note"))
    if len(shown) < GRID_FROM or is_for_paper():
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
    data = [{"value": option.value, "label": clean(option.label)} for option in control.options]
    shared: dict[str, Any] = {
        "id": {"type": "set", "key": control.key},
        "label": control.label,
        "data": data,
        "size": "sm",
    }
    # The control is as wide as the chosen text; the list, as wide as the longest option.
    chosen = max(
        (letters(clean(option.label)) for option in control.options if option.value == control.value), default=0
    )
    shared |= {"searchable": control.is_searchable, "style": {"--letters": chosen}}
    shared |= {"comboboxProps": {"withinPortal": True, "width": "max-content", "position": "bottom-start"}}
    if control.most > 1:
        return dmc.MultiSelect(**shared, value=control.value.splitlines(), maxValues=control.most)
    return dmc.Select(**shared, value=control.value, allowDeselect=False)
