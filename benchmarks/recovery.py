"""How much of the planted truth the pipeline finds again: `python -m benchmarks.recovery`.

Here: a simulated shop a trap, run through the whole pipeline, its attributed sales beside the simulator's truth, as one
Markdown table. A shop's truth is where the shopper really came from; the pipeline has only the log.
Not here: why the rest is lost: that is looked up in the lost lines, and told in docs/recovery.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines.home import Home, init_home
from pipelines.run import Request, run_home
from pipelines.simulator import TRAPS, SimulationParameters, parameters_with, simulate
from pipelines.workspace import open_workspace

LAST_DAY = dt.date(2026, 11, 20)
_SLOT = ["head_page_type", "head_module", "head_slot", "head_content_id"]


@dataclass(frozen=True)
class Recovery:
    """Sale lines of a shop, and of how many the planted entrance, and the planted slot, were found."""

    lines: int
    entrance: int
    slot: int


def simulate_and_run(home: Home, parameters: SimulationParameters, *, days: int, devices: int, seed: int) -> None:
    """Land a shop's log in the new *home*, and compute its tables up to attributed sales."""
    summary = simulate(
        home.landing,
        days=days,
        devices=devices,
        seed=seed,
        last_day=LAST_DAY,
        parameters=parameters,
        # Parquet is read faster, but cannot have broken lines.
        format="ndjson" if parameters.broken_line_rate else "parquet",
    )
    rates = summary.truth.with_name("fx.csv")
    if rates.exists():
        shutil.copy(rates, home.config / "fx.csv")
    tables = frozenset(open_workspace(home).project.select(["core", "attribution"]))
    run_home(home, Request(tables), use_dagster=False)


def sales_beside_truth(home: Home) -> pl.DataFrame:
    """The paid order lines: order_id, line_no, what was found, and what was planted (``planted_…``)."""
    found = pl.read_parquet(home.lake / "attribution" / "attributed_sales" / "*" / "*.parquet")
    planted = pl.read_parquet(home.root / "simulation" / "truth.parquet")
    texts = planted.with_columns(pl.selectors.enum().cast(pl.String))
    renamed = texts.rename(lambda name: name if name in ("order_id", "line_no") else f"planted_{name}")
    return found.join(renamed, on=["order_id", "line_no"], how="left", validate="1:1")


def recovery(sales: pl.DataFrame) -> Recovery:
    """What of *sales* (``sales_beside_truth``) was found. The slot includes its content, and the entrance."""
    is_entrance = pl.col("entrance_id") == pl.col("planted_entrance_id")
    is_slot = pl.all_horizontal(pl.col(name) == pl.col(f"planted_{name}") for name in _SLOT)
    entrance, slot = sales.select(entrance=is_entrance.sum(), slot=(is_entrance & is_slot).sum()).row(0)
    return Recovery(sales.height, entrance, slot)


def _cases(names: Sequence[str]) -> dict[str, SimulationParameters]:
    """The shops to compare, by name."""
    everything = {"clean": parameters_with(()), **{name: parameters_with([name]) for name in TRAPS}}
    everything["the believable mix"] = SimulationParameters()
    return {name: parameters for name, parameters in everything.items() if not names or name in names}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=16)
    parser.add_argument("--devices", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="keep the homes in this new folder, to look into lost lines")
    parser.add_argument("cases", nargs="*", help="clean, a trap, 'the believable mix'; default: all")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - _cases([]).keys():
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(_cases([]))}")
    print("| trap | sale lines | entrance | slot |\n| --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory(prefix="headwater-recovery-") as scratch:
        for name, parameters in _cases(arguments.cases).items():
            home, _ = init_home((arguments.keep or Path(scratch)) / name.replace(" ", "-"))
            simulate_and_run(home, parameters, days=arguments.days, devices=arguments.devices, seed=arguments.seed)
            found = recovery(sales_beside_truth(home))
            shares = [f"{100 * each / found.lines:.2f} %" for each in (found.entrance, found.slot)]
            print(f"| {name} | {found.lines:,} | {' | '.join(shares)} |", flush=True)
            if not arguments.keep:
                shutil.rmtree(home.root)


if __name__ == "__main__":
    main()
