"""Tests of ``tests.reference_touch``: it gives the results of the worked examples."""

from __future__ import annotations

import pytest

from tests.golden.touch_cases import (
    CREDIT_LOG,
    CREDITS,
    TRANSFORM_LOG,
    TRANSFORMS,
    CreditCase,
    TransformCase,
    credit_of,
    paths_of,
    shop,
)
from tests.reference import restate


@pytest.mark.parametrize("case", CREDITS, ids=[case.name for case in CREDITS])
def test_each_model_gives_the_touches_their_stated_credit(case: CreditCase) -> None:
    restated = restate(CREDIT_LOG, shop())
    credit = credit_of(case, restated, "credit")
    assert credit == {model: pytest.approx([float(s) for s in shares]) for model, shares in case.credit.items()}
    assert credit_of(case, restated, "revenue_credit") == case.revenue_credit


@pytest.mark.parametrize("case", TRANSFORMS, ids=[str(case.transform) for case in TRANSFORMS])
def test_a_transform_leaves_the_stated_paths(case: TransformCase) -> None:
    assert paths_of(case, restate(TRANSFORM_LOG, shop(case.transform))) == case.paths
