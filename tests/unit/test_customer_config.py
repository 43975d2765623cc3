"""segments.csv and matrices.yaml: what is wrong is told with the file, the row or key, and what to do."""

from __future__ import annotations

import shutil

import pytest

from pipelines.config_tables import load_config_tables
from pipelines.errors import HeadwaterError
from pipelines.home import REPOSITORY, init_home
from pipelines.settings import Settings

SEGMENTS = REPOSITORY.joinpath("config/segments.csv").read_text(encoding="utf-8")
MATRICES = REPOSITORY.joinpath("config/matrices.yaml").read_text(encoding="utf-8")
LOST = "segment,lost,1,1-2,"
R_AXIS = "r: {metric: recency_days, threshold: mean, high: low}"
F_AXIS = "f: {metric: frequency, threshold: mean}"


@pytest.fixture
def home(tmp_path):
    return init_home(tmp_path / "shop")[0]


def refused(home, name, text, new):
    """The message with which *home* is refused when *text* of its file *name* is *new*."""
    path = home.config / name
    content = path.read_text(encoding="utf-8")
    assert text in content
    path.write_text(content.replace(text, new, 1), encoding="utf-8")
    with pytest.raises(HeadwaterError) as caught:
        load_config_tables(home, Settings())
    assert str(caught.value).startswith(str(path))
    return str(caught.value)


def row_of(text):
    return next(number for number, line in enumerate(SEGMENTS.splitlines(), start=1) if line.startswith(text))


def test_the_shipped_files_name_eight_octants_and_give_each_combination_of_scores_a_segment(home):
    tables = load_config_tables(home, Settings())
    assert len(tables.rows("config.cells")) == 8
    assert len(tables.rows("config.segments")) == 11
    assert len({row.segment for row in tables.rows("config.segment_scores")}) == 11
    assert len({(row.r_score, row.f_score, row.m_score) for row in tables.rows("config.segment_scores")}) == 125


def test_a_home_from_before_these_files_has_the_shipped_ones(home):
    shipped = load_config_tables(home, Settings())
    for name in ("segments.csv", "matrices.yaml"):
        (home.config / name).unlink()
    old = load_config_tables(home, Settings())
    for table in ("config.cells", "config.axes", "config.segments", "config.segment_scores"):
        assert old.rows(table) == shipped.rows(table)


def test_the_first_row_that_matches_wins(home):
    path = home.config / "segments.csv"
    path.write_text(SEGMENTS.replace("segment,champions,", "segment,vip,5,5,5,,,,\nsegment,champions,", 1), "utf-8")
    rows = load_config_tables(home, Settings()).rows("config.segment_scores")
    found = {(row.r_score, row.f_score, row.m_score): row.segment for row in rows}
    assert (found[5, 5, 5], found[5, 5, 4]) == ("vip", "champions")
    named = {row.segment: row.name_en for row in load_config_tables(home, Settings()).rows("config.segments")}
    assert named["vip"] == "vip"


@pytest.mark.parametrize(
    ("text", "new", "expected"),
    [
        ("segment,lost,", "group,lost,", "row {row}: kind is 'group', expected octant or segment"),
        ("segment,lost,", "segment,Lost one,", "row {row}: key is 'Lost one', expected lower-case letters"),
        ("segment,lost,", "segment,hibernating,", "row {row}: segment 'hibernating' is in row {before} already"),
        (LOST, "segment,lost,0,1-2,", "row {row}: r is '0', expected a score from 1 to 5"),
        (LOST, "segment,lost,1,2-1,", "row {row}: f is '2-1', expected a score from 1 to 5, a range such as 4-5"),
        (LOST, "segment,lost,1,1-6,", "row {row}: f is '1-6'"),
        (LOST, "segment,lost,1,1–2,", "row {row}: f is '1–2'"),
        (LOST, "segment,lost,1,2-Jan,", "row {row}: f is '2-Jan'"),
        (LOST, "segment,lost,1,1,", "no segment matches the scores r 1, f 2, m 1; widen a row, or add one at the end"),
        (LOST, "segment,lost,1-2,3-5,", "no segment matches the scores r 1, f 1, m 1"),
        (
            LOST,
            "segment,ghost,4,4,,,,,\nsegment,lost,1,1-2,",
            "row {row}: segment 'ghost' can never match: rows above it take all of its scores; move it up",
        ),
        ("segment,lost,1,1-2,,", "segment,lost,1,1-2,", "row {row}: 8 cells, expected 9"),
        ("name_zh,name_en", "name_zh,name", "column 'name_en' is missing"),
        ("advice_en\n", "advice_en,color\n", "unknown column 'color'"),
    ],
)
def test_a_wrong_segment_is_told(home, text, new, expected):
    row = row_of("segment,lost,")
    assert expected.format(row=row, before=row - 1) in refused(home, "segments.csv", text, new)


