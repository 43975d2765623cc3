"""Figures (charts) of hand-made data frames, and of almost empty ones."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
import polars as pl
import pytest

from dashboards.figures.assortment import abc_xyz, sales_classes
from dashboards.figures.customers import group_shares, lifecycle, pareto, rfm_heat
from dashboards.figures.ground import STRIP
from dashboards.figures.labels import Box, place_labels
from dashboards.figures.lifetime_value import expected_value
from dashboards.figures.look import QUADRANT_COLORS, QUADRANT_SHAPES, darker
from dashboards.figures.points import Matrix
from dashboards.figures.quadrants import quadrant_chart
from dashboards.figures.retention import retention_curve, retention_triangle
from dashboards.figures.sales import entrance_revenue, entrance_value, revenue_trend, slot_revenue
from dashboards.figures.tables import LEFT, NEW, cohort_triangle, migration_grid
from dashboards.figures.treemap import group_tiles
from dashboards.locale import Locale

EN, ZH = Locale("en", "USD"), Locale("zh", "CNY")
DAY = dt.date(2026, 3, 7)
EVIL = "<b>x</b> & <a href='https://example.com'>y</a>"
MATRIX = Matrix(
    "exposures",
    "margin_rate",
    {"11": "Star", "10": "Traffic", "01": "Potential", "00": "Dog"},
    {"star": "Star", "traffic": "Traffic", "potential": "Potential", "dog": "Dog", "unknown": "Unknown"},
)


def texts(figure: go.Figure) -> list[str]:
    return [note.text for note in figure.layout.annotations]


def product(product_id: str, x: float | None, y: float | None, revenue: float = 10.0, **more: Any) -> dict[str, Any]:
    x_high, y_high = None if x is None else x > 100, None if y is None else y > 0.3
    keys = {(True, True): "star", (True, False): "traffic", (False, True): "potential", (False, False): "dog"}
    return {
        "product_id": product_id,
        "name": f"Mug {product_id}",
        "x_value": x,
        "y_value": y,
        "x_threshold": 100.0,
        "y_threshold": 0.3,
        "x_high": x_high,
        "y_high": y_high,
        "quadrant": keys.get((x_high, y_high), "unknown"),
        "previous_quadrant": None,
        "has_moved": False,
        "is_borderline": False,
        "is_small_sample": False,
        "revenue": revenue,
    } | more


def products(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), infer_schema_length=None)


FOUR = products(
    product("a", 200.0, 0.5, 400.0),
    product("b", 300.0, 0.1, 100.0, is_small_sample=True),
    product("c", 50.0, 0.4, 25.0, previous_quadrant="dog", has_moved=True),
    product("d", 20.0, 0.2, 0.0),
)


# Matrices -----------------------------------------------------------------------------------------------


def test_each_quadrant_has_a_colour_and_a_shape_of_its_own() -> None:
    figure = quadrant_chart(EN, FOUR, MATRIX)
    drawn = {(trace.marker.line.color, trace.marker.symbol[0].removesuffix("-open")) for trace in figure.data}
    assert drawn == {(darker(QUADRANT_COLORS[code]), QUADRANT_SHAPES[code]) for code in QUADRANT_COLORS}
    assert len(set(QUADRANT_COLORS.values())) == len(set(QUADRANT_SHAPES.values())) == 4


def test_the_area_of_a_bubble_is_its_revenue() -> None:
    sizes = {trace.marker.line.color: trace.marker.size[0] for trace in quadrant_chart(EN, FOUR, MATRIX).data}
    assert sizes[darker(QUADRANT_COLORS["11"])] / sizes[darker(QUADRANT_COLORS["10"])] == pytest.approx(2)


def test_a_small_sample_is_hollow() -> None:
    hollow = [trace for trace in quadrant_chart(EN, FOUR, MATRIX).data if trace.marker.symbol[0].endswith("-open")]
    assert [trace.marker.color for trace in hollow] == [darker(QUADRANT_COLORS["10"])]
    assert "small sample" in hollow[0].hovertext[0]


def test_quadrants_are_named_and_thresholds_written() -> None:
    figure = quadrant_chart(EN, FOUR, MATRIX)
    assert {"<b>Star</b> 1", "<b>Traffic</b> 1", "<b>Potential</b> 1", "<b>Dog</b> 1"} < set(texts(figure))
    assert {"threshold 100", "threshold 30.0%"} < set(texts(figure))
    assert sum(shape.type == "rect" for shape in figure.layout.shapes) == 4
    assert sum(shape.type == "line" for shape in figure.layout.shapes) == 2


def test_it_says_how_many_products_have_a_name_or_no_value() -> None:
    frame = products(*FOUR.to_dicts(), product("e", None, 0.4), product("f", math.nan, 0.4), product("g", 3.0, None))
    notes = quadrant_chart(EN, frame, MATRIX).layout.meta["notes"]
    assert notes[0] == "Products not in the chart because a metric is missing: 3."
    assert notes[-1] == "Named on wide screens: the 4 best-selling of 4, and 1 of the 1 that changed quadrant."


def test_a_product_that_moved_says_from_where() -> None:
    hovers = [hover for trace in quadrant_chart(EN, FOUR, MATRIX).data for hover in trace.hovertext]
    assert sum("Potential (before: Dog)" in hover for hover in hovers) == 1


def test_a_skewed_axis_is_logarithmic_and_has_room_for_zero() -> None:
    rows = [product(str(n), 10.0 ** (n / 4), 0.3 + n / 100) for n in range(16)]
    figure = quadrant_chart(EN, products(*rows, product("zero", 0.0, 0.5)), MATRIX)
    assert figure.layout.xaxis.title.text == "Product exposures (log scale)"
    assert figure.layout.xaxis.ticktext[0] == "0"
    assert figure.layout.yaxis.title.text == "Margin rate"


def test_a_value_far_out_is_drawn_at_the_edge() -> None:
    rows = [product(str(n), 90.0 + n, 0.3 + n / 100) for n in range(30)]
    figure = quadrant_chart(EN, products(*rows, product("far", 95.0, -40.0)), MATRIX)
    assert figure.layout.yaxis.range[0] > -2
    assert "☆ Outside the axes, drawn at the edge: 1; hover for the values." in figure.layout.meta["notes"]
    assert any("−4,000.00%" in hover for trace in figure.data for hover in trace.hovertext)


def test_thresholds_by_category_make_values_multiples_of_them() -> None:
    frame = products(product("a", 200.0, 0.5), product("b", 300.0, 0.5) | {"x_threshold": 600.0, "x_high": False})
    figure = quadrant_chart(EN, frame, MATRIX)
    assert figure.layout.xaxis.title.text == "Product exposures (multiples of its threshold)"
    assert sorted(x for trace in figure.data for x in trace.x) == [0.5, 2.0]


def test_an_axis_whose_low_values_are_good_is_turned_round() -> None:
    matrix = Matrix("exposures", "margin_rate", MATRIX.cells, MATRIX.names, y_falls=True)
    low, high = quadrant_chart(EN, FOUR, matrix).layout.yaxis.range
    assert low > high


def arrows(figure: go.Figure) -> list[Any]:
    return [note for note in figure.layout.annotations if note.axref == "x"]


def moved(**before: float | None) -> pl.DataFrame:
    """The products of ``FOUR``; only product a has a position one window earlier, whose columns are in *before*."""
    names = ("x_before", "y_before", "x_threshold_before", "y_threshold_before")
    known = {"x_threshold_before": 100.0, "y_threshold_before": 0.3} | before
    return products(
        *(
            row | {name: known.get(name) if row["product_id"] == "a" else None for name in names}
            for row in FOUR.to_dicts()
        )
    )


def test_an_arrow_leads_from_where_a_product_stood() -> None:
    figure = quadrant_chart(EN, moved(x_before=250.0, y_before=0.15), MATRIX)
    assert [(note.ax, note.ay, note.x, note.y) for note in arrows(figure)] == [(250.0, 0.15, 200.0, 0.5)]
    hovers = [hover for trace in figure.data for hover in trace.hovertext]
    assert sum("previous window: 250, 15.00%" in hover for hover in hovers) == 1
    order = ["arrow" if note.axref == "x" else note.text for note in figure.layout.annotations]
    assert order.index("arrow") < order.index("Mug a")  # names are drawn after arrows, and so on top of them
    narrow = figure.layout.meta["narrow"]["annotations"]
    assert sum(note.get("axref") == "x" for note in narrow) == 1


def test_a_phone_names_fewer_products() -> None:
    many = products(
        *(
            FOUR.row(0, named=True)
            | {"product_id": f"p{n}", "name": f"Mug {n}", "x_value": 60.0 * n, "revenue": 90.0 - n}
            for n in range(1, 9)
        )
    )
    figure = quadrant_chart(EN, many, MATRIX)
    wide = [note.text for note in figure.layout.annotations if str(note.text).startswith("Mug")]
    narrow = [
        note["text"]
        for note in figure.layout.meta["narrow"]["annotations"]
        if str(note.get("text", "")).startswith("Mug")
    ]
    assert len(wide) >= 5
    assert narrow[:2] == wide[:2] == ["Mug 1", "Mug 2"]
    assert len(narrow) <= 3


@pytest.mark.parametrize(
    "before",
    [
        {"x_before": None, "y_before": 0.2},
        {"x_before": 250.0, "y_before": None},
        {"x_before": math.nan, "y_before": 0.2},
        {"x_before": 202.0, "y_before": 0.501},
    ],
    ids=["x unknown", "y unknown", "not a number", "hardly moved"],
)
def test_there_is_no_arrow_of_what_is_unknown_or_hardly_moved(before: dict[str, float | None]) -> None:
    assert arrows(quadrant_chart(EN, moved(**before), MATRIX)) == []
    assert arrows(quadrant_chart(EN, FOUR, MATRIX)) == []


def test_an_arrow_from_beyond_the_axes_begins_at_their_edge() -> None:
    figure = quadrant_chart(EN, moved(x_before=200.0, y_before=-40.0), MATRIX)
    low, high = figure.layout.yaxis.range
    assert low < arrows(figure)[0].ay < 0.1 < high


def test_an_arrow_begins_at_a_multiple_of_that_times_threshold() -> None:
    names = ("x_before", "y_before", "x_threshold_before", "y_threshold_before")
    rows = [
        product("a", 200.0, 0.5) | dict(zip(names, (30.0, 0.4, 60.0, 0.3), strict=True)),
        product("b", 300.0, 0.4) | {"x_threshold": 600.0, "x_high": False} | dict.fromkeys(names),
        product("c", 900.0, 0.1)
        | {"x_threshold": 300.0}
        # No arrow: a position relative to a threshold of 0 is undefined.
        | dict(zip(names, (30.0, 0.4, 0.0, 0.3), strict=True)),
    ]
    assert [(note.ax, note.x) for note in arrows(quadrant_chart(EN, products(*rows), MATRIX))] == [(0.5, 2.0)]


def test_no_product_stands_where_the_quadrants_names_do() -> None:
    rows = [product(str(n), 90.0 + n, 0.3 + n / 100) for n in range(30)]
    figure = quadrant_chart(EN, products(*rows, product("far", 95.0, -40.0)), MATRIX)
    low, high = figure.layout.yaxis.range
    strip = STRIP / 390 * (high - low)
    ys = [y for trace in figure.data for y in trace.y]
    assert min(ys) >= low + strip - 1e-9
    assert max(ys) <= high - strip + 1e-9
    shares = {note.text: (note.x, note.y) for note in figure.layout.annotations if note.text.startswith("<b>")}
    assert set(shares.values()) == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_thresholds_are_written_outside_of_the_plot() -> None:
    x, y = quadrant_chart(EN, FOUR, MATRIX).layout.annotations[:2]
    assert (x.yref, x.y, x.yanchor) == ("paper", 1, "bottom")
    assert (y.xref, y.x, y.xanchor) == ("paper", 1, "left")


def test_names_never_cover_one_another() -> None:
    boxes = [Box(0.5 + n / 500, 0.5, 4) for n in range(8)]
    labels = place_labels(boxes, ["Stainless travel mug"] * 8, width=470, height=370)
    assert 2 <= len(labels) <= 8
    assert len({(label.x_anchor, label.y_anchor, label.is_far) for label in labels}) > 1
    assert place_labels([Box(0.5, 0.5, 4)], ["much too wide"], width=30, height=10) == []


# Customers ----------------------------------------------------------------------------------------------


def test_a_cell_without_customers_is_blank() -> None:
    frame = pl.DataFrame({"r_score": [5, 1], "f_score": [5, 2], "customers": [3, 12_345], "monetary": [100.0, 20.0]})
    heat = rfm_heat(EN, frame).data[0]
    assert (list(heat.x), list(heat.y)) == (["1", "5"], ["2", "5"]), "scores that no customer has are left out"
    assert heat.text[1][1] == "<b>3</b><br>$100"
    assert heat.text[0][0] == "<b>12.3K</b><br>$20"
    assert sum(z is not None for line in heat.z for z in line) == 2


def test_months_that_are_not_over_are_blank_not_zero() -> None:
    months = [dt.date(2026, 1, 1), dt.date(2026, 2, 1)]
    frame = pl.DataFrame(
        {
            "cohort_month": [months[0]] * 3 + [months[1]] * 2,
            "months_since": [0, 1, 2, 0, 1],
            "customers": [40, 40, 40, 7, 7],
            "retained": [40, 0, None, 7, None],
            "retention_rate": [1.0, 0.0, None, 1.0, None],
        }
    )
    figure = cohort_triangle(EN, frame)
    heat = figure.data[0]
    assert [list(line) for line in heat.z] == [[0.0], [None]]
    assert [list(line) for line in heat.text] == [["0%"], [""]]
    assert list(figure.layout.yaxis.ticktext) == ["2026-01 · 40", "2026-02 · 7"]


def test_visitors_who_may_still_come_back_leave_a_blank() -> None:
    seen = RETAINED | {"cohort": "a", "returned_visitors": 0, "visitor_retention_rate": 0.0}
    figure = retention_triangle(EN, [seen, RETAINED | {"cohort": "b"}], [1], str, "days")
    assert [list(line) for line in figure.data[0].z] == [[0.0], [None]]
    assert [list(line) for line in figure.data[0].text] == [["0%"], [""]]


def test_moves_are_in_the_names_order_and_coloured_by_their_row() -> None:
    frame = pl.DataFrame({"from_key": ["b", "a", NEW, "a"], "to_key": ["a", "a", "b", LEFT], "members": [5, 3, 2, 1]})
    figure = migration_grid(EN, frame, {"a": "Alpha", "b": "Beta", NEW: "New", LEFT: "Left"}, "metric.customers")
    assert list(figure.layout.xaxis.ticktext) == ["Alpha", "Beta", "Left"]
    assert [text.split(" ")[0] for text in figure.layout.yaxis.ticktext] == ["Alpha", "Beta", "New"]
    assert [list(line) for line in figure.data[0].z] == [[0.75, None, 0.25], [1.0, None, None], [None, 1.0, None]]
    # A frame marks the customers who stayed in a group, here Alpha and Beta.
    assert len(figure.layout.shapes) == 2


def test_the_best_fifth_is_written_out() -> None:
    tenths = [n / 10 for n in range(1, 11)]
    shares = [0.5, 0.8, 0.9, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995, 1.0]
    frame = pl.DataFrame({"kind": ["customer"] * 10, "cumulative_members": tenths, "cumulative_share": shares})
    assert texts(pareto(EN, frame)) == ["top 20.0% of customers<br>bring 80.0%"]
    assert texts(pareto(ZH, frame)) == ["前 20.0% 的客户带来 80.0%"]


def test_an_earlier_day_that_is_not_there_has_no_mark() -> None:
    frame = pl.DataFrame(
        {"stage": ["new", "active"], "customers": [3, 4], "revenue": [1.0, 2.0], "before": [None, None]},
        schema_overrides={"before": pl.Int64},
    )
    assert [trace.type for trace in lifecycle(EN, frame).data] == ["bar"]
    bars, labels, marks = lifecycle(EN, frame.with_columns(before=pl.Series([9, None]))).data
    assert (list(marks.x), list(marks.y)) == ([9], [0])
    assert bars.text is None
    assert list(labels.x) == [3, 4], "there is room for the label between the bar and the mark"
    _, labels, _ = lifecycle(EN, frame.with_columns(before=pl.Series([5, None]))).data
    assert list(labels.x) == [5, 4], "there is none, so the label is right of the mark"


def test_a_grid_of_large_numbers_needs_more_room() -> None:
    frame = pl.DataFrame({"from_key": ["a", "b"], "to_key": ["a", "b"], "members": [5, 3]})
    small, large = (
        migration_grid(EN, grid, {}, "metric.customers").layout.meta["min_width"]
        for grid in (frame, frame.with_columns(pl.col("members") * 1234))
    )
    assert small < large


def test_a_tile_has_its_customers_area_and_their_moneys_colour() -> None:
    frame = pl.DataFrame(
        {
            "name": ["Loyal", "Lost", "Nobody"],
            "customers": [10, 30, 0],
            "customer_share": [0.25, 0.75, 0.0],
            "revenue_share": [0.8, 0.2, None],
            "mean_monetary": [80.0, 7.0, None],
        }
    )
    tiles = group_tiles(EN, frame).data[0]
    assert list(tiles.values) == [30, 10]
    assert list(tiles.marker.colors) == [7.0, 80.0]
    assert list(tiles.text) == ["<b>Lost</b><br>75.0% · 30<br>$7 each", "<b>Loyal</b><br>25.0% · 10<br>$80 each"]


def test_a_small_tile_has_fewer_lines_and_a_short_name() -> None:
    customers = [900, 60, 37, 3]
    frame = pl.DataFrame(
        {
            "name": ["Champions", "Loyal", "Need attention", "Hibernating"],
            "customers": customers,
            "customer_share": [number / 1000 for number in customers],
            "revenue_share": [0.25] * 4,
            "mean_monetary": [1234.0] * 4,
        }
    )
    figure = group_tiles(EN, frame)
    wide, narrow = (
        [text.split("<br>") for text in one]
        for one in (figure.data[0].text, figure.layout.meta["narrow"]["data.0.text"])
    )
    assert [len(lines) for lines in wide] == [3, 3, 2, 1]
    assert [len(lines) for lines in narrow] == [3, 2, 2, 1]
    assert [lines[0] for lines in wide] == ["<b>Champions</b>", "<b>Loyal</b>", "<b>Need at…</b>", "<b>Hib…</b>"]


EXPECTED = pl.DataFrame(
    {
        "name": ["Loyal", "Lost"],
        "customers": [2, 8],
        "expected_orders": [3.25, 0.5],
        "expected_value": [300.0, 8.0],
        "mean_expected_value": [150.0, 1.0],
        "alive_share": [0.9, 0.25],
    }
)


def test_what_is_expected_is_money_or_else_orders() -> None:
    bars = expected_value(EN, EXPECTED).data[0]
    assert (list(bars.x), list(bars.text)) == ([300.0, 8.0], ["$300 · $150 each", "$8 · $1 each"])
    unknown = EXPECTED.with_columns(pl.lit(None, pl.Float64).alias("expected_value"))
    bars = expected_value(EN, unknown).data[0]
    assert (list(bars.x), list(bars.text)) == ([3.25, 0.5], ["3.25", "0.5"])


# Assortment ---------------------------------------------------------------------------------------------

CLASSES = pl.DataFrame(
    {
        "sales_class": ["slow", "hot"],
        "abc_class": ["C", "A"],
        "xyz_class": [None, "X"],
        "products": [9, 1],
        "revenue": [0.0, 50.0],
        "product_share": [0.9, 0.1],
        "revenue_share": [0.0, 1.0],
    }
)


def test_sellers_stand_from_hot_to_slow_with_their_shares() -> None:
    figure = sales_classes(EN, CLASSES)
    assert list(figure.layout.yaxis.ticktext) == ["Hot", "Slow"]
    assert [list(bars.text) for bars in figure.data] == [["100% · $50", "0% · $0"], ["10.0% · 1", "90.0% · 9"]]


def test_what_cannot_be_called_steady_has_a_column_of_its_own() -> None:
    figure = abc_xyz(EN, CLASSES)
    heat = figure.data[0]
    assert list(figure.layout.xaxis.ticktext) == ["X stable", "Y variable", "Z erratic", "Not enough data"]
    assert [list(line) for line in heat.z] == [[1.0, None, None, None], [None] * 4, [None, None, None, 0.0]]
    assert heat.text[2][3] == "<b>9</b><br>0%"
    assert "$50.00" in heat.hovertext[0][0]
    assert len(abc_xyz(EN, CLASSES.tail(1)).layout.xaxis.ticktext) == 3


# Sales --------------------------------------------------------------------------------------------------


def test_a_day_that_is_not_computed_has_no_bar() -> None:
    days = [DAY, DAY - dt.timedelta(days=2), DAY - dt.timedelta(days=7), DAY - dt.timedelta(days=40)]
    frame = pl.DataFrame({"dt": days, "revenue": [1.0, 2.0, 3.0, 4.0], "orders": [1, 1, 1, 1]})
    bars = revenue_trend(EN, frame, DAY).data[0]
    assert list(bars.x) == [-7, -2, 0]


def test_entrances_without_exposures_are_not_on_log_axes() -> None:
    frame = pl.DataFrame(
        {
            "name": ["Feed", "Unattributed", "Icons"],
            "exposures": [1000, 0, 50],
            "revenue_per_mille": [20.0, None, 0.0],
            "click_through_rate": [0.1, None, 0.0],
            "revenue": [20.0, 5.0, 0.0],
        }
    )
    assert list(entrance_value(EN, frame).data[0].x) == [1000]


# All figures --------------------------------------------------------------------------------------------

MONEY = {"revenue": [0.0], "net_revenue": [0.0], "margin": [None], "orders": [0], "exposures": [0], "clicks": [0]}
MONEY |= {"impressions": [0], "revenue_per_mille": [None], "click_through_rate": [None]}
GROUP = {
    "name": [EVIL],
    "customers": [1],
    "customer_share": [1.0],
    "revenue_share": [None],
    "net_revenue": [-3.0],
    "average_order_value": [None],
    "average_recency_days": [math.nan],
}
COHORT = {
    "cohort_month": [DAY],
    "months_since": [0],
    "customers": [1],
    "retained": [None],
    "retention_rate": [None],
}
RETAINED = {
    "cohort": EVIL,
    "part": "",
    "period_no": 1,
    "new_visitors": 1,
    "returned_visitors": None,
    "visitor_retention_rate": None,
}
DEGENERATE: dict[str, Callable[[Locale], go.Figure]] = {
    "no trend": lambda locale: revenue_trend(locale, pl.DataFrame(schema={"dt": pl.Date, "revenue": pl.Float64}), DAY),
    "a trend of zero": lambda locale: revenue_trend(
        locale, pl.DataFrame({"dt": [DAY], "revenue": [0.0], "orders": [0]}), DAY
    ),
    "an entrance of zeros": lambda locale: entrance_revenue(locale, pl.DataFrame({"name": [EVIL]} | MONEY)),
    "values of zero": lambda locale: entrance_value(locale, pl.DataFrame({"name": [EVIL]} | MONEY)),
    "one value": lambda locale: entrance_value(
        locale,
        pl.DataFrame({"name": [EVIL]} | MONEY | {"exposures": [1], "revenue": [1e-9], "revenue_per_mille": [1e-6]}),
    ),
    "a slot of zeros": lambda locale: slot_revenue(locale, pl.DataFrame({"name": [EVIL]} | MONEY), 0.0),
    "one group that lost money": lambda locale: group_shares(locale, pl.DataFrame(GROUP)),
    "no group": lambda locale: group_shares(locale, pl.DataFrame(GROUP).clear()),
    "one customer": lambda locale: rfm_heat(
        locale, pl.DataFrame({"r_score": [3], "f_score": [3], "customers": [1], "monetary": [-5.0]})
    ),
    "no pareto": lambda locale: pareto(
        locale, pl.DataFrame({"kind": ["customer"], "cumulative_members": [1.0], "cumulative_share": [None]})
    ),
    "losses": lambda locale: pareto(
        locale,
        pl.DataFrame({"kind": ["product"] * 2, "cumulative_members": [0.5, 1.0], "cumulative_share": [3.0, 1.0]}),
    ),
    "no move": lambda locale: migration_grid(
        locale,
        pl.DataFrame(schema={"from_key": pl.String, "to_key": pl.String, "members": pl.Int64}),
        {},
        "metric.customers",
    ),
    "an unknown move": lambda locale: migration_grid(
        locale, pl.DataFrame({"from_key": [EVIL], "to_key": [EVIL], "members": [0]}), {}, "metric.customers"
    ),
    "a tile of a loss": lambda locale: group_tiles(
        locale, pl.DataFrame(GROUP).with_columns(mean_monetary=pl.lit(-3.0))
    ),
    "no tile": lambda locale: group_tiles(locale, pl.DataFrame(GROUP).clear().with_columns(mean_monetary=pl.lit(None))),
    "nothing expected": lambda locale: expected_value(
        locale, EXPECTED.with_columns(pl.lit(None, pl.Float64).alias(name) for name in EXPECTED.columns[2:])
    ),
    "nobody expected": lambda locale: expected_value(locale, EXPECTED.clear()),
    "no class": lambda locale: sales_classes(locale, CLASSES.clear()),
    "no cell": lambda locale: abc_xyz(locale, CLASSES.clear()),
    "classes without revenue": lambda locale: abc_xyz(
        locale, CLASSES.with_columns(pl.lit(None, pl.Float64).alias("revenue_share"))
    ),
    "one cohort": lambda locale: cohort_triangle(locale, pl.DataFrame(COHORT)),
    "no cohort": lambda locale: cohort_triangle(locale, pl.DataFrame(COHORT).clear()),
    "no cohort of visitors": lambda locale: retention_triangle(locale, [], [1], str, "days"),
    "a cohort of visitors that is not observed": lambda locale: retention_triangle(
        locale, [RETAINED], [1], str, "days"
    ),
    "no curve": lambda locale: retention_curve(locale, [], {"": EVIL}, str, "days"),
    "a curve of zero": lambda locale: retention_curve(
        locale, [RETAINED | {"returned_visitors": 0, "visitor_retention_rate": 0.0}], {"": EVIL, "b": "b"}, str, "days"
    ),
    "no product": lambda locale: quadrant_chart(locale, FOUR.clear(), MATRIX),
    "one product": lambda locale: quadrant_chart(locale, products(product(EVIL, 100.0, 0.3, name=EVIL)), MATRIX),
    "products all alike": lambda locale: quadrant_chart(locale, products(*[product("a", 0.0, 0.0, 0.0)] * 50), MATRIX),
    "products that nobody knows": lambda locale: quadrant_chart(locale, products(product("a", None, None)), MATRIX),
    "products without revenue": lambda locale: quadrant_chart(
        locale, FOUR.with_columns(revenue=pl.lit(None, pl.Float64)), MATRIX
    ),
    "very many products": lambda locale: quadrant_chart(
        locale, products(*[product(str(n), float(n), n / 1e4) for n in range(4000)]), MATRIX
    ),
}


@pytest.mark.parametrize("locale", [EN, ZH], ids=["en", "zh"])
@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_frames_make_a_figure(case: str, locale: Locale) -> None:
    text = DEGENERATE[case](locale).to_json()

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} in the figure")

    json.loads(text, parse_constant=refuse)
    assert ">nan" not in text.lower()
    assert " nan" not in text.lower()
    assert "href" not in text or "&lt;a href" in json.loads(f'"{text.count("href")}"') + text


@pytest.mark.parametrize(
    "case",
    [
        "an entrance of zeros",
        "one group that lost money",
        "a tile of a loss",
        "one product",
        "an unknown move",
        "a cohort of visitors that is not observed",
        "a curve of zero",
    ],
)
def test_names_are_shown_letter_by_letter(case: str) -> None:
    figure = DEGENERATE[case](EN)
    for trace in figure.data:
        trace.customdata = None  # custom data is for exported files and lists, and is not drawn
    text = figure.to_json()
    assert "<a " not in text
    assert "\\u003ca " not in text
    assert "&lt;b&gt;x" in text or "\\u0026lt;b" in text
