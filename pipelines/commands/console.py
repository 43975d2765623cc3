"""Output of the command line: lines, tables, progress, the summary of a run.

Here: formatting for people at a terminal.
Not here: the content.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:  # commands import what they need when they run, so that --help and errors are fast
    from pipelines.compute.reading import Rows
    from pipelines.compute.run import RunSummary
    from pipelines.lake.partitions import PartitionKey


_WIDE = 10_000
LONGEST_LINE = 500
"""The most characters of an error, a warning or a finding, so that it is readable in a terminal or a mail."""
_TAIL = 180


def error_line(message: str) -> None:
    """Print an error to stderr, in one line of at most ``LONGEST_LINE`` characters."""
    print(shortened(f"error: {message}"), file=sys.stderr)


def warning_line(message: str) -> None:
    """Print a warning to stderr, in one line of at most ``LONGEST_LINE`` characters."""
    print(shortened(f"warning: {message}"), file=sys.stderr)


def shortened(line: str) -> str:
    """*line* in at most ``LONGEST_LINE`` characters, without line breaks.

    The middle is cut, because a message begins with where the error is (file, row) and ends with the remedy.
    """
    line = " ".join(line.split("\n"))
    if len(line) <= LONGEST_LINE:
        return line
    return f"{line[: LONGEST_LINE - _TAIL - 3]} … {line[-_TAIL:]}"


@contextmanager
def teller() -> Iterator[Callable[[str], None]]:
    """Yield a function that shows a line about the current activity: beside a spinner at a terminal, else nowhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _line: None
        return
    with console.status("reading the home") as status:
        yield lambda line: status.update(line)


def print_table(rows: Rows) -> None:
    """Print *rows* as a table. If the result has more rows, a line says how many."""
    console = Console()
    table = Table(show_edge=False)
    for index, name in enumerate(rows.columns):
        numeric = any(isinstance(row[index], int | float | Decimal) for row in rows.rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows.rows:
        table.add_row(*(_cell(value) for value in row))
    if not console.is_terminal:
        # Files and pipes have no width, so make the console as wide as the table; otherwise cells would be wrapped.
        console = Console(width=Console(width=_WIDE).measure(table).maximum)
    console.print(table)
    if rows.total > len(rows.rows):
        print(f"first {len(rows.rows)} of {rows.total} rows; --format csv or --out FILE gives all")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def print_summary(summary: RunSummary, *, as_json: bool = False) -> None:
    """Print what a run did: as lines for people, with errors and warnings on stderr, or as one JSON object."""
    if as_json:
        print(json.dumps(_as_json(summary), ensure_ascii=False, indent=2))
        return
    report = summary.ingested
    for error in report.errors:
        error_line(error)
    # Records before the start date may be intended, so warn about them only if new files were ingested.
    for warning in (*report.warnings, summary.not_computed if report.batches else ""):
        if warning:
            warning_line(warning)
    for damage in summary.damaged:
        error_line(damage)
    for path in summary.repaired:
        warning_line(f"{path} was damaged; it is computed again")
    if summary.closed:
        print(f"closed    {summary.closed}")
    if summary.did_nothing and not summary.has_errors:
        print(f"nothing to do: no new files, every table is up to date{_span(summary)}")
        return
    print(f"batches   {report.files:,} new")
    print(
        f"records   {report.records:,} read = {report.accepted:,} accepted + {report.duplicates:,} duplicates "
        f"+ {report.quarantined:,} quarantined"
    )
    if summary.start_date_set:
        print(f"start     start_date set to {summary.start_date_set} in config/headwater.yaml")
    days = summary.days()
    print(f"days      {len(days):,} computed" + (f", {days[0]} to {days[-1]}" if days else ""))
    written = sum(len(keys) for keys in summary.published.values())
    print(f"tables    {len(summary.published)} written, {written:,} partitions{_removed(summary)}")
    _print_checks(summary)


def _print_checks(summary: RunSummary) -> None:
    errors = [check for check in summary.failed_checks.values() if check.severity == "error"]
    warnings = [check for check in summary.failed_checks.values() if check.severity == "warn"]
    print(f"checks    {len(errors)} failed, {len(warnings)} warnings")
    for check in (*errors, *warnings):
        print(shortened(f"  {'ERROR' if check.severity == 'error' else 'warn '} {check.describe()}"))
    for table, keys in sorted(summary.blocked.items()):
        print(f"  blocked {table}: {_spell(keys)} with the old content")


def _removed(summary: RunSummary) -> str:
    count = sum(len(keys) for keys in summary.removed.values())
    return f", {count:,} removed" if count else ""


def _span(summary: RunSummary) -> str:
    return f" ({summary.first} to {summary.last})" if summary.first and summary.last else ""


def _spell(keys: set[PartitionKey]) -> str:
    days = sorted(key for key in keys if key is not None)
    if not days:
        return "the table"
    return str(days[0]) if len(days) == 1 else f"{len(days)} days from {days[0]} to {days[-1]}"


def _as_json(summary: RunSummary) -> dict[str, object]:
    report = summary.ingested
    return {
        "batches": report.files,
        "records": report.records,
        "accepted": report.accepted,
        "duplicates": report.duplicates,
        "quarantined": report.quarantined,
        "errors": list(report.errors),
        "warnings": list(report.warnings),
        "start_date_set": _iso(summary.start_date_set),
        "first": _iso(summary.first),
        "last": _iso(summary.last),
        "published": _keys_as_json(summary.published),
        "removed": _keys_as_json(summary.removed),
        "held": _keys_as_json(summary.blocked),
        "not_computed": summary.not_computed,
        "closed": summary.closed,
        "repaired": [str(path) for path in summary.repaired],
        "damaged": summary.damaged,
        "failed_checks": [
            {
                "check": c.check,
                "model": c.model,
                "severity": c.severity,
                "rows": c.rows,
                "days": sorted(map(str, c.days)),
            }
            for c in summary.failed_checks.values()
        ],
    }


def _keys_as_json(tables: Mapping[str, set[PartitionKey]]) -> dict[str, list[str | None]]:
    return {name: sorted((_iso(key) for key in keys), key=str) for name, keys in sorted(tables.items())}


def _iso(day: dt.date | None) -> str | None:
    return day.isoformat() if day else None
