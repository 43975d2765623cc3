"""Edge cases of the touch models, which divide an order among the touches before it: here the clicks on entrances.

Here: the window, ties, long paths, log-in, refunds, and the checks of the models' tables. Each shopper of one shop is a
case; the shop is computed once by the whole pipeline. Also changed settings, and corrupted tables.
Not here: the models' shares and path transforms (``tests.golden``), random logs (``test_against_reference``).
"""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import yaml

from pipelines.compute.run import Request, run_home
from pipelines.home.folder import Home
from pipelines.home.settings import Settings
from pipelines.lake.partitions import VERSION_KEY, DaySpan, Lake
from pipelines.sqlproject.model import DIALECT
from pipelines.sqlproject.project import load_project
from tests.integration.small_shop import plan_of
from tests.reference_core import Log, Row, Shop
from tests.reference_credits import MODELS
from tests.support import home_of, land, land_log, run, run_selected, table

ORDERED_AT = dt.datetime(2026, 3, 20, 12, 0, 0)
DAY = dt.date(2026, 3, 20)
SECOND = dt.timedelta(seconds=1)
WINDOW = dt.timedelta(days=2)
ENTRANCES = [
    {"entrance_id": "banner", "page_type": "home", "module": "banner"},
    {"entrance_id": "feed", "page_type": "home", "module": "feed"},
]
SHOP = Shop(entrances=ENTRANCES, timezone="UTC", start_date=dt.date(2026, 3, 17), touch_window_days=2)
OF_TOUCHES = (
    "order_touches",
    "paths",
    "touch_paths",
    "touch_path_daily",
    "touch_transitions",
    "removal_effects",
    "model_effects",
    "touch_path_summary",
    "touch_credits",
    "model_daily",
    "touchpoint_daily",
    "touch_lag_daily",
)
"""The tables of schema attribution whose rows depend on the settings of touches."""
LARGE = Decimal("900719925474.0993")
"""An amount that a DOUBLE cannot hold."""


def click(event_id: str, before: dt.timedelta, user: str | None, **values: Any) -> Row:
    """A click of *user* on the banner, *before* (a time span) the orders of this module."""
    time = (ORDERED_AT - before).isoformat() + "Z"
    page = {"page_id": 1, "page_type": "home", "module": "banner"}
    return {
        "event_id": event_id,
        "device_id": f"device of {user}",
        "user_id": user,
        "event_type": "click",
        "device_time": time,
        **page,
        **values,
    }


def order(log: Log, order_id: str, user: str | None, price: str = "10", lines: int = 1, **values: Any) -> None:
    """Add an order to *log*, paid at once unless *values* say otherwise."""
    times = dict.fromkeys(("ordered_at", "paid_at"), ORDERED_AT.isoformat() + "Z")
    log.orders.append({"order_id": order_id, "user_id": user, "status": "paid", **times, **values})
    for number in range(1, lines + 1):
        line = {"order_id": order_id, "line_no": number, "sku": "A", "quantity": 1, "unit_price": price}
        log.order_lines.append(line)


def landed() -> Log:
    """The log of all cases; the shopper of a case is named after it."""
    log = Log()
    add_windows(log)
    add_paths(log)
    order(log, "no touch", "nobody came")
    order(log, "no user", None)
    log.events.append(click("only seen", SECOND, "nobody came", event_type="exposure"))
    log.events.append(click("elsewhere", SECOND, "nobody came", module="news"))
    log.events.append(click("not logged in", SECOND, None))
    return log


def add_windows(log: Log) -> None:
    for name, before in {
        "at the window's start": WINDOW,
        "a second earlier": WINDOW + SECOND,
        "as it was ordered": 0 * SECOND,
        "within the tolerance": -60 * SECOND,
        "after the tolerance": -61 * SECOND,
    }.items():
        log.events.append(click(name, before, name))
        order(log, name, name)
    log.events.append(click("after payment", SECOND, "paid first"))
    order(log, "paid first", "paid first", paid_at=(ORDERED_AT - 62 * SECOND).isoformat() + "Z")


