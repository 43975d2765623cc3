"""A small made-up shop, for the tests of the web app's pages."""

from __future__ import annotations

import pytest

from dashboards.app.marts import Copy, Marts
from tests.shared_homes import shop_with_dashboards


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The dashboards' copy of the lake of a made-up shop, for the four days 2026-05-17 to 20.

    The customers' snapshots (tables as of a day) exist for the last day only.
    """
    return Marts(shop_with_dashboards(tmp_path_factory)).copy()
