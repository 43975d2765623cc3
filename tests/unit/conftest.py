"""A small made-up shop, for the tests of the web app's pages."""

from __future__ import annotations

import pytest

from dashboards.app.marts import Copy
from dashboards.workbench.snapshot import publish
from tests.processes import made_up_shop
from tests.support import land, run

EVIL = '=HYPERLINK("http://x")<script>alert(1)</script>'
"""The name of the product EVIL."""


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The tables of four days, 2026-05-17 to 20; snapshots of the customers are kept of the last only."""
    home = made_up_shop(tmp_path_factory.mktemp("shop") / "home", days=4, devices=150)
    land(home, "products", [{"sku": "EVIL", "name": EVIL, "category": EVIL, "launched_on": "2026-05-01"}], "evil")
    run(home)
    return Copy(home, publish(home))
