"""For every given/expect case below this folder the project computes the expected rows.

Every model, every check and every SELECT of a source has cases.
"""

from __future__ import annotations

from collections import Counter

import pytest

from pipelines.home.settings import Settings
from pipelines.sqlproject.project import load_project
from tests.case_tables import sources
from tests.cases import Case, read_cases
from tests.model_cases import assert_holds
from tests.sql_models import checks_of

CASES = read_cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.subject}: {case.name}")
def test_the_project_computes_what_the_case_expects(case: Case) -> None:
    assert_holds(case)


def test_every_model_check_and_mapping_has_two_cases() -> None:
    project = load_project(None, Settings())
    mappings = [
        f"sources.{source.name}.{target}"
        for source in sources().values()
        for target, mapping in source.mappings.items()
        if mapping.plain is None  # a SELECT that only renames columns needs no case
    ]
    names = [*project.models, *checks_of(project), *mappings]
    cases = Counter(case.subject for case in CASES)
    few = [name for name in names if cases[name] < 2]
    assert not few, f"add cases to tests/models/ of {', '.join(few)}"
