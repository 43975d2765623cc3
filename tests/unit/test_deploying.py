"""The deployment files are correct: Dockerfile, compose.yaml and the systemd units in docs/deploying.md."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._cli import create_dagster_cli
from dagster._daemon.cli import create_dagster_daemon_cli
from dagster_webserver.cli import create_dagster_webserver_cli

from assets.instance import open_instance
from pipelines.home.folder import REPOSITORY, init_home
from tests.commands import HEADWATER, parsed

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
SERVICES = yaml.safe_load((REPOSITORY / "compose.yaml").read_text(encoding="utf-8"))["services"]
GUIDE = (REPOSITORY / "docs" / "deploying.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
"""Language and text of each block in the guide."""

UNITS = dict(re.findall(r"`/etc/systemd/system/(\S+)`:\n\n```ini\n(.*?)```", GUIDE, re.DOTALL))
PROGRAMS: dict[str, Any] = {
    "headwater": HEADWATER,
    "dagster": create_dagster_cli(),
    "dagster-daemon": create_dagster_daemon_cli(),
    "dagster-webserver": create_dagster_webserver_cli(),
}


def exec_start(unit: str) -> list[str]:
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(UNITS[unit])
    return shlex.split(parser["Service"]["ExecStart"])


def guide_commands() -> list[list[str]]:
    """The Headwater and Dagster commands in the guide's code blocks, without the program that starts them."""
    program = re.compile(rf"(?:^|dashboards |/opt/headwater/bin/)((?:{'|'.join(PROGRAMS)}) .*)")
    lines = [line for language, text in BLOCKS if not language for line in text.splitlines()]
    return [shlex.split(found[1], comments=True) for line in lines if (found := program.search(line))]


def parse(arguments: list[str]) -> dict[str, Any]:
    """The options that the program named first in *arguments* parses from the rest."""
    return parsed(PROGRAMS[arguments[0].removeprefix("/opt/headwater/bin/")], arguments)


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_and_a_unit_start_the_same(service: str) -> None:
    container = parse(SERVICES[service]["command"])
    unit = parse(exec_start(f"headwater-{service}.service"))
    assert container.pop("host", None) == ("0.0.0.0" if "host" in unit else None)
    assert unit.pop("host", None) in ("127.0.0.1", None)
    assert container == unit


def test_ports_are_the_defaults_and_open_to_this_host_only() -> None:
    assert parse(["headwater", "dashboard"])["port"] == 8050
    assert parse(["headwater", "collect"])["port"] == 8060
    for service, port in (("dashboards", 8050), ("webserver", 3000), ("collector", 8060)):
        assert parse(SERVICES[service]["command"])["port"] == port
        assert SERVICES[service]["ports"] == [f"127.0.0.1:{port}:{port}"]
        assert f"http://127.0.0.1:{port}/" in SERVICES[service]["healthcheck"]["test"][-1]
        assert f"http://127.0.0.1:{port}/" in GUIDE
    assert parse(SERVICES["daemon"]["healthcheck"]["test"][1:]) == {}


def test_the_guides_commands_exist() -> None:
    commands = guide_commands()
    assert {command[0] for command in commands} == {"headwater", "dagster"}
    for command in commands:
        parse(command)
    (override,) = (yaml.safe_load(text) for language, text in BLOCKS if language == "yaml")
    changed = override["services"]["dashboards"]["command"]
    gateway = override["networks"]["default"]["ipam"]["config"][0]["gateway"]
    assert parse(changed) == {**parse(SERVICES["dashboards"]["command"]), "trust_proxy": [gateway]}


def test_the_units_are_sound(tmp_path: Path) -> None:
    assert set(UNITS) == {"headwater-.service.d/common.conf", *(f"headwater-{name}.service" for name in SERVICES)}
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze here")
    for name, text in UNITS.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("/opt/headwater/bin", str(Path(sys.executable).parent)), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", *sorted(tmp_path.glob("*.service"))],
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_daemon_that_is_stopped_waits_for_its_run(tmp_path: Path) -> None:
    home, _ = init_home(tmp_path / "shop")
    with open_instance(home) as instance:
        assert instance.wait_for_local_code_server_processes_on_shutdown


def test_the_image_is_built_of_what_is_there() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    (uv,) = re.findall(r"uv==([\d.]+)", DOCKERFILE)
    assert f"uv=={uv}" in project["dependency-groups"]["dev"]
    assert f"UV_VERSION := {uv}\n" in (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    (python,) = re.findall(r"^ARG PYTHON=(.*)$", DOCKERFILE, re.MULTILINE)
    assert python == project["tool"]["mypy"]["python_version"]
    sources = {name for line in re.findall(r"^COPY (?!--)(.*) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()}
    assert all((REPOSITORY / name).exists() for name in sources)
    let_in = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in let_in if line.startswith("!")} == sources
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {*wheel["packages"], *wheel["force-include"], project["project"]["readme"]} <= sources
    assert re.findall(r"--uid (\d+)", DOCKERFILE) == re.findall(r"^USER (\d+):", DOCKERFILE, re.MULTILINE)
    assert all(f"-o {user} -g {user}" in GUIDE for user in re.findall(r"--uid (\d+)", DOCKERFILE))
