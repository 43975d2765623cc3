"""The collector's HTTP endpoint: a Flask app.

Here: the addresses ``/e``, ``/hw.js``, ``/health`` and, for the demo, ``/shop/``; which answer a request gets.
Not here: the body (``pipelines.collector.batch``), the files (``pipelines.collector.landing``).
"""

from __future__ import annotations

import time
from pathlib import Path

import flask
from flask import Flask, Response

from pipelines.collector.batch import BodyError, lines_of, read_body
from pipelines.collector.landing import EventLog
from pipelines.collector.shop_orders import add_shop
from pipelines.home.folder import Home

LARGEST_BODY = 256 * 1024
_STATIC = Path(__file__).with_name("static")


def create_app(home: Home, log: EventLog, *, is_demo: bool = False) -> Flask:
    """The app that writes to *log*; with *is_demo* it also serves the demo shop."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY

    @app.post("/e")
    def collect() -> Response:
        try:
            content = read_body(flask.request.get_data())
        except BodyError as error:
            return plain(str(error), 413 if error.is_large else 400)
        try:
            log.append(lines_of(content, {"received_time": int(time.time() * 1000)}, ""))
        except OSError as error:
            return plain(f"cannot be written: {error.strerror}", 503)
        return Response(status=204)

    @app.get("/hw.js")
    def tracker() -> Response:
        return flask.send_from_directory(_STATIC, "hw.js", mimetype="text/javascript", max_age=3600)

    @app.get("/health")
    def health() -> Response:
        return plain("OK", 200)

    if is_demo:
        add_shop(app, home)
    return app


def plain(text: str, status: int) -> Response:
    """A response of plain text."""
    return Response(text + "\n", status, mimetype="text/plain")
