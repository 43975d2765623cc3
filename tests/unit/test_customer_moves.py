"""Customers who moved between groups: the lists have those whom the table of moves counts."""

from __future__ import annotations

import duckdb
import pytest

from dashboards.queries import query

SNAPSHOTS = """
CREATE SCHEMA customers;
CREATE TABLE customers.rfm AS
SELECT * FROM (VALUES
    (DATE '2026-05-01', 'stays', 'a', 'x', 9), (DATE '2026-05-29', 'stays', 'a', 'x', 8),
    (DATE '2026-05-01', 'moves', 'a', 'x', 7), (DATE '2026-05-29', 'moves', 'b', 'x', 6),
    (DATE '2026-05-29', 'joins', 'b', 'y', 5), (DATE '2026-05-01', 'leaves', 'a', 'y', 4)
) AS rows (dt, user_id, octant, segment, monetary)
"""


@pytest.mark.parametrize(
    ("kind", "source", "target", "expected"),
    [
        ("octant", "a", "a", ["stays"]),
        ("octant", "a", "b", ["moves"]),
        ("octant", "(new)", "b", ["joins"]),
        ("octant", "a", "(left)", ["leaves"]),
        ("segment", "x", "x", ["stays", "moves"]),
        ("segment", "y", "(left)", ["leaves"]),
        ("octant", "(new)", "(left)", []),
        ("octant", "b", "a", []),
    ],
)
def test_movers_are_those_of_the_two_snapshots(kind, source, target, expected):
    with duckdb.connect() as connection:
        connection.execute(SNAPSHOTS)
        given = {"day": "2026-05-29", "before": "2026-05-01", "kind": kind, "from": source, "to": target}
        found = connection.execute(query("customers.movers"), given).fetchall()
    assert [row[1] for row in found] == expected
