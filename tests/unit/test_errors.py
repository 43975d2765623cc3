"""``HeadwaterError``, the only exception whose message users see: its text and its fields."""

from __future__ import annotations

import pickle
from pathlib import Path

from pipelines.home.errors import HeadwaterError


def test_the_text_is_one_line_of_where_what_and_remedy() -> None:
    error = HeadwaterError("not UTF-8\n  (byte 7)", where=Path("config/fx.csv"), remedy="save it as UTF-8")
    assert str(error) == "config/fx.csv: not UTF-8 (byte 7); save it as UTF-8"
    assert error.fault == "config/fx.csv: not UTF-8 (byte 7)"
    assert (error.what, error.where, error.remedy) == ("not UTF-8 (byte 7)", "config/fx.csv", "save it as UTF-8")


def test_what_is_in_no_file_and_needs_no_remedy_is_told_alone() -> None:
    assert str(HeadwaterError("expected one statement, found 2")) == "expected one statement, found 2"


def test_the_fields_survive_the_way_from_another_process() -> None:
    error = pickle.loads(pickle.dumps(HeadwaterError("is gone", where="a.csv", remedy="restore it")))
    assert (str(error), error.fault, error.remedy) == ("a.csv: is gone; restore it", "a.csv: is gone", "restore it")
