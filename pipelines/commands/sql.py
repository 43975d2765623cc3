"""``headwater sql``: queries the lake.

Not here: running the query (``pipelines.compute.reading``).
"""

from __future__ import annotations

import re
import sys
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperCommand

from pipelines.commands.console import print_table
from pipelines.commands.options import HomeOption
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import find_home

app = typer.Typer()


class _QueryCommand(TyperCommand):
    """A command whose argument may begin with an SQL comment (``-- sales``), which is not an option."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Parse *args*, after putting a line break before an argument that begins with a comment."""
        return super().parse_args(ctx, [f"\n{arg}" if re.match(r"--([^=\s]*)\s", arg) else arg for arg in args])


class QueryFormat(StrEnum):
    """Formats of ``headwater sql``."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


@app.command(
    cls=_QueryCommand,
    epilog='Examples: `headwater sql "SELECT * FROM attribution.entrance_daily"` · '
    '`headwater sql "SELECT * FROM core.orders" --format parquet --out orders.parquet` · '
    "`headwater sql - --param days=28 < home/config/queries/top_products.sql`",
)
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT (or DESCRIBE, SUMMARIZE); - reads it from standard input.")],
    form: Annotated[QueryFormat, typer.Option("--format", help="How to show the result.")] = QueryFormat.table,
    out: Annotated[Path | None, typer.Option(help="Write to this file.", show_default=False)] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="The value of $NAME in the query: a number or text ('7' is text). May be repeated.",
            show_default=False,
        ),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Query the lake, read-only. `headwater docs` explains the tables, DESCRIBE lists the columns of one."""
    from pipelines.compute.reading import query_rows, write_query

    text = sys.stdin.read() if query == "-" else query
    values = dict(map(_parameter, param or ()))
    if form is QueryFormat.table and out is None:
        print_table(query_rows(find_home(home), text, values=values))
    else:
        # The format table is for terminals; in a file it would be hard to read by programs, so write CSV.
        write_query(find_home(home), text, "csv" if form is QueryFormat.table else form.value, out, values)


def _parameter(text: str) -> tuple[str, str | int | Decimal]:
    """The name and the value of a parameter: a number, or text, without the quotes around it."""
    name, found, value = text.partition("=")
    name = name.removeprefix("$")
    if not found or not name:
        raise HeadwaterError("expected NAME=VALUE, such as days=7", where=f"--param {text}")
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})", value):  # 0042 is a code
        return name, int(value)
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})[.]\d{1,9}", value):
        return name, Decimal(value)
    return name, value[1:-1] if re.fullmatch("'.*'", value, re.DOTALL) else value
