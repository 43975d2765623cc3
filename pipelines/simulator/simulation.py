"""A simulation: the days of the made-up shop, one after the other, into landing files.

Here: ``simulate``, what it returns, and the calendar.
Not here: what happens on a day (``people``, ``walks``, ``tracking``) and what comes of it (``sales``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import polars as pl

from pipelines.errors import HeadwaterError
from pipelines.lake import publish, temporary_for
from pipelines.simulator.arrays import Ints, stream
from pipelines.simulator.landing import Format, Landing
from pipelines.simulator.parameters import SimulationParameters
from pipelines.simulator.people import Population, make_population, make_visits
from pipelines.simulator.sales import Sales, sell
from pipelines.simulator.shop import Catalogue, make_catalogue, make_storefront
from pipelines.simulator.tracking import Devices, TrackedDay, track
from pipelines.simulator.walks import walk

_STAGE_WALKS, _STAGE_TRACKING, _STAGE_BROKEN = 5, 7, 8


@dataclass(frozen=True)
class SimulationSummary:
    """What was simulated. The event files hold *records* = *events* + *duplicates* + *broken*.

    *orders* counts order ids, *order_versions* the records of them. *truth* is the file of the planted truth.
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


@dataclass(frozen=True)
class _Calendar:
    """The days, and when each begins (epoch ms); *midnights* has one entry more, the end."""

    days: list[dt.date]
    midnights: Ints


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
) -> SimulationSummary:
    """Write the landing files of a made-up shop: *days* days up to *last_day* in *timezone*.

    The same arguments give the same bytes. Nothing is received, ordered or changed after *last_day*.

    Args:
        out: The landing folder; files go to ``<out>/native/<relation>/``, one a day by the date on which
            the records were received or changed. Files of these names are replaced.
        days: How many days.
        devices: How many devices there are; about a third of them come on a day.
        seed: Not negative.
        last_day: The last day of the log.
        format: Of the events; the other relations are small, always NDJSON, and products CSV.
        timezone: The shop's (IANA).
        parameters: The rates of everything; default: those of the class.
        truth: The file of the planted truth; default ``<out>/../simulation/truth.parquet``. Its columns:
            order_id, line_no, matched_by (``cart``, ``click``, ``none``), end_event_id, head_event_id,
            entrance_id, head_page_type, head_module, head_slot, head_content_id, as in
            ``attribution.attributed_sales``, one row an order line, of unpaid orders too.

    Raises:
        HeadwaterError: an argument is impossible, or a file cannot be written.
    """
    _check(days, devices, seed, timezone, format)
    parameters = parameters or SimulationParameters()
    calendar = _calendar(last_day, days, timezone)
    catalogue = make_catalogue(parameters, seed, calendar.days[0])
    population = make_population(parameters, seed, devices, int(calendar.midnights[0]))
    landing = Landing(out, format, timezone)
    landing.write_products(catalogue.frame, int(calendar.midnights[0]))
    tracked = _track_days(calendar, catalogue, population, parameters, seed)
    events = _land_events(tracked, calendar, landing, parameters, seed)
    touches = events.touches.filter(pl.col("received_at") < int(calendar.midnights[-1]))
    bounds = (int(calendar.midnights[0]), int(calendar.midnights[-1]))
    sales = sell(touches, bounds, timezone, population, catalogue, parameters, seed)
    _land_sales(sales, calendar, landing)
    truth = truth or out.parent / "simulation" / "truth.parquet"
    temporary = temporary_for(truth)
    sales.truth.write_parquet(temporary)
    publish(temporary, truth)
    return SimulationSummary(
        first_day=calendar.days[0],
        last_day=last_day,
        visits=events.visits,
        events=events.events,
        duplicates=events.duplicates,
        broken=events.broken,
        orders=sales.orders["order_id"].n_unique(),
        order_versions=sales.orders.height,
        order_lines=sales.order_lines.height,
        refunds=sales.refunds.height,
        products=catalogue.frame.height,
        files=tuple(landing.files),
        truth=truth,
    )


