"""Changing a row of a CSV file in config/: no change of another person is lost, even if two people save at once."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.config_tables.calendar import CALENDAR_COLUMNS, load_calendar
from pipelines.config_tables.csv_edits import Change, Row, change_row
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import REPOSITORY, Home

SALE = {"first_day": "2026-11-09", "last_day": "2026-11-12", "kind": "promotion", "name_zh": "双11", "name_en": "Sale"}

Save = Callable[[Row | None, Row | None], None]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "config").mkdir()
    return Home(tmp_path)


@pytest.fixture
def save(home: Home) -> Save:
    def save(old: Row | None, new: Row | None) -> None:
        change_row(home, home.calendar_file, CALENDAR_COLUMNS, Change(old, new), "ann", load_calendar)

    return save


def names(home: Home) -> list[str]:
    return [one.name_en for one in load_calendar(home.calendar_file)]


def test_a_first_row_makes_the_file(home, save):
    save(None, SALE)
    assert [dict(one.cells) for one in load_calendar(home.calendar_file)] == [SALE]


def test_comments_and_other_rows_stay_as_they_are(home, save):
    kept = '# ours\nfirst_day,name_zh,name_en\n\n2026-01-01,"新年, 元旦",New Year\n# until here\n'
    home.calendar_file.write_text(f"{kept}2026-05-01,劳动节,May Day\n", encoding="utf-8")
    save({"first_day": "2026-05-01", "name_zh": "劳动节", "name_en": "May Day"}, None)
    assert home.calendar_file.read_text(encoding="utf-8") == kept


def test_a_column_that_is_missing_is_added(home, save):
    home.calendar_file.write_text("first_day,name_zh,name_en\n2026-01-01,,New Year\n", encoding="utf-8")
    save(None, SALE)
    assert home.calendar_file.read_text(encoding="utf-8").splitlines()[0] == "first_day,name_zh,name_en,last_day,kind"
    assert [(one.name_en, one.kind) for one in load_calendar(home.calendar_file)] == [
        ("New Year", "other"),
        ("Sale", "promotion"),
    ]


def test_a_row_that_somebody_else_changed_is_not_replaced(home, save):
    save(None, SALE)
    save(SALE, {**SALE, "last_day": "2026-11-15"})
    with pytest.raises(HeadwaterError, match="somebody else has changed"):
        save(SALE, {**SALE, "name_en": "Mine"})
    assert load_calendar(home.calendar_file)[0].last.day == 15


def test_a_wrong_value_changes_nothing(home, save):
    save(None, SALE)
    before = home.calendar_file.read_bytes()
    with pytest.raises(HeadwaterError, match="last_day 2026-11-01 is before") as error:
        save(None, {**SALE, "last_day": "2026-11-01"})
    assert error.value.where == f"{home.calendar_file}, row 3"
    assert home.calendar_file.read_bytes() == before
    assert not (home.edits / "calendar.csv").exists(), "nothing changed, so there is no earlier version"


def test_the_version_before_each_change_is_kept(home, save):
    save(None, SALE)
    before = home.calendar_file.read_bytes()
    save(SALE, None)
    (kept,) = (home.edits / "calendar.csv").iterdir()
    assert kept.read_bytes() == before
    assert kept.name.endswith("-ann.csv")


@given(name=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30))
def test_any_name_is_read_back(tmp_path_factory, name):
    home = Home(tmp_path_factory.mktemp("any"))
    home.config.mkdir()
    row = {**SALE, "name_en": name, "name_zh": "名"}
    change_row(home, home.calendar_file, CALENDAR_COLUMNS, Change(None, row), "ann", load_calendar)
    (found,) = load_calendar(home.calendar_file)
    assert found.name_en == (" ".join(name.split()) or "名")
    change_row(home, home.calendar_file, CALENDAR_COLUMNS, Change(found.cells, None), "ann", load_calendar)
    assert not load_calendar(home.calendar_file)


WRITER = """
import sys
from pathlib import Path
from pipelines.config_tables.calendar import CALENDAR_COLUMNS, load_calendar
from pipelines.config_tables.csv_edits import Change, change_row
from pipelines.home.folder import Home
home, who = Home(Path(sys.argv[1])), sys.argv[2]
for number in range(int(sys.argv[3])):
    row = {"first_day": "2026-11-09", "name_zh": "", "name_en": f"{who} {number}"}
    change_row(home, home.calendar_file, CALENDAR_COLUMNS, Change(None, row), who, load_calendar)
    print(number, flush=True)
"""


def writer(home: Home, who: str, number: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(home.root), who, str(number)]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE)


def test_two_people_at_once_lose_nothing(home):
    both = [writer(home, who, 10) for who in ("ann", "bob")]
    assert [process.communicate() and process.returncode for process in both] == [0, 0]
    assert sorted(names(home)) == sorted(f"{who} {number}" for who in ("ann", "bob") for number in range(10))


def test_a_killed_writer_loses_nothing_that_was_answered(home):
    for turn in range(3):
        process = writer(home, f"turn{turn}", 10_000)
        assert process.stdout is not None
        answered = [int(process.stdout.readline()) for _ in range(3 + turn)]
        process.send_signal(signal.SIGKILL)
        answered += map(int, process.stdout.read().split())
        process.wait()
        there = names(home)
        assert {f"turn{turn} {number}" for number in answered} <= set(there)
        assert len(there) == len(set(there))
