"""Simulated shops for tests: making them, and reading their files without the program's code.

Here: the fields of the native format that the simulator fills; reading landing files and the sales' true entrances.
Not here: expected content (``tests/unit/test_simulator*.py``).
"""

import datetime as dt
import json
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from pipelines.simulator import SimulationParameters, SimulationSummary, parameters_with, simulate

LAST_DAY = dt.date(2026, 3, 8)
SHANGHAI = ZoneInfo("Asia/Shanghai")
CLEAN = parameters_with(())

TEXT, NUMBER = str, (int, float)
NATIVE = {
    "events": {
        **dict.fromkeys(("event_id", "device_id", "event_type", "device_time", "platform", "app_version"), TEXT),
        **dict.fromkeys(("sent_time", "received_time"), (str, type(None))),
        **dict.fromkeys(
            ("user_id", "page_type", "module", "sku", "content_id", "referrer", "click_id"), (str, type(None))
        ),
        **dict.fromkeys(("utm_source", "utm_medium", "utm_campaign"), (str, type(None))),
        **dict.fromkeys(("page_id", "slot"), (int, type(None))),
    },
    "orders": {
        **dict.fromkeys(("order_id", "user_id", "status", "ordered_at", "currency", "updated_at"), TEXT),
        "paid_at": (str, type(None)),
    },
    "order_lines": {
        **dict.fromkeys(("order_id", "sku", "updated_at"), TEXT),
        **dict.fromkeys(("line_no", "quantity"), int),
        **dict.fromkeys(("unit_price", "discount"), NUMBER),
        "unit_cost": (int, float, type(None)),
        "refunded_amount": type(None),
    },
    "refunds": {
        **dict.fromkeys(("refund_id", "order_id", "refunded_at", "updated_at"), TEXT),
        "line_no": int,
        "amount": NUMBER,
    },
    "spend": {
        **dict.fromkeys(("dt", "channel", "campaign", "currency", "updated_at"), TEXT),
        "cost": NUMBER,
        **dict.fromkeys(("impressions", "clicks"), int),
    },
}


def run(
    folder: Path,
    parameters: SimulationParameters | None = None,
    *,
    days: int = 4,
    devices: int = 250,
    seed: int = 7,
    file_format: str = "ndjson",
    **others: Any,
) -> SimulationSummary:
    return simulate(
        folder / "landing",
        days=days,
        devices=devices,
        seed=seed,
        last_day=LAST_DAY,
        format=file_format,
        parameters=parameters,
        **others,
    )


def lines(folder: Path, relation: str) -> list[str]:
    files = sorted((folder / "landing" / "native" / relation).glob("*.ndjson"))
    return [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def good(line: str) -> bool:
    return _event(line) is not None


def _event(line: str) -> dict[str, Any] | None:
    try:
        record: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return None
    return record if record.keys() == NATIVE["events"].keys() else None


@cache
def records(folder: Path, relation: str) -> pl.DataFrame:
    """The valid records of *relation* in the landing files, with times in UTC."""
    read = _event if relation == "events" else json.loads
    whole = [record for record in map(read, lines(folder, relation)) if record is not None]
    frame = pl.DataFrame({name: [record[name] for record in whole] for name in whole[0]}, strict=False)
    times = [name for name in frame.columns if name.endswith(("_time", "_at"))]
    return frame.with_columns(pl.col(times).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_zone="UTC"))


@cache
def events(folder: Path) -> pl.DataFrame:
    """One record for each event, sorted by device, time and page."""
    frame = records(folder, "events").sort("received_time", maintain_order=True)
    return frame.unique("event_id", keep="first", maintain_order=True).sort("device_id", "device_time", "page_id")


def truth(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "simulation" / "truth.parquet")


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
