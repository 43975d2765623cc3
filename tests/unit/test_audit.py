"""How ``make audit`` interprets the output of pip-audit; a package that could not be checked never counts as safe."""

from __future__ import annotations

import json

import pytest

from tests.audit import CLEAN, NOT_AUDITED, VULNERABLE, verdict

GOOD = {"name": "dash", "version": "4.4.1", "vulns": []}
BAD = {
    "name": "zipp",
    "version": "3.0.0",
    "vulns": [{"id": "PYSEC-2024-1", "fix_versions": ["3.19.1"], "aliases": [], "description": ""}],
}
UNKNOWN = {"name": "yarl", "skip_reason": "Dependency not found on PyPI and could not be audited: yarl (1.25.1)"}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([GOOD], CLEAN, "no known vulnerability in 1 packages"),
        ([GOOD, BAD], VULNERABLE, "zipp 3.0.0: PYSEC-2024-1, mended in 3.19.1"),
        ([GOOD, UNKNOWN], NOT_AUDITED, "NOT AUDITED: 1 of 2 packages, the first: yarl (Dependency not found"),
        ([UNKNOWN, BAD], VULNERABLE, "NOT AUDITED: 1 of 2"),
        ([], NOT_AUDITED, "NOT AUDITED"),
    ],
)
def test_an_answer_has_its_code(packages, code, said):
    given, lines = verdict(json.dumps({"dependencies": packages, "fixes": []}), "")
    assert given == code
    assert said in "\n".join(lines)


@pytest.mark.parametrize("answer", ["", "Traceback", "[]", "{}", "null"])
def test_no_answer_is_no_audit_and_says_why(answer):
    complaint = "WARNING: x\nERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed\n"
    assert verdict(answer, complaint) == (
        NOT_AUDITED,
        ["NOT AUDITED: ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed"],
    )
