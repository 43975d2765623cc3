"""The runner of given/expect cases fails when it should, and names the case, row and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.home.errors import HeadwaterError
from tests.cases import read_cases, read_file
from tests.model_cases import assert_holds

VISITORS = """
- case: Ann came
  given:
    core.events:
      - {event_id: e1, person_id: ann}
  expect:
    - {person_id: ann}
"""


def outcome(folder: Path, text: str, name: str = "core/visitors.yaml") -> str:
    """The error message of the runner for the cases in *text*; empty if the computed rows are the expected ones."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    try:
        for case in read_file(path):
            assert_holds(case)
    except (AssertionError, HeadwaterError) as error:
        return str(error)
    return ""


def test_a_case_that_holds_says_nothing(tmp_path):
    assert outcome(tmp_path, VISITORS) == ""


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            "person_id: ann}\n  expect",
            "person: ann}\n  expect",
            "given core.events, row 1: unknown column 'person'; did you",
        ),
        ("core.events", "core.event", "given: core.visitors does not read 'core.event'; did you mean 'core.events'?"),
        (
            "    - {person_id: ann}",
            "    - {person_ids: ann}",
            "expect, row 1: unknown column 'person_ids'; did you mean",
        ),
        ("event_id: e1,", "event_id: e1, event_id: e2,", "line 5: not valid YAML: key 'event_id' is repeated"),
        ("event_id: e1,", "event_id: 1,", "given core.events, row 1: event_id is 1, expected VARCHAR"),
        ("event_id: e1,", "event_id: e1, device_time: noon,", "row 1: device_time is 'noon', expected TIMESTAMP"),
        ("event_id: e1,", "event_id: e1, slot: 1.5,", "row 1: slot is 1.5, expected INTEGER"),
        ("  given", "  setting: {}\n  given", "unknown key 'setting'; expected one of case, why, settings"),
        ("  given", "  settings: {curency: CNY}\n  given", "'Ann came': settings: unknown key 'curency'"),
        ("  given", "  days: yesterday\n  given", "'Ann came': days: expected a date or '2026-11-01 to 2026-11-03'"),
        ("    - {person_id: ann}", "    - {person_id: bob}", "missing row {dt: 2026-11-10, person_id: bob}"),
        (
            "  expect:\n    - {person_id: ann}",
            "  expect: []",
            "additional row {dt: 2026-11-10, person_id: ann, platform: (unknown), channel: direct}",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path, before, after, message):
    text = VISITORS.replace(before, after)
    assert text != VISITORS
    assert message in outcome(tmp_path, text)


def test_a_value_that_differs_is_named_by_row_and_column(tmp_path):
    text = """
- case: Two came
  given:
    core.events:
      - {event_id: e1, person_id: ann}
      - {event_id: e2, person_id: bob}
  expect:
    - {visitors: 3, events: 2, page_id_drop_rate: 0.1}
"""
    said = outcome(tmp_path, text, "core/traffic_daily.yaml")
    assert said == (
        "core/traffic_daily.yaml: case 'Two came': core.traffic_daily: 2 differences\n"
        "  row {dt: 2026-11-10}: visitors: expected 3, seen 2\n"
        "  row {dt: 2026-11-10}: page_id_drop_rate: expected 0.1, seen 0.0"
    )


def test_a_check_fails_by_the_rows_that_it_returns(tmp_path):
    text = """
- case: Refunded more than paid
  given:
    core.order_lines:
      - {order_id: o1, revenue: 1, refunded: 2}
  expect:
    - {order_id: o2, refunded: 2}
"""
    said = outcome(tmp_path, text, "checks/refunds_within_revenue.yaml")
    assert "missing row {dt: 2026-11-10, order_id: o2, refunded: 2" in said
    assert "additional row {dt: 2026-11-10, order_id: o1, refunded: 2.0000}" in said


def test_a_source_is_given_its_relations(tmp_path):
    text = """
- case: An order
  given:
    orders:
      - {order_id: "1", created_at: "2012-03-19"}
  expect:
    - {order_id: "1", status: unpaid}
"""
    name = "sources/maven/orders.yaml"
    assert "row {order_id: 1}: status: expected unpaid, seen paid" in outcome(tmp_path, text, name)
    assert "does not read 'order'; did you mean 'orders'?" in outcome(tmp_path, text.replace("orders:", "order:"), name)
    assert "no source has 'maven.order'; did you mean 'maven.orders'?" in outcome(
        tmp_path, text, "sources/maven/order.yaml"
    )


def test_rows_that_cannot_be_told_apart_are_refused(tmp_path):
    text = VISITORS.replace("  expect", "      - {event_id: e2, person_id: bob}\n  expect").replace(
        "{person_id: ann}\n", "{}\n"
    )
    assert "several rows seen are {dt: 2026-11-10}; give more columns of the grain" in outcome(tmp_path, text)


def test_rows_that_give_other_columns_of_the_grain_are_refused(tmp_path):
    text = VISITORS.replace("  given", "  days: [2026-11-09, 2026-11-10]\n  given") + "    - {dt: 2026-11-10}\n"
    assert "expect, row 2: gives dt of the grain, the first row person_id" in outcome(tmp_path, text)


def test_a_file_of_no_model_and_a_name_given_twice_are_refused(tmp_path):
    assert "there is no model or check 'core.visitor'; did you mean 'core.visitors'?" in outcome(
        tmp_path, VISITORS, "core/visitor.yaml"
    )
    (tmp_path / "core/visitor.yaml").write_text(VISITORS + VISITORS, encoding="utf-8")
    with pytest.raises(HeadwaterError, match="case 'Ann came' is defined twice"):
        read_cases(tmp_path)


def test_a_case_leaves_nothing_behind_for_the_next_one(tmp_path):
    emptied = VISITORS.replace("Ann came", "Nobody came").replace("      - {event_id: e1, person_id: ann}\n", "")
    emptied = emptied.replace("  expect:\n    - {person_id: ann}", "  expect: []")
    assert outcome(tmp_path, VISITORS + emptied) == ""
