"""In a browser: a page is saved as a file, and shared by a link that is opened elsewhere and revoked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from dashboards.access.users import User, Users
from dashboards.printing.chromium import SETTING, command
from dashboards.texts import Texts
from tests.browser.site import DAYS, PATIENCE, PHONE, WIDE, Site, close, opened, settled

pytestmark = [pytest.mark.browser, pytest.mark.real]

PASSWORD = "river and stone"


@pytest.fixture
def members_only(site: Site) -> Iterator[Site]:
    """The site with one registered user for the time of the test, so that everybody must sign in."""
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    Users(site.home).add(User("ana", "analyst", hashed))
    yield site
    Users(site.home).remove("ana")


def sign_in(page) -> None:
    page.fill("#name", "ana")
    page.fill("#password", PASSWORD)
    page.click("button")
    settled(page)


@pytest.mark.parametrize(("language", "width"), [("en", PHONE), ("zh", WIDE)])
def test_a_page_is_shared_and_taken_back(browser, members_only, language, width):
    site, text = members_only, Texts(language)
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{site.url}/entrances?{DAYS}&lang={language}")
    sign_in(page)
    page.locator("#export-menu > summary").click()
    page.get_by_role("textbox", name=text("link.note")).fill(f"agency {language}")
    page.get_by_role("button", name=text("link.make_now")).click()
    link = page.locator(".new-link input").input_value()
    assert link.startswith(f"{site.url}/shared#")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    reader, seen = opened(browser, site, link.removeprefix(site.url), width)
    assert reader.locator("h1").inner_text() in (text("page.entrances"), "Entrances", "流量入口")
    assert "#" not in reader.url
    assert reader.locator("nav, .exports, .choosers, form, #export-menu").count() == 0
    assert reader.locator("a[href]").evaluate_all("all => all.map(one => one.getAttribute('href')[0])").count("/") == 2
    total = site.ask("SELECT sum(revenue) FROM core.order_lines WHERE dt BETWEEN '2026-05-11' AND '2026-05-20'")[0][0]
    assert f"{total:,.2f}" in reader.locator("#main").inner_text()
    reader.locator(".tools a.tool").first.click()
    reader.wait_for_function(
        "lang => document.documentElement.lang !== lang", arg=reader.evaluate("navigator.language")
    )
    settled(reader)
    reader.reload()
    settled(reader)
    assert reader.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert not seen.wrong

    page.goto(f"{site.url}/views?lang={language}")
    settled(page)
    revoke = page.locator(".revoke").filter(has_text=text("page.entrances")).get_by_role("button")
    revoke.first.click()
    assert text("link.sure") in page.locator(".revoke .said").first.inner_text()
    revoke.first.click()
    page.wait_for_function("() => !document.querySelector('.revoke')")
    reader.reload()
    reader.wait_for_selector("#said")
    assert Texts("en")("link.revoked") in reader.locator("#said").inner_text()
    assert Texts("zh")("link.revoked") in reader.locator("#said").inner_text()
    assert f"{total:,.2f}" not in reader.content()
    close(reader)
    context.close()


@pytest.mark.skipif(not command(), reason=f"needs Chromium: apt install chromium, or {SETTING}=…")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_page_is_saved_as_files(browser, site, language):
    text = Texts(language)
    page, seen = opened(browser, site, f"/slots?{DAYS}&lang={language}")
    page.locator("#export-menu > summary").click()
    heads = {"pdf": b"%PDF-", "png": b"\x89PNG", "xlsx": b"PK"}
    for form, head in heads.items():
        with page.expect_download(timeout=PATIENCE) as saved:
            page.get_by_role("link", name=text(f"page_file.{form}"), exact=True).click()
        assert saved.value.suggested_filename == f"headwater-slots-2026-05-11-2026-05-20.{form}"
        assert Path(saved.value.path()).read_bytes().startswith(head)
        assert page.locator("#export-menu .said").first.inner_text() == text("page_file.done")
    assert not seen.wrong
    close(page)
