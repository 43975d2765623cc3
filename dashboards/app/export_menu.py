"""The export menu of a page: the whole page as a file, and a link for people without a sign-in.

Here: the menu.
Not here: making the files (``dashboards.app.page_files``), the link (``dashboards.app.links``).
"""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboards.app.context import Context
from dashboards.app.icons import icon
from dashboards.app.links import link_form
from dashboards.app.marks import marks
from dashboards.printing.chromium import SETTING, command
from dashboards.texts import Texts


def export_menu(context: Context) -> Component:
    """The menu, shown next to the menu of saved views."""
    text = context.locale.text
    return html.Details(
        [
            html.Summary([icon("download"), html.Span(text("page_file.menu"))], title=text("page_file.menu.about")),
            html.Div([*_files(context), *link_form(context)]),
        ],
        className="views-menu",
        id="export-menu",
    )


def _files(context: Context) -> list[Component]:
    text = context.locale.text
    has_browser = bool(command())
    links = [_file(context, form) for form in (("pdf", "png", "xlsx") if has_browser else ("xlsx",))]
    notes = [] if has_browser else [html.P(text("page_file.no_browser", setting=SETTING), className="note")]
    parts = [html.Div(links, className="page-files"), *notes, html.P(role="status", className="said")]
    return [html.H3(text("page_file.title")), html.Div(parts)]


def _file(context: Context, form: str) -> Component:
    text: Texts = context.locale.text
    return html.A(
        text(f"page_file.{form}"),
        href=f"/export/{context.view.page}.{form}{context.view.query}",
        className="page-file",
        **marks({"data-making": text("page_file.making"), "data-done": text("page_file.done")}),
    )
