"""Where a request comes from and which address it was sent to, as far as that can be believed.

Here: the visitor's address, the host and scheme that the browser shows, paths of our own.
Not here: what follows from it (``dashboards.access.guard``).
"""

from __future__ import annotations

import unicodedata
from urllib.parse import urlsplit

import flask

from dashboards.access.network import plain_address
from dashboards.access.rules import Proxy, is_loopback

_LONGEST_PATH = 8_000


def peer_of(request: flask.Request) -> str:
    """Who opened the connection: a browser, or a proxy."""
    return plain_address(request.environ.get("REMOTE_ADDR") or "")


def is_proxied(request: flask.Request, proxy: Proxy | None) -> bool:
    """Whether a trusted proxy sends it."""
    return proxy is not None and proxy.is_at(peer_of(request))


def visitor_of(request: flask.Request, proxy: Proxy | None) -> str:
    """The visitor's address: what the last proxy that is trusted says, never what the visitor sends."""
    address = peer_of(request)
    if proxy is None:
        return address
    for said in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        if not proxy.is_at(address) or not said.strip():
            break
        address = plain_address(said)
    return address


def host_of(request: flask.Request, proxy: Proxy | None) -> str:
    """Host and port that the browser shows."""
    said = request.headers.get("X-Forwarded-Host", "") if is_proxied(request, proxy) else ""
    return (said or request.headers.get("Host", "")).lower()


def is_https(request: flask.Request, proxy: Proxy | None) -> bool:
    """Whether the browser's way to us is encrypted."""
    said = request.headers.get("X-Forwarded-Proto", "") if is_proxied(request, proxy) else ""
    return (said or request.scheme).lower() == "https"


def names_this_host(host: str) -> bool:
    """Whether *host*, with any port, is a name of the loopback address.

    Under another name comes a page whose name was made to lead here, to read through a visitor's browser what only
    the visitor can reach (DNS rebinding).
    """
    try:
        parts = urlsplit(f"//{host}")
        return parts.username is None and (parts.port or 1) > 0 and is_loopback(parts.hostname or "")
    except ValueError:
        return False


def is_same_origin(request: flask.Request, proxy: Proxy | None) -> bool:
    """Whether one of our own pages sends it; programs that are no browsers say nothing of where they are from."""
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none")
    try:
        parts = urlsplit(origin.lower())
        default = {"http": 80, "https": 443}[parts.scheme]
        ours = urlsplit(f"//{host_of(request, proxy)}")
        # Behind a proxy that does not say so, the scheme may be another than the browser's: its port is what counts.
        return bool(parts.hostname) and (parts.hostname, parts.port or default) == (ours.hostname, ours.port or default)
    except (ValueError, KeyError):
        return False


def own_path(said: str) -> str:
    """*said* where it is a path of ours to go on to, else ``/``: no other host, nothing that a browser reads as one."""
    is_odd = any(unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp", "Cs") for sign in said) or "\\" in said
    if not said.startswith("/") or said.startswith("//") or is_odd or len(said) > _LONGEST_PATH:
        return "/"
    try:
        parts = urlsplit(said)
    except ValueError:
        return "/"
    is_elsewhere = parts.scheme or parts.netloc or parts.path in ("/sign-in", "/sign-out")
    return "/" if is_elsewhere else said
