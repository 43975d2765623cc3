"""The table of what visitors did: one row per event, stored as one array per column.

Here: the event types, the columns, and how rows are added while visits go on.
Not here: what visitors do (``walks``), and the clock times and ids of the events (``tracking``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from pipelines.simulator.arrays import NOTHING, AnyArray, Ints, codebook


class Event(IntEnum):
    """Event types; their lower-case names are the log's event_type."""

    PAGE_VIEW = 0
    EXPOSURE = 1
    CLICK = 2
    ADD_TO_CART = 3
    LOGIN = 4


EVENT_TYPES = codebook(event.name.lower() for event in Event)


@dataclass(frozen=True)
class Trace:
    """The events of a day's walks, in the order in which they were generated. An event's *position* is its row number.

    The first rows are the views of the landing pages, one for each visit.
    *time*: ms since the visit's start. *page*: PageId within the visit, from 0. Null is 0 in *slot*, NOTHING in *sku*
    and *content*. *sku*: code of a product; a cart may name a variant. *head*: position of the latest entrance click
    (its own for an entrance click); NOTHING before the first. *duration* (ms) and *pages* have one entry per visit.
    """

    visit: AnyArray
    time: AnyArray
    event_type: AnyArray
    page: AnyArray
    page_kind: AnyArray
    module: AnyArray
    slot: AnyArray
    sku: AnyArray
    content: AnyArray
    head: AnyArray
    duration: Ints
    pages: Ints

    def __len__(self) -> int:
        return len(self.visit)


EVENT_COLUMNS: dict[str, type[np.signedinteger]] = {
    "visit": np.int32,
    "time": np.int32,
    "event_type": np.int8,
    "page": np.int32,
    "page_kind": np.int8,
    "module": np.int8,
    "slot": np.int16,
    "sku": np.int32,
    "content": np.int16,
    "head": np.int32,
}
"""The columns of a Trace that have one entry for each event, and their types."""


class Recorder:
    """Collects events; each column is an array that grows."""

    def __init__(self, room: int) -> None:
        self.count = 0
        self._columns = {name: self._empty(name, room) for name in EVENT_COLUMNS}

    @staticmethod
    def _empty(name: str, room: int) -> AnyArray:
        return np.full(room, 0 if name == "slot" else NOTHING, dtype=EVENT_COLUMNS[name])

    def add(self, visit: Ints, **columns: AnyArray | int) -> None:
        """Add one event for each entry of *visit*; columns that are not given are null."""
        start, self.count = self.count, self.count + len(visit)
        while self.count > len(self._columns["visit"]):
            self._columns = {
                name: np.concatenate([column, self._empty(name, len(column))]) for name, column in self._columns.items()
            }
        self._columns["visit"][start : self.count] = visit
        for name, values in columns.items():
            self._columns[name][start : self.count] = values

    def columns(self) -> dict[str, AnyArray]:
        """All events, by column."""
        return {name: column[: self.count] for name, column in self._columns.items()}
