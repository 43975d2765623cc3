"""Every model and check becomes Spark SQL without a construct that Spark does not support."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from pipelines.compute.home_check import lint_project
from pipelines.home.settings import Settings
from pipelines.sqlproject.project import load_project
from pipelines.sqlproject.reads import sample_span

PROJECT = load_project(None, Settings())
FILES = [*PROJECT.models.values(), *(check for checks in PROJECT.checks.values() for check in checks)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_transpiles_to_spark(file):
    bound = PROJECT.bind(file, sample_span(file, PROJECT.models))
    text = bound.sql(dialect="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)
    again = sqlglot.parse_one(text, read="spark")
    assert isinstance(again, exp.Query)
    assert not list(again.find_all(exp.Placeholder, exp.Parameter)), "a parameter was left unbound"
    assert "ASOF" not in text.upper()
    assert again.named_selects == bound.named_selects


def test_the_linter_finds_nothing_in_the_shipped_project():
    assert lint_project(PROJECT) == []
