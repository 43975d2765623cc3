"""A test's name is a short statement about the product."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
TOO_LONG = 60


def test_names_of_tests_have_fewer_than_60_characters() -> None:
    found = [
        (path.relative_to(TESTS), name)
        for path in sorted(TESTS.rglob("*.py"))
        for name in re.findall(r"^\s*(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert found
    long = [f"{path}: {name}: {len(name)} characters" for path, name in found if len(name) >= TOO_LONG]
    assert not long, "\n".join(long)
