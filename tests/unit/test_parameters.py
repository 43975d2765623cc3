"""The parameters of a query on the SQL page: their names, and the kind of value that each takes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from dashboards.workbench.functions import FUNCTIONS
from dashboards.workbench.messages import RefusedError
from dashboards.workbench.parameters import MOST, kind_of_type, parameters_of
from dashboards.workbench.words import functions, keywords
from dashboards.workbench.worker import value_of

COLUMNS = {"dt": "date", "revenue": "number", "category": "text"}


@pytest.mark.parametrize(
    ("sql", "kinds"),
    [
        ("SELECT 1", []),
        ("SELECT '$no' -- $nor this\n", []),
        ("SELECT $b, $a, $b", [("b", "text"), ("a", "text")]),
        ("FROM t WHERE dt >= $a AND t.dt BETWEEN $b AND $c", [("a", "date"), ("b", "date"), ("c", "date")]),
        ("FROM t WHERE $a < dt AND category IN ($b, 'x')", [("a", "date"), ("b", "text")]),
        ("FROM t WHERE dt > current_date - $days", [("days", "number")]),
        ("FROM t WHERE DT = $a OR Revenue > $b", [("a", "date"), ("b", "number")]),
        ("SELECT sum(x) FROM t HAVING sum(x) > $a AND max(dt) < $b", [("a", "number"), ("b", "date")]),
        ("FROM t LIMIT $a OFFSET $b", [("a", "number"), ("b", "number")]),
        ("SELECT $a::DATE, CAST($b AS DECIMAL(18,2)), $c::VARCHAR", [("a", "date"), ("b", "number"), ("c", "text")]),
        ("SELECT $a::TIMESTAMP", [("a", "text")]),
        ("WITH s AS (FROM t WHERE dt = $a) FROM s WHERE $a > revenue", [("a", "text")]),
        ("FROM t WHERE unknown = $a AND lower(category) LIKE $b", [("a", "text"), ("b", "text")]),
    ],
)
def test_the_kind_of_a_parameter_follows_from_its_use(sql, kinds):
    assert [(one.name, one.kind) for one in parameters_of(sql, COLUMNS)] == kinds


def test_too_many_parameters_are_refused():
    names = ", ".join(f"$p{number}" for number in range(MOST + 1))
    with pytest.raises(RefusedError, match=f"at most {MOST} are allowed"):
        parameters_of(f"SELECT {names}", {})


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("DATE", "date"), ("TIMESTAMP WITH TIME ZONE", "date"), ("DECIMAL(18,4)", "number"), ("UBIGINT", "number"),
        ("DOUBLE", "number"), ("VARCHAR", "text"), ("INTEGER[]", "text"), ("STRUCT(a INTEGER)", "text"),
        ("INTERVAL", "text"), ("BOOLEAN", "text"),
    ],
)  # fmt: skip
def test_the_kind_of_a_column_follows_from_its_type(name, kind):
    assert kind_of_type(name) == kind


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("number", " 12 ", 12), ("number", "-1.50", Decimal("-1.50")), ("number", "1e3", 1000),
        ("date", "2026-11-11", dt.date(2026, 11, 11)), ("text", " as it is ", " as it is "),
    ],
)  # fmt: skip
def test_a_text_is_read_as_the_value_that_it_says(kind, text, value):
    found = value_of(kind, text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("number", "nan"), ("number", "Infinity"), ("number", "1,000"), ("number", "1e999999999"), ("number", "1e-99"),
        ("number", "9" * 39), ("number", ""), ("date", "2026-02-30"), ("date", "yesterday"),
    ],
)  # fmt: skip
def test_what_is_no_value_of_its_kind_is_refused(kind, text):
    with pytest.raises(ValueError):
        value_of(kind, text)


def test_the_editor_completes_what_may_run():
    assert {"select", "qualify", "join", "over", "with"} <= {*keywords()}
    assert not {"create", "sum", "day", "name"} & {*keywords()}
    # LEFT is a keyword in LEFT JOIN, and a function in left(name, 3).
    assert {"left", "right"} <= {*keywords()} & {*functions()}
    assert {"sum", "date_trunc", "row_number"} <= {*functions()} <= FUNCTIONS
    assert "+" not in functions()
