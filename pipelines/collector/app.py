"""The collector's HTTP endpoint: a Flask app.

Here: the addresses ``/e``, ``/hw.js``, ``/health`` and, for the demo, ``/shop/``; which answer a request gets.
Not here: the body (``pipelines.collector.batch``), the files (``pipelines.collector.landing``).

Neither the sender's address nor the user agent is kept or logged.
"""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import urlsplit

import flask
from flask import Flask, Request, Response
from werkzeug.exceptions import HTTPException

from pipelines.collector.agents import describe_agent
from pipelines.collector.batch import BodyError, lines_of, read_body, unknown_fields
from pipelines.collector.landing import EventLog
from pipelines.collector.limits import Notes, Rate
from pipelines.collector.orders import add_shop
from pipelines.home.folder import Home
from pipelines.home.web_settings import CollectorSettings
from pipelines.web.address import TrustedProxies, is_same_origin, visitor_of
from pipelines.web.network import Proxies, is_loopback, network_of

LARGEST_BODY = 256 * 1024
"""Maximum bytes of a request's body."""
_STATIC = Path(__file__).with_name("static")


def create_app(
    home: Home, settings: CollectorSettings, log: EventLog, proxies: Proxies, *, is_demo: bool = False
) -> Flask:
    """The app that writes to *log*; with *is_demo* it also serves the demo shop, whose orders it lands in *home*."""
    app = Flask(__name__, static_folder=None)
    app.wsgi_app = TrustedProxies(app.wsgi_app, proxies)  # type: ignore[method-assign]  # Flask documents assigning it
    app.register_error_handler(HTTPException, _failed)
    endpoint = _Endpoint(settings, log)
    app.add_url_rule("/e", view_func=endpoint.answer, methods=["POST", "OPTIONS"])
    app.add_url_rule("/hw.js", view_func=_tracker)
    app.add_url_rule("/health", view_func=lambda: plain("OK", 200))
    if is_demo:
        add_shop(app, home)
    return app


def plain(text: str, status: int) -> Response:
    """A response of plain text."""
    # The text may quote half of a surrogate pair, which cannot be encoded in UTF-8.
    return Response(f"{text}\n".encode(errors="backslashreplace"), status, mimetype="text/plain")


class _Endpoint:
    """``/e``: receives batches of events."""

    def __init__(self, settings: CollectorSettings, log: EventLog) -> None:
        self._origins = settings.origins
        self._log = log
        self._rate = Rate(settings.events_per_second)
        self._notes = Notes()

    def answer(self) -> Response:
        """The answer to a request, which the sending page may read if its origin is allowed."""
        request = flask.request
        origin = request.headers.get("Origin")
        if not self._is_allowed(request):
            self._notes.write(f"403: pages of {str(origin)[:80]!r} may not send events; setting: collector.origins")
            return plain("pages of this origin may not send events; setting: collector.origins", 403)
        response = _preflight() if request.method == "OPTIONS" else self._collect(request)
        if origin:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Vary"] = "Origin"
        return response

    def _is_allowed(self, request: Request) -> bool:
        """Whether the page that sends the request may do so.

        Without an Origin header, the sender is an app and not a page.
        """
        origin = request.headers.get("Origin")
        if origin is None or origin in self._origins or is_same_origin(request):
            return True
        try:
            return not self._origins and is_loopback(urlsplit(origin).hostname or "")
        except ValueError:
            return False

    def _collect(self, request: Request) -> Response:
        sender = network_of(visitor_of(request))
        if not self._rate.has_room(sender):
            self._notes.write("429: too many events in a second from one address; behind a proxy use --trust-proxy")
            return _later(plain("too many events in a second from one address", 429), seconds=1)
        if request.headers.get("Content-Encoding", "identity") != "identity":
            return plain("compressed bodies are not supported; expected no Content-Encoding", 415)
        if (request.content_length or 0) > LARGEST_BODY:
            return plain(f"the body is too large; at most {LARGEST_BODY} bytes are allowed", 413)
        try:
            content = read_body(request.get_data())
        except BodyError as error:
            self._rate.add(sender, 1)
            return plain(str(error), 413 if error.is_large else 400)
        self._rate.add(sender, len(content["events"]))
        for name in unknown_fields(content):
            self._notes.write(f"an unknown field of events is dropped: {name[:80]!r}")
        received = int(time.time() * 1000)
        try:
            self._log.append(lines_of(content, received, describe_agent(request.headers.get("User-Agent", ""))))
        except OSError as error:
            self._notes.write(f"503: events cannot be written: {error.strerror}")
            return _later(plain(f"events cannot be written: {error.strerror}", 503), seconds=10)
        return Response(status=204, mimetype="text/plain")


def _preflight() -> Response:
    response = Response(status=204)
    response.headers["Access-Control-Allow-Methods"] = "POST"
    response.headers["Access-Control-Allow-Headers"] = "Content-Type"
    response.headers["Access-Control-Max-Age"] = "86400"
    return response


def _later(response: Response, *, seconds: int) -> Response:
    response.headers["Retry-After"] = str(seconds)
    return response


def _tracker() -> Response:
    response = flask.send_from_directory(_STATIC, "hw.js", mimetype="text/javascript", max_age=3600)
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _failed(error: HTTPException) -> Response:
    return plain(error.description or error.name, error.code or 500)
