"""``headwater check``: validates every model, check, source and setting without running anything.

Here: collecting all faults instead of stopping at the first.
Not here: the rules that files must obey; they are in the modules that read the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from pipelines.config_tables import (
    calendar_of,
    contents_of,
    load_config_tables,
    pages_of,
    product_names_of,
    targets_of,
    views_of,
)
from pipelines.databases.settings import load_databases
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import DATA, Home
from pipelines.home.settings import Settings, load_settings
from pipelines.ingest.sources.source import Source, load_sources
from pipelines.sqlproject.linter import lint
from pipelines.sqlproject.look_backs import look_backs, require_days
from pipelines.sqlproject.metrics import load_metrics
from pipelines.sqlproject.project import Project, count_files, load_project
from pipelines.sqlproject.queries import Query, faults_of, metric_faults, relations, whole_file
from pipelines.sqlproject.reads import sample_span

T = TypeVar("T")


@dataclass
class CheckReport:
    """How many things were validated, and their faults, one line for each."""

    models: int = 0
    checks: int = 0
    metrics: int = 0
    queries: int = 0
    sources: int = 0
    faults: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """The result in one line."""
        validated = (
            f"{self.models} models, {self.checks} checks, {self.metrics} metrics, {self.queries} queries, "
            f"{self.sources} sources, the settings"
        )
        faults = len(self.faults)
        return f"{validated}: {faults} fault{'s' if faults > 1 else ''}" if faults else f"{validated}: all in order"


def check_home(home: Home | None, queries: Iterable[Query] = ()) -> CheckReport:
    """Check the shipped project, and *home* if there is one.

    Args:
        home: The home; None means to check only what is shipped, including the template of the saved queries.
        queries: Queries of pages, validated in addition to the saved ones.
    """
    report = CheckReport()

    def attempt(step: Callable[[], T]) -> T | None:
        try:
            return step()
        except HeadwaterError as error:
            report.faults.append(str(error))
            return None

    settings = (attempt(lambda: load_settings(home)) if home else None) or Settings()
    if home is not None:
        attempt(lambda: load_config_tables(home, settings))
        attempt(lambda: load_databases(home))
        attempt(lambda: pages_of(home))
        attempt(lambda: contents_of(home))
        attempt(lambda: product_names_of(home))
        attempt(lambda: calendar_of(home))
        attempt(lambda: targets_of(home))
        attempt(lambda: views_of(home))
    sources: list[Source] = attempt(lambda: load_sources(home)) or []
    report.sources = len(sources)
    report.metrics = len(attempt(load_metrics) or ())
    every = [*queries, *map(whole_file, sorted((home.config if home else DATA / "config").glob("queries/*.sql")))]
    report.queries = len(every)
    project = attempt(lambda: load_project(home, settings)) if report.metrics else None
    if project is None:
        report.models, report.checks = count_files(home)
    else:
        report.models = len(project.models)
        report.checks = sum(len(checks) for checks in project.checks.values())
        report.faults += lint_project(project)
        if home is not None and (days := settings.retention.events_days) is not None:
            attempt(lambda: require_days(look_backs(project), days, home.settings_file))
        tables = relations(project)
        report.faults += metric_faults(tables)
        report.faults += [fault for query in every for fault in faults_of(query, tables)]
    return report


def lint_project(project: Project) -> list[str]:
    """The linter's findings on every model and check, one line for each."""
    faults: list[str] = []
    files = [*project.models.values(), *(check for checks in project.checks.values() for check in checks)]
    for file in files:
        schema = {read.table: dict(project.relation(read.table)) for read in project.reads[file.name]}
        for finding in lint(project.bind(file, sample_span(file, project.models)), schema, file.source, file.name):
            place = f"{file.path}:{finding.line or 1}"
            faults.append(f"{place}: {finding.rule}: {finding.construct}: {finding.message}")
    return faults
