"""Formatting numbers for readers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.blocks import Table
from dashboards.columns import change, metric
from dashboards.locale import Locale
from dashboards.metrics import card_text, column_text
from dashboards.numbers import NONE, Numbers

EN, ZH = Numbers("en", "USD"), Numbers("zh", "CNY")


@pytest.mark.parametrize(
    ("value", "english", "chinese"),
    [
        (0, "0", "0"),
        (7, "7", "7"),
        (3.14159, "3.14", "3.14"),
        (0.5, "0.5", "0.5"),
        (9999, "9,999", "9,999"),
        (10_000, "10K", "1万"),
        (20_799.76, "20.8K", "2.08万"),
        (999_499, "999K", "99.9万"),
        (999_999, "1M", "100万"),
        (12_345_678, "12.3M", "1235万"),
        (123_456_789, "123M", "1.23亿"),
        (9_876_543_210, "9.88B", "98.8亿"),
        (-20_799.76, "−20.8K", "−2.08万"),
    ],
)
def test_large_numbers_have_three_digits_and_a_unit(value, english, chinese):
    assert (EN.short(value), ZH.short(value)) == (english, chinese)


def test_money_has_its_sign_before_it():
    assert (EN.money(20_799.76), ZH.money(20_799.76)) == ("$20.8K", "¥2.08万")
    assert (EN.money(4202.6), EN.money(20.594), EN.money(0), EN.money(0.001)) == ("$4,203", "$20.6", "$0", "$<0.01")
    assert EN.money(-5533.2) == "−$5,533"
    assert EN.full_money(-5533.2) == "−$5,533.20"
    assert Numbers("en", "XAU").money(12) == "XAU 12"
    assert Numbers("zh", "USD").money(12) == "$12"
    assert [Numbers("en", code).money(12) for code in ("CNY", "AUD", "JPY", "CHF")] == ["¥12", "A$12", "¥12", "CHF 12"]
    assert [Numbers("zh", code).money(12) for code in ("EUR", "BRL", "JPY", "XXX")] == [
        "€12",
        "R$12",
        "JP¥12",
        "XXX 12",
    ]


def test_percentages_have_three_digits():
    shares = (0, 1, 0.27, 0.081, 0.00173, 0.00001, 2.9, -0.359, 0.9999)
    assert [EN.percent(share) for share in shares] == [
        "0%",
        "100%",
        "27.0%",
        "8.10%",
        "0.17%",
        "<0.01%",
        "290%",
        "−35.9%",
        "100%",
    ]
    assert [EN.round_percent(share) for share in (0, 0.2, -0.05, 1)] == ["0%", "20%", "−5%", "100%"]


def test_changes_have_their_sign_and_need_a_base():
    assert (EN.change(110, 100), EN.change(90, 100), EN.change(100, 100)) == ("+10.0%", "−10.0%", "0%")
    assert (EN.change(5, 0), EN.change(5, None), EN.change(None, 5)) == (NONE, NONE, NONE)
    assert EN.change(1, -1) == "+200%"  # from a loss to a gain, the change is positive
    assert (EN.points(0.362, 0.312), EN.points(0.3, 0.5), EN.points(0.3, None)) == ("+5.00", "−20.0", NONE)
    assert EN.points(0.30001, 0.3) == EN.points(0.3, 0.30001) == EN.points(0.3, 0.3) == "0.00"


@pytest.mark.parametrize("absent", [None, math.nan, math.inf, -math.inf])
def test_what_is_not_there_is_a_dash(absent):
    written = [EN.short, EN.full, EN.money, EN.full_money, EN.percent, EN.full_percent]
    assert [write(absent) for write in written] == [NONE] * len(written)
    assert EN.change(absent, 1) == EN.change(1, absent) == EN.points(absent, 1) == NONE


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_any_number_can_be_written(value):
    for numbers in (EN, ZH):
        for write in (numbers.short, numbers.full, numbers.money, numbers.full_money, numbers.percent):
            assert "nan" not in write(value)
            assert "inf" not in write(value)
            assert "e+" not in write(value)


@pytest.mark.parametrize(
    ("language", "name", "values", "said"),
    [
        ("zh", "revenue", [12345.6, 2302, 5.32, 0, None, 0.2], ["¥12,346", "¥2,302", "¥5", "¥0", "–", "¥<1"]),
        ("en", "revenue", [926.12, 5.3, -0.01], ["¥926.1", "¥5.3", "−¥<0.1"]),
        ("zh", "revenue", [1_234_567, 2302, -5.32], ["¥123.5万", "¥0.2万", "−¥<0.1万"]),
        ("en", "revenue", [1_234_567, 99_950, 40], ["¥1,234.6K", "¥100.0K", "¥<0.1K"]),
        ("en", "impressions", [250_000_000, 1_000_000], ["250.0M", "1.0M"]),
        ("zh", "impressions", [250_000_000, 1_000_000], ["25,000.0万", "100.0万"]),
        ("zh", "impressions", [7, 12_345, math.nan], ["7", "12,345", "–"]),
        ("en", "units_per_order", [1.7, 1.674, 2], ["1.70", "1.67", "2.00"]),
        ("en", "slot_click_rate", [0.27, 0.081, -1.39, 0.0001, None], ["27.0%", "8.1%", "−139.0%", "<0.1%", "–"]),
        ("en", "slot_click_rate", [0.081, 0.0017], ["8.10%", "0.17%"]),
        ("en", "revenue", [], []),
    ],
)
def test_values_of_a_column_share_unit_and_decimals(language, name, values, said):
    write = column_text(Numbers(language, "CNY"), name, values)
    assert [write(value) for value in values] == said


@pytest.mark.parametrize(
    ("language", "name", "value", "said"),
    [
        ("en", "revenue", 20_799.76, "¥20,800"),
        ("zh", "revenue", 1_234_567, "¥123.5万"),
        ("en", "visitors", 20_799, "20,799"),
        ("en", "units_per_order", 1.674, "1.67"),
        ("en", "slot_click_rate", 0, "0%"),
        ("zh", "visitors", None, "–"),
    ],
)
def test_a_card_has_the_digits_of_its_column(language, name, value, said):
    numbers = Numbers(language, "CNY")
    assert card_text(numbers, name, value) == said
    assert name == "slot_click_rate" or column_text(numbers, name, [value, 0])(value) == said


def test_a_tables_columns_are_written_alike_with_its_total():
    locale = Locale("zh", "CNY")
    rows = [{"revenue": 600_000.0, "revenue_before": 500_000.0}, {"revenue": 700.0, "revenue_before": 1400.0}]
    columns = [metric(locale, "revenue"), change(locale, "revenue")]
    total = {"revenue": 600_700.0, "revenue_before": 501_400.0}
    shown = Table("t", "", columns, rows, total=total).columns
    assert [[column.cell(row) for column in shown] for row in (*rows, total)] == [
        ["¥600,000", "▲ +20.0%"],
        ["¥700", "▼ −50.0%"],
        ["¥600,700", "▲ +19.8%"],
    ]
    large = Table("t", "", columns, rows, total={"revenue": 6_000_000.0, "revenue_before": 1.0}).columns
    assert [large[0].cell(row) for row in rows] == ["¥60.0万", "¥0.1万"]
    assert large[0].full(rows[1]) == "¥700.00"


def test_differences_of_rates_in_a_column_share_decimals():
    locale = Locale("en", "CNY")
    rates = ((0.3, 0.1), (0.1, 0.15), (0.1, 0.1))
    rows = [{"slot_click_rate": now, "slot_click_rate_before": then} for now, then in rates]
    shown = Table("t", "", [change(locale, "slot_click_rate")], rows).columns[0]
    assert [shown.cell(row) for row in rows] == ["▲ +20.0 pp", "▼ −5.0 pp", "0.0 pp"]
