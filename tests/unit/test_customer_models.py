"""The customer models' SQL on made-up sales: its rows equal the reference implementation's.

The scores also have the documented properties.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from math import isclose
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given

from pipelines.home.folder import Home, init_home
from pipelines.home.settings import Settings
from tests.reference_customers import STAGES, Row, Sales, lifecycle, migration, rfm
from tests.sql_models import computed
from tests.strategies_customers import LAST_DAY, sales, tried

WINDOW = 30
COMPARED = 14
SETTINGS = Settings.model_validate(
    {
        "rfm": {"window_days": WINDOW, "compare_days": COMPARED},
        "lifecycle": {"period_days": 7, "churned_days": 20, "history_days": 45},
    }
)
METRICS = {"r": "recency_days", "f": "frequency", "m": "monetary"}
RFM = ["customers.rfm_values", "customers.rfm_thresholds", "customers.rfm", "customers.rfm_daily"]


def of(names: list[str], made_up: Sales, days: list[dt.date], options: Settings = SETTINGS) -> dict[str, list[Row]]:
    given_tables = {"core.order_lines": made_up.lines, "core.refunds": made_up.refunds}
    return computed(names, given_tables, days, options)


@tried(2)
@given(sales())
def test_scores_octants_and_segments_equal_the_restatement(made_up: Sales) -> None:
    found = of(RFM, made_up, [LAST_DAY])
    assert found["customers.rfm"] == rfm(made_up, LAST_DAY, WINDOW)
    for kind in ("octant", "segment"):
        counts: dict[str, int] = defaultdict(int)
        money: dict[str, Decimal] = defaultdict(Decimal)
        for customer in found["customers.rfm"]:
            counts[customer[kind]] += 1
            money[customer[kind]] += customer["net_revenue"]
        rows = [row for row in found["customers.rfm_daily"] if row["kind"] == kind]
        assert {row["key"]: row["customers"] for row in rows if row["customers"]} == counts
        assert {row["key"]: row["net_revenue"] for row in rows if row["customers"]} == money


@tried(2)
@given(sales())
def test_a_better_value_has_no_lower_score_an_equal_the_same(made_up: Sales) -> None:
    customers = of(RFM[:3], made_up, [LAST_DAY])["customers.rfm"]
    for axis, metric, sign in (("r", "recency_days", -1), ("f", "frequency", 1), ("m", "monetary", 1)):
        ranked = sorted((sign * customer[metric], customer[f"{axis}_score"]) for customer in customers)
        assert [score for _, score in ranked] == sorted(score for _, score in ranked)
        assert len(dict(ranked)) == len(set(ranked)), "equal values have different scores"


@tried(1)
@given(sales())
def test_money_times_a_constant_changes_no_octant(made_up: Sales) -> None:
    def times(rows: list[Row], names: tuple[str, ...]) -> list[Row]:
        return [{**row, **{name: row[name] * 7 for name in names}} for row in rows]

    scaled = Sales(times(list(made_up.lines), ("revenue",)), times(list(made_up.refunds), ("amount",)))
    before, after = (of(RFM[:3], each, [LAST_DAY])["customers.rfm"] for each in (made_up, scaled))
    assert [row["octant_code"] for row in before] == [row["octant_code"] for row in after]
    assert [row["m_score"] for row in before] == [row["m_score"] for row in after]


@tried(2)
@given(sales())
def test_migrations_equal_the_restatement_and_lose_nobody(made_up: Sales) -> None:
    earlier = LAST_DAY - dt.timedelta(days=COMPARED)
    found = of([*RFM[:3], "customers.rfm_migration"], made_up, [earlier, LAST_DAY])
    moves = [row for row in found["customers.rfm_migration"] if row["dt"] == LAST_DAY]
    before, now = rfm(made_up, earlier, WINDOW), rfm(made_up, LAST_DAY, WINDOW)
    assert {(m["kind"], m["from_key"], m["to_key"]): m["customers"] for m in moves} == migration(before, now)
    for kind in ("octant", "segment") if before else ():
        rows = [move for move in moves if move["kind"] == kind]
        assert sum(move["customers"] for move in rows if move["from_key"] != "(new)") == len(before)
        assert sum(move["customers"] for move in rows if move["to_key"] != "(left)") == len(now)


@tried(2)
@given(sales())
def test_stages_equal_the_restatement(made_up: Sales) -> None:
    rows = of(["customers.lifecycle_daily"], made_up, [LAST_DAY])["customers.lifecycle_daily"]
    assert {row["stage"]: (row["customers"], row["revenue"]) for row in rows} == lifecycle(
        made_up, LAST_DAY, period=7, churned=20, history=45
    )
    assert [row["stage"] for row in rows] == sorted(STAGES)


@tried(2)
@given(sales())
def test_pareto_and_coverage_sum_to_the_sales(made_up: Sales) -> None:
    found = of(["customers.pareto", "customers.sales_coverage"], made_up, [LAST_DAY])
    lines = made_up.within(LAST_DAY, WINDOW)
    (coverage,) = found["customers.sales_coverage"]
    assert coverage["order_lines"] == len(lines)
    assert coverage["revenue"] == sum((line["revenue"] for line in lines), Decimal())
    unknown = [line for line in lines if line["user_id"] is None]
    assert (coverage["lines_without_user"], coverage["revenue_without_user"]) == (
        len(unknown),
        sum((line["revenue"] for line in unknown), Decimal()),
    )
    for kind, key in (("product", "product_id"), ("customer", "user_id")):
        members: dict[str, Decimal] = defaultdict(Decimal)
        measures: dict[str, Decimal] = defaultdict(Decimal)
        for line in lines:
            if line[key] is not None and (kind == "customer" or line["cost"] is not None):
                money = line["revenue"] - made_up.refunded(line, LAST_DAY)
                members[line[key]] += money
                measures[line[key]] += money - (line["cost"] if kind == "product" else 0)
        rows = [row for row in found["customers.pareto"] if row["kind"] == kind]
        assert sum(row["members"] for row in rows) == len(members)
        assert sum((row["net_revenue"] for row in rows), Decimal()) == sum(members.values(), Decimal())
        total = sum(measures.values(), Decimal())
        if total > 0:
            assert rows[-1]["cumulative_share"] == pytest.approx(1)
            best = sorted(measures.values(), reverse=True)[: rows[0]["members"]]
            share = Fraction(sum(best, Decimal())) / Fraction(total)
            assert rows[0]["cumulative_share"] == pytest.approx(float(share))
        else:
            assert {row["cumulative_share"] for row in rows} <= {None}


def line(order_id: str, user_id: str, day: dt.date, revenue: str = "10.00") -> Row:
    money = Decimal(revenue)
    return {
        "order_id": order_id,
        "line_no": 1,
        "user_id": user_id,
        "sku": "s",
        "product_id": "s",
        "revenue": money,
        "dt": day,
    }


def test_cohorts_do_not_judge_a_month_that_is_not_over():
    days = [dt.date(2026, 1, 5), dt.date(2026, 1, 9), dt.date(2026, 3, 2), dt.date(2026, 4, 10)]
    lines = [line("1", "a", days[0]), line("2", "b", days[1]), line("3", "a", days[2]), line("4", "a", days[3])]
    rows = of(["customers.cohorts"], Sales(lines, []), [LAST_DAY])["customers.cohorts"]
    january = [(r["months_since"], r["customers"], r["retained"], r["retention_rate"], r["revenue"]) for r in rows]
    assert january == [
        (0, 2, 2, 1.0, Decimal("20.00")),
        (1, 2, 0, 0.0, Decimal("0.00")),
        (2, 2, 1, 0.5, Decimal("10.00")),
        (3, 2, None, None, None),
    ]
    over = [*lines, line("5", "c", dt.date(2026, 4, 30))]
    rows = of(["customers.cohorts"], Sales(over, []), [LAST_DAY])["customers.cohorts"]
    assert [row["retained"] for row in rows if row["cohort_month"] == dt.date(2026, 1, 1)] == [2, 0, 1, 1]


def test_refunds_count_from_the_day_on_which_they_are_made():
    sold, refunded = LAST_DAY - dt.timedelta(days=5), LAST_DAY - dt.timedelta(days=2)
    refund = {"refund_id": "r", "order_id": "1", "line_no": 1, "user_id": "a", "amount": Decimal(30), "dt": refunded}
    made_up = Sales([line("1", "a", sold, "20.00")], [refund])
    rows = of(RFM[:1], made_up, [sold, LAST_DAY])["customers.rfm_values"]
    assert [(row["monetary"], row["frequency"], row["recency_days"]) for row in rows] == [
        (Decimal("20.00"), 1, 0),
        (Decimal("-10.00"), 1, 5),
    ]


def test_frequency_may_count_days_and_money_be_a_mean():
    options = Settings.model_validate({"rfm": {"frequency": "days", "monetary": "mean"}})
    lines = [line("1", "a", LAST_DAY, "10.00"), line("2", "a", LAST_DAY, "10.01"), line("3", "a", LAST_DAY, "10.00")]
    (row,) = of(RFM[:1], Sales(lines, []), [LAST_DAY], options)["customers.rfm_values"]
    assert (row["frequency"], row["orders"]) == (1, 3)
    assert row["monetary"] == Decimal("10.0033")


@pytest.mark.parametrize("customers", [0, 1, 7])
def test_nobody_one_customer_and_all_equal(customers):
    lines = [line(str(n), f"u{n}", LAST_DAY) for n in range(customers)]
    found = of([*RFM, "customers.pareto", "customers.lifecycle_daily"], Sales(lines, []), [LAST_DAY])
    assert len(found["customers.rfm"]) == customers
    assert {row["octant_code"] for row in found["customers.rfm"]} == ({"100"} if customers else set())
    assert {row["r_score"] for row in found["customers.rfm"]} == ({3} if customers else set())
    for rows in found.values():
        for row in rows:
            assert all(value == value and abs(value) != float("inf") for value in row.values() if _is_float(value))


def _is_float(value: object) -> bool:
    return isinstance(value, float)


def with_threshold(folder: Path, axes: str, threshold: str) -> Home:
    """A home in *folder* whose octants split each of *axes* at *threshold*, and the other axes at the mean."""
    home, _ = init_home(folder)
    path = home.config / "matrices.yaml"
    text = path.read_text(encoding="utf-8")
    for metric in map(METRICS.__getitem__, axes):
        assert f"metric: {metric}, threshold: mean" in text
        text = text.replace(f"metric: {metric}, threshold: mean", f"metric: {metric}, threshold: {threshold}")
    path.write_text(text, encoding="utf-8")
    return home


def thresholds_and_customers(home: Home, made_up: Sales) -> tuple[dict[str, Row], list[Row]]:
    """Axis → its row of customers.rfm_thresholds, and the rows of customers.rfm, both for the sales *made_up*."""
    tables = {"core.order_lines": made_up.lines, "core.refunds": made_up.refunds}
    found = computed(RFM[:3], tables, [LAST_DAY], SETTINGS, home)
    return {row["axis"]: row for row in found["customers.rfm_thresholds"]}, found["customers.rfm"]


@pytest.mark.parametrize("percent", [None, 0, 7, 12.5, 29, 50, 80, 99.9, 100])
def test_median_and_percentiles_are_numpys_linear_ones(tmp_path, percent):
    home = with_threshold(tmp_path / "shop", "rfm", "median" if percent is None else f"{{percentile: {percent}}}")
    for seed in range(6):
        random = Random(f"{percent}-{seed}")
        lines = [
            line(
                str(n), f"u{random.randrange(1 + 7 * seed)}", LAST_DAY - dt.timedelta(days=random.randrange(25)), money
            )
            for n in range(1 + 9 * seed)
            for money in [random.choice(["1.00", "1.00", "0.00", "10.10", "99999999.9900"])]
        ]
        thresholds, customers = thresholds_and_customers(home, Sales(lines, []))
        for axis, row in thresholds.items():
            values = [float(customer[METRICS[axis]]) for customer in customers]
            expected = float(np.percentile(values, 50 if percent is None else percent, method="linear"))
            assert row["value"] == pytest.approx(expected, rel=1e-12)
            beyond = sum(value > expected and not isclose(value, expected) for value in values)
            high = len(values) - beyond if axis == "r" else beyond
            assert (row["low"], row["high"], row["customers"]) == (len(values) - high, high, len(values))
            assert sum(customer[f"{axis}_high"] for customer in customers) == high
        assert thresholds.keys() == METRICS.keys()


@pytest.mark.parametrize(
    ("axis", "threshold", "value", "high"),
    [
        ("m", "{fixed: 20}", 20, ["b"]),  # a value is high if it is above the threshold, not if it equals it
        ("m", "{fixed: 0}", 0, ["a", "b", "d"]),
        ("m", "{fixed: -10}", -10, ["a", "b", "d"]),
        ("r", "{fixed: 5}", 5, ["a", "b"]),  # recency (days since the last order) is high at or below the threshold
        ("r", "{fixed: -1}", -1, []),
        ("f", "{fixed: 1}", 1, ["d"]),
        ("f", "{fair_share: 1.6}", 2, []),
        ("m", "{fair_share: 1}", 20, ["b"]),
        ("m", "{weighted_mean: frequency}", 20, ["b"]),
        ("r", "{weighted_mean: monetary}", 3.875, ["a"]),
    ],
)
def test_thresholds_of_other_kinds(tmp_path, axis, threshold, value, high):
    home = with_threshold(tmp_path / "shop", axis, threshold)
    days = [LAST_DAY - dt.timedelta(days=n) for n in (0, 5, 6, 29)]
    lines = [line("1", "a", days[0], "20"), line("2", "b", days[1], "50"), line("3", "c", days[2], "0")]
    lines += [line("4", "d", days[2], "5"), line("5", "d", days[3], "15")]
    refunds = [{**line("3", "c", days[0]), "refund_id": "r", "amount": Decimal(10)}]
    thresholds, customers = thresholds_and_customers(home, Sales(lines, refunds))
    row = thresholds[axis]
    assert row["value"] == pytest.approx(value)
    assert [customer["user_id"] for customer in customers if customer[f"{axis}_high"]] == high
    assert (row["high"], row["low"]) == (len(high), 4 - len(high))


def test_without_anything_to_weigh_by_all_are_low(tmp_path):
    home = with_threshold(tmp_path / "shop", "f", "{weighted_mean: monetary}")
    lines = [line("1", "a", LAST_DAY, "0"), line("2", "b", LAST_DAY, "0")]
    thresholds, customers = thresholds_and_customers(home, Sales(lines, []))
    row = thresholds["f"]
    assert (row["value"], row["low"], row["high"]) == (None, 2, 0)
    assert [(customer["f_high"], customer["octant_code"][1]) for customer in customers] == [(False, "0")] * 2


def test_the_window_holds_its_first_day_and_not_the_day_before():
    first = LAST_DAY - dt.timedelta(days=WINDOW - 1)
    before = first - dt.timedelta(days=1)
    lines = [line("1", "in", first), line("2", "out", before), line("3", "in", before)]
    refunds = [
        {**line(order, user, LAST_DAY), "refund_id": order, "amount": Decimal(1)}
        for order, user in [("2", "out"), ("3", "in")]
    ]
    (row,) = of(RFM[:1], Sales(lines, refunds), [LAST_DAY])["customers.rfm_values"]
    assert (row["user_id"], row["first_paid_on"], row["recency_days"]) == ("in", first, WINDOW - 1)
    assert (row["frequency"], row["monetary"]) == (1, Decimal(10)), (
        "a refund of what was bought before the window counts"
    )


def test_a_refund_of_nobodys_line_is_nobodys():
    lines = [line("1", "a", LAST_DAY), {**line("2", "a", LAST_DAY), "user_id": None}]
    refunds = [{**lines[1], "refund_id": "r", "amount": Decimal(3)}]
    (row,) = of(RFM[:1], Sales(lines, refunds), [LAST_DAY])["customers.rfm_values"]
    assert (row["user_id"], row["orders"], row["net_revenue"]) == ("a", 1, Decimal(10))


def test_a_day_without_customers_has_its_octants_and_segments():
    nobodys = {**line("1", "", LAST_DAY), "user_id": None}
    rows = of(RFM, Sales([nobodys], []), [LAST_DAY])["customers.rfm_daily"]
    assert len(rows) == 8 + 11
    assert {(row["customers"], row["orders"], row["net_revenue"]) for row in rows} == {(0, 0, Decimal(0))}


def test_pareto_takes_off_only_refunds_made_by_the_day():
    made_on = LAST_DAY - dt.timedelta(days=2)
    lines = [{**line("1", "a", made_on, "10.00"), "cost": Decimal(4)}]
    refunds = [{**lines[0], "refund_id": "r", "amount": Decimal(10), "dt": LAST_DAY}]
    rows = of(["customers.pareto"], Sales(lines, refunds), [made_on, LAST_DAY])["customers.pareto"]
    assert [(row["kind"], row["net_revenue"], row["margin"]) for row in rows] == [
        ("customer", Decimal(10), Decimal(6)),
        ("product", Decimal(10), Decimal(6)),
        ("customer", Decimal(0), Decimal(-4)),
        ("product", Decimal(0), Decimal(-4)),
    ]
