"""``headwater serve``: all programs of a small shop under one supervisor.

Not here: the programs and the supervisor's settings (``pipelines.commands.supervised``).
"""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.commands.options import HomeOption, TrustProxyOption
from pipelines.home.folder import find_home

app = typer.Typer()


@app.command(
    epilog="Examples: `headwater serve --home shop` · `headwater serve --collect` · "
    "`headwater serve --host 0.0.0.0`, after `headwater user add`"
)
def serve(
    home: HomeOption = None,
    host: Annotated[
        str,
        typer.Option(help="Address of dashboards and collector; unless it is a loopback address, people must sign in."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the dashboards.")] = 8050,
    dagster_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of Dagster's webserver, on this host only; 0: without it.")
    ] = 3000,
    collect: Annotated[bool, typer.Option("--collect", help="Also receive events over HTTP.")] = False,
    collect_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the collector.")] = 8060,
    trust_proxy: TrustProxyOption = None,
) -> None:
    """Serve the dashboards, run the pipeline by itself and show Dagster's UI, until Ctrl-C.

    A program that ends is started again. On Ctrl-C the pipeline first finishes the run in progress.
    """
    from pipelines.commands.supervised import Ports, supervise

    ports = Ports(port, dagster_port or None, collect_port if collect else None)
    supervise(find_home(home), host, ports, trust_proxy or ())
