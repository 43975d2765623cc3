"""Writes landing files in the native format.

Here: names, formats and modification times of the files; times as text; broken lines.
Not here: what the records say (``tracking``, ``orders``).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from pipelines.home.files import convert_write_errors, replacing
from pipelines.simulator.plan import Plan

Format = Literal["ndjson", "parquet"]
Files = Literal["daily", "hourly"]

_HOUR = 3_600_000
_ROW_GROUP = 1 << 18
_TIMES = ("device_time", "sent_time", "received_time", "ordered_at", "paid_at", "refunded_at", "updated_at")


@dataclass(frozen=True)
class Landing:
    """The folder ``<root>/native`` of a simulation.

    The simulated shoppers are made in blocks. A file has one block's records of one day or hour; its name contains the
    block's number if there is more than one block. Its modification time is the end of that day or hour, so that
    Headwater's results do not depend on when the simulation ran.
    """

    root: Path
    plan: Plan
    format: Format = "ndjson"
    files: Files = "daily"

    def write_events(
        self, nth: int, block: int, records: pl.DataFrame, rng: np.random.Generator
    ) -> tuple[list[Path], int]:
        """Write the records received on day *nth*. Returns the files and the number of broken lines.

        *records* has the fields of the native format, landed_at (time of receipt, epoch ms) and is_repeat.
        """
        written, broken = [], 0
        for name, landed, part in self._parts(nth, block, records):
            rows = part.drop("landed_at", "is_repeat")
            if self.format == "parquet":
                written.append(self._write(f"events/{name}.parquet", _parquet(rows), landed))
            else:
                lines = self._broken_lines(rows, rng)
                broken += len(lines)
                places = np.sort(rng.integers(0, rows.height + 1, len(lines))).tolist()
                written.append(self._write(f"events/{name}.ndjson", self._ndjson(rows, lines, places), landed))
        return written, broken

    def write_table(self, relation: str, nth: int, block: int, records: pl.DataFrame) -> Path:
        """Write one NDJSON file of orders, order lines or refunds."""
        name = f"{relation}/{self._name(nth, block)}.ndjson"
        return self._write(name, self._ndjson(records), self.plan.bounds(nth)[1])

    def write_spend(self, nth: int, records: pl.DataFrame) -> Path:
        """Write the only file of the spend of day *nth*."""
        name = f"spend/{self.plan.days[nth].isoformat()}.ndjson"
        return self._write(name, self._ndjson(records), self.plan.bounds(nth)[1])

    def write_products(self, products: pl.DataFrame) -> Path:
        """Write the only file of products."""
        return self._write("products/products.csv", lambda path: products.write_csv(path), self.plan.bounds(0)[0])

    def _name(self, nth: int, block: int) -> str:
        day = self.plan.days[nth].isoformat()
        return f"{day}-b{block:03d}" if self.plan.blocks > 1 else day

    def _parts(self, nth: int, block: int, records: pl.DataFrame) -> Iterator[tuple[str, int, pl.DataFrame]]:
        """Name, modification time (epoch ms) and records of each file; hours without records have no file."""
        start, end = self.plan.bounds(nth)
        if self.files == "daily":
            yield self._name(nth, block), end, records
            return
        day = self.plan.days[nth].isoformat()
        # Count hours from midnight, so that the hour that is repeated when summer time ends gets two files.
        for hour, begin in enumerate(range(start, end, _HOUR)):
            part = records.filter(pl.col("landed_at").is_between(begin, begin + _HOUR, closed="left"))
            if part.height:
                yield f"{self._name(nth, block).replace(day, f'{day}-{hour:02d}')}", min(begin + _HOUR, end), part

    def _ndjson(
        self, records: pl.DataFrame, broken: Sequence[str] = (), places: Sequence[int] = ()
    ) -> Callable[[Path], None]:
        """A function that writes *records*, with the line *broken*[i] before the record with index *places*[i]."""

        def write(path: Path) -> None:
            text = self._as_text(records)
            with path.open("wb") as file:
                for place, begin, line in zip(places, [0, *places], broken, strict=False):
                    text[begin:place].write_ndjson(file)
                    file.write(f"{line}\n".encode())
                text[places[-1] if places else 0 :].write_ndjson(file)

        return write

    def _as_text(self, records: pl.DataFrame) -> pl.DataFrame:
        """*records* with times as ISO 8601 text in the shop's time zone, with UTC offset."""
        return records.with_columns(
            pl.from_epoch(name, time_unit="ms")
            .dt.replace_time_zone("UTC")
            .dt.convert_time_zone(self.plan.timezone)
            .dt.to_string("%Y-%m-%dT%H:%M:%S%.3f%:z")
            for name in _TIMES
            if name in records.columns
        )

    def _broken_lines(self, records: pl.DataFrame, rng: np.random.Generator) -> list[str]:
        """Invalid lines: truncated, or without a required field; at least one unless the rate is 0.

        They are damaged copies of records under other ids. The records themselves stay valid, so none is lost.
        """
        rate = self.plan.parameters.broken_line_rate
        if not rate:
            return []
        count = max(1, round(rate * records.height))
        chosen = self._as_text(records[rng.integers(0, records.height, count)]).to_dicts()
        lines = []
        for nth, record in enumerate(chosen):
            record["event_id"] += "-broken"
            if nth % 3:
                del record[("device_time", "event_id")[nth % 2]]
                lines.append(json.dumps(record, ensure_ascii=False, separators=(",", ":")))
            else:
                line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
                lines.append(line[: int(len(line) * rng.uniform(0.2, 0.9))])
        return lines

    def _write(self, name: str, write: Callable[[Path], None], landed_at: int) -> Path:
        target = self.root / "native" / name
        write_file(target, write, dated=min(landed_at / 1000, time.time()))
        return target


def _parquet(records: pl.DataFrame) -> Callable[[Path], None]:
    """A function that writes *records* with Snappy. Half of the file is random ids, which no codec can compress."""
    return lambda path: records.write_parquet(path, compression="snappy", row_group_size=_ROW_GROUP)


def write_file(target: Path, write: Callable[[Path], None], dated: float | None = None) -> None:
    """Write *target* atomically: *write* fills a temporary file, which then replaces it.

    *dated* is the modification time in epoch seconds; None: now.

    Raises:
        HeadwaterError: the file cannot be written.
    """
    with convert_write_errors(target), replacing(target) as temporary:
        write(temporary)
        if dated is not None:
            os.utime(temporary, (dated, dated))
