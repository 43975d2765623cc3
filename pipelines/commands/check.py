"""``headwater check``: validates the models, sources and settings without running anything.

With ``--source`` and ``--sample`` it shows the outcome of each record of sample files instead.
Not here: what is checked (``pipelines.compute.home_check``), trying a sample (``pipelines.ingest.sample``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.commands.console import error_line, shortened, warning_line
from pipelines.commands.options import HomeOption, home_or_none, refuse_usage

if TYPE_CHECKING:
    from pipelines.home.folder import Home
    from pipelines.ingest.sample import Row, Sample, SampleFile

app = typer.Typer()

_UNTOLD = ("source", "batch_id", "record_no", "record_hash")
"""Columns that are not shown, because they are the same for all records of a file or mean nothing to a reader."""


@app.command(epilog="Example: `headwater check --source ga4 --sample events.ndjson`")
def check(
    home: HomeOption = None,
    source: Annotated[str | None, typer.Option(help="The source that the sample files belong to.")] = None,
    sample: Annotated[
        list[str] | None,
        typer.Option(
            help="A file of the source, or relation=file; repeat it for several. Shows what becomes of each record."
        ),
    ] = None,
    records: Annotated[int, typer.Option(min=1, help="How many records of each file to show.")] = 20,
) -> None:
    """Parse, lint and check every model, metric, query, source and setting without running anything.

    With --source and --sample, show what the source makes of each record of sample files; no home is changed.
    """
    place = home_or_none(home)
    if sample or source:
        if not (sample and source):
            refuse_usage("--source and --sample belong together, such as --source ga4 --sample events.ndjson")
        _show_sample(place, source, sample, records)
    else:
        _check(place)


def _check(home: Home | None) -> None:
    from dashboards.queries import all_queries
    from pipelines.compute.home_check import check_home

    report = check_home(home, all_queries().values())
    if home is not None:
        report.faults += _dashboard_faults(home)
    for fault in report.faults:
        error_line(fault)
    print(report.summary())
    if report.faults:
        raise typer.Exit(1)


def _dashboard_faults(home: Home) -> Iterator[str]:
    """The faults of those files of *home* that only the dashboards read: alerts, subscriptions, targets."""
    from dashboards.app.watch.settings import load_watch
    from dashboards.plans.targets import fault_of
    from pipelines.config_tables import targets_of
    from pipelines.home.errors import HeadwaterError

    try:
        load_watch(home)
    except HeadwaterError as error:
        yield str(error)
    with suppress(HeadwaterError):  # check_home has already reported this error
        for target in targets_of(home):
            if fault := fault_of(target):
                yield str(HeadwaterError(fault, where=f"{home.targets_file}, target of {target.month:%Y-%m}"))


def _show_sample(home: Home | None, source: str, sample: Iterable[str], most: int) -> None:
    from pipelines.compute.sample_checks import failed_spend_checks
    from pipelines.home.settings import Settings, load_settings
    from pipelines.ingest.sample import try_sample

    files = []
    for text in sample:
        relation, equals, name = text.partition("=")
        # A file's name may contain an equals sign too.
        files.append((relation, Path(name)) if equals and not Path(text).exists() else ("", Path(text)))
    settings = load_settings(home) if home else Settings()
    found = try_sample(home, settings, source, files)
    for line in _sample_lines(found, most):
        print(line)
    for warning in (*found.warnings, *(check.describe() for check in failed_spend_checks(home, settings, found))):
        warning_line(warning)
    for error in found.errors:
        error_line(error)
    if found.errors:
        raise typer.Exit(1)


def _sample_lines(sample: Sample, most: int) -> Iterator[str]:
    for file in sample.files:
        yield from _file_lines(file, most)
    if sample.whole:
        yield "rows of mappings over all files"
        yield from (f"  {_row_text(table, row)}" for table, row in sample.whole[:most])
        yield from _rest(len(sample.whole) - most, "rows")


def _file_lines(file: SampleFile, most: int) -> Iterator[str]:
    batch = file.batch
    yield (
        f"{file.path} ({batch.relation}): {batch.records} records = {batch.accepted} accepted + {batch.duplicates} "
        f"duplicates + {batch.quarantined} quarantined; {batch.unmapped} accepted ones give no row"
    )
    if file.unread:
        yield f"  fields that are not read: {', '.join(file.unread)}"
    yield from (f"  {reason}: expected {expected}" for reason, expected in file.expected.items())
    for outcome in file.outcomes[:most]:
        if outcome.reasons:
            yield shortened(f"  {outcome.record_no} quarantined: {outcome.reasons} | {outcome.text}")
        elif not outcome.rows:
            yield f"  {outcome.record_no} no row of its own"
        for table, row in outcome.rows:
            yield f"  {outcome.record_no} {_row_text(table, row)}"
    yield from _rest(len(file.outcomes) - most, "records")


def _rest(count: int, what: str) -> Iterator[str]:
    if count > 0:
        yield f"  … and {count} more {what}; --records shows more"


def _row_text(table: str, row: Row) -> str:
    values = (f"{name}={value}" for name, value in row.items() if value is not None and name not in _UNTOLD)
    return f"{table}: {', '.join(values)}"
