"""Reference implementation of sessions in plain loops: where events came from, when sessions begin, their channels.

Here: the tables core.event_sources, core.session_starts and core.sessions. The code uses no SQL and none of the
program's code, so that it can be compared sentence by sentence with docs/channels.md.
Not here: events (``tests.reference_core``), touches (``tests.reference_touch``).
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import yaml

Row = dict[str, Any]
ONE_DAY = dt.timedelta(days=1)
TAGS = ("utm_source", "utm_medium", "utm_campaign", "click_id")
UTM = TAGS[:3]
FIELDS = ("source", "medium", "campaign", "click_id", "referrer", "site")
CONFIG = Path(__file__).parents[1] / "config"


@dataclass(frozen=True)
class Rules:
    """When a session begins (the settings), and the content of channels.yaml and traffic_sites.csv."""

    timeout_minutes: int = 30
    new_at_midnight: bool = False
    new_at_campaign: bool = True
    channels: Row = field(default_factory=lambda: shipped_channels(), repr=False)
    sites: list[Row] = field(default_factory=lambda: shipped_sites(), repr=False)


@cache
def shipped_channels() -> Row:
    content: Row = yaml.safe_load((CONFIG / "channels.yaml").read_text())
    return content


@cache
def shipped_sites() -> list[Row]:
    lines = (CONFIG / "traffic_sites.csv").read_text().splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def restate_sessions(events: list[Row], rules: Rules) -> dict[str, list[Row]]:
    """Table → rows, from rows of core.events."""
    sources = [source for event in events if (source := event_source(event, rules))]
    starts = session_starts(events, sources, rules)
    return {
        "core.event_sources": sources,
        "core.session_starts": starts,
        "core.sessions": [{**start, **channel_of(start, rules)} for start in starts],
    }


# Where an event came from ------------------------------------------------------------------------------


def event_source(event: Row, rules: Rules) -> Row | None:
    """The row of core.event_sources for *event*; None if it has no information about a source."""
    said = {name: stated(event.get(name)) for name in UTM}
    query = (event["page_url"] or "").split("#")[0].partition("?")[2]
    values: dict[str, str] = {}
    for part in query.split("&"):
        name, is_given, value = part.partition("=")
        if is_given:
            values.setdefault(name, value)
    if not any(said.values()):
        said = {name: stated(decoded(values.get(name))) for name in UTM}
    said["click_id"] = (event.get("click_id") or "").strip() or next(
        (name for name in rules.channels["click_ids"] if values.get(name)), None
    )
    host, own = host_of(event["referrer"]), host_of(event["page_url"])
    listed = [*rules.channels["own_hosts"], *rules.channels["ignore_referrers"]]
    is_own = host and own and (belongs(host, own) or belongs(own, host))
    said["referrer_host"] = None if is_own or any(belongs(host or "", other) for other in listed) else host
    return {"event_id": event["event_id"], **said, "dt": event["dt"]} if any(said.values()) else None


def stated(value: str | None) -> str | None:
    value = (value or "").strip()
    is_in_parentheses = value[:1] == "(" and value[-1:] == ")" and not set("()") & set(value[1:-1]) and len(value) > 1
    return None if value == "" or is_in_parentheses else value


def decoded(value: str | None) -> str | None:
    """*value* with percent-encoding decoded; unchanged if the encoding is malformed or the bytes are not UTF-8."""
    if value is None or re.search("%(?![0-9A-Fa-f]{2})", value):
        return value
    try:
        return unquote_plus(value, errors="strict")
    except UnicodeDecodeError:
        return value


def host_of(address: str | None) -> str | None:
    """The host of an absolute address without www., port and user; None if it has none."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*:)?//([^/?#\\]*)", address or "")
    if not found:
        return None
    host = found[2].rpartition("@")[2]
    host = host[: host.index("]") + 1] if host.startswith("[") else host.partition(":")[0]
    return host.lower().removeprefix("www.").removesuffix(".") or None


def belongs(host: str, site: str) -> bool:
    return host == site or host.endswith("." + site)


# When a session begins ---------------------------------------------------------------------------------


def session_starts(events: list[Row], sources: list[Row], rules: Rules) -> list[Row]:
    """The rows of core.session_starts. Each day is computed from its own events and those of the day before."""
    of_event = {source["event_id"]: source for source in sources}
    rows = []
    for device in sorted({event["device_id"] for event in events}):
        own = sorted((event for event in events if event["device_id"] == device), key=in_order)
        for day in sorted({event["dt"] for event in own}):
            seen = [event for event in own if day - ONE_DAY <= event["dt"] <= day]
            rows += [
                session_start([event for event in session if event["dt"] == day], of_event)
                for session in sessions_of(seen, of_event, rules)
                if session[0]["dt"] == day
            ]
    return rows


