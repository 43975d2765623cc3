"""A/B tests: statistics as in scipy and in plain loops, a query that counts as loops do, the results on the page."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dashboards.app.marts import Copy
from dashboards.blocks import Block, Card, Cards
from dashboards.copy.build import CopyFile
from dashboards.experiments import Measure, Variant, compare, sample_ratio
from dashboards.queries import query
from pipelines.home.experiments import ExperimentSettings
from pipelines.home.folder import init_home
from tests.app_pages import flat, look_at, table, texts, values

Row = dict[str, Any]
FIRST, LAST = dt.date(2026, 11, 2), dt.date(2026, 11, 8)
WEEK = f"from={FIRST}&to={LAST}"


def variant(impressions: Sequence[float], clicks: Sequence[float], spent: Sequence[float]) -> Variant:
    """The statistics of a variant, from the impressions, clicks and spending of each of its visitors."""
    (var_impressions, both), (_, var_clicks) = np.cov(impressions, clicks)
    money = np.array(spent)
    return Variant(
        len(money),
        float(np.sum(impressions)),
        float(np.sum(clicks)),
        float(var_impressions),
        float(var_clicks),
        float(both),
        int((money > 0).sum()),
        float(money.sum()),
        float(money.var(ddof=1)),
    )


def drawn(rng: np.random.Generator, visitors: int, click_rate: float, buys: float) -> Variant:
    """Visitors who differ in how often they come, how much they like to click, and what they spend."""
    impressions = 1 + rng.geometric(0.3, visitors)
    liking = rng.beta(20 * click_rate, 20 * (1 - click_rate), visitors)
    spent = np.where(rng.random(visitors) < buys, rng.lognormal(4, 0.8, visitors), 0.0)
    return variant(impressions, rng.binomial(impressions, liking), spent)


def test_the_click_rate_has_the_variance_of_its_residuals():
    rng = np.random.default_rng(3)
    sides = []
    for visitors in (400, 700):
        impressions = 1.0 + rng.poisson(3, visitors)
        clicks = rng.binomial(impressions.astype(int), 0.2).astype(float)
        sides.append((impressions, clicks))
    interval = compare("click_rate", *(variant(i, c, np.ones(len(i)) + np.arange(len(i))) for i, c in sides))
    rates = [c.sum() / i.sum() for i, c in sides]
    variances = [((c - r * i).var(ddof=1)) / len(i) / i.mean() ** 2 for (i, c), r in zip(sides, rates, strict=True)]
    half = 1.959963985 * math.sqrt(sum(variances))
    assert interval.effect == pytest.approx(rates[0] - rates[1])
    assert (interval.low, interval.high) == pytest.approx((rates[0] - rates[1] - half, rates[0] - rates[1] + half))


def test_conversion_has_newcombes_interval():
    # The published interval is in Newcombe (1998), table II, method 10, example a: 56 of 70 and 48 of 80.
    interval = compare("conversion", *(Variant(n, 0, 0, 0, 0, 0, buyers, 0, 0) for n, buyers in ((70, 56), (80, 48))))
    assert (interval.low, interval.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert interval.verdict == "higher"


def test_revenue_has_welchs_interval():
    rng = np.random.default_rng(5)
    spent = [np.where(rng.random(n) < 0.3, rng.lognormal(4, 1, n), 0) for n in (300, 200)]
    interval = compare("revenue", *(variant(np.arange(len(one)), np.arange(len(one)), one) for one in spent))
    expected = stats.ttest_ind(*spent, equal_var=False).confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("measure", ["click_rate", "conversion", "revenue"])
def test_few_clicks_or_buyers_have_no_interval(measure: Measure):
    few, many = Variant(100, 300, 9, 1, 1, 0, 9, 90, 4), Variant(100, 300, 30, 1, 1, 0, 30, 300, 4)
    assert compare(measure, few, many).verdict == compare(measure, many, few).verdict == "few"
    assert compare(measure, many, many).verdict == "unclear"


@given(st.lists(st.integers(20, 2000), min_size=2, max_size=4), st.lists(st.floats(0.5, 9), min_size=4, max_size=4))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_sample_ratio_is_pearsons_chi_square(visitors: list[int], weights: list[float]):
    split = dict(zip("ABCD"[: len(visitors)], weights, strict=False))
    expected = np.array([sum(visitors) * weight / sum(split.values()) for weight in split.values()])
    p = stats.chisquare(visitors, expected).pvalue
    ratio = sample_ratio(dict(zip(split, visitors, strict=True)), split)
    if min(expected) >= 5:
        assert ratio.p == pytest.approx(p, abs=1e-12)
        assert ratio.is_mismatch == (p < 0.001)


@pytest.mark.parametrize(
    ("visitors", "split", "is_mismatch"),
    [
        ({"A": 5000, "B": 5000}, {}, False),
        ({"A": 5000, "B": 5300}, {}, False),
        ({"A": 5000, "B": 5400}, {}, True),
        ({"A": 9000, "B": 1000}, {"A": 90, "B": 10}, False),
        ({"A": 9000, "B": 1000}, {}, True),
        ({"A": 5000, "C": 20}, {"A": 1, "B": 1}, True),
        ({"A": 5000}, {"A": 1, "B": 1}, True),
        ({"A": 4, "B": 5}, {}, False),
        ({"A": 4}, {}, False),
    ],
)
def test_a_split_that_chance_cannot_explain_is_told(visitors, split, is_mismatch):
    assert sample_ratio(visitors, split).is_mismatch == is_mismatch


@pytest.mark.parametrize(
    ("names", "control"), [("BA", "A"), (["x", "Control"], "Control"), (["b", "a"], "a"), (["new", "old"], "new")]
)
def test_the_control_is_named_a_or_control_else_the_first(names, control):
    assert ExperimentSettings().control_of("hero", list(names)) == control


def test_the_control_of_a_plan_comes_first():
    assert (
        ExperimentSettings.model_validate({"plans": {"hero": {"control": "B"}}}).control_of("hero", ["A", "B"]) == "B"
    )


@pytest.mark.parametrize("pattern", ["(", "^ab/(?P<experiment>.+)", "(?P<experiment>a)(?P<variant>b)(?!c)"])
def test_a_pattern_that_sql_cannot_use_is_an_error(pattern):
    with pytest.raises(ValueError, match=r"regular expression|groups"):
        ExperimentSettings.model_validate({"pattern": pattern})


# The query ---------------------------------------------------------------------------------------------


@st.composite
def shops(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    """Rows of visitor_variants and of paid_orders: few persons, two tests, days around the week shown."""
    day = st.integers(-1, 7).map(lambda n: FIRST + dt.timedelta(days=n))
    hour = st.integers(0, 23)
    seen: dict[tuple[Any, ...], Row] = {}
    for _ in range(draw(st.integers(0, 25))):
        date = draw(day)
        keys = (
            date,
            draw(st.sampled_from("uvwxyz")),
            draw(st.sampled_from(["hero", "icons"])),
            draw(st.sampled_from("AB")),
        )
        row = dict(zip(("dt", "person_id", "experiment", "variant"), keys, strict=True))
        at = dt.datetime.combine(date, dt.time(draw(hour)))
        seen[keys] = row | {"first_at": at, "impressions": draw(st.integers(0, 5)), "clicks": draw(st.integers(0, 3))}
    orders = [
        {
            "order_id": f"o{number}",
            "user_id": draw(st.sampled_from([*"uvwxyz", None])),
            "ordered_at": dt.datetime.combine(draw(day), dt.time(draw(hour))),
            "revenue": Decimal(draw(st.integers(0, 90))),
            "dt": draw(day),
        }
        for number in range(draw(st.integers(0, 12)))
    ]
    return list(seen.values()), orders


TABLES = {
    "attribution.visitor_variants": "dt DATE, person_id VARCHAR, experiment VARCHAR, variant VARCHAR, "
    "first_at TIMESTAMP, impressions BIGINT, clicks BIGINT",
    "core.paid_orders": "order_id VARCHAR, user_id VARCHAR, ordered_at TIMESTAMP, revenue DECIMAL(18,4), dt DATE",
}


def filled(connection: duckdb.DuckDBPyConnection, *rows: list[Row]) -> None:
    for schema in ("attribution", "core"):
        connection.execute(f"CREATE SCHEMA {schema}")
    for (name, columns), found in zip(TABLES.items(), rows, strict=True):
        connection.execute(f"CREATE TABLE {name} ({columns})")
        for row in found:
            marks = ", ".join(f"${key}" for key in row)
            connection.execute(f"INSERT INTO {name} ({', '.join(row)}) VALUES ({marks})", row)


@given(shops())
@settings(max_examples=30, deadline=None, derandomize=True)
def test_the_query_counts_as_a_loop_over_visitors(shop: tuple[list[Row], list[Row]]):
    with duckdb.connect() as connection:
        filled(connection, *shop)
        found = connection.execute(query("experiments.variants"), {"first": FIRST, "last": LAST}).fetchall()
        names = [column[0] for column in connection.description]
    shown = {(row[0], row[1]): dict(zip(names, row, strict=True)) for row in found}
    expected = counted(*shop)
    assert shown.keys() == expected.keys()
    for key, people in expected.items():
        row, kept = shown[key], [one for one in people if one["is_kept"]]
        assert (row["first_seen"], row["variant_visitors"]) == (len(people), len(kept))
        assert row["variant_impressions"] == sum(one["impressions"] for one in kept)
        assert row["variant_clicks"] == sum(one["clicks"] for one in kept)
        assert row["variant_buyers"] == sum(one["is_buyer"] for one in kept)
        assert row["variant_revenue"] == sum(one["revenue"] for one in kept)
        if len(kept) > 1:
            assert row["var_revenue"] == pytest.approx(np.var([float(one["revenue"]) for one in kept], ddof=1))
            covariance = np.cov([one["impressions"] for one in kept], [one["clicks"] for one in kept])
            found_here = [[row["var_impressions"], row["covariance"]], [row["covariance"], row["var_clicks"]]]
            assert np.allclose(found_here, covariance)


def counted(seen: list[Row], orders: list[Row]) -> dict[tuple[str, str], list[Row]]:
    """(Test, first variant) → its visitors in the week."""
    visits: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in seen:
        if FIRST <= row["dt"] <= LAST:
            visits[row["experiment"], row["person_id"]].append(row)
    variants: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for (experiment, person), rows in visits.items():
        first = min(rows, key=lambda row: (row["first_at"], row["variant"]))
        bought = [
            order["revenue"]
            for order in orders
            if order["user_id"] == person and order["ordered_at"] >= first["first_at"] and FIRST <= order["dt"] <= LAST
        ]
        variants[experiment, first["variant"]].append(
            {
                "is_kept": len({row["variant"] for row in rows}) == 1,
                "impressions": sum(row["impressions"] for row in rows),
                "clicks": sum(row["clicks"] for row in rows),
                "is_buyer": bool(bought),
                "revenue": sum(bought),
            }
        )
    return variants


# The page ----------------------------------------------------------------------------------------------


def site(folder: Path, visitors: dict[str, int], mixed: int = 0, config: str = "") -> Copy:
    """A copy with the test hero.

    *visitors* is the number of visitors of each variant; a third of them buys, and B is clicked more often.
    """
    seen: list[Row] = []
    orders: list[Row] = []
    for name, number in visitors.items():
        for nth in range(number):
            person, at = f"{name}{nth}", dt.datetime.combine(FIRST, dt.time(9))
            clicks = int(nth % 10 < (6 if name == "B" else 2))
            row = {"dt": FIRST, "person_id": person, "experiment": "hero", "variant": name, "first_at": at}
            seen.append(row | {"impressions": 2, "clicks": clicks})
            if nth < mixed:
                seen.append(seen[-1] | {"variant": "B", "first_at": at + dt.timedelta(hours=1)})
            if nth % 3 == 0:
                order = {"order_id": f"o{person}", "user_id": person, "ordered_at": at + dt.timedelta(hours=2)}
                orders.append(order | {"revenue": Decimal(60 + nth % 7), "dt": FIRST})
    folder.mkdir(exist_ok=True)
    path = folder / "marts.duckdb"
    with duckdb.connect(str(path)) as connection:
        filled(connection, seen, orders)
        connection.execute("CREATE TABLE core.traffic_daily (dt DATE)")
        connection.execute("CREATE TABLE attribution.entrance_daily (dt DATE, entrance_id VARCHAR)")
        for table_name in ("core.traffic_daily (dt)", "attribution.entrance_daily (dt)"):
            connection.executemany(
                f"INSERT INTO {table_name} VALUES (?)", [(FIRST + dt.timedelta(days=nth),) for nth in range(7)]
            )
    tables = frozenset({*TABLES, "core.traffic_daily", "attribution.entrance_daily"})
    home = init_home(folder / "home")[0]
    if config:
        home.settings_file.write_text(config, encoding="utf-8")
    return Copy(home, CopyFile(path, "v", tables, {}, dt.datetime(2026, 11, 30, tzinfo=dt.UTC), True))


def cards(blocks: Sequence[Block]) -> list[Card]:
    return [card for block in flat(blocks) if isinstance(block, Cards) for card in block.cards]


def test_the_page_tells_the_differences_of_a_test(tmp_path):
    copy = site(tmp_path, {"A": 200, "B": 210})
    blocks = look_at(copy, f"/experiments?{WEEK}&lang=en&test=hero")[1]
    rows = table(blocks, "comparisons").rows
    assert [row["metric"] for row in rows] == [
        "variant_click_rate",
        "variant_conversion_rate",
        "variant_revenue_per_visitor",
    ]
    assert (rows[0]["control"], rows[0]["value"]) == pytest.approx((0.1, 0.3))
    assert rows[0]["difference"] == pytest.approx(0.2)
    assert rows[0]["low"] < 0.2 < rows[0]["high"]
    assert [row["verdict"] for row in rows] == ["better", "cannot tell", "cannot tell"]
    assert cards(blocks)[0].value == "+20.0 pp"
    assert cards(blocks)[0].verdict == "good"
    assert values(table(blocks, "variants"), "variant_visitors") == [200, 210]


@pytest.mark.parametrize(
    ("language", "better", "mismatch", "ways"),
    [
        ("en", "better", "Sample ratio mismatch", "ab/<test>/<variant>"),
        ("zh", "更好", "分流比例不符", "ab/实验名/版本名"),
    ],
)
def test_a_mismatched_test_has_no_verdict(tmp_path, language, better, mismatch, ways):
    address = f"/experiments?{WEEK}&lang={language}"
    good, bad = site(tmp_path / "good", {"A": 200, "B": 210}), site(tmp_path / "bad", {"A": 400, "B": 200})
    assert better in table(look_at(good, address)[1], "experiments").rows[0]["variant_click_rate"]
    assert not texts(look_at(good, f"{address}&test=hero")[1], "warning")
    blocks = look_at(bad, f"{address}&test=hero")[1]
    assert mismatch in texts(blocks, "warning")[0].text
    said = [row["verdict"] for row in table(blocks, "comparisons").rows] + [card.note for card in cards(blocks)]
    said += list(table(look_at(bad, address)[1], "experiments").rows[0].values())
    assert not any(better in str(one) for one in said)
    assert {card.value for card in cards(blocks)} == {"–"}
    empty = look_at(good, f"/experiments?from=2026-11-08&to=2026-11-08&lang={language}")[1]
    assert ways in texts(empty, "missing")[0].text


def test_a_planned_split_is_no_mismatch(tmp_path):
    config = "experiments: {plans: {hero: {split: {A: 2, B: 1}}}}\n"
    copy = site(tmp_path, {"A": 400, "B": 200}, config=config)
    blocks = look_at(copy, f"/experiments?{WEEK}&lang=en&test=hero")[1]
    assert not texts(blocks, "warning")
    assert values(table(blocks, "variants"), "planned_share") == pytest.approx([2 / 3, 1 / 3])


def test_visitors_of_several_variants_are_told_apart(tmp_path):
    copy = site(tmp_path, {"A": 200, "B": 200}, mixed=10)
    blocks = look_at(copy, f"/experiments?{WEEK}&lang=en&test=hero")[1]
    assert values(table(blocks, "variants"), "variant_visitors") == [190, 200]
    assert values(table(blocks, "variants"), "first_seen") == [200, 200]
    assert "10 (2.50%)" in " ".join(one.text for one in texts(blocks, "note"))


# Coverage ----------------------------------------------------------------------------------------------

MEASURES: tuple[Measure, ...] = ("click_rate", "conversion", "revenue")


def coverage(rng: np.random.Generator, tests: int, visitors: int, rate: float, buys: float) -> dict[str, float]:
    """Measure → the share of intervals that contain the planted difference."""
    covered = dict.fromkeys(MEASURES, 0)
    mean = math.exp(4 + 0.8**2 / 2)
    for _ in range(tests):
        lift, more = rng.choice([0.8, 1.0, 1.3], 2)
        test, control = drawn(rng, visitors, rate * lift, buys * more), drawn(rng, visitors, rate, buys)
        truth = (rate * (lift - 1), buys * (more - 1), mean * buys * (more - 1))
        for measure, planted in zip(MEASURES, truth, strict=True):
            interval = compare(measure, test, control)
            assert interval.low is not None
            assert interval.high is not None
            covered[measure] += bool(interval.low <= planted <= interval.high)
    return {measure: number / tests for measure, number in covered.items()}


def test_intervals_of_200_tests_cover_the_planted_effects():
    shares = coverage(np.random.default_rng(20_261), 200, 1500, 0.1, 0.15)
    print(shares)
    assert all(0.90 <= share <= 0.99 for share in shares.values())


@pytest.mark.real
@pytest.mark.parametrize(("visitors", "rate", "buys"), [(400, 0.1, 0.15), (1500, 0.05, 0.05), (5000, 0.02, 0.02)])
def test_intervals_cover_whatever_the_shop(visitors, rate, buys):
    shares = coverage(np.random.default_rng(visitors), 1000, visitors, rate, buys)
    print(f"{visitors} visitors a variant, click rate {rate}, conversion {buys}: {shares}")
    assert all(0.90 <= share <= 0.99 for share in shares.values())
