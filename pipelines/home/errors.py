"""The one exception that a user is meant to read.

Here: HeadwaterError. Anything else that reaches the command line is a bug and shows its traceback.
"""

from __future__ import annotations


class HeadwaterError(Exception):
    """A fault of the input, the settings or the machine, told in one line.

    The message says what was wrong, where (file, row, key), what was expected and what to do. It is
    raised where the fault is found and caught only at the boundary: the command line and the Dagster ops.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
