"""In a browser: an A/B test of a made-up shop has the numbers of the lake, and can be read in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines.compute.run import run_home
from pipelines.simulator import SimulationParameters
from tests.browser.site import DAYS, PHONE, WIDE, Site, close, followed, opened, served
from tests.processes import made_up_shop

pytestmark = [pytest.mark.browser, pytest.mark.real]


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Ten days of the made-up shop, on all of which its A/B test runs."""
    folder = tmp_path_factory.mktemp("experiments") / "home"
    home = made_up_shop(folder, days=10, devices=300, parameters=SimulationParameters(experiment_days=10))
    run_home(home)
    yield from served(home)


@pytest.mark.parametrize(
    ("language", "width", "theme", "planned"),
    [("en", WIDE, "light", "as planned"), ("zh", PHONE, "dark", "与计划相符")],
)
def test_a_test_has_the_numbers_of_the_lake(browser, tested, language, width, theme, planned):
    axe_module = pytest.importorskip("axe_playwright_python.sync_playwright", reason="uv sync --group browser")
    page, seen = opened(browser, tested, f"/experiments?{DAYS}&lang={language}&theme={theme}", width)
    assert planned in page.locator("#table-experiments").inner_text()
    followed(page, page.get_by_role("link", name="icon-1").click, "test=icon-1")
    counted = tested.ask(
        """WITH people AS (
            SELECT person_id, min(variant) AS variant, min(first_at) AS first_at, sum(impressions) AS impressions,
                sum(clicks) AS clicks
            FROM attribution.visitor_variants GROUP BY person_id HAVING count(DISTINCT variant) = 1
        ), buyers AS (
            SELECT people.person_id, sum(lines.revenue) AS revenue
            FROM people JOIN core.order_lines AS lines
                ON lines.user_id = people.person_id AND lines.ordered_at >= people.first_at
            GROUP BY people.person_id
        )
        SELECT variant, count(*), sum(impressions), sum(clicks), count(revenue), sum(revenue)
        FROM people LEFT JOIN buyers USING (person_id) GROUP BY variant ORDER BY variant"""
    )
    assert len(counted) == 2
    # A column has the same number of decimals in all rows.
    decimals = 1 if max(row[3] / row[2] for row in counted) >= 0.0995 else 2
    for row, (_, visitors, impressions, clicks, buyers, revenue) in zip(
        page.locator("#table-variants tbody tr").all(), counted, strict=True
    ):
        cells = row.locator("td").all_inner_texts()  # the variant is not among them: it is the row's heading (th)
        assert (cells[0], cells[3], cells[4], cells[6]) == tuple(
            f"{n:,}" for n in (visitors, impressions, clicks, buyers)
        )
        assert cells[5] == f"{100 * clicks / impressions:.{decimals}f}%"
        full = row.locator("td").nth(9).get_attribute("title") or row.locator("td").nth(9).inner_html()
        assert f"{float(revenue) / visitors:,.2f}" in full
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = axe_module.Axe().run(page).response["violations"]
    assert not [one["id"] for one in found if one["impact"] in ("serious", "critical")]
    assert not seen.wrong
    close(page)
