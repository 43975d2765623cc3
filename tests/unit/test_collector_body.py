"""The body of a request to the collector: what is refused, with which reason, and what is landed of the rest."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.collector.agents import describe_agent
from pipelines.collector.batch import FIELDS, BodyError, lines_of, read_body, unknown_fields
from pipelines.ingest import load_sources

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=1))
EVENTS = st.lists(st.dictionaries(st.sampled_from(sorted(FIELDS)) | st.text(), VALUES, max_size=4), max_size=3)


def landed(*events: dict[str, object], sent: object = None, agent: str = "") -> list[dict[str, object]]:
    """The records that the collector writes for a body with *events* and *sent* as sent_time, received at time 2."""
    content = read_body(json.dumps({"sent_time": sent, "events": events}).encode())
    return [json.loads(line) for line in lines_of(content, 2, describe_agent(agent)).splitlines()]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"event_id=1", "not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b'{"events": [{"slot": NaN}]}', "not JSON: NaN is not a JSON number"),
        (b'{"events": [{"slot": -Infinity}]}', "not JSON: -Infinity is not a JSON number"),
        (b'{"events": [{"slot": 1e999}]}', "not JSON: the number 1e999 is too large"),
        (b'{"events": [{"slot": 1, "slot": 2}]}', "not JSON: the key 'slot' occurs twice"),
        (b'{"events": [], "events": [{}]}', "not JSON: the key 'events' occurs twice"),
        (b'{"events": [{"sku": "a\0"}]}', "not JSON: Invalid control character at: line 1 column 23 (char 22)"),
        (b'{"events": [{"sku": "a\\u0000"}]}', "events[0].sku: contains a NUL character"),
        (b'{"events": [{"sku": "\xff"}]}', "not UTF-8 at byte 21"),
        (b'{"events": [{"sku": {}}]}', "events[0].sku: expected text, a number, true, false or null"),
        (b'{"events": [{}, {"zz": [1]}]}', "events[1].zz: expected text, a number, true, false or null"),
        (b'{"events": [{}, 7]}', "events[1]: expected an object"),
        (b'{"events": []}', "expected an object with a list 'events' of at least one event"),
        (b'{"events": {}}', "expected an object with a list 'events' of at least one event"),
        (b'{"sent_time": 1}', "expected an object with a list 'events' of at least one event"),
        (b"[{}]", "expected an object with a list 'events' of at least one event"),
        (b'{"sent_time": "now", "events": [{}]}', "sent_time: expected milliseconds since 1970"),
        (b'{"sent_time": true, "events": [{}]}', "sent_time: expected milliseconds since 1970"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"events":' + b'[{"a":' * 40_000, "nested too deeply"),
    ],
)
def test_a_wrong_body_is_refused_with_the_reason(body, reason):
    with pytest.raises(BodyError) as refused:
        read_body(body)
    assert str(refused.value) == reason
    assert not refused.value.is_large


def test_a_number_of_many_digits_is_refused():
    with pytest.raises(BodyError, match="not JSON"):
        read_body(b'{"events": [{"slot": %b}]}' % (b"9" * 100_000))


def test_a_batch_has_at_most_500_events():
    assert len(landed(*[{"sku": "a"}] * 500)) == 500
    with pytest.raises(BodyError, match="501 events; at most 500 are allowed") as refused:
        landed(*[{"sku": "a"}] * 501)
    assert refused.value.is_large


def test_an_event_is_landed_as_sent_with_the_batch_times():
    event = {"event_id": "é1", "device_id": "d", "event_type": "click", "page_id": 2**53, "slot": 1.5, "sku": "\u2028"}
    assert landed(event, sent=1) == [{**event, "sent_time": 1, "received_time": 2}]


def test_the_fields_are_those_of_the_native_source():
    (native,) = (source for source in load_sources(None) if source.name == "native")
    columns = native.relations["events"].columns
    assert set(columns) == FIELDS | {"sent_time", "received_time", "is_bot"}


def test_null_and_unknown_fields_are_left_out():
    content = read_body(b'{"events": [{"event_id": "1", "sku": null, "zz": 1, "received_time": 5, "is_bot": true}]}')
    assert unknown_fields(content) == {"zz", "received_time", "is_bot"}
    assert lines_of(content, 2, {}) == b'{"event_id":"1","received_time":2}\n'


def test_half_of_a_surrogate_pair_becomes_a_question_mark():
    assert landed({"sku": "a\ud83d"}) == [{"sku": "a?", "received_time": 2}]


@given(EVENTS)
@settings(max_examples=50, deadline=None)
def test_each_landed_line_is_one_json_object(events):
    body = json.dumps({"events": events})
    try:
        content = read_body(body.encode())
    except BodyError:
        is_flat = all(not isinstance(value, dict | list) for event in events for value in event.values())
        values = [value for event in events for value in event.values()]
        is_finite = all(math.isfinite(value) for value in values if isinstance(value, float))
        assert not events or not is_flat or not is_finite or any("\0" in v for v in values if isinstance(v, str))
        return
    lines = lines_of(content, 2, {}).split(b"\n")
    assert lines.pop() == b""
    assert len(lines) == len(events)
    for line, event in zip(lines, events, strict=True):
        kept = {name: value for name, value in event.items() if name in FIELDS and value is not None}
        sent = {name: v.encode(errors="replace").decode() if isinstance(v, str) else v for name, v in kept.items()}
        assert json.loads(line.decode()) == {**sent, "received_time": 2}


@pytest.mark.parametrize(
    ("agent", "fields"),
    [
        (PHONE, {"platform": "ios"}),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile", {"platform": "android"}),
        ("Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 ArkWeb/4.1", {"platform": "harmony"}),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Gecko/20100101 Firefox/140.0", {"platform": "web"}),
        (f"{PHONE} MicroMessenger/8.0.50 miniProgram/wx12", {"platform": "miniprogram"}),
        ("MyShop/3.2 (Android 14)", {"platform": "android"}),
        (
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            {"platform": "web", "is_bot": True},
        ),
        ("okhttp/4.12.0", {}),
        ("curl/8.5.0", {}),
        ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/140.0 Safari/537.36", {"platform": "web", "is_bot": True}),
        ("", {}),
        ("x" * 100_000, {}),
    ],
)
def test_the_user_agent_says_platform_and_bot(agent, fields):
    assert describe_agent(agent) == fields


def test_a_platform_of_the_event_counts_before_the_agent():
    assert landed({"platform": "kiosk"}, {"platform": None}, agent=PHONE) == [
        {"platform": "kiosk", "received_time": 2},
        {"platform": "ios", "received_time": 2},
    ]