def add_paths(log: Log) -> None:
    log.events.extend(click(f"tie {name}", SECOND, "ties", module="feed") for name in "bc")
    log.events.append(click("tie a", SECOND, "ties"))
    order(log, "ties", "ties")
    for number in range(1000):
        module = ("banner", "feed")[number % 2]
        log.events.append(click(f"{number:04}", dt.timedelta(minutes=1000 - number), "a thousand", module=module))
    order(log, "a thousand", "a thousand", price=str(LARGE))
    log.events.append(click("before log-in", 3 * SECOND, None, device_id="shared"))
    after = {"device_id": "shared", "module": "feed", "utm_campaign": "spring"}
    log.events.append(click("after log-in", 2 * SECOND, "logs in", **after))
    order(log, "logs in", "logs in")
    log.events.append(click("early", dt.timedelta(days=1), "two orders"))
    log.events.append(click("between", dt.timedelta(hours=1), "two orders", module="feed"))
    order(log, "the later order", "two orders")
    two_hours_before = (ORDERED_AT - dt.timedelta(hours=2)).isoformat() + "Z"
    order(log, "the earlier order", "two orders", ordered_at=two_hours_before)
    for number, module in enumerate(("banner", "feed", "banner")):
        log.events.append(click(f"r{number}", (3 - number) * SECOND, "refunded", module=module))
    order(log, "refunded", "refunded", lines=2)
    refund = {"refund_id": "r", "order_id": "refunded", "line_no": 1, "amount": "2.5"}
    log.refunds.append({**refund, "refunded_at": (ORDERED_AT + dt.timedelta(days=3)).isoformat() + "Z"})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = home_of(tmp_path_factory.mktemp("touches") / "home", SHOP)
    land_log(home, landed())
    run(home)
    return home


def credits_of(home: Home, order_id: str, model: str, line_no: int = 1) -> list[Row]:
    key = (order_id, model, line_no, "entrance")
    names = ("order_id", "model", "line_no", "touchpoint_type")
    rows = [r for r in table(home, "attribution.touch_credits") if tuple(r[name] for name in names) == key]
    return sorted(rows, key=lambda row: row["position"])


def path_of(home: Home, order_id: str) -> Row:
    key = (order_id, 1, "entrance")
    rows = table(home, "attribution.touch_paths")
    (row,) = [r for r in rows if (r["order_id"], r["line_no"], r["touchpoint_type"]) == key]
    return row


@pytest.mark.parametrize("name", ["at the window's start", "as it was ordered", "within the tolerance"])
def test_the_window_includes_both_its_ends(home: Home, name: str) -> None:
    assert [row["touch_event_id"] for row in credits_of(home, name, "linear")] == [name]


@pytest.mark.parametrize("name", ["a second earlier", "after the tolerance", "paid first", "no touch", "no user"])
def test_an_order_without_touches_is_unattributed_everywhere(home: Home, name: str) -> None:
    for model in MODELS:
        (row,) = credits_of(home, name, model)
        assert (row["touchpoint"], row["position"], row["credit"]) == ("(unattributed)", 1, 1)
        assert (row["touch_event_id"], row["campaign"], row["occurred_at"]) == (None, None, None)
        assert (row["revenue_credit"], row["net_revenue_credit"]) == (10, 10)
    path = path_of(home, name)
    assert (path["path"], path["transformed_path"], path["path_length"]) == ("(unattributed)", "(unattributed)", 0)


def test_touches_of_one_moment_are_in_the_order_of_their_ids(home: Home) -> None:
    assert path_of(home, "ties")["path"] == "banner > feed > feed"
    assert credits_of(home, "ties", "first")[0]["touch_event_id"] == "tie a"
    # Two successive touches of one entrance count as one touch, the first of the two.
    assert credits_of(home, "ties", "last")[0]["touch_event_id"] == "tie b"


def test_1000_touches_share_a_large_amount_to_the_last_decimal(home: Home) -> None:
    assert path_of(home, "a thousand")["path_length"] == 1000
    for model in ("linear", "position_based", "time_decay", "markov", "shapley"):
        rows = credits_of(home, "a thousand", model)
        assert [row["position"] for row in rows] == list(range(1, 1001))
        assert sum(row["revenue_credit"] for row in rows) == LARGE
        assert math.fsum(row["credit"] for row in rows) == pytest.approx(1, abs=1e-12)
        for row in rows:
            assert float(row["revenue_credit"]) == pytest.approx(float(LARGE) * row["credit"], rel=1e-6)
    assert credits_of(home, "a thousand", "linear")[500]["credit"] == pytest.approx(0.001)
    assert credits_of(home, "a thousand", "position_based")[500]["credit"] == pytest.approx(0.2 / 998)


def test_what_a_shopper_touched_before_log_in_counts(home: Home) -> None:
    rows = credits_of(home, "logs in", "linear")
    touched = [(row["touch_event_id"], row["touchpoint"], row["campaign"]) for row in rows]
    assert touched == [("before log-in", "banner", None), ("after log-in", "feed", "spring")]


