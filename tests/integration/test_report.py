"""The daily report: its texts, how it explains missing data, and which commands and assets write it."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import stat
from html.parser import HTMLParser
from pathlib import Path

import dagster as dg
import pytest

from assets.instance import open_instance
from dashboards.report.file import last_day, write_report
from dashboards.report.queries import newest_day, open_day
from dashboards.report.write import report_html
from pipelines.compute.workspace import open_workspace
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from tests.commands import headwater
from tests.integration.small_shop import DAYS, land_days, undescribed, visit
from tests.shared_homes import small_shop_reports
from tests.support import land, make_home, run

DAY = DAYS[3]
YOUNG = [dt.date(2026, 2, 24) + dt.timedelta(days=n) for n in range(7)]
EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>'


class Words(HTMLParser):
    """Parses a page into its text (without scripts and styles) and its elements with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._skipped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._skipped += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._skipped -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.text.append(data)


def read(path: Path) -> tuple[str, Words]:
    """The text of the report *path* as one line, and the parsed page."""
    page = Words()
    page.feed(path.read_text(encoding="utf-8"))
    return " ".join(" ".join(page.text).split()), page


def figures(path: Path) -> list[dict]:
    found = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', path.read_text(encoding="utf-8"))
    return [json.loads(text, parse_constant=_refuse) for text in found]


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} in a figure")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return small_shop_reports(tmp_path_factory)


def shopping(day: dt.date, number: int) -> tuple[list[dict], list[dict]]:
    """Orders and order lines of *day*, of two products with costs and 24 customers; *number* decides who buys."""
    orders, lines = [], []
    for customer in range(24):
        if day != YOUNG[customer % 5] and (7 * customer + 3 * number * number) % (3 + customer % 6):
            continue
        key, time = f"{day}-{customer}", f"{day}T05:00:00Z"
        orders.append(
            {"order_id": key, "user_id": f"u{customer}", "status": "paid", "ordered_at": time, "paid_at": time}
        )
        price = 5 + (customer * 13) % 40 + number
        line = {"order_id": key, "line_no": 1, "sku": f"s{customer % 2}", "quantity": 1, "unit_price": price}
        lines.append(line | {"unit_cost": 3 + customer % 2})
    return orders, lines


