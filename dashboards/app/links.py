"""Links that show one view without a sign-in: the form that makes one, the list that revokes them.

Here: these forms, the addresses that take them, who may make and revoke a link.
Not here: the links themselves and opening one (``dashboards.access``), what their readers see
(``dashboards.app.link_reader``).
"""

from __future__ import annotations

import datetime as dt
import hmac
import logging
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import flask
from dash import dcc, html
from dash.development.base_component import Component

from dashboards.access.database import Database
from dashboards.access.guard import LINK, Guard, may_make_links
from dashboards.access.links import MOST_DAYS, Link, Links
from dashboards.access.users import LOCAL, Role
from dashboards.app.context import Context
from dashboards.app.forms import Field, fields_of
from dashboards.app.link_reader import may_be_shared, view_of
from dashboards.app.marks import marks
from dashboards.app.saved_views import address_of, addresses, link
from dashboards.blocks import Block, Empty, Part, Table
from dashboards.columns import text as text_column
from dashboards.texts import Texts
from pipelines.home.folder import Home
from pipelines.home.settings import load_settings

DEFAULT_DAYS = 7
"""Days that a link stays valid, as preset in the form."""
_LONGEST_NOTE = 200
_LOGGER = logging.getLogger("headwater.dashboard")


def link_form(context: Context) -> list[Component]:
    """The form that makes a link to the page shown, or the reason why it cannot be shared; empty for viewers."""
    view, text = context.view, context.locale.text
    if not may_make_links(context.role):
        return []
    heading = html.H3(text("link.make"))
    if not may_be_shared(view):
        return [heading, html.P(text("link.not_this_page"), className="note")]
    choices = addresses(context)
    zone = ZoneInfo(context.whole.settings.timezone)
    until = context.now.astimezone(zone).date() + dt.timedelta(days=DEFAULT_DAYS)
    fields = [
        Field("address", text("views.days"), choices[0][0], choices, is_wide=True),
        Field("until", text("link.until"), until.isoformat(), hint="YYYY-MM-DD", is_required=True),
        Field("note", text("link.note"), hint=text("link.note.hint")),
    ]
    return [heading, html.P(text("link.about", days=MOST_DAYS), className="note"), _form(text, "new", "", fields)]


def _form(text: Texts, what: str, key: str, fields: Sequence[Field] = ()) -> Component:
    token = str(flask.g.get("form_token", "")) if flask.has_request_context() else ""
    hidden = {"token": token, "lang": text.language, "key": key}
    is_new = what == "new"
    button = html.Button(
        text("link.make_now" if is_new else "link.revoke"),
        type="submit",
        className="button primary" if is_new else "button",
        **marks({} if is_new else {"data-remove": text("link.sure")}),
    )
    return html.Form(
        [
            *(dcc.Input(type="hidden", name=name, value=value) for name, value in hidden.items()),
            *([fields_of(fields)] if fields else []),
            html.Div([button, html.Span(role="status", className="said")], className="buttons"),
        ],
        action=f"/links/{what}",
        method="post",
        className="edit",
        **marks(
            {"data-failed": text("edit.failed"), "data-copy": text("link.copy"), "data-copied": text("link.copied")}
        ),
    )


def link_list(context: Context) -> Sequence[Block]:
    """The links that the user may revoke: users their own, admins all, viewers none."""
    text = context.locale.text
    if not may_make_links(context.role):
        return []
    found = _seen_by(Links(Database(context.whole.home)), context.user, context.role)
    if not found:
        return [Empty(text("link.list"), text("link.none"), is_missing=False)]
    zone, now = ZoneInfo(context.whole.settings.timezone), context.now.timestamp()
    columns = [
        text_column(text("views.page"), "page", href=lambda row: row["href"]),
        *(text_column(text(f"link.{name}"), name) for name in ("note", "owner", "made_on", "until", "state", "key")),
    ]
    rows = [_row(context, one, zone, now) for one in found]
    table = Table("links", text("link.list"), columns, rows, text("link.list.about"), is_wide=True)
    forms = [
        html.Div([html.Span(f"{row['page']} · {one.key}"), _form(text, "revoke", one.key)], className="revoke")
        for one, row in zip(found, rows, strict=True)
        if one.state(now) == "open"
    ]
    return [table, *([Part(html.Div(forms, className="edits"))] if forms else [])]


