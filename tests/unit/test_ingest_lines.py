"""Lines and records of damaged files: nothing is lost, and no content of a file stops ingestion."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.ingest.files.discover import LandedFile
from pipelines.ingest.files.lines import Lines, is_complete
from pipelines.ingest.files.records import records_of
from tests.ingest_support import event, land, ndjson, new_home, order, raw, take_in


def landed(folder: Path, name: str, content: bytes) -> LandedFile:
    path = folder / name
    path.write_bytes(content)
    suffixes = path.suffixes
    compression = {".gz": "gzip", ".zst": "zstd"}.get(suffixes[-1], "")
    return LandedFile("native", "events", path, name, suffixes[0].removeprefix("."), compression, len(content), 0)


def records(folder: Path, name: str, content: bytes) -> list[tuple[int, int, bytes]]:
    file = landed(folder, name, content)
    return [(record.number, record.line, record.content) for record in records_of(file, Lines(file))]


def test_blank_lines_count_as_lines_and_not_as_records(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf{1}\r\n\n \t\n{2}\n{3}"
    assert records(tmp_path, "a.ndjson", content) == [(1, 1, b"{1}"), (2, 4, b"{2}"), (3, 5, b"{3}")]


def test_a_csv_record_may_span_lines_and_a_stray_quote_only_one(tmp_path: Path) -> None:
    content = b'h\n"a\n\nb"\nc\n"d\ne\n'
    assert records(tmp_path, "a.csv", content) == [
        (0, 1, b"h"),
        (1, 2, b'"a\n\nb"'),
        (2, 5, b"c"),
        (3, 6, b'"d'),
        (4, 7, b"e"),
    ]


@pytest.mark.parametrize("cut", [1, 5, 9, 100, 1000])
def test_a_cut_gzip_gives_all_lines_before_the_cut(tmp_path: Path, cut: int) -> None:
    content = b"".join(b"%d\n" % number for number in range(5000))
    found = records(tmp_path, "a.ndjson.gz", gzip.compress(content)[:-cut])
    assert content.startswith(b"\n".join(line for _, _, line in found))
    assert len(found) > 3000


def test_a_cut_zstd_file_is_told_from_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "a.json.zst"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT i, random() AS r FROM range(50000) AS t(i)) TO '{path}' (FORMAT json, COMPRESSION zstd)"
        )
    content = path.read_bytes()
    assert is_complete(landed(tmp_path, "a.json.zst", path.read_bytes()))
    for size in (3, 6, 20, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        assert not is_complete(landed(tmp_path, "a.json.zst", path.read_bytes())), size
    path.write_bytes(content + content)
    assert is_complete(landed(tmp_path, "a.json.zst", path.read_bytes()))


MANGLED = st.lists(
    st.one_of(
        st.sampled_from(
            [
                ndjson([event("e1")]),
                ndjson([event("e2", slot="x")]),
                ndjson([order("o1")]),
                b"order_id,user_id,status,ordered_at\n",
                b"o1,u1,paid,2026-05-01\n",
                b'o2,"u\n1",paid,2026-05-01\n',
                b'"',
                b"\r",
                b"\n",
                b"\x00",
                b"\xef\xbb\xbf",
                b"{}\n",
                b",,,\n",
            ]
        ),
        st.binary(max_size=20),
    ),
    max_size=12,
).map(b"".join)


@settings(max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(content=MANGLED, compress=st.booleans(), cut=st.integers(0, 30), as_csv=st.booleans())
def test_any_bytes_are_read_quarantined_or_refused_by_name(
    content: bytes, compress: bool, cut: int, as_csv: bool
) -> None:
    if compress:
        content = gzip.compress(content)
    content = content[: len(content) - cut]
    name = f"native/{'orders' if as_csv else 'events'}/a.{'csv' if as_csv else 'ndjson'}{'.gz' if compress else ''}"
    with tempfile.TemporaryDirectory() as folder:
        home = new_home(Path(folder))
        land(home, name, content)
        land(home, "native/events/good.ndjson", [event("good")])
        report = take_in(home)
        assert "good" in {row["event_id"] for row in raw(home, "raw.events")} or report.errors
        assert len(raw(home, "raw.quarantine")) == report.quarantined
        assert all("a." in error for error in report.errors)
