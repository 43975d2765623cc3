"""Links in documents work; the Chinese documents use the terms of the dashboards, and their examples work."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from dashboards.app.watch.settings import load_watch
from dashboards.texts import all_texts
from pipelines.compute.home_check import check_home
from pipelines.config_tables.pages import load_pages
from pipelines.home.folder import REPOSITORY, init_home
from pipelines.home.settings import Settings
from tests.commands import HEADWATER, parsed
from tests.support import png

DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
CHINESE = sorted((REPOSITORY / "docs" / "zh").glob("*.md"))
SETTINGS = (REPOSITORY / "docs" / "zh" / "settings.md").read_text(encoding="utf-8")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(text: str, language: str = "") -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [block for name, block in found if name == language]


def anchors(path: Path) -> set[str]:
    """The anchors of the document *path*: its headings in the form that GitHub uses after #."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text_of(path), flags=re.DOTALL | re.MULTILINE), re.M)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text_of(path)):
        file, _, anchor = target.partition("#")
        place = (path.parent / file).resolve() if file else path
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), target


@pytest.mark.parametrize("path", CHINESE, ids=lambda path: path.name)
def test_chinese_pages_name_what_operators_see(path: Path) -> None:
    texts = [text["zh"] for text in all_texts().values()]
    config = "".join(map(text_of, sorted((REPOSITORY / "config").glob("*.*"))))
    quoted = set(re.findall(r"「([^」]+)」", text_of(path)))
    assert quoted
    assert {word for word in quoted if word not in config and not any(word in text for text in texts)} == set()


@pytest.mark.parametrize("path", CHINESE, ids=lambda path: path.name)
def test_chinese_pages_name_commands_that_exist(path: Path) -> None:
    text = text_of(path)
    lines = [*"".join(blocks(text)).splitlines(), *re.findall(r"`(headwater [^`]+)`", text)]
    for line in lines:
        if line.startswith("headwater "):
            parsed(HEADWATER, shlex.split(line, comments=True))
    for name in re.findall(r"`(config/[^`]+)`", text):
        assert list(REPOSITORY.glob(name)), name


def test_chinese_settings_are_the_programs_with_its_defaults() -> None:
    rows = re.findall(r"^\| (`[a-z_.`、]+`) \| (.+?) \|", SETTINGS.partition("## 店铺设置")[2], re.MULTILINE)
    assert len(rows) > 10
    for names, defaults in rows:
        for name, default in zip(re.findall(r"`([^`]+)`", names), defaults.split("、"), strict=True):
            written = yaml.safe_load(default)
            for part in reversed(name.split(".")):
                written = {part: written}
            assert name == "start_date" or Settings.model_validate(written) == Settings(), name


def test_chinese_examples_of_settings_work(tmp_path: Path) -> None:
    home, _ = init_home(tmp_path / "shop")
    examples = blocks(SETTINGS)
    for beginning, file in (("entrance_id", "entrances"), ("dt,", "fx"), ("category,", "market")):
        (example,) = (block for block in examples if block.startswith(beginning))
        (home.config / f"{file}.csv").write_text(example, encoding="utf-8")
    (vip,) = (block for block in examples if block.startswith("kind,"))
    segments = home.config / "segments.csv"
    segments.write_text(text_of(segments).replace("segment,champions", vip.splitlines()[1] + "\nsegment,champions"))
    octants, matrix, _, alerts = blocks(SETTINGS, "yaml")
    matrices = text_of(home.config / "matrices.yaml")
    axes = re.compile(r"^customers:\n  octants:.*?(?=^# Two axes)", re.DOTALL | re.MULTILINE)
    (home.config / "matrices.yaml").write_text(axes.sub(octants, matrices) + matrix, encoding="utf-8")
    assert check_home(home).faults == []
    home.alerts_file.write_text(alerts, encoding="utf-8")
    (subscriptions,) = (block for block in examples if block.startswith("name,what"))
    home.subscriptions_file.write_text(subscriptions, encoding="utf-8")
    watch = load_watch(home)
    assert (len(watch.alerts), len(watch.subscriptions)) == (5, 2)


def test_the_example_of_alerts_in_the_user_guide_works(tmp_path: Path) -> None:
    home, _ = init_home(tmp_path / "shop")
    examples = blocks(text_of(REPOSITORY / "docs/user-guide.md"), "yaml")
    (alerts,) = [block for block in examples if block.startswith("people:")]
    rows = blocks(text_of(REPOSITORY / "docs/user-guide.md"), "")
    (subscriptions,) = [block for block in rows if block.startswith("name,what")]
    home.alerts_file.write_text(alerts, encoding="utf-8")
    home.subscriptions_file.write_text(subscriptions, encoding="utf-8")
    watch = load_watch(home)
    assert (len(watch.alerts), len(watch.subscriptions)) == (6, 2)


@pytest.mark.parametrize("document", ["docs/user-guide.md", "docs/zh/settings.md"])
def test_the_example_of_the_slot_map_works(tmp_path: Path, document: str) -> None:
    (example,) = [block for block in blocks(text_of(REPOSITORY / document), "yaml") if block.startswith("pages:")]
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "home.png").write_bytes(png(750, 1400))
    (tmp_path / "pages.yaml").write_text(example, encoding="utf-8")
    modules = load_pages(tmp_path / "pages.yaml")["home"].modules
    found = {one.module: (list(one.areas), one.columns, one.name_en) for one in modules}
    assert found == {
        "banner": ([1, 2], None, ""),
        "icons": ([1, 2], None, ""),
        "search": ([0], None, ""),
        "feed": ([], 2, ""),
        "coupons": ([], None, "Coupons"),
    }
