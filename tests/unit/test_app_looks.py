"""How pages look: the scales of sizes, coloured changes, bars in cells, tables on paper, and parts without contents."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flask
import pytest
from dash import html
from dash_ag_grid import AgGrid
from plotly.utils import PlotlyJSONEncoder

import dashboards
from dashboards.app.paper import FOR_PAPER
from dashboards.app.render import GRID_FROM, MOST_ROWS_ON_PAPER, components
from dashboards.app.terms import phrases
from dashboards.app.view import View
from dashboards.blocks import Block, Card, Cards, Chart, Choice, Controls, Empty, Group, Option, Table, Text
from dashboards.columns import change, difference, exact, metric, text, with_changes
from dashboards.figures.look import base
from dashboards.locale import Locale

EN = Locale("en", "CNY")
FOLDER = Path(dashboards.__file__).parent
CONTEXT: Any = SimpleNamespace(locale=EN, view=View("entrances"))


def shown(*blocks: Block) -> list[Any]:
    return components(CONTEXT, blocks)


def all_of(component: Any, kind: type) -> list[Any]:
    return [one for one in component._traverse() if isinstance(one, kind)]


def table(*values: float | None, **more: Any) -> Table:
    rows = [{"name": f"n{number}", "revenue": value, "orders": 1} for number, value in enumerate(values)]
    columns = [text("Name", "name"), metric(EN, "revenue"), exact(EN, "orders")]
    return Table("t", "A table", columns, rows, total={"name": "Total", "revenue": 9, "orders": 9}, **more)


# Scales ------------------------------------------------------------------------------------------------


def test_sizes_in_the_style_sheet_come_from_the_scales():
    css = (FOLDER / "app/assets/app.css").read_text(encoding="utf-8")
    rules = css.replace(re.findall(r":root \{.*?\}", css, re.DOTALL)[0], "")
    sizes = re.findall(
        r"(?:^|[\s{;])(font-size|font|padding[a-z-]*|margin[a-z-]*|(?:row-|column-)?gap): ([^;}]*)", rules
    )
    assert len(sizes) > 100
    odd = [(name, value) for name, value in sizes if re.search(r"(?<![\w-])(?!1px)\d*\.?\d+px", value)]
    assert not odd


@pytest.mark.parametrize("path", sorted((FOLDER / "figures").glob("*.py")), ids=lambda path: path.stem)
def test_letters_in_figures_have_a_size_of_the_scale(path):
    source = path.read_text(encoding="utf-8")
    fonts = re.findall(r"(?:font|tickfont|textfont)\"?(?:: |=)\{[^{}]*\}", source)
    assert not [font for font in fonts if re.search(r"\"size\": \d", font)]


# Changes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "now", "before", "said", "tone"),
    [
        ("revenue", 12, 10, "▲ +20.0%", "better"),
        ("revenue", 8, 10, "▼ −20.0%", "worse"),
        ("refunded", 12, 10, "▲ +20.0%", "worse"),
        ("refunded", 8, 10, "▼ −20.0%", "better"),
        ("cart_rate", 0.3, 0.2, "▲ +10.0 pp", "better"),
        ("revenue", 5, 0, "▲ new", "better"),
        ("revenue", 0, 5, "▼ gone", "worse"),
        ("spend", 12, 10, "▲ +20.0%", None),
        ("revenue", 10, 10, "0.00%", None),
        ("cart_rate", None, 0.2, "–", None),
        ("revenue", None, 5, "–", None),
        ("revenue", 5, None, "–", None),
    ],
)
@pytest.mark.parametrize("count", [1, GRID_FROM])
def test_a_change_has_an_arrow_and_the_tone_of_its_direction(name, now, before, said, tone, count):
    rows = with_changes([{"name": f"n{n}", name: now, f"{name}_before": before} for n in range(count)], name)
    (section,) = shown(Table("t", "A table", [text("Name", "name"), change(EN, name)], rows))
    if count == 1:
        (cell,) = all_of(section, html.Td)
        assert (cell.children, getattr(cell, "className", None)) == ([said], tone)
    else:
        row = _grid(section).rowData[0]
        assert (row["c1_shown"], row.get("c1_tone")) == (said, tone)


def test_a_difference_has_its_sign_an_arrow_and_a_tone():
    column = difference(EN, "revenue", "more", title="Difference")
    cells = [(column.cell({"more": more}), column.tone and column.tone({"more": more})) for more in (1200, -5, 0, None)]
    assert cells == [("▲ +¥1,200", "better"), ("▼ −¥5", "worse"), ("¥0", None), ("–", None)]


# Bars --------------------------------------------------------------------------------------------------


def _grid(section: Any) -> Any:
    return next(one for one in section._traverse() if type(one).__name__ == "AgGrid")


def bars(of: Table) -> list[str | None]:
    """The width of the bar in each row of the first column of numbers, the row of the total last; None: no bar."""
    (section,) = shown(of)
    if len(of.rows) >= GRID_FROM:
        grid = _grid(section)
        rows = [*grid.rowData, *grid.dashGridOptions["pinnedBottomRowData"]]
        return [row.get("c1_bar", {}).get("backgroundSize") for row in rows]
    cells = [row.children[1] for row in all_of(section, html.Tr)[1:]]
    return [(getattr(cell, "style", None) or {}).get("backgroundSize") for cell in cells]


@pytest.mark.parametrize("count", [4, GRID_FROM + 3])
def test_the_first_measure_has_bars_that_compare_the_rows(count):
    found = bars(table(200, 50, 0, *[None] * (count - 3)))
    assert found == ["100.0% 20px", "25.0% 20px", *[None] * (count - 2), None]


@pytest.mark.parametrize("values", [(5, 5, 5), (2, 1), (0, 0, 0), (-1, -2, -3)])
def test_bars_that_would_say_nothing_are_not_drawn(values):
    assert bars(table(*values)) == [None] * (len(values) + 1)


def test_a_table_names_another_measure_for_its_bars():
    assert bars(table(3, 2, 1, bar="orders")) == [None] * 4


# Paper -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "note"), [(30, None), (250, "first 100 of 250")])
def test_on_paper_a_table_has_no_scroll_bar_of_its_own(rows, note):
    long = table(*range(rows))
    with flask.Flask("app").test_request_context(environ_overrides=FOR_PAPER):
        (section,) = shown(long)
    assert len(all_of(section, html.Tr)) == min(rows, MOST_ROWS_ON_PAPER) + 2, "with headings and the total"
    assert not [one for one in section._traverse() if type(one).__name__ == "AgGrid"]
    notes = [one.children for one in all_of(section, html.P)]
    assert notes == ([note] if note else [])
    with flask.Flask("app").test_request_context(headers={"headwater.paper": "1"}):
        assert _grid(shown(long)[0]) is not None


# Parts without contents --------------------------------------------------------------------------------


def test_parts_without_contents_are_the_lines_of_one_box():
    empty = Table("none", "No rows", [text("Name", "name")], [], "about", notes=("Because.",))
    chart = Chart(base(EN, 300), Table("flat", "No chart", [text("Name", "name")], []))
    gone = Empty("No file", "It is missing.", "headwater run")
    before, box, after = shown(Text("Heading", "heading"), empty, chart, gone, table(1, 2))
    assert box.className == "folded"
    lines = [json.loads(json.dumps(line, cls=PlotlyJSONEncoder))["props"]["children"] for line in box.children]
    assert [line[1]["props"]["children"] for line in lines] == ["No rows", "No chart", "No file"]
    assert lines[0][2].endswith("Because.")
    assert lines[2][2] == "It is missing."
    assert lines[2][-1]["props"]["children"] == "headwater run"
    assert not all_of(box, html.A)
    assert "folded" not in (before.className, after.className)


def test_what_is_empty_leaves_no_gap_beside_what_is_not():
    (grid,) = shown(Group((Empty("No file", "It is missing."), table(1, 2))))
    assert grid.className == "grid single"
    assert [one.className for one in grid.children] == ["card", "folded"]


# Names and widths --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("千次商品曝光销售额", ["千次", "商品", "曝光", "销售额"]),
        ("90 天预测净销售额", ["90 天预测", "净销售额"]),
        ("未识别用户的子订单", ["未识别用户的", "子订单"]),
        ("更换前点击率", ["更换前", "点击率"]),
        ("支付转化率", ["支付转化率"]),
        ("Revenue per buyer", ["Revenue per buyer"]),
    ],
)
def test_a_chinese_name_may_break_between_words(name, parts):
    assert [one for one in phrases(name) if isinstance(one, str)] == parts
    assert len(phrases(name)) == 2 * len(parts) - 1


def test_a_card_of_a_target_has_a_bar_and_a_mark():
    [shown_cards] = shown(Cards((Card("Sales", "9", reached=1.2, due=0.925), Card("Orders", "3"))))
    bars = [one for one in all_of(shown_cards, html.Div) if getattr(one, "className", "") == "progress"]
    assert [[part.style for part in bar.children] for bar in bars] == [[{"width": "100.0%"}, {"left": "92.5%"}]]


def test_sentences_in_a_wide_grid_take_one_line():
    rows = [{"name": f"n{number}", "why": "because " * 10, "revenue": 1.0} for number in range(GRID_FROM)]
    named = [text("Name", "name"), text("Why", "why", is_long=True)]
    for more, least, most in ((1, 240, 240), (10, 600, 900)):
        columns = [*named, *(metric(EN, "revenue") for _ in range(more))]
        [grid] = all_of(shown(Table("t", "A table", columns, rows))[0], AgGrid)
        assert least <= grid.columnDefs[1]["minWidth"] <= most


def test_a_control_is_as_wide_as_the_chosen_text():
    options = (Option("a", "Short"), Option("b", "坑位点击率"))
    [row] = shown(Controls((Choice("key", "Label", options, "b"),)))
    assert row.children[0].style == {"--letters": 10}
