"""Paths as flow diagrams: grouping small flows loses nothing, and every step has a name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dashboards.figures.flows import LATER, MOST_NODES, MOST_STEPS, OTHER, folded, path_icicle, path_sankey
from dashboards.locale import Locale

EN = Locale("en", "CNY")
PATHS = {
    ("home.search", "list.results", "detail.buy_bar"): 60.0,
    ("home.feed", "detail.buy_bar"): 40.0,
    ("detail.buy_bar",): 5.0,
}
steps = st.sampled_from([f"page{n}.module" for n in range(14)])
paths = st.dictionaries(st.lists(steps, min_size=1, max_size=12).map(tuple), st.integers(1, 1000), max_size=40)


@given(paths)
def test_folding_keeps_the_sum_and_the_bounds(found):
    made, others = folded(found)
    assert sum(made.values()) == sum(found.values())
    assert all(len(path) <= MOST_STEPS for path in made)
    for step in range(MOST_STEPS):
        kinds = {path[step] for path in made if len(path) > step}
        assert len(kinds) <= MOST_NODES
        assert (OTHER in kinds) == (others[step] > 0)


def test_a_long_path_keeps_its_beginning_and_its_end():
    path = tuple(f"page{n}.m" for n in range(9))
    made, _ = folded({path: 1.0})
    assert list(made) == [(*path[: MOST_STEPS - 2], LATER, path[-1])]


@given(paths)
def test_what_flows_into_a_node_flows_out_of_it(found):
    figure = path_sankey(EN, found, "add_to_carts")
    if not found:
        assert not figure.data
        return
    link = figure.data[0].link
    inner = set(link.source) & set(link.target)
    for node in inner:
        into = sum(value for target, value in zip(link.target, link.value, strict=True) if target == node)
        out = sum(value for source, value in zip(link.source, link.value, strict=True) if source == node)
        assert out == into


def test_nodes_say_their_name_and_number():
    labels = list(path_sankey(EN, PATHS, "add_to_carts").data[0].node.label)
    assert "Home · Search · 60" in labels
    assert "Detail page · Buy bar · 105" in labels


def test_all_ends_stand_in_the_last_column():
    node = path_sankey(EN, PATHS, "add_to_carts").data[0].node
    assert sum(label.startswith("Detail page") for label in node.label) == 1


def test_the_icicle_counts_the_same_from_each_beginning():
    trace = path_icicle(EN, PATHS, "add_to_carts").data[0]
    assert list(zip(trace.labels, trace.values, strict=True))[:2] == [("All", 105), ("Home · Search", 60)]
    place = list(trace.labels).index("List · Results")
    assert trace.values[place] == 60
    assert trace.labels[list(trace.ids).index(trace.parents[place])] == "Home · Search"


def test_names_are_text_and_never_markup():
    evil = "<img src=x onerror=alert(1)>.<b>"
    for draw in (path_sankey, path_icicle):
        assert "<img" not in str(draw(EN, {(evil, "a.b"): 1.0}, "revenue"))
