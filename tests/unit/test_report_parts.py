"""Parts of the report that need no home: windows of matrices, blocks, and why there is no lifetime-value model."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest

from dashboards.blocks import Block, Card, Cards, Change, Chart, Column, Controls, Empty, Group, Table, Text
from dashboards.locale import Locale
from dashboards.report.page import Section, page_html
from dashboards.sections.customers import nearest_age
from dashboards.sections.lifetime_value import why_not_fitted
from dashboards.sections.windows import what_it_takes, window_note, window_of, window_text
from pipelines.clv.fitting import NotFitted
from pipelines.clv.purchases import fit_bg_nbd
from pipelines.clv.spend import fit_gamma_gamma
from pipelines.home.settings import Settings

DAY = dt.date(2026, 3, 31)
EN, ZH = Locale("en", "USD"), Locale("zh", "CNY")


def reasons(*rows: tuple[int, str | None, int]) -> pl.DataFrame:
    """A data frame with a row for each of *rows*: (window in days, missing metrics or None, number of products)."""
    return pl.DataFrame(
        [(days, missing, missing is None, count) for days, missing, count in rows],
        schema={"window_days": pl.Int64, "unknown_metrics": pl.String, "is_placed": pl.Boolean, "products": pl.Int64},
        orient="row",
    )


def as_of(start: dt.date | None = None) -> Any:
    """What the notes on windows read: the day, and the first day of the shop's records."""
    return SimpleNamespace(day=DAY, settings=Settings(start_date=start))


def test_the_longest_window_with_both_values_is_shown() -> None:
    window = window_of(
        reasons(
            (1, None, 9),
            (7, None, 1),
            (7, "margin_rate", 8),
            (28, "growth_rate", 5),
            (28, "margin_rate, growth_rate", 4),
        )
    )
    assert (window.days, window.products, window.placed, window.missing) == (7, 9, 1, {"margin_rate": 8})
    assert window.empty == (28,)
    assert window_note(EN, window, as_of()) == (
        "Window: 2026-03-25 to 2026-03-31, 7 days. Not the longest window: over 28 days no product has both metrics; "
        "missing: Growth rate."  # the margin rate is not listed, because some products have it
    )
    assert "近 28 天没有商品同时具有两个指标，缺少：增长率。" in window_note(ZH, window, as_of())


def test_the_longest_window_needs_no_reason() -> None:
    window = window_of(reasons((7, None, 9), (28, None, 1), (28, "cost", 8)))
    assert window_note(EN, window, as_of(dt.date(2026, 3, 4))) == "Window: 2026-03-04 to 2026-03-31, 28 days."


def test_a_window_that_reaches_beyond_the_first_record_says_so() -> None:
    window = window_of(reasons((28, None, 1)))
    assert window_note(EN, window, as_of(dt.date(2026, 3, 5))) == (
        "Window: 2026-03-04 to 2026-03-31, 28 days. "
        "The shop's data starts on 2026-03-05, so the window is not complete."
    )
    for key in ("products.window", "customers.window"):
        assert window_text(EN, as_of(dt.date(2026, 3, 5)), 28, key).endswith("so the window is not complete.")
    assert "店铺数据从 2026-03-05 开始" in window_note(ZH, window, as_of(dt.date(2026, 3, 5)))


def test_without_values_the_longest_window_says_what_is_missing() -> None:
    window = window_of(reasons((7, "growth_rate", 3), (28, "margin_rate", 2), (28, "growth_rate", 1)))
    assert (window.days, window.placed, window.empty) == (28, 0, ())
    assert window.wanting == ("growth_rate", "margin_rate")


def test_what_a_missing_metric_takes_is_said() -> None:
    said = what_it_takes(EN, ("repurchase_rate", "revenue", "growth_rate"), 90)
    assert said.startswith("Repurchase rate counts only buyers whose 90-day repurchase period is over")
    assert said.endswith("Growth rate needs sales in the previous window.")
    assert what_it_takes(ZH, ("revenue",), 90) == ""


@pytest.mark.parametrize(("ages", "found"), [([27, 52], 27), ([28, 27], 28), ([1, 14], 28), ([], 28), ([27, 29], 27)])
def test_the_snapshot_nearest_the_wanted_age_is_compared_with(ages: list[int], found: int) -> None:
    assert nearest_age(ages, 28) == found


