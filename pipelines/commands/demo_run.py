"""The steps of ``headwater demo`` and its final output.

Not here: the shop (``pipelines.simulator``).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

from dashboards.queries import query
from dashboards.report.file import write_reports
from pipelines.commands.console import print_summary, print_table, teller
from pipelines.commands.demo_plan import write_plan
from pipelines.commands.engine import recording_engine
from pipelines.commands.simulate import run_simulation
from pipelines.commands.stopping import run_stoppable
from pipelines.compute.reading import query_rows
from pipelines.compute.run import run_home
from pipelines.home.errors import HeadwaterError
from pipelines.home.files import write_file
from pipelines.home.folder import DATA, REPOSITORY, Home, init_home
from pipelines.simulator.pictures import write_pictures

_VISITS = 0.15
"""Visits of a device per day: so few that visitors, conversion rate and paths are like those of a real shop."""

_EXPERIMENT_DAYS = 28


def run_demo(directory: Path, *, days: int, devices: int, seed: int) -> None:
    """Create a home in *directory*, simulate, run, and show the last day.

    Raises:
        HeadwaterError: the folder cannot be used, or the run fails.
    """
    home, _ = init_home(directory)
    is_new = not any(home.landing.rglob("*.ndjson"))
    if not is_new:
        print(f"{home.root} already has a shop's log; it is kept, and only what is new or stale is computed")
    else:
        with teller() as tell:
            tell(f"simulating {days} days of a shop")
            told = list(
                run_simulation(
                    home.landing,
                    days=days,
                    devices=devices,
                    seed=seed,
                    last_day=None,
                    form="ndjson",
                    visits=_VISITS,
                    experiment_days=_EXPERIMENT_DAYS,
                )
            )
            simulation = home.root / "simulation"
            write_pictures(home.config, pl.read_parquet(simulation / "contents.parquet"))
            write_file(home.product_names_file, (simulation / home.product_names_file.name).read_text("utf-8"))
        print("\n".join(told))
    with teller() as tell:
        summary = run_stoppable(lambda tell: run_home(home, engine=recording_engine, tell=tell), tell)
    print_summary(summary)
    if summary.has_errors or summary.last is None:
        raise HeadwaterError(
            "the demo's run failed", remedy=f"'headwater doctor --home {directory}' reports what is wrong"
        )
    day = _last_day_with_sales(home)
    if is_new:
        write_plan(home, day)
    print(f"\nThe entrances on {day}, the last day with sales:\n")
    print_table(query_rows(home, query("demo.entrances"), values={"day": day}))
    _show_sales_check(home, day)
    _write_reports(home, day)
    _show_next_steps(directory)


def _write_reports(home: Home, day: dt.date) -> None:
    with teller() as tell:
        tell("writing the report")
        paths = list(write_reports(home, day).values())
    print("\nThe day's report, in Chinese and English; open it in a browser:")
    for path in paths:
        print(f"  {path}")


def _last_day_with_sales(home: Home) -> dt.date:
    day = query_rows(home, query("demo.last_day")).rows[0][0]
    if not isinstance(day, dt.date):
        raise HeadwaterError("the simulated shop has no sales", remedy="use more --devices or --days")
    return day


def _show_sales_check(home: Home, day: dt.date) -> None:
    entrances, paid_orders = query_rows(home, query("demo.sales"), values={"day": day}).rows[0]
    if entrances != paid_orders:
        raise HeadwaterError(
            f"the entrances' sales, {entrances}, differ from the paid orders, {paid_orders}",
            remedy="this is a bug in Headwater, please report it",
        )
    print(f"\nSales check: the entrances' revenue, {entrances}, equals the day's paid orders, {paid_orders}.")


def _show_next_steps(directory: Path) -> None:
    dagster = f"HEADWATER_HOME={directory} dagster dev -m assets.definitions" if DATA != REPOSITORY else "make dev"
    print(f"""
Next:
  headwater sql --home {directory} "SELECT * FROM attribution.path_summary ORDER BY revenue DESC LIMIT 10"
  headwater dashboard --home {directory}   the dashboards, at http://127.0.0.1:8050
  headwater docs                     the data dictionary
  {dagster:<34} the Dagster UI on this home, at http://127.0.0.1:3000""")
