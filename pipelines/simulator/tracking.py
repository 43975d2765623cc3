"""Turns walks into a tracking log: clocks, PageIds, identities, latency, late and repeated records.

Here: when a day's walks happen, and their records in the native format.
Not here: which walks lead to sales (``sales``), how files are written (``landing``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.simulator.arrays import (
    NOTHING,
    AnyArray,
    Bools,
    Ints,
    codebook,
    hexadecimal,
    labels,
    mix64,
    running_max,
    sum_before,
)
from pipelines.simulator.marketing import DIRECT, Arrivals
from pipelines.simulator.people import APP_VERSIONS, PLATFORMS, Population, Scene, Visits
from pipelines.simulator.plan import Stage
from pipelines.simulator.shop import MODULES, PAGE_TYPES
from pipelines.simulator.trace import EVENT_COLUMNS, EVENT_TYPES, Event, Trace

_NEVER = np.iinfo(np.int64).max
_VISIT_GAP = 60_000  # shortest pause between two visits on one device, in ms
_BATCH = 10_000  # ms after which the SDK sends the records it has collected
_SLOWEST = 8_000  # longest time from sending to receipt of a normal request, in ms
_SLOW = (5_000, 40_000)  # ms that a slow request takes
_LATENCIES = 1 << 16
_HOUR = 3_600_000

_MARKS = ("referrer", "utm_source", "utm_medium", "utm_campaign", "click_id")
"""The fields by which a record shows its channel."""


@dataclass
class Devices:
    """State passed from one day to the next: the end of each device's last visit (epoch ms), and its next PageId."""

    busy_until: Ints
    next_page: Ints

    @classmethod
    def fresh(cls, count: int) -> Devices:
        """Devices that have not been used yet."""
        return cls(np.zeros(count, dtype=np.int64), np.ones(count, dtype=np.int64))


@dataclass(frozen=True)
class TrackedDay:
    """The log of the visits that start in a scene, and the true time of each event.

    *records* has the fields of the native format, times as epoch ms; landed_at, the time of receipt, by which *records*
    is sorted; and is_repeat, true for duplicates. *happened* (epoch ms) has one entry for each event of the trace.
    """

    records: pl.DataFrame
    happened: Ints


@dataclass(frozen=True)
class _Timing:
    """For each visit: true start (epoch ms), first PageId, log-in (ms since the start), delay of sending (ms)."""

    start: Ints
    first_page: Ints
    login: Ints
    delay: Ints


class _Sent(NamedTuple):
    """The records to write, in the order of receipt; *event* is the position in the trace."""

    event: Ints
    sent: Ints
    received: Ints
    is_repeat: Bools


def track(scene: Scene, visits: Visits, arrivals: Arrivals, trace: Trace, devices: Devices) -> TrackedDay:
    """The log of *visits*, without those that do not happen (see ``Arrivals``); updates *devices*."""
    rng = scene.stream(Stage.TRACKING)
    timing = _schedule(scene, visits, trace, devices, rng)
    logged = _with_logins(trace, timing)
    happened = timing.start[logged.visit] + logged.time
    sent = _send(scene, logged, timing, happened, rng)
    if not arrivals.happens.all():
        is_sent = arrivals.happens[logged.visit[sent.event]]
        sent = _Sent(sent.event[is_sent], sent.sent[is_sent], sent.received[is_sent], sent.is_repeat[is_sent])
    records = _records(scene, visits, arrivals, logged, timing, happened, sent)
    return TrackedDay(records, happened[: len(trace)])


def event_ids(scene: Scene, position: AnyArray) -> pl.Series:
    """The event_id of each *position* in the trace of *scene*; distinct over all days and blocks."""
    base = mix64(np.array([scene.plan.seed]))[0]
    number = np.uint64((scene.day.toordinal() << 44) + (scene.block << 24)) + position.astype(np.uint64)
    first = mix64(base + number)
    return hexadecimal(np.stack([first, mix64(first ^ base)], axis=1))


def _schedule(scene: Scene, visits: Visits, trace: Trace, devices: Devices, rng: np.random.Generator) -> _Timing:
    """The times and PageIds of *visits*; updates *devices*.

    The visits of a device do not overlap. The PageIds of a device increase until the app is reinstalled.
    """
    device, size, parameters = visits.device, len(visits), scene.parameters
    lasts = trace.duration + _VISIT_GAP
    earlier = sum_before(device, lasts)
    wished = np.maximum(visits.start, devices.busy_until[device])
    start = running_max(device, wished - earlier) + earlier
    np.maximum.at(devices.busy_until, device, start + lasts)

    is_reset = rng.random(size) < parameters.page_id_reset_rate
    first_of_device = np.diff(device, prepend=NOTHING) != 0
    series = np.cumsum(first_of_device | is_reset) - 1
    first_of_series = np.flatnonzero(first_of_device | is_reset)
    base = np.where(is_reset[first_of_series], 1, devices.next_page[device[first_of_series]])
    first_page = base[series] + sum_before(series, trace.pages)
    # If a device has several visits, numpy keeps the value of the last visit, which is the one that counts.
    devices.next_page[device] = first_page + trace.pages

    kind = rng.random(size)
    delay = np.where(kind < parameters.offline_visit_rate, rng.integers(20, 30, size) * _HOUR, 0)
    is_very_late = kind > 1 - parameters.very_late_visit_rate
    delay = np.where(is_very_late, rng.integers(13 * 24, 15 * 24, size) * _HOUR, delay)
    return _Timing(start, first_page, _login_times(scene, visits, trace, rng), delay)


