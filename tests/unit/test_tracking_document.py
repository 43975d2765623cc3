"""docs/tracking.md names the attributes and fields that the tracker and the collector have; its example is accepted."""

from __future__ import annotations

import re

import pytest
import yaml

from pipelines.collector.batch import FIELDS, read_body
from pipelines.home.folder import REPOSITORY

TEXT = (REPOSITORY / "docs" / "tracking.md").read_text(encoding="utf-8")
CHINESE = (REPOSITORY / "docs" / "zh" / "tracking.md").read_text(encoding="utf-8")
TRACKER = (REPOSITORY / "pipelines" / "collector" / "static" / "hw.js").read_text(encoding="utf-8")


def named_in_first_cells(section: str) -> set[str]:
    rows = re.findall(r"^\| (`[^|]+`) \|", TEXT.split(f"## {section}\n")[1].split("\n## ")[0], re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


@pytest.mark.parametrize("text", [TEXT, CHINESE], ids=["English", "Chinese"])
def test_the_example_of_the_protocol_is_accepted(text: str) -> None:
    (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    (event,) = read_body(example.encode())["events"]
    assert set(event) <= FIELDS


def test_all_fields_of_the_protocol_are_described() -> None:
    assert named_in_first_cells("The protocol for apps and mini-programs") == {*FIELDS, "sent_time"}


def test_the_attributes_are_those_that_the_tracker_reads() -> None:
    names = re.findall(r"options\.(\w+)", TRACKER)
    options = {"data-" + re.sub("[A-Z]", lambda sign: f"-{sign[0].lower()}", name) for name in names}
    assert named_in_first_cells("The tag") == options
    marks = {f"data-hw-{name.lower()}" for name in re.findall(r"\bhw([A-Z]\w+)\b", TRACKER) if name != "PageType"}
    assert named_in_first_cells("Mark modules and slots") == marks


def test_the_tracker_knows_the_click_ids_of_ads() -> None:
    (pattern,) = re.findall(r"const AD =\s+/\[\?&\]\((.*)\)=/;", TRACKER)
    listed = yaml.safe_load((REPOSITORY / "config" / "channels.yaml").read_text(encoding="utf-8"))["click_ids"]
    known = {name for name in listed if re.fullmatch(pattern, name)}
    assert known >= {name for name, click in listed.items() if click["medium"] in ("cpc", "display")}
    (described,) = re.findall(r"The tracker knows (.*?)\.", TEXT, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", described)) == known


def test_the_stored_names_are_described() -> None:
    stored = set(re.findall(r'(?<!\.)\b[gs]et\("(\w+)"', TRACKER)) | {"pages"}
    described = set(re.findall(r"`hw\.(\w+)`", TEXT))
    assert described - {"js"} == stored


def test_the_demo_shop_asks_no_other_server() -> None:
    folder = REPOSITORY / "pipelines" / "collector" / "shop"
    for path in folder.rglob("*.*"):
        found = set(re.findall(r"(?:https?:)?//[a-z][\w.-]+", path.read_text(encoding="utf-8")))
        assert found <= {"http://www.w3.org"}, path
