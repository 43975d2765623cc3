"""Settings: defaults, and one line that says file, key and what was expected."""

from __future__ import annotations

import datetime as dt

import pytest

from pipelines.errors import HeadwaterError
from pipelines.home import find_home, init_home
from pipelines.settings import Settings, load_settings, write_start_date


@pytest.fixture
def home(tmp_path):
    return init_home(tmp_path / "shop")[0]


def test_the_template_states_the_defaults(home):
    written = load_settings(home)
    assert written == Settings()
    # Equal is not enough: versions are made of the values as they are written into queries, 7 or 7.0.
    assert repr(written.parameters()) == repr(Settings().parameters())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("timezone: Asia/Shangai", "'timezone' is 'Asia/Shangai': expected an IANA time zone such as Asia/Shanghai"),
        ("curency: CNY", "unknown key 'curency'; expected one of timezone, currency"),
        ("attribution: {head_lookback: 3}", "unknown key 'attribution.head_lookback'; expected one of head_lookback_h"),
        (
            "attribution: {cart_window_days: many}",
            "'attribution.cart_window_days' is 'many': input should be a valid int",
        ),
        (
            "attribution: {max_path_steps: 1}",
            "'attribution.max_path_steps' is 1: input should be greater than or equal",
        ),
        (
            "attribution: {path_ends: [view]}",
            "'attribution.path_ends.0' is 'view': input should be 'exposure', 'click'",
        ),
        ("rfm: {window_days: 0}", "'rfm.window_days' is 0: input should be greater than or equal to 1"),
        ("rfm: {window_days: 3661}", "'rfm.window_days' is 3661: input should be less than or equal to 3660"),
        ("rfm: {compare_days: 367}", "'rfm.compare_days' is 367"),
        ("rfm: {frequency: visits}", "'rfm.frequency' is 'visits': input should be 'orders' or 'days'"),
        ("rfm: {monetary: median}", "'rfm.monetary' is 'median': input should be 'sum' or 'mean'"),
        ("rfm: {window: 365}", "unknown key 'rfm.window'; expected one of window_days, frequency, monetary, compare_d"),
        ("lifecycle: {churned_days: 55}", "expected 2 · period_days ≤ churned_days ≤ history_days"),
        ("lifecycle: {history_days: 100}", "expected 2 · period_days ≤ churned_days ≤ history_days"),
        (
            "snapshots: {daily_for_days: 0}",
            "'snapshots.daily_for_days' is 0: input should be greater than or equal to 1",
        ),
        ("snapshots: {then: week_end}", "'snapshots.then' is 'week_end': input should be 'month_end'"),
        ("memory_limit: lots", "'memory_limit' is 'lots'"),
        ("engine: oracle", "'engine' is 'oracle': input should be 'duckdb'"),
        ("start_date: soon", "'start_date' is 'soon'"),
        ("timezone: UTC\ntimezone: CET", "line 2: not valid YAML: key 'timezone' is given twice"),
        ("timezone: [", "not valid YAML"),
        ("just words", "expected keys such as 'timezone:', found 'just words'"),
    ],
)
def test_a_wrong_setting_is_one_line_with_file_and_key(home, text, expected):
    home.settings_file.write_text(text, encoding="utf-8")
    with pytest.raises(HeadwaterError) as caught:
        load_settings(home)
    message = str(caught.value)
    assert str(home.settings_file) in message
    assert expected in message
    assert "\n" not in message


REMOVE = "remove_if_not_all, remove_if_last_and_not_all"


