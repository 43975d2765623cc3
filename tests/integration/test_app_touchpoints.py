"""The pages of attribution models, channels and journeys: their numbers equal those of the lake, also with spend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest

from dashboards.app.context import Context
from dashboards.app.marts import Copy, Marts
from dashboards.app.pages import journey_paths
from dashboards.blocks import Block, Card, Cards
from dashboards.copy.build import publish
from dashboards.metrics import full_text
from dashboards.report.queries import open_day
from dashboards.report.write import report_html
from dashboards.sections.touch import TOUCH_MODELS, TYPES, models_of, path_name, touchpoint_name
from pipelines.compute.reading import reading_session
from pipelines.home.folder import Home
from tests.app_pages import chart, look_at, table, texts, values
from tests.integration.small_shop import DAYS as SMALL_DAYS
from tests.processes import copy_of
from tests.shared_homes import shop_with_dashboards, small_shop
from tests.support import land, run

DAYS = "from=2026-05-17&to=2026-05-20"
SPEND = [
    ("2026-05-18", "push", "daily-deals", "120.50"), ("2026-05-19", "push", "daily-deals", "80"),
    ("2026-05-20", "push", "", "19.5"), ("2026-05-19", "audio", "radio", "300"), ("2026-05-20", "radio ads", "", "40"),
    ("2026-05-01", "push", "before all days", "999"),
]  # fmt: skip
"""Rows of spend (dt, channel, campaign, cost): a channel with orders, one without sessions, one that no rule names."""

Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = copy_of(shop_with_dashboards(tmp_path_factory), tmp_path_factory.mktemp("touchpoints") / "home")
    records = [{"dt": dt, "channel": channel, "campaign": c or None, "cost": cost} for dt, channel, c, cost in SPEND]
    land(home, "spend", records, "spend")
    run(home)
    publish(home)
    return home


@pytest.fixture(scope="module")
def copy(home: Home) -> Copy:
    return Marts(home).copy()


@pytest.fixture(scope="module")
def without_spend(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    home = copy_of(small_shop(tmp_path_factory), tmp_path_factory.mktemp("without_spend") / "home")
    publish(home)
    return Marts(home).copy()


@pytest.fixture(scope="module")
def lake(home: Home) -> Iterator[Ask]:
    """A function that runs a query on the lake and returns its rows."""
    with reading_session(home, "") as connection:
        yield lambda sql: connection.execute(sql).fetchall()


def cards(blocks: list[Block]) -> dict[str, Card]:
    return {card.metric: card for block in blocks if isinstance(block, Cards) for card in block.cards}


def messages(blocks: list[Block]) -> str:
    return " ".join(one.text for kind in ("missing", "warning") for one in texts(blocks, kind))


# Models ------------------------------------------------------------------------------------------------

FUSED = {
    "entrance": "SELECT entrance_id, sum(revenue) FROM attribution.entrance_daily GROUP BY 1",
    "slot": """SELECT CASE WHEN head_page_type = '(none)' THEN entrance_id
        ELSE head_page_type || CASE WHEN head_module <> '(none)' THEN '.' || head_module ELSE '' END
        || CASE WHEN head_slot > 0 THEN '.' || head_slot ELSE '' END END, sum(revenue)
        FROM attribution.slot_daily GROUP BY 1""",
}


@pytest.mark.parametrize("kind", TYPES)
def test_every_model_of_every_type_says_what_the_lake_says(lake, copy, kind):
    blocks = look_at(copy, f"/models?{DAYS}&type={kind}")[1]
    shown = table(blocks, "models")
    paid = lake("SELECT sum(revenue) FROM core.order_lines")[0][0]
    assert shown.total is not None
    for model in models_of(kind):
        sql = (
            FUSED[kind]
            if model == "fused"
            else f"""SELECT touchpoint, sum(revenue) FROM attribution.model_daily
            WHERE model = '{model}' AND touchpoint_type = '{kind}' GROUP BY 1"""
        )
        own = {key: float(revenue) for key, revenue in lake(sql) if revenue}
        assert {row["touchpoint"]: row[model] for row in shown.rows if row[model]} == pytest.approx(own), model
        assert shown.total[model] == float(paid)
    assert f"¥{paid:,.2f}" in texts(blocks, "check")[0].text
    assert ("fused" in models_of(kind)) == (kind in FUSED)


@pytest.mark.parametrize("model", ["fused", *TOUCH_MODELS])
def test_the_model_switch_changes_chart_and_order(copy, model):
    blocks = look_at(copy, f"/models?{DAYS}&model={model}")[1]
    shown = chart(blocks, "models")
    amounts = values(shown.table, model)
    assert amounts == sorted(amounts, reverse=True)
    assert list(shown.figure.data[0].x) == amounts
    default = look_at(copy, f"/models?{DAYS}")[1]
    assert table(blocks, "disagreements").rows == table(default, "disagreements").rows


def test_the_largest_disagreements_come_first(lake, copy):
    rows = table(look_at(copy, f"/models?{DAYS}&type=channel")[1], "disagreements").rows
    spreads = dict(
        lake(
            """SELECT touchpoint, max(share) - min(share) FROM (
            SELECT t.touchpoint, m.model,
                coalesce(sum(d.revenue), 0) / (SELECT sum(revenue) FROM core.order_lines) AS share
            FROM (SELECT DISTINCT touchpoint FROM attribution.model_daily WHERE touchpoint_type = 'channel') AS t
            CROSS JOIN (SELECT DISTINCT model FROM attribution.model_daily) AS m
            LEFT JOIN attribution.model_daily AS d
                ON d.touchpoint = t.touchpoint AND d.model = m.model AND d.touchpoint_type = 'channel'
            GROUP BY 1, 2) GROUP BY 1 HAVING max(share) > 0"""
        )
    )
    assert {row["touchpoint"]: row["spread"] for row in rows} == pytest.approx(
        {k: float(v) for k, v in spreads.items()}
    )
    assert [row["spread"] for row in rows] == sorted(spreads.values(), reverse=True)
    first = rows[0]
    assert first[f"share_{first['highest']}"] - first[f"share_{first['lowest']}"] == pytest.approx(first["spread"])


@pytest.mark.parametrize(("effect", "metric"), [("markov", "removal_effect"), ("shapley", "shapley_orders")])
def test_learned_effects_have_their_intervals_and_small_samples(lake, copy, effect, metric):
    context, blocks = look_at(copy, f"/models?{DAYS}&type=slot&effect={effect}&lang=en")
    shown = chart(blocks, "effects")
    found = lake(
        f"""SELECT touchpoint, effect, low, high, paths < 30 FROM attribution.model_effects
        WHERE dt = '2026-05-20' AND touchpoint_type = 'slot' AND model = '{effect}' ORDER BY 2 DESC, 1"""
    )
    rows = shown.table.rows
    assert [(row["touchpoint"], row["effect"], row["low"], row["high"]) for row in rows] == [one[:4] for one in found]
    assert next(column for column in shown.table.columns if column.field == "effect").metric == metric
    small = sum(is_small for *_, is_small in found)
    assert small
    assert f"{small} of {len(found)}" in messages(blocks)
    symbols = list(shown.figure.data[0].marker.symbol)
    assert [symbol == "circle-open" for symbol in symbols] == [is_small for *_, is_small in found][: len(symbols)]
    assert any("up to 2026-05-20" in one.text for one in texts(blocks, "intro"))
    assert (len(symbols) < len(found)) == any("first 20 of" in note for note in shown.table.notes)
    assert context.locale.text("effects.sample_small") in values(shown.table, "sample")


def test_the_entrances_lead_to_the_models(copy):
    leads = [one.href for one in texts(look_at(copy, f"/entrances?{DAYS}&lang=en")[1], "note") if one.href]
    assert any(href.startswith("/models?") and DAYS in href for href in leads)


# Channels ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", TOUCH_MODELS)
def test_channels_say_what_the_lake_says(lake, copy, model):
    shown = table(look_at(copy, f"/channels?{DAYS}&model={model}")[1], "channels")
    rows = {row["channel"]: row for row in shown.rows}
    sales = lake(
        f"""SELECT touchpoint, sum(orders), sum(new_customers), sum(revenue) FROM attribution.model_daily
        WHERE touchpoint_type = 'channel' AND model = '{model}' GROUP BY 1"""
    )
    for channel, orders, new, revenue in sales:
        found = [rows[channel][name] for name in ("orders", "new_customers", "revenue")]
        assert found == pytest.approx([orders, new, float(revenue)], abs=1e-4)
    visits = lake("SELECT channel, count(*), count(DISTINCT person_id) FROM core.sessions GROUP BY 1")
    for channel, sessions, visitors in visits:
        assert (rows[channel]["sessions"], rows[channel]["session_visitors"]) == (sessions, visitors)
    assert set(rows) == {one[0] for one in (*sales, *visits)} | {"audio", "radio ads"}
    assert rows["push"]["spend"] == 220
    assert rows["push"]["roas"] == pytest.approx(rows["push"]["revenue"] / 220)
    assert rows["push"]["cost_per_order"] == pytest.approx(220 / rows["push"]["orders"])
    total = shown.total
    assert total is not None
    paid, orders, new = lake(
        """SELECT sum(revenue), count(DISTINCT order_id), count(DISTINCT order_id) FILTER (
            WHERE order_id IN (SELECT order_id FROM core.first_orders)) FROM core.order_lines"""
    )[0]
    assert (total["revenue"], total["orders"], total["new_customers"]) == (float(paid), orders, new)
    spend = float(lake("SELECT sum(cost) FROM core.spend WHERE dt BETWEEN '2026-05-17' AND '2026-05-20'")[0][0])
    assert spend > 560
    with_spend = [row for row in shown.rows if row["spend"]]
    assert {"push", "audio", "radio ads"} < {row["channel"] for row in with_spend} < set(rows)
    sums = {name: sum(row[name] for row in with_spend) for name in ("revenue", "orders", "new_customers")}
    assert total["spend"] == pytest.approx(spend)
    assert total["roas"] == pytest.approx(sums["revenue"] / spend)
    assert total["cost_per_order"] == pytest.approx(spend / sums["orders"])
    assert total["cost_per_new_customer"] == pytest.approx(spend / sums["new_customers"])
    assert total["mer"] == pytest.approx(float(paid) / spend)
    assert total["mer"] > total["roas"]
    assert total["session_visitors"] == lake("SELECT count(DISTINCT person_id) FROM core.sessions")[0][0]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_cards_total_and_report_have_one_roas_and_name_mer(home, copy, language):
    days = "from=2026-05-20&to=2026-05-20"
    context, blocks = look_at(copy, f"/channels?{days}&lang={language}")
    total = table(blocks, "channels").total
    assert total is not None
    numbers, found = context.locale.numbers, cards(blocks)
    for name in ("roas", "cost_per_order", "cost_per_new_customer"):
        assert found[name].full == full_text(numbers, name, total[name]), name
    assert found["roas"].note == f"{context.locale.text('metric.mer')} {numbers.short(total['mer'])}"
    with open_day(home, context.days.last) as reader:
        html = report_html(reader, language, context.now)
    assert table(blocks, "channels").notes[0] in html
    assert f"{numbers.full_money(total['spend'])} = {numbers.short(total['roas'])}" in html
    assert cards(look_at(copy, f"/channels?{days}&channel=push")[1])["roas"].note == ""


def test_spend_or_orders_alone_are_shown_without_false_zeros(copy):
    shown = table(look_at(copy, f"/channels?{DAYS}&lang=en")[1], "channels")
    cells = {row["channel"]: {column.field: column.cell(row) for column in shown.columns} for row in shown.rows}
    names = ("orders", "spend", "roas", "cost_per_order", "cost_per_new_customer", "new_customer_share")
    assert [cells["audio"][name] for name in names] == ["0", "¥300", "0.0", "–", "–", "–"]
    assert [cells["direct"][name] for name in names[1:5]] == ["–", "–", "–", "–"]
    assert cells["direct"]["orders"] not in ("–", "0")
    assert [cells["(unattributed)"][name] for name in ("sessions", "session_visitors")] == ["–", "–"]
    assert "= " in shown.notes[0]


def test_spend_that_no_session_can_match_is_reported(copy):
    assert "no session or order can belong to them: radio ads" in messages(
        look_at(copy, f"/channels?{DAYS}&lang=en")[1]
    )


@pytest.mark.parametrize(("language", "said"), [("zh", "landing/native/spend/"), ("en", "No spend has been landed")])
def test_without_spend_the_page_says_how_to_land_it(without_spend, language, said):
    days = f"from={SMALL_DAYS[0]}&to={SMALL_DAYS[-1]}"
    blocks = look_at(without_spend, f"/channels?{days}&lang={language}")[1]
    assert said in messages(blocks)
    assert cards(blocks)["orders"].value != "0"
    assert [cards(blocks)[name].value for name in ("spend", "roas", "cost_per_order")] == ["–"] * 3
    assert messages(look_at(without_spend, f"/channels?{days}&lang={language}&metric=roas")[1]) != messages(blocks)


@pytest.mark.parametrize("by", ["campaign", "source"])
@pytest.mark.parametrize("model", ["last", "linear"])
def test_the_parts_of_a_channel_sum_to_the_channel(lake, copy, model, by):
    whole = table(look_at(copy, f"/channels?{DAYS}&model={model}")[1], "channels")
    row = next(row for row in whole.rows if row["channel"] == "push")
    href = whole.columns[0].href
    assert href is not None
    context, blocks = look_at(copy, f"{href(row)}&by={by}")
    assert context.view.get("model", "last") == model
    parts = table(blocks, "parts").rows
    for name in ("sessions", "orders", "new_customers", "revenue"):
        assert sum(part[name] for part in parts) == pytest.approx(row[name], abs=1e-3), name
    assert cards(blocks)["revenue"].full == f"¥{row['revenue']:,.2f}"
    if by == "campaign":
        spent = {part["part"]: part["spend"] for part in parts if part["spend"]}
        assert spent == {"daily-deals": 200.5, "(not set)": 19.5}
    course = table(blocks, "course").rows
    assert sum(day["revenue"] for day in course) == pytest.approx(row["revenue"])
    assert len(course) == 4


@pytest.mark.parametrize("metric", ["sessions", "revenue", "spend", "roas"])
def test_the_channels_by_day_are_those_of_the_lake(lake, copy, metric):
    rows = table(look_at(copy, f"/channels?{DAYS}&metric={metric}")[1], "course").rows
    sql = (
        "SELECT dt, channel, count(*) FROM core.sessions GROUP BY ALL"
        if metric == "sessions"
        else f"""SELECT dt, touchpoint, {metric} FROM attribution.model_daily
        WHERE touchpoint_type = 'channel' AND model = 'last'"""
    )
    expected = {(dt, key): None if value is None else float(value) for dt, key, value in lake(sql)}
    assert {(row["dt"], row["channel"]): row[metric] for row in rows} == pytest.approx(expected)


# Journeys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TYPES)
def test_journeys_say_what_the_lake_says(lake, copy, kind):
    blocks = look_at(copy, f"/journeys?{DAYS}&type={kind}")[1]
    orders, days, length = lake(
        f"""SELECT sum(orders), sum(orders * days_to_order) / sum(orders), sum(orders * path_length) / sum(orders)
        FROM attribution.touch_lag_daily WHERE touchpoint_type = '{kind}'"""
    )[0]
    found = cards(blocks)
    assert found["orders_with_touch"].full == f"{orders:,}"
    assert found["mean_days_to_order"].full == f"{days:,.{0 if float(days).is_integer() else 2}f}"
    assert found["mean_path_length"].full == f"{length:,.{0 if float(length).is_integer() else 2}f}"
    all_orders = lake("SELECT count(DISTINCT order_id) FROM core.order_lines")[0][0]
    assert int(found["orders_without_touch"].full.replace(",", "")) == all_orders - orders
    for key in ("lags", "lengths"):
        rows = table(blocks, key).rows
        assert sum(row["orders_with_touch"] for row in rows) == orders
        assert rows[-1]["cumulative_share"] == pytest.approx(1)
        assert [row["bucket"] for row in rows] == list(range(rows[0]["bucket"], rows[-1]["bucket"] + 1))
    assert sum(row["orders"] for row in table(blocks, "buyers").rows) == all_orders


def test_the_last_bar_of_lengths_has_longer_paths(copy, monkeypatch):
    monkeypatch.setattr(import_module("dashboards.app.pages.journeys"), "LONGEST", 2)
    shown = chart(look_at(copy, f"/journeys?{DAYS}")[1], "lengths")
    assert [row["name"] for row in shown.table.rows] == ["1", "2+"]
    assert "2+" in shown.figure.layout.xaxis.ticktext


def test_assists_are_counted_beside_last_touches(lake, copy):
    rows = table(look_at(copy, f"/journeys?{DAYS}&type=entrance")[1], "touchpoints").rows
    found = lake(
        """SELECT touchpoint, sum(orders_touched), sum(assisted_orders), sum(last_touch_orders)
        FROM attribution.touchpoint_daily WHERE touchpoint_type = 'entrance' AND touchpoint <> '(unattributed)'
        GROUP BY 1"""
    )
    assert {
        row["touchpoint"]: (row["orders_touched"], row["assisted_orders"], row["last_touch_orders"]) for row in rows
    } == {key: tuple(map(int, counts)) for key, *counts in found}
    for row in rows:
        last = row["last_touch_orders"]
        assert row["assist_ratio"] == (pytest.approx(row["assisted_orders"] / last) if last else None)


def test_new_buyers_are_those_of_first_orders(lake, copy):
    rows = {row["is_first"]: row for row in table(look_at(copy, f"/journeys?{DAYS}")[1], "buyers").rows}
    new = lake("SELECT count(*) FROM core.first_orders WHERE order_id IN (SELECT order_id FROM core.order_lines)")[0][0]
    assert rows[True]["orders"] == new


@pytest.mark.parametrize("via", ["", "push"])
def test_paths_have_the_orders_of_the_snapshot(lake, copy, via):
    blocks = look_at(copy, f"/journeys?{DAYS}&part=paths&via={via}")[1]
    having = f"AND list_contains(string_split(transformed_path, ' > '), '{via}')" if via else ""
    found = lake(
        f"""SELECT transformed_path, orders, non_conversions FROM attribution.touch_path_summary
        WHERE dt = '2026-05-20' AND touchpoint_type = 'channel' {having} ORDER BY 2 DESC, 3 DESC, 1"""
    )
    shown = table(blocks, "paths").rows
    assert [(row["transformed_path"], row["orders"], row["non_conversions"]) for row in shown] == found
    lost = table(blocks, "lost").rows
    assert sum(row["non_conversions"] for row in lost) == sum(lost for _, orders, lost in found if not orders)


def test_more_paths_than_listed_are_said_to_be_so(copy, monkeypatch):
    monkeypatch.setattr(journey_paths, "MOST_PATHS", 3)
    shown = table(look_at(copy, f"/journeys?{DAYS}&lang=en&part=paths")[1], "paths")
    assert (len(shown.rows), shown.is_sortable) == (3, False)
    assert "Only the first 3 of" in shown.notes[0]


# Names, the report -------------------------------------------------------------------------------------


def named(copy: Copy, language: str) -> Context:
    return look_at(copy, f"/models?{DAYS}&lang={language}")[0]


def test_touchpoints_have_names(copy):
    locale = named(copy, "en").locale
    assert touchpoint_name(locale, "slot", "home.feed.3", {}) == "Home · Feed · slot 3"
    assert touchpoint_name(locale, "slot", "home.search", {}) == "Home · Search"
    assert touchpoint_name(locale, "campaign", "summer.3", {}) == "summer.3"
    assert touchpoint_name(locale, "channel", "(unattributed)", {}) == "Unattributed"
    assert path_name(locale, "channel", "push > push(2) > x", {"push": "Push"}) == "Push → Push × 2 → x"
    assert touchpoint_name(named(copy, "zh").locale, "slot", "home.feed.3", {}) == "首页 · 推荐流 · 3 号位"


@pytest.mark.parametrize(("language", "said"), [("zh", ("渠道", "投产比（ROAS）")), ("en", ("Channels", "ROAS"))])
def test_the_report_has_the_channels_of_its_day(lake, home, copy, language, said):
    context = named(copy, language)
    day = context.days.last
    with open_day(home, day) as reader:
        html = report_html(reader, language, context.now)
    assert all(text in html for text in said)
    revenue = lake(
        f"""SELECT sum(revenue) FROM attribution.model_daily WHERE dt = '{day}' AND model = 'last'
        AND touchpoint_type = 'channel' AND touchpoint = 'push'"""
    )[0][0]
    assert f"¥{revenue:,.2f}" in html
