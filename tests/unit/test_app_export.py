"""Exported files of tables: values are exact, no value is a formula, and a spreadsheet misreads none."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from xml.etree import ElementTree

import pytest

from dashboards.app.export import csv_of, headings, safe, xlsx_of
from dashboards.blocks import Column, Table
from dashboards.columns import exact, metric, text
from dashboards.locale import Locale

ZH = Locale("zh", "CNY")
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
NAMES = ("revenue", "click_through_rate", "orders", "dt")
ROWS = [
    {"name": name, **dict(zip(NAMES, values, strict=True))}
    for name, *values in (
        ('羽绒服, 加厚 "A"', 1234.5678, 0.1234, 3, dt.date(2026, 5, 1)),
        ('=HYPERLINK("http://x")', None, None, 0, dt.date(2026, 5, 2)),
        ("@SUM(1)\u0000\u202e", -5.0, 1.0, 12_345, None),
    )
]
TABLE = Table(
    "t",
    "表",
    [
        text("商品", "name"),
        exact(ZH, "revenue"),
        metric(ZH, "click_through_rate"),
        metric(ZH, "orders"),
        Column("日", lambda row: str(row["dt"]), field="dt"),
    ],
    ROWS,
)


def sheet(content: bytes, number: int = 1) -> list[list[tuple[str | None, str | None]]]:
    """(type, value) of each cell of sheet *number* of an XLSX file, with shared strings resolved."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        shared = [
            "".join(part.text or "" for part in item.iter(f"{SHEET}t"))
            for item in ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        ]
        root = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
        assert not list(root.iter(f"{SHEET}f")), "a formula"
        rows = []
        for row in root.iter(f"{SHEET}row"):
            cells = []
            for cell in row:
                value = cell.find(f"{SHEET}v")
                said = value.text if value is not None else None
                kind = cell.get("t")
                cells.append((kind, shared[int(said)] if kind == "s" and said else said))
            rows.append(cells)
        return rows


def test_csv_holds_the_values_in_utf_8_with_its_mark():
    content = csv_of(TABLE)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[0] == ["商品", "销售额", "商品点击率", "订单数", "日"]
    assert rows[1] == ['羽绒服, 加厚 "A"', "1234.5678", "0.1234", "3", "2026-05-01"]
    assert rows[2][1:] == ["", "", "0", "2026-05-02"]
    assert rows[3][1] == "-5"


def test_no_text_of_a_csv_begins_like_a_formula():
    rows = list(csv.reader(io.StringIO(csv_of(TABLE).decode("utf-8-sig"))))
    assert rows[2][0] == '\'=HYPERLINK("http://x")'
    assert rows[3][0].startswith("'@SUM(1)")
    assert "\u202e" not in rows[3][0]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＠", " =", "\n="])
def test_each_sign_of_a_formula_is_neutralised(sign):
    assert safe(f"{sign}1+1") == f"'{sign}1+1"
    assert safe(f"a{sign}") == f"a{sign}"


def test_xlsx_has_numbers_shares_and_days_as_such():
    rows = sheet(xlsx_of(TABLE, [("表", "t")]))
    assert rows[0] == [("s", "商品"), ("s", "销售额"), ("s", "商品点击率"), ("s", "订单数"), ("s", "日")]
    kinds = [kind for kind, _ in rows[1]]
    assert kinds == ["s", None, None, None, None]  # a cell with a number or a day has no type
    assert [value for _, value in rows[1][1:4]] == ["1234.5678", "0.1234", "3"]
    assert rows[1][4][1] == "46143"  # XLSX stores a day as the number of days since 1899-12-30
    assert rows[2][0] == ("s", '=HYPERLINK("http://x")')


def test_xlsx_says_what_it_holds():
    assert sheet(xlsx_of(TABLE, [("表", "各商品"), ("行数", "3")]), 2) == [
        [("s", "表"), ("s", "各商品")],
        [("s", "行数"), ("s", "3")],
    ]


def test_keys_are_columns_of_the_file_alone_by_their_own_names():
    rows = [{"name": "Mug", "sku": "=S1", "order_id": None, "line_no": 2}]
    table = Table(
        "t", "T", [text("Product", "name"), text("Line", "line_no")], rows, keys=("sku", "order_id", "line_no")
    )
    found = list(csv.reader(io.StringIO(csv_of(table).decode("utf-8-sig"))))
    assert found == [["Product", "Line", "sku", "order_id"], ["Mug", "2", "'=S1", ""]]
    cells = sheet(xlsx_of(table, [("a", "b")]))
    assert [value for _, value in cells[0]] == ["Product", "Line", "sku", "order_id"]
    assert cells[1][2] == ("s", "=S1")


def test_headings_are_unique():
    columns = [text(title, str(place)) for place, title in enumerate(["after", "x", "after", "after (2)", "after"])]
    assert headings(columns) == ["after", "x", "after (2)", "after (2) (2)", "after (3)"]
