"""The slot map on two small shops: its numbers equal those of the lake, and its links, pictures and files work."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from dashboards.access.rules import Rules
from dashboards.access.users import User, Users
from dashboards.app.marts import Copy, Marts
from dashboards.app.render import components
from dashboards.app.server import create_app
from dashboards.blocks import Cards, Part, tables, title
from dashboards.copy.build import publish
from dashboards.locale import Locale
from dashboards.numbers import Language
from dashboards.report.entrances import slots as report_slots
from dashboards.report.queries import open_day
from pipelines.compute.reading import reading_session
from pipelines.home.folder import Home
from tests.app_pages import choice, flat, look_at, table, texts, values, written
from tests.processes import copy_of
from tests.shared_homes import shop_with_dashboards
from tests.support import land, make_home, png, run

DAY = dt.date(2026, 3, 9)
BEFORE = DAY - dt.timedelta(days=7)
DAYS = f"from={DAY}&to={DAY}"
MADE_UP = "from=2026-05-17&to=2026-05-20"


def event(day: dt.date, number: int, kind: str, module: str, slot: int | None, content: str | None) -> dict[str, Any]:
    return {
        "event_id": f"{day}-{number}", "event_type": kind, "device_id": "d", "user_id": "u", "page_id": number,
        "page_type": "home", "module": module, "slot": slot, "sku": None, "content_id": content,
        "device_time": f"{day}T03:{number // 60:02d}:{number % 60:02d}Z",
    }  # fmt: skip


def events() -> Iterator[dict[str, Any]]:
    """On DAY, 200 impressions and 20 clicks of banner 1, 50 and 10 of banner 2, and a search before the cart.

    On BEFORE, the same impressions, half of the clicks, no search; banner 1 had another content.
    """
    for day, content in ((BEFORE, "old"), (DAY, "new")):
        number = 0
        for slot, kind, count in ((1, "exposure", 200), (1, "click", 20), (2, "exposure", 50), (2, "click", 10)):
            for _ in range(count if day == DAY or kind == "exposure" else count // 2):
                number += 1
                yield event(day, number, kind, "banner", slot, content if slot == 1 else None)
        if day == DAY:
            yield event(day, number + 1, "click", "search", None, None)
        yield event(day, number + 2, "add_to_cart", "buy", 1, None) | {"page_type": "detail", "sku": "A"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = make_home(
        tmp_path_factory.mktemp("map") / "home",
        settings={"snapshots": {"daily_for_days": 1}, "products": {"windows": [1]}},
        entrances=[
            {"entrance_id": "banner", "name_zh": "横幅", "name_en": "Banner", "page_type": "home", "module": "banner"},
            {"entrance_id": "search", "name_zh": "搜索", "name_en": "Search", "page_type": "home", "module": "search"},
        ],
    )
    order = {"order_id": "o", "user_id": "u", "status": "paid"}
    times = dict.fromkeys(("ordered_at", "paid_at"), f"{DAY}T05:00:00Z")
    land(home, "events", list(events()), "events")
    land(home, "orders", [order | times], "orders")
    land(home, "order_lines", [{"order_id": "o", "line_no": 1, "sku": "A", "quantity": 2, "unit_price": 30}], "lines")
    run(home)
    (home.config / "pages").mkdir()
    (home.config / "pages" / "home.png").write_bytes(png(100, 50))
    (home.config / "new.png").write_bytes(png(8, 4))
    home.pages_file.write_text(
        "pages:\n  home:\n    name_zh: 大首页\n    name_en: Front page\n    picture: pages/home.png\n"
        "    modules:\n      banner: {name_zh: 横幅, name_en: Strip, x: 0, y: 0, width: 100, height: 20, columns: 4}\n",
        encoding="utf-8",
    )
    home.contents_file.write_text(
        "content_id,name_zh,name_en,picture\nnew,新,Fresh,new.png\nold,旧,Stale,\n", encoding="utf-8"
    )
    publish(home)
    return home


@pytest.fixture
def copy(shop: Home) -> Copy:
    return Marts(shop).copy()


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return copy_of(shop_with_dashboards(tmp_path_factory), tmp_path_factory.mktemp("map") / "home")


def drawn(copy: Copy, address: str) -> list[dict[str, Any]]:
    """The slots on the map, in the order of the document: the attributes of their links and their texts."""
    context, blocks = look_at(copy, address)
    parts = [block for block in flat(blocks) if isinstance(block, Part)]
    return [
        one.to_plotly_json()["props"] | {"texts": written(one)}
        for component in components(context, parts)
        for one in component._traverse()
        if "slot" in str(getattr(one, "className", "")).split()
    ]


def test_the_map_shows_slots_with_values_changes_and_names(copy: Copy) -> None:
    first, second, *others = drawn(copy, f"/slots?{DAYS}&metric=slot_click_rate")
    *hollow, search = others
    assert first["aria-label"] == "Front page · Strip · slot 1: Slot click rate 10.00%, Change ▲ +5.00 pp"
    assert first["texts"] == ["1", "10.0%", "▲ +5.00"]
    assert first["title"].splitlines()[:3] == ["Front page · Strip · slot 1", "Fresh", "Sales: ¥0.00"]
    # Banner 2 has the higher rate, 10 of 50, but too few impressions for a colour, so banner 1 has the full colour.
    assert (first["className"], first["style"]["--heat"]) == ("slot more", "100%")
    assert (second["className"], second["texts"]) == ("slot few", ["2", "20.0%", "▲ +10.0"])
    assert [slot["texts"] for slot in hollow] == [["3", "–"], ["4", "–"]]
    assert search["aria-label"].startswith("Front page · Search: Slot click rate –")


def test_the_colour_can_stand_for_the_change(copy: Copy) -> None:
    first, second, *_, search = drawn(copy, f"/slots?{DAYS}&metric=revenue&colour=change")
    assert [slot["className"] for slot in (first, second, search)] == ["slot plain", "slot plain", "slot more"]
    assert search["texts"] == ["¥60", "▲ new"]
    first, second, *_ = drawn(copy, f"/slots?{DAYS}&metric=impressions&colour=change")
    assert first["texts"] == ["1", "200", "0%"]
    address = f"/slots?from={BEFORE}&to={BEFORE}&colour=change"
    # There are no earlier days and so no changes, so the colour stands for the value.
    assert "aria-label" in drawn(copy, address)[0]
    assert all("▲" not in slot["aria-label"] for slot in drawn(copy, address) if "aria-label" in slot)


def test_the_colour_of_a_count_grows_with_its_square_root(copy: Copy) -> None:
    first, second, *_ = drawn(copy, f"/slots?{DAYS}&metric=impressions")
    # The slots have 200 and 50 impressions, and the root of 50 / 200 is a half.
    assert [slot["style"]["--heat"] for slot in (first, second)] == ["100%", "50%"]
    context, blocks = look_at(copy, f"/slots?{DAYS}&metric=impressions")
    said = written(components(context, blocks))
    assert [said[place] for place in (said.index("50") - 1, said.index("50"), said.index("50") + 1)] == [
        "0",
        "50",
        "200",
    ]


def test_the_page_names_what_it_shows(copy: Copy) -> None:
    _, blocks = look_at(copy, f"/slots?{DAYS}")
    assert title(blocks) == "Slot map: Front page"
    _, blocks = look_at(copy, f"/entrances?{DAYS}&entrance=banner&slot=home|banner|1")
    assert title(blocks) == "Front page · Strip · slot 1"
    _, blocks = look_at(copy, f"/entrances?{DAYS}&entrance=banner")
    assert title(blocks) == "Banner"


def test_each_slot_leads_to_its_page(copy: Copy) -> None:
    link = drawn(copy, f"/slots?{DAYS}")[0]["href"]
    path, _, query = link.partition("?")
    _, blocks = look_at(copy, link)
    assert path == "/entrances"
    assert "slot=home%7Cbanner%7C1" in query
    shown = table(blocks, "contents")
    assert values(shown, "content") == ["Fresh"]
    assert [shown.columns[0].picture(row).src for row in shown.rows] == ["/pictures/new.png"]
    back = next(text.href for text in texts(blocks, "note") if text.href.startswith("/slots"))
    assert look_at(copy, back)[0].view.get("page_type") == "home"


def test_two_contents_of_a_slot_are_compared(copy: Copy) -> None:
    address = f"/entrances?from={BEFORE}&to={DAY}&entrance=banner&slot=home|banner|1"
    _, blocks = look_at(copy, address)
    assert (choice(blocks, "content").value, choice(blocks, "against").value) == ("new", "old")
    shown = table(blocks, "two_contents")
    assert [column.title for column in shown.columns] == ["Metric", "Fresh", "vs Stale", "Change"]
    found = {row["metric"]: (row["one"], row["other"], row["difference"]) for row in shown.rows}
    assert found["days"] == (1, 1, "0%")
    assert found["impressions"] == (200, 200, "0%")
    assert found["slot_click_rate"] == (0.1, 0.05, "▲ +5.00 pp")
    assert "no clear difference" in shown.notes[0]
    _, blocks = look_at(copy, f"{address}&content=old&against=new")
    assert table(blocks, "two_contents").columns[1].title == "Stale"
    _, blocks = look_at(copy, f"/entrances?{DAYS}&entrance=banner&slot=home|banner|1")
    # On these days the slot shows only one content, so there are no two contents to compare.
    assert "two_contents" not in [getattr(block, "key", "") for block in flat(blocks)]


def test_the_map_compares_two_contents(copy: Copy) -> None:
    address = f"/slots?from={BEFORE}&to={DAY}&metric=slot_click_rate&content=new"
    first, *others = drawn(copy, address)
    assert (first["texts"], first["className"]) == (["1", "10.0%", "▲ +5.00"], "slot more")
    assert "no clear difference" in first["title"]
    assert "content=new&against=old" in first["href"] or "against=old&content=new" in first["href"]
    assert all(slot["texts"][-1] == "–" for slot in others), "no other slot has a content"
    _, blocks = look_at(copy, address)
    assert (choice(blocks, "content").value, choice(blocks, "against").value) == ("new", "old")
    (row,) = table(blocks, "map_contents").rows
    assert (row["impressions"], row["impressions_before"]) == (200, 200)
    assert (row["slot_click_rate"], row["slot_click_rate_before"], row["slot_click_rate_change"]) == (0.1, 0.05, 0.05)
    assert (
        row["judged"] == table(look_at(copy, first["href"])[1], "two_contents").notes[0].split(": ")[1].split(". ")[0]
    )
    backwards = drawn(copy, f"{address.replace('=new', '=old')}&colour=value")[0]
    assert backwards["texts"] == ["1", "5.00%", "▼ −5.00"]
    _, blocks = look_at(copy, f"/slots?{DAYS}&content=new")
    assert "map_contents" not in [one.key for one in tables(blocks)], "only one content on this day"


def test_contents_on_the_map_say_what_the_lake_says(made_up: Home) -> None:
    copy = Marts(made_up).copy()
    with reading_session(made_up, "") as connection:
        found = connection.execute(
            """SELECT head_module, head_slot, head_content_id, sum(impressions), sum(clicks), count(DISTINCT dt)
            FROM attribution.slot_daily WHERE head_page_type = 'home' AND head_content_id <> '(none)' GROUP BY ALL"""
        ).fetchall()
    by_content: dict[str, dict[Any, tuple[int, ...]]] = {}
    for module, slot, content, *figures in found:
        by_content.setdefault(content, {})[module, slot] = tuple(figures)
    one, other = sorted(by_content, key=lambda content: -sum(each[0] for each in by_content[content].values()))[:2]
    rows = table(
        look_at(copy, f"/slots?{MADE_UP}&page_type=home&content={one}&against={other}")[1], "map_contents"
    ).rows
    assert {(row["head_module"], row["head_slot"]) for row in rows} == {*by_content[one], *by_content[other]}
    for row in rows:
        for content, suffix in ((one, ""), (other, "_before")):
            expected = by_content[content].get((row["head_module"], row["head_slot"]), (None, None, None))
            assert tuple(row[f"{name}{suffix}"] for name in ("impressions", "clicks", "days")) == expected


@pytest.mark.parametrize(
    "metric", ["revenue", "impressions", "slot_click_rate", "revenue_per_mille_impressions", "orders"]
)
def test_the_map_and_the_table_say_what_the_lake_says(made_up: Home, metric: str) -> None:
    copy = Marts(made_up).copy()
    formula = {
        "slot_click_rate": "sum(clicks) FILTER (WHERE has_impressions) / nullif(sum(impressions), 0)",
        "revenue_per_mille_impressions": (
            "1000 * sum(revenue) FILTER (WHERE has_impressions) / nullif(sum(impressions), 0)"
        ),
    }.get(metric, f"sum({metric})")
    with reading_session(made_up, "") as connection:

        def ask(sql: str) -> list[Any]:
            return connection.execute(sql).fetchall()

        place = "entrance_id, head_page_type, head_module, head_slot"
        slots = ask(
            f"SELECT {place}, {formula} FROM attribution.slot_daily WHERE head_page_type <> '(none)' GROUP BY {place}"
        )
    _, blocks = look_at(copy, f"/slots?{MADE_UP}&metric={metric}")
    shown = table(blocks, "slots")
    keys = place.split(", ")
    found = {tuple(row[key] for key in keys): row[metric] for row in shown.rows}
    expected = {tuple(row[:4]): row[4] for row in slots}
    assert set(found) == set(expected)
    assert all(found[key] == pytest.approx(None if value is None else float(value)) for key, value in expected.items())
    named = {slot["href"]: slot for slot in drawn(copy, f"/slots?{MADE_UP}&page_type=home&metric={metric}")}
    full = {row["name"]: shown.columns[2].full(row) for row in shown.rows if row["head_page_type"] == "home"}
    assert {slot["aria-label"].split(": ")[0]: slot["aria-label"].split(" ")[-1] for slot in named.values()} == full


def test_rates_of_impressions_exclude_slots_without_them(copy: Copy) -> None:
    _, blocks = look_at(copy, f"/slots?{DAYS}")
    shown = table(blocks, "slots")
    search = next(row for row in shown.rows if row["head_module"] == "search")
    assert (search["clicks"], search["impressions"], search["revenue"]) == (1, 0, 60)
    assert (search["slot_click_rate"], search["revenue_per_mille_impressions"]) == (None, None)
    assert (shown.total["clicks"], shown.total["impressions"], shown.total["revenue"]) == (31, 250, 60)
    assert shown.total["slot_click_rate"] == pytest.approx(30 / 250)
    assert shown.total["revenue_per_mille_impressions"] == 0
    assert any("30 of 31 clicks" in note and "0.00 of " in note for note in shown.notes), "the sums are traceable"
    cards = {card.metric: card.full for block in flat(blocks) if isinstance(block, Cards) for card in block.cards}
    assert cards["slot_click_rate"] == "12.00%"
    broken_down = table(look_at(copy, f"/slots?{DAYS}&breakdown=platform")[1], "breakdown").rows
    assert sum(row["clicks"] for row in broken_down) == 31
    rates = [row["slot_click_rate"] for row in broken_down if row["impressions"]]
    assert rates == [pytest.approx(30 / 250)]


def test_the_courses_of_the_table_sum_to_its_figures(made_up: Home) -> None:
    _, blocks = look_at(Marts(made_up).copy(), f"/slots?{MADE_UP}&metric=impressions")
    shown = table(blocks, "slots")
    assert all(len(row["course"]) == 4 for row in shown.rows)
    assert all(sum(row["course"]) == row["impressions"] for row in shown.rows)
    assert shown.total["impressions"] == sum(row["impressions"] for row in shown.rows)
    assert [row["impressions"] for row in shown.rows] == sorted(
        (row["impressions"] for row in shown.rows), reverse=True
    )
    course = next(column for column in shown.columns if column.field == "course")
    words = course.picture(shown.rows[0]).alt
    assert words.startswith(f"lowest {min(shown.rows[0]['course']):,}"[:12])
    assert course.value(shown.rows[0]) == " ".join(map(str, shown.rows[0]["course"]))


def test_the_slots_of_each_platform_sum_to_all(made_up: Home) -> None:
    copy = Marts(made_up).copy()
    with reading_session(made_up, "") as connection:
        platforms = [row[0] for row in connection.execute("SELECT DISTINCT platform FROM core.events").fetchall()]
    address = f"/slots?{MADE_UP}&metric=impressions"
    whole = table(look_at(copy, address)[1], "slots")
    parts = [table(look_at(copy, f"{address}&in.platform={platform}")[1], "slots") for platform in platforms]
    assert len(parts) > 1
    for name in ("impressions", "clicks", "revenue"):
        assert sum(part.total[name] for part in parts) == pytest.approx(whole.total[name]), name
    assert all(sum(row["course"]) == row["impressions"] for part in parts for row in part.rows)


def test_sales_of_slots_and_without_a_slot_sum_to_all(made_up: Home) -> None:
    _, blocks = look_at(Marts(made_up).copy(), f"/slots?{MADE_UP}")
    shown = table(blocks, "slots")
    with reading_session(made_up, "") as connection:
        (revenue, without) = connection.execute(
            "SELECT sum(revenue), sum(revenue) FILTER (WHERE head_page_type = '(none)') FROM attribution.slot_daily"
        ).fetchone()
    assert shown.total["revenue"] == pytest.approx(float(revenue - without))
    assert f"¥{without:,.2f}" in shown.notes[0]


def test_a_long_period_has_a_course_by_week(copy: Copy) -> None:
    _, blocks = look_at(copy, f"/slots?from=2025-12-01&to={DAY}&metric=impressions")
    shown = table(blocks, "slots")
    course = next(column for column in shown.columns if column.field == "course")
    assert course.title == "Slot impressions by week"
    assert course.value(shown.rows[0]).split() == ["200", "200"]


def test_the_table_is_a_file_like_others(shop: Home) -> None:
    client = create_app(shop).server.test_client()
    answer = client.get(f"/export/slots/slots.csv?{DAYS}&metric=impressions")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["Slot impressions"] for row in rows] == ["200", "50", "0"]
    assert [row["Slot impressions by day"] for row in rows] == ["200", "50", "0"]
    assert [row["head_slot"] for row in rows] == ["1", "2", "0"]
    assert client.get(f"/export/slots/slots.xlsx?{DAYS}").status_code == 200


def test_only_pictures_that_the_configuration_names_are_served(shop: Home) -> None:
    client = create_app(shop).server.test_client()
    (shop.config / "unnamed.png").write_bytes(png(4, 4))
    found = client.get("/pictures/pages/home.png")
    assert (found.status_code, found.mimetype) == (200, "image/png")
    assert found.data == (shop.config / "pages" / "home.png").read_bytes()
    assert client.get("/pictures/new.png").status_code == 200
    assert client.get("/pictures/pages/home.png", headers={"If-None-Match": found.headers["ETag"]}).status_code == 304
    for name in ("unnamed.png", "headwater.yaml", "../config/unnamed.png", "pages/../new.png", "pages%2f..%2fnew.png"):
        assert client.get(f"/pictures/{name}").status_code in (308, 404), name


def test_pictures_need_the_same_sign_in(shop: Home) -> None:
    home = copy_of(shop, shop.root.parent / "closed")
    Users(home).add(User("mei", "viewer", PasswordHasher(memory_cost=64, time_cost=1).hash("a password")))
    client = create_app(home, Rules(is_open=False)).server.test_client()
    assert client.get("/pictures/pages/home.png").status_code == 401


def test_a_picture_replaced_by_a_link_is_not_served(shop: Home, tmp_path: Path) -> None:
    home = copy_of(shop, tmp_path / "home")
    client = create_app(home).server.test_client()
    (home.config / "new.png").unlink()
    assert client.get("/pictures/new.png").status_code == 404
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(4, 4))
    (home.config / "new.png").symlink_to(secret)
    assert client.get("/pictures/new.png").status_code == 404


@pytest.mark.parametrize(
    ("language", "named", "unnamed"),
    [("en", "slot 1 · Fresh", "slot 1 · new"), ("zh", "1 号位 · 新", "1 号位 · new")],
)
def test_the_report_names_contents_too(
    shop: Home, tmp_path: Path, language: Language, named: str, unnamed: str
) -> None:
    with open_day(shop, DAY) as reader:
        shown = tables(report_slots(Locale(language, "CNY"), reader))
    assert named in [row["place"] for one in shown for row in one.rows]
    home = copy_of(shop, tmp_path / "home")
    home.contents_file.write_text("content_id\n", encoding="utf-8")
    with open_day(home, DAY) as reader:
        shown = tables(report_slots(Locale(language, "CNY"), reader))
    assert unnamed in [row["place"] for one in shown for row in one.rows]


def test_the_path_explorer_names_contents(made_up: Home, tmp_path: Path) -> None:
    home = copy_of(made_up, tmp_path / "home")
    with reading_session(home, "") as connection:
        order_id, line_no, content = connection.execute(
            "SELECT order_id, line_no, head_content_id FROM attribution.attributed_sales "
            "WHERE matched_by = 'visit' AND head_content_id <> '(none)' ORDER BY ALL LIMIT 1"
        ).fetchone()
    home.contents_file.write_text(f"content_id,name_zh,name_en\n{content},夏天,Summer\n", encoding="utf-8")
    _, blocks = look_at(Marts(home).copy(), f"/paths?find={order_id}&line={line_no}")
    assert values(table(blocks, "visit"), "content") == ["Summer"]


def test_a_faulty_file_is_reported_and_the_page_works(shop: Home, tmp_path: Path) -> None:
    home = copy_of(shop, tmp_path / "home")
    home.pages_file.write_text("pages: {home: {name: Home}}", encoding="utf-8")
    home.contents_file.write_text("content_id,name_zh,name_en\n,a,b\n", encoding="utf-8")
    for address in (f"/slots?{DAYS}", f"/entrances?{DAYS}&entrance=banner&slot=home|banner|1"):
        _, blocks = look_at(Marts(home).copy(), address)
        faults = [text.text for text in texts(blocks, "warning")]
        assert ["pages.yaml" in faults[0], "contents.csv, row 2" in faults[1]] == [True, True]
    assert drawn(Marts(home).copy(), f"/slots?{DAYS}")[0]["aria-label"].startswith("Home · Banner · slot 1")


def test_a_page_without_figures_says_so(copy: Copy) -> None:
    _, blocks = look_at(copy, "/slots?from=2026-03-05&to=2026-03-06")
    assert [text.text for text in texts(blocks, "missing")]
    assert not [block for block in flat(blocks) if isinstance(block, Cards)]
