"""A request's body: from JSON text to the NDJSON lines that are landed.

Here: the shape of a body, the limits on it, and what the collector adds to each event.
Not here: whether the values make sense. Ingestion validates them, and its quarantine keeps what it refuses.
"""

from __future__ import annotations

import json
import math
from typing import Any

MOST_EVENTS = 500
"""Maximum number of events in a body."""

FIELDS = frozenset(
    {
        *(
            "event_id",
            "device_id",
            "user_id",
            "event_type",
            "page_id",
            "page_type",
            "page_url",
            "module",
            "slot",
            "sku",
        ),
        *("content_id", "device_time", "referrer", "utm_source", "utm_medium", "utm_campaign", "click_id"),
        *("platform", "app_version"),
    }
)
"""The fields of an event that are landed; others are dropped."""


class BodyError(Exception):
    """The body does not follow the protocol; the exception's text says why. *is_large*: it has too many events."""

    def __init__(self, reason: str, *, is_large: bool = False) -> None:
        super().__init__(reason)
        self.is_large = is_large


def read_body(body: bytes) -> dict[str, Any]:
    """The body as an object with a list ``events`` of objects, whose values are text, numbers, booleans or null.

    Raises:
        BodyError: it is not JSON, or has another shape.
    """
    try:
        content = json.loads(
            body.decode(), object_pairs_hook=_object, parse_float=_finite, parse_constant=_refuse_constant
        )
    except UnicodeDecodeError as error:
        raise BodyError(f"not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise BodyError("nested too deeply") from error
    except ValueError as error:
        raise BodyError(f"not JSON: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("events"), list) or not content["events"]:
        raise BodyError("expected an object with a list 'events' of at least one event")
    if len(content["events"]) > MOST_EVENTS:
        raise BodyError(f"{len(content['events'])} events; at most {MOST_EVENTS} are allowed", is_large=True)
    if type(content.get("sent_time")) not in (int, float, type(None)):
        raise BodyError("sent_time: expected milliseconds since 1970")
    for number, event in enumerate(content["events"]):
        _check(number, event)
    return content


def lines_of(content: dict[str, Any], received: int, agent: dict[str, str | bool]) -> bytes:
    """An NDJSON line for each event of *content*, without unknown fields.

    Args:
        content: What ``read_body`` returned.
        received: When the request arrived, in milliseconds since 1970.
        agent: What the user agent says; a platform that the event states itself is kept.
    """
    times = {"sent_time": content.get("sent_time"), "received_time": received}
    added = {name: time for name, time in times.items() if time is not None}
    lines = []
    for event in content["events"]:
        kept = {name: value for name, value in event.items() if name in FIELDS and value is not None}
        lines.append(json.dumps({**agent, **kept, **added}, ensure_ascii=False, separators=(",", ":")))
    # Half of a surrogate pair, which a browser sends if it cuts a text inside an emoji, cannot be encoded in UTF-8.
    return ("\n".join(lines) + "\n").encode(errors="replace")


def unknown_fields(content: dict[str, Any]) -> set[str]:
    """The names of the fields of the events that are dropped."""
    return {name for event in content["events"] for name in event if name not in FIELDS}


def _check(number: int, event: object) -> None:
    if not isinstance(event, dict):
        raise BodyError(f"events[{number}]: expected an object")
    for name, value in event.items():
        if isinstance(value, dict | list):
            raise BodyError(f"events[{number}].{name}: expected text, a number, true, false or null")
        if isinstance(value, str) and "\0" in value:
            raise BodyError(f"events[{number}].{name}: contains a NUL character")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} occurs twice")
    return found


def _finite(text: str) -> float:
    if math.isinf(value := float(text)):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")
