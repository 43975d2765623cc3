"""Which records and columns a file has: quotes and line breaks in CSV, column names in another case or repeated."""

from __future__ import annotations

import io
import random
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.home.folder import Home
from pipelines.ingest.files.dialects import Dialect, Origin, select_from
from pipelines.ingest.files.discover import LandedFile
from pipelines.ingest.files.lines import Lines
from pipelines.ingest.files.records import CsvForm, csv_fields, records_of
from pipelines.ingest.sources.source import Relation, RelationColumn
from tests.ingest_support import (
    LANDED_AT,
    Row,
    counts,
    event,
    land,
    ndjson,
    new_home,
    only_batch,
    raw,
    refused,
    take_in,
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path / "home")


def products(home: Home) -> dict[str, Row]:
    return {row["sku"]: row for row in raw(home, "raw.products")}


# Records of CSV --------------------------------------------------------------------------------------------


def read_fast(
    connection: duckdb.DuckDBPyConnection, path: Path, form: CsvForm, names: tuple[str, ...]
) -> list[tuple[str | None, ...]] | None:
    """The records that DuckDB reads from a CSV file, or None if it refuses the file."""
    relation = Relation(glob="*", columns={name: RelationColumn() for name in names})
    dialect = Dialect("csv", form=form, names=names)
    query = select_from(dialect, relation, [Origin(path, "b", LANDED_AT)])
    try:
        return [tuple(value or None for value in row[:-2]) for row in connection.execute(query).fetchall()]
    except duckdb.Error:
        return None


def read_by_line(path: Path, form: CsvForm, width: int) -> list[tuple[str | None, ...] | str]:
    """Read a CSV file line by line; returns for each record its fields, or the error."""
    file = LandedFile("native", "products", path, path.name, "csv", "", path.stat().st_size, 0)
    found: list[tuple[str | None, ...] | str] = []
    for record in list(records_of(file, Lines(file), form))[int(form.has_header) :]:
        fields, fault = csv_fields(record, form)
        while len(fields) > width and not fields[-1]:
            fields.pop()
        found.append(fault or (tuple(f or None for f in fields) if len(fields) == width else "fields"))
    return found


@pytest.mark.parametrize(
    ("alphabet", "form", "width", "end"),
    [
        ('ab",,\n"', CsvForm(), 2, "\n"),
        ('a",,,, \n', CsvForm(), 3, "\r\n"),
        ('a"\t\t \n', CsvForm("\t"), 2, "\n"),
        ('a";\r', CsvForm(";"), 2, "\r"),
        ('a""|||\n\n\n', CsvForm("|"), 4, "\n"),
        ('a",,\n', CsvForm(has_header=False), 2, "\n"),
        ('a"\t\t \n', CsvForm("\t", has_header=False, has_quotes=False), 2, "\n"),
        ('a""|||\n\n', CsvForm("|", has_quotes=False), 3, "\r\n"),
    ],
)
def test_duckdb_reads_the_same_csv_records_line_by_line(
    tmp_path: Path, alphabet: str, form: CsvForm, width: int, end: str
) -> None:
    """DuckDB reads the file, but refused records are looked up line by line, so both must number records alike."""
    randomly = random.Random(alphabet)
    names = tuple(f"c{number}" for number in range(width))
    path = tmp_path / "a.csv"
    compared = 0
    connection = duckdb.connect(config={"threads": 1})
    for _ in range(200):
        body = "".join(randomly.choice(alphabet) for _ in range(randomly.randint(1, 14)))
        header = form.delimiter.join(names) + end if form.has_header else ""
        path.write_text(header + body, encoding="utf-8", newline="")
        fast = read_fast(connection, path, form, names)
        # A field that is quoted twice is not compared. DuckDB joins its parts, and no real file has such a field.
        if fast is not None and '" "' not in body:
            compared += 1
            assert read_by_line(path, form, width) == fast, body
    connection.close()
    assert compared > 8


HEADLESS = """\
relations:
  goods:
    glob: "goods/**"
    header: [code, shop, title, price]
    quotes: false
    columns:
      sku: {names: [code], required: true}
      name: [title]
"""


def headless_home(folder: Path) -> Home:
    select = "SELECT sku, name, batch_id, record_no FROM goods"
    return new_home(folder, {"own": {"source.yaml": HEADLESS, "products.sql": select}})


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_columns_without_a_header_are_read_by_position(tmp_path: Path, end: bytes) -> None:
    home = headless_home(tmp_path / "home")
    lines = [
        b'A\tx\t"so" called\t1',
        b"",
        b"B\tx\t\t",
        b"C\tx\tshort",
        b"\xff\tx\t\t",
        b'D\tx\t"open\t2',
        b"E\tx\tz\t3\t",
    ]
    land(home, "own/goods/a.tsv", end.join(lines))
    assert take_in(home).errors == []
    found = {sku: (row["name"], row["record_no"]) for sku, row in products(home).items()}
    assert found == {"A": ('"so" called', 1), "B": (None, 2), "D": ('"open', 5), "E": ("z", 6)}
    assert refused(home) == [(4, "3 fields instead of 4"), (5, "invalid UTF-8")]


