"""Homes for the integration tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines.home.folder import Home
from tests.integration.small_shop import new_home
from tests.shared_homes import small_shop


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home in which nothing has landed."""
    return new_home(tmp_path / "home")


@pytest.fixture(scope="session")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose days are all computed; for tests that do not change it."""
    return small_shop(tmp_path_factory)


@pytest.fixture
def computed_copy(computed: Home, tmp_path: Path) -> Home:
    """A copy of ``computed``, a home whose days are all computed, for a test that changes it."""
    return Home(shutil.copytree(computed.root, tmp_path / "home"))
