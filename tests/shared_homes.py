"""Homes that several test files only read; each is made once per test run, for all pytest workers.

Here: the contents of these homes, and making them.
Not here: homes that a test changes; such a test copies one of these, or makes its own.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from assets.instance import check_states
from dashboards.copy.build import publish
from dashboards.copy.status import write_status
from dashboards.report.file import write_reports
from pipelines.home.folder import Home
from tests.integration.small_shop import DAYS, ingest_and_compute, land_days, new_home
from tests.processes import made_up_shop
from tests.support import land, run

HOSTILE = "<img src=x onerror=alert(1)>"
"""The name of an entrance in the made-up shop."""

EVIL = '=HYPERLINK("http://x")<script>alert(1)</script>'
"""The name and the category of the product EVIL in the made-up shop."""


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder *name*; the first worker that asks for it fills it by *make*, the others wait until it is filled."""
    temporary = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        temporary = temporary.parent
    folder, made = temporary / name, temporary / f"{name}.made"
    with (temporary / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)  # remove the remains of a worker that failed
            make(folder)
            made.touch()
    return folder


def small_shop(factory: pytest.TempPathFactory) -> Home:
    """A home with a visit and an order on each of ``DAYS``, computed through Dagster."""

    def make(folder: Path) -> None:
        home = new_home(folder)
        land_days(home, DAYS)
        ingest_and_compute(home)

    return Home(made_once(factory, "small_shop", make))


def small_shop_reports(factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Language → the report of the small shop's last day."""
    home = small_shop(factory)

    def make(folder: Path) -> None:
        folder.mkdir()
        for language, report in write_reports(home, DAYS[3]).items():
            report.rename(folder / f"{language}.html")

    folder = made_once(factory, "small_shop_reports", make)
    return {language: folder / f"{language}.html" for language in ("zh", "en")}


def shop_with_dashboards(factory: pytest.TempPathFactory) -> Home:
    """A home with four days of the made-up shop, 2026-05-17 to 20, and the dashboards' copy of its tables.

    The customers' snapshots (tables as of a day) exist for the last day only.
    """

    def make(folder: Path) -> None:
        home = made_up_shop(folder)
        entrances = home.config / "entrances.csv"
        named = entrances.read_text(encoding="utf-8").replace("Home banner", f'"{HOSTILE}"')
        assert HOSTILE in named
        entrances.write_text(named, encoding="utf-8")
        land(home, "products", [{"sku": "EVIL", "name": EVIL, "category": EVIL, "launched_on": "2026-05-01"}], "evil")
        # Land a sale of the product EVIL, so that its name is on the pages with sales, whatever the simulator sells.
        times = dict.fromkeys(("ordered_at", "paid_at"), "2026-05-19T04:00:00Z")
        land(home, "orders", [{"order_id": "evil", "user_id": "evil", "status": "paid", **times}], "evil")
        line = {"order_id": "evil", "line_no": 1, "sku": "EVIL", "quantity": 1, "unit_price": "9.00"}
        land(home, "order_lines", [line], "evil")
        seen = {"event_id": "evil", "event_type": "page_view", "device_id": "evil", "user_id": "evil", "page_id": 1}
        seen |= {"page_type": "detail", "sku": "EVIL", "platform": "ios", "device_time": "2026-05-19T03:00:00Z"}
        land(home, "events", [seen], "evil")
        run(home)
        publish(home)
        write_status(home, check_states)

    return Home(made_once(factory, "shop_with_dashboards", make))
