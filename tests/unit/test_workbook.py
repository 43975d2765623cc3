"""All tables of a page in one workbook: the sheets, their names, the first sheet."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree

import pytest

from dashboards.app.marts import Copy
from dashboards.app.page_files import name_of
from dashboards.app.workbook import LONGEST_NAME, sheet_names, workbook_of
from dashboards.blocks import tables
from tests.app_pages import look_at

SPREADSHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
DAYS = "from=2026-05-17&to=2026-05-20"


def read_book(content: bytes) -> dict[str, list[list[str]]]:
    """Sheet name → its rows as texts; asserts that no cell is a formula."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        strings = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        texts = ["".join(part.itertext()) for part in strings]
        names = [
            one.attrib["name"]
            for one in ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{SPREADSHEET}sheet")
        ]
        found = {}
        for number, name in enumerate(names, start=1):
            sheet = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
            assert not [*sheet.iter(f"{SPREADSHEET}f")]
            found[name] = [
                [
                    texts[int(cell.findtext(f"{SPREADSHEET}v") or 0)]
                    if cell.get("t") == "s"
                    else cell.findtext(f"{SPREADSHEET}v") or ""
                    for cell in row
                ]
                for row in sheet.iter(f"{SPREADSHEET}row")
            ]
        return found


def test_names_of_sheets_are_ones_that_excel_takes():
    long = "各入口的销售额与流量价值" * 5
    names = sheet_names(["Sales [a/b]: *?", long, long, "history", "ENTRANCES", "entrances", "'quoted'", "", "😀" * 40])
    assert names[0] == "Sales a b"
    assert names[2].endswith(" (2)")
    assert names[3] == "history (2)"
    assert names[5] == "entrances (2)"
    assert names[6:8] == ["quoted", "-"]
    assert len({name.casefold() for name in names}) == len(names)
    assert max(len(name.encode("utf-16-le")) // 2 for name in names) <= LONGEST_NAME
    assert names[8] == "😀" * 15


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_book_has_every_table_of_its_page(shop: Copy, language: str) -> None:
    context, blocks = look_at(shop, f"entrances?{DAYS}&lang={language}&in.platform=ios")
    book = read_book(workbook_of(context, blocks, "https://shop.example/entrances"))
    about, *sheets = book
    assert about == {"en": "About", "zh": "说明"}[language]
    assert sheets == sheet_names([one.title for one in tables(blocks)])
    assert [len(book[name]) - 1 for name in sheets] == [len(one.rows) for one in tables(blocks)]
    said = {row[0]: row[1] for row in book[about] if len(row) > 1}
    text = context.locale.text
    assert said[text("export.link")] == "https://shop.example/entrances"
    assert "2026-05-17" in said[text("days")]
    assert "iOS" in said[text("days")]
    revenue = next(column for one in tables(blocks) for column in one.columns if column.field == "revenue")
    assert said[revenue.title] == revenue.definition


def test_a_file_is_named_by_page_days_and_slice(shop: Copy) -> None:
    context, _ = look_at(shop, f"entrances?{DAYS}&lang=en&in.platform=ios&in.platform=android")
    assert name_of(context, "pdf") == "headwater-entrances-2026-05-17-2026-05-20-iOS+Android.pdf"
    context, _ = look_at(shop, "customers?lang=en&part=moves&from=2026-05-17&to=2026-05-20&in.category=../../x")
    assert name_of(context, "png") == "headwater-customers-moves-2026-05-17-2026-05-20-______x.png"
