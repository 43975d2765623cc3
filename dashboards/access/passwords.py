"""Passwords: hashing and checking them, in the same time for known and unknown names.

Here: argon2, the limit on parallel hashing.
Not here: users and their hashes (``dashboards.access.users``).
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
"""Minimum and maximum length of a password; length matters more than punctuation and digits."""
_LONGEST = 1024
_AT_ONCE = 2
_WAIT_SECONDS = 10.0


class BusyError(HeadwaterError):
    """Too many passwords are being checked at once."""


class Passwords:
    """Hashes and checks passwords, a few at a time: each takes 64 MB."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """*hasher*: by default argon2 with the second recommended option of RFC 9106; tests pass a cheaper one."""
        self._hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._turns = threading.BoundedSemaphore(_AT_ONCE)

    def hash(self, password: str) -> str:
        """The hash of *password*.

        Raises:
            HeadwaterError: the password is too short or too long.
        """
        if not SHORTEST <= len(password) <= _LONGEST:
            raise HeadwaterError(f"the password must have {SHORTEST} to {_LONGEST} characters")
        return self._hasher.hash(password)

    def is_right(self, hashed: str | None, password: str) -> bool:
        """Whether *hashed* is the hash of *password*; None (unknown user) gives False.

        None takes just as much time, so that the time does not reveal which users exist.

        Raises:
            BusyError: too many checks are running.
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
        """Compute the hash for checking unknown names, so that the first such check takes no longer than others."""
        assert self._nobodys
