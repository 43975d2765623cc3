"""The worked examples of paths.json, each with its own device, person and day.

Here: turning a case into landed records, and reading its result from tables, under the keys of its expectation.
Not here: computing the tables, by the pipeline (``test_paths``) or by plain Python (``tests.unit.test_reference``).
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.reference_core import Log, Row, Shop

_FILE = Path(__file__).with_name("paths.json")
_CONTENT = json.loads(_FILE.read_text(encoding="utf-8"))

SHOP = Shop(entrances=_CONTENT["entrances"], timezone=_CONTENT["timezone"], start_date=dt.date(2026, 3, 1))


@dataclass(frozen=True)
class Case:
    """One worked example: its landed events, and the expected result for its path end, the path's last event."""

    name: str
    events: list[Row]
    expect: Row
    day: dt.date


def _case(number: int, content: Row) -> Case:
    events = []
    for event in content["events"]:
        time = dt.datetime.fromisoformat(event["device_time"]) + dt.timedelta(days=number)
        events.append(
            {
                **event,
                "event_id": f"{number}-{event['event_id']}",
                "device_id": f"{event['device_id']}-{number}",
                "user_id": f"{event['user_id']}-{number}",
                "device_time": time.isoformat(),
            }
        )
    day = dt.datetime.fromisoformat(events[0]["device_time"]).date()
    return Case(content["name"], events, content["expect"], day)


CASES = [_case(number, content) for number, content in enumerate(_CONTENT["cases"])]
LOG = Log(events=[event for case in CASES for event in case.events])


def observed(case: Case, tables: dict[str, list[Row]]) -> Row:
    """What *tables* contain about the case's path end (its last event), under the keys of ``case.expect``."""
    end_id = f"{CASES.index(case)}-{case.expect['end_event_id']}"
    ends = {row["event_id"]: row for row in tables["attribution.attributed_events"]}
    steps = [row for row in tables["attribution.path_steps"] if row["end_event_id"] == end_id]
    closing = [
        (row["page_type"], row["module"])
        for row in tables["attribution.module_daily"]
        if row["dt"] == case.day and row["closing_add_to_carts"] > 0
    ]
    everything: dict[str, Any] = {
        "end_event_id": end_id,
        "rule": ends[end_id]["rule"],
        "entrance_id": ends[end_id]["entrance_id"],
        "head_event_id": ends[end_id]["head_event_id"],
        "full": _ids(steps, "step_no"),
        "effective": _ids(steps, "effective_step_no"),
        "stack": _ids(steps, "stack_step_no"),
        "backtracked": _ids([step for step in steps if step["is_backtracked"]], "step_no"),
        "closing_module": list(closing[0]) if closing else None,
        "exposures": {
            id_: row["entrance_id"]
            for id_, row in ends.items()
            if row["end_type"] == "exposure" and row["dt"] == case.day
        },
    }
    return {key: _without_case(everything[key]) for key in case.expect}


def _ids(steps: list[Row], number: str) -> list[str]:
    kept = [step for step in steps if step[number] is not None]
    assert [step[number] for step in sorted(kept, key=lambda s: s["step_no"])] == (
        sorted(step[number] for step in kept)
    ), f"{number} is not in the order of step_no"
    return [step["event_id"] for step in sorted(kept, key=lambda step: step[number])]


def _without_case(value: Any) -> Any:
    """Remove the case's number from the event ids in *value*: '3-11' becomes '11', as in paths.json."""
    if isinstance(value, str):
        return value.split("-", 1)[1] if value[0].isdigit() else value
    if isinstance(value, list):
        return [_without_case(item) for item in value]
    if isinstance(value, dict):
        return {_without_case(key): item for key, item in value.items()}
    return value
