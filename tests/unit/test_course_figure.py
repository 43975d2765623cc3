"""Line charts over days, and figures in the dark theme."""

from __future__ import annotations

import datetime as dt
import json
import re

import polars as pl

from dashboards.figures.course import course, courses, not_drawn
from dashboards.figures.look import INK, PAPER
from dashboards.figures.themes import DARK_INK, DARK_PAPER, dark, light_again
from dashboards.locale import Locale

EN = Locale("en", "CNY")
START = dt.date(2026, 5, 1)


def frame(values: list[float | None], **more: object) -> pl.DataFrame:
    days = [START + dt.timedelta(days=n) for n in range(len(values))]
    return pl.DataFrame({"dt": days, "revenue": values, **more}, schema_overrides={"revenue": pl.Float64})


def test_a_day_without_a_value_is_a_gap_and_not_zero():
    figure = course(EN, frame([1.0, None, 0.0]), "revenue")
    assert list(figure.data[0].y) == [1.0, None, 0.0]


def test_compared_days_stand_below_the_days_shown():
    figure = course(EN, frame([1.0, 2.0]), "revenue", frame([3.0, None]))
    assert list(figure.data[0].x) == list(figure.data[1].x) == [0, 1]
    assert figure.layout.showlegend


def test_over_many_days_the_named_ones_are_of_one_weekday():
    axis = course(EN, frame([1.0] * 365), "revenue").layout.xaxis
    assert len(axis.tickvals) <= 9
    assert len({place % 7 for place in axis.tickvals}) == 1


def test_no_days_and_no_values_make_a_figure():
    assert course(EN, frame([]), "revenue").layout.height
    assert course(EN, frame([None]), "revenue").layout.height


def test_several_have_a_line_each_that_differs_without_colour():
    rows = pl.concat([frame([1.0, 2.0], key=["a", "a"]), frame([5.0], key=["b"])])
    figure = courses(EN, rows, "revenue", {"a": "<b>A</b>", "b": "B"})
    assert [list(trace.y) for trace in figure.data] == [[1.0, 2.0], [5.0, 0.0]]
    assert figure.data[0].line.dash != figure.data[1].line.dash
    assert "<b>A</b>" not in figure.data[0].name


def test_further_lines_of_a_sum_are_one_line():
    rows = pl.concat([frame([float(n), 10.0 * n], key=[f"k{n}"] * 2) for n in range(9)])
    names = {f"k{n}": f"K{n}" for n in reversed(range(9))}
    figure = courses(EN, rows, "revenue", names)
    # "Other" is the sum of k1 and k2; k0 has no values above 0, so it is not counted.
    assert [trace.name for trace in figure.data] == [*(f"K{n}" for n in (8, 7, 6, 5, 4, 3)), "Other (2)"]
    assert list(figure.data[-1].y) == [3.0, 30.0]
    days = zip(*(trace.y for trace in figure.data), strict=True)
    assert [sum(day) for day in days] == [36.0, 360.0]
    assert not_drawn(EN, "revenue", 9) == ()
    assert "其他（2）" in [trace.name for trace in courses(Locale("zh", "CNY"), rows, "revenue", names).data]


def test_further_lines_of_a_ratio_are_not_summed():
    rows = pl.concat([frame([float(n)], key=[f"k{n}"]) for n in range(8)])
    for metric in ("cart_rate", "orders", "visitors"):
        figure = courses(EN, rows.rename({"revenue": metric}), metric, {f"k{n}": f"K{n}" for n in range(8)})
        assert [trace.name for trace in figure.data] == [f"K{n}" for n in range(6)]
        assert [note.split()[:2] for note in not_drawn(EN, metric, 8)] == [["first", "6"]]
        assert not_drawn(EN, metric, 6) == ()


def test_orders_that_a_model_divides_are_summed():
    rows = pl.concat([frame([float(n)], key=[f"k{n}"]) for n in range(1, 9)]).rename({"revenue": "orders"})
    figure = courses(EN, rows, "orders", {f"k{n}": f"K{n}" for n in range(1, 9)}, is_credit=True)
    assert sum(trace.y[0] for trace in figure.data) == 36
    assert not_drawn(EN, "orders", 8, is_credit=True) == ()


def test_a_rate_without_a_row_of_its_day_is_a_gap():
    rows = pl.concat([frame([0.1, 0.2], key=["a", "a"]), frame([0.5], key=["b"])]).rename({"revenue": "cart_rate"})
    figure = courses(EN, rows, "cart_rate", {"b": "B"})
    assert list(figure.data[0].y) == [0.5, None]


def test_in_the_dark_no_light_paper_and_no_dark_ink_are_left():
    said = str(dark(course(EN, frame([1.0, 2.0]), "revenue", frame([3.0, 1.0])))).lower()
    assert PAPER not in said
    assert INK not in said
    assert DARK_PAPER in said
    assert DARK_INK in said


def test_a_dark_figure_is_printed_in_the_light_colours():
    figure = course(EN, frame([1.0, 2.0]), "revenue", frame([3.0, 1.0]))
    figure.add_annotation(text="own colour", font={"color": "#8a1a8f"})
    colors = re.compile(r"#[0-9a-f]{6}|rgba\(\d+,\d+,\d+", re.IGNORECASE)
    light = light_again(figure)
    again = colors.sub(lambda found: light.get(found[0].lower(), found[0]), json.dumps(dark(figure), default=list))
    assert sorted(colors.findall(again)) == sorted(colors.findall(figure.to_json()))
    assert "#8a1a8f" in again
