"""segments.csv and matrices.yaml: errors name the file, the row or key, and what to do."""

from __future__ import annotations

import shutil

import pytest
import yaml

from pipelines.config_tables import CONFIG_TABLES, load_config_tables
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import REPOSITORY, init_home
from pipelines.home.settings import Settings
from pipelines.sqlproject.project import load_project

SEGMENTS = REPOSITORY.joinpath("config/segments.csv").read_text(encoding="utf-8")
MATRICES = REPOSITORY.joinpath("config/matrices.yaml").read_text(encoding="utf-8")
LOST = "segment,lost,1,1-2,"
R_AXIS = "r: {metric: recency_days, threshold: mean, high: low}"
DECIMAL = "expected a decimal number without quotes, as in"
NAMING = "expected lower-case letters, digits and underscores, beginning with a letter"
F_AXIS = "f: {metric: frequency, threshold: mean}"


@pytest.fixture
def home(tmp_path):
    return init_home(tmp_path / "shop")[0]


def refused(home, name, text, new):
    """The error message of *home* after *text* in its file *name* was replaced by *new*."""
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


def test_shipped_files_give_8_octants_and_all_scores_a_segment(home):
    tables = load_config_tables(home, Settings())
    assert len(tables.rows("config.octants")) == 8
    assert len(tables.rows("config.segments")) == 11
    assert len({row.segment for row in tables.rows("config.segment_scores")}) == 11
    assert len({(row.r_score, row.f_score, row.m_score) for row in tables.rows("config.segment_scores")}) == 125


def test_a_home_from_before_these_files_has_the_shipped_ones(home):
    shipped = load_config_tables(home, Settings())
    for name in ("segments.csv", "matrices.yaml"):
        (home.config / name).unlink()
    old = load_config_tables(home, Settings())
    for table in (
        "config.octants",
        "config.octant_axes",
        "config.cells",
        "config.axes",
        "config.segments",
        "config.segment_scores",
    ):
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
        ("segment,lost,", "segment,hibernating,", "row {row}: row {before} already has segment 'hibernating'"),
        (LOST, "segment,lost,0,1-2,", "row {row}: r is '0', expected a score from 1 to 5"),
        (LOST, "segment,lost,1,2-1,", "row {row}: f is '2-1', expected a score from 1 to 5, a range such as 4-5"),
        (LOST, "segment,lost,1,1-6,", "row {row}: f is '1-6'"),
        (LOST, "segment,lost,1,1–2,", "row {row}: f is '1–2'"),
        (LOST, "segment,lost,1,2-Jan,", "row {row}: f is '2-Jan'"),
        (
            LOST,
            "segment,lost,1,1,",
            "no segment matches the scores r 1, f 2, m 1; widen the ranges of a row, or add a last row",
        ),
        (LOST, "segment,lost,1-2,3-5,", "no segment matches the scores r 1, f 1, m 1"),
        (
            LOST,
            "segment,ghost,4,4,,,,,\nsegment,lost,1,1-2,",
            "row {row}: segment 'ghost' can never match: earlier rows match all of its scores; move it up",
        ),
        ("segment,lost,1,1-2,,", "segment,lost,1,1-2,", "row {row}: found 8 cells, expected 9"),
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
            "row {row}: octant 100 is already 'general_develop'",
        ),
        ("octant,general_win_back,", "octant,general_keep,", "already has octant 'general_keep'"),
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
            "'customers.octants.f.metric' is 'frequenzy', which is not a metric; did",
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
        (R_AXIS, f"{R_AXIS}\n    {R_AXIS}", "key 'r' is repeated"),
        (MATRICES, "- octants\n", "expected keys such as 'customers:', found ['octants']"),
        (MATRICES, "", "key 'customers' is missing"),
        (
            F_AXIS,
            "f: mean",
            "'customers.octants.f' is 'mean': expected keys such as metric, threshold, per, high below",
        ),
        (
            "      low-low:",
            "      low_low:",
            "'products.exposure_margin.cells.low_low'; expected one of high-high, high-low, low-high, low-low",
        ),
        (
            "role: star, color",
            "rule: star, color",
            "unknown key 'products.exposure_margin.cells.high-high.rule'; expected one of key, role, color, name_zh",
        ),
        (
            "products:\n",
            "products:\n  empty_one:\n",
            "'products.empty_one' is empty: expected keys such as name_zh, name_en, x, y, cells below it",
        ),
        ("  exposure_margin:", "  Exposure:", f"key 'products.Exposure': {NAMING}"),
        ("  exposure_margin:", "  2nd:", f"key 'products.2nd': {NAMING}"),
        ("  exposure_margin:", "  3:", f"key 'products.3': {NAMING}"),
        ("key: star,", "key: Star One,", f"'products.exposure_margin.cells.high-high.key' is 'Star One': {NAMING}"),
        ('"#117733"', "green", "cells.high-high.color' is 'green': expected a color such as \"#117733\", in quotes"),
    ],
)
def test_a_wrong_matrix_is_told(home, text, new, expected):
    assert expected in refused(home, "matrices.yaml", text, new)


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        ("meen", "not a threshold; did you mean mean?"),
        ("{percentil: 80}", "not a threshold; did you mean {percentile: 80}?"),
        ("high", "not a threshold; expected mean, median, {percentile: 80}, {fixed: 60}"),
        ("{percentile: 80, fixed: 3}", "not a threshold"),
        ("", "not a threshold"),
        ("percentile", "expected {percentile: 80}"),
        ("{mean: 3}", "'customers.octants.f.threshold' is {\"mean\": 3}: expected mean alone, without a value"),
        ("{percentile: }", 'is {"percentile": null}: expected {percentile: 80}'),
        (
            '{percentile: "80"}',
            f'\'customers.octants.f.threshold\' is {{"percentile": "80"}}: {DECIMAL} {{percentile: 80}}',
        ),
        ("{percentile: 0.8}", "percentile: expected a number from 0 to 100; did you mean 80?"),
        ("{percentile: 0.995}", "did you mean 99.5?"),
        ("{fixed: 1:30}", f'is {{"fixed": "1:30"}}: {DECIMAL} {{fixed: 60}}'),
        ("{fixed: 0x3c}", f'is {{"fixed": "0x3c"}}: {DECIMAL} {{fixed: 60}}'),
        (f"{{fixed: {'9' * 400}}}", DECIMAL),
        ("{fixed: .nan}", DECIMAL),
        ("weighted_mean", "expected {weighted_mean: net_revenue}"),
        ("{percentile: 101}", "percentile: expected a number from 0 to 100"),
        ("{percentile: -1}", "percentile: expected a number from 0 to 100"),
        ("{fixed: much}", f'\'customers.octants.f.threshold\' is {{"fixed": "much"}}: {DECIMAL} {{fixed: 60}}'),
        ("{fixed: .inf}", DECIMAL),
        ("{fixed: true}", DECIMAL),
        (
            "{weighted_mean: 3}",
            'is {"weighted_mean": 3}: expected the name of a metric, as in {weighted_mean: net_revenue}',
        ),
        ("{weighted_mean: mony}", "'customers.octants.f.threshold.weighted_mean' is 'mony', which is not a metric"),
    ],
)
def test_a_wrong_threshold_is_told(home, threshold, expected):
    message = refused(home, "matrices.yaml", F_AXIS, f"f: {{metric: frequency, threshold: {threshold}}}")
    assert expected in message
    assert "customers.octants.f.threshold" in message


