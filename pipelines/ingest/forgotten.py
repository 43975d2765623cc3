"""The forgotten persons of a home: hashes of their ids, with which ingestion recognises and refuses their records.

Here: the file of hashes, the SQL conditions, and removing the texts of refused records.
Not here: erasing what a home already has of a person (``pipelines.forget``).
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pipelines.home.errors import HeadwaterError
from pipelines.home.files import convert_write_errors, write_file
from pipelines.home.folder import Home
from pipelines.ingest.sources.target import Target
from pipelines.ingest.sources.targets import EVENTS
from pipelines.lake.duck import list_literal, literal

REASON = "forgotten"
"""The reason in quarantine of a record that belongs to a forgotten person."""

PSEUDONYM = "forgotten-"
"""Prefix of the pseudonyms that replace ids in the records kept for mappings over all files."""

Kind = Literal["user", "device", "event", "order"]

_NOTE = "Written by 'headwater forget': salted hashes of forgotten ids. Keep it: without it their records come back."
_TOKENS = re.compile(r"""[^\s"'\\,;|{}\[\]()]+""")
_WORDS = re.compile(r"[\w.@-]+")


@dataclass(frozen=True)
class Forgotten:
    """Hashes of the ids of forgotten persons, by kind of id.

    Events with a forgotten *user* id are refused; from orders the id is removed. A *device* is one that only forgotten
    persons used; its events without a user id are refused. *event* ids are those of events without a user id on a
    device that others use too. *order* ids are refused in orders, order lines and refunds.
    """

    salt: str = ""
    hashes: Mapping[Kind, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def load(cls, home: Home) -> Forgotten:
        """The forgotten persons of *home*; nobody if there is no file.

        Raises:
            HeadwaterError: the file is not valid.
        """
        try:
            content = json.loads(home.forgotten_file.read_text(encoding="utf-8"))
            return cls(str(content["salt"]), {kind: frozenset(content["hashes"].get(kind, ())) for kind in _kinds()})
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise HeadwaterError(
                f"the list of forgotten persons cannot be read ({error!r})",
                where=home.forgotten_file,
                remedy="restore it from a backup; without it the records of forgotten persons come back",
            ) from error

    def save(self, home: Home) -> None:
        """Write the file of *home*.

        Raises:
            HeadwaterError: it cannot be written.
        """
        content = {"note": _NOTE, "salt": self.salt, "hashes": {k: sorted(self.hashes.get(k, ())) for k in _kinds()}}
        with convert_write_errors(home.forgotten_file):
            write_file(home.forgotten_file, json.dumps(content, indent=1) + "\n")

    def adding(self, ids: Mapping[Kind, Collection[str]]) -> Forgotten:
        """A copy that also has the hashes of *ids*, and the hashes of the pseudonyms of their users and devices."""
        both = Forgotten(self.salt or secrets.token_hex(16), self.hashes)
        hashes = {kind: set(both.hashes.get(kind, ())) for kind in _kinds()}
        for kind, values in ids.items():
            hashes[kind] |= {both.hash_of(kind, value) for value in values}
            if kind in ("user", "device"):
                hashes[kind] |= {both.hash_of(kind, both.pseudonym(kind, value)) for value in values}
        return Forgotten(both.salt, {kind: frozenset(values) for kind, values in hashes.items()})

    @property
    def is_empty(self) -> bool:
        """Whether nobody is forgotten."""
        return not any(self.hashes.values())

    def hash_of(self, kind: Kind, value: str) -> str:
        """The salted hash of an id."""
        return hashlib.sha256(f"{self.salt}:{kind}:{value}".encode()).hexdigest()

    def pseudonym(self, kind: Kind, value: str) -> str:
        """What replaces an id in the records that are kept for mappings over all files."""
        return f"{PSEUDONYM}{self.hash_of(kind, value)[:12]}"

    def pseudonym_sql(self, kind: Kind, value: str) -> str:
        """SQL for the pseudonym of the id in the SQL expression *value*."""
        return f"{literal(PSEUDONYM)} || {self.hash_sql(kind, value)}[1:12]"

    def hash_sql(self, kind: Kind, value: str) -> str:
        """SQL for the hash of the id in the SQL expression *value*."""
        return f"sha256({literal(f'{self.salt}:{kind}:')} || {value})"

    def is_one(self, kind: Kind, value: str) -> str:
        """SQL condition, never null: *value* is a forgotten id."""
        if not self.hashes.get(kind):
            return "false"
        # list_contains instead of IN: DuckDB turns a long list into a join, which may change the order of the records.
        hashes = list_literal(sorted(self.hashes[kind]))
        return f"coalesce(list_contains({hashes}, {self.hash_sql(kind, value)}), false)"

    def refusal(self, target: Target) -> str | None:
        """SQL condition: a row of *target* belongs to a forgotten person and is refused.

        None if rows of *target* are never refused.
        """
        if target is EVENTS:
            device = f"user_id IS NULL AND {self.is_one('device', 'device_id')}"
            of_person = f"{self.is_one('user', 'user_id')} OR ({device}) OR {self.is_one('event', 'event_id')}"
            return None if self.is_empty else of_person
        has_order = "order_id" in target.columns and self.hashes.get("order")
        return self.is_one("order", "order_id") if has_order else None

    def anonymised(self, target: Target) -> dict[str, str]:
        """Column of *target* → SQL for its value, with null instead of forgotten users; empty if nothing changes.

        Orders keep the rest of the row; events of forgotten users are refused instead.
        """
        if target is EVENTS or "user_id" not in target.columns or not self.hashes.get("user"):
            return {}
        return {"user_id": f"CASE WHEN {self.is_one('user', 'user_id')} THEN NULL ELSE user_id END"}

    def redacted(self, text: str, reasons: str) -> tuple[str | None, str]:
        """The text of a refused record and its *reasons*; no text if the record belongs to a forgotten person.

        A record that cannot be parsed belongs to a forgotten person if one of the words in its text is a forgotten id.
        """
        if self.is_empty:
            return text, reasons
        if REASON in reasons.split("; "):
            return None, reasons
        if any(self.hash_of(kind, word) in self.hashes.get(kind, ()) for word in _words(text) for kind in _kinds()):
            return None, f"{reasons}; {REASON}"
        return text, reasons


def refuse_while_forgetting(home: Home) -> None:
    """Refuse to ingest while the raw files of a person are only partly erased.

    Raises:
        HeadwaterError: 'headwater forget' was interrupted.
    """
    try:
        is_done = bool(json.loads(home.forgetting_file.read_text(encoding="utf-8"))["is_raw_erased"])
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError):
        is_done = False
    if not is_done:
        raise HeadwaterError(
            "'headwater forget' was interrupted",
            where=home.forgetting_file,
            remedy="run it again for the user whose id is in this file; until then no file is ingested",
        )


def _kinds() -> tuple[Kind, ...]:
    return ("user", "device", "event", "order")


def _words(text: str) -> Iterable[str]:
    """Everything in *text* that may be an id: the values if it is JSON, and the words with and without punctuation."""
    try:
        values = set(_values(json.loads(text)))
    except (ValueError, RecursionError):
        values = set()
    return values | set(_TOKENS.findall(text)) | set(_WORDS.findall(text))


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _values(item)
    elif value is not None:
        yield str(value).strip()