def test_each_order_has_the_touches_before_it(home: Home) -> None:
    assert path_of(home, "the earlier order")["path"] == "banner"
    assert path_of(home, "the later order")["path"] == "banner > feed"


def test_a_refund_lowers_the_net_credit_in_the_same_shares(home: Home) -> None:
    shares = [Decimal("0.4"), Decimal("0.2"), Decimal("0.4")]
    refunded, kept = (credits_of(home, "refunded", "position_based", line_no) for line_no in (1, 2))
    assert [row["revenue_credit"] for row in refunded] == [10 * share for share in shares]
    assert [row["net_revenue_credit"] for row in refunded] == [Decimal("7.5") * share for share in shares]
    assert [row["net_revenue_credit"] for row in kept] == [10 * share for share in shares]


def test_a_touch_is_a_click_on_an_entrance_of_anybody(home: Home) -> None:
    touches = [row for row in table(home, "attribution.touches") if row["touchpoint_type"] == "entrance"]
    assert sorted(row["touch_event_id"] for row in touches) == sorted(
        event["event_id"] for event in landed().events if event["event_id"] not in ("only seen", "elsewhere")
    )


@pytest.mark.parametrize(
    ("touch", "stale"),
    [
        ({"half_life_days": 0.5}, {"touch_credits"}),
        ({"transform": ["first"]}, {"paths"}),
        ({"window_days": 3}, {"order_touches", "touch_path_daily"}),
        ({"effects_days": 60}, {"removal_effects", "model_effects", "touch_path_summary"}),
        ({"markov_order": 2}, {"touch_transitions"}),
    ],
)
def test_a_changed_setting_makes_stale_what_it_is_for(home: Home, touch: dict[str, Any], stale: set[str]) -> None:
    before = home.settings_file.read_text(encoding="utf-8")
    settings = yaml.safe_load(before)
    try:
        settings["touch"] |= touch
        home.settings_file.write_text(yaml.safe_dump(settings), encoding="utf-8")
        _, plan = plan_of(home)
        found = {name for name, keys in plan.stale.items() if keys}
    finally:
        home.settings_file.write_text(before, encoding="utf-8")
    assert {f"attribution.{name}" for name in stale} <= found <= {f"attribution.{name}" for name in OF_TOUCHES}


def test_a_late_touch_and_a_late_refund_change_the_credit(tmp_path: Path) -> None:
    home = home_of(tmp_path / "home", SHOP)
    first = Log(events=[click("1", 2 * SECOND, "u")])
    order(first, "o", "u")
    land_log(home, first)
    run_selected(home, "+attribution.touch_credits")
    assert [row["credit"] for row in credits_of(home, "o", "linear")] == [1]
    land(home, "events", [click("2", SECOND, "u", module="feed")], "late")
    refund = {"refund_id": "r", "order_id": "o", "line_no": 1, "amount": "4"}
    land(home, "refunds", [{**refund, "refunded_at": "2026-03-25T00:00:00Z"}], "late")
    run_selected(home, "+attribution.touch_credits")
    rows = credits_of(home, "o", "linear")
    assert [(row["credit"], row["revenue_credit"], row["net_revenue_credit"]) for row in rows] == [(0.5, 5, 3)] * 2


def test_a_refund_makes_no_path_stale(tmp_path: Path) -> None:
    home = home_of(tmp_path / "home", SHOP)
    log = Log(events=[click("1", SECOND, "u")])
    order(log, "o", "u")
    order(log, "the last day", "u", paid_at="2026-03-25T00:00:00Z")
    land_log(home, log)
    run(home)
    refund = {"refund_id": "r", "order_id": "o", "line_no": 1, "amount": "4"}
    land(home, "refunds", [{**refund, "refunded_at": "2026-03-25T00:00:00Z"}], "late")
    published = run(home).published
    found = {name: set(published[f"attribution.{name}"]) for name in OF_TOUCHES if f"attribution.{name}" in published}
    assert found == {name: {DAY} for name in ("touch_paths", "touch_credits", "model_daily", "touchpoint_daily")}


def test_the_paths_of_orders_without_a_rate_are_held_back(tmp_path: Path) -> None:
    home = home_of(tmp_path / "home", SHOP)
    log = Log(events=[click("1", SECOND, "u")])
    order(log, "o", "u", currency="USD")
    land_log(home, log)
    assert run_home(home).blocked["core.paid_orders"] == {DAY}
    assert [row for row in table(home, "attribution.paths") if row["dt"] == DAY] == []
    (home.config / "fx.csv").write_text(f"dt,currency,rate\n{DAY},USD,7.1\n", encoding="utf-8")
    run(home)
    assert path_of(home, "o")["path"] == "banner"
    assert [row["revenue"] for row in table(home, "core.paid_orders")] == [Decimal(71)]


