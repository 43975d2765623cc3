"""Host names and paths that the dashboards accept.

Here: names of this host, paths of this app.
Not here: where a request comes from (``pipelines.web.address``), deciding what is allowed
(``dashboards.access.guard``).
"""

from __future__ import annotations

import unicodedata
from urllib.parse import urlsplit

from pipelines.web.network import is_loopback

_LONGEST_PATH = 8_000


def names_this_host(host: str) -> bool:
    """Whether *host*, with any port, is a name of the loopback address.

    Other names are refused because of DNS rebinding: a foreign site can point its name at this host, to read through
    a visitor's browser what only the visitor can reach.
    """
    try:
        parts = urlsplit(f"//{host}")
        return parts.username is None and (parts.port or 1) > 0 and is_loopback(parts.hostname or "")
    except ValueError:
        return False


def own_path(text: str) -> str:
    """*text* if it is a path of this app, else ``/``, so that a redirect to it never leads to another site.

    The result is also ``/`` if a browser might read *text* as the URL of another host, or if it is the path to sign in
    or out.
    """
    is_odd = any(unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp", "Cs") for sign in text) or "\\" in text
    if not text.startswith("/") or text.startswith("//") or is_odd or len(text) > _LONGEST_PATH:
        return "/"
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    is_elsewhere = parts.scheme or parts.netloc or parts.path in ("/sign-in", "/sign-out")
    return "/" if is_elsewhere else text
