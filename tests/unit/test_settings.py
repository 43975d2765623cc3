"""Settings: the defaults, and errors in one line that name file, key and what was expected."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import REPOSITORY, find_home, init_home
from pipelines.home.settings import Settings, load_settings, write_start_date
from pipelines.home.yaml_files import describe, read_yaml


@pytest.fixture
def home(tmp_path):
    return init_home(tmp_path / "shop")[0]


def refused(home, text):
    """The error line for *home* with the settings *text*."""
    home.settings_file.write_text(text, encoding="utf-8")
    with pytest.raises(HeadwaterError) as caught:
        load_settings(home)
    message = str(caught.value)
    assert str(home.settings_file) in message
    assert "\n" not in message
    return message


def test_the_template_states_the_defaults(home):
    written = load_settings(home)
    assert written == Settings()
    # Compare by repr: 7 == 7.0, but queries contain the value as text, so 7.0 would change the versions of models.
    assert repr(written.parameters()) == repr(Settings().parameters())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("timezone: Asia/Shangai", "'timezone' is 'Asia/Shangai': expected an IANA time zone such as Asia/Shanghai"),
        ("curency: CNY", "unknown key 'curency'; expected one of timezone, currency"),
        ("attribution: {head_lookback: 3}", "unknown key 'attribution.head_lookback'; expected one of head_lookback_h"),
        (
            "attribution: {cart_window_days: many}",
            "'attribution.cart_window_days' is 'many': expected a whole number",
        ),
        (
            "attribution: {max_path_steps: 1}",
            "'attribution.max_path_steps' is 1: input should be greater than or equal",
        ),
        (
            "attribution: {path_ends: [view]}",
            "'attribution.path_ends.0' is 'view': input should be 'exposure', 'click'",
        ),
        (
            "attribution: {sales_fallbacks: [visit, order]}",
            "expected each at most once, in the order in which they are tried: order, visit",
        ),
        ("attribution: {sales_fallbacks: [order, order]}", '\'attribution.sales_fallbacks\' is ["order", "order"]: '),
        ("attribution: {sales_fallbacks: [session]}", "is 'session': input should be 'order' or 'visit'"),
        ("attribution: {clock_tolerance_seconds: -1}", "'attribution.clock_tolerance_seconds' is -1: input should be"),
        ("attribution: {clock_tolerance_seconds: 3601}", "is 3601: input should be less than or equal to 3600"),
        ("inputs: {max_event_age_days: 0}", "'inputs.max_event_age_days' is 0: input should be greater than or equal"),
        ("inputs: {null_ids: [null]}", "'inputs.null_ids' is [null]: expected a list of words such as [undefined, "),
        ("inputs: {null_ids: ['  ']}", "put null and numbers in quotes"),
        ("inputs: {null_ids: undefined}", "'inputs.null_ids' is 'undefined': expected a list of words"),
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
        ("engine: oracle", "'engine' is 'oracle': input should be 'duckdb' or 'spark'"),
        ("start_date: soon", "'start_date' is 'soon'"),
        ("timezone: UTC\ntimezone: CET", "line 2: not valid YAML: key 'timezone' is repeated"),
        ("timezone: [", "not valid YAML"),
        ("just words", "expected keys such as 'timezone:', found 'just words'"),
        ("currency: yuan", "'currency' is 'yuan': expected three capital letters such as CNY"),
        ("memory_limit: 3", "'memory_limit' is 3: expected a number and a unit such as 3GB"),
        ("rfm:", "'rfm' is empty: expected keys such as window_days, frequency, monetary, compare_days below it"),
        ("rfm: 3", "'rfm' is 3: expected keys such as window_days"),
        ("products: {too_fast_days: 3661}", "'products.too_fast_days' is 3661: input should be less than or equal to"),
        ("products: {too_slow_days: 3000000}", "'products.too_slow_days' is 3000000: input should be less than or equ"),
        ("products: {small_sample: 1000000001}", "'products.small_sample' is 1000000001: input should be less than"),
        # pydantic alone would read a number as seconds since 1970, and 86400 as a date.
        ("start_date: 86400", "'start_date' is 86400: expected a date such as 2026-01-05"),
        ("start_date: '86400'", "'start_date' is '86400': expected a date such as 2026-01-05"),
    ],
)
def test_a_wrong_setting_is_one_line_with_file_and_key(home, text, expected):
    assert expected in refused(home, text)


def _settings_of_kind(kind, section):
    """Keys such as ``rfm.window_days`` of all settings of *kind*."""
    for name, value in section:
        if isinstance(value, BaseModel):
            yield from (f"{name}.{key}" for key in _settings_of_kind(kind, value))
        elif type(value) is kind:
            yield name


def _yaml_of(key, value):
    section, _, name = key.rpartition(".")
    return f"{section}: {{{name}: {value}}}" if section else f"{name}: {value}"


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        *(
            (key, value, "a whole number")
            for key in [*_settings_of_kind(int, Settings()), "threads"]
            for value in ("true", "'7'")
        ),
        *((key, "false", "a number") for key in _settings_of_kind(float, Settings())),
        *(
            (key, value, "true or false")
            for key in _settings_of_kind(bool, Settings())
            for value in ("1", "0", "'true'")
        ),
        ("products.windows", "[true]", "a whole number"),
        ("timezone", "true", "a text"),
    ],
)
def test_a_setting_of_the_wrong_kind_is_refused(home, key, value, expected):
    said = refused(home, _yaml_of(key, value))
    assert f"'{key}" in said
    assert f"expected {expected}" in said


TEMPLATE = "write a value instead of a template such as {{ days }}, and quote text that begins with { or ["


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("currency: {{ CUR }}", TEMPLATE),
        ("currency: {[a]: 3}", TEMPLATE),
        ("{{ a }}: 3", TEMPLATE),
        ("start_date: 2026-02-30", "'2026-02-30' is not a calendar date; correct it, or quote it if it is text"),
        ("start_date: 2026-01-05 25:00:00", "'2026-01-05 25:00:00' is not a calendar date"),
        ("start_date: !!timestamp soon", "'soon' is not a calendar date"),
        ("threads: !!int many", "'many' is not a whole number"),
        (f"threads: {'9' * 5000}", "99' is not a whole number"),
        ("threads: !!float many", "'many' is not a number"),
        ("threads: !!bool many", "'many' is not a bool"),
        ("threads: !!set [a]", "expected a mapping node, but found sequence"),
    ],
)
def test_what_yaml_stumbles_over_is_one_line_with_file_and_line(home, text, expected):
    message = refused(home, f"# settings\n{text}")
    assert f"{home.settings_file}, line 2: not valid YAML: " in message
    assert expected in message


def test_brackets_without_end_are_one_line(home):
    assert "look for brackets that are not closed" in refused(home, "[" * 9000)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("060", 60),
        ("+7", 7),
        ("-0", 0),
        ("1e3", 1000.0),
        ("-2.5E-1", -0.25),
        (".5", 0.5),
        ("1.", 1.0),
        ("-.inf", float("-inf")),
        ("1:30", "1:30"),
        ("1:30.5", "1:30.5"),
        ("0x3c", "0x3c"),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("'060'", "060"),
        ("2026-01-05", dt.date(2026, 1, 5)),
        ("1.2.3", "1.2.3"),
        ("-", [None]),
    ],
)
def test_a_number_is_what_people_read(tmp_path, written, read):
    path = tmp_path / "numbers.yaml"
    path.write_text(written, encoding="utf-8")
    found = read_yaml(path)
    assert (type(found), found) == (type(read), read)


def test_an_unknown_key_names_the_keys_as_the_file_writes_them():
    class Leaf(BaseModel):
        model_config = ConfigDict(extra="forbid")
        low_low: int = Field(0, alias="low-low")

    class Tree(BaseModel):
        leaf: Leaf | None = None
        leaves: dict[str, Annotated[Leaf, Field()]] = {}
        row: tuple[Leaf, ...] = ()

    for content, key in (
        ({"leaf": {"low_low": 1}}, "leaf.low_low"),
        ({"leaves": {"row": {"low_low": 1}}}, "leaves.row.low_low"),
        ({"row": [{"low_low": 1}]}, "row.0.low_low"),
    ):
        with pytest.raises(ValidationError) as caught:
            Tree.model_validate(content)
        assert describe(caught.value, Tree) == f"unknown key '{key}'; expected one of low-low"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rfm: {window_days: 1:30}", "'rfm.window_days' is '1:30': expected a whole number"),
        ("threads: 0x10", "'threads' is '0x10': expected a whole number"),
        ("touch: {half_life_days: 1:30.5}", "'touch.half_life_days' is '1:30.5': expected a number"),
    ],
)
def test_a_number_in_no_decimal_digits_is_refused(home, text, expected):
    assert expected in refused(home, text)


REMOVE = "remove_if_not_all, remove_if_last_and_not_all"


@pytest.mark.parametrize(
    ("touch", "expected"),
    [
        ("window_days: 0", "'touch.window_days' is 0: input should be greater than or equal to 1"),
        ("half_life_days: 0", "'touch.half_life_days' is 0: input should be greater than 0"),
        ("half_life_days: .inf", "'touch.half_life_days' is inf: expected a finite number"),
        ("half_life_days: .nan", "'touch.half_life_days' is nan"),
        ("transform: exposure", "'touch.transform' is 'exposure': expected a list such as [a, b]"),
        (
            "transform: [exposed]",
            "'exposed': expected unique, exposure, first, frequency, or remove_if_not_all: [name]",
        ),
        ("transform: [exposure, first]", "expected at most one of unique, exposure, first, frequency"),
        ("transform: [{exposure: [a]}]", '{"exposure": ["a"]}: expected unique,'),
        ("transform: [remove_if_not_all]", "'remove_if_not_all': expected unique,"),
        ("transform: [{remove_if_not_all: a}]", '{"remove_if_not_all": "a"}: expected unique,'),
        ("transform: [{remove_if_not_all: []}]", '{"remove_if_not_all": []}: expected unique,'),
        ("transform: [{remove_if_not_all: [1]}]", '{"remove_if_not_all": [1]}: expected unique,'),
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
    assert expected in refused(home, f"touch: {{{touch}}}")


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
        "touch_effects_days": 90,
        "touch_markov_order": 1,
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
    assert changed[0][1].startswith("start_date: 2026-03-02       # first day")
    assert changed[0][0].index("#") == changed[0][1].index("#"), "the comments stay in one column"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("timezone: UTC", "timezone: UTC\nstart_date: 2026-03-02\n"),
        ("", "start_date: 2026-03-02\n"),
        ("# ours\n# timezone: UTC\n", "# ours\n# timezone: UTC\n\nstart_date: 2026-03-02\n"),
        ("{timezone: UTC}", "{timezone: UTC, start_date: 2026-03-02}\n"),
        ("start_date : ~  # soon\ncurrency: 'USD'\n", "start_date: 2026-03-02 # soon\ncurrency: 'USD'\n"),
        ('"start_date":\nthreads: null\n', '"start_date": 2026-03-02\nthreads: null\n'),
        ("\ufefftimezone: UTC # 时区\r\n", "timezone: UTC # 时区\nstart_date: 2026-03-02\n"),
        (
            "rfm:\n  window_days: 090  # b\n\n# end\n",
            "rfm:\n  window_days: 090  # b\n\n# end\nstart_date: 2026-03-02\n",
        ),
    ],
)
def test_start_date_is_written_however_the_file_is_laid_out(home, text, written):
    home.settings_file.write_bytes(text.encode())
    before = load_settings(home)
    write_start_date(home, dt.date(2026, 3, 2))
    assert home.settings_file.read_text(encoding="utf-8") == written
    assert load_settings(home) == before.model_copy(update={"start_date": dt.date(2026, 3, 2)})


def test_init_overwrites_nothing(home):
    home.settings_file.write_text("timezone: UTC", encoding="utf-8")
    (home.config / "fx.csv").unlink()
    again, written = init_home(home.root)
    assert load_settings(again).timezone == "UTC"
    assert written == [home.config / "fx.csv"]


def test_a_folder_that_is_no_home_says_what_to_do(tmp_path):
    with pytest.raises(HeadwaterError, match=r"not a Headwater home .*headwater init"):
        find_home(tmp_path)


def test_every_setting_is_explained_in_both_languages():
    english = read_yaml(REPOSITORY / "config" / "headwater.yaml")
    chinese = (REPOSITORY / "docs" / "zh" / "settings.md").read_text(encoding="utf-8")
    for section, value in Settings():
        names = [name for name, _ in value] if isinstance(value, BaseModel) else [""]
        for name in names:
            key = f"{section}.{name}".removesuffix(".")
            assert f"`{key}`" in chinese, key
            assert section in english, key
            assert not name or name in english[section], key