@pytest.mark.parametrize(
    ("touch", "expected"),
    [
        ("window_days: 0", "'touch.window_days' is 0: input should be greater than or equal to 1"),
        ("half_life_days: 0", "'touch.half_life_days' is 0: input should be greater than 0"),
        ("half_life_days: .inf", "'touch.half_life_days' is inf: input should be a finite number"),
        ("half_life_days: .nan", "'touch.half_life_days' is nan"),
        ("transform: exposure", "'touch.transform' is 'exposure': input should be a valid tuple"),
        (
            "transform: [exposed]",
            "'exposed': expected unique, exposure, first, frequency, or remove_if_not_all: [name]",
        ),
        ("transform: [exposure, first]", "expected at most one of unique, exposure, first, frequency"),
        ("transform: [{exposure: [a]}]", "{'exposure': ['a']}: expected unique,"),
        ("transform: [remove_if_not_all]", "'remove_if_not_all': expected unique,"),
        ("transform: [{remove_if_not_all: a}]", "{'remove_if_not_all': 'a'}: expected unique,"),
        ("transform: [{remove_if_not_all: []}]", "{'remove_if_not_all': []}: expected unique,"),
        ("transform: [{remove_if_not_all: [1]}]", "{'remove_if_not_all': [1]}: expected unique,"),
        (
            "transform: [exposure, {remove_if_not_all: [a]}]",
            "the order in which they are applied: remove_if_not_all, exposure",
        ),
        (
            "transform: [{remove_if_last_and_not_all: [a]}, {remove_if_not_all: [a]}]",
            f"the order in which they are applied: {REMOVE}",
        ),
        ("transform: [{remove_if_not_all: [a]}, {remove_if_not_all: [b]}]", "expected each at most once"),
    ],
)
def test_a_wrong_touch_setting_is_one_line_with_file_and_key(home, touch, expected):
    home.settings_file.write_text(f"touch: {{{touch}}}", encoding="utf-8")
    with pytest.raises(HeadwaterError) as caught:
        load_settings(home)
    message = str(caught.value)
    assert str(home.settings_file) in message
    assert expected in message
    assert "\n" not in message


def test_touch_settings_become_parameters(home):
    home.settings_file.write_text(
        "touch: {half_life_days: 0.5, transform: [{remove_if_not_all: [a]}, {remove_if_last_and_not_all: [b, c]}]}",
        encoding="utf-8",
    )
    found = load_settings(home).parameters()
    assert {name: value for name, value in found.items() if name.startswith("touch_")} == {
        "touch_window_days": 30,
        "touch_half_life_days": 0.5,
        "touch_transform": "unique",
        "touch_remove_if_not_all": ("a",),
        "touch_remove_if_last_and_not_all": ("b", "c"),
    }
    assert Settings().parameters()["touch_transform"] == "exposure"


def test_a_file_that_is_not_utf8_is_named(home):
    home.settings_file.write_bytes("# 设置".encode("gbk"))
    with pytest.raises(HeadwaterError, match=r"not UTF-8"):
        load_settings(home)


def test_the_keys_of_later_features_are_known(home):
    home.settings_file.write_text("rfm: {window_days: 90}\nsnapshots: {daily_for_days: 7}\n", encoding="utf-8")
    assert load_settings(home).rfm.window_days == 90


def test_start_date_is_written_among_the_comments(home):
    before = home.settings_file.read_text(encoding="utf-8").splitlines()
    write_start_date(home, dt.date(2026, 3, 2))
    after = home.settings_file.read_text(encoding="utf-8").splitlines()
    assert load_settings(home).start_date == dt.date(2026, 3, 2)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 1
    assert changed[0][1].startswith("start_date: 2026-03-02      # first day")


def test_start_date_is_added_where_there_is_no_such_line(home):
    home.settings_file.write_text("timezone: UTC", encoding="utf-8")
    write_start_date(home, dt.date(2026, 3, 2))
    assert load_settings(home) == Settings(timezone="UTC", start_date=dt.date(2026, 3, 2))


def test_init_overwrites_nothing(home):
    home.settings_file.write_text("timezone: UTC", encoding="utf-8")
    (home.config / "fx.csv").unlink()
    again, written = init_home(home.root)
    assert load_settings(again).timezone == "UTC"
    assert written == [home.config / "fx.csv"]


def test_a_folder_that_is_no_home_says_what_to_do(tmp_path):
    with pytest.raises(HeadwaterError, match=r"not a Headwater home .*headwater init"):
        find_home(tmp_path)
