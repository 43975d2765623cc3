"""``python -m tests.audit REQUIREMENTS``: known vulnerabilities of the locked packages, by pip-audit.

Here: running it and interpreting its output. Exit code 0: no known vulnerability; 1: vulnerabilities, which are listed;
3: some packages could not be looked up, for example without a network. pip-audit itself exits with 0 if it has no data
about a package, and with 1 without a network.
Not here: the list of packages (``uv.lock``; ``make audit`` writes it to a file).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CLEAN, VULNERABLE, NOT_AUDITED = 0, 1, 3


def verdict(answer: str, complaint: str) -> tuple[int, list[str]]:
    """The exit code and the lines to print, from pip-audit's stdout (*answer*) and stderr (*complaint*)."""
    try:
        packages: Sequence[Mapping[str, Any]] = json.loads(answer)["dependencies"]
    except (ValueError, KeyError, TypeError):
        why = next(reversed([line for line in complaint.splitlines() if line.strip()]), "pip-audit said nothing")
        return NOT_AUDITED, [f"NOT AUDITED: {why.strip()}"]
    lines = [
        f"{package['name']} {package['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'none'}"
        for package in packages
        for fault in package.get("vulns", ())
    ]
    unknown = [f"{package['name']} ({package['skip_reason']})" for package in packages if "skip_reason" in package]
    if unknown or not packages:
        shown = unknown[0] if unknown else "no package was named"
        lines.append(f"NOT AUDITED: {len(unknown)} of {len(packages)} packages, the first: {shown}")
    if any("vulns" in package and package["vulns"] for package in packages):
        return VULNERABLE, lines
    if unknown or not packages:
        return NOT_AUDITED, lines
    return CLEAN, [f"no known vulnerability in {len(packages)} packages"]


def main(requirements: Path) -> int:
    """Run pip-audit on *requirements* (all packages with hashes), print its findings and return the exit code."""
    command = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json", "-r", requirements]
    done = subprocess.run(
        [sys.executable, "-m", "pip_audit", *map(str, command)], check=False, capture_output=True, text=True
    )
    code, lines = verdict(done.stdout, done.stderr)
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
