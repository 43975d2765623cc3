"""Entrances and exchange rates: errors name the file and the row."""

from __future__ import annotations

import pytest

from pipelines.config_tables import load_config_tables
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import init_home
from pipelines.home.settings import Settings

HEADER = "entrance_id,name_zh,name_en,page_type,module,slot,valid_from,valid_to\n"


@pytest.fixture
def home(tmp_path):
    return init_home(tmp_path / "shop")[0]


def entrances(home, text, settings=None):
    (home.config / "entrances.csv").write_text(HEADER + text, encoding="utf-8")
    return load_config_tables(home, settings or Settings()).rows("config.entrances")


def test_rows_are_read_with_comments_blank_lines_and_quotes(home):
    rows = entrances(home, '# the top of the page\n\nbanner,轮播,"Banner, big",home,banner,,,\n')
    assert [(row.entrance_id, row.name_en, row.slot) for row in rows] == [("banner", "Banner, big", None)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,甲,A,home,feed,,,\nb,乙,B,home,feed,,,\n", "row 3: the same position (home, feed, any slot) as in row 2"),
        ("a,甲,A,home,feed,1,,\nb,乙,B,home,feed,1,2026-01-01,\n", "row 3: the same position (home, feed, 1)"),
        ("a,甲,A,home,feed,,,\na,乙,A,home,top,,,\n", "row 3: entrance 'a' does not have the same name as in row 2"),
        ("a,甲,A,home,feed,x,,\n", "row 2: slot is 'x', expected a whole number from 1"),
        ("a,甲,A,home,feed,0,,\n", "row 2: slot is '0'"),
        ("a,甲,A,home,,,,\n", "row 2: module is empty"),
        ("(direct),甲,A,home,feed,,,\n", "row 2: entrance_id (direct) is reserved"),
        ("(start),甲,A,home,feed,,,\n", "row 2: entrance_id (start) is reserved"),
        ("a > b,甲,A,home,feed,,,\n", "row 2: entrance_id is 'a > b'; > separates the entrances of a path"),
        ("a,甲,A,home,feed,,2026-13-01,\n", "row 2: valid_from is '2026-13-01', expected a date"),
        ("a,甲,A,home,feed,,2026-02-01,2026-01-01\n", "row 2: valid_from 2026-02-01 is after valid_to 2026-01-01"),
        ("a,甲,A,home,feed\n", "row 2: found 5 cells, expected 8"),
    ],
)
def test_a_wrong_or_contradicting_row_is_refused(home, text, expected):
    with pytest.raises(HeadwaterError) as caught:
        entrances(home, text)
    assert expected in str(caught.value)
    assert "entrances.csv" in str(caught.value)


def test_one_position_may_change_hands(home):
    rows = entrances(home, "a,甲,A,home,feed,,,2026-01-31\nb,乙,B,home,feed,,2026-02-01,\n")
    assert len(rows) == 2


def test_a_slot_may_stand_out_of_its_module(home):
    assert len(entrances(home, "a,甲,A,home,feed,,,\nb,乙,B,home,feed,3,,\n")) == 2


def test_an_entrance_as_action_module_contradicts_the_settings(home):
    settings = Settings.model_validate({"attribution": {"action_modules": ["feed"]}})
    with pytest.raises(HeadwaterError, match=r"attribution.action_modules in headwater.yaml lists it"):
        entrances(home, "a,甲,A,home,feed,,,\n", settings)


def test_a_missing_or_unknown_column_is_named(home):
    path = home.config / "entrances.csv"
    path.write_text("entrance_id,name_zh,name_en,page_type,module\n", encoding="utf-8")
    with pytest.raises(HeadwaterError, match=r"column 'slot' is missing"):
        load_config_tables(home, Settings())
    path.write_text(HEADER.strip() + ",colour\n", encoding="utf-8")
    with pytest.raises(HeadwaterError, match=r"unknown column 'colour'"):
        load_config_tables(home, Settings())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01,usd,7.1\n", "currency is 'usd', expected three letters"),
        ("2026-03-01,USD,seven\n", "rate is 'seven'"),
        ("2026-03-01,USD,0\n", "rate is '0'"),
        ("2026-03-01,USD,7.1\n2026-03-01,USD,7.2\n", "row 3: row 2 already has a rate for USD on 2026-03-01"),
        ("2026-03-01,CNY,1\n", "CNY is the reporting currency"),
        (",USD,7.1\n", "dt is empty"),
    ],
)
def test_a_wrong_rate_is_refused(home, text, expected):
    (home.config / "fx.csv").write_text("dt,currency,rate\n" + text, encoding="utf-8")
    with pytest.raises(HeadwaterError) as caught:
        load_config_tables(home, Settings())
    assert expected in str(caught.value)


def test_the_order_of_rows_does_not_change_the_version(home):
    text = ["a,甲,A,home,feed,,,\n", "b,乙,B,home,top,,,\n"]
    versions = []
    for order in (text, text[::-1]):
        entrances(home, "".join(order))
        versions.append(load_config_tables(home, Settings()).version("config.entrances"))
    assert versions[0] == versions[1]
