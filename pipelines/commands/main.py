"""``headwater``: the command line.

Here: the commands, their options and help, how results and errors are shown, exit codes: 0 done, 1 something is
wrong with the home or the data, 2 wrong usage, 130 stopped by Ctrl-C.
Not here: what the commands do.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from pipelines.commands.console import error_line, print_summary, print_table, shortened, teller
from pipelines.commands.stopping import ignore_signals, run_stoppable
from pipelines.commands.users import app as user_commands
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import DEFAULT_HOME, HOME_VARIABLE, Home, find_home, init_home
from pipelines.simulator import TRAPS

app = typer.Typer(
    name="headwater",
    help="Find where each sale's stream begins: from tracking logs to entrances, slots and paths.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(user_commands, name="user")

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help=f"The home; default: ${HOME_VARIABLE}, else ./{DEFAULT_HOME}.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DayOption = Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", show_default=False)]


_INTERRUPTED = 130


class QueryFormat(StrEnum):
    """How ``headwater sql`` shows a result."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


class LogFormat(StrEnum):
    """What ``headwater simulate`` writes."""

    ndjson = "ndjson"
    parquet = "parquet"


class LogFiles(StrEnum):
    """How ``headwater simulate`` cuts the log."""

    daily = "daily"
    hourly = "hourly"


class ReportLanguage(StrEnum):
    """The languages of ``headwater report``."""

    zh = "zh"
    en = "en"


class DocsFormat(StrEnum):
    """What ``headwater docs`` writes."""

    markdown = "markdown"
    html = "html"


@app.command(epilog="Example: `headwater demo` · `headwater demo /tmp/shop`")
def demo(
    directory: Annotated[Path, typer.Argument(help="Where to lay out the demo's home.")] = Path("demo"),
    days: Annotated[int, typer.Option(min=1, max=366, help="Days of the made-up shop.")] = 15,
    devices: Annotated[int, typer.Option(min=1, max=1_000_000, help="Its shoppers' devices.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Which made-up shop.")] = 1,
) -> None:
    """Lay out a home, simulate two weeks of a shop, run everything and show the last day."""
    from pipelines.commands.demo import run_demo

    run_demo(directory, days=days, devices=devices, seed=seed)


@app.command(epilog="Example: `headwater init shop`")
def init(directory: Annotated[Path, typer.Argument(help="An empty or existing folder.")]) -> None:
    """Lay out a home: settings with comments, landing, lake. No file is overwritten."""
    home, written = init_home(directory)
    for path in written:
        print(f"wrote {path.relative_to(home.root)}")
    print(f"{home.root} is a home. Land files in {home.landing}/native/events/, then: headwater run --home {directory}")