@pytest.mark.parametrize("threshold", ["{{ days }}", "{[a]: 3}", "{fixed: 2026-02-30}"])
def test_a_threshold_that_is_no_yaml_is_told_with_its_line(home, threshold):
    line = next(number for number, text in enumerate(MATRICES.splitlines(), start=1) if F_AXIS in text)
    message = refused(home, "matrices.yaml", F_AXIS, f"f: {{metric: frequency, threshold: {threshold}}}")
    assert f"matrices.yaml, line {line}: not valid YAML" in message


@pytest.mark.parametrize(
    ("threshold", "argument"),
    [
        ("{fixed: 060}", 60),
        ("{fixed: 1e3}", 1000),
        ("{fixed: -0.5}", -0.5),
        ("{percentile: 0}", 0),
        ("{percentile: 1}", 1),
        ("{percentile: 99.5}", 99.5),
        ("{percentile: 100}", 100),
    ],
)
def test_a_thresholds_argument_is_the_number_that_people_read(home, threshold, argument):
    path = home.config / "matrices.yaml"
    path.write_text(MATRICES.replace(F_AXIS, f"f: {{metric: frequency, threshold: {threshold}}}", 1), encoding="utf-8")
    axes = load_config_tables(home, Settings()).rows("config.octant_axes")
    assert {axis.axis: axis.argument for axis in axes} == {
        "r": None,
        "f": argument,
        "m": None,
    }


def test_files_that_cannot_be_read_are_told(home):
    (home.config / "segments.csv").write_bytes("kind,客户".encode("gbk"))
    with pytest.raises(HeadwaterError, match=r"segments\.csv: not UTF-8 .*save it as CSV UTF-8"):
        load_config_tables(home, Settings())
    shutil.copy(REPOSITORY / "config" / "segments.csv", home.config)
    (home.config / "matrices.yaml").write_bytes("# 客户".encode("gbk"))
    with pytest.raises(HeadwaterError, match=r"matrices\.yaml: not UTF-8"):
        load_config_tables(home, Settings())


def test_another_matrix_of_products_changes_no_customers_table(home):
    before = load_config_tables(home, Settings())
    path = home.config / "matrices.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["products"]["another"] = next(iter(content["products"].values()))
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    after = load_config_tables(home, Settings())
    changed = {table for table in CONFIG_TABLES if before.version(table) != after.version(table)}
    assert changed == {"config.matrices", "config.axes", "config.cells"}
    project = load_project(None, Settings())
    customers = [name for name, model in project.models.items() if model.schema == "customers"]
    files = [*customers] + [check.name for name in customers for check in project.checks[name]]
    assert not changed & {read.table for name in files for read in project.reads[name]}
