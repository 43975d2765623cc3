"""Figures of touchpoints: what they draw, and how they tell models and small samples apart without colour."""

from __future__ import annotations

import pytest

from dashboards.figures.touch import distribution, effect_intervals, share_ranges
from dashboards.locale import Locale
from dashboards.sections.touch import TOUCH_MODELS, Credits, credits_of, models_of

EN = Locale("en", "CNY")


def test_shares_have_a_symbol_for_each_model_and_a_range():
    shares = {model: [0.1 * place, None] for place, model in enumerate(models_of("slot"))}
    figure = share_ranges(EN, ["a", "b"], shares, ["", ""])
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    marks = [trace for trace in figure.data if trace.mode == "markers"]
    # Only a has a line. b has no share in any model, and so no line.
    assert [list(line.x) for line in lines] == [[0, pytest.approx(0.7)]]
    assert len({trace.marker.symbol for trace in marks}) == len(marks) == len(models_of("slot"))
    assert list(figure.layout.yaxis.ticktext) == ["a", "b"]


def test_a_model_looks_the_same_beside_entrance_attribution():
    def look(kind: str) -> dict[str, tuple[str, str]]:
        drawn = share_ranges(EN, ["a"], {model: [0.5] for model in models_of(kind)}, [""]).data
        return {trace.name: (trace.marker.symbol, trace.marker.color) for trace in drawn if trace.mode == "markers"}

    assert look("channel").items() < look("entrance").items()


def test_intervals_reach_low_to_high_small_samples_are_hollow():
    effects = [(0.5, 0.4, 0.7), (-0.1, -0.3, 0.05), (0.2, None, None)]
    trace = effect_intervals(EN, "shapley_rate", ["a", "b", "c"], effects, [False, True, False], ["", "", ""]).data[0]
    assert list(trace.error_x.array) == pytest.approx([0.2, 0.15, 0])
    assert list(trace.error_x.arrayminus) == pytest.approx([0.1, 0.2, 0])
    assert list(trace.marker.symbol) == ["circle", "circle-open", "circle"]


def test_a_distribution_has_the_comparison_as_a_line():
    figure = distribution(EN, "orders", "Days", ["0", "1"], [3, 0], [1, 2])
    assert [(trace.type, list(trace.y)) for trace in figure.data] == [("bar", [3, 0]), ("scatter", [1, 2])]
    assert len(distribution(EN, "orders", "Days", ["0", "1"], [3, 0]).data) == 1


def test_the_last_bar_of_a_distribution_has_its_label():
    figure = distribution(EN, "orders", "Touches", [*map(str, range(1, 20)), "20+"], [1] * 20)
    narrow = figure.layout.meta["narrow"]
    for places, names in (
        (figure.layout.xaxis.tickvals, figure.layout.xaxis.ticktext),
        (narrow["xaxis.tickvals"], narrow["xaxis.ticktext"]),
    ):
        assert dict(zip(places, names, strict=True))[19] == "20+"


def made(shares: dict[str, dict[str, float]]) -> Credits:
    """Credits of channels whose sales by each model are *shares*: model → channel → sales."""
    found = [
        {
            "model": model, "touchpoint": key, "revenue": amount, "revenue_before": 0.0, "total": sum(own.values()),
            "share": amount / sum(own.values()), "is_equal": True,
        }
        for model, own in shares.items()
        for key, amount in own.items()
    ]  # fmt: skip
    return credits_of(EN, "channel", found, {})


def test_a_model_that_gives_nothing_counts_in_the_spread():
    credits = made({model: {"a": 1.0} for model in TOUCH_MODELS} | {"last": {"a": 0.25, "b": 0.75}})
    rows = {row["touchpoint"]: row for row in credits.rows}
    assert (rows["a"]["spread"], rows["a"]["lowest"]) == (0.75, "last")
    assert (rows["b"]["spread"], rows["b"]["highest"], rows["b"]["first"]) == (0.75, "last", 0.0)


def test_a_model_without_any_sales_is_left_out_of_the_spread():
    row = made({"first": {"a": 2.0}, "last": {"a": 2.0}}).rows[0]
    assert row["spread"] == 0
