"""Walks as the tracking log has them: clocks, PageIds, identities, latency, late and repeated records.

Here: a day's walks placed in time and turned into records of the native format; the touches (carts and
product clicks) from which sales may come.
Not here: which touches sell (``sales``), how files are written (``landing``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.config_tables import DIRECT
from pipelines.simulator.arrays import (
    NOTHING,
    AnyArray,
    Bools,
    Ints,
    labels,
    mix64,
    running_max,
    sum_before,
)
from pipelines.simulator.parameters import SimulationParameters
from pipelines.simulator.people import APP_VERSIONS, CHANNELS, PLATFORMS, Population, Visits
from pipelines.simulator.shop import ENTRANCES, MODULES, PAGE_TYPES, Catalogue, Module, Storefront
from pipelines.simulator.walks import EVENT_COLUMNS, EVENT_TYPES, Event, Trace

_NEVER = np.iinfo(np.int64).max
_VISIT_GAP = 60_000  # ms between two visits on one device, at least
_BATCH = 10_000  # the SDK sends what it has every so many ms
_SLOWEST = 8_000  # ms from sent to received, at most
DAY = 86_400_000

NO_PLACE = "(none)"


@dataclass
class Devices:
    """What one day leaves to the next: until when each device was busy, and its next PageId."""

    busy_until: Ints
    next_page: Ints

    @classmethod
    def fresh(cls, count: int) -> Devices:
        """Devices that have not been used yet."""
        return cls(np.zeros(count, dtype=np.int64), np.ones(count, dtype=np.int64))


@dataclass(frozen=True)
class TrackedDay:
    """The visits that start on one day, as they are logged, and the touches among their events.

    *records* has the fields of the native format, times as epoch ms, and is_repeat, true of duplicates.
    *touches*: event_id, kind (cart, click), visit, user, product, touched_at (true time), received_at, and
    where each came from: head_event_id, entrance_id, head_page_type, head_module, head_slot, head_content_id.
    """

    visits: int
    records: pl.DataFrame
    touches: pl.DataFrame


@dataclass(frozen=True)
class _Timing:
    """True start of each visit (epoch ms), first PageId, and when its user logs in (ms since the start)."""

    start: Ints
    first_page: Ints
    login: Ints
    is_offline: Bools


def track(
    trace: Trace,
    visits: Visits,
    day: int,
    devices: Devices,
    population: Population,
    storefront: Storefront,
    catalogue: Catalogue,
    parameters: SimulationParameters,
    seed: int,
    rng: np.random.Generator,
) -> TrackedDay:
    """The log of the walks of day number *day*; moves *devices* on."""
    timing = _place(trace, visits, devices, population, parameters, rng)
    trace = _with_logins(trace, timing)
    visit = trace.visit.astype(np.int64)
    device = visits.device[visit]
    happened = timing.start[visit] + trace.time
    offline_hours = np.where(timing.is_offline, rng.integers(20, 30, len(visits)), 0)
    sent = happened + _BATCH - trace.time % _BATCH + offline_hours[visit] * 3_600_000
    received = sent + _latency(rng, len(trace))
    skew = population.skew[device]
    event_id = pl.Series(_identifiers(seed, day, np.arange(len(trace)))).cast(pl.String)

    is_login = trace.event_type == Event.LOGIN
    channel = np.zeros(len(trace), dtype=np.int64)
    channel[: len(visits)] = visits.channel  # only the landing page tells where a visit came from
    user = np.where(trace.time >= timing.login[visit], visits.user[visit], NOTHING)
    records = pl.DataFrame(
        {
            "event_id": event_id,
            "device_id": labels(population.device_id, device),
            "user_id": labels(population.user_id, user),
            "event_type": labels(EVENT_TYPES, trace.event_type),
            "page_id": _nullable(timing.first_page[visit] + trace.page, is_login),
            "page_type": labels(PAGE_TYPES, trace.page_kind),
            "module": labels(MODULES, trace.module),
            "slot": _nullable(trace.slot.astype(np.int64), trace.slot == 0),
            "sku": labels(catalogue.sku, trace.product),
            "content_id": labels(storefront.contents, trace.content),
            "device_time": happened + skew,
            "sent_time": sent + skew,
            "received_time": received,
            "referrer": labels([each.referrer for each in CHANNELS], channel),
            "utm_source": labels([each.utm_source for each in CHANNELS], channel),
            "utm_medium": labels([each.utm_medium for each in CHANNELS], channel),
            "utm_campaign": labels([each.utm_campaign for each in CHANNELS], channel),
            "platform": labels(PLATFORMS, population.platform[device]),
            "app_version": labels(APP_VERSIONS, population.app_version[device]),
        }
    )
    touches = _touches(trace, visits, day, happened, received, event_id, storefront)
    return TrackedDay(len(visits), _with_repeats(records, parameters, rng), touches)


def _place(
    trace: Trace,
    visits: Visits,
    devices: Devices,
    population: Population,
    parameters: SimulationParameters,
    rng: np.random.Generator,
) -> _Timing:
    """Visits of one device follow one another, and so do their PageIds."""
    device, size = visits.device, len(visits)
    lasts = trace.duration + _VISIT_GAP
    earlier = sum_before(device, lasts)
    wished = np.maximum(visits.start, devices.busy_until[device])
    start = running_max(device, wished - earlier) + earlier
    first_page = devices.next_page[device] + sum_before(device, trace.pages)
    np.maximum.at(devices.busy_until, device, start + lasts)
    np.add.at(devices.next_page, device, trace.pages)

    kind = rng.random(size)
    logs_in_late = kind < parameters.late_login_rate
    never = (kind > 1 - parameters.never_login_rate) | population.is_guest[visits.user]
    login = np.where(logs_in_late, (rng.uniform(0.1, 0.9, size) * trace.duration).astype(np.int64), 0)
    # Who carts without having logged in is mostly made to, to see the cart.
    is_cart = trace.event_type == Event.ADD_TO_CART
    last_cart = np.full(size, -1, dtype=np.int64)
    np.maximum.at(last_cart, trace.visit[is_cart], trace.time[is_cart])
    made_to = never & (last_cart >= 0) & (rng.random(size) < 0.8) & ~population.is_guest[visits.user]
    login = np.where(made_to, last_cart + 1, np.where(never, _NEVER, login))
    return _Timing(start, first_page, login, rng.random(size) < parameters.offline_visit_rate)


def _with_logins(trace: Trace, timing: _Timing) -> Trace:
    """The trace and a login event wherever a user logs in during a visit."""
    visit = np.flatnonzero((timing.login > 0) & (timing.login <= trace.duration))
    nothing = np.full(len(visit), NOTHING)
    added = {
        "visit": visit,
        "time": timing.login[visit],
        "event_type": np.full(len(visit), Event.LOGIN),
        "slot": np.zeros(len(visit), dtype=np.int64),
    }
    joined: dict[str, AnyArray] = {}
    for name in EVENT_COLUMNS:
        values = getattr(trace, name)
        joined[name] = np.concatenate([values, added.get(name, nothing).astype(values.dtype)])
    return Trace(**joined, duration=trace.duration, pages=trace.pages)


def _latency(rng: np.random.Generator, size: int) -> Ints:
    return np.minimum(20 + rng.lognormal(4.6, 0.8, size), _SLOWEST).astype(np.int64)


def _identifiers(seed: int, day: int, position: AnyArray) -> np.typing.NDArray[np.uint64]:
    """Event ids: distinct over all days and, practically, seeds."""
    base = mix64(np.array([seed]))[0]
    return mix64(base + np.uint64(day << 40) + position.astype(np.uint64))


def _nullable(values: Ints, is_null: Bools) -> pl.Series:
    series = pl.Series(values)
    return series.set(pl.Series(is_null), None) if is_null.any() else series


def _touches(
    trace: Trace,
    visits: Visits,
    day: int,
    happened: Ints,
    received: Ints,
    event_id: pl.Series,
    storefront: Storefront,
) -> pl.DataFrame:
    is_cart = trace.event_type == Event.ADD_TO_CART
    is_click = (trace.event_type == Event.CLICK) & (trace.product >= 0)
    at = np.flatnonzero(is_cart | is_click)
    visit = trace.visit[at].astype(np.int64)
    head = trace.head[at].astype(np.int64)
    has_head = head >= 0
    module = np.where(has_head, trace.module[head], NOTHING)
    page = np.where(has_head, trace.page_kind[head], NOTHING)
    content = np.where(has_head, trace.content[head], NOTHING)
    entrance = np.where((module >= 0) & (module <= Module.ORDERS), module, NOTHING)
    return pl.DataFrame(
        {
            "event_id": event_id.gather(at),
            "kind": labels(["cart", "click"], is_click[at].astype(np.int64)),
            "visit": (day << 40) + visit,
            "user": visits.user[visit],
            "product": trace.product[at].astype(np.int64),
            "touched_at": happened[at],
            "received_at": received[at],
            "head_event_id": event_id.gather(np.maximum(head, 0)).set(pl.Series(~has_head), None),
            "entrance_id": labels(ENTRANCES, entrance).fill_null(DIRECT),
            "head_page_type": labels(PAGE_TYPES, page).fill_null(NO_PLACE),
            "head_module": labels(MODULES, module).fill_null(NO_PLACE),
            "head_slot": np.where(has_head, trace.slot[head], 0).astype(np.int64),
            "head_content_id": labels(storefront.contents, content).fill_null(NO_PLACE),
        }
    )


def _with_repeats(records: pl.DataFrame, parameters: SimulationParameters, rng: np.random.Generator) -> pl.DataFrame:
    """Some records are sent twice, the second time a little later."""
    again = np.flatnonzero(rng.random(records.height) < parameters.duplicate_rate)
    later = pl.Series(rng.integers(5_000, 90_000, len(again)))
    repeated = records[again].with_columns(
        pl.col("sent_time") + later, pl.col("received_time") + later, is_repeat=pl.lit(True)
    )
    return pl.concat([records.with_columns(is_repeat=pl.lit(False)), repeated])
