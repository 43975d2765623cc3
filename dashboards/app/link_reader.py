"""What the reader of a link gets: one view, with a viewer's rights, without other pages and without data about persons.

Here: which views can be shared, which requests a link allows, what is left of a page.
Not here: the frame of that page (``dashboards.app.link_frame``), the links themselves (``dashboards.access.links``),
checking requests (``dashboards.access.guard``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import flask
from dash import html
from dash.development.base_component import Component

from dashboards.access.links import Link
from dashboards.app.callback_request import CALLBACKS
from dashboards.app.plotly_script import PLOTLY_URL
from dashboards.app.view import PAGES, View, read_view
from dashboards.blocks import Block, Card, Cards, Chart, Choice, Column, Controls, Group, Table, Tabs, Text

PAGE_CALLBACK = "..root.children...shown.data.."
"""Dash's name of the callback that answers with a page."""

_OF_PERSONS = frozenset({("customers", "user"), ("customers", "segment"), ("customers", "move"), ("paths", "find")})
"""Page and filter of the views that show single persons."""
_PERSON_FIELDS = frozenset({"user_id", "person_id", "device_id"})
_SHARED_PATHS = frozenset({"/_dash-layout", "/_dash-dependencies", "/_favicon.ico", PLOTLY_URL})
_SHARED_FOLDERS = ("/_dash-component-suites/", "/assets/", "/pictures/")
"""What every page consists of: scripts and styles, and the pictures of the shop's pages.

They contain none of the shop's figures.
"""


def may_be_shared(view: View) -> bool:
    """Whether a link can show *view*: a page of figures that is not about single persons."""
    is_figures = view.page in PAGES and view.page not in ("sql", "views", "alerts")
    return is_figures and not any((view.page, key) in _OF_PERSONS for key in view.filters)


def view_of(address: str) -> View | None:
    """The view at *address*, path and query; None: there is no such page, or it cannot be shared."""
    path, _, query = address.partition("?")
    view = read_view(path, query)
    return view if view is not None and may_be_shared(view) else None


def shows(address: str, request: flask.Request) -> bool:
    """Whether a link to *address* allows *request*.

    It allows the page, the page's data, and the files that every page needs.
    """
    own = view_of(address)
    if own is None:
        return False
    if request.method in ("GET", "HEAD"):
        path = request.path
        if path in _SHARED_PATHS or path.startswith(_SHARED_FOLDERS):
            return True
        return _is_same(own, path, request.query_string.decode("utf-8", "replace"))
    if request.method != "POST" or request.path != CALLBACKS:
        return False
    asked = _asked(request)
    return asked is not None and _is_same(own, *asked)


def _asked(request: flask.Request) -> tuple[str, str] | None:
    """Path and query of the page that a callback's *request* asks for; None: it asks for something else.

    Dash reads the values by their position, and ``callback_request`` checks the names at these positions, so this
    function compares both position and name.
    """
    try:
        body = request.get_json(silent=True)
    except RecursionError:
        return None
    if not isinstance(body, dict) or body.get("output") != PAGE_CALLBACK or body.get("state"):
        return None
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
        return None
    if [(one.get("id"), one.get("property")) for one in inputs] != [("address", "data")]:
        return None
    address = inputs[0].get("value")
    if not isinstance(address, str):
        return None
    path, _, query = address.partition("?")
    return path, query


def _is_same(own: View, path: str, query: str) -> bool:
    asked = read_view(path, query)
    return asked is not None and not asked.unread and _plain(asked) == _plain(own)


def _plain(view: View) -> View:
    """*view* without the settings that each reader chooses."""
    return replace(view, language="en", theme="light")


def link_now() -> Link | None:
    """The link by which the current request is allowed; None: its sender has signed in."""
    return flask.g.get("link") if flask.has_request_context() else None


def for_reader(blocks: Sequence[Block]) -> list[Block]:
    """*blocks* without links, choices and columns of persons; the current choices become a line of text."""
    return [kept for block in blocks if (kept := _kept(block)) is not None]


def _kept(block: Block) -> Block | None:
    if isinstance(block, Table):
        return _plain_table(block)
    if isinstance(block, Chart):
        return replace(block, table=_plain_table(block.table), selects="")
    if isinstance(block, Cards):
        return replace(block, cards=tuple(map(_plain_card, block.cards)))
    if isinstance(block, Text):
        return replace(block, href="")
    if isinstance(block, Group):
        return replace(block, blocks=tuple(for_reader(block.blocks)))
    if isinstance(block, Controls | Tabs):
        controls = block.controls if isinstance(block, Controls) else (block.choice,)
        chosen = [said for one in controls if isinstance(one, Choice) and (said := _said(one))]
        return Text(" · ".join(chosen)) if chosen else None
    return block


def _plain_table(table: Table) -> Table:
    columns = [replace(one, href=None) for one in table.columns if not _is_of_persons(one)]
    return replace(table, columns=columns, keys=(), is_sortable=False)


def _is_of_persons(column: Column) -> bool:
    return column.field in _PERSON_FIELDS


def _plain_card(card: Card) -> Card:
    return replace(card, href="")


def _said(choice: Choice) -> str:
    chosen = choice.value.splitlines() if choice.most > 1 else [choice.value]
    names = [option.label for option in choice.options if option.value in chosen]
    return f"{choice.label}: {', '.join(names)}" if names else ""


def unlinked(part: Any) -> Any:
    """The component (or list of components) *part* with its links as plain text and without its exports."""
    if isinstance(part, list | tuple):
        return [unlinked(one) for one in part if getattr(one, "className", None) != "exports"]
    if not isinstance(part, Component):
        return part
    content = getattr(part, "children", None)
    if isinstance(part, html.A):
        kept = {name: getattr(part, name, None) for name in ("className", "title", "style", "aria-label")}
        return html.Span(unlinked(content), **{name: value for name, value in kept.items() if value is not None})
    if content is not None:
        part.children = unlinked(content)
    return part