def _check(days: int, devices: int, seed: int, timezone: str, format: str) -> None:
    for name, value, least in (("days", days, 1), ("devices", devices, 1), ("seed", seed, 0)):
        if value < least:
            raise HeadwaterError(f"simulate: {name} is {value}, expected {least} or more")
    if timezone not in available_timezones():
        raise HeadwaterError(f"simulate: time zone '{timezone}' is unknown, expected one such as Asia/Shanghai")
    if format not in ("ndjson", "parquet"):
        raise HeadwaterError(f"simulate: format is '{format}', expected ndjson or parquet")


def _calendar(last_day: dt.date, days: int, timezone: str) -> _Calendar:
    first = last_day - dt.timedelta(days=days - 1)
    dates = [first + dt.timedelta(days=nth) for nth in range(days + 1)]
    zone = ZoneInfo(timezone)
    midnights = [dt.datetime.combine(date, dt.time(), zone).timestamp() for date in dates]
    return _Calendar(dates[:-1], np.array([round(each * 1000) for each in midnights], dtype=np.int64))


def _track_days(
    calendar: _Calendar,
    catalogue: Catalogue,
    population: Population,
    parameters: SimulationParameters,
    seed: int,
) -> Iterator[TrackedDay]:
    """The days in turn: PageIds go on from one to the next."""
    devices = Devices.fresh(len(population.owner))
    for nth, day in enumerate(calendar.days):
        bounds = (int(calendar.midnights[nth]), int(calendar.midnights[nth + 1]))
        storefront = make_storefront(catalogue, seed, day)
        visits = make_visits(parameters, seed, day, bounds, population, catalogue, storefront)
        trace = walk(visits, storefront, catalogue, parameters, stream(seed, _STAGE_WALKS, day.toordinal()))
        rng = stream(seed, _STAGE_TRACKING, day.toordinal())
        yield track(trace, visits, nth, devices, population, storefront, catalogue, parameters, seed, rng)


@dataclass(frozen=True)
class _LandedEvents:
    """Counts of what was landed, and the touches of all days, landed or not."""

    visits: int
    events: int
    duplicates: int
    broken: int
    touches: pl.DataFrame


def _land_events(
    tracked: Iterator[TrackedDay],
    calendar: _Calendar,
    landing: Landing,
    parameters: SimulationParameters,
    seed: int,
) -> _LandedEvents:
    """Write each day what was received on it; what is received later waits for its day, or is never seen."""
    waiting: list[pl.DataFrame] = []
    touches: list[pl.DataFrame] = []
    visits = records = duplicates = broken = 0
    for nth, day in enumerate(tracked):
        date, end = calendar.days[nth], int(calendar.midnights[nth + 1])
        pending = pl.concat([*waiting, day.records])
        is_received = pending["received_time"] < end
        received = pending.filter(is_received)
        waiting = [pending.filter(~is_received)]
        rows = received.drop("is_repeat")
        rng = stream(seed, _STAGE_BROKEN, date.toordinal())
        lines = landing.broken_lines(rows, parameters.broken_line_rate, rng)
        if rows.height:
            landing.write_events(date.isoformat(), rows, lines, end)
        touches.append(day.touches)
        visits += day.visits
        records += received.height
        duplicates += int(received["is_repeat"].sum())
        broken += len(lines)
    return _LandedEvents(visits, records - duplicates, duplicates, broken, pl.concat(touches))


def _land_sales(sales: Sales, calendar: _Calendar, landing: Landing) -> None:
    """Write orders, lines and refunds, each on the day of its change."""
    relations = (
        ("orders", sales.orders, "updated_at"),
        ("order_lines", sales.order_lines, "updated_at"),
        ("refunds", sales.refunds, "refunded_at"),
    )
    for relation, rows, changed_at in relations:
        day = np.searchsorted(calendar.midnights, rows[changed_at].to_numpy(), side="right") - 1
        for nth, date in enumerate(calendar.days):
            of_day = rows.filter(day == nth)
            if of_day.height:
                landing.write_table(relation, date.isoformat(), of_day, int(calendar.midnights[nth + 1]))
