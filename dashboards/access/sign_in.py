"""Signing in and out: two URLs and a self-contained page.

Here: the page, the cookie, checking a name and password.
Not here: requests that need no sign-in (``dashboards.access.guard``).
"""

from __future__ import annotations

import hmac
import logging
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import flask
from jinja2 import StrictUndefined, Template
from werkzeug.wrappers import Response

from dashboards.access.address import own_path
from dashboards.access.attempts import Attempts
from dashboards.access.guard import SIGN_IN, SIGN_OUT, Guard, Shows
from dashboards.access.link_page import LinkPage
from dashboards.access.passwords import BusyError, Passwords
from dashboards.access.rules import Rules
from dashboards.access.sessions import LONGEST_SECONDS, form_token
from dashboards.access.users import User, plain_name
from dashboards.numbers import Language
from dashboards.texts import Texts
from pipelines.home.folder import Home
from pipelines.web.address import TrustedProxies, visitor_of

_PAGE = Path(__file__).with_name("sign_in.html")
_LOGGER = logging.getLogger("headwater.dashboard")


class SignIn:
    """Serves the sign-in and sign-out URLs of one home."""

    def __init__(self, guard: Guard, passwords: Passwords | None = None) -> None:
        self._guard = guard
        self._passwords = passwords or Passwords()
        self._attempts = Attempts(guard.database)
        self._form_cookie = f"{guard.cookie}_form"
        self._page = Template(_PAGE.read_text(encoding="utf-8"), autoescape=True, undefined=StrictUndefined)

    def add_to(self, server: flask.Flask) -> None:
        """Add the URLs for signing in and out to *server*."""
        server.add_url_rule(SIGN_IN, "sign_in", self.show, methods=["GET"])
        server.add_url_rule(SIGN_IN, "sign_in_now", self.enter, methods=["POST"])
        server.add_url_rule(SIGN_OUT, "sign_out", self.leave, methods=["POST"])

    def show(self) -> Any:
        """The sign-in page; a visitor who is signed in is redirected to the page in ``next``."""
        wanted = own_path(flask.request.args.get("next", "/"))
        if "user" in flask.g:
            return flask.redirect(wanted, 303)
        self._passwords.prepare()
        return self._form(wanted, 200)

    def enter(self) -> Any:
        """Sign in with name and password; a wrong password gets the same answer in the same time as an unknown name."""
        given = flask.request.form
        wanted, typed = own_path(given.get("next", "/")), given.get("name", "")
        if not self._is_our_form(given.get("token", "")):
            return self._form(wanted, 400, "access.old_form")
        address = visitor_of(flask.request)
        name = plain_name(typed) or ""
        wait = self._attempts.begin(name, address)
        if wait:
            return self._wait(wanted, typed, wait)
        user = self._guard.users.all().get(name)
        try:
            is_right = self._passwords.is_right(user.password if user else None, given.get("password", ""))
        except BusyError:
            return self._wait(wanted, typed, 5)
        if not is_right or user is None:
            _LOGGER.warning("sign-in refused: %s from %s", user.name if user else "an unknown name", address)
            return self._form(wanted, 401, "access.wrong", typed)
        self._attempts.succeed(name, address)
        return self._entered(user, wanted)

    def leave(self) -> Any:
        """End the session."""
        token = flask.request.cookies.get(self._guard.cookie, "")
        if not hmac.compare_digest(flask.request.form.get("token", "").encode(), form_token(token).encode()):
            return flask.Response("this form is out of date\n", 403, mimetype="text/plain")
        self._guard.sessions.end(token)
        response = flask.redirect(SIGN_IN, 303)
        response.delete_cookie(self._guard.cookie, path="/")
        # The browser also deletes its cached pages, so that nobody can see them after signing out.
        response.headers["Clear-Site-Data"] = '"cache"'
        return response

    def _entered(self, user: User, wanted: str) -> Response:
        old = flask.request.cookies.get(self._guard.cookie, "")
        if old:
            self._guard.sessions.end(old)
        response = flask.redirect(wanted, 303)
        token = self._guard.sessions.begin(user)
        self._set(response, self._guard.cookie, token, "Lax", int(LONGEST_SECONDS))
        response.delete_cookie(self._form_cookie, path=SIGN_IN)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _set(self, response: Response, name: str, value: str, same_site: str, seconds: int | None) -> None:
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path="/" if name == self._guard.cookie else SIGN_IN,
            secure=flask.request.is_secure,
            httponly=True,
            samesite=same_site,
        )

    def _is_our_form(self, token: str) -> bool:
        """Whether our page sent the form: its *token* equals a cookie of the browser that other sites cannot read."""
        kept = flask.request.cookies.get(self._form_cookie, "")
        return bool(kept) and hmac.compare_digest(kept.encode(), token.encode())

    def _wait(self, wanted: str, typed: str, seconds: int) -> Response:
        response = self._form(wanted, 429, "access.wait", typed, seconds)
        response.headers["Retry-After"] = str(seconds)
        return response

    def _form(self, wanted: str, code: int, key: str = "", typed: str = "", seconds: int = 0) -> Response:
        language = self._language()
        text = Texts(language)
        token = flask.request.cookies.get(self._form_cookie) or secrets.token_urlsafe(24)
        other: Language = "en" if language == "zh" else "zh"
        values = {
            "lang": "zh-CN" if language == "zh" else "en",
            "title": text("access.title"),
            "about": text("access.about"),
            "fault": text(key, time=_time(text, seconds)) if key else "",
            "name": text("access.name"),
            "password": text("access.password"),
            "enter": text("access.enter"),
            "typed_name": typed[:100],
            "token": token,
            "next": wanted,
            "action": f"{SIGN_IN}?lang={language}",
            "other": "English" if other == "en" else "中文",
            "other_href": f"{SIGN_IN}?{urlencode({'next': wanted, 'lang': other})}",
            "other_lang": "en" if other == "en" else "zh-CN",
        }
        response = flask.Response(self._page.render(values), code, mimetype="text/html")
        response.headers["Cache-Control"] = "no-store"
        self._set(response, self._form_cookie, token, "Strict", None)
        return response

    @staticmethod
    def _language() -> Language:
        language = flask.request.args.get("lang", "")
        if language not in ("zh", "en"):
            language = flask.request.accept_languages.best_match(["en", "zh"]) or "en"
        return "zh" if language == "zh" else "en"


def _time(text: Texts, seconds: int) -> str:
    if seconds < 90:
        return text("access.seconds", n=seconds)
    return text("access.minutes", n=-(-seconds // 60))


def add_access(
    server: flask.Flask,
    home: Home,
    rules: Rules,
    passwords: Passwords | None = None,
    shows: Shows = lambda _address, _request: False,
) -> Guard:
    """Make *server* check every request first, open links to views, and serve the sign-in page if there is one.

    Returns the guard that makes the check. *passwords* replaces the default hashing, for tests; *shows* decides which
    requests a link allows.
    """
    if rules.proxy:
        server.wsgi_app = TrustedProxies(server.wsgi_app, rules.proxy)  # type: ignore[method-assign]  # Flask documents assigning it
    guard = Guard(home, rules, shows)
    server.before_request_funcs.setdefault(None, []).insert(0, guard.check)
    LinkPage(guard).add_to(server)
    if guard.has_sign_in:
        SignIn(guard, passwords).add_to(server)
    return guard