@pytest.fixture(scope="module")
def young(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The computed home of a shop that is a few days old; one of the days ends a month."""
    home = make_home(
        tmp_path_factory.mktemp("young") / "home",
        settings={"start_date": YOUNG[0], "threads": 1, "snapshots": {"daily_for_days": 1}},
    )
    sold = [shopping(day, number) for number, day in enumerate(YOUNG)]
    events = [event for day in YOUNG for sku in ("s0", "s1") for event in visit(day, f"d-{sku}", sku)]
    shown = {"event_type": "exposure", "page_id": 1, "page_type": "home", "module": "feed", "slot": 1}
    events += [event | shown | {"event_id": f"{event['event_id']}-shown"} for event in events if event["sku"]]
    land(home, "events", events, "events")
    land(home, "orders", [row for orders, _ in sold for row in orders], "orders")
    land(home, "order_lines", [row for _, lines in sold for row in lines], "lines")
    run(home)
    return home


@pytest.fixture(scope="module")
def young_pages(young: Home, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Language → the report of the young shop's last day."""
    folder = tmp_path_factory.mktemp("young_pages")
    return {
        language: write_report(young, language, day=YOUNG[-1], out=folder / f"{language}.html")
        for language in ("zh", "en")
    }


@pytest.fixture(scope="module")
def old(computed: Home, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of the report of a day whose snapshots (tables as of that day) are not kept."""
    return read(write_report(computed, "en", day=DAYS[1], out=tmp_path_factory.mktemp("old") / "old.html"))[0]


# Texts and figures --------------------------------------------------------------------------------------


def test_the_day_stands_beside_the_day_before(pages: dict[str, Path]) -> None:
    text, _ = read(pages["en"])
    assert "Daily report · Wednesday, 4 Mar 2026" in text
    # The comparison with last week is missing, because the shop is four days old.
    assert "Sales ¥10 0% vs day before (¥10) – vs same weekday last week Sum over" in text
    assert "✔ The entrances' sales sum to ¥10.00, equal to the sales of the day's paid orders." in text


def test_the_sales_are_parted_by_what_they_were_matched_by(pages: dict[str, Path]) -> None:
    text, _ = read(pages["en"])
    assert "Sales by match type Matched by Order lines Sales" in text
    assert "add-to-cart 1 ¥10 100.0% ¥10 – The buyer put the product into the cart" in text
    assert "各匹配方式的销售额" in read(pages["zh"])[0]


def test_it_is_there_in_chinese(pages: dict[str, Path]) -> None:
    text, page = read(pages["zh"])
    assert "经营日报 · 2026年3月4日 星期三" in text
    assert "✔ 各入口销售额之和 ¥10.00 等于当天付款订单的销售额。" in text
    assert ("html", {"lang": "zh-CN"}) in page.tags
    assert not re.search(r"[A-Za-z]+ (of|the|and) ", text)


def test_each_chart_has_a_definition_and_its_table(pages: dict[str, Path]) -> None:
    html = pages["en"].read_text(encoding="utf-8")
    cards = re.findall(r"<figure.*?</figure>", html, re.DOTALL)
    assert len(cards) == len(figures(pages["en"])) >= 8
    for card in cards:
        assert 'class="definition"' in card
        assert "<summary>View as table</summary>" in card
        assert "<tbody><tr>" in card


def test_it_is_one_file_that_names_no_other(pages: dict[str, Path]) -> None:
    for path in pages.values():
        _, page = read(path)
        named = [value for _, attributes in page.tags for key, value in attributes.items() if key in ("src", "href")]
        assert {value for value in named if value and not value.startswith("#")} == {"data:,"}
        assert path.read_text(encoding="utf-8").count("plotly.js v") == 1
        assert path.stat().st_size < 6_000_000


def test_nothing_in_it_is_not_a_number(pages: dict[str, Path]) -> None:
    for path in pages.values():
        figures(path)
        text, _ = read(path)
        assert not re.search(r"\b(nan|NaN|inf|None|null)\b", text)


def test_the_same_day_gives_the_same_page(computed: Home, pages: dict[str, Path], tmp_path: Path) -> None:
    again = write_report(computed, "en", day=DAY, out=tmp_path / "again.html").read_text(encoding="utf-8")
    time = r"Generated by Headwater at [-0-9: ]+"
    assert re.sub(time, "", again) == re.sub(time, "", pages["en"].read_text(encoding="utf-8"))


# Missing data -------------------------------------------------------------------------------------------


def test_what_has_no_earlier_snapshot_is_said(pages: dict[str, Path]) -> None:
    text, _ = read(pages["en"])
    assert "No snapshot from 2026-02-04 to compare with" in text
    assert "No month is over yet" in text


def test_a_day_whose_snapshot_is_not_kept_has_sales_and_says_so(old: str) -> None:
    assert "Sales ¥10 0% vs day before (¥10)" in old
    assert "No customer snapshot for 2026-03-02: only the last 1 days and month ends are kept" in old


def test_a_day_without_orders_says_what_to_run(home: Home, tmp_path: Path) -> None:
    land(home, "events", [event for day in DAYS[:2] for event in visit(day)], "events")
    run(home)
    text, _ = read(write_report(home, "en", day=DAYS[1], out=tmp_path / "r.html"))
    assert (
        "No paid orders on 2026-03-02. If their files came late, put them into landing/ and run: headwater run --from"
        in text
    )
    assert "Sales ¥0 – vs day before (¥0)" in text
    assert "No customer with a paid order in the window" in text
    figures(tmp_path / "r.html")


def test_one_order_and_no_event_is_a_report(home: Home, tmp_path: Path) -> None:
    order = {"order_id": "o", "status": "paid", "ordered_at": "2026-03-02 12:00:00", "paid_at": "2026-03-02 12:01:00"}
    land(home, "orders", [order], "orders")
    land(home, "order_lines", [{"order_id": "o", "line_no": 1, "sku": "A", "quantity": 1, "unit_price": 5}], "lines")
    run(home)
    for language in ("zh", "en"):
        path = write_report(home, language, day=dt.date(2026, 3, 2), out=tmp_path / f"{language}.html")
        assert figures(path)
    text, _ = read(tmp_path / "en.html")
    assert "Buyers 0" in text
    assert "These days have orders but no events" in text
    assert "Unattributed (no match)" not in text


def test_names_from_data_are_escaped(tmp_path: Path) -> None:
    entrance = {"entrance_id": "banner", "name_zh": EVIL, "name_en": EVIL, "page_type": "home", "module": "banner"}
    settings = {"start_date": DAYS[0], "threads": 1, "snapshots": {"daily_for_days": 1}}
    home = make_home(tmp_path / "shop", settings=settings, entrances=[entrance])
    land_days(home, DAYS[:2])
    land(home, "events", [event | {"content_id": EVIL} for event in visit(DAYS[1], "d9")], "evil")
    run(home)
    path = write_report(home, "en", day=DAYS[1])
    assert path == home.reports / f"{DAYS[1]}-en.html"
    text, page = read(path)
    assert EVIL in text
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert EVIL not in json.dumps(figures(path))


def test_the_matrices_are_there_with_their_products(pages: dict[str, Path]) -> None:
    text, _ = read(pages["en"])
    assert f"Window: {DAY - dt.timedelta(days=27)} to {DAY}, 28 days." in text
    for name in ("Exposure × margin", "Margin × repurchase", "BCG growth × share"):
        assert name in text
    assert (
        "No product has both metrics. Missing: Product exposures, Margin rate. Product exposures come from the "
        "event log, which has none. Margin rate needs the cost" in text
    )  # the shop's log has no exposures, and the products that it sold have no cost
    assert "Portfolio health" in text


@pytest.mark.real
def test_a_matrix_that_needs_the_window_before_shows_a_shorter(young_pages: dict[str, Path]) -> None:
    text, _ = read(young_pages["en"])
    assert (
        f"BCG growth × share Window: {YOUNG[-1]} to {YOUNG[-1]}, 1 day. "
        "Not the longest window: over 28, 7 days no product has both metrics; missing: Growth rate." in text
    )
    # The first note is about the matrix with a window of 1 day, the second about those with 28 days.
    assert "Grey arrows: where named products were 1 day ago" in text
    assert "No arrows: no places from 2026-02-02 to compare with." in text
    health = text[text.index("Portfolio health") :]
    assert re.search(r"Exposure × margin 28 days .* BCG growth × share 1 day ", health)


def test_customers_expectations_are_of_the_newest_months_end(young_pages: dict[str, Path]) -> None:
    text, _ = read(young_pages["en"])
    assert "A model's expectation, not a promise: net sales in the 90 days after 2026-02-28 (a month end)" in text
    assert "Expected values are summed by the segments of 2026-03-02." in text
    fitted = r"BG/NBD, the model of purchases \(fitted to 24 customers, in days\)"
    assert re.search(fitted + r": r = [\d.,]+, α = [\d.,]+, a = [\d.,]+, b = ", text)
    bars = [figure["data"][0] for figure in figures(young_pages["en"]) if figure["data"][0]["type"] == "bar"]
    (expected,) = [trace for trace in bars if " each" in str(trace["text"])]
    assert all(value > 0 for value in expected["x"])
    figures(young_pages["zh"])
    assert "模型预测值，不是承诺" in read(young_pages["zh"])[0]


def test_expectations_are_in_tenths_where_segments_are_not_kept(young: Home, tmp_path: Path) -> None:
    path = write_report(young, "en", day=YOUNG[5], out=tmp_path / "r.html")
    text, _ = read(path)
    assert "The segments of 2026-03-01 are not kept, so customers are grouped in deciles" in text
    bars = [figure["data"][0] for figure in figures(path) if figure["data"][0]["type"] == "bar"]
    (expected,) = [trace for trace in bars if " each" in str(trace["text"])]
    assert len(expected["x"]) == 10
    assert expected["x"] == sorted(expected["x"], reverse=True)


@pytest.mark.real
def test_a_month_that_no_model_fits_says_why(tmp_path: Path) -> None:
    settings = {"start_date": YOUNG[4], "threads": 1, "snapshots": {"daily_for_days": 1}}
    home = make_home(tmp_path / "shop", settings=settings)
    land_days(home, YOUNG[4:6])
    run(home)
    for language, said in (
        (
            "en",
            "No model could be fitted as of 2026-02-28, so there are no expected values: "
            "no customer has a repeat order.",
        ),
        ("zh", "截至 2026-02-28 无法拟合模型，因此没有预测值：没有客户再次购买。"),
    ):
        assert said in read(write_report(home, language, day=YOUNG[5], out=tmp_path / f"{language}.html"))[0]


def test_what_sells_most_is_told_from_the_rest(pages: dict[str, Path]) -> None:
    text, _ = read(pages["en"])
    assert "Hot, normal and slow sellers (50/40/10 of sales)" in text
    window = f"Window: {DAY - dt.timedelta(days=27)} to {DAY}, 28 days."
    assert f"Products by ABC × XYZ (sales share × demand variability) {window}" in text
    shares = [figure["data"] for figure in figures(pages["en"]) if figure["data"][0].get("text") == ["100% · ¥40"]]
    assert len(shares) == 1


def test_products_without_cost_are_listed(pages: dict[str, Path], young_pages: dict[str, Path]) -> None:
    text, _ = read(pages["en"])
    assert (
        "1 of the 1 products sold have order lines without a known cost, so they have no margin and no place in margin "
        "matrices. Their sales: ¥40 (100%)." in text
    )
    assert "s1 s1 ¥40.00 – 4 4" in text
    assert "Exposure × margin 28 days 1 1 Product exposures 1, Margin rate 1" in text
    costly, _ = read(young_pages["en"])
    assert "Every product sold in the 28 days up to this day has a known cost." in costly


def test_snapshots_of_products_that_are_not_kept_are_named(old: str) -> None:
    for what in ("Assortment", "Portfolio health", "Moves between quadrants in 28 days"):
        assert f"{what}: not kept for 2026-03-02. Only the last 1 days and month ends are kept" in old
    assert (
        f"Products without a known cost Window: {DAYS[1] - dt.timedelta(days=27)} to {DAYS[1]}, 28 days" in old
    )  # the products' table that this needs (unlike the snapshots above) is kept for every day


def test_nothing_expected_before_a_months_end(pages: dict[str, Path]) -> None:
    text, _ = read(pages["en"])
    assert "No month end up to 2026-03-04 has been computed" in text
    assert "The next is 2026-03-31" in text


def test_segments_are_tiles(pages: dict[str, Path]) -> None:
    tiles = [figure["data"][0] for figure in figures(pages["en"]) if figure["data"][0]["type"] == "treemap"]
    assert [tile["values"] for tile in tiles] == [[1]]
    assert "¥40 each" in tiles[0]["text"][0]


def test_a_home_whose_matrices_are_taken_out_says_so(home: Home, tmp_path: Path) -> None:
    matrices = home.config / "matrices.yaml"
    matrices.write_text(matrices.read_text(encoding="utf-8").split("\nproducts:")[0], encoding="utf-8")
    land_days(home, DAYS[:1])
    run(home)
    text, _ = read(write_report(home, "en", day=DAYS[0], out=tmp_path / "r.html"))
    assert "config/matrices.yaml defines no product matrix" in text


# Errors, and the commands and assets that write reports -------------------------------------------------


def test_the_command_writes_into_the_home(computed_copy: Home) -> None:
    done = headwater("report", "--home", computed_copy.root, "--dt", DAY, "--lang", "zh")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"wrote {computed_copy.reports}/{DAY}-zh.html\n"
    assert (computed_copy.reports / f"{DAY}-zh.html").stat().st_size > 1_000_000


def test_wrong_days_and_files_are_one_line(computed: Home, home: Home, tmp_path: Path) -> None:
    with pytest.raises(HeadwaterError, match=r"2020-01-01 is not among the computed days, 2026-03-01 to 2026-03-04"):
        write_report(computed, "en", day=dt.date(2020, 1, 1))
    with pytest.raises(HeadwaterError, match=r"no day is computed yet; land files and run 'headwater run --home"):
        write_report(home, "en")
    with pytest.raises(HeadwaterError, match=r"no day is computed yet"):
        write_report(home, "en", day=DAY)
    with pytest.raises(HeadwaterError, match=r"is not a file that can be replaced; name one such as report\.html"):
        write_report(computed, "en", day=DAY, out=tmp_path)
    assert not list(tmp_path.parent.glob(f".{tmp_path.name}*"))
    missing = headwater("report", "--home", tmp_path / "nowhere")
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)
    assert "run 'headwater init" in missing.stderr
    assert headwater("report", "--home", computed.root, "--lang", "fr").returncode == 2
    assert headwater("report", "--home", computed.root, "--dt", "yesterday").returncode == 2


def test_a_day_between_that_is_not_computed_says_how_to(computed_copy: Home) -> None:
    folder = computed_copy.lake / "attribution" / "entrance_daily" / f"dt={DAYS[1]}"
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    with pytest.raises(HeadwaterError, match=rf"{DAYS[1]} is not computed; 'headwater run .* --from {DAYS[1]}"):
        write_report(computed_copy, "en", day=DAYS[1])


def test_the_default_is_the_newest_day_that_is_over(computed: Home) -> None:
    workspace = open_workspace(computed)
    assert last_day(computed) == DAYS[3]
    # At this UTC time it is already the fourth day in Shanghai, so the third day is over.
    assert newest_day(workspace, dt.datetime(2026, 3, 3, 17, tzinfo=dt.UTC)) == DAYS[2]
    # If all days are in the future, because of a wrong clock, the last one is shown.
    assert newest_day(workspace, dt.datetime(2026, 2, 1, tzinfo=dt.UTC)) == DAYS[3]


def test_the_asset_writes_the_newest_day_in_both_languages(computed_copy: Home) -> None:
    definitions = undescribed(computed_copy)
    with open_instance(computed_copy) as instance:
        done = definitions.resolve_job_def("report").execute_in_process(instance=instance)
        assert done.success
        event = instance.get_latest_materialization_event(dg.AssetKey(["report"]))
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["day"].value == DAY.isoformat()
    assert sorted(path.name for path in computed_copy.reports.iterdir()) == [f"{DAY}-en.html", f"{DAY}-zh.html"]


def test_a_backfill_writes_no_report(home: Home) -> None:
    definitions = undescribed(home)
    assert not definitions.resolve_asset_graph().get(dg.AssetKey(["report"])).is_partitioned
    tables = definitions.resolve_job_def("tables")
    assert dg.AssetKey(["report"]) not in tables.asset_layer.selected_asset_keys
    schedule = definitions.resolve_schedule_def("report")
    assert schedule.cron_schedule == "30 5 * * *"
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING


def test_an_empty_home_fails_the_asset_in_one_line(home: Home) -> None:
    with open_instance(home) as instance:
        job = undescribed(home).resolve_job_def("report")
        done = job.execute_in_process(instance=instance, raise_on_error=False)
        assert not done.success
        failure = next(event for event in done.all_events if event.is_step_failure)
    assert "no day is computed yet" in str(failure.event_specific_data)


def test_a_link_is_followed_and_no_place_for_a_file_is_one_line(computed: Home, tmp_path: Path) -> None:
    real, link = tmp_path / "real.html", tmp_path / "link.html"
    real.write_text("before", encoding="utf-8")
    link.symlink_to(real)
    write_report(computed, "en", day=DAY, out=link)
    assert link.is_symlink()
    assert "Daily report" in real.read_text(encoding="utf-8")
    os.mkfifo(tmp_path / "pipe")
    for out in (tmp_path / "pipe", Path(), real / "below.html", tmp_path / ("x" * 300)):
        with pytest.raises(HeadwaterError, match=r"is not a file that can be replaced|cannot be written: "):
            write_report(computed, "en", day=DAY, out=out)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert {path.name for path in tmp_path.iterdir()} == {"real.html", "link.html", "pipe"}


def test_a_day_that_is_not_over_says_so(computed: Home) -> None:
    with open_day(computed, DAY) as reader:
        during = report_html(reader, "en", dt.datetime.combine(DAY, dt.time(2), dt.UTC))
        # This UTC time is past midnight in the shop's time zone.
        after = report_html(reader, "en", dt.datetime.combine(DAY, dt.time(20), dt.UTC))
    assert f"This day is not over: it contains the data processed by {DAY} 10:00" in during
    assert "This day is not over" not in after