def _login_times(scene: Scene, visits: Visits, trace: Trace, rng: np.random.Generator) -> Ints:
    """The time (ms since the start of a visit) from which the visit's records name the user."""
    size, parameters, is_guest = len(visits), scene.parameters, scene.population.is_guest[visits.user]
    kind = rng.random(size)
    logs_in_late = kind < parameters.late_login_rate
    never = (kind > 1 - parameters.never_login_rate) | is_guest
    login = np.where(logs_in_late, (rng.uniform(0.1, 0.9, size) * trace.duration).astype(np.int64), 0)
    # Most visitors who add to the cart without a log-in have to log in to see the cart.
    is_cart = trace.event_type == Event.ADD_TO_CART
    last_cart = np.full(size, -1, dtype=np.int64)
    np.maximum.at(last_cart, trace.visit[is_cart], trace.time[is_cart])
    made_to = never & (last_cart >= 0) & (rng.random(size) < 0.8) & ~is_guest
    return np.where(made_to, last_cart + 1, np.where(never, _NEVER, login))


def _with_logins(trace: Trace, timing: _Timing) -> Trace:
    """The trace, with a login event appended for each visit during which the user logs in."""
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


def _send(scene: Scene, trace: Trace, timing: _Timing, happened: Ints, rng: np.random.Generator) -> _Sent:
    """When the records of *trace* are sent and received. Some are sent again a little later, as duplicates."""
    batch = trace.time // _BATCH
    sent = timing.start[trace.visit] + (batch + 1) * _BATCH + timing.delay[trace.visit]
    # The records of a batch are sent in one request, so they have the same latency.
    latencies = np.minimum(20 + rng.lognormal(4.6, 0.8, _LATENCIES), _SLOWEST).astype(np.int64)
    slow = scene.stream(Stage.REQUESTS)
    is_slow = slow.random(_LATENCIES) < scene.parameters.slow_request_rate
    latencies = np.where(is_slow, slow.integers(*_SLOW, _LATENCIES), latencies)
    offset = rng.integers(0, _LATENCIES, len(timing.start))
    received = sent + latencies[(offset[trace.visit] + batch) % _LATENCIES]
    again = np.flatnonzero(rng.random(len(trace)) < scene.parameters.duplicate_rate)
    later = rng.integers(5_000, 90_000, len(again))
    sent = np.concatenate([sent, sent[again] + later])
    received = np.concatenate([received, received[again] + later])
    order = _sorted_positions(received)
    event = np.concatenate([np.arange(len(trace)), again])[order]
    return _Sent(event, sent[order], received[order], order >= len(trace))


def _sorted_positions(times: Ints) -> Ints:
    """A stable argsort of *times* in ms, which must be less than 24 days apart to fit into 32 bits."""
    if not len(times):
        return times
    # Sorting one number made of time and position is several times as fast as argsort.
    combined: Ints = np.sort(((times - times.min()) << 32) | np.arange(len(times)))
    return combined & 0xFFFFFFFF


def _records(
    scene: Scene, visits: Visits, arrivals: Arrivals, trace: Trace, timing: _Timing, happened: Ints, sent: _Sent
) -> pl.DataFrame:
    population: Population = scene.population
    event = sent.event
    visit, time = trace.visit[event], trace.time[event]
    device = visits.device[visit]
    true_time = happened[event]
    is_login = trace.event_type[event] == Event.LOGIN
    user = np.where(time >= timing.login[visit], visits.user[visit], NOTHING)
    slot = trace.slot[event]
    channel = arrivals.mark[visit]
    # The SDK repeats the campaign on every event of a visit, but the referrer and the click id only on its first page
    # view.
    landing = np.where(event < len(visits), channel, DIRECT)
    came_from = {"referrer": landing, "click_id": landing}
    marks = {name: codebook(getattr(each, name) for each in scene.parameters.channels) for name in _MARKS}
    lacks_times = ~population.reports_times[device]
    return pl.DataFrame(
        {
            "event_id": event_ids(scene, event),
            "device_id": population.device_id.gather(population.sends_as[device]),
            "user_id": labels(population.user_id, user),
            "event_type": labels(EVENT_TYPES, trace.event_type[event]),
            "page_id": _nullable(timing.first_page[visit] + trace.page[event], is_login),
            "page_type": labels(PAGE_TYPES, trace.page_kind[event]),
            "module": labels(MODULES, trace.module[event]),
            "slot": _nullable(slot.astype(np.int32), slot == 0),
            "sku": labels(scene.shop.catalogue.sku, trace.sku[event]),
            "content_id": labels(scene.shop.contents, trace.content[event]),
            "device_time": true_time + _skew(population, device, true_time),
            "sent_time": _nullable(sent.sent + _skew(population, device, sent.sent), lacks_times),
            "received_time": _nullable(sent.received, lacks_times),
            **{name: labels(texts, came_from.get(name, channel)) for name, texts in marks.items()},
            "platform": labels(PLATFORMS, population.platform[device]),
            "app_version": labels(APP_VERSIONS, population.app_version[device]),
            "landed_at": sent.received,
            "is_repeat": sent.is_repeat,
        }
    )


def _skew(population: Population, device: Ints, at: Ints) -> Ints:
    """The clock error (ms) of each *device* at the true time *at*."""
    return np.where(at < population.is_set_at[device], population.skew[device], 0)


def _nullable(values: npt.NDArray[np.integer], is_null: Bools) -> pl.Series:
    series = pl.Series(values)
    return series.set(pl.Series(is_null), None) if is_null.any() else series