def in_order(event: Row) -> tuple[Any, ...]:
    page_id = event["page_id"]
    return (
        event["occurred_at"],
        event["device_time"],
        (page_id is None, page_id or 0),
        event["event_rank"],
        event["event_id"],
    )


def sessions_of(events: list[Row], sources: dict[str, Row], rules: Rules) -> Iterator[list[Row]]:
    """The events of one device, in order, divided into sessions."""
    pause = dt.timedelta(minutes=rules.timeout_minutes)
    session: list[Row] = []
    last_user: str | None = None
    last_utm: tuple[str | None, ...] | None = None
    last_click: str | None = None
    has_source = False
    for event in events:
        user = None if event["person_id"] == "device:" + event["device_id"] else event["person_id"]
        source = sources.get(event["event_id"], {})
        utm = tuple(source.get(name) for name in UTM) if any(source.get(name) for name in UTM) else None
        click = source.get("click_id")
        is_other = utm not in (None, last_utm) or click not in (None, last_click)
        is_after_pause = not session or event["occurred_at"] - session[-1]["occurred_at"] >= pause
        is_other_user = None not in (user, last_user) and user != last_user
        is_midnight = rules.new_at_midnight and bool(session) and event["dt"] != session[-1]["dt"]
        if is_after_pause or is_other_user or is_midnight:
            last_utm, last_click, has_source = None, None, False
            last_user = None if is_after_pause else last_user
            is_new = True
        else:
            is_known = has_source or session[0]["dt"] < event["dt"]
            is_new = rules.new_at_campaign and is_other and is_known
        if is_new and session:
            yield session
            session = []
        session.append(event)
        last_user = user or last_user
        last_utm, last_click = utm or last_utm, click or last_click
        has_source = has_source or bool(source)
    if session:
        yield session


def session_start(events: list[Row], sources: dict[str, Row]) -> Row:
    """The row of a session, given its events on the day of its start."""
    first = events[0]
    source = next((sources[event["event_id"]] for event in events if event["event_id"] in sources), {})
    return {
        "session_id": first["event_id"],
        **{name: first[name] for name in ("person_id", "device_id", "page_type", "page_url", "dt")},
        "started_at": first["occurred_at"],
        **{name: source.get(name) for name in (*TAGS, "referrer_host")},
        "page_views": sum(event["event_type"] == "page_view" for event in events),
        "last_event_at": max(event["occurred_at"] for event in events),
    }


# The channel of a session ----------------------------------------------------------------------------------


def channel_of(start: Row, rules: Rules) -> Row:
    """source, medium, campaign, channel and channel_rule of a session."""
    tagged = (start["utm_source"] or "").lower() or None
    click = rules.channels["click_ids"].get(start["click_id"] or "", {})
    site = site_of(start["referrer_host"], rules.sites)
    by_referrer = None
    if start["referrer_host"] and not tagged:
        names = {"search": "organic", "email": "email", "ai_assistant": "ai-assistant"}
        by_referrer = names.get(site.get("category", ""), "referral")
    source = tagged or click.get("source") or site.get("source") or start["referrer_host"]
    clicked = click.get("medium") if tagged in (None, click.get("source")) else None
    medium = (start["utm_medium"] or "").lower() or clicked or by_referrer
    category = site_of(tagged, rules.sites).get("category") or next(
        (row["category"] for row in rules.sites if row["source"] == source), None
    )
    values = dict.fromkeys(FIELDS) | {
        "source": source,
        "medium": medium,
        "campaign": start["utm_campaign"],
        "click_id": start["click_id"],
        "referrer": start["referrer_host"],
        "site": category,
    }
    rule = next((rule for rule in rules.channels["rules"] if holds(rule, values)), None)
    return {
        "source": source,
        "medium": medium,
        "campaign": start["utm_campaign"],
        "channel": rule["channel"] if rule else "unassigned",
        "channel_rule": rule["rule"] if rule else None,
    }


def site_of(name: str | None, sites: list[Row]) -> Row:
    """The row of traffic_sites.csv for a host or a name, the longest that matches; {} if there is none."""
    rows = [
        row for row in sites if name and (name == row["site"] or ("." in row["site"] and belongs(name, row["site"])))
    ]
    return max(rows, key=lambda row: len(row["site"]), default={})


def holds(rule: Row, values: dict[str, str | None]) -> bool:
    return all(
        any(matches(text.lower(), (values[name] or "").lower()) for text in texts_of(rule[name]))
        for name in FIELDS
        if name in rule
    )


def texts_of(condition: Any) -> Iterable[str]:
    return condition if isinstance(condition, list) else [condition]


def matches(text: str, value: str) -> bool:
    """Whether *value* matches *text*, in which ``*`` at an end stands for any text; '' matches only '(none)'."""
    if not value:
        return text == "(none)"
    pattern = ".*".join(re.escape(part) for part in text.split("*"))
    return re.fullmatch(pattern, value, re.DOTALL) is not None
