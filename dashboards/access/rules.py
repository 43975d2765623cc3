"""How people enter, from the options with which the server was started.

Here: what each listening address allows, which reverse proxies are trusted.
Not here: checking requests (``dashboards.access.guard``).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.access.users import Users
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.web.network import Proxies, is_loopback, read_networks


@dataclass(frozen=True)
class Proxy(Proxies):
    """The trusted reverse proxies.

    Attributes:
        user_header: The header with the name of the user whom the proxy signed in; '' if it signs nobody in.
        role_header: The header with that user's role; '' if there is none.
    """

    user_header: str = ""
    role_header: str = ""


@dataclass(frozen=True)
class Rules:
    """Who may enter the web app, and how.

    Attributes:
        host: The address that the server listens on.
        is_open: No sign-in as long as there are no users.
        is_sign_in_off: No sign-in even if there are users.
        proxy: The trusted reverse proxies; if None, proxy headers are ignored.
    """

    host: str = "127.0.0.1"
    is_open: bool = True
    is_sign_in_off: bool = False
    proxy: Proxy | None = None

    @property
    def is_local(self) -> bool:
        """Whether only programs on this host can reach the server."""
        return is_loopback(self.host)


def rules_for(
    home: Home,
    host: str,
    *,
    is_sign_in_off: bool = False,
    trusted: Sequence[str] = (),
    user_header: str = "",
    role_header: str = "",
) -> Rules:
    """The rules of a server of *home* that listens on *host*.

    Args:
        home: The home; whether it has users decides whether the server may be open.
        host: The listening address.
        is_sign_in_off: Whether nobody signs in, even if there are users; only on a loopback address.
        trusted: Addresses or networks of the trusted proxies; empty: no proxy.
        user_header: The proxies' header with the name of the user; '': proxies sign nobody in.
        role_header: The proxies' header with the role of the user; '': the role is in the file of users.

    Raises:
        HeadwaterError: the options contradict each other, or would let anybody in.
    """
    if (user_header or role_header) and not trusted:
        raise HeadwaterError("--proxy-user-header requires --trust-proxy ADDRESS, because anybody can send a header")
    if role_header and not user_header:
        raise HeadwaterError("--proxy-role-header requires --proxy-user-header", remedy="add it, or remove the first")
    proxy = Proxy(read_networks(trusted), user_header, role_header) if trusted else None
    if is_sign_in_off and not is_loopback(host):
        raise HeadwaterError(
            f"--no-sign-in is allowed only on 127.0.0.1, but other machines can reach {host}",
            remedy="remove --no-sign-in, or use --host 127.0.0.1",
        )
    if is_sign_in_off and proxy:
        raise HeadwaterError("--no-sign-in and --trust-proxy exclude each other", remedy="remove one of them")
    has_users = bool(Users(home).all())
    is_far = proxy is not None or not is_loopback(host)
    if is_far and not has_users and not user_header:
        place = host if not is_loopback(host) else f"{host} behind a proxy"
        raise HeadwaterError(
            f"other machines can reach {place}, and there are no users, so nobody would have to sign in",
            remedy=(
                f"first run 'headwater user add NAME --role admin --home {shlex.quote(str(home.root))}', or "
                "name a trusted proxy's header"
            ),
        )
    is_open = is_sign_in_off or not (is_far or has_users)
    return Rules(host, is_open, is_sign_in_off, proxy)
