"""The worked examples of touch_models.json through the whole pipeline, from landed files to the tables."""

from __future__ import annotations

from pathlib import Path

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
from tests.support import Row, home_of, land_log, run_selected, tables


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    home = home_of(tmp_path_factory.mktemp("touches") / "home", shop())
    land_log(home, CREDIT_LOG)
    run_selected(home, "+attribution.touch_credits")
    return tables(home)


@pytest.fixture(scope="module")
def transforms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a home with the landed log of the cases of path transforms; each test writes its own settings."""
    folder = tmp_path_factory.mktemp("transforms") / "home"
    land_log(home_of(folder, shop()), TRANSFORM_LOG)
    return folder


@pytest.mark.parametrize("case", CREDITS, ids=[case.name for case in CREDITS])
def test_each_model_gives_the_touches_their_stated_credit(case: CreditCase, computed: dict[str, list[Row]]) -> None:
    credit = credit_of(case, computed, "credit")
    assert credit == {model: pytest.approx([float(s) for s in shares]) for model, shares in case.credit.items()}
    assert credit_of(case, computed, "revenue_credit") == case.revenue_credit


@pytest.mark.parametrize("case", TRANSFORMS, ids=[str(case.transform) for case in TRANSFORMS])
def test_a_transform_leaves_the_stated_paths(case: TransformCase, transforms: Path) -> None:
    home = home_of(transforms, shop(case.transform))
    run_selected(home, "+attribution.touch_paths")
    assert paths_of(case, tables(home)) == case.paths
