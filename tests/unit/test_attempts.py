"""Attempts at a funnel: for random logs they equal those that plain loops over the events find."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.attempts import attempts
from dashboards.queries import query
from tests.reference_persons import actions, funnel
from tests.sql_models import computed

Row = dict[str, Any]

FIRST = dt.date(2026, 11, 9)
DAYS = [FIRST + dt.timedelta(days=n) for n in range(4)]
MIDNIGHT = dt.datetime(2026, 11, 9)
PEOPLE, PAGES, MODULES = ("ann", "bob"), ("home", "list"), ("feed", "banner")
STEPS = ["exposure", "product_click", "add_to_cart", "order", "page:home", "page:list", "module:home.feed",
         "module:list.banner"]  # fmt: skip
WINDOWS = ["dt", dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(days=2)]


@st.composite
def logs(draw: st.DrawFn) -> dict[str, list[Row]]:
    """Rows of core.events, attribution.attributed_events and core.order_lines, with many equal times and short gaps."""
    given_rows: dict[str, list[Row]] = {"core.events": [], "attribution.attributed_events": [], "core.order_lines": []}
    minutes = st.one_of(st.integers(0, 4 * 1440 - 1), st.sampled_from([0, 1, 2, 60, 61, 1439, 1440, 1441, 2880]))
    for number in range(draw(st.integers(0, 14))):
        at = MIDNIGHT + dt.timedelta(minutes=draw(minutes))
        who = {"person_id": draw(st.sampled_from(PEOPLE)), "dt": at.date()}
        kind = draw(st.sampled_from(("page_view", "exposure", "product_click", "click", "add_to_cart", "order")))
        if kind == "order":
            line = {"order_id": f"o{number}", "line_no": 1, "user_id": who["person_id"], "dt": at.date(), "paid_at": at}
            given_rows["core.order_lines"].append(line)
            continue
        place = {"page_type": draw(st.sampled_from(PAGES)), "module": draw(st.sampled_from(MODULES))}
        entrance = draw(st.sampled_from(["search", "home_feed", None]))
        event = {**who, "event_id": f"e{number}", "occurred_at": at, **place, "entrance_id": entrance}
        event |= {"event_type": kind.removeprefix("product_"), "sku": None if kind in ("page_view", "click") else "p1"}
        given_rows["core.events"].append(event)
        if event["sku"] is not None:
            end = event | {"end_type": event["event_type"], "entrance_id": entrance or "(direct)"}
            given_rows["attribution.attributed_events"].append(end)
    return given_rows


def found(log: dict[str, list[Row]], steps: list[str], last: dt.date, window: dt.timedelta | str) -> dict[str, Row]:
    """Person → attempt, as the program finds it: with its table, its query and its computation."""
    rows = computed(["attribution.person_steps"], log, DAYS)["attribution.person_steps"]
    columns = {"dt": "DATE", "person_id": "VARCHAR", "kind": "VARCHAR", "page_type": "VARCHAR", "module": "VARCHAR",
               "entrance_id": "VARCHAR", "first_at": "TIMESTAMP", "last_at": "TIMESTAMP"}  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA attribution")
        declared = ", ".join(f"{name} {type_}" for name, type_ in columns.items())
        connection.execute(f"CREATE TABLE attribution.person_steps ({declared})")
        if rows:
            marks = ", ".join("?" for _ in columns)
            values = [[row[name] for name in columns] for row in rows]
            connection.executemany(f"INSERT INTO attribution.person_steps VALUES ({marks})", values)
        parameters = {"steps": "\n".join(steps), "from": FIRST, "to": DAYS[-1]}
        hits = pl.DataFrame(connection.sql(query("funnel.hits"), params=parameters))
    attempt_of = {}
    for row in attempts(hits, len(steps), last, window).to_dicts():
        seconds = [row[f"seconds_{number}"] for number in range(2, len(steps) + 1)]
        attempt_of[row["person_id"]] = {
            **{name: row[name] for name in ("depth", "at", "entrance_id", "dt")},
            "seconds": [value for value in seconds if value is not None],
        }
    return attempt_of


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    log=logs(),
    steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=4, unique=True),
    last=st.sampled_from(DAYS),
    window=st.sampled_from(WINDOWS),
)
def test_attempts_are_those_of_a_loop_over_all_events(
    log: dict[str, list[Row]], steps: list[str], last: dt.date, window: dt.timedelta | str
) -> None:
    done = actions(log["attribution.attributed_events"], log["core.events"], log["core.order_lines"])
    assert found(log, steps, last, window) == funnel(done, steps, FIRST, last, window)


def hits(*rows: tuple[str, int, int]) -> pl.DataFrame:
    """The actions of a person that are steps of a funnel, in a frame; each of *rows* is (entrance, minute, step)."""
    times = [MIDNIGHT + dt.timedelta(minutes=minute) for _, minute, _ in rows]
    return pl.DataFrame(
        {
            "person_id": "ann",
            "dt": [time.date() for time in times],
            "at": times,
            "step_no": [step for _, _, step in rows],
            "entrance_id": [entrance for entrance, _, _ in rows],
        }
    )


@pytest.mark.parametrize(
    ("rows", "depth", "entrance"),
    [
        ([("a", 0, 1), ("-", 5, 2)], 2, "a"),
        ([("a", 0, 1), ("-", 0, 2)], 2, "a"),
        ([("-", 0, 2), ("a", 5, 1)], 1, "a"),
        ([("a", 0, 1), ("-", 60, 2)], 2, "a"),
        ([("a", 0, 1), ("-", 61, 2)], 1, "a"),
        ([("a", 0, 1), ("b", 2, 1), ("-", 5, 2)], 2, "b"),
        ([("a", 0, 1), ("-", 5, 2), ("b", 9, 1)], 2, "a"),
        ([("a", 0, 1), ("-", 55, 2), ("b", 56, 1), ("-", 61, 3)], 2, "a"),
        ([("a", 0, 1), ("-", 3, 3), ("-", 5, 2)], 2, "a"),
    ],
)
def test_the_furthest_attempt_within_an_hour_counts(
    rows: list[tuple[str, int, int]], depth: int, entrance: str
) -> None:
    attempt = attempts(hits(*rows), 3, FIRST, dt.timedelta(hours=1)).row(0, named=True)
    assert (attempt["depth"], attempt["entrance_id"]) == (depth, entrance)


def test_nobody_who_did_not_do_the_first_step_is_counted() -> None:
    nobody = attempts(hits(("-", 0, 2), ("-", 1, 3)), 3, FIRST, "dt")
    none = attempts(hits(("a", 0, 1)).clear(), 3, FIRST, "dt")
    assert (nobody.height, none.height) == (0, 0)
    assert nobody.schema == none.schema