# Checks ------------------------------------------------------------------------------------------------


TAMPERED = [
    (
        "touch_credits",
        "DELETE FROM {t} WHERE order_id = 'refunded' AND model = 'linear' AND line_no = 2 AND position = 2",
    ),
    ("touch_credits", "DELETE FROM {t} WHERE model = 'first'"),
    ("touch_credits", "DELETE FROM {t} WHERE order_id = 'no touch'"),
    ("touch_credits", "INSERT INTO {t} SELECT * FROM {t} WHERE order_id = 'ties' AND model = 'last'"),
    ("touch_credits", "UPDATE {t} SET order_id = 'unknown' WHERE order_id = 'ties'"),
    ("touch_credits", "UPDATE {t} SET credit = credit + 0.00000001 WHERE order_id = 'ties' AND model = 'first'"),
    (
        "touch_credits",
        "UPDATE {t} SET revenue_credit = revenue_credit + 0.0001 WHERE order_id = 'ties' AND model = 'last'",
    ),
    (
        "touch_credits",
        "UPDATE {t} SET net_revenue_credit = net_revenue_credit - 0.0001 WHERE order_id = 'no user' AND model = 'last'",
    ),
    ("model_daily", "DELETE FROM {t} WHERE touchpoint = '(unattributed)' AND model = 'last'"),
    ("model_daily", "DELETE FROM {t} WHERE model = 'time_decay'"),
    (
        "model_daily",
        "UPDATE {t} SET conversions = conversions + 0.00001 WHERE model = 'linear' AND touchpoint = 'feed'",
    ),
    ("model_daily", "UPDATE {t} SET orders = orders + 0.00001 WHERE model = 'markov' AND touchpoint = 'feed'"),
    ("model_daily", "UPDATE {t} SET revenue = revenue + 0.0001 WHERE model = 'linear' AND touchpoint = 'feed'"),
    (
        "model_daily",
        "UPDATE {t} SET net_revenue = net_revenue + 0.0001 WHERE model = 'first' AND touchpoint = 'banner'",
    ),
    ("model_daily", "UPDATE {t} SET touchpoint_type = 'chanel' WHERE model = 'first'"),
]


@pytest.mark.parametrize(("name", "change"), TAMPERED, ids=[f"{name}: {change}" for name, change in TAMPERED])
def test_the_checks_find_credit_that_was_lost_or_counted_twice(home: Home, name: str, change: str) -> None:
    project = load_project(None, Settings())
    checks = [check for check in project.checks[f"attribution.{name}"] if check.name.startswith("touch_")]
    assert [check.severity for check in checks] == ["error"]
    with duckdb.connect() as connection:
        tables = ("touch_credits", "model_daily", "touch_models")
        for relation in ("core.order_lines", *(f"attribution.{each}" for each in tables)):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {relation.split('.')[0]}")
            files = [str(path) for path in home.lake.joinpath(*relation.split(".")).rglob("part-0.parquet")]
            connection.read_parquet(files, hive_partitioning=True).create(relation)
        query = project.bind(checks[0], DaySpan(DAY, DAY)).sql(dialect=DIALECT)
        assert connection.execute(query).fetchall() == []
        connection.execute(change.format(t=f"attribution.{name}"))
        assert connection.execute(query).fetchall() != []


def test_a_day_whose_credits_do_not_add_up_is_held_back(tmp_path: Path) -> None:
    home = home_of(tmp_path / "home", SHOP)
    log = Log(events=[click("1", SECOND, "u")])
    order(log, "o", "u")
    land_log(home, log)
    run_selected(home, "+attribution.model_daily")
    before = table(home, "attribution.model_daily")
    (file,) = home.lake.joinpath("attribution", "touch_credits").rglob("dt=2026-03-20/part-0.parquet")
    lake = Lake(home.lake)
    version = lake.versions("attribution.touch_credits")[DAY]
    pl.read_parquet(file, hive_partitioning=False).filter(pl.col("model") != "linear").write_parquet(
        tmp_path / "less.parquet", metadata={VERSION_KEY: version}
    )
    lake.publish("attribution.touch_credits", {DAY: (tmp_path / "less.parquet", version)})
    request = Request(tables=frozenset({"attribution.model_daily"}), force=True)
    summary = run_home(home, request)
    assert summary.failed_checks["touch_models_equal_order_lines"].days == {DAY}
    assert summary.blocked == {"attribution.model_daily": {DAY}}
    assert table(home, "attribution.model_daily") == before
