"""The shipped channel rules on worked examples: each through the real SQL, from its first event to its channel."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.reference_sessions import Rules, restate_sessions
from tests.sql_models import Row, computed

DAY = dt.date(2026, 3, 1)
NOON = dt.datetime(2026, 3, 1, 12)
COLUMNS = {"page": "page_url", "ref": "referrer", "s": "utm_source", "m": "utm_medium", "c": "utm_campaign"}
GROUPS: dict[str, list[Any]] = yaml.safe_load((Path(__file__).parents[1] / "golden" / "channels.yaml").read_text())
CASES = [(f"{group}: {said}", said, expected) for group, lines in GROUPS.items() for said, expected in lines]


def first_event(number: int, said: Row) -> Row:
    """A page view with the fields *said* of a case, on a device of its own."""
    assert said.keys() <= {*COLUMNS, "click"}
    return {
        "event_id": str(number),
        "device_id": str(number),
        "person_id": "ann",
        "event_type": "page_view",
        "event_rank": 0,
        "page_id": 1,
        "page_type": "home",
        "device_time": NOON,
        "occurred_at": NOON,
        **{column: said.get(name) for name, column in COLUMNS.items()},
        "page_url": said.get("page", "https://shop.example/"),
        "click_id": said.get("click"),
        "dt": DAY,
    }


@cache
def sessions() -> dict[str, Row]:
    """session_id → row of core.sessions, for all cases at once."""
    events = [first_event(number, said) for number, (_, said, _) in enumerate(CASES)]
    names = ["core.event_sources", "core.session_starts", "core.sessions"]
    return {row["session_id"]: row for row in computed(names, {"core.events": events}, [DAY])["core.sessions"]}


@pytest.mark.parametrize("number", range(len(CASES)), ids=[name for name, _, _ in CASES])
def test_channel_of(number: int) -> None:
    row = sessions()[str(number)]
    assert [row[name] for name in ("source", "medium", "channel", "channel_rule")] == CASES[number][2]


@pytest.mark.parametrize("number", range(len(CASES)), ids=[name for name, _, _ in CASES])
def test_the_plain_loops_agree_on(number: int) -> None:
    (row,) = restate_sessions([first_event(number, CASES[number][1])], Rules())["core.sessions"]
    assert [row[name] for name in ("source", "medium", "channel", "channel_rule")] == CASES[number][2]


def test_every_rule_and_channel_has_a_case() -> None:
    rules = {rule["rule"] for rule in Rules().channels["rules"]}
    assert {expected[3] for _, _, expected in CASES} - {None} == rules
    assert {expected[2] for _, _, expected in CASES} == set(Rules().channels["channels"])
