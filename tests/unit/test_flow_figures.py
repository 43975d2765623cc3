"""Paths as flow diagrams: grouping small flows loses nothing, and every step has a name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dashboards.figures.flows import LATER, MOST_NODES, MOST_PATHS, MOST_STEPS, OTHER, folded, path_icicle, path_sankey
from dashboards.figures.look import clear
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
    drawn = folded(found)
    made = drawn.paths
    assert sum(made.values()) == sum(found.values())
    assert all(len(path) <= MOST_STEPS for path in made)
    for step in range(MOST_STEPS):
        kinds = {path[step] for path in made if len(path) - 1 > step}
        assert len(kinds) <= MOST_NODES
    assert len({path[-1] for path in made}) <= MOST_NODES
    hidden = {(path, step) for path in made for step, name in enumerate(path) if name == OTHER}
    assert hidden == {place for place, names in drawn.replaced.items() if names}


def test_a_long_path_keeps_its_beginning_and_its_end():
    path = tuple(f"page{n}.m" for n in range(9))
    assert list(folded({path: 1.0}).paths) == [(*path[: MOST_STEPS - 2], LATER, path[-1])]


def test_small_paths_have_their_ends_and_others_their_number():
    large = {("home.feed", f"page{n % 3}.m", f"list{n}.m", "detail.buy_bar"): 100.0 for n in range(MOST_PATHS)}
    small = {("home.feed", f"rare{n}.m", "cart.m", "detail.buy_bar"): 1.0 for n in range(5)}
    made = folded(large | small)
    assert made.paths["home.feed", OTHER, "detail.buy_bar"] == 5
    assert made.replaced[("home.feed", OTHER, "detail.buy_bar"), 1] == {"cart.m", *(f"rare{n}.m" for n in range(5))}
    figure = path_sankey(EN, large | small, "add_to_carts")
    labels = list(figure.data[0].node.label)
    assert "Other (6) · 5" in labels
    assert f"Other ({MOST_PATHS - MOST_NODES + 1}) · {100 * (MOST_PATHS - MOST_NODES + 1):,}" in labels
    assert figure.layout.meta["notes"] == (EN.text("flows.most", n=MOST_PATHS, m="5"),)


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


def test_a_flow_has_the_colour_of_the_step_it_comes_from():
    trace = path_sankey(EN, PATHS, "add_to_carts").data[0]
    colors = trace.node.color
    assert len({color for label, color in zip(trace.node.label, colors, strict=True)}) == len(colors)
    assert list(trace.link.color) == [clear(colors[source], 0.3) for source in trace.link.source]


def test_no_name_is_cut_and_there_is_room_for_every_label():
    names = [f"a_rather_long_page{n}.with_module" for n in range(MOST_NODES)]
    figure = path_sankey(EN, {(name, "detail.buy_bar"): 10.0**n for n, name in enumerate(names)}, "add_to_carts")
    assert not [label for label in figure.data[0].node.label if "…" in label]
    assert figure.layout.height > MOST_NODES * (figure.data[0].node.pad + figure.layout.font.size)


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
