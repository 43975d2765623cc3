"""The figures of moves between quadrants, drawn as bands, and of new products' sales since launch."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
import pytest

from dashboards.figures.launches import launch_curves
from dashboards.figures.moves import migration_flow
from dashboards.locale import Locale

EN, ZH = Locale("en", "USD"), Locale("zh", "CNY")
NAMES = {"star": "Star", "dog": "Dog", "unknown": "Unknown", "(entered)": "Entered", "(left)": "Left"}
COLORS = {"star": "#117733", "dog": "#AA4499"}


def moves(*rows: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"from_key": pl.String, "to_key": pl.String, "members": pl.Int64}, orient="row")


SOME = moves(("star", "star", 30), ("star", "dog", 4), ("(entered)", "dog", 2), ("dog", "(left)", 1))


def test_counts_stand_in_the_labels_of_both_sides() -> None:
    node = migration_flow(EN, SOME, NAMES, COLORS, "metric.products").data[0].node
    assert list(node.label) == ["Star 34", "Dog 1", "Entered 2", "Star 30", "Dog 6", "Left 1"]
    assert list(node.x) == [0.001] * 3 + [0.999] * 3


def test_who_stayed_is_grey_who_moved_has_the_origins_colour() -> None:
    link = migration_flow(EN, SOME, NAMES, COLORS, "metric.products").data[0].link
    assert list(link.value) == [30, 4, 2, 1]
    assert link.color[0].startswith("rgba(197,212,221,")
    assert link.color[1].startswith("rgba(17,119,51,")
    assert link.color[3].startswith("rgba(170,68,153,")


def test_places_are_apart_by_the_height_of_a_label() -> None:
    rows = [("star", "unknown", 1000), ("dog", "unknown", 1), ("(entered)", "unknown", 1)]
    figure = migration_flow(EN, moves(*rows), NAMES, COLORS, "metric.products")
    y = figure.data[0].node.y[:3]
    room = figure.layout.height - figure.layout.margin.t - figure.layout.margin.b
    assert min(second - first for first, second in pairwise(y)) * room >= 20


@pytest.mark.parametrize("frame", [moves(), moves(("star", "dog", 0))])
def test_without_moves_there_are_no_bands(frame: pl.DataFrame) -> None:
    assert not migration_flow(ZH, frame, NAMES, COLORS, "metric.products").data


def test_a_hostile_name_is_shown_letter_by_letter() -> None:
    names = {"star": "<a href='x'>x</a>"}
    text = migration_flow(EN, SOME, names, {}, "metric.products").to_json()
    assert "<a " not in text
    assert "\\u003ca " not in text


CURVES = pl.DataFrame(
    [("a", 0, 0.0), ("a", 1, 10.0), ("a", 2, 30.0), ("b", 58, 5.0), ("b", 60, 9.0)],
    schema={"product_id": pl.String, "age": pl.Int64, "revenue": pl.Float64},
    orient="row",
)


def test_a_curve_a_product_in_their_order() -> None:
    figure = launch_curves(EN, CURVES, "revenue", {"b": "Bee", "a": "<b>A</b>"}, 60)
    assert [trace.name for trace in figure.data] == ["Bee", "&lt;b&gt;A&lt;/b&gt;"]
    assert list(figure.data[1].y) == [0.0, 10.0, 30.0]
    assert len({(trace.line.dash, trace.marker.symbol) for trace in figure.data}) == 2


def test_the_age_of_judgement_is_drawn_once_it_is_near() -> None:
    assert launch_curves(EN, CURVES, "revenue", {"b": "Bee"}, 60).layout.shapes
    assert not launch_curves(EN, CURVES, "revenue", {"a": "A"}, 60).layout.shapes
