"""The customer models' SQL on made-up sales: equal to the restatement, and true to what is promised of scores."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given

from pipelines.settings import Settings
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
def test_a_better_value_never_has_a_lower_score_and_an_equal_one_the_same(made_up: Sales) -> None:
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
    for kind, key in (("product", "sku"), ("customer", "user_id")):
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
    return {"order_id": order_id, "line_no": 1, "user_id": user_id, "sku": "s", "revenue": money, "dt": day}


def test_cohorts_count_who_bought_again_and_do_not_judge_a_month_that_is_not_over():
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