@pytest.mark.parametrize(
    ("text", "new", "expected"),
    [
        (
            "octant,general_win_back,0,",
            "octant,general_win_back,1,",
            "row {row}: octant 100 is 'general_develop' already",
        ),
        ("octant,general_win_back,", "octant,general_keep,", "row {row}: octant 'general_keep' is in row"),
        ("octant,general_win_back,0,", "octant,general_win_back,2,", "row {row}: r is '2', expected 1 (high) or 0"),
        ("octant,general_win_back,0,", "octant,general_win_back,,", "row {row}: r is '', expected 1 (high) or 0"),
        ("octant,general_win_back,", "# octant,general_win_back,", "octant 000 (r, f, m; 1 = high) is missing"),
    ],
)
def test_a_wrong_octant_is_told(home, text, new, expected):
    assert expected.format(row=row_of("octant,general_win_back")) in refused(home, "segments.csv", text, new)


def test_an_empty_table_of_segments_is_told(home):
    assert "no segment matches the scores r 1, f 1, m 1" in refused(
        home, "segments.csv", SEGMENTS, "kind,key,r,f,m,name_zh,name_en,advice_zh,advice_en\n"
    )


@pytest.mark.parametrize(
    ("text", "new", "expected"),
    [
        (
            "metric: frequency",
            "metric: frequenzy",
            "'customers.octants.f.metric' is 'frequenzy', which is no metric; did",
        ),
        ("metric: frequency", "metric: frequenzy", "did you mean 'frequency'?"),
        ("metric: frequency", "metric: margin", "known are recency_days, frequency, monetary"),
        ("metric: frequency", "metric: monetary", "'customers.octants.f.metric' is 'monetary', expected 'frequency'"),
        (", high: low}", "}", "'customers.octants.r.high' is 'high', expected 'low'"),
        (F_AXIS, "f: {metric: frequency, threshold: mean, high: low}", "'customers.octants.f.high' is 'low', expected"),
        (
            F_AXIS,
            "f: {metric: frequency, threshold: mean, per: category}",
            "'customers.octants.f.per': customers have no",
        ),
        (F_AXIS, "f: {metric: frequency}", "key 'customers.octants.f.threshold' is missing"),
        (
            F_AXIS,
            "f: {metric: frequency, treshold: mean}",
            "unknown key 'customers.octants.f.treshold'; expected one of",
        ),
        (F_AXIS, "", "key 'customers.octants.f' is missing"),
        ("  octants:", "  octant:", "unknown key 'customers.octant'; expected one of octants"),
        (R_AXIS, "r: {metric: recency_days, threshold: mean", "not valid YAML"),
        (R_AXIS, f"{R_AXIS}\n    {R_AXIS}", "key 'r' is given twice"),
        (MATRICES, "- octants\n", "expected keys such as 'customers:', found ['octants']"),
        (MATRICES, "", "key 'customers' is missing"),
    ],
)
def test_a_wrong_matrix_is_told(home, text, new, expected):
    assert expected in refused(home, "matrices.yaml", text, new)


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        ("meen", "no threshold; did you mean mean?"),
        ("{percentil: 80}", "no threshold; did you mean {percentile: 80}?"),
        ("high", "no threshold; expected mean, median, {percentile: 80}, {fixed: 60}"),
        ("{percentile: 80, fixed: 3}", "no threshold"),
        ("", "no threshold"),
        ("percentile", "expected {percentile: 80}"),
        ("{mean: 3}", "expected mean"),
        ("weighted_mean", "expected {weighted_mean: net_revenue}"),
        ("{percentile: 101}", "percentile: expected a number from 0 to 100"),
        ("{percentile: -1}", "percentile: expected a number from 0 to 100"),
        ("{fixed: much}", "'customers.octants.f.threshold.argument' is 'much': input should be a valid number"),
        ("{fixed: .inf}", "input should be a finite number"),
        ("{fixed: true}", "input should be a valid number"),
        ("{weighted_mean: 3}", "input should be a valid string"),
        ("{weighted_mean: mony}", "'customers.octants.f.threshold.weighted_mean' is 'mony', which is no metric"),
    ],
)
def test_a_wrong_threshold_is_told(home, threshold, expected):
    message = refused(home, "matrices.yaml", F_AXIS, f"f: {{metric: frequency, threshold: {threshold}}}")
    assert expected in message
    assert "customers.octants.f.threshold" in message


def test_files_that_cannot_be_read_are_told(home):
    (home.config / "segments.csv").write_bytes("kind,客户".encode("gbk"))
    with pytest.raises(HeadwaterError, match=r"segments\.csv: not UTF-8 .*save it as CSV UTF-8"):
        load_config_tables(home, Settings())
    shutil.copy(REPOSITORY / "config" / "segments.csv", home.config)
    (home.config / "matrices.yaml").write_bytes("# 客户".encode("gbk"))
    with pytest.raises(HeadwaterError, match=r"matrices\.yaml: not UTF-8"):
        load_config_tables(home, Settings())
