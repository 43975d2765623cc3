"""The pages of the funnel, of retention and of one customer: their numbers are those of loops over the events."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import duckdb
import pytest

from dashboards.app.export import csv_of
from dashboards.app.marts import Copy, Marts
from dashboards.app.people import shown_id
from dashboards.blocks import Block, Card, Cards, Text
from dashboards.queries import query
from pipelines.compute.reading import reading_session
from pipelines.home.folder import Home
from tests.app_pages import chart, choice, flat, look_at, table, texts, values
from tests.reference_persons import actions, first_visits, funnel, period_of, retention
from tests.shared_homes import shop_with_dashboards

Row = dict[str, Any]
Ask = Callable[[str], list[tuple[Any, ...]]]

FIRST, LAST = dt.date(2026, 5, 17), dt.date(2026, 5, 20)
DAYS = f"from={FIRST}&to={LAST}"
FOUR = ["exposure", "product_click", "add_to_cart", "order"]
THREE, OF_THREE = FOUR[1:], "s1=product_click&s2=add_to_cart&s3=order&s4=none"
PAGES = "s1=page:home&s2=module:home.feed&s3=page:detail&s4=add_to_cart&s5=order"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return shop_with_dashboards(tmp_path_factory)


@pytest.fixture(scope="module")
def copy(home: Home) -> Copy:
    return Marts(home).copy()


@pytest.fixture(scope="module")
def lake(home: Home) -> dict[str, list[Row]]:
    """Table → rows of the lake, from which the tests compute the expected numbers."""
    tables = ("core.events", "core.sessions", "core.order_lines", "attribution.attributed_events")
    with reading_session(home, "") as connection:
        return {name: _rows(connection, name) for name in tables}


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[Row]:
    found = connection.execute(f"SELECT * FROM {table}")
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture(scope="module")
def done(lake: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Person → their actions, as rows of ``tests.reference_persons.actions``."""
    people: dict[str, list[Row]] = {}
    for one in actions(lake["attribution.attributed_events"], lake["core.events"], lake["core.order_lines"]):
        people.setdefault(one["person_id"], []).append(one)
    return people


@pytest.fixture(scope="module")
def new(lake: dict[str, list[Row]]) -> list[Row]:
    """The first visits of all persons, as rows of core.first_visits."""
    return first_visits(lake["core.events"], lake["core.sessions"])


def attempts(
    done: dict[str, list[Row]], steps: list[str], window: dt.timedelta | str, last: dt.date = LAST
) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for own in done.values():
        found |= funnel(own, steps, FIRST, last, window)
    return found


def counted(found: Iterable[Row], steps: int) -> list[int]:
    """The number of persons at each step."""
    depths = [attempt["depth"] for attempt in found]
    return [sum(depth >= number for depth in depths) for number in range(1, steps + 1)]


def cards(blocks: list[Block]) -> list[Card]:
    return [card for block in flat(blocks) if isinstance(block, Cards) for card in block.cards]


