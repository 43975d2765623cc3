"""Every reason for which ingestion quarantines a record is understood by readers of Chinese."""

from __future__ import annotations

import re

import pytest

from dashboards.app.reasons import reasons_in
from dashboards.texts import Texts
from pipelines.ingest.sources.targets import TARGETS

FIELDS = sorted({name for target in TARGETS.values() for name in target.columns})
OTHERS = [
    "time out of range",
    "amount out of range",
    "forgotten",
    "not a JSON object",
    "NUL byte",
    "3 fields instead of 12",
    "line longer than 16 MB",
    "the file breaks off here",
]


@pytest.mark.parametrize("reason", ["missing {}", "bad {}", "unknown {}", "negative {}", "{} given twice"])
def test_a_reason_names_its_field_in_chinese(reason):
    for field in FIELDS:
        said = reasons_in(Texts("zh"), reason.format(field))
        assert field in said
        assert not re.search("[a-z]{2}", said.replace(field, "")), said


@pytest.mark.parametrize("reason", [*OTHERS, "invalid json", "invalid csv", "invalid UTF-8"])
def test_a_reason_without_a_field_is_in_chinese(reason):
    assert re.search("[\u4e00-\u9fff]", reasons_in(Texts("zh"), reason))


def test_reasons_are_joined_and_unknown_ones_stay():
    assert reasons_in(Texts("zh"), "missing event_id; of a new kind") == "缺少 event_id；of a new kind"
    assert reasons_in(Texts("en"), "missing event_id; bad page_id") == "missing event_id; bad page_id"
