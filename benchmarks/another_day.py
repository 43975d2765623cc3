"""What another day costs on a history of any length: `python -m benchmarks.another_day`.

Here: a simulated shop of each length is computed without its last day; then the last day lands, and the run that
computes it is timed. A Markdown table has the days computed for the touch tables, and the seconds of the whole run.
Not here: the speed of one large day (``benchmarks.jobs``).
"""

from __future__ import annotations

import argparse
import datetime as dt
import shutil
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

from benchmarks.shops import LAST_DAY
from pipelines.compute.run import Request, run_home
from pipelines.compute.workspace import open_workspace
from pipelines.home.folder import Home, init_home
from pipelines.simulator import SimulationParameters, parameters_with, simulate

TABLES = (
    "attribution.order_touches",
    "attribution.paths",
    "attribution.touch_path_daily",
    "attribution.touch_transitions",
    "attribution.removal_effects",
    "attribution.touch_credits",
    "attribution.model_daily",
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--traps", action="store_true", help="with late records, refunds and all other traps")
    parser.add_argument("lengths", nargs="*", type=int, default=[30, 120, 365], help="days of history")
    arguments = parser.parse_args()
    print("| days of history | first run, s | days computed for the next day | its processor seconds | its seconds |")
    print("| ---: | ---: | --- | ---: | ---: |")
    with tempfile.TemporaryDirectory(prefix="headwater-another-day-") as scratch:
        for length in arguments.lengths:
            home, _ = init_home(Path(scratch) / str(length))
            parameters = SimulationParameters() if arguments.traps else parameters_with(())
            simulate(
                home.landing,
                days=length + 1,
                devices=arguments.devices,
                seed=1,
                last_day=LAST_DAY,
                parameters=parameters,
            )
            withheld = withhold(home, LAST_DAY, Path(scratch) / "withheld")
            first, _, _ = timed_run(home)
            for source, target in withheld:
                shutil.move(source, target)
            seconds, processor, published = timed_run(home)
            days = ", ".join(f"{name.partition('.')[2]} {len(published.get(name, ()))}" for name in TABLES)
            print(f"| {length} | {first:.1f} | {days} | {processor:.1f} | {seconds:.1f} |", flush=True)
            shutil.rmtree(home.root)


def withhold(home: Home, day: dt.date, folder: Path) -> list[tuple[Path, Path]]:
    """Move the landed files of *day* to *folder*; returns where each is now and where it belongs."""
    folder.mkdir(exist_ok=True)
    moved = []
    for file in sorted(home.landing.rglob(f"*{day}*")):
        place = folder / f"{len(moved)}-{file.name}"
        shutil.move(file, place)
        moved.append((place, file))
    return moved


def timed_run(home: Home) -> tuple[float, float, dict[str, Collection[dt.date | None]]]:
    """Compute what is stale for the model ``attribution.model_daily``: seconds, processor seconds, days by table."""
    wall, processor = time.perf_counter(), time.process_time()
    selected = frozenset(open_workspace(home).project.select(("+attribution.model_daily",)))
    summary = run_home(home, Request(tables=selected))
    return time.perf_counter() - wall, time.process_time() - processor, dict(summary.published)


if __name__ == "__main__":
    main()
