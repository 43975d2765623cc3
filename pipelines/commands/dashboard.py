"""``headwater dashboard``: serve the dashboards to browsers.

Not here: the server (``dashboards.app.serve``).
"""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.commands.options import HomeOption, TrustProxyOption
from pipelines.home.folder import find_home

app = typer.Typer()


@app.command(
    epilog="Examples: `headwater dashboard --home demo` · `headwater dashboard --host 0.0.0.0`, after "
    "`headwater user add` · `headwater dashboard --trust-proxy 127.0.0.1 --proxy-user-header X-Forwarded-User`"
)
def dashboard(
    home: HomeOption = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; unless it is a loopback address, people must sign in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8050,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Number of server processes.")] = 2,
    no_sign_in: Annotated[
        bool, typer.Option("--no-sign-in", help="Require no sign-in on this host, even if there are users.")
    ] = False,
    trust_proxy: TrustProxyOption = None,
    proxy_user_header: Annotated[
        str, typer.Option(metavar="HEADER", help="Header in which the proxy sends the user's name.", show_default=False)
    ] = "",
    proxy_role_header: Annotated[
        str, typer.Option(metavar="HEADER", help="Header in which the proxy sends the user's role.", show_default=False)
    ] = "",
) -> None:
    """Serve the dashboards of a home to browsers, until Ctrl-C."""
    from dashboards.access.rules import rules_for
    from dashboards.app.serve import serve

    place = find_home(home)
    rules = rules_for(
        place,
        host,
        is_sign_in_off=no_sign_in,
        trusted=trust_proxy or (),
        user_header=proxy_user_header,
        role_header=proxy_role_header,
    )
    serve(place, rules, port, workers)
