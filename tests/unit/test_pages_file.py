"""config/pages.yaml and config/contents.csv: errors name the file and the key, page or row, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.compute.home_check import check_home
from pipelines.config_tables import contents_of, load_config_tables, pages_of
from pipelines.config_tables.contents import load_contents
from pipelines.config_tables.pages import Area, load_pages
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import init_home
from pipelines.home.settings import Settings
from tests.support import png

HOME = "pages:\n  home:\n    name_zh: 首页\n    name_en: Home\n    picture: pages/home.png\n    modules:\n"
RECTANGLE = "x: 0, y: 0, width: 50, height: 20"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A config folder with a picture of 100 × 40 pixels."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "home.png").write_bytes(png(100, 40))
    return tmp_path


def pages(folder: Path, text: str):
    (folder / "pages.yaml").write_text(text, encoding="utf-8")
    return load_pages(folder / "pages.yaml")


def areas(folder: Path, module: str) -> dict[int, Area]:
    return dict(pages(folder, f"{HOME}      banner: {{{module}}}\n")["home"].modules[0].areas)


def contents(folder: Path, rows: str):
    (folder / "contents.csv").write_text(f"content_id,name_zh,name_en,picture\n{rows}\n", encoding="utf-8")
    return load_contents(folder / "contents.csv")


def test_a_grid_numbers_its_slots_along_each_row(folder: Path) -> None:
    found = areas(folder, "x: 10, y: 0, width: 80, height: 40, columns: 3, rows: 2")
    assert found == {
        1: Area(10, 0, 26, 20), 2: Area(36, 0, 27, 20), 3: Area(63, 0, 27, 20),
        4: Area(10, 20, 26, 20), 5: Area(36, 20, 27, 20), 6: Area(63, 20, 27, 20),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (RECTANGLE, {0: Area(0, 0, 50, 20)}),
        (f"{RECTANGLE}, columns: 1", {1: Area(0, 0, 50, 20)}),
        (f"slots: {{1: {{{RECTANGLE}}}, 7: {{x: 50, y: 0, width: 50, height: 40}}}}",
         {1: Area(0, 0, 50, 20), 7: Area(50, 0, 50, 40)}),
        (f"{RECTANGLE}, slots: {{2: {{x: 1, y: 1, width: 49, height: 19}}}}", {2: Area(1, 1, 49, 19)}),
        ("columns: 5", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_a_module_has_a_rectangle_a_grid_or_single_slots(folder: Path, module: str, expected: object) -> None:
    assert areas(folder, module) == expected


def test_a_page_has_its_names_and_the_size_of_its_picture(folder: Path) -> None:
    found = pages(folder, f"{HOME}      banner: {{columns: 4, name_zh: 轮播, name_en: Carousel}}")["home"]
    assert (found.name_zh, found.name_en, found.picture) == ("首页", "Home", "pages/home.png")
    assert (found.width, found.height) == (100, 40)
    assert [(one.module, one.name_en, one.columns) for one in found.modules] == [("banner", "Carousel", 4)]


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("x: 60, y: 0, width: 50, height: 20",
         "page 'home', module 'banner': {x: 60, y: 0, width: 50, height: 20} is not on the picture, "
         "which is 100 wide and 40 high"),
        ("slots: {1: {x: 0, y: 30, width: 9, height: 11}}", "slot 1: {x: 0, y: 30, width: 9, height: 11} is not on"),
        (f"{RECTANGLE}, slots: {{1: {{x: 0, y: 30, width: 9, height: 9}}}}", "is not in the module's rectangle"),
        ("x: 0, y: 0, width: 50", "has x, y, width but no height; a rectangle needs all four"),
        ("columns: 2, rows: 2", "has 'rows' but no 'columns' or no rectangle"),
        (f"{RECTANGLE}, columns: 2, slots: {{1: {{{RECTANGLE}}}}}", "has both 'slots' and a grid"),
        (f"slots: {{1: {{{RECTANGLE}}}, 1: {{{RECTANGLE}}}}}", "line 7: not valid YAML: key '1' is repeated"),
        (f"slots: {{1: {{{RECTANGLE}}}, 2: {{x: 49, y: 19, width: 9, height: 9}}}}",
         "slot 2 of module 'banner', {x: 49, y: 19, width: 9, height: 9}, overlaps slot 1 of module 'banner'"),
        ("hight: 3", "unknown key 'pages.home.modules.banner.hight'; expected one of name_zh, name_en, x"),
        ("x: 1.5", "'pages.home.modules.banner.x' is 1.5: expected a whole number"),
        ("x: -1", "'pages.home.modules.banner.x' is -1: input should be greater than or equal to 0"),
        ("slots: {one: {}}", "key 'pages.home.modules.banner.slots.one': "),
    ],
)  # fmt: skip
def test_a_wrong_module_is_refused(folder: Path, module: str, expected: str) -> None:
    with pytest.raises(HeadwaterError) as caught:
        areas(folder, module)
    assert expected in str(caught.value)
    assert str(folder / "pages.yaml") in str(caught.value)


@pytest.mark.parametrize(
    ("given", "instead", "expected"),
    [
        ("pages/home.png", "pages/hme.png", "page 'home': picture 'pages/hme.png' cannot be read: No such file"),
        ("pages/home.png", "../home.png", "picture is '../home.png', expected the path of a PNG file below"),
        ("pages/home.png", "/etc/home.png", "picture is '/etc/home.png', expected the path of a PNG file below"),
        ("pages/home.png", "pages/home.jpg", "picture is 'pages/home.jpg', expected the path of a PNG file below"),
        ("pages/home.png", "pages/text.png", "picture 'pages/text.png' is not a PNG; save it as PNG"),
        ("pages/home.png", "pages/link.png", "picture 'pages/link.png' is a link to a file outside"),
        ("    picture: pages/home.png\n", "", "has a rectangle, but its page has no 'picture'"),
        ("name_en: Home", "name: Home", "key 'pages.home.name_en' is missing"),
        ("pages:", "page:", "key 'pages' is missing"),
        ("pages:", "pages:\n  start: {name_zh: 首页, name_en: Start}",
         "page 'home': name_zh '首页' is already that of page 'start'"),
    ],
)  # fmt: skip
def test_a_wrong_page_is_refused(folder: Path, given: str, instead: str, expected: str) -> None:
    (folder / "pages" / "text.png").write_text("no picture, but long enough to be one", encoding="utf-8")
    outside = folder.parent / f"{folder.name}.png"
    outside.write_bytes(png(100, 40))
    (folder / "pages" / "link.png").symlink_to(outside)
    text = f"{HOME}      banner: {{{RECTANGLE}}}\n"
    assert given in text
    with pytest.raises(HeadwaterError) as caught:
        pages(folder, text.replace(given, instead, 1))
    assert expected in str(caught.value)
    assert str(folder / "pages.yaml") in str(caught.value)


def test_a_content_has_names_and_perhaps_a_picture(folder: Path) -> None:
    found = contents(folder, "spring,春季大促,Spring sale,pages/home.png\nplain,纯色,,")
    assert (found["spring"].name_zh, found["spring"].name_en) == ("春季大促", "Spring sale")
    assert found["spring"].picture == "pages/home.png"
    assert (found["plain"].name_zh, found["plain"].name_en, found["plain"].picture) == ("纯色", "纯色", "")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("a,A,A,\na,B,B,", "row 3: row 2 already has the content_id a"),
        (",A,A,", "row 2: content_id is empty"),
        ("a,,,", "row 2: name_zh and name_en are empty"),
        ("a,A,A,a.png", "row 2: picture 'a.png' cannot be read: No such file"),
        ("a,A,A,../a.png", "row 2: picture is '../a.png', expected the path of a PNG file below"),
        ("a,A,A,contents.csv", "row 2: picture is 'contents.csv', expected the path of a PNG file"),
    ],
)
def test_a_wrong_content_is_refused(folder: Path, rows: str, expected: str) -> None:
    with pytest.raises(HeadwaterError) as caught:
        contents(folder, rows)
    assert expected in str(caught.value)
    assert str(folder / "contents.csv") in str(caught.value)


def test_check_reports_both_files_and_a_run_needs_neither(tmp_path: Path) -> None:
    home, _ = init_home(tmp_path / "shop")
    assert check_home(home).faults == []
    home.pages_file.write_text(f"{HOME}      banner: {{columns: 4}}\n", encoding="utf-8")
    home.contents_file.write_text("content_id,name_zh,name_en,picture\na,A,A,a.png\n", encoding="utf-8")
    places = [fault.split(":")[0] for fault in check_home(home).faults]
    assert places == [f"{home.pages_file}, page 'home'", f"{home.contents_file}, row 2"]
    assert load_config_tables(home, Settings())


def test_a_home_without_the_files_has_the_shipped_pages(tmp_path: Path) -> None:
    home, _ = init_home(tmp_path / "shop")
    copied = pages_of(home)
    home.pages_file.unlink()
    home.contents_file.unlink()
    assert pages_of(home) == copied
    assert list(copied) == ["home", "category", "my"]
    assert contents_of(home) == {}