def test_a_file_may_have_the_header_that_others_lack(tmp_path: Path) -> None:
    home = headless_home(tmp_path / "home")
    land(home, "own/goods/a.csv", b'title,code,shop,price\n"red, blue",A,x,1\n')
    land(home, "own/goods/b.csv", b"B,x,blue,1\n")
    land(home, "own/goods/c.csv", b"C,x\n")
    assert take_in(home).errors == []
    assert {sku: row["name"] for sku, row in products(home).items()} == {"A": "red, blue", "B": "blue"}
    assert refused(home) == [(1, "2 fields instead of 4")]


def test_a_quote_in_a_field_is_a_letter_and_no_record_is_lost(home: Home) -> None:
    lines = ["sku,name,unit_cost", 'I1,27" monitor,1', 'I2,24" monitor,2', "I3,plain,bad", 'I4,"a ""b"", c",4']
    land(home, "native/products/p.csv", "\n".join(lines).encode())
    take_in(home)
    assert {sku: row["name"] for sku, row in products(home).items()} == {
        "I1": '27" monitor',
        "I2": '24" monitor',
        "I4": 'a "b", c',
    }
    assert [(row["line_no"], row["raw"]) for row in raw(home, "raw.quarantine")] == [(4, "I3,plain,bad")]


def test_what_becomes_of_a_record_is_not_its_neighbours_affair(home: Home) -> None:
    sound = ['I1,27" monitor,1', "I2,plain,2", 'I3,24" monitor,3', '"I4"," a\nb ",4', 'I5,"x",5']
    broken = ["I6,too,many,fields,6", 'I7,"x"y,7', "I8,caf\udce9,8"]
    for name, lines in {"sound": sound, "mixed": [*broken[:1], *sound, *broken[1:]]}.items():
        text = "\n".join(["sku,name,unit_cost", *lines])
        land(home, f"native/products/{name}.csv", text.encode(errors="surrogateescape"))
    take_in(home)
    rows = raw(home, "raw.products")
    assert {row["sku"] for row in rows} == {"I1", "I2", "I3", "I4", "I5"}
    assert products(home)["I4"]["name"] == " a\nb "
    assert refused(home) == [(2, "5 fields instead of 3"), (9, "invalid csv"), (10, "invalid UTF-8")]


def test_a_malformed_quoted_field_leaves_no_part_behind(home: Home) -> None:
    lines = ["sku,name,unit_cost", '1,"he said "hi"', 'and,2,3",4', "5,fine,6"]
    land(home, "native/products/p.csv", "\n".join(lines).encode())
    take_in(home)
    assert list(products(home)) == ["5"]
    assert [(row["line_no"], row["raw"]) for row in raw(home, "raw.quarantine")] == [(2, "\n".join(lines[1:3]))]


def test_a_record_without_values_is_one_and_a_blank_line_not(home: Home) -> None:
    land(home, "native/products/a.csv", b"sku\tname\n\t\nI1\tx\n\n \nI2\ty\n\t\n")
    land(home, "native/products/b.csv", b"sku\nI3\n\nnull\n \nI4\n")
    take_in(home)
    assert sorted(products(home)) == ["I1", "I2", "I3", "I4"]
    assert refused(home) == [(2, "missing sku"), (7, "missing sku"), (4, "missing sku")]


def test_a_carriage_return_alone_ends_a_line_of_csv(home: Home) -> None:
    land(home, "native/products/old.csv", b'sku,name,unit_cost\rI1,"a\rb",1\rI2,x,bad\rI3,y,3')
    land(home, "native/products/mixed.csv", b"sku,name,unit_cost\nI4,x,4\rI5,y,many,5\rI6,z,6\r\n")
    take_in(home)
    assert {sku: row["name"] for sku, row in products(home).items()} == {"I1": "a\rb", "I3": "y", "I4": "x", "I6": "z"}
    assert refused(home) == [(3, "4 fields instead of 3"), (4, "bad unit_cost")]


def test_records_are_shown_as_they_were_read(home: Home) -> None:
    content = b'sku,name,unit_cost\n"a" "b\n,",a "a" "b" ",bad\nI2,x,2\n'
    land(home, "native/products/p.csv", content)
    take_in(home)
    assert list(products(home)) == ["I2"]
    (row,) = raw(home, "raw.quarantine")
    assert row["line_no"] is None
    assert '"unit_cost":"bad"' in row["raw"]
    assert row["reasons"] == "bad unit_cost"


# Column names in another case ------------------------------------------------------------------------------


