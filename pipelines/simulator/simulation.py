"""A simulation: writes the landing files of all blocks of the made-up shop, and the true origin of the sales.

Here: ``simulate``, what it returns, and how blocks are distributed to threads.
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
from pipelines.simulator.catalogue import product_names
from pipelines.simulator.landing import Files, Format, Landing, write_file
from pipelines.simulator.marketing import spend_of
from pipelines.simulator.orders import exchange_rates
from pipelines.simulator.parameters import SimulationParameters
from pipelines.simulator.plan import Plan, make_plan
from pipelines.simulator.shop import Shop, make_shop


@dataclass(frozen=True)
class SimulationSummary:
    """How much was simulated. The event files have *records* = *events* + *duplicates* + *broken*.

    *orders* counts order ids, *order_versions* and *order_lines* the records of orders and of lines. *truth* is the
    file with the true origin of each line.
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

    The same arguments give the same bytes; *workers* does not matter. Nothing is received, ordered or changed after
    *last_day*.

    Args:
        out: The landing folder. Files go to ``<out>/native/<relation>/``, one for each day (on which the records were
            received or changed) and block of devices. Existing files of the same name are replaced.
        days: Number of days.
        devices: Number of devices; about a third of them visit on a day.
        seed: Not negative.
        last_day: The last day of the log.
        format: Format of the events; products are always CSV, the other relations NDJSON.
        timezone: The shop's time zone (IANA).
        parameters: All rates; default: those of the class. See ``parameters_with`` for traps.
        truth: The file with the true origin of each line; default ``<out>/../simulation/truth.parquet``. Columns:
            order_id, line_no, kind, matched_by, end_event_id, head_event_id, entrance_id, head_page_type,
            head_module, head_slot, head_content_id, as in ``attribution.attributed_sales``; one row per order line,
            unpaid orders included. *kind*: ``product``, ``unknown_sku`` (a product under an id that occurs nowhere
            else), ``add_on``, ``gift``, ``bundle``, ``telephone``. *matched_by* says what led to the line: a ``cart``
            or ``click`` of its product (end_event_id), the other lines of its ``order`` (end_event_id: the last cart
            or click for the order), only its ``visit``, or ``none``. Files beside it: ``contents.parquet``, what
            each slot showed on each day and its share of clicks; ``product_names.csv``, for ``config/``;
            ``channels.csv``, what each channel caused (columns
            channel; visits; orders_touched: orders of people who came by it in the order's visit or within 30 days
            before; incremental_orders: orders that would be missing without the channel; spend, in the shop's
            currency); ``experiments.csv`` if parameters.experiment_days is not 0: the A/B test (columns
            experiment, variant, first_day, last_day, click_share: its true share of the clicks on the
            home page); ``fx.csv`` if there are orders in foreign currencies.
        files: One file of events per day, or per hour.
        workers: Number of blocks made in parallel; default: one per core. More workers need more memory.

    Raises:
        HeadwaterError: an argument is invalid, or a file cannot be written.
    """
    parameters = parameters or SimulationParameters()
    _check(days, devices, seed, timezone, format, files)
    names = [channel.name for channel in parameters.channels]
    if parameters.without_channel not in (None, *names):
        raise HeadwaterError(f"simulate: unknown channel '{parameters.without_channel}', expected {', '.join(names)}")
    plan = make_plan(parameters, seed, devices, days, last_day, timezone)
    shop = make_shop(plan)
    landing = Landing(out, plan, format, files)
    truth = truth or out.parent / "simulation" / "truth.parquet"
    written = [landing.write_products(shop.catalogue.frame)]
    counts = Counts()
    for each in _blocks(shop, landing, truth, workers or os.cpu_count() or 1):
        counts.add(each)
    _join_truth(plan, truth)
    channels, spend_files = _channels(plan, landing, counts.channels)
    write_file(truth.with_name("channels.csv"), channels.write_csv)
    write_file(truth.with_name("contents.parquet"), shop.showings().write_parquet)
    write_file(truth.with_name("product_names.csv"), product_names(shop.catalogue.frame).write_csv)
    if plan.parameters.experiment_days:
        write_file(truth.with_name("experiments.csv"), shop.experiment().write_csv)
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
        files=(*written, *counts.files, *spend_files),
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
    """Simulate all blocks, several in parallel; yields their counts in the order of the blocks."""
    numbers = range(shop.plan.blocks)
    truths = [_truth_of(truth, block) for block in numbers]
    # Threads are enough: the work is in numpy and Polars, which release the GIL.
    with ThreadPoolExecutor(min(workers, len(numbers))) as pool:
        try:
            yield from pool.map(lambda block: simulate_block(shop, block, landing, truths[block]), numbers)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _channels(plan: Plan, landing: Landing, days: list[pl.DataFrame]) -> tuple[pl.DataFrame, list[Path]]:
    """The totals of each channel, and the files of spend that were written; *days* has the counts by day and block."""
    by_day = pl.concat(days).group_by("nth", "channel", maintain_order=True).sum()
    files, spent = [], [pl.DataFrame(schema={"channel": pl.String, "spend": pl.Float64})]
    for nth in range(len(plan.days)):
        spend = spend_of(plan, nth, by_day.filter(pl.col("nth") == nth))
        if spend.height:
            files.append(landing.write_spend(nth, spend.drop("spend")))
            spent.append(spend.select("channel", "spend"))
    total = pl.concat(spent).group_by("channel").agg(pl.col("spend").sum().round(2))
    channels = by_day.drop("nth").group_by("channel", maintain_order=True).sum()
    return channels.join(total, on="channel", how="left", maintain_order="left"), files


def _truth_of(truth: Path, block: int) -> Path:
    return truth.with_name(f".{truth.stem}-{block:03d}.parquet")


def _join_truth(plan: Plan, truth: Path) -> None:
    """Join the blocks' files of true origins into the file *truth*, and remove them."""
    parts = [_truth_of(truth, block) for block in range(plan.blocks)]
    write_file(truth, lambda path: pl.scan_parquet(parts).sink_parquet(path))
    for part in parts:
        part.unlink()
