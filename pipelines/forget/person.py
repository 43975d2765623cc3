"""The ids of a person, and the file that keeps them until the person is forgotten.

Here: finding the person's devices, events and orders in the lake.
Not here: erasing them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace

from pipelines.home.errors import HeadwaterError
from pipelines.home.files import convert_write_errors, write_file
from pipelines.home.folder import Home
from pipelines.ingest.batches import RawLake
from pipelines.ingest.forgotten import Kind
from pipelines.ingest.session import Session
from pipelines.lake.duck import literal
from pipelines.lake.partitions import Lake, dated_sql, parquet_sql


@dataclass(frozen=True)
class Person:
    """A user and what belongs to them.

    Attributes:
        user: The user id.
        devices: The devices on which nobody else ever logged in. All their events belong to the user.
        events: Ids of events without a user id, on other devices, that ``core.events`` ascribes to the user.
        orders: Ids of the orders to erase; empty if orders are kept without their user.
    """

    user: str
    devices: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids that must not be left anywhere."""
        return (self.user, *self.devices)

    def by_kind(self) -> Mapping[Kind, Collection[str]]:
        """Kind of id → all ids of this kind, for the list of forgotten persons."""
        return {"user": (self.user,), "device": self.devices, "event": self.events, "order": self.orders}


@dataclass(frozen=True)
class Found:
    """A person and the number of their events and orders in the lake; *is_begun*: an erasure was interrupted."""

    person: Person
    events: int
    orders: int
    is_begun: bool = False


def find(
    session: Session, home: Home, raw: RawLake, user: str, *, devices: Collection[str], with_orders: bool
) -> Found:
    """Find what belongs to *user*; *devices* are further devices that belong to them. Events are counted once."""
    events = dated_sql(files) if (files := raw.files("raw.events")) else None
    found: set[str] = set(devices)
    count = 0
    ascribed: list[str] = []
    if events:
        # Compare devices only with those that the user used, so that not all devices are grouped.
        found |= _column(
            session,
            f"SELECT device_id FROM {events} WHERE user_id IS NOT NULL AND device_id IN "
            f"(SELECT device_id FROM {events} WHERE user_id = {literal(user)}) "
            "GROUP BY device_id HAVING count(DISTINCT user_id) = 1",
        )
        own = ", ".join(map(literal, ("", *found)))
        ascribed = sorted(_column(session, _ascribed_query(home, user, own)))
        session.connection.execute("CREATE OR REPLACE TABLE ascribed AS SELECT unnest(?) AS event_id", [ascribed])
        query = (
            f"SELECT count(DISTINCT event_id) FROM {events} WHERE user_id = {literal(user)} "
            f"OR (user_id IS NULL AND device_id IN ({own})) OR event_id IN (SELECT event_id FROM ascribed)"
        )
        count = session.rows(query)[0][0]
    orders: set[str] = set()
    if files := raw.files("raw.orders"):
        orders = _column(session, f"SELECT DISTINCT order_id FROM {parquet_sql(files)} WHERE user_id = {literal(user)}")
    person = Person(user, tuple(sorted(found)), tuple(ascribed), tuple(sorted(orders)) if with_orders else ())
    return Found(person, count, len(orders))


def _ascribed_query(home: Home, user: str, own_devices: str) -> str:
    files = list(Lake(home.lake).files("core.events").values())
    if not files:
        return "SELECT '' WHERE false"
    return (
        f"SELECT event_id FROM {parquet_sql(files)} "
        f"WHERE person_id = {literal(user)} AND user_id IS NULL AND device_id NOT IN ({own_devices})"
    )


def _column(session: Session, query: str) -> set[str]:
    return {value for (value,) in session.rows(query)}


@dataclass(frozen=True)
class Task:
    """The erasure that is in progress: *person*, and whether the raw files are already rewritten (*is_raw_erased*)."""

    person: Person
    is_raw_erased: bool = False

    @classmethod
    def load(cls, home: Home) -> Task | None:
        """The erasure that was interrupted in *home*; None if there is none.

        Raises:
            HeadwaterError: its file is damaged.
        """
        try:
            content = json.loads(home.forgetting_file.read_text(encoding="utf-8"))
            kept = content["person"]
            lists = {name: tuple(map(str, kept[name])) for name in ("devices", "events", "orders")}
            return cls(Person(str(kept["user"]), **lists), bool(content["is_raw_erased"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise HeadwaterError(
                f"the record of an interrupted 'headwater forget' cannot be read ({error!r})",
                where=home.forgetting_file,
                remedy="remove it and run 'headwater forget USER' again",
            ) from error

    def save(self, home: Home) -> None:
        """Write the file.

        Raises:
            HeadwaterError: it cannot be written.
        """
        with convert_write_errors(home.forgetting_file):
            write_file(home.forgetting_file, json.dumps(asdict(self)), mode=0o600)

    def raw_erased(self) -> Task:
        """This task, marked as having erased the raw files."""
        return replace(self, is_raw_erased=True)
