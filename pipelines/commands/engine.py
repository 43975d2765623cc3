"""The engine of the commands: Dagster in this process, imported only when there is something to do."""

from __future__ import annotations

from pipelines.compute.run import Engine
from pipelines.home.folder import Home
from pipelines.home.lock import Tell


def recording_engine(home: Home, tell: Tell, queries_on: str | None = None) -> Engine:
    """The engine that records runs, materializations and checks of *home* in its folder ``.dagster``.

    *queries_on*: ``duckdb`` or ``spark``; None: the engine of the settings.
    """
    from assets.engine import DagsterEngine  # importing Dagster takes longer than a run without work

    return DagsterEngine(home, tell, queries_on=queries_on)
