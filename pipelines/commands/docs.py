"""``headwater docs``: writes the data dictionary.

Not here: its text (``pipelines.compute.dictionary``).
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import HomeOption, home_or_none

app = typer.Typer()


class DocsFormat(StrEnum):
    """Formats of ``headwater docs``."""

    markdown = "markdown"
    html = "html"


@app.command(epilog="Example: `headwater docs --format html --out dictionary.html`")
def docs(
    form: Annotated[DocsFormat, typer.Option("--format", help="Format of the dictionary.")] = DocsFormat.markdown,
    out: Annotated[Path | None, typer.Option(help="Write to this file.", show_default=False)] = None,
    home: HomeOption = None,
) -> None:
    """Write the data dictionary: every table, column, rule and check."""
    from dashboards.queries import all_queries
    from pipelines.compute.dictionary import as_html, markdown
    from pipelines.home.settings import Settings, load_settings
    from pipelines.sqlproject.project import load_project

    place = home_or_none(home)
    project = load_project(place, load_settings(place) if place else Settings())
    queries = all_queries().values()
    text = as_html(project, queries) if form is DocsFormat.html else markdown(project, queries)
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")
        print(f"wrote {out}")
