"""The Dash app: from a URL to a page.

Here: the app, its callbacks, the health endpoint, error pages.
Not here: pages (``dashboards.app.pages``), who may enter (``dashboards.access``), starting a server
(``dashboards.app.serve``).
"""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import uuid
from pathlib import Path
from typing import Any

import dash
import flask
from dash import ALL, ClientsideFunction, Input, Output, State, dcc, html

from dashboards.access.rules import Rules
from dashboards.access.sign_in import add_access
from dashboards.access.users import LOCAL, Role
from dashboards.app import link_reader, shell
from dashboards.app.callback_request import add_check
from dashboards.app.context import Context
from dashboards.app.edits import add_edits
from dashboards.app.export import add_exports
from dashboards.app.fast_start import FastDash, kept_by_browsers, with_compile_hint
from dashboards.app.links import add_links
from dashboards.app.marts import Copy, Marts, NoDataError, OutdatedError
from dashboards.app.monitoring import add_monitoring
from dashboards.app.occasions import mark_occasions
from dashboards.app.order import in_order
from dashboards.app.page_files import add_page_files
from dashboards.app.pages import PAGE_OF
from dashboards.app.pages.breakdown import breakdown
from dashboards.app.pictures import add_pictures
from dashboards.app.plotly_script import PLOTLY_URL, add_plotly
from dashboards.app.render import components
from dashboards.app.saved_views import start_of
from dashboards.app.slice_bar import slice_warnings
from dashboards.app.sql.callbacks import add_sql
from dashboards.app.sql.editor import add_editor
from dashboards.app.unknown import unknown
from dashboards.app.view import PAGES, View, preset_days, read_view
from dashboards.blocks import Block, Cards, Group, Table, Text, title
from dashboards.numbers import Language
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.web.worker import LARGEST_REQUEST

DEFAULT_DAYS = "7"
"""The date preset of a URL without days."""

LONGEST_DAYS = 3660
"""A date range of more days than this is cut to the computed days."""

_ASSETS = Path(__file__).with_name("assets")
_LOGGER = logging.getLogger("headwater.dashboard")


def create_app(home: Home, rules: Rules | None = None) -> dash.Dash:
    """The app for *home*; its ``server`` is the WSGI application. Without *rules* it serves this host only.

    Raises:
        HeadwaterError: the home cannot be read.
    """
    app = FastDash(
        __name__,
        title="Headwater",
        update_title="",
        assets_folder=str(_ASSETS),
        serve_locally=True,
        compress=False,
        suppress_callback_exceptions=True,
        health_endpoint="health",
        add_log_handler=False,
        external_scripts=[{"src": PLOTLY_URL, "defer": True}],  # loads while the data is requested
    )
    marts = Marts(home)
    app.layout = _layout
    _add_callbacks(app, marts)
    add_sql(app, marts)
    add_exports(app.server, lambda view: page_of(marts.copy(), view, role_of(), user_of()))
    add_page_files(app.server, home, lambda view: page_of(marts.copy(), view, role_of(), user_of()))
    add_pictures(app.server, home)
    add_plotly(app.server)
    add_editor(app.server)
    add_edits(app.server, home)
    add_monitoring(app.server, marts)
    app.server.after_request(_with_policy)
    app.server.after_request(with_compile_hint)
    app.server.after_request(kept_by_browsers)
    app.server.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST
    add_check(app)
    guard = add_access(app.server, home, rules or Rules(), shows=link_reader.shows)
    add_links(app.server, home, guard)
    return app


def _layout() -> Any:
    language = language_of()
    return html.Div(
        [
            dcc.Store(id="address"),
            dcc.Interval(id="tick", interval=20_000),
            dcc.Store(id="shown"),
            html.Div(id="busy", className="busy"),
            html.Div(shell.skeleton(language), id="root"),
        ]
    )