def land_lines(home: Home, kind: str, records: list[Row]) -> None:
    """Land order lines in a file of format *kind*."""
    if kind == "parquet":
        content = io.BytesIO()
        pl.DataFrame(records).write_parquet(content)
        land(home, "native/order_lines/a.parquet", content.getvalue())
    elif kind == "csv":
        rows = [",".join(records[0]), *(",".join(map(str, record.values())) for record in records)]
        land(home, "native/order_lines/a.csv", "\n".join(rows).encode())
    else:
        land(home, "native/order_lines/a.ndjson", records)


LINE = {"order_id": "o1", "line_no": 1, "sku": "A", "quantity": 1, "unit_price": "10"}


@pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet"])
@pytest.mark.parametrize("spelt", ["Discount", "DISCOUNT", "disCount"])
def test_a_column_in_another_case_is_read(home: Home, kind: str, spelt: str) -> None:
    land_lines(home, kind, [{**LINE, spelt: "2.5"}, {**LINE, "line_no": 2, spelt: "bad"}])
    report = take_in(home)
    assert report.errors == []
    assert [str(row["discount"]) for row in raw(home, "raw.order_lines")] == ["2.5000"]
    assert [reason for _, reason in refused(home)] == ["bad discount"]


@pytest.mark.parametrize("kind", ["ndjson", "csv"])
def test_a_column_as_declared_comes_before_one_in_another_case(home: Home, kind: str) -> None:
    land_lines(home, kind, [{**LINE, "Discount": "9", "discount": "2.5"}])
    take_in(home)
    assert [str(row["discount"]) for row in raw(home, "raw.order_lines")] == ["2.5000"]


@pytest.mark.parametrize("kind", ["ndjson", "csv", "parquet"])
def test_of_two_columns_in_other_cases_neither_is_guessed(home: Home, kind: str) -> None:
    land_lines(home, kind, [{**LINE, "Discount": "9", "DISCOUNT": "2.5"}])
    (error,) = take_in(home).errors
    assert f"landing/native/order_lines/a.{kind}" in error
    assert "discount" in error


# Repeated column names -------------------------------------------------------------------------------------


def test_a_header_with_a_column_twice_refuses_the_file_by_name(home: Home) -> None:
    land(home, "native/products/a.csv", b"sku,list_price,note,note,list_price\nA,1,x,y,2\n")
    land(home, "native/products/b.csv", b"sku,list_price,note,note\nB,1,x,y\n")
    (error,) = take_in(home).errors
    assert error == "landing/native/products/a.csv: has column 'list_price' 2 times; keep one, or rename the others"
    assert list(products(home)) == ["B"]


@pytest.mark.parametrize(
    "twice",
    [
        b'{"sku": "T", "list_price": 1, "list_price": 2}',
        b'{"sku": "T", "sku": "U", "list_price": 1}',
        b'{"sku": "T", "list_price": 1, "list\\u005fprice": 2}',
        b' {"list_price": null, "sku": "T", "list_price": 2} ',
    ],
)
@pytest.mark.parametrize("beside", [b"", b'{"sku": broken\n', b'{"sku": "\xff"}\n'])
def test_a_json_record_with_a_key_twice_is_refused(home: Home, twice: bytes, beside: bytes) -> None:
    content = b'{"sku": "A", "list_price": 1, "note": 1, "note": 2}\n' + beside + twice + b'\n{"sku": "B"}\n'
    land(home, "native/products/a.ndjson", content)
    land(home, "native/products/b.ndjson", [{"sku": "C"}])
    report = take_in(home)
    assert report.errors == []
    assert sorted(products(home)) == ["A", "B", "C"]
    kept = {row["raw"].strip().encode(): row["reasons"] for row in raw(home, "raw.quarantine")}
    assert kept[twice.strip()] in ("list_price given twice", "sku given twice")
    assert len(kept) == (2 if beside else 1)


def test_events_with_a_key_twice_are_refused_among_any_number(home: Home) -> None:
    lines = ndjson([event(f"e{number}") for number in range(500)]).splitlines()
    lines[250] = lines[250].replace(b'"slot": 1', b'"slot": 1, "slot": 2')
    land(home, "native/events/a.ndjson", b"\n".join(lines))
    take_in(home)
    assert counts(only_batch(home)) == (500, 499, 0, 1)
    assert refused(home) == [(251, "slot given twice")]


# Bytes that are no text ------------------------------------------------------------------------------------


def test_bytes_of_parquet_that_are_no_text_are_refused(home: Home) -> None:
    frame = pl.DataFrame({"sku": [b"A", b"\xff\xfe", b"B"], "name": [b"x", b"y", b"caf\xe9"]})
    content = io.BytesIO()
    frame.write_parquet(content)
    land(home, "native/products/a.parquet", content.getvalue())
    take_in(home)
    assert list(products(home)) == ["A"]
    assert [reason for _, reason in refused(home)] == ["invalid UTF-8", "invalid UTF-8"]
