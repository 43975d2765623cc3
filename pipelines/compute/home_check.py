"""``headwater check``: every model, check, source and setting, held to its rules without running anything.

Here: gathering all faults instead of stopping at the first.
Not here: the rules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from pipelines.config_tables import load_config_tables
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.settings import Settings, load_settings
from pipelines.ingest.sources.source import Source, load_sources
from pipelines.sqlproject.linter import lint
from pipelines.sqlproject.project import Project, count_files, load_project
from pipelines.sqlproject.reads import sample_span

T = TypeVar("T")


@dataclass
class CheckReport:
    """What was looked at, and what is wrong with it, a line each."""

    models: int = 0
    checks: int = 0
    sources: int = 0
    faults: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """The result in a line."""
        looked = f"{self.models} models, {self.checks} checks, {self.sources} sources, the settings"
        return f"{looked}: {len(self.faults)} faults" if self.faults else f"{looked}: all in order"


def check_home(home: Home | None) -> CheckReport:
    """Check the shipped project, and *home* if there is one."""
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
    sources: list[Source] = attempt(lambda: load_sources(home)) or []
    report.sources = len(sources)
    project = attempt(lambda: load_project(home, settings))
    if project is None:
        report.models, report.checks = count_files(home)
    else:
        report.models = len(project.models)
        report.checks = sum(len(checks) for checks in project.checks.values())
        report.faults += lint_project(project)
    return report


def lint_project(project: Project) -> list[str]:
    """The linter's findings on every model and check, a line each."""
    faults: list[str] = []
    files = [*project.models.values(), *(check for checks in project.checks.values() for check in checks)]
    for file in files:
        schema = {read.table: dict(project.relation(read.table)) for read in project.reads[file.name]}
        for finding in lint(project.bind(file, sample_span(file, project.models)), schema, file.source, file.name):
            place = f"{file.path}:{finding.line or 1}"
            faults.append(f"{place}: {finding.rule}: {finding.construct}: {finding.message}")
    return faults
