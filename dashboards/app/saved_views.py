"""Saved views: the menu on every page with the user's own views and the shared ones, and the form that saves the page.

Here: which views a user sees, their links, the menu.
Not here: the file (``pipelines.config_tables.views``), saving (``dashboards.app.edits``), the list of all views
(``dashboards.app.pages.views``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from dash import html
from dash.development.base_component import Component

from dashboards.access.users import Role
from dashboards.app.context import Context
from dashboards.app.edits import may_edit
from dashboards.app.forms import Field, form
from dashboards.app.icons import icon
from dashboards.app.marks import clean
from dashboards.app.view import PRESETS, View, preset_days, read_view
from dashboards.app.watch.settings import SUBSCRIBED
from dashboards.texts import Texts
from pipelines.config_tables import views_of
from pipelines.config_tables.views import SavedView
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home

_OF_READER = frozenset({"lang", "theme"})
"""Keys of an address that each reader chooses, so they are not saved."""


def seen_by(home: Home, user: str) -> Sequence[SavedView]:
    """The views that *user* has saved, then those that others share.

    Raises:
        HeadwaterError: the file has a fault.
    """
    return sorted((one for one in views_of(home) if one.owner == user or one.is_shared), key=lambda v: v.owner != user)


def start_of(home: Home, user: str) -> SavedView | None:
    """The start page of *user*, a saved view; None if the user has not chosen one, or the file has a fault."""
    try:
        return next((one for one in views_of(home) if one.owner == user and one.is_start), None)
    except HeadwaterError:
        return None


def link(view: View, address: str) -> str:
    """The link to the saved *address*, in language and theme of *view*."""
    path, _, query = address.partition("?")
    found = read_view(path, query, view.language)
    return address if found is None else replace(found, language=view.language, theme=view.theme).href


def address_of(view: View) -> str:
    """The address of *view* as it is saved: without what each reader chooses."""
    pairs = [(key, value) for key, value in parse_qsl(view.query.lstrip("?")) if key not in _OF_READER]
    return view.path + (f"?{urlencode(pairs)}" if pairs else "")


def menu(context: Context) -> Component:
    """The menu: links to the views, the form that saves the page shown, and the link to the list of all views."""
    view, text, home = context.view, context.locale.text, context.whole.home
    try:
        links = [html.A(clean(one.name), href=link(view, one.address)) for one in seen_by(home, context.user)]
        parts: list[Component] = [html.Nav(links, className="saved-views")] if links else []
    except HeadwaterError as error:
        parts = [html.P(clean(str(error)), className="warning")]
    if not parts:
        parts = [html.P(text("views.none"), className="note")]
    if may_edit("views", context.role):
        parts += [
            html.H3(text("views.save")),
            form(text, "views", view_fields(text, context.role, addresses(context))),
        ]
    parts.append(html.A(text("views.all"), href=view.to("views").href))
    if may_edit("subscriptions", context.role) and view.page in SUBSCRIBED:
        address = address_of(replace(view, first=None, last=None))
        parts.append(html.A(text("subscribe.this"), href=view.to("alerts", what=address).href))
    return html.Details(
        [
            html.Summary([icon("bookmark"), html.Span(text("views.menu"))], title=text("views.menu.about")),
            html.Div(parts),
        ],
        className="views-menu",
    )


def addresses(context: Context) -> Sequence[tuple[str, str]]:
    """The ways to save the page shown: with its days as they are, or with the same number of newest days."""
    view, text = context.view, context.locale.text
    if not view.is_of_days:
        return [(address_of(view), text("views.days.none"))]
    first, last = context.days.first, context.days.last
    moving = []
    for preset in PRESETS:
        if preset_days(preset, context.whole.days[0], context.whole.newest(context.now)) == (first, last):
            address = address_of(replace(view, first=None, last=None, period=preset))
            moving.append((address, text("views.days.moving", name=text(f"preset.{preset}"))))
    return [*moving[:1], (address_of(view), text("views.days.fixed", first=first, last=last))]


def view_fields(
    text: Texts, role: Role, addresses: Sequence[tuple[str, str]], old: SavedView | None = None
) -> list[Field]:
    """The fields of a view; *addresses* are the choices of its address."""
    yes_no = (("", text("edit.no")), ("true", text("edit.yes")))
    shared = "true" if old and old.is_shared else ""
    start = "true" if old and old.is_start else ""
    return [
        Field("name", text("views.name"), old.name if old else "", is_required=True, is_wide=True),
        Field("address", text("views.days"), addresses[0][0], addresses, is_wide=True),
        Field("note", text("views.note"), old.note if old else "", is_wide=True),
        Field("is_start", text("views.is_start"), start, yes_no),
        *([Field("is_shared", text("views.is_shared"), shared, yes_no)] if role == "admin" else []),
    ]
