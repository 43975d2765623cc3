"""Spark for tests: its settings in a home, and clusters of real processes on this machine.

Here: starting and stopping a standalone cluster or a Spark Connect server, sessions, letting a home compute on Spark.
Not here: what is compared (``tests.engines``).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from pipelines.home.folder import Home

PATIENCE = 300
"""Seconds that a cluster may take to start."""

JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Options for Java in tests: with few rows, its optimizing compiler takes more time than it saves."""

OPTIONS = {
    "spark.sql.shuffle.partitions": 2,
    "spark.default.parallelism": 2,
    "spark.executor.memory": "1g",
    "spark.driver.extraJavaOptions": JAVA,
    "spark.executor.extraJavaOptions": JAVA,
}


def require_spark() -> None:
    """Skip a module's tests without pyspark or Java."""
    if find_spec("pyspark") is None:
        pytest.skip("needs pyspark: pip install 'headwater[spark]'", allow_module_level=True)
    if shutil.which("java") is None:
        pytest.skip("needs Java", allow_module_level=True)


def on_spark(home: Home, **cluster: str) -> Home:
    """Let runs of *home* compute on the cluster with these settings; returns *home*."""
    settings = home.settings_file.read_text(encoding="utf-8").replace("engine: duckdb", "engine: spark")
    for name, value in cluster.items():
        settings = re.sub(rf"^  {name}: \S+", f"  {name}: {value}", settings, count=1, flags=re.MULTILINE)
    options = ", ".join(f"{name}: '{value}'" for name, value in OPTIONS.items())
    home.settings_file.write_text(settings.replace("options: {}", f"options: {{{options}}}"), encoding="utf-8")
    return home


def on_duckdb(home: Home) -> Home:
    """Let runs of *home* compute with DuckDB; returns *home*."""
    settings = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(settings.replace("engine: spark", "engine: duckdb"), encoding="utf-8")
    return home


@dataclass
class Cluster:
    """A standalone cluster: its address and its processes."""

    master: str
    master_process: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]


@contextmanager
def standalone(folder: Path) -> Iterator[Cluster]:
    """A master and two workers with a core each, which write their logs to *folder*."""
    log, place = folder / "master.log", ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
    with ExitStack() as stack:
        own = stack.enter_context(_process(log, "spark-class", "org.apache.spark.deploy.master.Master", *place))
        address = _found_in(log, r"(spark://127\.0\.0\.1:\d+)")
        worker = ("spark-class", "org.apache.spark.deploy.worker.Worker", "-c", "1", "-m", "2g", "--webui-port", "0")
        logs = [folder / f"worker{number}.log" for number in (1, 2)]
        workers = [stack.enter_context(_process(one, *worker, "-d", str(one.with_suffix("")), address)) for one in logs]
        for one in logs:
            _found_in(one, "(Successfully registered)")
        yield Cluster(address, own, workers)


@contextmanager
def connect_server(folder: Path) -> Iterator[str]:
    """The address of a Spark Connect server."""
    if find_spec("grpc") is None or find_spec("pandas") is None:
        pytest.skip("needs the client of Spark Connect (pip install 'headwater[spark]')")
    log = folder / "connect.log"
    options = ("--conf", "spark.connect.grpc.binding.port=0", "--conf", "spark.ui.enabled=false")
    server = ("--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal")
    java = ("--driver-java-options", JAVA)
    with _process(log, "spark-submit", "--master", "local[2]", *java, *options, *server):
        yield f"sc://127.0.0.1:{_found_in(log, r'Connect server started at: .*:([0-9]+)')}"


@contextmanager
def _process(log: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of one of Spark's programs that writes to *log*; it is stopped when the context ends."""
    import pyspark

    program = Path(pyspark.__file__).parent / "bin" / command[0]
    variables = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    with log.open("wb") as out:
        process = subprocess.Popen([program, *command[1:]], stdout=out, stderr=out, env=variables)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def _found_in(log: Path, pattern: str) -> str:
    """The first group of *pattern* in *log*, as soon as it is there."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if match := re.search(pattern, log.read_text(encoding="utf-8")):
            return match[1]
        time.sleep(0.2)
    raise AssertionError(f"{log} has no {pattern}: {log.read_text(encoding='utf-8')[-2000:]}")
