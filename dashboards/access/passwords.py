"""Passwords: hashing them, and telling whether one is right in the same time for names that there are and are not.

Here: argon2, how many hashes are computed at once.
Not here: who has which (``dashboards.access.users``).
"""

from __future__ import annotations

import secrets
import threading
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from pipelines.home.errors import HeadwaterError

SHORTEST = 8
"""Characters of a password; length counts for more than signs and digits do."""
_LONGEST = 1024
_AT_ONCE = 2
_WAIT_SECONDS = 10.0


class BusyError(HeadwaterError):
    """Too many passwords are being checked."""


class Passwords:
    """Hashes and checks passwords, a few at a time: each takes 64 MB."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """With the second choice of RFC 9106, unless tests give a cheaper *hasher*."""
        self._hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._turns = threading.BoundedSemaphore(_AT_ONCE)

    def hash(self, password: str) -> str:
        """The hash to keep of *password*.

        Raises:
            HeadwaterError: it is too short or too long.
        """
        if not SHORTEST <= len(password) <= _LONGEST:
            raise HeadwaterError(f"a password has {SHORTEST} to {_LONGEST} characters")
        return self._hasher.hash(password)

    def is_right(self, hashed: str | None, password: str) -> bool:
        """Whether *hashed* is of *password*; None, for nobody's, takes as long and is not.

        Raises:
            BusyError: no turn came.
        """
        if not self._turns.acquire(timeout=_WAIT_SECONDS):
            raise BusyError("too many people are signing in")
        try:
            self._hasher.verify(hashed or self._nobodys, password[:_LONGEST])
        except (VerificationError, InvalidHashError):
            return False
        finally:
            self._turns.release()
        return hashed is not None

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash(secrets.token_hex())

    def prepare(self) -> None:
        """Compute beforehand what the first unknown name would otherwise take longer for."""
        assert self._nobodys
