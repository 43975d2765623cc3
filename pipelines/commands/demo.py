"""``headwater demo``: a made-up shop, and the whole pipeline on it.

Not here: the steps (``pipelines.commands.demo_run``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command(epilog="Example: `headwater demo` · `headwater demo /tmp/shop`")
def demo(
    directory: Annotated[Path, typer.Argument(help="Where to lay out the demo's home.")] = Path("demo"),
    days: Annotated[int, typer.Option(min=1, max=366, help="Days of the made-up shop.")] = 15,
    devices: Annotated[int, typer.Option(min=1, max=1_000_000, help="Its shoppers' devices.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Which made-up shop.")] = 1,
) -> None:
    """Lay out a home, simulate two weeks of a shop, run everything and show the last day."""
    from pipelines.commands.demo_run import run_demo

    run_demo(directory, days=days, devices=devices, seed=seed)
