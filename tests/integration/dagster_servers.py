"""Dagster's webserver and daemon as processes over a home, and the GraphQL requests that a user's browser sends.

Here: starting and ending the processes, sending GraphQL over HTTP, waiting, and the queries that the tests share.
Not here: the expected answers (``test_dagster_servers``).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pipelines.home.folder import REPOSITORY, Home

T = TypeVar("T")

REPOSITORY_SELECTOR = {"repositoryName": "__repository__", "repositoryLocationName": "headwater"}
FINISHED = {"SUCCESS", "FAILURE", "CANCELED"}

_LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_RUN = """query($id: ID!) { runOrError(runId: $id) { ... on Run {
    status stepStats { stepKey status } eventConnection(limit: 1000) { events {
        ... on MessageEvent { message } ... on ExecutionStepFailureEvent { error { message } } } } } } }"""
_RUNS = (
    "{ runsOrError(limit: 1000) { ... on Runs { results { runId jobName status creationTime tags { key value } } } } }"
)
_LATEST = """query($days: [String!]) { assetNodes { assetKey { path } isPartitioned
    latestMaterializationByPartition(partitions: $days) { partition timestamp runId } } }"""


class Servers:
    """A webserver and a daemon over *home*; use as a context manager.

    The output of the servers goes to files in *folder*. Each server has its own process group, so that its child
    processes end with it.
    """

    def __init__(self, home: Home, folder: Path) -> None:
        self._home = home
        self._folder = folder
        self._port = free_port()
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Servers:
        try:
            self._start("dagster-webserver", "-h", "127.0.0.1", "-p", str(self._port), "-w", "workspace.yaml")
            self._start("dagster-daemon", "run", "-w", "workspace.yaml")
            self.wait("the code location", self._is_loaded)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _start(self, name: str, *arguments: str) -> None:
        program = executable(name)
        environment = os.environ | {
            "HEADWATER_HOME": str(self._home.root),
            "DAGSTER_HOME": str(self._home.dagster),
        }
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [program, *arguments],
                cwd=REPOSITORY,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes.append(process)

    def _end(self) -> None:
        for sign in (signal.SIGTERM, signal.SIGKILL):
            for process in self._processes:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, sign)
            for process in self._processes:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(15)

    def _is_loaded(self) -> bool:
        assert all(process.poll() is None for process in self._processes), f"a server ended:\n{self.log()}"
        try:
            answer = self.ask("{ workspaceOrError { ... on Workspace { locationEntries { loadStatus } } } }")
        except urllib.error.URLError:
            return False
        return [entry["loadStatus"] for entry in answer["workspaceOrError"]["locationEntries"]] == ["LOADED"]

    def log(self) -> str:
        """The last 3,000 characters that each server printed."""
        files = sorted(self._folder.glob("*.log"))
        return "\n".join(f"{file.name}:\n{file.read_text(encoding='utf-8')[-3000:]}" for file in files)

    def wait(self, what: str, probe: Callable[[], T | None], seconds: float = 900) -> T:
        """Call *probe* until it returns something truthy, and return that; after *seconds* fail, naming *what*."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := probe():
                return found
            time.sleep(0.3)
        raise AssertionError(f"waited {seconds:.0f} s for {what}\n{self.log()}")

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Send *query* to the webserver and return the data of its GraphQL answer; an error fails the test."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=300) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    def launch(self, job: str, tables: Iterable[str], tags: dict[str, str] | None = None) -> dict[str, Any]:
        """Launch a run of *job* for *tables* and return it when it has ended, with steps, messages and errors."""
        params = {
            "selector": {**REPOSITORY_SELECTOR, "jobName": job, "assetSelection": [asset(table) for table in tables]},
            "runConfigData": {},
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in (tags or {}).items()]},
        }
        launched = self.ask(_LAUNCH, params=params)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return self.finished(launched["run"]["runId"])

    def finished(self, run_id: str) -> dict[str, Any]:
        """Wait until the run *run_id* has ended, and return it."""

        def probe() -> dict[str, Any] | None:
            run: dict[str, Any] = self.ask(_RUN, id=run_id)["runOrError"]
            return run if run["status"] in FINISHED else None

        run = self.wait(f"run {run_id}", probe)
        events = run["eventConnection"]["events"]
        errors = [event["error"]["message"] for event in events if event.get("error")]
        return {
            "id": run_id,
            "status": run["status"],
            "steps": {step["stepKey"]: step["status"] for step in run["stepStats"]},
            "messages": [event["message"] for event in events if event.get("message")],
            "errors": [message.strip() for message in errors],
        }

    def runs(self) -> list[dict[str, Any]]:
        """All runs, the newest first, with tags as a dict."""
        runs: list[dict[str, Any]] = self.ask(_RUNS)["runsOrError"]["results"]
        return [{**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}} for run in runs]

    def latest(self, days: Iterable[str]) -> dict[tuple[str, str], tuple[str, str]]:
        """The last materialization of each table's partition of each of *days*: (table, day) → (time, run id)."""
        found = {}
        for node in self.ask(_LATEST, days=list(days))["assetNodes"]:
            for event in node["latestMaterializationByPartition"] if node["isPartitioned"] else ():
                if event:
                    key = ".".join(node["assetKey"]["path"]), event["partition"]
                    found[key] = (event["timestamp"], event["runId"])
        return found


def executable(name: str) -> str:
    """The path of Dagster's program *name*, beside this Python or on the PATH; skips the test if there is none."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if not found:
        pytest.skip(f"{name} is not installed; 'make install' installs it")
    return found


def asset(table: str) -> dict[str, list[str]]:
    """The asset key of *table* in the form that GraphQL takes."""
    return {"path": table.split(".")}


def free_port() -> int:
    """The number of a port on which no process listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
