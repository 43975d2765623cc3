"""A home: the folder that holds one shop's settings, landing files, lake and Dagster records.

Here: where everything in a home is, and creating a home.
Not here: its lock (``pipelines.home.lock``), what the settings say (``pipelines.home.settings``).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from pipelines.home.dagster_yaml import DAGSTER_YAML
from pipelines.home.errors import HeadwaterError

REPOSITORY = Path(__file__).resolve().parents[2]
"""The folder of the checkout, or of the installed packages."""

_INSTALLED = REPOSITORY / "headwater_data"
DATA = _INSTALLED if _INSTALLED.is_dir() else REPOSITORY
"""The folder with ``sql/`` and the template ``config/``; a wheel has them in ``headwater_data``."""

HOME_VARIABLE = "HEADWATER_HOME"
DEFAULT_HOME = Path("home")
_FOLDERS = ("config", "landing", "lake", "reports", "sql", ".dagster")


@dataclass(frozen=True)
class Home:
    """The paths of one home."""

    root: Path

    @property
    def config(self) -> Path:
        """The settings and tables that operators edit."""
        return self.root / "config"

    @property
    def settings_file(self) -> Path:
        """The settings."""
        return self.config / "headwater.yaml"

    @property
    def entrances_file(self) -> Path:
        """The entrances: positions where visitors' paths begin, and their names."""
        return self.config / "entrances.csv"

    @property
    def fx_file(self) -> Path:
        """Exchange rates."""
        return self.config / "fx.csv"

    @property
    def market_file(self) -> Path:
        """Figures of competitors."""
        return self.config / "market.csv"

    @property
    def page_types_file(self) -> Path:
        """Kinds of pages by address; optional, the shipped file is the default."""
        return self.config / "page_types.csv"

    @property
    def channels_file(self) -> Path:
        """Channels, and the rules that give each session its channel; optional, the shipped file is the default."""
        return self.config / "channels.yaml"

    @property
    def traffic_sites_file(self) -> Path:
        """Sites that bring visitors, by category; optional, the shipped file is the default."""
        return self.config / "traffic_sites.csv"

    @property
    def segments_file(self) -> Path:
        """Names of segments and octants; optional, the shipped file is the default."""
        return self.config / "segments.csv"

    @property
    def matrices_file(self) -> Path:
        """The matrices' axes and cells; optional, the shipped file is the default."""
        return self.config / "matrices.yaml"

    @property
    def pages_file(self) -> Path:
        """What the shop's pages look like, for the slot map; optional, the shipped file is the default."""
        return self.config / "pages.yaml"

    @property
    def contents_file(self) -> Path:
        """Names and pictures of what the slots showed; optional."""
        return self.config / "contents.csv"

    @property
    def product_names_file(self) -> Path:
        """Names of products, categories and brands in the dashboards' languages; optional."""
        return self.config / "product_names.csv"

    @property
    def calendar_file(self) -> Path:
        """Promotions, launches and other occasions that charts over time show; optional."""
        return self.config / "calendar.csv"

    @property
    def targets_file(self) -> Path:
        """Targets of metrics by month; optional."""
        return self.config / "targets.csv"

    @property
    def views_file(self) -> Path:
        """Addresses of pages that users of the dashboards have saved; optional."""
        return self.config / "views.csv"

    @property
    def databases_file(self) -> Path:
        """The databases from which tables are loaded; optional."""
        return self.config / "databases.yaml"

    @property
    def alerts_file(self) -> Path:
        """Alerts, and the people who get messages; optional."""
        return self.config / "alerts.yaml"

    @property
    def subscriptions_file(self) -> Path:
        """Reports and pages that people get regularly; optional."""
        return self.config / "subscriptions.csv"

    @property
    def secrets_file(self) -> Path:
        """Passwords and tokens in people's addresses; only its owner may read it; optional."""
        return self.config / "secrets.env"

    @property
    def forgotten_file(self) -> Path:
        """Salted hashes of the ids of forgotten persons; written by ``headwater forget``."""
        return self.config / "forgotten.json"

    @property
    def forgetting_file(self) -> Path:
        """The ids of the person who is being forgotten; removed when no data of the person is left."""
        return self.root / ".forgetting.json"

    @property
    def saved_queries(self) -> Path:
        """Queries that the dashboards offer, one ``.sql`` file for each."""
        return self.config / "queries"

    @property
    def landing(self) -> Path:
        """The folder in which sources put their files. Headwater only reads it."""
        return self.root / "landing"

    @property
    def lake(self) -> Path:
        """The Parquet lake."""
        return self.root / "lake"

    @property
    def raw(self) -> Path:
        """The part of the lake that ingestion writes."""
        return self.lake / "raw"

    @property
    def reports(self) -> Path:
        """The HTML reports."""
        return self.root / "reports"

    @property
    def sql(self) -> Path:
        """The home's own models, checks and sources."""
        return self.root / "sql"

    @property
    def sources(self) -> Path:
        """The home's own sources, one folder for each."""
        return self.sql / "sources"

    @property
    def catalog_file(self) -> Path:
        """The DuckDB file of views that ``headwater catalog`` writes."""
        return self.root / "headwater.duckdb"

    @property
    def lock_file(self) -> Path:
        """Locked by the process that writes to the home; contains a description of that process."""
        return self.root / ".lock"

    @property
    def scratch(self) -> Path:
        """Temporary files of running processes."""
        return self.root / ".tmp"

    @property
    def loading(self) -> Path:
        """How far the tables of databases have been loaded, and rows not yet written to the landing folder."""
        return self.root / ".loading"

    @property
    def dagster(self) -> Path:
        """Dagster's run records (its ``DAGSTER_HOME``)."""
        return self.root / ".dagster"

    @property
    def dagster_yaml(self) -> Path:
        """Dagster's own settings."""
        return self.dagster / "dagster.yaml"

    @property
    def dagster_records(self) -> Path:
        """Dagster's database of runs."""
        return self.dagster / "history" / "runs.db"

    @property
    def run_marker(self) -> Path:
        """Exists while the command line records a run in Dagster; left behind if its process is killed."""
        return self.dagster / ".running"

    @property
    def alerts(self) -> Path:
        """The messages that were sent or are waiting, and the state of each alert."""
        return self.root / ".alerts"

    @property
    def workbench(self) -> Path:
        """The dashboards' copy of the lake, and the other files that the dashboards read or write."""
        return self.root / ".workbench"

    @property
    def copy_pointer(self) -> Path:
        """A file that names the current copy; replaced atomically."""
        return self.workbench / "current.json"

    @property
    def copy_lock(self) -> Path:
        """Locked by the process that makes a copy."""
        return self.workbench / ".lock"

    @property
    def checks_file(self) -> Path:
        """The latest results of the checks, for the dashboards."""
        return self.workbench / "checks.json"

    @property
    def lineage_file(self) -> Path:
        """The lineage of each column, for the dashboards."""
        return self.workbench / "lineage.json"

    @property
    def query_log(self) -> Path:
        """The log of users' queries, one line of JSON for each."""
        return self.workbench / "queries.jsonl"

    @property
    def query_results(self) -> Path:
        """Results of users' queries, kept for an hour."""
        return self.workbench / "results"

    @property
    def query_turns(self) -> Path:
        """Lock files that limit how many of users' queries run at once."""
        return self.workbench / "turns"

    @property
    def access(self) -> Path:
        """Users and sessions of the dashboards; only the owner may read it."""
        return self.root / ".dashboard"

    @property
    def edits(self) -> Path:
        """Earlier versions of the files that the dashboards change, a folder for each."""
        return self.access / "versions"

    @property
    def edits_lock(self) -> Path:
        """Locked by the process that changes a file for a user of the dashboards."""
        return self.access / ".edits.lock"

    @property
    def users_file(self) -> Path:
        """The users and their password hashes."""
        return self.access / "users.json"

    @property
    def users_lock(self) -> Path:
        """Locked by the process that changes the users."""
        return self.access / ".lock"

    @property
    def sessions_file(self) -> Path:
        """The database of sessions and links."""
        return self.access / "sessions.sqlite"

    @property
    def print_lock(self) -> Path:
        """Locked while the dashboards' browser makes a PDF or PNG of a page."""
        return self.access / "print.lock"


