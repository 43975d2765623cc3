"""When to evaluate alerts again though nothing in the home has changed.

Not here: evaluating them (``dashboards.alerts.run``), which imports the pages and therefore takes seconds to import.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from dashboards.alerts.evaluate import LATE_BY
from dashboards.app.marts import OPEN_AFTER_MIDNIGHT
from dashboards.app.watch.settings import load_watch
from pipelines.delivery.outbox import Outbox
from pipelines.home.folder import Home
from pipelines.home.settings import load_settings

_AGAIN = dt.timedelta(minutes=10)


def next_time(home: Home, since: dt.datetime) -> dt.datetime | None:
    """The next time after *since*, the last evaluation, at which something is due even if nothing in the home changes.

    None: never.

    Due may be a subscription, an alert on late data, the next attempt to send a message, or the evaluation of
    yesterday, which counts as complete some hours after midnight even if no run has read files since then. If an
    attempt was due before *since* and its message still waits, the evaluation at *since* failed; the attempt is then
    due again some minutes after *since*.

    Raises:
        HeadwaterError: the settings are invalid.
    """
    watch, zone = load_watch(home), ZoneInfo(load_settings(home).timezone)
    clocks = {one.at for one in watch.subscriptions.values()}
    clocks |= {alert.by or LATE_BY for alert in watch.alerts.values() if alert.when == "data_late"}
    if watch.alerts:
        clocks.add(f"{int(OPEN_AFTER_MIDNIGHT.total_seconds() // 3600):02}:00")
    today = since.astimezone(zone).date()
    times = [
        dt.datetime.combine(day, dt.time.fromisoformat(clock), zone).astimezone(dt.UTC)
        for clock in clocks
        for day in (today, today + dt.timedelta(days=1))
    ]
    times = [time for time in times if time > since]
    waiting = [message.next_at for message in Outbox(home).messages() if message.state in ("pending", "sending")]
    times += [time if time > since else since + _AGAIN for time in waiting]
    return min(times, default=None)
