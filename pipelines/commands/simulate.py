"""``headwater simulate``: writes the log of a made-up shop.

Not here: the shop (``pipelines.simulator``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipelines import simulator
from pipelines.commands.options import HomeOption
from pipelines.home.folder import find_home

app = typer.Typer()


class LogFormat(StrEnum):
    """Formats of ``headwater simulate``."""

    ndjson = "ndjson"
    parquet = "parquet"


class LogFiles(StrEnum):
    """How ``headwater simulate`` splits the log into files."""

    daily = "daily"
    hourly = "hourly"


@app.command(
    epilog="Traps:\n\n"
    + "\n\n".join(f"- `{name}`: {trap.description}" for name, trap in simulator.TRAPS.items())
    + "\n\nExamples: `headwater simulate --days 7 --devices 2000 --out home/landing` · "
    "`headwater simulate --trap wrong_clocks --trap duplicates`"
)
def simulate(
    days: Annotated[int, typer.Option(min=1, max=3660, help="Days to simulate.")] = 7,
    devices: Annotated[int, typer.Option(min=1, max=50_000_000, help="Number of shoppers' devices.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same shop.")] = 1,
    last_day: Annotated[
        dt.datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
            help="Last simulated day; default: yesterday.",
            show_default=False,
        ),
    ] = None,
    log_format: Annotated[LogFormat, typer.Option("--format", help="Format of the tracking log.")] = LogFormat.ndjson,
    files: Annotated[LogFiles, typer.Option(help="One file of the log per day, or per hour.")] = LogFiles.daily,
    visits: Annotated[
        float, typer.Option(min=0.001, max=20, help="Mean number of visits of a device per day.")
    ] = simulator.SimulationParameters.visits_per_device_day,
    clean: Annotated[bool, typer.Option("--clean", help="A log without traps.")] = False,
    trap: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only this trap; may be repeated; default: all traps at realistic rates.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="A landing folder; default: the home's.", show_default=False),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Write the tracking logs, orders and products of a made-up shop, and a file with each sale's true origin."""
    landing = out if out is not None else find_home(home).landing
    day = last_day.date() if last_day else None
    for line in run_simulation(
        landing,
        days=days,
        devices=devices,
        seed=seed,
        last_day=day,
        form="parquet" if log_format is LogFormat.parquet else "ndjson",
        files="hourly" if files is LogFiles.hourly else "daily",
        visits=visits,
        traps=trap or ([] if clean else None),
    ):
        print(line)


def run_simulation(
    landing: Path,
    *,
    days: int,
    devices: int,
    seed: int,
    last_day: dt.date | None,
    form: Literal["ndjson", "parquet"],
    files: Literal["daily", "hourly"] = "daily",
    visits: float = simulator.SimulationParameters.visits_per_device_day,
    traps: Sequence[str] | None = None,
    experiment_days: int = 0,
) -> Iterator[str]:
    """Write the log of a simulated shop to *landing*; yields the lines to print.

    *visits* is the mean number of visits of a device per day; *traps* are names of ``TRAPS``, None: the default rates
    of ``SimulationParameters``. An A/B test runs on the last *experiment_days* days.

    Raises:
        HeadwaterError: a trap is unknown, or the folder cannot be written.
    """
    day = last_day or dt.date.today() - dt.timedelta(days=1)
    parameters = simulator.SimulationParameters() if traps is None else simulator.parameters_with(traps)
    summary = simulator.simulate(
        landing,
        days=days,
        devices=devices,
        seed=seed,
        last_day=day,
        format=form,
        files=files,
        parameters=replace(parameters, visits_per_device_day=visits, experiment_days=experiment_days),
    )
    yield (
        f"simulated {summary.first_day} to {summary.last_day}: {summary.visits:,} visits, "
        f"{summary.records:,} event records ({summary.duplicates:,} of them sent twice, {summary.broken:,} broken), "
        f"{summary.orders:,} orders"
    )
    yield f"{len(summary.files)} files in {landing}; where each sale truly came from: {summary.truth}"
    if traps and "foreign_currency" in traps:
        yield f"exchange rates of its currencies, for the home's config/fx.csv: {summary.truth.with_name('fx.csv')}"
