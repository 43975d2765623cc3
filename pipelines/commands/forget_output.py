"""What ``headwater forget`` prints: what it found, what it erased, and what is left.

Not here: the command (``pipelines.commands.forget``), its steps (``pipelines.commands.forget_run``).
"""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.commands.console import error_line, warning_line
from pipelines.commands.forget_run import Outcome, Request, is_yours
from pipelines.forget.person import Found
from pipelines.forget.search import Hit, Ids, is_landed_by_shop

_SHOWN = 20


def print_survey(found: Found, hits: Sequence[Hit], request: Request) -> None:
    """Print what data a home has about a person, and what would be erased."""
    person = found.person
    print(f"user      {person.user}")
    print(f"devices   {len(person.devices)} of this user alone{': ' if person.devices else ''}", end="")
    print(", ".join(person.devices))
    if found.is_begun:
        print("records   an erasure of this user was interrupted; it will be continued")
        return
    shared = f", {len(person.events):,} of them before the log-in on devices of several users" if person.events else ""
    print(f"events    {found.events:,} to erase{shared}")
    print(f"orders    {found.orders:,} {'to erase' if request.with_orders else 'to keep without their user'}")
    landed = sum(is_landed_by_shop(hit) for hit in hits)
    print(f"files     {len(hits):,} have an id of the user, {landed:,} of them landing files that only you can change")


def print_outcome(outcome: Outcome) -> None:
    """Print what was done; errors and warnings go to stderr."""
    for error in (*outcome.summary.ingested.errors, *outcome.summary.damaged):
        error_line(error)
    for check in outcome.summary.failed_checks.values():
        if check.severity == "error":
            error_line(check.describe())
    for name in outcome.removed_reports:
        warning_line(f"reports/{name} had an id and is removed")
    days = outcome.summary.days()
    print(f"days      {len(days):,} computed again" + (f", {days[0]} to {days[-1]}" if days else ""))
    _warn_of_short_ids(outcome.person.ids)
    if not outcome.left:
        print(_nothing_is_left(outcome.person.ids))
        return
    yours = [hit for hit in outcome.left if is_yours(hit)]
    others = [hit for hit in outcome.left if not is_yours(hit)]
    if yours:
        print(
            f"left      {len(yours):,} files that Headwater does not change; remove them, or the user's lines in them:"
        )
        _print_hits(yours)
        print("          their records of the user stay out of the lake, even if the files are read again")
    if others:
        print(f"left      {len(others):,} other files; run the command again when no other process uses them:")
        _print_hits(others)


def print_forgotten_already(ids: Sequence[str]) -> None:
    """Print that nothing was found of a person who was forgotten before."""
    _warn_of_short_ids(ids)
    print(f"{_nothing_is_left(ids)} of this user, who is forgotten already")


def _warn_of_short_ids(ids: Sequence[str]) -> None:
    if short := Ids(ids).short:
        warning_line(f"{', '.join(short)}: too short to be searched for in texts; only columns of ids were searched")


def _nothing_is_left(ids: Sequence[str]) -> str:
    """A line about a search without hits. It says what was searched: for short ids, only the columns of ids."""
    where = "the columns of ids were read" if Ids(ids).short else "every file of the home was read"
    return f"search    {where}: nothing is left"


def _print_hits(hits: Sequence[Hit]) -> None:
    for hit in hits[:_SHOWN]:
        print(f"  {hit.path}: {hit.why or f'{hit.count:,} lines or rows'}")
    if len(hits) > _SHOWN:
        print(f"  and {len(hits) - _SHOWN:,} more; --json lists all")


def survey_as_json(found: Found, hits: Sequence[Hit]) -> dict[str, object]:
    """What data a home has about a person, for ``--json``."""
    person = found.person
    return {
        "user": person.user,
        "devices": list(person.devices),
        "events": found.events,
        "events_before_log_in_on_shared_devices": len(person.events),
        "orders": found.orders,
        "files": _hits_as_json(hits),
    }


def outcome_as_json(outcome: Outcome) -> dict[str, object]:
    """What was done, and what is left, for ``--json``."""
    return {
        "user": outcome.person.user,
        "devices": list(outcome.person.devices),
        "days": [str(day) for day in outcome.summary.days()],
        "removed_reports": outcome.removed_reports,
        "too_short_to_search_texts": list(Ids(outcome.person.ids).short),
        "left": _hits_as_json(outcome.left),
        "errors": [*outcome.summary.ingested.errors, *outcome.summary.damaged],
    }


def _hits_as_json(hits: Sequence[Hit]) -> list[dict[str, object]]:
    return [{"file": hit.path, "count": hit.count, "error": hit.why, "is_yours": is_yours(hit)} for hit in hits]
