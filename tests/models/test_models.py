"""Every case below this folder holds, and every model and check has cases."""

from __future__ import annotations

from collections import Counter

import pytest

from pipelines.home.settings import Settings
from pipelines.sqlproject.project import load_project
from tests.model_cases import Case, assert_holds, read_cases
from tests.sql_models import checks_of

CASES = read_cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.subject}: {case.name}")
def test_the_project_computes_what_the_case_expects(case: Case) -> None:
    assert_holds(case)


def test_every_model_and_every_check_has_two_cases() -> None:
    project = load_project(None, Settings())
    names = [*project.models, *checks_of(project)]
    cases = Counter(case.subject for case in CASES)
    few = [name for name in names if cases[name] < 2]
    assert not few, f"add cases to tests/models/<schema>/<table>.yaml of {', '.join(few)}"
