"""Where a request comes from and which address it was sent to, from trusted headers only.

Here: the visitor's address, the host and scheme that the browser shows (``TrustedProxies``), the sending page's origin.
Not here: deciding what is allowed (``dashboards.access.guard``, ``pipelines.collector.app``).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import flask
from werkzeug.http import parse_list_header
from werkzeug.middleware.proxy_fix import ProxyFix

from pipelines.web.network import Proxies, plain_address

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_AS_SENT = "werkzeug.proxy_fix.orig"
"""The key under which ProxyFix keeps the original values. A request cannot set it, because keys of its headers begin
with ``HTTP_``."""


class TrustedProxies:
    """WSGI middleware: takes the visitor's address, the host and the scheme from the headers of a trusted proxy.

    werkzeug's ProxyFix trusts any peer and a fixed number of proxies. Here the peer must be a trusted proxy, and the
    visitor is the last address in X-Forwarded-For that is not a trusted proxy, however many proxies there are.
    """

    def __init__(self, application: WSGIApplication, proxies: Proxies) -> None:
        self._application = application
        self._proxies = proxies

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Correct *environ* if a trusted proxy sent the request, then call the application."""
        if not self._proxies.is_at(environ.get("REMOTE_ADDR", "")):
            return self._application(environ, start_response)
        addresses = parse_list_header(environ.get("HTTP_X_FORWARDED_FOR", ""))
        trusted = takewhile(self._proxies.is_at, reversed(addresses[1:]))
        return ProxyFix(self._application, x_for=1 + len(list(trusted)), x_host=1)(environ, start_response)


def is_proxied(request: flask.Request) -> bool:
    """Whether a trusted proxy sent the request."""
    return _AS_SENT in request.environ


def visitor_of(request: flask.Request) -> str:
    """The IP address that connected to this server or, if trusted proxies stand between, to the outermost of them."""
    return plain_address(request.remote_addr or "")


def host_as_sent(request: flask.Request) -> str:
    """The Host header as received, ignoring proxy headers."""
    environ: WSGIEnvironment = request.environ.get(_AS_SENT, request.environ)
    return environ.get("HTTP_HOST") or ""


def is_same_origin(request: flask.Request) -> bool:
    """Whether one of our own pages sent the request, by its Origin header or else its Sec-Fetch-Site header.

    A request with neither header does not come from a current browser, so no other site can have caused it: it counts
    as ours.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none")
    try:
        parts = urlsplit(origin.lower())
        default = {"http": 80, "https": 443}[parts.scheme]
        ours = urlsplit(f"//{request.headers.get('Host', '')}")
        # Host and port must be equal. The scheme is not compared, because some proxies do not report the browser's.
        return bool(parts.hostname) and (parts.hostname, parts.port or default) == (ours.hostname, ours.port or default)
    except (ValueError, KeyError):
        return False
