"""``config/segments.csv``: names and advice of the customers' octants and segments.

Here: validating rows; every octant needs a name and every combination of scores a segment.
Not here: which customers are in them (``sql/customers``).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.config_tables.csv_file import read_rows
from pipelines.home.errors import HeadwaterError

SEGMENT_COLUMNS = {
    "segment": "VARCHAR",
    "position": "INTEGER",
    "name_zh": "VARCHAR",
    "name_en": "VARCHAR",
    "advice_zh": "VARCHAR",
    "advice_en": "VARCHAR",
}
SCORE_COLUMNS = {"r_score": "INTEGER", "f_score": "INTEGER", "m_score": "INTEGER", "segment": "VARCHAR"}

OCTANT_COLUMNS = {
    "code": "VARCHAR",
    "key": "VARCHAR",
    "name_zh": "VARCHAR",
    "name_en": "VARCHAR",
    "advice_zh": "VARCHAR",
    "advice_en": "VARCHAR",
}

OCTANTS = "octants"
"""The name of the customers' matrix; its cells are the rows of kind ``octant``."""

_AXES = ("r", "f", "m")
_SCORES = range(1, 6)
_COLUMNS = ("kind", "key", *_AXES, "name_zh", "name_en", "advice_zh", "advice_en")


@dataclass(frozen=True)
class Segment:
    """A segment of customers; *position* is 1 for the first segment of the file, 2 for the second, and so on."""

    segment: str
    position: int
    name_zh: str
    name_en: str
    advice_zh: str
    advice_en: str


@dataclass(frozen=True)
class SegmentScores:
    """A combination of scores, each 1 to 5, and the segment that it belongs to."""

    r_score: int
    f_score: int
    m_score: int
    segment: str


@dataclass(frozen=True)
class Octant:
    """An octant: *code* has a digit each for r, f and m (recency, frequency, monetary value), 1 = high."""

    code: str
    key: str
    name_zh: str
    name_en: str
    advice_zh: str
    advice_en: str


@dataclass(frozen=True)
class Segments:
    """The content of the file: *scores* has a row for each of 125 combinations, *octants* for each of 8 codes."""

    segments: tuple[Segment, ...]
    scores: tuple[SegmentScores, ...]
    octants: tuple[Octant, ...]


@dataclass(frozen=True)
class _Row:
    kind: str
    key: str
    ranges: tuple[tuple[int, int], ...]
    names: tuple[str, str, str, str]


def load_segments(path: Path) -> Segments:
    """The octants and segments in *path*.

    Raises:
        HeadwaterError: a row is wrong, a key is repeated, an octant is missing or repeated, or a combination of scores
            matches no row; with the file, and the row or the combination.
    """
    rows = list(read_rows(path, _COLUMNS, (), _row))
    seen: dict[tuple[str, str], int] = {}
    for number, row in rows:
        if (earlier := seen.setdefault((row.kind, row.key), number)) != number:
            raise HeadwaterError(
                f"row {earlier} already has {row.kind} '{row.key}'",
                where=f"{path}, row {number}",
                remedy="give it another key or remove it",
            )
    segments = [(number, row) for number, row in rows if row.kind == "segment"]
    return Segments(
        tuple(Segment(row.key, position, *row.names) for position, (_, row) in enumerate(segments, start=1)),
        tuple(_scores(path, segments)),
        tuple(_octants(path, rows)),
    )


def _row(cell: Mapping[str, str]) -> _Row:
    kind, key = cell["kind"], cell["key"]
    if kind not in ("octant", "segment"):
        raise ValueError(f"kind is '{kind}', expected octant or segment")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", key):
        raise ValueError(
            f"key is '{key}', expected lower-case letters, digits and _, because the tables contain this key"
        )
    ranges = tuple(_digit(axis, cell[axis]) if kind == "octant" else _range(axis, cell[axis]) for axis in _AXES)
    names = (cell["name_zh"] or key, cell["name_en"] or key, cell["advice_zh"], cell["advice_en"])
    return _Row(kind, key, ranges, names)


def _digit(axis: str, text: str) -> tuple[int, int]:
    if text not in ("0", "1"):
        raise ValueError(f"{axis} is '{text}', expected 1 (high) or 0: an octant is high or low on each axis")
    return int(text), int(text)


def _range(axis: str, text: str) -> tuple[int, int]:
    if not text:
        return _SCORES[0], _SCORES[-1]
    found = re.fullmatch(r"([0-9])(?:-([0-9]))?", text)
    low, high = (int(found[1]), int(found[2] or found[1])) if found else (0, -1)
    if not _SCORES[0] <= low <= high <= _SCORES[-1]:
        raise ValueError(
            f"{axis} is '{text}', expected a score from 1 to 5, a range such as 4-5, or nothing for any (a spreadsheet "
            "makes 4-5 a date: format the column as text)"
        )
    return low, high


def _scores(path: Path, segments: list[tuple[int, _Row]]) -> list[SegmentScores]:
    found: list[SegmentScores] = []
    for r, f, m in itertools.product(_SCORES, _SCORES, _SCORES):
        row = next((row for _, row in segments if _matches(row, (r, f, m))), None)
        if row is None:
            raise HeadwaterError(
                f"no segment matches the scores r {r}, f {f}, m {m}",
                where=path,
                remedy="widen the ranges of a row, or add a last row that matches all scores",
            )
        found.append(SegmentScores(r, f, m, row.key))
    for number, row in segments:
        if all(item.segment != row.key for item in found):
            raise HeadwaterError(
                f"segment '{row.key}' can never match: earlier rows match all of its scores",
                where=f"{path}, row {number}",
                remedy="move it up, change a range or remove it",
            )
    return found


def _matches(row: _Row, scores: tuple[int, ...]) -> bool:
    return all(low <= score <= high for (low, high), score in zip(row.ranges, scores, strict=True))


def _octants(path: Path, rows: list[tuple[int, _Row]]) -> list[Octant]:
    found: dict[str, Octant] = {}
    for number, row in rows:
        if row.kind == "octant":
            code = "".join(str(low) for low, _ in row.ranges)
            if code in found:
                raise HeadwaterError(
                    f"octant {code} is already '{found[code].key}'",
                    where=f"{path}, row {number}",
                    remedy="change r, f or m, or remove the row",
                )
            found[code] = Octant(code, row.key, *row.names)
    for digits in itertools.product("10", repeat=len(_AXES)):
        if "".join(digits) not in found:
            raise HeadwaterError(
                f"octant {''.join(digits)} (r, f, m; 1 = high) is missing", where=path, remedy="add a row"
            )
    return list(found.values())
