"""The records of a CSV or NDJSON file: which lines belong to a record, and the fields of a CSV record.

Here: raw records with their numbers and lines, for files that DuckDB cannot read. In CSV, as in DuckDB's reader, a
quote opens a field only at its beginning or after one blank; elsewhere it is an ordinary character, so that a stray
quote does not affect other records.
Not here: the lines (``pipelines.ingest.files.lines``), or reading with DuckDB (``pipelines.ingest.files.reading``).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from pipelines.ingest.files.discover import LandedFile
from pipelines.ingest.files.lines import Line, Lines

_LONGEST_QUOTED = 1_000
"""The most lines of a CSV record; if it has more, its opening quote is treated as a stray one."""


@dataclass(frozen=True)
class CsvForm:
    """How a CSV file is written: what separates its fields, and whether it has a header line and quoted fields."""

    delimiter: str = ","
    has_header: bool = True
    has_quotes: bool = True


USUAL_FORM = CsvForm()
"""Commas, a header line, and quoted fields; also used where the form does not matter, because the file is not CSV."""

_OPENING = re.compile(rb' ?"')
_TO_CLOSING = re.compile(rb'(?:[^"]++|"")*+" *')
_QUOTED = re.compile(r' ?"((?:[^"]++|"")*+)" *')


@dataclass(frozen=True)
class RawRecord:
    """A record as it is in the file: *number* counts records from 1, *line* is its first line.

    *fault* says why it cannot be read, or is None.
    """

    number: int
    line: int
    content: bytes
    fault: str | None = None

    @property
    def text(self) -> str:
        """The content of the record as text; bytes that are not UTF-8 become escapes."""
        return self.content.decode(errors="backslashreplace")


def records_of(file: LandedFile, lines: Lines, form: CsvForm = USUAL_FORM) -> Iterator[RawRecord]:
    """The records in *lines*; blank lines are skipped. In CSV (of this *form*) the header, if any, is record 0."""
    if file.format == "csv":
        yield from _csv_records(lines, form)
        return
    number = 0
    for line in lines:
        if line.fault or line.content.strip():
            number += 1
            yield RawRecord(number, line.number, line.content, line.fault)


def csv_fields(record: RawRecord, form: CsvForm) -> tuple[list[str], str | None]:
    """The fields of a CSV record, and the reason if it cannot be split, else None.

    Blanks around a quoted field are dropped.
    """
    if record.fault:
        return [], record.fault
    try:
        text = record.content.decode()
    except UnicodeDecodeError:
        return [], "invalid UTF-8"
    delimiter = form.delimiter
    if not form.has_quotes:
        return text.split(delimiter), None
    fields: list[str] = []
    place = 0
    while True:
        if quoted := _QUOTED.match(text, place):
            fields.append(quoted[1].replace('""', '"'))
            place = quoted.end()
            if place < len(text) and text[place] != delimiter:
                return [], "invalid csv"
        else:
            end = text.find(delimiter, place)
            end = len(text) if end < 0 else end
            if text.startswith(('"', ' "'), place):
                return [], "invalid csv"
            fields.append(text[place:end])
            place = end
        if place == len(text):
            return fields, None
        place += 1


class _Quote(Enum):
    """The state at the end of a line: within a quoted field, outside of one, or the line is not valid CSV."""

    OPEN = auto()
    CLOSED = auto()
    MALFORMED = auto()


def _csv_records(lines: Lines, form: CsvForm) -> Iterator[RawRecord]:
    source = iter(lines)
    waiting: deque[Line] = deque()
    delimiter = form.delimiter.encode()
    number = 0 if form.has_header else 1
    while True:
        line = waiting.popleft() if waiting else next(source, None)
        if line is None:
            return
        if not line.fault and not line.content.strip() and delimiter not in line.content:
            continue
        if line.fault:
            yield RawRecord(number, line.number, line.content, line.fault)
        else:
            more = _rest_of_record(line, source, waiting, delimiter) if form.has_quotes else []
            if more is None:
                yield RawRecord(number, line.number, line.content, "a quote that is not closed")
            else:
                pieces = [piece for each in (line, *more) for piece in (each.content, each.end)]
                yield RawRecord(number, line.number, b"".join(pieces[:-1]))
        number += 1


def _rest_of_record(line: Line, source: Iterator[Line], waiting: deque[Line], delimiter: bytes) -> list[Line] | None:
    """The lines that continue the record that begins with *line*.

    None if the record does not end within ``_LONGEST_QUOTED`` lines; then the lines that were read are put back into
    *waiting*.
    """
    taken: list[Line] = []
    state = _quote_after(line.content, False, delimiter)
    quotes = line.content.count(b'"')
    while state is _Quote.OPEN or (state is _Quote.MALFORMED and quotes % 2):
        # A malformed record is refused. Read up to the line on which its quotes are balanced, so that no part of the
        # record is taken for another one.
        following = None
        if len(taken) < _LONGEST_QUOTED:
            following = waiting.popleft() if waiting else next(source, None)
        if following is not None:
            taken.append(following)
        if following is None or following.fault:
            waiting.extendleft(reversed(taken))
            return None
        quotes += following.content.count(b'"')
        if state is _Quote.OPEN:
            state = _quote_after(following.content, True, delimiter)
    return taken


def _quote_after(line: bytes, is_open: bool, delimiter: bytes) -> _Quote:
    """The state after *line*; *is_open* says whether the line begins within a quoted field."""
    if b'"' not in line:
        return _Quote.OPEN if is_open else _Quote.CLOSED
    place = 0
    while True:
        opening = None if is_open else _OPENING.match(line, place)
        if is_open or opening:
            closing = _TO_CLOSING.match(line, opening.end() if opening else place)
            if closing is None:
                return _Quote.OPEN
            place, is_open = closing.end(), False
            if place < len(line) and not line.startswith(delimiter, place):
                return _Quote.MALFORMED
        place = line.find(delimiter, place)
        if place < 0:
            return _Quote.CLOSED
        place += 1
