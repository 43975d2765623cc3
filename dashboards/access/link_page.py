"""Opening a link to a view: its secret is exchanged for a cookie.

Here: the page that does this, and the message for links that have ended or never existed.
Not here: the links (``dashboards.access.links``), which requests a link allows (``dashboards.app.link_reader``).

The secret stands after the "#" of a link. Browsers do not send that part, so it is in no log of a server or proxy and
in no Referer header. The page's script posts it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import flask
from jinja2 import StrictUndefined, Template
from werkzeug.wrappers import Response

from dashboards.access.attempts import Attempts
from dashboards.access.guard import LINK, Guard
from dashboards.access.links import Link
from dashboards.numbers import Language
from dashboards.texts import Texts
from pipelines.home.errors import HeadwaterError
from pipelines.web.address import visitor_of
from pipelines.web.network import network_of

_PAGE = Path(__file__).with_name("link.html")
_LANGUAGES: Mapping[Language, str] = {"zh": "zh-CN", "en": "en"}
_LONGEST_SECRET = 200
_LOGGER = logging.getLogger("headwater.dashboard")


class LinkPage:
    """Serves ``/shared`` of one home."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._attempts = Attempts(guard.database)
        self._page = Template(_PAGE.read_text(encoding="utf-8"), autoescape=True, undefined=StrictUndefined)

    def add_to(self, server: flask.Flask) -> None:
        """Add the URL to *server*."""
        server.add_url_rule(LINK, "link", self.show, methods=["GET"])
        server.add_url_rule(LINK, "link_open", self.open, methods=["POST"])

    def show(self) -> Any:
        """The page whose script sends the secret; with ``ended`` in the URL, a page that says how the link ended."""
        ended = flask.request.args.get("ended", "")
        if ended in ("expired", "revoked"):
            return self._said(410, f"link.{ended}")
        return self._said(200, "link.opening", opens=True)

    def open(self) -> Any:
        """Redirect to the view of the link whose secret was sent, and set the cookie that gives access to it.

        A secret that was never given out counts as a failed attempt of the sender's address. A link that has ended does
        not count as failed: its sender once received it.
        """
        address = visitor_of(flask.request)
        secret = flask.request.form.get("secret", "")[:_LONGEST_SECRET]
        name = f"link from {network_of(address)}"  # guesses from one address do not slow down others
        wait = self._attempts.begin(name, address)
        if wait:
            response = self._said(429, "link.wait")
            response.headers["Retry-After"] = str(wait)
            return response
        link = self._guard.links.find(secret)
        if link is None:
            _LOGGER.warning("unknown link refused from %s", address)
            return self._said(404, "link.unknown")
        self._attempts.succeed(name, address)
        try:
            state = self._guard.state_of(link)
        except HeadwaterError as error:
            _LOGGER.warning("%s", error)
            return self._said(503, "link.later")
        if state != "open":
            _LOGGER.info("link %s refused: %s", link.key, state)
            return self._said(410, f"link.{state}")
        return self._opened(link, secret)

    def _opened(self, link: Link, secret: str) -> Response:
        _LOGGER.info("link %s opened", link.key)
        response = flask.redirect(link.address, 303)
        response.set_cookie(
            self._guard.cookie_of(link),
            secret,
            max_age=max(int(link.ends_at - self._guard.links.now()), 1),
            path="/",  # not the view's path: all pages get their data from one URL; the guard checks the view
            secure=flask.request.is_secure,
            httponly=True,
            samesite="Lax",
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    def _said(self, code: int, key: str, *, opens: bool = False) -> Response:
        """The page with the text of *key* in both languages, because the reader has not chosen one yet."""
        texts = {language: Texts(language) for language in _LANGUAGES}
        values = {
            "said": {mark: texts[language](key) for language, mark in _LANGUAGES.items()},
            "incomplete": {mark: texts[language]("link.incomplete") for language, mark in _LANGUAGES.items()},
            "opens": opens,
            "action": LINK,
        }
        response = flask.Response(self._page.render(values), code, mimetype="text/html")
        response.headers["Cache-Control"] = "no-store"
        return response