def _with_policy(response: flask.Response) -> flask.Response:
    """Set the content security policy, so that the browser blocks requests to other sites."""
    response.headers["Content-Security-Policy"] = (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; "  # the SQL editor's worker
        "frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def language_of() -> Language:
    """Which of our languages the browser prefers."""
    return "zh" if flask.request.accept_languages.best_match(["en", "zh"]) == "zh" else "en"


def role_of() -> Role:
    """The role of the current user."""
    role: Role = flask.g.get("role", "admin")
    return role


def user_of() -> str:
    """The name of the current user."""
    return str(flask.g.get("user") or LOCAL)


def page_of(copy: Copy, view: View, role: Role, user: str = "") -> tuple[Context, list[Block]]:
    """The context and blocks of the page of *view*, with the days filled in and the tables sorted.

    Raises:
        NoDataError: no day is computed.
    """
    copy = copy.in_language(view.language)
    now = dt.datetime.now(dt.UTC)
    newest = copy.newest(now)
    if view.first is None or view.last is None:
        first, last = preset_days(view.period or DEFAULT_DAYS, copy.days[0], view.last or newest)
        view = view.over(view.first or first, max(view.last or last, view.first or first))
    assert view.first is not None
    assert view.last is not None
    if (view.last - view.first).days > LONGEST_DAYS:
        first, last = max(view.first, copy.days[0]), min(view.last, copy.days[-1])
        view = view.over(*(first, last) if first <= last else (copy.days[0], copy.days[-1]))
    context = Context(view, copy, role, now, user)
    if context.is_outside and (view.page == PAGES[0] or (view.is_as_of and context.days.last < copy.days[0])):
        return context, [context.nothing_there("empty.days")]
    blocks = list(PAGE_OF[view.page](context))
    if context.is_broken_down:
        parts = {type(block): place for place, block in reversed([*enumerate(blocks)])}
        figures = [parts[kind] + 1 for kind in (Cards, Table) if kind in parts]
        at = min(figures, default=parts.get(Group, len(blocks)))
        notes = itertools.takewhile(lambda block: isinstance(block, Text) and block.kind != "heading", blocks[at:])
        at += len(list(notes))
        blocks[at:at] = breakdown(context)
    ordered = in_order(blocks, view)
    warnings = [*unknown(context, ordered), *slice_warnings(context), *mark_occasions(context, ordered)]
    return context, [*warnings, *ordered]


def _add_callbacks(app: dash.Dash, marts: Marts) -> None:
    @app.callback(
        Output("root", "children"),
        Output("shown", "data"),
        Input("address", "data"),
        running=[(Output("busy", "className"), "busy on", "busy")],
    )
    def show(address: str | None) -> tuple[Any, str]:
        return _shown(marts, address or "/")

    @app.callback(
        Output("badge", "children"), Input("tick", "n_intervals"), State("shown", "data"), State("address", "data")
    )
    def refresh_badge(_ticks: int | None, shown: str | None, address: str | None) -> Any:
        view = read_view("/", (address or "").partition("?")[2], language_of()) or View()
        try:
            return shell.freshness(marts.copy(), view, shown or "")
        except HeadwaterError:  # leave the badge as it is; the next page load reports the error
            return dash.no_update

    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("headwater", "begin"), Output("address", "data"), Input("address", "id")
    )
    for function, triggers in (
        ("set", (Input({"type": "set", "key": ALL}, "value"),)),
        ("days", (Input("days", "value"),)),
        ("find", (Input("find", "n_submit"), State("find", "value"))),
    ):
        app.clientside_callback(  # type: ignore[no-untyped-call]
            ClientsideFunction("headwater", function), *triggers, prevent_initial_call=True
        )


def _shown(marts: Marts, address: str) -> tuple[Any, str]:
    language = language_of()
    path, _, query = address.partition("?")
    if path == "/" and not query and (start := start_of(marts.home, user_of())):
        path, _, query = start.address.partition("?")
    view = read_view(path, query, language)
    if view is None:
        view = read_view("/", query, language) or View(language=language)
        return shell.failure(view, "missing_page", path), ""
    try:
        copy = marts.copy()
        context, blocks = page_of(copy, view, role_of(), user_of())
        if link_reader.link_now():
            blocks = link_reader.for_reader(blocks)
        return shell.page(context, components(context, blocks), title(blocks)), shell.mark_of(copy)
    except (NoDataError, OutdatedError) as error:
        return shell.to_run(view, marts.home, "no_data" if isinstance(error, NoDataError) else "outdated"), ""
    except HeadwaterError as error:
        return shell.failure(view, "error", error.fault, error.remedy), ""
    except Exception:
        mark = uuid.uuid4().hex[:8]
        _LOGGER.exception("%s of %s%s", mark, path, query)
        return shell.failure(view, "fault", mark), ""
