"""Saved views: the list of those that the user sees, and changing the user's own.

Here: the blocks of this page.
Not here: the menu of views on every page (``dashboards.app.saved_views``).
"""

from __future__ import annotations

from collections.abc import Sequence

from dash import html

from dashboards.app.context import Context
from dashboards.app.edits import may_edit
from dashboards.app.forms import form, to_change
from dashboards.app.links import link_list
from dashboards.app.saved_views import link, seen_by, view_fields
from dashboards.app.view import read_view
from dashboards.blocks import Block, Part, Table, Text
from dashboards.columns import text
from pipelines.config_tables.views import SavedView
from pipelines.home.errors import HeadwaterError

IDEAS = {
    "platforms": "/?period=28&breakdown=platform",
    "new": "/?period=28&in.customers=new",
    "spend": "/channels?period=month&metric=roas",
    "carts": "/funnel?period=7&s1=add_to_cart&s2=order&s3=none&s4=none",
    "slots": "/slots?period=7&metric=slot_click_rate&colour=change",
    "at_risk": "/customers?segment=at_risk",
}
"""Suggested view → its address; the texts ``views.idea.<name>`` describe it."""


def views(context: Context) -> Sequence[Block]:
    """The views that the user sees, and the links; below them forms to change those that the user may change."""
    return [*_saved(context), *link_list(context)]


def _saved(context: Context) -> Sequence[Block]:
    locale = context.locale
    try:
        found = seen_by(context.whole.home, context.user)
    except HeadwaterError as error:
        return [Text(str(error), "warning")]
    if not found:
        return [Text(locale.text("views.none"), "missing"), _ideas(context)]
    columns = [
        text(locale.text("views.name"), "name", href=lambda row: row["href"]),
        text(locale.text("views.page"), "page"),
        text(locale.text("views.note"), "note", is_long=True),
        text(locale.text("views.owner"), "owner"),
        text(locale.text("views.is_shared"), "shared"),
        text(locale.text("views.is_start"), "start"),
    ]
    table = Table("views", locale.text("views.list"), columns, [_row(context, one) for one in found], is_wide=True)
    own = [
        (one.name, view_fields(locale.text, context.role, _addresses(context, one), one), one.cells)
        for one in found
        if may_change(context, one)
    ]
    forms = to_change(locale.text, [(name, form(locale.text, "views", fields, cells)) for name, fields, cells in own])
    return [table, *([Part(html.Div(forms, className="edits"))] if forms else [])]


def _ideas(context: Context) -> Table:
    """Suggested views, to open and save; shown to a user who has not saved any."""
    locale = context.locale
    rows = [
        {
            "name": locale.text(f"views.idea.{key}"),
            "about": locale.text(f"views.idea.{key}.about"),
            "href": link(context.view, address),
        }
        for key, address in IDEAS.items()
    ]
    columns = [
        text(locale.text("views.name"), "name", href=lambda row: row["href"]),
        text(locale.text("column.about"), "about", is_long=True),
    ]
    title, about = locale.text("views.ideas"), locale.text("views.ideas.about")
    return Table("ideas", title, columns, rows, about, is_wide=True, is_of_days=False, is_sortable=False)


def may_change(context: Context, view: SavedView) -> bool:
    """Whether the user may change *view*: users their own views that are not shared, admins also shared views."""
    if not may_edit("views", context.role):
        return False
    return context.role == "admin" if view.is_shared else view.owner == context.user


def _addresses(context: Context, one: SavedView) -> list[tuple[str, str]]:
    return [(one.address, context.locale.text("views.days.kept"))]


def _row(context: Context, one: SavedView) -> dict[str, str]:
    locale = context.locale
    page = read_view(*one.address.partition("?")[::2])
    yes, no = locale.text("edit.yes"), locale.text("edit.no")
    return {
        "name": one.name,
        "page": locale.text(f"page.{page.page}") if page else one.address,
        "note": one.note,
        "owner": one.owner,
        "shared": yes if one.is_shared else no,
        "start": yes if one.is_start else no,
        "href": link(context.view, one.address),
    }
