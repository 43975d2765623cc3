"""``python -m benchmarks.sessions --home HOME``: many people use the dashboards of a home at the same time.

Here: a server, started as users start it; sessions that request pages as browsers do, with pauses; the response times
of the pages' data, and the memory of the server's processes over time.
Not here: what the pages show (``tests.browser``).
"""

from __future__ import annotations

import argparse
import datetime as dt
import http.client
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dashboards.app.marts import Marts
from dashboards.app.pages import PARTS_OF
from dashboards.app.view import PAGES, View, preset_days
from dashboards.numbers import Language
from pipelines.home.folder import Home


@dataclass
class Tally:
    """Response times and failures of all sessions."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, page: str, seconds: float) -> None:
        """Record a response."""
        with self.lock:
            self.seconds[page].append(seconds)

    def fail(self, what: str) -> None:
        """Record a failed request."""
        with self.lock:
            self.faults.append(what)


def ask(connection: http.client.HTTPConnection, view: View) -> str:
    """Request the data of a page as a browser does; returns the text of the response.

    Raises:
        AssertionError: the status is not 200, or the page shows a warning.
    """
    body = {
        "output": "..root.children...shown.data..",
        "outputs": [{"id": "root", "property": "children"}, {"id": "shown", "property": "data"}],
        "inputs": [{"id": "address", "property": "data", "value": view.href}],
        "changedPropIds": ["address.data"],
        "state": [],
    }
    connection.request(
        "POST", "/_dash-update-component", json.dumps(body), {"Content-Type": "application/json", "Accept": "*/*"}
    )
    response = connection.getresponse()
    text = response.read().decode()
    if response.status != 200 or 'className":"warning","role":"alert"' in text.replace(" ", ""):
        raise AssertionError(f"{response.status} {view.href}: {text[:300]}")
    return text


def session(port: int, views: list[View], pause: float, until: float, seed: int, tally: Tally) -> None:
    """Simulate one person who requests random *views* until the monotonic time *until*.

    *pause* is the mean number of seconds between two pages. *tally* records response times and failures.
    """
    chance = random.Random(seed)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    time.sleep(chance.uniform(0, 2 * pause))
    while time.monotonic() < until:
        view = chance.choice(views)
        begun = time.monotonic()
        try:
            ask(connection, view)
            tally.add(view.page, time.monotonic() - begun)
        except (AssertionError, OSError, http.client.HTTPException) as error:
            tally.fail(f"{type(error).__name__}: {error}")
            connection.close()
        time.sleep(chance.uniform(0.5, 1.5) * pause)
    connection.close()


def views_of(home: Home) -> list[View]:
    """The views that people request: every page, or each of its parts, for days to half-years, in both languages."""
    copy = Marts(home).copy()
    earliest, newest = copy.days[0], copy.newest(dt.datetime.now(dt.UTC))
    presets = ("day", "7", "14", "28", "90", "month", "last_month")
    spans = [
        preset_days(preset, earliest, newest - dt.timedelta(days=back))
        for preset in presets
        for back in (0, 30, 60, 120, 180)
    ]
    spans.append((newest - dt.timedelta(days=183), newest))
    languages: tuple[Language, ...] = ("zh", "en")
    parts = [(page, {"part": part} if part else {}) for page in PAGES for part in PARTS_OF.get(page, ("",))]
    return [
        View(page, *span, language=language, filters=filters)
        for page, filters in parts
        for span in spans
        for language in languages
    ]


def resident(pid: int) -> int:
    """Bytes of memory (resident set) of the process *pid* and its descendants."""
    total = 0
    for one in [pid, *_below(pid)]:
        try:
            status = Path(f"/proc/{one}/status").read_text()
        except OSError:
            continue
        total += next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0)
    return total


def worked(pid: int) -> float:
    """Processor seconds of the process *pid* and its descendants."""
    ticks = 0
    for one in [pid, *_below(pid)]:
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _below(pid: int) -> list[int]:
    try:
        own = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [one for child in own for one in (child, *_below(child))]


def main() -> int:
    """Start a server, simulate sessions and print the figures. Returns the exit code: 1 if any request failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pause", type=float, default=5, help="mean seconds between two pages of a session")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--port", type=int, default=8099)
    options = parser.parse_args()
    with server(options.home, options.port, options.workers) as pid:
        return _measure(pid, options)


@contextmanager
def server(home: Path, port: int, workers: int = 2) -> Iterator[int]:
    """Serve the dashboards of *home* as users do; yields the id of the server's first process.

    Raises:
        RuntimeError: the server does not start; it has printed the reason.
    """
    command = [sys.executable, "-m", "pipelines.commands.main", "dashboard", "--home", str(home)]
    command += ["--port", str(port), "--workers", str(workers)]
    started = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert started.stderr is not None
    for line in started.stderr:
        if "http://" in line:
            break
        print(line, end="", file=sys.stderr)
    else:
        raise RuntimeError(f"the server ended with exit code {started.wait()}")
    threading.Thread(target=started.stderr.read, daemon=True).start()
    try:
        yield started.pid
    finally:
        os.kill(started.pid, signal.SIGTERM)
        started.wait(timeout=30)


def _measure(pid: int, options: argparse.Namespace) -> int:
    views = views_of(Home(options.home.resolve()))
    tally = Tally()
    until = time.monotonic() + options.seconds
    sessions = [
        threading.Thread(target=session, args=(options.port, views, options.pause, until, seed, tally), daemon=True)
        for seed in range(options.sessions)
    ]
    for one in sessions:
        one.start()
    begun, before = time.monotonic(), worked(pid)
    while any(one.is_alive() for one in sessions):
        print(f"{time.monotonic() - begun:6.0f} s  {resident(pid) / 1e6:7.0f} MB", flush=True)
        for one in sessions:
            one.join(timeout=options.seconds / 10 / len(sessions))
    every = [seconds for found in tally.seconds.values() for seconds in found]
    if not every:
        print(
            f"no page was answered within {options.seconds:g} s; faults: {len(tally.faults)}",
            *tally.faults[:3],
            sep="\n",
        )
        return 1
    print(f"{'page':<12} {'answers':>8} {'median':>8} {'p95':>8} {'max':>8}")
    for page, found in [*tally.seconds.items(), ("all", every)]:
        p95 = statistics.quantiles(found, n=20)[-1] if len(found) > 1 else found[0]
        print(f"{page:<12} {len(found):>8} {statistics.median(found):>8.3f} {p95:>8.3f} {max(found):>8.3f}")
    print(f"processor seconds of the server for an answer: {(worked(pid) - before) / len(every):.3f}")
    print(f"faults: {len(tally.faults)}", *tally.faults[:3], sep="\n")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
