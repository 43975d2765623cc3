"""The picture of a path: steps in lanes, omitted steps hollow and with the reason, and the entrance's name."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from dashboards.figures.look import BLUE, GREY
from dashboards.figures.path import kind_of, path_timeline, shapes
from dashboards.locale import Locale

EN, ZH = Locale("en", "USD"), Locale("zh", "CNY")
START = dt.datetime(2026, 3, 7, 14, 25, 11)
SCHEMA = {
    "step_no": pl.Int64,
    "role": pl.String,
    "device_time": pl.Datetime,
    "page_id": pl.Int64,
    "page_type": pl.String,
    "module": pl.String,
    "slot": pl.Int64,
    "product": pl.String,
    "effective_step_no": pl.Int64,
    "stack_step_no": pl.Int64,
}


def path(*steps: tuple[str, int, str, int | None, int | None], product: str | None = "Mug") -> pl.DataFrame:
    """A path whose steps are 40 seconds apart.

    Each step has role, PageId, page type, and its numbers in the effective and stack path; one is None if that path
    omits the step: both omit pages seen again later, the stack path also steps from which the visitor went back.
    """
    rows = [
        (n, role, START + dt.timedelta(seconds=40 * (n - 1)), page, kind, "grid", n, product, effective, stack)
        for n, (role, page, kind, effective, stack) in enumerate(steps, start=1)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


WENT_BACK = path(
    ("head", 1, "home", 1, 1),
    ("click", 2, "list", None, None),
    ("click", 3, "detail", 2, None),
    ("click", 2, "list", 3, 2),
    ("end", 5, "detail", 4, 3),
)


def drawn(locale: Locale, frame: pl.DataFrame, entrance: str = "Search") -> dict[str, Any]:
    return path_timeline(locale, frame, entrance).to_dict()


def marks(figure: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {trace["name"]: trace for trace in figure["data"] if trace["mode"] == "markers+text"}


SHAPES = {
    ("star", False): {"en": "star", "zh": "星形"},
    ("circle", False): {"en": "circle", "zh": "圆点"},
    ("diamond", False): {"en": "diamond", "zh": "菱形"},
    ("square", True): {"en": "hollow square", "zh": "空心方块"},
    ("circle", True): {"en": "hollow circle", "zh": "空心圆点"},
}
"""(Plotly's symbol, whether it is hollow) → the name of the shape."""


@pytest.mark.parametrize("locale", [EN, ZH])
def test_the_hint_names_the_shapes_that_are_drawn(locale):
    drawn_marks = marks(drawn(locale, WENT_BACK))
    said = locale.text("explorer.about", **shapes(locale))
    for kind, shape in shapes(locale).items():
        mark = drawn_marks[locale.text(f"step.{kind}")]["marker"]
        assert SHAPES[mark["symbol"], mark["color"] == "#ffffff"][locale.language] == shape
        assert shape in said or kind == "kept"  # the hint does not describe kept steps, which are on the thick line


def test_each_step_is_of_one_kind():
    kinds = [kind_of(row) for row in WENT_BACK.iter_rows(named=True)]
    assert kinds == ["head", "superseded", "backtracked", "kept", "end"]


def test_steps_stand_in_the_lane_of_their_page_in_order():
    figure = drawn(EN, WENT_BACK)
    places = {(x, y) for trace in marks(figure).values() for x, y in zip(trace["x"], trace["y"], strict=True)}
    assert places == {(0, 0), (1, 1), (2, 2), (3, 1), (4, 3)}
    axis = figure["layout"]["yaxis"]
    assert [text.split("PageId ")[1] for text in axis["ticktext"]] == ["1", "2", "3", "5"]
    assert axis["range"][0] > axis["range"][1]  # the axis is reversed, so the newest page is lowest
    assert figure["layout"]["xaxis"]["ticktext"] == ["14:25:11", "+40 s", "+1 min 20 s", "+2 min 00 s", "+2 min 40 s"]


def test_the_thick_line_is_the_restored_path_the_dotted_one_all():
    every, kept = (trace for trace in drawn(EN, WENT_BACK)["data"] if trace["mode"] == "lines")
    assert (list(every["x"]), every["line"]["color"], every["line"]["dash"]) == ([0, 1, 2, 3, 4], GREY, "dot")
    assert (list(kept["x"]), list(kept["y"]), kept["line"]["color"]) == ([0, 3, 4], [0, 1, 3], BLUE)


def test_what_is_left_out_says_why_and_what_is_kept_its_number():
    found = marks(drawn(EN, WENT_BACK))
    assert "a later click on the same page replaced it" in found["replaced"]["hovertext"][0]
    assert "went back to a page with a smaller PageId" in found["went back from"]["hovertext"][0]
    assert list(found["replaced"]["text"]) == list(found["went back from"]["text"]) == [""]
    assert [list(found[name]["text"]) for name in ("entrance", "on the path", "add-to-cart")] == [["1"], ["2"], ["3"]]
    assert "之后退回到 PageId 更小的页面" in marks(drawn(ZH, WENT_BACK))["回退"]["hovertext"][0]


def test_the_entrance_that_is_credited_is_named_at_the_head():
    labels = [note["text"] for note in drawn(ZH, WENT_BACK, "首页轮播")["layout"]["annotations"]]
    assert "入口" in labels[0]
    assert "首页轮播" in labels[0]
    assert "加购" in labels[-1]


def test_a_label_stands_above_where_the_line_comes_from_below():
    anchors = [note["yanchor"] for note in drawn(EN, WENT_BACK)["layout"]["annotations"]]
    assert anchors == ["top", "top", "top", "bottom", "top"]


def test_names_are_text_and_never_markup():
    evil = "<b>x</b><a href='https://example.com'>y</a>"
    figure = drawn(EN, path(("head", 1, evil, 1, 1), ("end", 2, evil, 2, 2), product=evil), evil)
    assert "<a href" not in str(figure)


@pytest.mark.parametrize("steps", [(), (("end", 7, "detail", 1, 1),)])
def test_no_step_and_an_end_without_a_head_make_a_figure(steps):
    assert path_timeline(EN, path(*steps), "Direct").layout.height >= 166


def test_many_steps_ask_for_more_width():
    long = path(("head", 1, "home", 1, 1), *(("click", n, "list", n, n) for n in range(2, 40)))
    assert path_timeline(EN, long, "Search").layout.meta["width"] > 39 * 100
