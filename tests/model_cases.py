"""Compares the rows that a given/expect case expects with those that the project computes.

Here: finding the differing rows and columns.
Not here: how a case is written (``tests.cases``), computing its rows (``tests.case_tables``).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tests.case_tables import found_by, grain_of
from tests.cases import Case, Row, typed_row


def assert_holds(case: Case) -> None:
    """Fail unless the project computes the rows that *case* expects, and no others.

    Raises:
        AssertionError: the rows differ; the error names the case, row and column, the expected and the computed value.
    """
    seen, types = found_by(case)
    only = typed_row(case, case.only, types, "only")
    seen = [row for row in seen if all(row[column] == value for column, value in only.items())]
    day = {"dt": case.days[0]} if len(case.days) == 1 and "dt" in types else {}
    expected = [
        typed_row(case, {**day, **case.only, **row}, types, f"expect, row {number}")
        for number, row in enumerate(case.expect, start=1)
    ]
    key = _key(case, expected)
    names = Counter(_shown(row, key) for row in seen)
    if grain_of(case) and expected and any(count > 1 for count in names.values()):
        raise case.fault(f"several rows seen are {names.most_common(1)[0][0]}; give more columns of the grain")
    faults = list(_faults(seen, expected, key))
    if faults:
        raise case.fault("\n  ".join([f"{case.subject}: {len(faults)} differences", *faults]))


def _key(case: Case, expected: Sequence[Row]) -> list[str]:
    """The columns by which expected and computed rows are matched.

    They are those key columns of the table that the rows of *expected* contain; for a check, all columns of *expected*.

    Raises:
        AssertionError: the rows of *expected* have different key columns, or none.
    """
    grain = grain_of(case)
    of_rows = [[column for column in row if grain is None or column in grain] for row in expected]
    for number, key in enumerate(of_rows, start=1):
        if set(key) != set(of_rows[0]):
            raise case.fault(
                f"expect, row {number}: gives {', '.join(key) or 'no column'} of the grain, the first row "
                f"{', '.join(of_rows[0])}; let all rows give the same"
            )
    return of_rows[0] if of_rows else []


def _faults(seen: Sequence[Row], expected: Sequence[Row], key: Sequence[str]) -> Iterator[str]:
    left = list(seen)
    for row in expected:
        name = _shown(row, key)
        same = [other for other in left if all(_same(other[column], row[column]) for column in key)]
        if not same:
            yield f"missing row {name}"
            continue
        left.remove(same[0])
        for column, value in row.items():
            if not _same(same[0][column], value):
                yield f"row {name}: {column}: expected {_text(value)}, seen {_text(same[0][column])}"
    shown = [column for row in expected[:1] for column in row]
    for row in left:
        yield f"additional row {_shown(row, shown or list(row))}"


def _same(seen: Any, expected: Any) -> bool:
    if isinstance(seen, float) and isinstance(expected, float):
        return math.isclose(seen, expected, rel_tol=1e-6, abs_tol=1e-12)
    return bool(seen == expected)


def _shown(row: Row, columns: Iterable[str]) -> str:
    return "{" + ", ".join(f"{column}: {_text(row[column])}" for column in columns) + "}"


def _text(value: Any) -> str:
    return "null" if value is None else str(value)
