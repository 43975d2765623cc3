"""In a browser: choosing the steps of the funnel, changing how retention is counted, opening a path from a timeline."""

from __future__ import annotations

import pytest

from tests.browser.site import DAYS, PHONE, WIDE, close, followed, full, opened

pytestmark = [pytest.mark.browser, pytest.mark.real]

WITHIN = "BETWEEN '2026-05-11' AND '2026-05-20'"


@pytest.mark.parametrize(
    ("language", "width", "step", "order", "within", "day"),
    [
        ("en", WIDE, "Step 2", "Paid order", "Within", "Same day"),
        ("zh", PHONE, "第 2 步", "支付订单", "完成时限", "当天"),
    ],
)
def test_steps_and_window_of_the_funnel_are_chosen(browser, site, language, width, step, order, within, day):
    page, seen = opened(browser, site, f"/funnel?{DAYS}&lang={language}&s3=none&s4=none&compare=none", width)
    page.get_by_role("textbox", name=step).click()
    followed(page, lambda: page.get_by_role("option", name=order).click(), "s2=order")
    page.get_by_role("textbox", name=within).click()
    followed(page, lambda: page.get_by_role("option", name=day, exact=True).click(), "within=day")
    exposed, ordered = site.ask(
        f"""SELECT count(DISTINCT ends.person_id), count(DISTINCT lines.user_id)
        FROM attribution.attributed_events AS ends
        LEFT JOIN core.order_lines AS lines ON lines.user_id = ends.person_id AND lines.dt = ends.dt
            AND lines.paid_at >= ends.occurred_at
        WHERE ends.end_type = 'exposure' AND ends.dt {WITHIN}"""
    )[0]
    assert 0 < ordered < exposed
    cards = page.locator("[data-metric='funnel_persons']").evaluate_all("all => all.map(one => one.dataset.full)")
    assert cards == [f"{exposed:,}", f"{ordered:,}"]
    assert full(page, "funnel_rate") == f"{100 * ordered / exposed:.2f}%"
    rows = page.locator("#table-parts tbody tr").all()
    assert len(rows) > 1
    session = {"en": "Same session", "zh": "同一会话"}[language]
    page.get_by_role("textbox", name=within).click()
    followed(page, lambda: page.get_by_role("option", name=session, exact=True).click(), "within=session")
    cards = page.locator("[data-metric='funnel_persons']").evaluate_all("all => all.map(one => one.dataset.full)")
    assert cards[0] == f"{exposed:,}"
    assert 0 < int(cards[1].replace(",", "")) < exposed
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize(
    ("language", "width", "label", "week", "heading"),
    [
        ("en", PHONE, "By", "Week", "Retention by week of first visit"),
        ("zh", WIDE, "周期", "周", "按首次来访周的留存"),
    ],
)
def test_retention_is_counted_by_day_or_week(browser, site, language, width, label, week, heading):
    page, seen = opened(browser, site, f"/retention?{DAYS}&lang={language}", width)
    new = site.ask(f"SELECT count(DISTINCT person_id) FROM core.visitors WHERE dt {WITHIN}")[0][0]
    assert full(page, "new_visitors") == f"{new:,}"
    back, due = site.ask(
        f"""WITH new AS (SELECT person_id, min(dt) AS dt FROM core.visitors GROUP BY person_id)
        SELECT count(came.person_id), count(*) FROM new
        LEFT JOIN core.visitors AS came ON came.person_id = new.person_id AND came.dt = new.dt + 1
        WHERE new.dt {WITHIN} AND new.dt < '2026-05-20'"""
    )[0]
    assert full(page, "visitor_retention_rate") == f"{100 * back / due:.2f}%"
    page.get_by_role("textbox", name=label, exact=True).click()
    followed(page, lambda: page.get_by_role("option", name=week, exact=True).click(), "unit=week")
    assert page.get_by_role("heading", name=heading).count() == 1
    assert not seen.wrong
    close(page)


@pytest.mark.parametrize(("language", "width", "show"), [("en", WIDE, "show path"), ("zh", PHONE, "查看路径")])
def test_a_timeline_leads_to_the_path_of_an_order(browser, site, language, width, show):
    user, order = site.ask(
        f"""SELECT person_id, max(order_id) FROM attribution.attributed_sales
        WHERE matched_by = 'cart' AND dt {WITHIN} GROUP BY person_id ORDER BY count(*), person_id LIMIT 1"""
    )[0]
    page, seen = opened(browser, site, f"/customers?{DAYS}&lang={language}&user={user}", width)
    assert page.locator("#table-timeline").count() == 1
    link = page.locator(f"#table-timeline a[href*='find={order}']").first
    assert link.inner_text() == show
    followed(page, link.click, f"find={order}")
    assert page.get_by_text(order).count() > 0
    assert not seen.wrong
    close(page)
