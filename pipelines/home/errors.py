"""The one exception that a user is meant to read.

Here: HeadwaterError. Anything else that reaches the command line is a bug and shows its traceback.
"""

from __future__ import annotations

from pathlib import Path


class HeadwaterError(Exception):
    """A fault of the input, the settings or the machine; as text one line, ``where: what; remedy``.

    It is raised where the fault is found and caught only at the boundary: the command line, the Dagster ops, the pages.

    Attributes:
        what: What was wrong, and what was expected.
        where: The file, with its row, line or key where there is one; '' for what is in no file.
        remedy: What to do; '' where *what* says it all.
    """

    def __init__(self, what: str, *, where: Path | str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = (" ".join(str(part).split()) for part in (what, where, remedy))
        super().__init__(f"{self.fault}; {self.remedy}" if self.remedy else self.fault)

    @property
    def fault(self) -> str:
        """``where: what``, for those who show the remedy apart."""
        return f"{self.where}: {self.what}" if self.where else self.what
