"""A simulation: all blocks of the made-up shop into landing files, and the truth beside them.

Here: ``simulate``, what it returns, and how blocks are shared out to the cores.
Not here: what happens in a block (``block``).
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import available_timezones

import polars as pl

from pipelines.home.errors import HeadwaterError
from pipelines.simulator.block import Counts, simulate_block
from pipelines.simulator.landing import Files, Format, Landing, write_file
from pipelines.simulator.orders import exchange_rates
from pipelines.simulator.parameters import SimulationParameters
from pipelines.simulator.plan import Plan, make_plan
from pipelines.simulator.shop import Shop, make_shop


@dataclass(frozen=True)
class SimulationSummary:
    """What was simulated. The event files hold *records* = *events* + *duplicates* + *broken*.

    *orders* counts order ids, *order_versions* and *order_lines* the records of orders and of lines. *truth* is the
    file of the planted truth.
    """

    first_day: dt.date
    last_day: dt.date
    visits: int
    events: int
    duplicates: int
    broken: int
    orders: int
    order_versions: int
    order_lines: int
    refunds: int
    products: int
    files: tuple[Path, ...]
    truth: Path

    @property
    def records(self) -> int:
        """Records in the event files."""
        return self.events + self.duplicates + self.broken


def simulate(
    out: Path,
    *,
    days: int,
    devices: int,
    seed: int,
    last_day: dt.date,
    format: Format = "ndjson",
    timezone: str = "Asia/Shanghai",
    parameters: SimulationParameters | None = None,
    truth: Path | None = None,
    files: Files = "daily",
    workers: int | None = None,
) -> SimulationSummary:
    """Write the landing files of a made-up shop: *days* days up to *last_day* in *timezone*.

    The same arguments give the same bytes, whatever *workers* is. Nothing is received, ordered or changed after
    *last_day*.

    Args:
        out: The landing folder; files go to ``<out>/native/<relation>/``, by the date on which the records were
            received or changed, one a day and block of devices. Files of these names are replaced.
        days: How many days.
        devices: How many devices there are; about a third of them come on a day.
        seed: Not negative.
        last_day: The last day of the log.
        format: Of the events; the other relations are small, always NDJSON, and products CSV.
        timezone: The shop's (IANA).
        parameters: The rates of everything; default: those of the class. See ``parameters_with`` for traps.
        truth: The file of the planted truth; default ``<out>/../simulation/truth.parquet``. Its columns:
            order_id, line_no, kind, matched_by, end_event_id, head_event_id, entrance_id, head_page_type,
            head_module, head_slot, head_content_id, as in ``attribution.attributed_sales``, one row an order line, of
            unpaid orders too. *kind*: ``product``, ``unknown_sku`` (a product under an id that nothing else knows),
            ``add_on``, ``gift``, ``bundle``, ``telephone``. *matched_by* says what really led to the line: a ``cart``
            or ``click`` of its product (end_event_id), the rest of its ``order`` (end_event_id: what was carted or
            clicked last for it), its ``visit`` alone, ``none``. Beside it:
            ``contents.parquet``, what each slot showed on each day and the share of clicks that it is worth, and
            ``fx.csv`` where there are orders in other currencies.
        files: One file of events a day, or an hour.
        workers: Blocks that are made at the same time; default: one a core. Memory grows with it.

    Raises:
        HeadwaterError: an argument is impossible, or a file cannot be written.
    """
    _check(days, devices, seed, timezone, format, files)
    plan = make_plan(parameters or SimulationParameters(), seed, devices, days, last_day, timezone)
    shop = make_shop(plan)
    landing = Landing(out, plan, format, files)
    truth = truth or out.parent / "simulation" / "truth.parquet"
    written = [landing.write_products(shop.catalogue.frame)]
    counts = Counts()
    for each in _blocks(shop, landing, truth, workers or os.cpu_count() or 1):
        counts.add(each)
    _join_truth(plan, truth)
    write_file(truth.with_name("contents.parquet"), shop.showings().write_parquet)
    if plan.parameters.foreign_currency_rate:
        write_file(truth.with_name("fx.csv"), exchange_rates(plan).write_csv)
    return SimulationSummary(
        first_day=plan.days[0],
        last_day=last_day,
        visits=counts.visits,
        events=counts.records - counts.duplicates,
        duplicates=counts.duplicates,
        broken=counts.broken,
        orders=counts.orders,
        order_versions=counts.order_versions,
        order_lines=counts.order_lines,
        refunds=counts.refunds,
        products=shop.catalogue.frame.height,
        files=(*written, *counts.files),
        truth=truth,
    )


def _check(days: int, devices: int, seed: int, timezone: str, format: str, files: str) -> None:
    for name, value, least in (("days", days, 1), ("devices", devices, 1), ("seed", seed, 0)):
        if value < least:
            raise HeadwaterError(f"simulate: {name} is {value}, expected {least} or more")
    if timezone not in available_timezones():
        raise HeadwaterError(f"simulate: time zone '{timezone}' is unknown, expected one such as Asia/Shanghai")
    if format not in ("ndjson", "parquet"):
        raise HeadwaterError(f"simulate: format is '{format}', expected ndjson or parquet")
    if files not in ("daily", "hourly"):
        raise HeadwaterError(f"simulate: files is '{files}', expected daily or hourly")


def _blocks(shop: Shop, landing: Landing, truth: Path, workers: int) -> Iterator[Counts]:
    """Make every block, several at the same time, in the order of their numbers."""
    numbers = range(shop.plan.blocks)
    truths = [_truth_of(truth, block) for block in numbers]
    # Threads do: the work is in numpy and Polars, which do not hold each other up.
    with ThreadPoolExecutor(min(workers, len(numbers))) as pool:
        try:
            yield from pool.map(lambda block: simulate_block(shop, block, landing, truths[block]), numbers)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _truth_of(truth: Path, block: int) -> Path:
    return truth.with_name(f".{truth.stem}-{block:03d}.parquet")


def _join_truth(plan: Plan, truth: Path) -> None:
    """One file of the blocks' truths."""
    parts = [_truth_of(truth, block) for block in range(plan.blocks)]
    write_file(truth, lambda path: pl.scan_parquet(parts).sink_parquet(path))
    for part in parts:
        part.unlink()