@app.command(
    epilog="Traps:\n\n"
    + "\n\n".join(f"- `{name}`: {trap.description}" for name, trap in TRAPS.items())
    + "\n\nExamples: `headwater simulate --days 7 --devices 2000 --out home/landing` · "
    "`headwater simulate --trap wrong_clocks --trap duplicates`"
)
def simulate(
    days: Annotated[int, typer.Option(min=1, max=3660, help="Days to simulate.")] = 7,
    devices: Annotated[int, typer.Option(min=1, max=50_000_000, help="Shoppers' devices.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same shop.")] = 1,
    last_day: Annotated[
        dt.datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
            help="Last day simulated; default: yesterday.",
            show_default=False,
        ),
    ] = None,
    log_format: Annotated[LogFormat, typer.Option("--format", help="Format of the tracking log.")] = LogFormat.ndjson,
    files: Annotated[LogFiles, typer.Option(help="One file of the log a day, or an hour.")] = LogFiles.daily,
    clean: Annotated[bool, typer.Option("--clean", help="A log without traps.")] = False,
    trap: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A clean log with this trap, and others so named; default: all at believable rates.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="A landing folder; default: that of the home.", show_default=False),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Write the tracking logs, orders and products of a made-up shop; the planted truth is kept aside."""
    from pipelines.commands.demo import run_simulation

    landing = out if out is not None else find_home(home).landing
    day = last_day.date() if last_day else None
    for line in run_simulation(
        landing,
        days=days,
        devices=devices,
        seed=seed,
        last_day=day,
        form="parquet" if log_format is LogFormat.parquet else "ndjson",
        files="hourly" if files is LogFiles.hourly else "daily",
        traps=trap or ([] if clean else None),
    ):
        print(line)


@app.command(
    epilog="Examples: `headwater run` · `headwater run --from 2026-11-01 --to 2026-11-07 --force` · "
    "`headwater run --select +attribution.entrance_daily`"
)
def run(
    from_: Annotated[
        dt.datetime | None,
        typer.Option(
            "--from", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="First day to compute.", show_default=False
        ),
    ] = None,
    to: Annotated[
        dt.datetime | None,
        typer.Option(
            "--to", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Last day to compute.", show_default=False
        ),
    ] = None,
    select: Annotated[
        list[str] | None,
        typer.Option(
            "--select", help="TABLE, SCHEMA or +TABLE (with all it reads); may be repeated.", show_default=False
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Compute the days also where nothing has changed.")] = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Compare every file of the lake with its checksum; a damaged partition is computed again."
        ),
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ingest what is new and compute what is stale, through Dagster; ends with a summary."""
    from pipelines.commands.engine import recording_engine
    from pipelines.compute.run import Request, run_home
    from pipelines.compute.workspace import open_workspace

    place = find_home(home)
    if from_ and to and from_ > to:
        _refuse_usage(f"--from {from_.date()} is after --to {to.date()}")
    project = open_workspace(place).project
    try:
        tables = frozenset(project.select(select)) if select else None
    except HeadwaterError as error:
        _refuse_usage(str(error))
    request = Request(tables, from_.date() if from_ else None, to.date() if to else None, force, verify)
    with teller() as tell:
        summary = run_stoppable(lambda tell: run_home(place, request, engine=recording_engine, tell=tell), tell)
    ignore_signals()
    print_summary(summary, as_json=as_json)
    if summary.has_errors:
        raise typer.Exit(1)


@app.command(
    epilog='Examples: `headwater sql "SELECT * FROM attribution.entrance_daily"` · '
    '`headwater sql "SELECT * FROM core.orders" --format parquet --out orders.parquet`'
)
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT (or DESCRIBE, SUMMARIZE); - reads it from standard input.")],
    form: Annotated[QueryFormat, typer.Option("--format", help="How to show the result.")] = QueryFormat.table,
    out: Annotated[Path | None, typer.Option(help="Write to this file.", show_default=False)] = None,
    home: HomeOption = None,
) -> None:
    """Query the lake, read-only. Tables: `headwater docs`, or DESCRIBE."""
    from pipelines.compute.reading import query_rows, write_query

    text = sys.stdin.read() if query == "-" else query
    if form is QueryFormat.table and out is None:
        print_table(query_rows(find_home(home), text))
    else:
        # A table written to a file is a CSV.
        write_query(find_home(home), text, "csv" if form is QueryFormat.table else form.value, out)


