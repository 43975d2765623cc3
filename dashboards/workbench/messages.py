"""The messages of the workbench if it gives no result, in Chinese and English.

Here: the exceptions with their texts (``workbench.…`` in ``dashboards/words/sql.yaml``).
Not here: when they are raised.
"""

from __future__ import annotations

from dashboards.numbers import Language
from dashboards.texts import Texts
from pipelines.home.errors import HeadwaterError


class WorkbenchError(HeadwaterError):
    """The workbench gives no result. ``str()`` of the exception is the English text, which the query log gets."""

    def __init__(self, key: str, **values: object) -> None:
        """The text ``workbench.<key>``, with *values* filled in."""
        self._key, self._values = key, values
        super().__init__(self.said("en"))

    def said(self, language: Language) -> str:
        """The text in *language*. If it quotes a message of DuckDB, that part stays English."""
        return " ".join(Texts(language)(f"workbench.{self._key}", **self._values).split())


class RefusedError(WorkbenchError):
    """The workbench refuses to run the query."""


class UnknownTableError(RefusedError):
    """The query reads a *table* that the copy does not have; *near* is a table with a similar name, or ''."""

    def __init__(self, table: str, near: str) -> None:
        super().__init__("no_such_table" if near else "no_table", table=table, near=near)
        self.table = table


class QueryError(WorkbenchError):
    """The query gave no result."""


def message_in(error: HeadwaterError, language: Language) -> str:
    """The text of *error* in *language*; an error that is no ``WorkbenchError`` has an English text only."""
    return error.said(language) if isinstance(error, WorkbenchError) else str(error)