def _seen_by(links: Links, user: str, role: Role) -> Sequence[Link]:
    return [one for one in links.all() if role == "admin" or one.owner == user]


def _row(context: Context, one: Link, zone: ZoneInfo, now: float) -> dict[str, str]:
    text, view = context.locale.text, view_of(one.address)
    last = dt.datetime.fromtimestamp(one.ends_at - 1, zone)
    return {
        "page": text(f"page.{view.page}") if view else one.address,
        "href": link(context.view, one.address),
        "note": one.note,
        "owner": one.owner,
        "made_on": f"{dt.datetime.fromtimestamp(one.made_at, zone):%Y-%m-%d %H:%M}",
        "until": f"{last:%Y-%m-%d}",
        "state": text(f"link.state.{one.state(now)}"),
        "key": one.key,
    }


class _RefusedError(Exception):
    """The user may not do this; its arguments are a key of the texts and the status of the answer."""


def add_links(server: flask.Flask, home: Home, guard: Guard) -> None:
    """Add the addresses ``/links/new`` and ``/links/revoke``; the answer is JSON with the text to show.

    Only the answer to ``/links/new`` contains the secret of the link; it is not logged and cannot be shown again.
    """

    @server.post("/links/<what>")
    def change(what: str) -> tuple[dict[str, str], int]:
        given = flask.request.form
        text = Texts("zh" if given.get("lang") == "zh" else "en")
        try:
            return _changed(what, given, guard.links, home, text), 200
        except _RefusedError as refusal:
            key, code = refusal.args
            return {"said": text(key, days=MOST_DAYS)}, code


def _changed(what: str, given: Mapping[str, str], links: Links, home: Home, text: Texts) -> dict[str, str]:
    """Do what the form *given* asks for, and return the answer.

    Raises:
        _RefusedError: the user may not do this, or the request does not come from one of our forms.
    """
    token = str(flask.g.get("form_token", ""))
    role: Role = flask.g.get("role", "admin")
    user = str(flask.g.get("user") or LOCAL)
    if not hmac.compare_digest(given.get("token", "").encode(), token.encode()):
        raise _RefusedError("edit.old_form", 403)
    if not may_make_links(role):
        raise _RefusedError("edit.not_allowed", 403)
    if what == "new":
        return {"said": text("link.made"), "path": _made(links, home, given, user)}
    if what == "revoke":
        _revoke(links, given.get("key", ""), user, role)
        return {"said": text("edit.done")}
    raise _RefusedError("edit.unknown", 404)


def _made(links: Links, home: Home, given: Mapping[str, str], user: str) -> str:
    """Make the link that the form *given* asks for; returns its path and fragment.

    Raises:
        _RefusedError: its address or its last day is not allowed.
    """
    view = view_of(given.get("address", ""))
    if view is None or view.unread:
        raise _RefusedError("link.not_this_page", 400)
    zone = ZoneInfo(load_settings(home).timezone)
    try:
        day = dt.date.fromisoformat(given.get("until", "").strip())
        ends_at = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zone).timestamp()
        made, secret = links.make(address_of(view), user, ends_at, given.get("note", "").strip()[:_LONGEST_NOTE])
    except (ValueError, OverflowError):
        raise _RefusedError("link.bad_day", 400) from None
    _LOGGER.info("%s made link %s to %s until %s", user, made.key, view.path, day)
    return f"{LINK}#{secret}"


def _revoke(links: Links, key: str, user: str, role: Role) -> None:
    if not any(one.key == key for one in _seen_by(links, user, role)):
        raise _RefusedError("link.not_yours", 403)
    links.revoke(key)
    _LOGGER.info("%s revoked link %s", user, key)
