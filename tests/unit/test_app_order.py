"""The row order of tables: sorting by the address, by a click on a column heading, and tables that cannot be sorted."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.app.order import after_click, direction, in_order
from dashboards.app.view import View
from dashboards.blocks import Chart, Column, Group, Row, Table, Text, tables
from dashboards.columns import exact, text
from dashboards.figures.look import base
from dashboards.locale import Locale

EN = Locale("en", "USD")
COLUMNS = [
    text("Name", "name"),
    exact(EN, "revenue"),
    Column("Twice", lambda row: str(2 * (row["revenue"] or 0)), is_text=True),
]


def table(*values: object, key: str = "t", is_sortable: bool = True) -> Table:
    rows: list[Row] = [{"name": f"n{number}", "revenue": value} for number, value in enumerate(values)]
    return Table(key, "A table", COLUMNS, rows, total={"name": "Total", "revenue": 9}, is_sortable=is_sortable)


def names(view: View, of: Table) -> list[str]:
    (found,) = tables(in_order([of], view))
    return [row["name"] for row in found.rows]


def sorted_by(sort: str) -> View:
    return View("entrances", filters={"sort": sort})


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("t:revenue", ["n1", "n0", "n3", "n2", "n4"]),
        ("t:-revenue", ["n0", "n3", "n1", "n2", "n4"]),
        ("t:name", ["n0", "n1", "n2", "n3", "n4"]),
        ("t:-name", ["n4", "n3", "n2", "n1", "n0"]),
        ("other:revenue", ["n0", "n1", "n2", "n3", "n4"]),
        ("t:nothing", ["n0", "n1", "n2", "n3", "n4"]),
        ("t:", ["n0", "n1", "n2", "n3", "n4"]),
        ("t", ["n0", "n1", "n2", "n3", "n4"]),
        ("", ["n0", "n1", "n2", "n3", "n4"]),
    ],
)
def test_the_address_sorts_a_table_and_no_value_is_last(sort, order):
    assert names(sorted_by(sort), table(5, -1, None, 5, math.nan)) == order


def test_a_column_without_a_field_is_named_by_its_place():
    # The values of this column are texts, so "60" comes before "8".
    assert names(sorted_by("t:2"), table(30, 4)) == ["n0", "n1"]


def test_the_total_stays_below_and_the_table_says_its_order():
    (found,) = tables(in_order([table(1, 2)], sorted_by("t:-revenue")))
    assert found.total == {"name": "Total", "revenue": 9}
    assert [direction(found, column, place) for place, column in enumerate(COLUMNS)] == [None, "descending", None]


def test_a_table_in_a_group_or_below_a_chart_is_sorted_too():
    chart = Chart(base(EN, 100), table(1, 2))
    (group,) = in_order([Group((Text("x"), chart))], sorted_by("t:-revenue"))
    assert [row["revenue"] for row in tables([group])[0].rows] == [2, 1]


def test_the_first_rows_of_more_are_not_sorted():
    assert names(sorted_by("t:-revenue"), table(1, 2, is_sortable=False)) == ["n0", "n1"]


def test_clicks_sort_one_way_then_the_other_then_as_it_was():
    column = COLUMNS[1]
    view, seen = View("entrances", filters={"entrance": "search"}), []
    for _ in range(4):
        (shown,) = tables(in_order([table(1, 2)], view))
        view = after_click(view, shown, column, 1)
        seen.append(view.get("sort"))
    assert seen == ["t:-revenue", "t:revenue", "", "t:-revenue"]
    assert view.get("entrance") == "search"
    # The first click on the heading of a column of texts sorts from A to Z.
    assert after_click(view, shown, COLUMNS[0], 0).get("sort") == "t:name"


values = st.one_of(
    st.none(), st.integers(-5, 5), st.floats(), st.decimals(allow_nan=False, allow_infinity=False), st.booleans(),
    st.text(max_size=3), st.dates(), st.datetimes(),
)  # fmt: skip


@given(st.lists(values, max_size=30))
def test_any_values_can_be_sorted_and_no_row_is_lost(found):
    for sort in ("t:revenue", "t:-revenue"):
        (done,) = tables(in_order([table(*found)], sorted_by(sort)))
        assert sorted(row["name"] for row in done.rows) == sorted(f"n{number}" for number in range(len(found)))


@pytest.mark.parametrize(
    "found",
    [[3, 1, 2], ["b", "A", "c"], [dt.date(2026, 1, 2), dt.date(2026, 1, 1)], [Decimal("2.5"), 2, 2.25]],
)
def test_values_of_one_kind_are_in_their_own_order(found):
    (done,) = tables(in_order([table(*found)], sorted_by("t:revenue")))
    wanted = sorted(found, key=lambda value: value.casefold() if isinstance(value, str) else value)
    assert [row["revenue"] for row in done.rows] == wanted
