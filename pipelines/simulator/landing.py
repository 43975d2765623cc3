"""Files of the native format, as a shop would land them.

Here: names, formats and dates of the files; times as text; the broken lines.
Not here: what the records say (``tracking``, ``sales``).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from pipelines.errors import HeadwaterError
from pipelines.lake import publish, temporary_for

Format = Literal["ndjson", "parquet"]

_TIMES = ("device_time", "sent_time", "received_time", "ordered_at", "paid_at", "refunded_at", "updated_at")


@dataclass
class Landing:
    """The folder ``<root>/native``, and the files written below it so far.

    A file is dated (its modification time) at the end of the day that it is of, as if it had landed then:
    what Headwater makes of the files does not depend on when they were simulated.
    """

    root: Path
    format: Format
    timezone: str
    files: list[Path] = field(default_factory=list)

    def write_events(self, name: str, records: pl.DataFrame, broken: Sequence[str], landed_at: int) -> None:
        """One file of events, in the order of their receipt; NDJSON gets the *broken* lines too."""
        records = records.sort("received_time", maintain_order=True)
        if self.format == "parquet":
            self._write(f"events/{name}.parquet", lambda path: records.write_parquet(path), landed_at)
        else:
            self._write(f"events/{name}.ndjson", lambda path: self._write_ndjson(path, records, broken), landed_at)

    def write_table(self, relation: str, name: str, records: pl.DataFrame, landed_at: int) -> None:
        """One NDJSON file of orders, order lines or refunds."""
        self._write(f"{relation}/{name}.ndjson", lambda path: self._write_ndjson(path, records, ()), landed_at)

    def write_products(self, products: pl.DataFrame, landed_at: int) -> None:
        """The one file of products."""
        self._write("products/products.csv", lambda path: products.write_csv(path), landed_at)

    def _write_ndjson(self, path: Path, records: pl.DataFrame, broken: Sequence[str]) -> None:
        with path.open("wb") as file:
            self.as_text(records).write_ndjson(file)
            file.writelines(f"{line}\n".encode() for line in broken)

    def as_text(self, records: pl.DataFrame) -> pl.DataFrame:
        """*records* with times as ISO-8601 in the shop's time zone, with its offset."""
        return records.with_columns(
            pl.from_epoch(name, time_unit="ms")
            .dt.replace_time_zone("UTC")
            .dt.convert_time_zone(self.timezone)
            .dt.to_string("%Y-%m-%dT%H:%M:%S%.3f%:z")
            for name in _TIMES
            if name in records.columns
        )

    def broken_lines(self, records: pl.DataFrame, rate: float, rng: np.random.Generator) -> list[str]:
        """Lines that nobody can use: cut off, or without a required field; at least one unless *rate* is 0.

        They are copies under other ids, so that nothing of *records* is lost by them. Only NDJSON has them.
        """
        if self.format != "ndjson" or not rate or not records.height:
            return []
        count = max(1, round(rate * records.height))
        chosen = self.as_text(records[rng.integers(0, records.height, count)]).to_dicts()
        lines = []
        for nth, record in enumerate(chosen):
            record["event_id"] += "-broken"
            if nth % 3:
                del record[("device_time", "event_id")[nth % 2]]
                lines.append(json.dumps(record, ensure_ascii=False, separators=(",", ":")))
            else:
                whole = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
                lines.append(whole[: int(len(whole) * rng.uniform(0.2, 0.9))])
        return lines

    def _write(self, name: str, write: Callable[[Path], None], landed_at: int) -> None:
        target = self.root / "native" / name
        temporary = temporary_for(target)
        try:
            write(temporary)
            dated = min(landed_at / 1000, time.time())
            os.utime(temporary, (dated, dated))
            publish(temporary, target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise HeadwaterError(f"{target}: cannot be written: {error.strerror}") from error
        self.files.append(target)