def root_of(path: Path | None = None) -> Path:
    """The folder *path*, else ``$HEADWATER_HOME``, else ``./home``; it need not be a home."""
    return (path or Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME)).expanduser().resolve()


def find_home(path: Path | None = None) -> Home:
    """The home in *path*, else in ``$HEADWATER_HOME``, else in ``./home``.

    Raises:
        HeadwaterError: there is no home in that folder.
    """
    root = root_of(path)
    home = Home(root)
    if not home.settings_file.is_file():
        raise HeadwaterError(
            "not a Headwater home (no config/headwater.yaml)",
            where=root,
            remedy=f"run 'headwater init {root}', or name another with --home or ${HOME_VARIABLE}",
        )
    return home


def init_home(path: Path) -> tuple[Home, list[Path]]:
    """Create a home in *path*. Files that exist already are kept as they are.

    Returns:
        The home, and the files that were written, in order.

    Raises:
        HeadwaterError: *path* is a file, or cannot be written.
    """
    home = Home(path.expanduser().resolve())
    written: list[Path] = []
    try:
        for folder in _FOLDERS:
            (home.root / folder).mkdir(parents=True, exist_ok=True)
        template = DATA / "config"
        for file in sorted(f for f in template.rglob("*") if f.is_file()):
            target = home.config / file.relative_to(template)
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
                written.append(target)
        if not home.dagster_yaml.exists():
            home.dagster_yaml.write_text(DAGSTER_YAML, encoding="utf-8")
            written.append(home.dagster_yaml)
    except OSError as error:
        raise HeadwaterError(f"a home cannot be created: {error}", where=home.root) from error
    return home, written
