"""The drawing of lineage: every table is to the right of the tables from which it is computed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dashboards.figures.lineage import MOST, lineage_chart, upstream
from dashboards.locale import Locale

EN = Locale("en", "CNY")
SOURCES = {
    "c.t": {"x": [("b.t", "y"), ("a.t", "z")]},
    "b.t": {"y": [("a.t", "z"), ("raw.r", "w")]},
    "a.t": {"z": [("raw.r", "w")]},
}


def test_a_column_ranks_above_all_that_is_made_of_it():
    ranks = upstream(SOURCES, ("c.t", "x"))
    assert ranks == {("c.t", "x"): 0, ("b.t", "y"): 1, ("a.t", "z"): 2, ("raw.r", "w"): 3}


nets = st.lists(st.lists(st.integers(0, 30), max_size=4), min_size=1, max_size=31).map(
    lambda rows: {f"t.n{n}": {"c": [(f"t.n{m}", "c") for m in below if m < n]} for n, below in enumerate(rows)}
)


@given(nets)
def test_no_two_columns_stand_on_each_other(net):
    figure = lineage_chart(EN, net, (f"t.n{len(net) - 1}", "c"), {})
    places = [(note.x, note.y) for note in figure.layout.annotations]
    assert len(set(places)) == len(places)


def test_a_column_that_holds_its_own_is_drawn_once():
    figure = lineage_chart(EN, {"t.a": {"c": [("t.a", "c")]}}, ("t.a", "c"), {})
    assert len(figure.layout.annotations) == 1


def test_beyond_the_most_it_says_so():
    wide = {"t.a": {"c": [("raw.r", f"c{n}") for n in range(100)]}}
    figure = lineage_chart(EN, wide, ("t.a", "c"), {})
    assert len(figure.layout.annotations) == MOST
    assert figure.layout.meta["notes"] == [f"first {MOST} of 101"]


def test_descriptions_are_text():
    figure = lineage_chart(EN, SOURCES, ("c.t", "x"), {("c.t", "x"): "<script>alert(1)</script>"})
    assert "<script>" not in str(figure)
