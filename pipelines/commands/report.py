"""``headwater report``: writes a day's report as one HTML file.

Not here: the report (``dashboards.report``).
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import HomeOption
from pipelines.home.folder import find_home

app = typer.Typer()


class ReportLanguage(StrEnum):
    """The languages of ``headwater report``."""

    zh = "zh"
    en = "en"


@app.command(epilog="Examples: `headwater report` · `headwater report --dt 2026-11-20 --lang zh --out monday.html`")
def report(
    day: Annotated[
        dt.datetime | None,
        typer.Option(
            "--dt",
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
            help="The day; default: the last computed day that is complete.",
            show_default=False,
        ),
    ] = None,
    language: Annotated[ReportLanguage, typer.Option("--lang", help="Chinese or English.")] = ReportLanguage.en,
    out: Annotated[
        Path | None, typer.Option(help="Write to this file; default: in the home's reports/.", show_default=False)
    ] = None,
    home: HomeOption = None,
) -> None:
    """Write a day's report: one HTML file with sales, entrances, slots, customers and matrices; needs no network."""
    from dashboards.report.file import write_report

    written = write_report(find_home(home), language.value, day=day.date() if day else None, out=out)
    print(f"wrote {written}")