def page_of(*blocks: Block) -> str:
    """The HTML of *blocks* in a page of the report."""
    texts = dict.fromkeys(("title", "heading", "about", "warning", "footer"), "")
    html = page_html(EN, [Section("key", "Title", "Intro", blocks)], **texts)
    return html.split('<p class="intro">Intro</p>')[1].split("</section>")[0]


def test_texts_are_escaped_and_unseen_letters_are_left_out() -> None:
    assert page_of(Text("a\x00b\u202ec\u2066d\x7fe\nf", "intro")) == '<p class="intro">a b c d e\nf</p>'
    assert page_of(Text("<b>", "missing", "a & b")) == '<p class="missing">&lt;b&gt; <code>a &amp; b</code></p>'
    columns = [Column("<th>", lambda row: row["name"], lambda row: f"full {row['name']}", is_text=True)]
    cell = '<th scope="row" class="text whole" title="full &#34;&lt;">&#34;&lt;</th>'
    assert f"<tbody><tr>{cell}</tr></tbody>" in page_of(Table("key", "", columns, [{"name": '"<'}]))


def test_every_kind_of_block_is_shown_without_the_apps_parts() -> None:
    health = Cards((Card("law", "3", verdict="bad", note="why"), Card("other", "–")), "health")
    figure = go.Figure(layout={"height": 200, "meta": {"notes": ["<left out>"]}})
    chart = Chart(figure, Table("key", "Chart", [Column("n", lambda row: "1")], [{}] * 101, is_open=True))
    card = Card("Sales", "¥1", "¥1.00", (Change("▲ +1%", "vs before", "¥0.99", "better"),), "Sum")
    page = page_of(
        Group((health, chart), "stack"), Cards((card,)), Empty("none", "why", is_missing=False), Controls(())
    )
    assert '<p class="verdict bad">■ 3</p><p class="evidence">why</p>' in page
    assert '<p class="verdict">– –</p>' in page
    assert '<div id="figure-0" class="plot" role="img" aria-label="Chart" style="height:200px">' in page
    assert '<p class="note">&lt;left out&gt;</p><details open><summary>' in page
    assert page.count("<tr>") == 101, "the head and the first hundred rows"
    assert '<p class="change" title="¥0.99"><span class="better">▲ +1%</span> vs before</p>' in page
    assert page.endswith('<div class="card"><h3>none</h3><p class="definition">why</p></div>')


NOBODY = np.array([], dtype=float)
UNFITTED = {
    "there are no customers": lambda: fit_bg_nbd(NOBODY, NOBODY, NOBODY),
    "no customer has a repeat order": lambda: fit_bg_nbd(np.zeros(3), np.zeros(3), np.array([1.0, 2.0, 3.0])),
    "no time has passed since the first orders": lambda: fit_bg_nbd(np.array([1.0]), np.zeros(1), np.zeros(1)),
    "few histories": lambda: fit_bg_nbd(np.array([1.0]), np.array([2.0]), np.array([3.0])),
    "no repeat order": lambda: fit_gamma_gamma(np.zeros(2), np.zeros(2)),
    "a refunded repeat order": lambda: fit_gamma_gamma(np.array([1.0]), np.array([-2.0])),
    "equal values": lambda: fit_gamma_gamma(np.array([1.0, 2.0]), np.array([12.5, 12.5])),
    "few customers": lambda: fit_gamma_gamma(np.array([1.0, 2.0]), np.array([12.5, 13.5])),
}


@pytest.mark.parametrize("case", UNFITTED)
def test_why_there_is_no_model_is_said_in_both_languages(case: str) -> None:
    fit = UNFITTED[case]()
    assert isinstance(fit, NotFitted)
    assert why_not_fitted(EN, fit.reason) == fit.reason
    said = why_not_fitted(ZH, fit.reason)
    assert not any(sign.isascii() and sign.isalpha() for sign in said)
    assert "{" not in said
    assert [part for part in ("12.5",) if part in fit.reason and part not in said] == []


def test_a_reason_that_nobody_translated_is_said_as_it_is() -> None:
    assert why_not_fitted(ZH, "the moon is full 3 times") == "the moon is full 3 times"
