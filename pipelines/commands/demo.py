"""``headwater demo``: simulates a shop and runs the pipeline on it.

Not here: the steps (``pipelines.commands.demo_run``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command(epilog="Example: `headwater demo` · `headwater demo /tmp/shop`")
def demo(
    directory: Annotated[Path, typer.Argument(help="Folder for the demo's home.")] = Path("demo"),
    days: Annotated[int, typer.Option(min=1, max=366, help="Days to simulate.")] = 70,
    devices: Annotated[int, typer.Option(min=1, max=1_000_000, help="Number of shoppers' devices.")] = 1500,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same shop.")] = 1,
) -> None:
    """Create a home, simulate ten weeks of a shop, run everything and show the last day."""
    from pipelines.commands.demo_run import run_demo

    run_demo(directory, days=days, devices=devices, seed=seed)