@app.command(epilog="Examples: `headwater report` · `headwater report --dt 2026-11-20 --lang zh --out monday.html`")
def report(
    day: Annotated[
        dt.datetime | None,
        typer.Option(
            "--dt",
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
            help="The day; default: the newest computed one that is over.",
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


@app.command(epilog="Example: `headwater check`")
def check(home: HomeOption = None) -> None:
    """Parse, lint and check every model, source and setting without running anything."""
    from pipelines.commands.check import check_home

    place = _home_or_none(home)
    report = check_home(place)
    for fault in report.faults:
        error_line(fault)
    print(report.summary())
    if report.faults:
        raise typer.Exit(1)


@app.command(epilog="Example: `headwater catalog && duckdb -readonly home/headwater.duckdb`")
def catalog(home: HomeOption = None) -> None:
    """Write headwater.duckdb: commented views over the lake, for any DuckDB client."""
    from pipelines.commands.catalog import write_catalog

    print(f"wrote {write_catalog(find_home(home))}; open it read-only")


@app.command(epilog="Example: `headwater docs --format html --out dictionary.html`")
def docs(
    form: Annotated[DocsFormat, typer.Option("--format", help="Markdown or HTML.")] = DocsFormat.markdown,
    out: Annotated[Path | None, typer.Option(help="Write to this file.", show_default=False)] = None,
    home: HomeOption = None,
) -> None:
    """Write the data dictionary: every table, column, rule and check."""
    from pipelines.commands.docs import as_html, markdown
    from pipelines.home.settings import Settings, load_settings
    from pipelines.sqlproject.project import load_project

    place = _home_or_none(home)
    project = load_project(place, load_settings(place) if place else Settings())
    text = as_html(project) if form is DocsFormat.html else markdown(project)
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")
        print(f"wrote {out}")


@app.command(epilog="Example: `headwater doctor --json`")
def doctor(
    deep: Annotated[
        bool, typer.Option("--deep", help="Compare every file with its checksum, not only its size.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what is wrong with a home and what to do: versions, settings, landing, lake, checks."""
    from pipelines.commands.doctor import diagnose

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


@app.command(
    epilog="Examples: `headwater dashboard --home demo` · `headwater dashboard --host 0.0.0.0`, after "
    "`headwater user add` · `headwater dashboard --trust-proxy 127.0.0.1 --proxy-user-header X-Forwarded-User`"
)
def dashboard(
    home: HomeOption = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; other than loopback, people have to sign in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8050,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer.")] = 2,
    no_sign_in: Annotated[
        bool, typer.Option("--no-sign-in", help="Let everybody on this host in, though there are users.")
    ] = False,
    trust_proxy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="Address or network of a reverse proxy to believe; may be repeated.",
            show_default=False,
        ),
    ] = None,
    proxy_user_header: Annotated[
        str, typer.Option(metavar="HEADER", help="Header by which it says who it is.", show_default=False)
    ] = "",
    proxy_role_header: Annotated[
        str, typer.Option(metavar="HEADER", help="Header by which it says the role.", show_default=False)
    ] = "",
) -> None:
    """Serve the dashboards of a home to browsers, until Ctrl-C."""
    from dashboards.access.rules import rules_for
    from dashboards.app.serve import serve

    place = find_home(home)
    rules = rules_for(
        place,
        host,
        is_sign_in_off=no_sign_in,
        trusted=trust_proxy or (),
        user_header=proxy_user_header,
        role_header=proxy_role_header,
    )
    serve(place, rules, port, workers)


def _refuse_usage(message: str) -> NoReturn:
    error_line(message)
    raise typer.Exit(2)


def _home_or_none(path: Path | None) -> Home | None:
    """The home, or None where none is named and none is there: the shipped project can be looked at without."""
    try:
        return find_home(path)
    except HeadwaterError:
        if path is not None:
            raise
        return None


def main() -> None:
    """Run the command line as a process of its own."""
    try:
        try:
            execute()
        finally:
            ignore_signals()  # while Python tidies up, output is still to be flushed
    except KeyboardInterrupt:  # it came outside Typer's own handling: while an error was printed, or between two lines
        _leave_interrupted()


def execute() -> None:
    """Run the command line; a HeadwaterError becomes one line on standard error and exit code 1."""
    _exit_with(lambda: app(standalone_mode=True))


def _exit_with(command: Callable[[], Any]) -> None:
    try:
        command()
    except HeadwaterError as error:
        error_line(str(error))
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(0)
    except SystemExit as end:
        if end.code == _INTERRUPTED:  # what Typer makes of a KeyboardInterrupt
            _leave_interrupted()
        raise


def _leave_interrupted() -> NoReturn:
    ignore_signals()
    with contextlib.suppress(BrokenPipeError):  # Ctrl-C ends what reads the output, too
        error_line("stopped; what was published before is whole, run again to go on")
        sys.stdout.flush()
    os._exit(_INTERRUPTED)  # a query that could not be stopped would go on, and be waited for


if __name__ == "__main__":
    main()
