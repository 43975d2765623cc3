"""A page as a file: PDF and PNG as it is shown, XLSX with all its tables.

Here: the URLs of these files, their names, the requests of the server's own browser.
Not here: the browser (``dashboards.printing``), writing workbooks (``dashboards.app.export``).
"""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import quote

import flask

from dashboards.access.guard import Visitor, inside
from dashboards.app.context import Context
from dashboards.app.export import Answer as Page
from dashboards.app.marts import NoDataError
from dashboards.app.paper import FOR_PAPER
from dashboards.app.slice_bar import Dimensions
from dashboards.app.view import View, read_view
from dashboards.app.workbook import workbook_of
from dashboards.blocks import title
from dashboards.printing.chromium import Answer, ChromiumError
from dashboards.printing.pages import BusyError, Form, page_file, turn
from dashboards.texts import Texts
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home

_TYPES: Mapping[str, str] = {
    "pdf": "application/pdf",
    "png": "image/png",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_LONGEST_NAME = 120
_OWN_HEADERS = frozenset({"accept", "accept-language", "content-type"})
_LOGGER = logging.getLogger("headwater.dashboard")


def add_page_files(server: flask.Flask, home: Home, page_of: Callable[[View], Page]) -> None:
    """Serve ``/export/<page>.<form>?<view>``, a whole page as a file; *form* is pdf, png or xlsx.

    *page_of* makes the page of a view. Nothing is kept on the server.
    """

    @server.get("/export/<page>.<form>")
    def export_page(page: str, form: str) -> flask.Response:
        view = read_view(page, flask.request.query_string.decode("utf-8", "replace"))
        if view is None or form not in _TYPES:
            flask.abort(404)
        try:
            context, blocks = page_of(view)
            if form == "xlsx":
                content = workbook_of(context, blocks, flask.request.host_url.rstrip("/") + context.view.href)
            else:
                content = _printed(server, home, context, "pdf" if form == "pdf" else "png", title(blocks))
        except NoDataError as error:
            return _refused(404, str(error))
        except BusyError:
            response = _refused(503, Texts(view.language)("page_file.busy"))
            response.headers["Retry-After"] = "30"
            return response
        except ChromiumError as error:
            _LOGGER.warning("no %s of a page: %s", form, error)
            return _refused(503, Texts(view.language)("page_file.failed", fault=error.fault, remedy=error.remedy))
        except HeadwaterError as error:
            return _refused(503, str(error))
        response = flask.Response(content, mimetype=_TYPES[form])
        name = name_of(context, form)
        plain = name.encode("ascii", "replace").decode().replace("?", "_")
        response.headers["Content-Disposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
        return response


def _printed(server: flask.Flask, home: Home, context: Context, form: Form, name: str) -> bytes:
    """The page of *context* as a file, with the rights of the user who asks for it."""
    view = context.view
    visitor = Visitor(str(flask.g.get("user", "")), flask.g.get("role", "admin"))
    footer = name or context.locale.text(f"page.{view.page}")
    if view.is_of_days:
        footer = f"{footer} · {context.days.first} – {context.days.last}"
    return printed(server, home, view, form, visitor, f"Headwater · {footer}")


def printed(server: flask.Flask, home: Home, view: View, form: Form, visitor: Visitor, footer: str = "") -> bytes:
    """The page of *view* as a file, with the rights of *visitor*.

    *footer* is printed at the bottom of each sheet of a PDF.

    Raises:
        BusyError: another file is being made, and takes too long.
        ChromiumError: there is no Chromium, or it failed.
    """
    href = replace(view, theme="light").href  # paper is white, so use the light colours
    with turn(home.print_lock):
        return page_file(href, form, _answers(server, visitor), footer)


def _answers(server: flask.Flask, visitor: Visitor) -> Callable[[str, str, Mapping[str, str], bytes], Answer]:
    """A function that answers the browser's requests in this process, with the rights of *visitor* and no sign-in."""

    def answer(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        own = {name: value for name, value in headers.items() if name.lower() in _OWN_HEADERS}
        response = server.test_client().open(
            path, method=method, headers=own, data=body or None, environ_overrides=inside(visitor) | FOR_PAPER
        )
        try:
            return Answer(response.status_code, list(response.headers), response.get_data())
        finally:
            response.close()

    # A context of its own, so that Flask does not mix these requests with the one that is being answered.
    return lambda *request: contextvars.Context().run(answer, *request)


def name_of(context: Context, form: str) -> str:
    """The name of the file of a page: the page, its days, its slice."""
    view = context.view
    days = f"{context.days.first}-{context.days.last}" if view.is_of_days else f"{context.now:%Y%m%d}"
    dimensions = Dimensions(context)
    values = ["+".join(dimensions.name(name, value) for value in chosen) for name, chosen in context.slice]
    part = [view.get("part")] if view.get("part") else []
    whole = "-".join(["headwater", view.page, *part, days, *values])
    kept = "".join(sign if sign.isalnum() or sign in "-+_" else "_" for sign in whole)
    return f"{kept[:_LONGEST_NAME]}.{form}"


def _refused(code: int, why: str) -> flask.Response:
    return flask.Response(f"{why}\n", code, mimetype="text/plain")
