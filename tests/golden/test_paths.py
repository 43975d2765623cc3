"""The worked examples of paths.json through the whole pipeline, from a landed file to the tables."""

from __future__ import annotations

import pytest

from tests.golden.path_cases import CASES, LOG, SHOP, Case, observed
from tests.support import Row, home_of, land_log, run_selected, tables


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    home = home_of(tmp_path_factory.mktemp("paths") / "home", SHOP)
    land_log(home, LOG)
    run_selected(home, *(f"+attribution.{name}" for name in ("attributed_events", "path_steps", "module_daily")))
    return tables(home)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_worked_example_has_the_stated_path(case: Case, computed: dict[str, list[Row]]) -> None:
    assert observed(case, computed) == case.expect
