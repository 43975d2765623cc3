"""Falls on the overview: sales of orders without a log, which halve in the last week."""

from __future__ import annotations

import datetime as dt

import pytest

from dashboards.app.marts import Copy, Marts
from dashboards.app.watch.settings import load_watch
from dashboards.blocks import Text, flat, tables
from dashboards.copy.build import publish
from pipelines.home.folder import Home
from tests.app_pages import look_at, table
from tests.support import land, make_home, run_selected

FIRST = dt.date(2026, 3, 2)
LAST = FIRST + dt.timedelta(days=41)
WEEK = f"from={LAST - dt.timedelta(days=6)}&to={LAST}"
BEFORE = f"from={LAST - dt.timedelta(days=13)}&to={LAST - dt.timedelta(days=7)}"
CALENDAR = "first_day,last_day,kind,name_zh,name_en\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Forty-two days with eight to ten orders of 30 each a day; in the last week half as many orders."""
    home = make_home(tmp_path_factory.mktemp("falls") / "home", settings={"start_date": FIRST})
    orders, lines = [], []
    for nth in range(42):
        day = FIRST + dt.timedelta(days=nth)
        for number in range((8 + nth % 3) // (2 if nth >= 35 else 1)):
            order, times = f"{day}-{number}", dict.fromkeys(("ordered_at", "paid_at"), f"{day}T05:00:00Z")
            orders.append({"order_id": order, "user_id": order, "status": "paid", **times})
            lines.append({"order_id": order, "line_no": 1, "sku": "A", "quantity": 1, "unit_price": 30})
    land(home, "orders", orders, "orders")
    land(home, "order_lines", lines, "lines")
    run_selected(home, "core", "+attribution.entrance_daily")
    publish(home)
    return home


@pytest.fixture
def copy(home: Home) -> Copy:
    home.calendar_file.write_text(CALENDAR, encoding="utf-8")
    return Marts(home).copy()


def falls(copy: Copy, address: str) -> dict[str, str]:
    _, blocks = look_at(copy, f"/?lang=en&{address}")
    rows = [row for one in tables(blocks) if one.key == "attention" for row in one.rows]
    return {row["subject"]: row["note"] for row in rows if row["kind"] == "Fell unusually"}


def test_sales_that_halve_are_listed_and_steady_ones_not(copy: Copy) -> None:
    found = falls(copy, WEEK)
    assert set(found) == {"Sales", "Buyers"}, "revenue per buyer is the same"
    assert found["Sales"].startswith("¥930, ▼ −50.8% vs ¥1,890; unusual below ¥1,")
    assert falls(copy, BEFORE) == {}


def why_not_judged(copy: Copy, address: str, language: str = "en") -> str:
    """The last sentence of the list, or of the line in its place: it says why no falls are listed."""
    _, blocks = look_at(copy, f"/?lang={language}&{address}")
    lists = [one for one in tables(blocks) if one.key == "attention"]
    lines = [block.text for block in flat(blocks) if isinstance(block, Text) and block.kind == "check"]
    return lists[0].notes[-1] if lists else lines[-1]


def test_without_comparison_nothing_has_fallen(copy: Copy) -> None:
    assert falls(copy, f"{WEEK}&compare=none") == {}
    assert why_not_judged(copy, f"{WEEK}&compare=none").endswith("not judged: there are no comparison days.")
    assert "judged" not in why_not_judged(copy, WEEK)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_shop_without_alerts_sees_what_to_watch(copy: Copy, home: Home, language: str) -> None:
    rows = table(look_at(copy, f"/alerts?lang={language}")[1], "suggested").rows
    states = {row["metric"]: row["state"][0] for row in rows}
    # The last day is within the usual range, because the week up to the day before was as low.
    known, none = dict.fromkeys(("revenue", "buyers", "revenue_per_buyer"), "●"), "–"
    assert states == known | {"visitors": none, "visitor_conversion_rate": none}, "there is no log of visitors"
    assert all((row["usual"] is None) == (row["state"][0] == none) for row in rows)
    assert all("." not in row["usual"] for row in rows if row["metric"] == "buyers"), "a count is a whole number"
    assert rows[0]["value"] == 30 * ((8 + 41 % 3) // 2)
    kept = home.alerts_file.read_text(encoding="utf-8")
    lines = "\n".join(row["line"] for row in rows)
    home.alerts_file.write_text(f"people: {{ops: 'json://127.0.0.1'}}\nalerts:\n{lines}\n", encoding="utf-8")
    assert [one.unusual for one in load_watch(home).alerts.values()] == ["either"] * 5, "the lines are valid"
    home.alerts_file.write_text(kept, encoding="utf-8")


def test_a_fall_after_a_promotion_is_expected(copy: Copy, home: Home) -> None:
    promoted = LAST - dt.timedelta(days=10)
    home.calendar_file.write_text(f"{CALENDAR}{promoted},{promoted},promotion,大促,Sale\n", encoding="utf-8")
    assert falls(copy, WEEK) == {}
    assert "only the comparison days had a promotion (Sale)" in why_not_judged(copy, WEEK)
    assert "只有对比日期有“大促”" in why_not_judged(copy, WEEK, "zh")
    home.calendar_file.write_text(f"{CALENDAR}{promoted},{LAST},promotion,大促,Sale\n", encoding="utf-8")
    assert set(falls(copy, WEEK)) == {"Sales", "Buyers"}, "a promotion in both weeks"
