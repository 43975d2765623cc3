"""The state of a table: a value that changes whenever one of its partitions changes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

from pipelines.home.files import temporary_for
from pipelines.lake.partitions import VERSION_KEY, Day, Lake

TABLE = "core.events"
DAY = dt.date(2026, 11, 20)


def _publish(lake: Lake, day: Day, version: str) -> None:
    temporary = temporary_for(lake.file(TABLE, day))
    pl.DataFrame({"n": [1]}).write_parquet(temporary, metadata={VERSION_KEY: version})
    lake.publish(TABLE, {day: (temporary, version)})


def test_each_publish_and_each_removal_is_another_state(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    states = [lake.state(TABLE)]
    for change in (
        lambda: _publish(lake, DAY, "one"),
        lambda: _publish(lake, DAY + dt.timedelta(days=1), "one"),
        lambda: _publish(lake, DAY, "two"),
        lambda: _publish(lake, DAY, "two"),  # a new file with the same version is a new state, too
        lambda: lake.remove(TABLE, DAY),
    ):
        change()
        states.append(lake.state(TABLE))
        assert lake.state(TABLE) == states[-1]
    assert len(set(states)) == len(states)
    assert lake.tables() == [TABLE]


def test_a_lake_that_is_copied_is_in_the_same_state(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "one")
    _publish(lake, DAY, "one")
    copy = Lake(tmp_path / "two")
    for path in (lake.file(TABLE, DAY), lake.folder(TABLE) / ".checksums"):
        target = copy.root / path.relative_to(lake.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    assert copy.state(TABLE) == lake.state(TABLE)