# The funnel --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query_", "steps", "window"),
    [
        ("", FOUR, dt.timedelta(days=7)),
        ("within=day", FOUR, "dt"),
        ("within=1", FOUR, dt.timedelta(days=1)),
        (PAGES, ["page:home", "module:home.feed", "page:detail", "add_to_cart", "order"], dt.timedelta(days=7)),
        ("s1=order&s2=page:home&s3=none&s4=none", ["order", "page:home"], dt.timedelta(days=7)),
        ("s1=add_to_cart&s2=none&s3=none&s4=none", ["add_to_cart"], dt.timedelta(days=7)),
    ],
)
def test_the_funnel_is_that_of_a_loop_over_the_events(copy, done, query_, steps, window):
    shown = chart(look_at(copy, f"/funnel?{DAYS}&{query_}")[1], "funnel").table
    found = attempts(done, steps, window)
    depths = [attempt["depth"] for attempt in found.values()]
    expected = [sum(depth > place for depth in depths) for place in range(len(steps))]
    assert expected[0] > 10
    assert values(shown, "funnel_persons") == expected
    assert values(shown, "funnel_rate") == [count / expected[0] for count in expected]
    for place, minutes in enumerate(values(shown, "minutes")[1:]):
        times = sorted(one["seconds"][place] / 60 for one in found.values() if len(one["seconds"]) > place)
        middle = (times[(len(times) - 1) // 2] + times[len(times) // 2]) / 2 if times else None
        assert minutes == (None if middle is None else pytest.approx(middle))


def test_attempts_begin_on_the_days_shown_and_go_on_after_them(copy, done):
    shown = chart(look_at(copy, f"/funnel?from={FIRST}&to={FIRST}&within=7")[1], "funnel").table
    found = attempts(done, FOUR, dt.timedelta(days=7), FIRST)
    expected = [sum(one["depth"] > place for one in found.values()) for place in range(4)]
    assert values(shown, "funnel_persons") == expected
    same_day = chart(look_at(copy, f"/funnel?from={FIRST}&to={FIRST}&within=day")[1], "funnel").table
    assert values(same_day, "funnel_persons")[3] < expected[3]


@pytest.mark.parametrize("by", ["entrance", "channel", "new", "platform", "customers", "segment"])
@pytest.mark.parametrize("query_", ["", "s1=module:home.feed&s2=order&s3=none&s4=none", "within=day"])
def test_the_parts_of_a_breakdown_sum_to_the_whole(copy, by, query_):
    blocks = look_at(copy, f"/funnel?{DAYS}&by={by}&{query_}")[1]
    whole = values(chart(blocks, "funnel").table, "funnel_persons")
    shown = table(blocks, "parts")
    assert shown.rows
    assert shown.total is not None
    for number, count in enumerate(whole, start=1):
        assert sum(row[f"step_{number}"] for row in shown.rows) == count == shown.total[f"step_{number}"]


def test_a_person_is_in_the_entrance_of_the_attempt_that_counts(copy, done):
    shown = table(look_at(copy, f"/funnel?{DAYS}")[1], "parts")
    found = attempts(done, FOUR, dt.timedelta(days=7)).values()
    for number in range(1, 5):
        counted = Counter(one["entrance_id"] for one in found if one["depth"] >= number)
        assert {row["key"]: row[f"step_{number}"] for row in shown.rows if row[f"step_{number}"]} == counted


def test_channel_and_newness_are_those_at_the_first_step(copy, lake, done, new):
    found = attempts(done, FOUR, dt.timedelta(days=7))
    came_first = {(row["person_id"], row["dt"]) for row in new}
    by_new = Counter("new" if (person, one["dt"]) in came_first else "returning" for person, one in found.items())
    rows = table(look_at(copy, f"/funnel?{DAYS}&by=new")[1], "parts").rows
    assert {row["key"]: row["step_1"] for row in rows} == by_new
    channels: Counter[str] = Counter()
    for person, one in found.items():
        begun = [s for s in lake["core.sessions"] if s["person_id"] == person and s["started_at"] <= one["at"]]
        last = max(begun, key=lambda s: (s["started_at"], s["session_id"]), default=None)
        channels[last["channel"] if last else "(unknown)"] += 1
    rows = table(look_at(copy, f"/funnel?{DAYS}&by=channel")[1], "parts").rows
    assert {row["key"]: row["step_1"] for row in rows} == channels


def with_sessions(lake: dict[str, list[Row]], done: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """*done* with the session of each action: the person's latest session.

    None for orders after the session's timeout.
    """
    starts: dict[str, list[tuple[dt.datetime, str]]] = {}
    for row in lake["core.sessions"]:
        starts.setdefault(row["person_id"], []).append((row["started_at"], row["session_id"]))
    times: dict[str, list[dt.datetime]] = {}
    for event in lake["core.events"]:
        times.setdefault(event["person_id"], []).append(event["occurred_at"])
    found: dict[str, list[Row]] = {}
    for person, own in done.items():
        found[person] = []
        for one in own:
            begun = [key for at, key in sorted(starts.get(person, [])) if at <= one["at"]]
            last = max((at for at in times.get(person, []) if at <= one["at"]), default=dt.datetime.min)
            is_late = one["kind"] == "order" and one["at"] - last >= dt.timedelta(minutes=30)
            session = begun[-1] if begun and not is_late else f"none {one['at']}"
            found[person].append(one | {"session": session})
    return found


def test_steps_of_one_session_are_those_of_a_loop(copy, lake, done):
    shown = chart(look_at(copy, f"/funnel?{DAYS}&within=session&{OF_THREE}")[1], "funnel").table
    expected = counted(attempts(with_sessions(lake, done), THREE, "session").values(), 3)
    assert values(shown, "funnel_persons") == expected
    assert counted(attempts(done, THREE, dt.timedelta(days=7)).values(), 3)[-1] > expected[-1] > 5


@pytest.mark.parametrize(("dimension", "value"), [("platform", "ios"), ("channel", "direct"), ("entrance", "search")])
def test_a_filtered_funnel_begins_in_the_slice(copy, done, dimension, value):
    shown = chart(look_at(copy, f"/funnel?{DAYS}&{OF_THREE}&in.{dimension}={value}")[1], "funnel").table
    came = {(row["person_id"], row["dt"]): row for row in copy.rows("SELECT * FROM core.visitors")}

    def begins(one: Row) -> bool:
        own = one["entrance_id"] if dimension == "entrance" else came[one["person_id"], one["dt"]][dimension]
        return bool(own == value)

    found: dict[str, Row] = {}
    for own in done.values():
        found |= funnel(own, THREE, FIRST, LAST, dt.timedelta(days=7), begins)
    assert values(shown, "funnel_persons") == counted(found.values(), 3)
    assert 5 < len(found) < len(attempts(done, THREE[:1], "dt"))


def test_every_step_of_a_category_is_about_its_products(copy, lake):
    category = {row["product_id"]: row["category"] for row in copy.rows("SELECT * FROM products.catalog")}
    names = Counter(category.get(end["product_id"]) for end in lake["attribution.attributed_events"])
    value = names.most_common(1)[0][0]
    own = {
        name: [row for row in lake[name] if category.get(row["product_id"]) == value]
        for name in ("attribution.attributed_events", "core.events", "core.order_lines")
    }
    people: dict[str, list[Row]] = {}
    for one in actions(*own.values()):
        people.setdefault(one["person_id"], []).append(one)
    shown = chart(look_at(copy, f"/funnel?{DAYS}&in.category={value}")[1], "funnel").table
    assert values(shown, "funnel_persons") == counted(attempts(people, FOUR, dt.timedelta(days=7)).values(), 4)
    assert values(shown, "funnel_persons")[1] > 5


def test_a_row_of_the_funnels_breakdown_is_its_filter(copy):
    for by in ("platform", "customers"):
        rows = table(look_at(copy, f"/funnel?{DAYS}&by={by}")[1], "parts").rows
        for row in rows[:2]:
            shown = chart(look_at(copy, f"/funnel?{DAYS}&in.{by}={row['key']}")[1], "funnel").table
            assert values(shown, "funnel_persons")[0] >= row["step_1"] > 0


def test_a_page_as_first_step_has_no_entrance(copy):
    context, blocks = look_at(copy, f"/funnel?{DAYS}&s1=page:home&in.entrance=search")
    assert [option.value for option in choice(blocks, "by").options] == [
        "channel", "new", "platform", "customers", "segment", "none",
    ]  # fmt: skip
    assert "entrance" not in context.dimensions
    assert choice(blocks, "by").value == "channel"
    assert "entrance" in [option.value for option in choice(look_at(copy, f"/funnel?{DAYS}")[1], "by").options]


def test_a_step_chosen_twice_counts_once_and_is_reported(copy):
    blocks = look_at(copy, f"/funnel?{DAYS}&s3=exposure&lang=en")[1]
    assert [row["name"] for row in chart(blocks, "funnel").table.rows] == [
        "Product exposure",
        "Product click",
        "Paid order",
    ]
    assert "Product exposure" in texts(blocks, "warning")[0].text


@pytest.mark.parametrize(
    ("query_", "said"),
    [
        ("s2=page:moon", "“page:moon” (Step 2)"),
        ("s1=none", "“none” (Step 1)"),
        ("within=99", "“99” (Within)"),
        ("by=moon", "“moon” (Break down by)"),
    ],
)
def test_a_choice_that_is_not_offered_is_reported(copy, query_, said):
    blocks = look_at(copy, f"/funnel?{DAYS}&lang=en&{query_}")[1]
    assert any(said in one.text for one in texts(blocks, "warning"))
    assert values(chart(blocks, "funnel").table, "funnel_persons") == values(
        chart(look_at(copy, f"/funnel?{DAYS}&lang=en")[1], "funnel").table, "funnel_persons"
    )


def test_the_page_says_whose_window_is_not_over(copy, done):
    blocks = look_at(copy, f"/funnel?{DAYS}&lang=en&within=1")[1]
    end = dt.datetime(2026, 5, 20, 16)  # midnight in Shanghai
    found = attempts(done, FOUR, dt.timedelta(days=1)).values()
    still_open = sum(one["depth"] < 4 and one["at"] + dt.timedelta(days=1) >= end for one in found)
    assert still_open > 0
    assert f"For {still_open} of these people" in " ".join(chart(blocks, "funnel").table.notes)
    assert "not over" not in " ".join(chart(look_at(copy, f"/funnel?{DAYS}&within=day")[1], "funnel").table.notes)


def test_days_without_events_say_so(copy):
    for page, key in (("funnel", "funnel"), ("retention", "curve")):
        blocks = look_at(copy, f"/{page}?from=2025-01-01&to=2025-01-02&lang=en")[1]
        assert "data runs from" in texts(blocks, "missing")[0].text
        assert key not in [one.table.key for one in flat(blocks) if hasattr(one, "table")]


# Retention ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["none", "entrance", "channel"])
def test_retention_is_that_of_a_loop_over_the_visits(copy, lake, new, by):
    blocks = look_at(copy, f"/retention?{DAYS}&by={by}")[1]
    visits = {(event["person_id"], event["dt"]) for event in lake["core.events"]}
    days = {event["dt"] for event in lake["core.events"]}
    cells = retention(visits, new, "day", None, days, LAST, 3)
    assert cohorts_shown(blocks) == cells
    column = {"none": None, "entrance": "entrance_id", "channel": "channel"}[by]
    expected = {}
    for part_of in {None, column}:
        sums: dict[tuple[str, int], Counter[str]] = {}
        for (_, part, after), (people, returned) in retention(visits, new, "day", part_of, days, LAST, 3).items():
            if returned is not None:
                sums.setdefault((part, after), Counter()).update(people=people, returned=returned)
        expected |= {key: (sum_["people"], sum_["returned"]) for key, sum_ in sums.items()}
    curve = table(blocks, "curve").rows
    assert {(r["part"], r["period_no"]): (r["new_visitors"], r["returned_visitors"]) for r in curve} == expected


def cohorts_shown(blocks):
    """The cells of the page's table of daily cohorts up to the third day, as ``retention`` returns them."""
    return {
        (period_of(dt.date.fromisoformat(row["cohort"]), "day"), "", row["period_no"]): (
            row["new_visitors"],
            row["returned_visitors"],
        )
        for row in table(blocks, "cohorts").rows
        if row["period_no"] <= 3
    }


@pytest.mark.parametrize("dimension", ["platform", "entrance", "category"])
def test_retention_of_a_slice_is_that_of_its_first_visits(copy, lake, new, dimension):
    category = {row["product_id"]: row["category"] for row in copy.rows("SELECT * FROM products.catalog")}
    came = {(row["person_id"], row["dt"]): row["platform"] for row in copy.rows("SELECT * FROM core.visitors")}
    saw = {
        (end["person_id"], end["dt"], category.get(end["product_id"])) for end in lake["attribution.attributed_events"]
    }
    value = {"platform": "ios", "entrance": "search", "category": Counter(c for _, _, c in saw).most_common(1)[0][0]}
    is_in = {
        "platform": lambda row: came[row["person_id"], row["dt"]] == value["platform"],
        "entrance": lambda row: row["entrance_id"] == value["entrance"],
        "category": lambda row: (row["person_id"], row["dt"], value["category"]) in saw,
    }[dimension]
    own = [row for row in new if is_in(row)]
    assert 0 < len(own) < len(new)
    visits = {(event["person_id"], event["dt"]) for event in lake["core.events"]}
    days = {event["dt"] for event in lake["core.events"]}
    cells = retention(visits, own, "day", None, days, LAST, 3)
    blocks = look_at(copy, f"/retention?{DAYS}&in.{dimension}={value[dimension]}")[1]
    assert cohorts_shown(blocks) == cells


def test_new_visitors_count_once_and_cards_name_their_divisor(copy, lake):
    blocks = look_at(copy, f"/retention?{DAYS}&lang=en")[1]
    people = {event["person_id"] for event in lake["core.events"]}
    assert cards(blocks)[0].full == f"{len(people):,}"
    assert [card.name for card in cards(blocks)[1:]] == ["Day 1 retention", "Day 2 retention", "Day 3 retention"]
    row = next(row for row in table(blocks, "curve").rows if row["period_no"] == 1)
    assert cards(blocks)[1].note == f"{row['returned_visitors']:,} of {row['new_visitors']:,} came back"
    assert "begins on 2026-05-17" in texts(blocks, "warning")[0].text


def test_cells_that_are_not_over_are_blank(copy):
    shown = chart(look_at(copy, f"/retention?{DAYS}")[1], "cohorts")
    drawn = shown.figure.data[0].z
    assert [sum(value is not None for value in line) for line in drawn] == [3, 2, 1, 0]
    unobserved = [row for row in shown.table.rows if row["returned_visitors"] is None]
    assert all(row["visitor_retention_rate"] is None for row in unobserved)
    weeks = look_at(copy, f"/retention?{DAYS}&unit=week&lang=en")[1]
    assert any("No full week is over" in one.text for one in texts(weeks, "missing"))


# One customer ------------------------------------------------------------------------------------------


def a_customer(copy: Copy) -> str:
    """A customer with sessions, orders and a refund, if there is one."""
    return str(
        copy.rows(
            """SELECT orders.user_id FROM core.orders AS orders
            LEFT JOIN core.refunds AS refunds ON refunds.user_id = orders.user_id
            SEMI JOIN core.sessions AS sessions ON sessions.person_id = orders.user_id
            WHERE orders.user_id IS NOT NULL
            GROUP BY 1 ORDER BY count(refunds.refund_id) > 0 DESC, count(*) DESC, 1 LIMIT 1"""
        )[0]["user_id"]
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_timeline_has_all_that_a_customer_did(copy, language):
    user = a_customer(copy)
    shown = table(look_at(copy, f"/customers?to={LAST}&user={user}&lang={language}")[1], "timeline")
    kinds = Counter(row["kind"] for row in shown.rows)
    names = {"en": ("Session", "Order", "Refund"), "zh": ("会话", "下单", "退款")}[language]
    sql = {
        names[0]: f"SELECT count(*) AS n FROM core.sessions WHERE person_id = '{user}'",
        names[1]: f"SELECT count(*) AS n FROM core.orders WHERE user_id = '{user}'",
        names[2]: f"SELECT count(DISTINCT (order_id, refunded_at)) AS n FROM core.refunds WHERE user_id = '{user}'",
    }
    for kind, own in sql.items():
        assert kinds[kind] == copy.one(own)["n"] > 0
    times = [row["sorted_at"] for row in shown.rows]
    assert times == sorted(times, reverse=True)
    paid = copy.one(f"SELECT sum(revenue) AS n FROM core.order_lines WHERE user_id = '{user}'")["n"]
    assert sum(row["amount"] or 0 for row in shown.rows if row["kind"] == names[1]) == pytest.approx(paid)
    refunded = copy.one(f"SELECT sum(amount) AS n FROM core.refunds WHERE user_id = '{user}'")["n"]
    assert sum(row["amount"] or 0 for row in shown.rows if row["kind"] == names[2]) == pytest.approx(-refunded)


def test_a_timeline_leads_to_the_path_explorer(copy):
    shown = table(look_at(copy, f"/customers?to={LAST}&user={a_customer(copy)}&lang=en")[1], "timeline")
    href = shown.columns[-1].href
    assert href is not None
    for row in shown.rows:
        if row["kind"] == "Segment changed" or (row["kind"] == "Order" and row["amount"] is None):
            assert href(row) is None
            continue
        there = look_at(copy, str(href(row)))[1]
        assert not any("No order, add-to-cart or device" in one.text for one in texts(there, "missing")) or (
            row["kind"] == "Session"
        )


def test_a_viewers_timeline_names_no_user_and_no_device(copy):
    user = a_customer(copy)
    devices = {row["device_id"] for row in copy.rows(f"SELECT * FROM core.sessions WHERE person_id = '{user}'")}
    context, _ = look_at(copy, f"/customers?to={LAST}", "viewer")
    _, blocks = look_at(copy, f"/customers?to={LAST}&user={shown_id(context, user)}", "viewer")
    shown = table(blocks, "timeline")
    href = shown.columns[-1].href
    assert href is not None
    written = csv_of(shown).decode() + "".join(str(href(row)) for row in shown.rows)
    assert user not in written
    assert not any(device in written for device in devices)
    assert any(href(row) for row in shown.rows)


def test_segments_are_compared_between_kept_snapshots():
    snapshots = [
        ("2026-09-30", "ann", "new"), ("2026-09-30", "bob", "loyal"),
        ("2026-10-31", "ann", "new"), ("2026-10-31", "eve", "new"),
        ("2026-11-01", "bob", "at_risk"), ("2026-11-01", "eve", "loyal"),
        ("2026-11-02", "bob", "at_risk"), ("2026-11-02", "ann", "loyal"), ("2026-11-02", "eve", "loyal"),
    ]  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA customers")
        connection.execute("CREATE TABLE customers.rfm (dt DATE, user_id VARCHAR, segment VARCHAR)")
        connection.executemany("INSERT INTO customers.rfm VALUES (?, ?, ?)", snapshots)

        def changes(user: str, day: str) -> list[tuple[str, ...]]:
            found = connection.execute(query("customers.segment_changes"), {"user": user, "day": day}).fetchall()
            return [(str(one), before, now) for one, before, now in found]

        assert changes("ann", "2026-11-02") == [
            ("2026-11-02", "(left)", "loyal"),
            ("2026-11-01", "new", "(left)"),
        ]
        assert changes("bob", "2026-11-01") == [("2026-11-01", "(left)", "at_risk"), ("2026-10-31", "loyal", "(left)")]
        assert changes("eve", "2026-11-02") == [("2026-11-01", "new", "loyal"), ("2026-10-31", "(none)", "new")]
        assert changes("eve", "2026-10-31") == [("2026-10-31", "(none)", "new")]


def test_both_pages_are_there_in_both_languages(copy):
    for page in ("funnel", "retention"):
        for language in ("en", "zh"):
            context, blocks = look_at(copy, f"/{page}?{DAYS}&lang={language}&theme=dark")
            assert context.locale.language == language
            assert not any(isinstance(one, Text) and one.kind == "missing" for one in flat(blocks))
