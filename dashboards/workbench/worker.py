"""Runs one query in a process that can do nothing else. It runs as a script and imports nothing of the project.

Here: giving up rights, opening the copy with everything else disabled, running the query, writing the first rows as
JSON.
Not here: whether the query is allowed (``gate``), stopping it when it takes too long (``confined``).

Standard input is a JSON object: database, sql, values (of its parameters: name → kind and text), memory (of DuckDB),
and the limits rows, bytes, cell_bytes, seconds and address_space (see ``confined.Limits``).
Standard output is a JSON object: columns (name and type), rows, is_cut; or error and values, which
name a message (``dashboards.workbench.messages``). Rows contain numbers, booleans, nulls and text. Decimals, days and
times are text; lists, structs and maps are JSON text.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import resource
import signal
import sys
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import duckdb

Kind = Literal["text", "number", "date"]
"""The kind of the values of a parameter."""

_FILES = 64
_MOST_COLUMNS = 500
"""Maximum columns: a browser cannot draw more."""
_LONGEST_TYPE = 300
_LONGEST_ERROR = 2_000
"""Maximum characters of an error message: a query can make it arbitrarily long."""


_AS_THEY_ARE = frozenset(
    {"boolean", "double", "decimal", "varchar"}
    | {f"{sign}{size}" for sign in ("", "u") for size in ("tinyint", "smallint", "integer", "bigint", "hugeint")}
)
"""DuckDB types whose values Python represents exactly."""
_NESTED = frozenset({"list", "array", "struct", "tuple", "map", "union", "variant"})
"""DuckDB types whose values are written as JSON."""
_MOST_DIGITS = 38
"""Digits of DuckDB's largest decimals."""
_STRING_OR_NO_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|-?(?:NaN|Infinity)')


def value_of(kind: Kind, text: str) -> str | int | Decimal | dt.date:
    """The value of a parameter of the *kind*, read from *text*.

    Raises:
        ValueError: *text* is not such a value.
    """
    if kind == "date":
        return dt.date.fromisoformat(text.strip())
    if kind == "text":
        return text
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(text) from None
    # Check the exponent before converting: 1e999999999 as an integer would have a billion digits.
    if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS or len(number.as_tuple().digits) > _MOST_DIGITS:
        raise ValueError(text)
    return int(number) if number == number.to_integral_value() and "." not in text else number


class TooWideError(Exception):
    """The result has too many columns, or its first row alone exceeds the size limit of a result.

    *key* and *values* are those of ``messages.WorkbenchError``, which this process cannot import.
    """

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key, self.values = key, values


def give_up_rights(address_space: int, seconds: float) -> None:
    """Limit files, memory and time of this process; as the hard limits are lowered, it cannot raise them again.

    Shortly after *seconds* the process ends by itself, in case the process that would stop it was killed.
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
    """The copy, opened read-only; files, network, extensions, Python variables and changes of settings are disabled."""
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
    # Even without external access, DuckDB may read the database's own file and its write-ahead log. This setting blocks
    # that too. It comes after connect(), because otherwise the copy itself could not be opened.
    connection.execute("SET disabled_filesystems = 'LocalFileSystem'")
    connection.execute("SET lock_configuration = true")
    return connection


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The first rows of the query, within the limits of the request."""
    connection = open_closed(request["database"], request["memory"])
    query = _without_end(request["sql"])
    values = {name: value_of(kind, text) for name, (kind, text) in request["values"].items()}
    # As a subquery, any statement but a query is invalid SQL, and DuckDB makes duplicate column names unique. LIMIT 0
    # gives the columns without running the query.
    described = connection.execute(f"SELECT * FROM ({query}\n) LIMIT 0", values).description or ()
    if len(described) > _MOST_COLUMNS:
        raise TooWideError("columns", n=f"{len(described):,}", most=_MOST_COLUMNS)
    columns = [{"name": name, "type": str(kind)[:_LONGEST_TYPE]} for name, kind, *_ in described]
    cells = ", ".join(_cell(place, kind.id) for place, (_, kind, *_) in enumerate(described, start=1))
    are_json = [kind.id in _NESTED for _, kind, *_ in described]
    cursor = connection.execute(f"SELECT {cells} FROM ({query}\n)", values)
    rows: list[list[object]] = []
    size = _size(columns)
    is_cut = False
    while not is_cut and (row := cursor.fetchone()):
        plain = [
            _plain(value, request["cell_bytes"], is_json=is_json) for value, is_json in zip(row, are_json, strict=True)
        ]
        size += _size(plain)
        is_cut = len(rows) == request["rows"] or size > request["bytes"]
        if not is_cut:
            rows.append(plain)
        elif not rows and request["rows"]:
            raise TooWideError("wide", n=f"{request['bytes']:,}")
    return {"columns": columns, "rows": rows, "is_cut": is_cut}


def _without_end(sql: str) -> str:
    """*sql* without semicolons and comments at its end, so that it can stand in a subquery.

    A second statement is not removed, and so causes a syntax error there.
    """
    raw = sql.encode()
    end = len(raw)
    for place, kind in reversed(duckdb.tokenize(sql)):  # the positions that DuckDB returns are in bytes
        if kind != duckdb.token_type.comment and raw[place : place + 1] != b";":
            break
        end = place
    return raw[:end].decode()


def _cell(place: int, kind: str) -> str:
    """The SQL expression that converts column number *place* (from 1), of the type *kind*, for JSON without loss.

    DuckDB converts the types that Python would change: in Python a month of an interval becomes 30 days, infinity
    becomes the year 9999, and nanoseconds are lost.
    """
    if kind in _AS_THEY_ARE:
        return f"#{place}"
    if kind == "float":  # cast through text: a direct cast of the FLOAT 0.1 to DOUBLE gives 0.10000000149011612
        return f"CAST(CAST(#{place} AS VARCHAR) AS DOUBLE)"
    if kind in _NESTED:
        return f"CAST(to_json(#{place}) AS VARCHAR)"
    return f"CAST(#{place} AS VARCHAR)"


def _plain(value: object, most: int, *, is_json: bool) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if not isinstance(value, str):
        return value
    return _fitting(_strict_json(value) if is_json else value, most)


def _strict_json(text: str) -> str:
    """*text* with NaN and Infinity, which to_json writes but JSON does not allow, as strings."""
    if "NaN" not in text and "Infinity" not in text:
        return text
    return _STRING_OR_NO_NUMBER.sub(lambda found: found[0] if found[0].startswith('"') else f'"{found[0]}"', text)


def _fitting(text: str, most: int) -> str:
    """*text*, or, if it has more than *most* bytes, its beginning (whole characters) and a note that it was cut."""
    raw = text.encode()
    if len(raw) <= most:
        return text
    return f"{raw[:most].decode(errors='ignore')}… [cut: the first {most:,} of {len(raw):,} bytes]"


def _size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode()) + len(", ")


def main() -> None:
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    give_up_rights(request["address_space"], request["seconds"])
    try:
        reply = answer(request)
    except duckdb.Error as error:
        said = " ".join(str(error)[: 2 * _LONGEST_ERROR].split("\nLINE ")[0].split())[:_LONGEST_ERROR]
        reply = {"error": "fault", "values": {"fault": said}}
    except TooWideError as error:
        reply = {"error": error.key, "values": error.values}
    except MemoryError:
        reply = {"error": "memory", "values": {}}
    json.dump(reply, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()
