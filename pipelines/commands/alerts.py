"""``headwater alerts``: evaluates the alerts and subscriptions, and sends the messages that are due.

Not here: deciding what is due (``dashboards.alerts.run``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.commands.console import error_line, warning_line
from pipelines.commands.options import HomeOption, JsonOption, refuse_usage
from pipelines.home.folder import Home, find_home

if TYPE_CHECKING:
    from dashboards.alerts.run import Sent
    from dashboards.app.watch.state import Finding
    from pipelines.delivery.outbox import Message

app = typer.Typer()


@app.command(
    epilog="Examples: `headwater alerts --dry-run` · `headwater alerts test ops` · `headwater alerts --list` · "
    "`headwater run; headwater alerts`"
)
def alerts(
    action: Annotated[
        list[str] | None,
        typer.Argument(metavar="[test NAME]", help="Send a test message to the person NAME.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent, and send nothing.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the messages of the last 180 days.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Evaluate config/alerts.yaml and config/subscriptions.csv, send new messages, and try again what failed.

    Each alert is sent once a day to each person. Exit code 1: a message was given up, or may not have arrived.
    """
    place = find_home(home)
    if action is not None and (len(action) != 2 or action[0] != "test"):
        refuse_usage(f"expected 'headwater alerts test NAME', found 'headwater alerts {' '.join(action)}'")
    if [action is not None, dry_run, list_].count(True) > 1:
        refuse_usage("test, --dry-run and --list exclude each other")
    if action is not None:
        _test(place, action[1])
    elif list_:
        _list(place, as_json=as_json)
    else:
        _send(place, is_dry_run=dry_run, as_json=as_json)


def _test(home: Home, name: str) -> None:
    from dashboards.alerts.run import send_test

    message = send_test(home, name)
    if message.state != "delivered":
        error_line(f"{name}: {_error(message)}")
        raise typer.Exit(1)
    print(f"sent to {name}")


def _send(home: Home, *, is_dry_run: bool, as_json: bool) -> None:
    from assets.records import recorded
    from dashboards.alerts.run import send_due

    sent = send_due(home, recorded(home), is_dry_run=is_dry_run)
    if as_json:
        print(json.dumps(_as_json(sent), ensure_ascii=False, indent=2, default=str))
    else:
        _print(sent, is_dry_run=is_dry_run)
    for message in sent.changed:
        if message.state in ("failed", "unknown"):
            error_line(f"{message.name} to {message.recipient}: {message.state}: {_error(message)}")
        elif message.state == "pending":
            warning_line(
                f"{message.name} to {message.recipient}: {_error(message)}; next attempt {message.next_at:%H:%M} UTC"
            )
    if sent.has_failed:
        raise typer.Exit(1)


def _print(sent: Sent, *, is_dry_run: bool) -> None:
    counts = {
        outcome: sum(one.outcome == outcome for one in sent.findings) for outcome in ("fired", "fine", "not_judged")
    }
    print(f"alerts     {counts['fired']} fired, {counts['fine']} fine, {counts['not_judged']} not judged")
    for finding in sent.findings:
        if finding.outcome == "not_judged":
            print(f"  not judged  {finding.name}: {_reason(finding)}")
    if is_dry_run:
        print(f"messages   {len(sent.written)} would be sent")
        for message in sent.written:
            print(f"\nto {message.recipient}: {message.title}")
            print("\n".join(f"  {line}" for line in message.body.splitlines()))
        return
    delivered = sum(message.state == "delivered" for message in sent.changed)
    print(f"messages   {len(sent.written)} new, {delivered} delivered")


def _as_json(sent: Sent) -> dict[str, object]:
    return {
        "findings": [vars(finding) for finding in sent.findings],
        "written": [vars(message) for message in sent.written],
        "changed": [vars(message) for message in sent.changed],
    }


def _list(home: Home, *, as_json: bool) -> None:
    from pipelines.commands.console import print_table
    from pipelines.compute.reading import Rows
    from pipelines.delivery.outbox import Outbox

    messages = Outbox(home).messages()
    if as_json:
        print(json.dumps([vars(message) for message in messages], ensure_ascii=False, indent=2, default=str))
        return
    if not messages:
        print("no message yet")
        return
    columns = ["day", "name", "to", "state", "attempts", "changed (UTC)", "error"]
    print_table(Rows(columns, [_row(message) for message in messages], len(messages)))


def _row(message: Message) -> tuple[object, ...]:
    at = f"{message.changed_at:%Y-%m-%d %H:%M}"
    return message.day, message.name, message.recipient, message.state, message.attempts, at, _error(message)


def _error(message: Message) -> str:
    from dashboards.app.watch.texts import error_text
    from dashboards.locale import Locale

    return error_text(Locale("en", ""), message)


def _reason(finding: Finding) -> str:
    from dashboards.app.watch.texts import reason_text
    from dashboards.locale import Locale

    return reason_text(Locale("en", ""), finding)
