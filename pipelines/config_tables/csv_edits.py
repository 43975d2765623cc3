"""Changing single rows of the CSV files of ``config/`` for people who edit them in the dashboards.

Here: adding, replacing and removing a row, so that no change of another person is lost. Comments and other rows are not
changed, simultaneous changes wait for each other, and the version before each change is kept.
Not here: what the rows mean, who may change them.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.home.errors import HeadwaterError
from pipelines.home.files import convert_write_errors, lock, replacing
from pipelines.home.folder import Home

KEPT_VERSIONS = 100
"""How many earlier versions of a file are kept."""

Row = Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """A change of one row, as column → text: *old* None adds a row, *new* None removes one."""

    old: Row | None
    new: Row | None


def change_row(
    home: Home, path: Path, columns: Sequence[str], change: Change, by: str, check: Callable[[Path], object]
) -> None:
    """Make *change* in the file *path* of *home*, which is created if it is missing.

    Args:
        home: The home.
        path: The CSV file.
        columns: The columns of a new file; a column that the file lacks is added when a row has a value for it.
        change: The change; line breaks in its values become blanks.
        by: The name of the user, for the name of the kept version.
        check: Reads the changed file and raises a HeadwaterError if it is wrong; then nothing is changed.

    Raises:
        HeadwaterError: the old row is not in the file any more, *check* refuses the new file, or a file cannot be
            read or written.
    """
    with convert_write_errors(path):
        home.edits.mkdir(parents=True, exist_ok=True)
        with lock(home.edits_lock):
            before = _read(path)
            after = _changed(before, columns, change, path)
            with replacing(path) as unfinished:
                unfinished.write_text(after, encoding="utf-8", newline="")
                try:
                    check(unfinished)
                except HeadwaterError as error:
                    where = str(error.where or path).replace(str(unfinished), str(path))
                    raise HeadwaterError(error.what, where=where, remedy=error.remedy) from error
                if path.exists():
                    _keep(home, path, by)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise HeadwaterError(f"cannot be read: {error.strerror}", where=path) from error
    except UnicodeDecodeError as error:
        raise HeadwaterError(f"not UTF-8 (byte {error.start})", where=path, remedy="save it as CSV UTF-8") from error


def _changed(text: str, columns: Sequence[str], change: Change, path: Path) -> str:
    """*text* after *change*. Rows are kept as they are written, unless the file gets another column."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines()
    places = [place for place, line in enumerate(lines) if line.strip() and line[0] != "#"]
    header = [name.strip() for name in _cells(lines[places[0]])] if places else list(columns)
    if not places:
        lines.append(_line(header))
        places = [len(lines) - 1]
    old, new = _one_lined(change.old), _one_lined(change.new)
    missing = [name for name in columns if name not in header and new and new.get(name)]
    if missing:
        for place in places:
            lines[place] = _line([*_cells(lines[place]), *(missing if place == places[0] else [""] * len(missing))])
        header += missing
    written = None if new is None else _line([new.get(name, "") for name in header])
    if old is None:
        lines += [] if written is None else [written]
    else:
        place = _place_of(old, header, lines, places[1:], path)
        lines[place : place + 1] = [] if written is None else [written]
    return end.join(lines) + end


def _one_lined(row: Row | None) -> Row | None:
    return None if row is None else {name: re.sub(r"\s+", " ", text).strip() for name, text in row.items()}


def _place_of(old: Row, header: Sequence[str], lines: Sequence[str], places: Sequence[int], path: Path) -> int:
    wanted = [old.get(name, "") for name in header]
    for place in places:
        if [cell.strip() for cell in _cells(lines[place])] == wanted:
            return place
    raise HeadwaterError(
        "somebody else has changed or removed this row meanwhile",
        where=path,
        remedy="load the page again and repeat the change",
    )


def _cells(line: str) -> list[str]:
    return next(csv.reader([line]), [])


def _line(cells: Sequence[str]) -> str:
    # A line that begins with # would be a comment, so its first cell must begin with a quote.
    is_comment = bool(cells) and cells[0].startswith("#")
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL if is_comment else csv.QUOTE_MINIMAL, lineterminator="").writerow(cells)
    return out.getvalue()


def _keep(home: Home, path: Path, by: str) -> None:
    """Copy the file in its present state to the kept versions, and remove the oldest ones."""
    folder = home.edits / path.name
    folder.mkdir(exist_ok=True)
    at = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H-%M-%S.%f")
    name = re.sub(r"[^\w.@-]", "_", by) or "unknown"
    with replacing(folder / f"{at}Z-{name}{path.suffix}") as copy:
        shutil.copyfile(path, copy)
    for old in sorted(folder.iterdir())[:-KEPT_VERSIONS]:
        old.unlink(missing_ok=True)
