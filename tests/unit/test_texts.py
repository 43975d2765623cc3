"""All texts for operators exist in both languages."""

from __future__ import annotations

import datetime as dt
import re
import string
from pathlib import Path

import pytest

import dashboards
from dashboards.texts import Texts, all_texts
from pipelines.home.folder import REPOSITORY
from pipelines.sqlproject.metrics import load_metrics

FOLDER = Path(dashboards.__file__).parent
CODE = "\n".join(file.read_text(encoding="utf-8") for kind in ("py", "html") for file in FOLDER.rglob(f"*.{kind}"))
NAMED = re.findall(r"""text\(\s*["']([a-z_0-9.()]+[a-z_0-9()])["']""", CODE)
"""The text keys that the code contains as literals; it composes other keys from parts."""


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", all_texts())
def test_a_text_says_the_same_in_both_languages(key):
    texts = all_texts()[key]
    assert set(texts) == {"zh", "en"}
    assert all(texts.values())
    assert fields(texts["zh"]) == fields(texts["en"])


@pytest.mark.parametrize("key", sorted(set(NAMED)))
def test_a_text_that_the_code_names_is_there(key):
    assert key in all_texts()


def test_no_text_is_left_over():
    families = set(re.findall(r"""f["']([a-z_.]+\.)\{""", CODE)) | set(
        re.findall(r"""f["']([a-z_]+\.[a-z]+_)\{""", CODE)
    )
    families |= {f"{name}." for name in re.findall(r"""name\(\s*["']([a-z_.]+)["']""", CODE)}
    families |= {"octants.", "segments.", "quadrant.", "stage."}
    written = set(re.findall(r"""["']([a-z_]+\.[a-z_.0-9]+)["']""", CODE)) | set(NAMED)
    # Code composes some keys, such as f"page.{name}.about"; only the last part of such a key is literal.
    endings = set(re.findall(r"""\}(\.[a-z_]+)["']""", CODE))
    unused = {
        key
        for key in all_texts()
        if key not in written and not key.startswith(tuple(families)) and not key.endswith(tuple(endings))
    }
    assert unused == set()


def test_no_key_is_written_twice():
    files = [file.read_text(encoding="utf-8") for file in (FOLDER / "words").glob("*.yaml")]
    keys = [key for text in files for key in re.findall(r"^([^\s#]\S*):", text, re.MULTILINE)]
    of_metrics = {f"{kind}.{key}" for key in load_metrics() for kind in ("metric", "about")}
    assert len(keys) == len(set(keys))
    assert set(keys) == set(all_texts()) - of_metrics


def test_every_check_has_a_name_in_both_languages():
    checks = {file.stem for file in (REPOSITORY / "sql" / "checks").glob("*.sql")}
    assert {f"check.{name}" for name in checks} <= set(all_texts())


def test_what_has_no_name_is_called_by_its_key():
    assert Texts("en").name("metric", "revenue") == "Sales"
    assert Texts("en").name("metric", "my_metric") == "my_metric"


LIGHTNESS = re.compile(r"[深浅暗亮]|\b(dark|light|pale|white|black)(er|est)?\b", re.IGNORECASE)
OF_NO_CHART = {"theme.dark", "theme.light", "definition.rule.black_ball"}
OF_THE_REPORT = {"trend.definition"}
"""Texts that may name a lightness because only the report has them, which is always on white paper."""


def test_no_caption_names_a_lightness_that_the_dark_theme_turns():
    named = {key for key, texts in all_texts().items() if any(LIGHTNESS.search(text) for text in texts.values())}
    assert named <= OF_NO_CHART | OF_THE_REPORT


@pytest.mark.parametrize("language", ["zh", "en"])
def test_two_metrics_never_share_a_name(language):
    """The only exception is conversion_rate of products.metrics, which has the same formula as click_to_order_rate."""
    names = {key: text[language] for key, text in all_texts().items() if key.startswith("metric.")}
    assert names.pop("metric.conversion_rate") == names["metric.click_to_order_rate"]
    shared = {name: [key for key in names if names[key] == name] for name in names.values()}
    assert {name: keys for name, keys in shared.items() if len(keys) > 1} == {}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_counts_of_slots_modules_and_products_say_of_which(language):
    """The names of metrics must say whose count it is; "exposures" could be those of a slot, a module or a product."""
    of = {
        "zh": {"impressions": "坑位", "clicks": "坑位", "slot_click_rate": "坑位", "module_impressions": "模块",
               "module_clicks": "模块", "module_click_rate": "模块", "exposures": "商品", "product_clicks": "商品",
               "click_through_rate": "商品", "revenue_per_mille_impressions": "坑位"},
        "en": {"impressions": "Slot", "clicks": "Slot", "slot_click_rate": "Slot", "module_impressions": "Module",
               "module_clicks": "Module", "module_click_rate": "Module", "exposures": "Product",
               "product_clicks": "Product", "click_through_rate": "Product", "revenue_per_mille_impressions": "slot"},
    }[language]  # fmt: skip
    for metric, word in of.items():
        assert word in Texts(language).name("metric", metric)


def test_dates_are_written_in_the_language():
    day = dt.date(2026, 9, 6)
    keys = ("date.full", "date.short", "date.lines", "date.weekday")
    said = [[Texts(language).date(key, day) for key in keys] for language in ("zh", "en")]
    assert said[0] == ["2026年9月6日 星期日", "9月6日 周日", "9月6日<br>周日", "周日"]
    assert said[1] == ["Sunday, 6 Sep 2026", "Sun 6 Sep", "Sun<br>6 Sep", "Sun"]
