"""The steps of ``headwater forget``.

Here: their order, and what they found.
Not here: the steps (``pipelines.forget``), the options and the output (``pipelines.commands.forget``).
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from pathlib import Path

from dashboards.copy.build import current
from dashboards.report.file import write_report
from pipelines.commands.engine import recording_engine
from pipelines.commands.publisher import publish_in_new_process
from pipelines.compute.run import RunSummary, run_home
from pipelines.forget.landing import erase_from_files, with_rewritten
from pipelines.forget.person import Found, Person, Task, find
from pipelines.forget.raw import without_person
from pipelines.forget.search import Hit, Ids, is_landed_by_shop, search
from pipelines.forget.short_ids import search_columns
from pipelines.forget.traces import erase_traces
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.lock import Tell, home_lock
from pipelines.home.settings import load_settings
from pipelines.ingest.batches import RawLake, write_manifest
from pipelines.ingest.forgotten import Forgotten
from pipelines.ingest.raw.outputs import sweep
from pipelines.ingest.session import ingest_session
from pipelines.ingest.sources.source import load_sources

_REPORT = re.compile(r"(\d{4}-\d{2}-\d{2})-(zh|en)\.html")


@dataclass(frozen=True)
class Request:
    """Who is to be forgotten: *user*, with further *devices*; with *with_orders*, the user's orders are erased too."""

    user: str
    devices: tuple[str, ...] = ()
    with_orders: bool = False


@dataclass(frozen=True)
class Outcome:
    """The result: what is *left* of the person, what the last run computed, and reports that could not be rewritten."""

    person: Person
    left: list[Hit]
    summary: RunSummary
    removed_reports: list[str]


def survey(home: Home, request: Request, tell: Tell) -> tuple[Found, list[Hit]]:
    """What data *home* has about a person, and the files in which the ids are found. Changes nothing.

    Raises:
        HeadwaterError: the home never had data about the user, or another person's erasure was interrupted.
    """
    task = _task_of(home, request)
    tell("looking for the user in the lake")
    found = _find(home, request) if task is None else Found(_begun(task, request), 0, 0, is_begun=True)
    tell("searching every file")
    hits = _search(home, Ids(found.person.ids))
    forgotten = Forgotten.load(home)
    is_known = forgotten.hash_of("user", request.user) in forgotten.hashes.get("user", ())
    if task is None and not (hits or found.events or found.orders or is_known):
        raise HeadwaterError(
            f"no file has user {request.user}, so nothing is erased",
            where=home.root,
            remedy="give the id as it is in the column user_id",
        )
    return found, hits


def forget(home: Home, request: Request, tell: Tell) -> Outcome:
    """Erase a person from *home*, and search for what is left. After an interruption, call it again.

    Raises:
        HeadwaterError: a file cannot be read or written, or another person's erasure was interrupted.
    """
    with home_lock(home, "headwater forget", tell):
        task = _task_of(home, request)
        if task is None or task.is_raw_erased:
            # The person's ids are searched for in the lake, so bring it up to date first.
            run_home(home, engine=recording_engine, tell=tell)
        task = Task(_begun(task, request) if task else _find(home, request).person)
        task.save(home)
        tell("erasing records")
        _erase_raw(home, task.person)
        task.raw_erased().save(home)
        sweep(RawLake.load(home))
        summary = run_home(home, engine=recording_engine, tell=tell)
        sweep(RawLake.load(home))
        tell("erasing reports and records of runs")
        ids = Ids(task.person.ids)
        removed = [path.name for path in erase_traces(home, ids) if not _written_again(home, path)]
    tell("making the dashboards' copy again")
    _renew_copy(home)
    tell("searching every file")
    left = _search(home, ids)
    if all(is_yours(hit) for hit in left):
        home.forgetting_file.unlink(missing_ok=True)
    return Outcome(task.person, left, summary, removed)


def is_yours(hit: Hit) -> bool:
    """Whether *hit* is a file that people keep in the home, which Headwater does not change."""
    return is_landed_by_shop(hit) or hit.path.startswith(("config/", "sql/", "simulation/"))


def _task_of(home: Home, request: Request) -> Task | None:
    task = Task.load(home)
    if task is not None and task.person.user != request.user:
        raise HeadwaterError(
            "the erasure of another user was interrupted",
            where=home.forgetting_file,
            remedy=f"first run 'headwater forget {task.person.user}' again",
        )
    return task


def _begun(task: Task, request: Request) -> Person:
    """The person of the interrupted erasure *task*, with the devices that *request* adds."""
    return replace(task.person, devices=tuple(sorted({*task.person.devices, *request.devices})))


def _find(home: Home, request: Request) -> Found:
    with ingest_session(home, load_settings(home)) as session:
        lake = RawLake.load(home)
        return find(session, home, lake, request.user, devices=request.devices, with_orders=request.with_orders)


def _search(home: Home, ids: Ids) -> list[Hit]:
    """The files of *home* in which one of *ids* is found. Short ids are searched for in columns of ids only."""
    hits = {hit.path: hit for hit in search(home, ids, {home.forgetting_file})}
    if ids.short:
        sources = {source.name: source for source in load_sources(home)}
        with ingest_session(home, load_settings(home)) as session:
            hits = {hit.path: hit for hit in search_columns(session, home, sources, ids.short)} | hits
    return sorted(hits.values(), key=lambda hit: hit.path)


def _erase_raw(home: Home, person: Person) -> None:
    sources = {source.name: source for source in load_sources(home)}
    settings = load_settings(home)
    lake = RawLake.load(home)
    Forgotten.load(home).adding(person.by_kind()).save(home)
    erase_from_files(home, sources, person)
    with ingest_session(home, settings) as session:
        erased = with_rewritten(home, sources, without_person(session, sources, lake, person))
    if erased != lake:
        write_manifest(erased)


def _written_again(home: Home, path: Path) -> bool:
    """Whether *path*, a removed report, could be written again."""
    name = _REPORT.fullmatch(path.name)
    if name is None:
        return False
    try:
        write_report(home, "zh" if name[2] == "zh" else "en", day=dt.date.fromisoformat(name[1]), out=path)
    except HeadwaterError:  # the report's day is no longer computed
        return False
    return True


def _renew_copy(home: Home) -> None:
    if not any(home.workbench.glob("marts-*.duckdb")):
        return
    publish_in_new_process(home, "--anew")
    latest = current(home)
    for path in home.workbench.glob("marts-*.duckdb"):
        if latest is not None and path != latest.path:
            path.unlink(missing_ok=True)
