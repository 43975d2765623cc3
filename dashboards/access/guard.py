"""Checks every request before any other code handles it: is it allowed, and for which user.

Here: the order of the checks, the answers to refused requests.
Not here: the rules (``dashboards.access.rules``), the page to sign in (``dashboards.access.sign_in``).
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import flask
from werkzeug.wrappers import Response

from dashboards.access.address import names_this_host
from dashboards.access.database import Database
from dashboards.access.rules import Proxy, Rules
from dashboards.access.sessions import Sessions, form_token
from dashboards.access.users import ROLES, Role, User, Users, plain_name
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.web.address import host_as_sent, is_proxied, is_same_origin, visitor_of
from pipelines.web.network import is_loopback

SIGN_IN, SIGN_OUT, HEALTH, METRICS = "/sign-in", "/sign-out", "/health", "/metrics"

_PASSED_ON = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
"""Headers with which proxies say that they pass a request on."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_INSIDE = object()
_LOGGER = logging.getLogger("headwater.dashboard")


@dataclass(frozen=True)
class Visitor:
    """Who sends a request.

    Attributes:
        name: The user's name; '' if the server has no sign-in.
        role: The user's role, one of ROLES.
        token: The token of the user's session; '' if there is no session.
    """

    name: str = ""
    role: Role = "admin"
    token: str = field(default="", repr=False)


class Guard:
    """Checks the requests to the server of one home."""

    def __init__(self, home: Home, rules: Rules) -> None:
        self.rules = rules
        self.users = Users(home)
        self.database = Database(home)
        self.sessions = Sessions(self.database)
        # Browsers share cookies between the ports of a host. The name contains a hash of the home, so that the servers
        # of two homes on one host do not overwrite each other's cookie.
        self.cookie = f"headwater_{hashlib.sha256(str(home.root).encode()).hexdigest()[:8]}"

    def check(self) -> Any:
        """None if the request is allowed; else the response that refuses it or redirects to the sign-in page.

        Stores the visitor, if known, in ``flask.g.user``, ``flask.g.role`` and ``flask.g.form_token``. If the users
        cannot be read, the response is an error 503.
        """
        request = flask.request
        if request.environ.get("headwater.inside") is _INSIDE:
            return None
        if self.rules.is_local and not names_this_host(host_as_sent(request)):
            return _refusal(400, "this server answers to localhost and 127.0.0.1 only")
        if request.path == HEALTH and request.method in _SAFE:
            return None
        if request.path == METRICS:
            return None if _is_from_here(request) else _refusal(403, "only programs on this computer may read this")
        if request.method not in _SAFE and not is_same_origin(request):
            return _refusal(403, f"this request does not come from a page of {request.headers.get('Host', '')}")
        try:
            visitor = self.visitor(request)
        except HeadwaterError as error:
            _LOGGER.warning("%s", error)
            return _refusal(503, "nobody can sign in now; the server's log says why")
        if visitor is not None:
            flask.g.user, flask.g.role = visitor.name, visitor.role
            flask.g.form_token = form_token(visitor.token) if visitor.token else ""
            return None
        return None if self.has_sign_in and request.path == SIGN_IN else self._stopped(request)

    @property
    def has_sign_in(self) -> bool:
        """Whether people sign in with name and password."""
        return not self.rules.is_sign_in_off and not (self.rules.proxy and self.rules.proxy.user_header)

    def visitor(self, request: flask.Request) -> Visitor | None:
        """Who sends *request*; None if the sender is not signed in.

        Raises:
            HeadwaterError: the users cannot be read.
        """
        proxy = self.rules.proxy
        if proxy and proxy.user_header:
            return self._announced(request, proxy)
        if self.rules.is_sign_in_off:
            return Visitor()
        users = self.users.all()
        if self.rules.is_open and not users:
            return Visitor()
        token = request.cookies.get(self.cookie, "")
        user = self.sessions.user_of(token, users) if token else None
        return Visitor(user.name, user.role, token) if user else None

    def _announced(self, request: flask.Request, proxy: Proxy) -> Visitor | None:
        """The user named in a trusted proxy's header; None if no trusted proxy sent a valid name.

        The role comes from the proxy's role header if one is configured, else from the file of users. A user for whom
        this gives no valid role gets the lowest role.
        """
        name = plain_name(request.headers.get(proxy.user_header, ""))
        if name is None or not is_proxied(request):
            return None
        if proxy.role_header:
            role_sent = request.headers.get(proxy.role_header, "").strip().lower()
            return Visitor(name, next((role for role in ROLES if role == role_sent), ROLES[0]))
        known: User | None = self.users.all().get(name)
        return Visitor(name, known.role if known else ROLES[0])

    def _stopped(self, request: flask.Request) -> Response:
        is_page = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
        if not is_page or not self.has_sign_in:
            return _refusal(401, "sign in first")
        path = request.full_path.rstrip("?")
        wanted = {"next": path} if path != "/" else {}
        language = request.args.get("lang", "")
        query = urlencode(wanted | ({"lang": language} if language in ("zh", "en") else {}))
        response = flask.redirect(f"{SIGN_IN}?{query}" if query else SIGN_IN, 303)
        response.headers["Cache-Control"] = "no-store"
        return response


def _is_from_here(request: flask.Request) -> bool:
    """Whether a program on this host sent the request itself, so no proxy passed it on for somebody else."""
    is_passed_on = is_proxied(request) or any(name in request.headers for name in _PASSED_ON)
    return is_loopback(visitor_of(request)) and not is_passed_on


def inside() -> dict[str, Any]:
    """The WSGI environment that marks a request of this program to itself; ``check`` allows such requests.

    It contains a Python object as its mark, which no request over the network can carry.
    """
    return {"headwater.inside": _INSIDE}


def _refusal(code: int, why: str) -> Response:
    response = flask.Response(f"{why}\n", code, mimetype="text/plain")
    response.headers["Cache-Control"] = "no-store"
    return response
