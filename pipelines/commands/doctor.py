"""``headwater doctor``: reports what is wrong with a home, and what to do.

Not here: the findings (``pipelines.commands.diagnosis``).
"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pipelines.commands.console import shortened
from pipelines.commands.options import HomeOption, JsonOption
from pipelines.home.folder import find_home

app = typer.Typer()


@app.command(epilog="Example: `headwater doctor --json`")
def doctor(
    deep: Annotated[
        bool, typer.Option("--deep", help="Compare every file with its checksum, not only its size.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report what is wrong with a home and what to do: versions, settings, landing, lake, checks."""
    from pipelines.commands.diagnosis import diagnose

    findings = diagnose(find_home(home), deep=deep)
    if as_json:
        print(json.dumps([vars(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        signs = {"ok": "  ok ", "warn": "warn ", "error": "ERROR"}
        for finding in findings:
            remedy = f"  → {finding.remedy}" if finding.remedy else ""
            print(shortened(f"{signs[finding.level]} {finding.topic:<10} {finding.message}{remedy}"))
    if any(finding.level == "error" for finding in findings):
        raise typer.Exit(1)
