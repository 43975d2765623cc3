"""Finding refused records in their file again, by number.

Here: one query for the wanted records of a file of lines, so that a few broken records among millions cost one more
pass of DuckDB and no loop over the others.
Not here: files that DuckDB cannot read as lines (``pipelines.ingest.lines``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import duckdb

from pipelines.duck import literal
from pipelines.ingest.bench import Bench
from pipelines.ingest.discover import LandedFile
from pipelines.ingest.lines import BOM, LONGEST_LINE, RawRecord, lines_of, records_of, without_glob

_NO_DELIMITER = "\x01\x02\x03\x04"
_BLANKS = " \t\r\x0b\x0c"


def find_records(bench: Bench, file: LandedFile, wanted: Collection[int], records: int) -> Iterator[RawRecord]:
    """The records of *file* whose numbers are *wanted*, in order; *records* is how many it has in all.

    Raises:
        OSError: the file can no longer be read.
    """
    if not wanted:
        return
    found = _query(bench, file, wanted, records) if file.format == "ndjson" else None
    if found is not None:
        yield from found
        return
    last = max(wanted)
    for record in records_of(file, lines_of(file, bench.scratch)):
        if record.number in wanted:
            yield record
        if record.number >= last:
            return


def _query(bench: Bench, file: LandedFile, wanted: Collection[int], records: int) -> list[RawRecord] | None:
    """The wanted records by one query; None where DuckDB sees other lines than there are records."""
    path = without_glob(file.path, bench.scratch)
    # A file that is not UTF-8 throughout is refused here, and gone through line by line.
    lines = (
        f"SELECT row_number() OVER () AS line_no, line FROM read_csv({literal(str(path))}, "
        "columns = {'line': 'VARCHAR'}, auto_detect = false, header = false, quote = '', escape = '', "
        f"delim = {literal(_NO_DELIMITER)}, compression = {literal(file.compression or 'none')}, "
        f"max_line_size = {LONGEST_LINE['ndjson'] + 2}, strict_mode = false, parallel = false)"
    )
    numbered = (
        f"SELECT row_number() OVER () AS record_no, line_no, line FROM ({lines}) "
        # Nearly every line begins with a brace: looking at that first spares trimming it.
        f"WHERE starts_with(line, '{{') OR trim(coalesce(line, ''), {literal(_BLANKS)}) <> ''"
    )
    query = (
        f"SELECT record_no, line_no, line FROM ({numbered}) "
        f"WHERE record_no IN (SELECT unnest(?)) OR record_no >= {records} ORDER BY record_no"
    )
    try:
        rows = bench.connection.execute(query, [sorted(wanted)]).fetchall()
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        return None
    if not rows or rows[-1][0] != records:
        return None
    chosen = set(wanted)
    return [RawRecord(number, line_no, _bytes(line, line_no)) for number, line_no, line in rows if number in chosen]


def _bytes(line: str, line_no: int) -> bytes:
    content = line.encode().removesuffix(b"\r")
    return content.removeprefix(BOM) if line_no == 1 else content
