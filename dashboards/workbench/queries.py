"""The workbench of a home, as the web app uses it.

Here: calling gate, copy, turns, confined process and log in this order; how long a query waits for its turn.
Not here: how each of these works.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from dashboards.copy.build import CopyFile, current, publish
from dashboards.workbench.confined import Limits, Result, Values, run_confined
from dashboards.workbench.gate import let_through
from dashboards.workbench.log import Outcome, write_log
from dashboards.workbench.messages import QueryError, RefusedError, UnknownTableError
from dashboards.workbench.turns import AT_ONCE, Turns
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home

WAIT_SECONDS = 180.0
"""Seconds that a query waits for its turn, mostly for other queries of the same user, before it fails."""


@dataclass(frozen=True)
class Answer:
    """A result, and the copy of the lake that was queried."""

    result: Result
    file: CopyFile


class Workbench:
    """Runs users' queries on the copy of one home, one per user at a time."""

    def __init__(
        self, home: Home, limits: Limits | None = None, *, at_once: int = AT_ONCE, wait_seconds: float = WAIT_SECONDS
    ) -> None:
        """*at_once*: how many queries may run, in all processes together; others wait for up to *wait_seconds*."""
        self.home = home
        self._wait_seconds = wait_seconds
        self.limits = limits or Limits()
        self._turns = Turns(home.query_turns, at_once)

    def ask(
        self,
        sql: str,
        user: str,
        is_stopped: Callable[[], bool] = lambda: False,
        values: Values = MappingProxyType({}),
    ) -> Answer:
        """The answer to *sql* from *user*, with *values* for its parameters; every query is logged, even if it fails.

        Raises:
            RefusedError: the query is not allowed.
            QueryError: it failed, *is_stopped()* became true while it waited or ran, or too many queries were waiting.
            OSError: the log or the lock files of the turns cannot be written.
        """
        said = {name: text for name, (_, text) in values.items()}
        log = partial(write_log, self.home, user=user, sql=sql, values=said)
        at, started = dt.datetime.now(dt.UTC), time.monotonic()
        try:
            answer = self._answer(sql, user, is_stopped, values)
        except HeadwaterError as error:
            outcome: Outcome = "refused" if isinstance(error, RefusedError) else "failed"
            seconds = time.monotonic() - started
            log(at=at, outcome=outcome, seconds=seconds, rows=0, error=str(error))
            raise
        rows = len(answer.result.rows)
        log(at=at, outcome="ok", seconds=answer.result.seconds, rows=rows)
        return answer

    def _answer(self, sql: str, user: str, is_stopped: Callable[[], bool], values: Values) -> Answer:
        copy_file = current(self.home) or publish(self.home)
        try:
            let_through(sql, copy_file.tables)
        except UnknownTableError as error:
            table = error.table.lower()
            if table not in copy_file.excluded:
                raise
            size = copy_file.excluded[table] / 1e6
            raise RefusedError("large", table=table, size=f"{size:,.0f}") from None
        deadline = time.monotonic() + self._wait_seconds

        def check() -> None:
            if is_stopped():
                raise QueryError("stopped")
            if time.monotonic() >= deadline:
                raise QueryError("busy")

        with self._turns.turn(user, check):
            return Answer(run_confined(copy_file.path, sql, self.limits, is_stopped, values), copy_file)
