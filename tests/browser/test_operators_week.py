"""An operator's week in a browser: a target, a promotion, a subscription, its message, a saved view, a comparison."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import pytest

from dashboards.alerts.evaluate import Records
from dashboards.alerts.run import send_due
from dashboards.copy.build import publish
from pipelines.compute.run import run_home
from tests.browser.site import DAYS, PATIENCE, Site, chart_of, close, followed, opened, served, settled
from tests.processes import made_up_shop
from tests.servers import WebServer, web_server

pytestmark = [pytest.mark.browser, pytest.mark.real]

MORNING = dt.datetime(2026, 5, 21, 1, 0, tzinfo=dt.UTC)
"""09:00 in Shanghai on the day after the last day with data."""

WORDS = {
    "zh": {
        "add_target": "新增目标",
        "add_occasion": "新增日历事项",
        "subscribe": "定期发送这个页面",
        "targets": "2026年5月目标",
    },
    "en": {
        "add_target": "Add a target",
        "add_occasion": "Add to the calendar",
        "subscribe": "Send this page regularly",
        "targets": "Targets of May 2026",
    },
}


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, web: WebServer) -> Iterator[Site]:
    home = made_up_shop(tmp_path_factory.mktemp("week") / "home", days=10, devices=250)
    run_home(home)
    publish(home)
    home.alerts_file.write_text(f"people: {{ops: 'json://{web.address}/ops'}}\n", encoding="utf-8")
    for site in served(home):
        settings = home.settings_file.read_text(encoding="utf-8")
        home.settings_file.write_text(settings.replace('address: ""', f"address: {site.url}"), encoding="utf-8")
        yield site


def unfold(page: Any, title: str) -> None:
    """Unfold the form *title*, unless the page already shows it unfolded because its list is empty."""
    fold = page.locator("details.edit-fold", has=page.get_by_text(title))
    if not fold.evaluate("fold => fold.open"):
        fold.locator("> summary").click()


def sent_form(page: Any, what: str, **values: str) -> None:
    """Fill in the open form of *what* and send it; wait until the page has loaded again."""
    form = page.locator(f"details[open] form[action='/edit/{what}']").first
    for name, value in values.items():
        form.locator(f"input[name='{name}']").fill(value)
    with page.expect_navigation(timeout=PATIENCE):
        form.locator("button.primary").click()
    settled(page)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_operators_week(browser, shop, web, language):
    words = WORDS[language]
    page, seen = opened(browser, shop, f"/plan?lang={language}")

    unfold(page, words["add_target"])
    sent_form(page, "targets", value="250000", month="2026-05", slice="" if language == "zh" else "platform=ios")
    assert page.locator("#table-targets tbody tr").count() == (1 if language == "zh" else 2)

    unfold(page, words["add_occasion"])
    sale = f"Sale {language}"
    day = "2026-05-13" if language == "zh" else "2026-05-18"
    sent_form(page, "calendar", first_day=day, name_zh=sale, name_en=sale)
    page.goto(f"{shop.url}/?{DAYS}&lang={language}")
    settled(page)
    assert page.get_by_text(words["targets"]).count() == 1
    assert sale in chart_of(page, "days").inner_text()

    page.goto(f"{shop.url}/entrances?{DAYS}&lang={language}")
    settled(page)
    page.locator(".views-menu > summary").first.click()
    sent_form(page, "views", name=f"Entrances {language}", note="Monday")
    page.locator(".views-menu > summary").first.click()
    followed(page, lambda: page.get_by_text(f"Entrances {language}", exact=True).click(), "/entrances?")

    page.locator(".views-menu > summary").first.click()
    followed(page, lambda: page.get_by_text(words["subscribe"]).click(), "what=/entrances")
    sent_form(page, "subscriptions", name=f"weekly {language}")
    sent = send_due(shop.home, Records(), now=lambda: MORNING)
    message = next(body for path, body in reversed(web.received) if path.startswith("/ops"))
    assert [one.state for one in sent.changed] == ["delivered"]
    assert ("Entrances" in message["title"]) == (language == "en")
    (link,) = re.findall(r"http://\S+", message["message"])
    page.goto(link)
    settled(page)
    assert page.locator("#table-entrances tbody tr").count() > 3

    page.goto(f"{shop.url}/entrances?{DAYS}&lang={language}&entrance=home_banner&slot=home%7Cbanner%7C1")
    settled(page)
    compared = page.locator("#table-two_contents tbody tr")
    assert compared.count() > 3
    with page.expect_download(timeout=PATIENCE) as downloading:
        page.locator("#table-two_contents a", has_text="XLSX").click()
    assert downloading.value.suggested_filename.endswith(".xlsx")
    assert not seen.wrong
    close(page)
