"""``headwater collect``: receive events over HTTP and land them.

Not here: the server (``pipelines.collector.serve``).
"""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.commands.options import HomeOption, TrustProxyOption
from pipelines.home.folder import find_home, init_home, root_of

app = typer.Typer()


@app.command(
    epilog="Examples: `headwater collect --home demo` · `headwater collect --demo` · "
    "`headwater collect --host 0.0.0.0 --trust-proxy 10.0.0.5`"
)
def collect(
    home: HomeOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8060,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Number of server processes.")] = 2,
    trust_proxy: TrustProxyOption = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Also serve a small shop to click around in; create the home if needed.")
    ] = False,
) -> None:
    """Receive events from browsers and apps over HTTP and land them, until Ctrl-C."""
    from pipelines.collector.serve import serve
    from pipelines.web.network import Proxies, read_networks

    if demo and not root_of(home).exists():
        init_home(root_of(home))
    serve(find_home(home), host, port, workers, Proxies(read_networks(trust_proxy or ())), is_demo=demo)
