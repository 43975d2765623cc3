"""One query in a process that can do nothing else: run as a file, for it imports nothing of the project.

Here: giving up rights, opening the snapshot with every door closed, running the query, writing the first rows as JSON.
Not here: whether the query is one that may run (``gate``), stopping it when it takes too long (``confined``).

Standard input holds an object: database, sql, memory (of DuckDB); at most how many rows, bytes, seconds, and bytes
of address_space.
Standard output holds one: columns (name and type), rows, is_cut; or error.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import resource
import signal
import sys
from decimal import Decimal
from typing import Any

import duckdb

_FILES = 64
_MOST_COLUMNS = 500
"""A browser draws no more."""
_LONGEST_TYPE = 300
_LONGEST_ERROR = 2_000
"""Characters: a query can make an error as long as it likes."""


class TooWideError(Exception):
    """A result of more columns than anybody reads."""


def give_up_rights(address_space: int, seconds: float) -> None:
    """Write no file, open few, take no more memory: for good, as the hard limits are lowered too.

    After *seconds* and a little the process ends by itself: the one that would stop it may have been killed.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds + 2)
    for limit, value in (
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_AS, address_space),
    ):
        resource.setrlimit(limit, (value, value))


def open_closed(database: str, memory: str) -> duckdb.DuckDBPyConnection:
    """The snapshot, read only, without files, network, extensions, Python's variables, or settings to change."""
    config: dict[str, Any] = {"memory_limit": memory, "threads": "1", "temp_directory": ""}
    connection = duckdb.connect(database, read_only=True, config=config)
    for setting in (
        "enable_external_access",
        "autoload_known_extensions",
        "autoinstall_known_extensions",
        "allow_community_extensions",
        "python_enable_replacements",
    ):
        connection.execute(f"SET {setting} = false")
    connection.execute("SET TimeZone = 'UTC'")
    # Only now: before, the snapshot itself could not be opened. It also closes what DuckDB leaves open to itself, the
    # database's own file and its write-ahead log.
    connection.execute("SET disabled_filesystems = 'LocalFileSystem'")
    connection.execute("SET lock_configuration = true")
    return connection


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The first rows of the query, as many as are asked for and fit."""
    cursor = open_closed(request["database"], request["memory"]).execute(request["sql"])
    described = cursor.description or ()
    if len(described) > _MOST_COLUMNS:
        raise TooWideError(f"the result has {len(described):,} columns; at most {_MOST_COLUMNS} are shown: name them")
    columns = [{"name": name, "type": str(kind)[:_LONGEST_TYPE]} for name, kind, *_ in described]
    rows: list[list[object]] = []
    size = len(json.dumps(columns, ensure_ascii=False))
    is_cut = False
    while not is_cut and (row := cursor.fetchone()):
        plain = [_plain(value) for value in row]
        size += len(json.dumps(plain, ensure_ascii=False))
        is_cut = len(rows) == request["rows"] or size > request["bytes"]
        if not is_cut:
            rows.append(plain)
    return {"columns": columns, "rows": rows, "is_cut": is_cut}


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    return str(value)


def main() -> None:
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    give_up_rights(request["address_space"], request["seconds"])
    try:
        said = answer(request)
    except duckdb.Error as error:
        said = {"error": " ".join(str(error)[: 2 * _LONGEST_ERROR].split("\nLINE ")[0].split())[:_LONGEST_ERROR]}
    except TooWideError as error:
        said = {"error": str(error)}
    except MemoryError:
        said = {"error": "the query needs more memory than a query may have; aggregate first"}
    json.dump(said, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()
