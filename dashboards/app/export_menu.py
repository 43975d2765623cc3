"""The menu of what can be taken from a page: the whole page as a file, and a link for people without a sign-in.

Here: the menu.
Not here: making the files (``dashboards.app.page_files``), the link (``dashboards.app.links``).
"""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboards.app.context import Context
from dashboards.app.icons import icon
from dashboards.app.links import link_form


def export_menu(context: Context) -> Component:
    """The menu, which stands beside that of the saved views."""
    text = context.locale.text
    return html.Details(
        [
            html.Summary([icon("download"), text("page_file.menu")], title=text("page_file.menu.about")),
            html.Div(link_form(context)),
        ],
        className="views-menu",
    )
