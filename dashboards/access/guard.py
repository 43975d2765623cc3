"""Checks every request before any other code handles it: is it allowed, and for which user.

Here: the order of the checks, the answers to refused requests.
Not here: the rules (``dashboards.access.rules``), the page to sign in (``dashboards.access.sign_in``).
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

import flask
from werkzeug.wrappers import Response

from dashboards.access.address import names_this_host
from dashboards.access.database import Database
from dashboards.access.links import Link, Links
from dashboards.access.rules import Proxy, Rules
from dashboards.access.sessions import Sessions, form_token
from dashboards.access.users import ROLES, Role, User, Users, plain_name
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.web.address import host_as_sent, is_proxied, is_same_origin, visitor_of
from pipelines.web.network import is_loopback

SIGN_IN, SIGN_OUT, HEALTH, METRICS, LINK = "/sign-in", "/sign-out", "/health", "/metrics", "/shared"

METRICS_TOKEN = "HEADWATER_METRICS_TOKEN"
"""The environment variable that holds the token for reading the metrics from other computers."""

_PASSED_ON = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
"""Headers that proxies add to a request that they forward."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST_COOKIES = 100
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


Shows = Callable[[str, flask.Request], bool]
"""A function of an address and a request: whether a link to the address allows the request."""


class Guard:
    """Checks the requests to the server of one home."""

    def __init__(self, home: Home, rules: Rules, shows: Shows = lambda _address, _request: False) -> None:
        """*shows* decides which requests a link allows; by default none."""
        self.rules = rules
        self._shows = shows
        self.users = Users(home)
        self.database = Database(home)
        self.sessions = Sessions(self.database)
        self.links = Links(self.database)
        # Browsers share cookies between the ports of a host. The name contains a hash of the home, so that the servers
        # of two homes on one host do not overwrite each other's cookie.
        self.cookie = f"headwater_{hashlib.sha256(str(home.root).encode()).hexdigest()[:8]}"

    def check(self) -> Any:
        """None if the request is allowed; else the response that refuses it or redirects to the sign-in page.

        Stores the visitor, if known, in ``flask.g.user``, ``flask.g.role`` and ``flask.g.form_token``; the reader of a
        link has the link in ``flask.g.link`` too. If the users cannot be read, the response is an error 503.
        """
        request = flask.request
        if request.environ.get("headwater.inside") is _INSIDE:
            if visitor := request.environ.get("headwater.visitor"):
                _admit(visitor)
            return None
        if self.rules.is_local and not names_this_host(host_as_sent(request)):
            return _refusal(400, "this server answers to localhost and 127.0.0.1 only")
        if request.path == HEALTH and request.method in _SAFE:
            return None
        if request.path == METRICS:
            if _is_from_here(request) or _has_metrics_token(request):
                return None
            return _refusal(403, f"only programs on this computer, or with the token {METRICS_TOKEN}, may read this")
        if request.method not in _SAFE and not is_same_origin(request):
            return _refusal(403, f"this request does not come from a page of {request.headers.get('Host', '')}")
        try:
            visitor = self.visitor(request)
            link = self._link_of(request) if visitor is None else None
        except HeadwaterError as error:
            _LOGGER.warning("%s", error)
            return _refusal(503, "nobody can sign in now; the server's log says why")
        if visitor is not None:
            _admit(visitor)
            return None
        if request.path == LINK or (self.has_sign_in and request.path == SIGN_IN):
            return None
        if link is None:
            return self._stopped(request)
        if self.state_of(link) != "open":
            return self._ended(request, link)
        _admit(Visitor(f"link {link.key}", ROLES[0]))  # the space: no user can have this name
        flask.g.link = link
        return None

    def state_of(self, link: Link) -> Literal["open", "expired", "revoked"]:
        """Whether *link* still shows its view; it counts as revoked if its maker may not make links any more.

        The check is skipped if a proxy signs people in or nobody signs in, because this server then does not know the
        maker's role.

        Raises:
            HeadwaterError: the users cannot be read.
        """
        state = link.state(self.links.now())
        if state != "open" or not self.has_sign_in:
            return state
        users = self.users.all()
        if self.rules.is_open and not users:
            return state
        owner = users.get(link.owner)
        return state if owner is not None and may_make_links(owner.role) else "revoked"

    def cookie_of(self, link: Link) -> str:
        """The name of the cookie with the secret of *link*. Each link has its own, so that several can be open."""
        return f"{self.cookie}_link_{link.key}"

    def _link_of(self, request: flask.Request) -> Link | None:
        """The link that allows *request*, among those in the browser's cookies; None if there is none.

        A link that has ended is returned only if no open link allows the request.
        """
        found = None
        for name, secret in list(request.cookies.items())[:_MOST_COOKIES]:
            link = self.links.find(secret) if name.startswith(f"{self.cookie}_link_") else None
            if link is None or not self._shows(link.address, request):
                continue
            if self.state_of(link) == "open":
                return link
            found = link
        return found

    def _ended(self, request: flask.Request, link: Link) -> Response:
        """The answer to a browser with the secret of a *link* that has ended; the cookie is removed."""
        if request.method != "GET" or "text/html" not in request.headers.get("Accept", ""):
            return _refusal(401, "this link has ended")  # our script then reloads the page, which says so
        response = flask.redirect(f"{LINK}?ended={self.state_of(link)}", 303)
        response.delete_cookie(self.cookie_of(link), path="/")
        response.headers["Cache-Control"] = "no-store"
        return response

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
    """Whether a program on this host sent the request, and not a proxy that forwards it for somebody else."""
    is_passed_on = is_proxied(request) or any(name in request.headers for name in _PASSED_ON)
    return is_loopback(visitor_of(request)) and not is_passed_on


def _has_metrics_token(request: flask.Request) -> bool:
    token = os.environ.get(METRICS_TOKEN, "")
    given = request.authorization
    if not token or given is None or given.type != "bearer":
        return False
    return hmac.compare_digest((given.token or "").encode(), token.encode())


def may_make_links(role: Role) -> bool:
    """Whether *role* may make links that show a view without a sign-in."""
    return role in ("analyst", "admin")


def inside(visitor: Visitor | None = None) -> dict[str, Any]:
    """The WSGI environment that marks a request of this program to itself; ``check`` allows such requests.

    With *visitor*, the request has the rights of that user. The mark is a Python object, which no request over the
    network can carry.
    """
    return {"headwater.inside": _INSIDE} | ({"headwater.visitor": visitor} if visitor else {})


def _admit(visitor: Visitor) -> None:
    flask.g.user, flask.g.role = visitor.name, visitor.role
    flask.g.form_token = form_token(visitor.token) if visitor.token else ""


def _refusal(code: int, why: str) -> Response:
    response = flask.Response(f"{why}\n", code, mimetype="text/plain")
    response.headers["Cache-Control"] = "no-store"
    return response
