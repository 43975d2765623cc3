"""The only exception whose text is written for users.

Any other exception that reaches the command line is a bug and shows its traceback.
"""

from __future__ import annotations

from pathlib import Path


class HeadwaterError(Exception):
    """A fault of the input, the settings or the machine. Its text is one line: ``where: what; remedy``.

    It is caught only where its text is shown: by the command line, the Dagster ops and the dashboards' pages.

    Attributes:
        what: What is wrong, and what was expected.
        where: The file, with row, line or key if known; '' if the fault is in no file.
        remedy: What to do; '' if that is clear from *what*.
    """

    def __init__(self, what: str, *, where: Path | str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = (" ".join(str(part).split()) for part in (what, where, remedy))
        super().__init__(f"{self.fault}; {self.remedy}" if self.remedy else self.fault)

    @property
    def fault(self) -> str:
        """``where: what``, for callers that show the remedy separately."""
        return f"{self.where}: {self.what}" if self.where else self.what
