"""Where the messages of a person go: the address in ``config/alerts.yaml`` with its secrets filled in.

Here: reading ``config/secrets.env``, filling in ``${NAME}``, refusing addresses that would reveal a secret or reach
several recipients.
Not here: sending (``pipelines.delivery.sending``).

An address is one of apprise's, such as ``dingtalk://${DINGTALK_TOKEN}``. No error text contains an address.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipelines.delivery.silence import silent
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home

if TYPE_CHECKING:
    from apprise.plugins import NotifyBase

_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")


def secrets_of(home: Home) -> dict[str, str]:
    """Name → value of the lines ``NAME=value`` of ``config/secrets.env``; variables of the environment come first.

    Raises:
        HeadwaterError: other users may read the file, it cannot be read, or a line is not of this form.
    """
    path, found = home.secrets_file, {}
    try:
        with path.open(encoding="utf-8-sig") as file:
            if mode := stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise HeadwaterError(
                    f"other users of this computer may open it (mode {mode | 0o600:04o}); it contains secrets",
                    where=path,
                    remedy=f"chmod 600 {path}",
                )
            lines = file.read().splitlines()
    except FileNotFoundError:
        return dict(os.environ)
    except UnicodeDecodeError:
        raise HeadwaterError("not UTF-8", where=path, remedy="save it as UTF-8") from None
    except OSError as error:
        raise HeadwaterError(f"cannot be read: {error.strerror}", where=path) from error
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:  # do not quote the line, which may be a secret
            raise HeadwaterError("expected NAME=value, or a comment after #", where=f"{path}, line {number}")
        value = match[2]
        found[match[1]] = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
    return found | dict(os.environ)


def names_in(address: str) -> list[str]:
    """The names of the secrets that *address* takes."""
    return _NAME.findall(address)


def filled_in(address: str, secrets: Mapping[str, str]) -> str:
    """*address* with the values of its secrets.

    Raises:
        HeadwaterError: one of them is unknown or empty.
    """
    for name in names_in(address):
        if not secrets.get(name):
            raise HeadwaterError(
                f"${{{name}}} is not set", remedy="set it in the environment, or in config/secrets.env of mode 0600"
            )
    return _NAME.sub(lambda match: secrets[match[1]], address)


def service_of(address: str, secrets: Mapping[str, str]) -> NotifyBase:
    """The service that sends to *address*, with *secrets* filled in.

    Raises:
        HeadwaterError: a secret is unknown, the address contains a secret itself, apprise does not know it, or it has
            several recipients.
    """
    from apprise import Apprise  # imported here, because it takes 0.8 seconds

    full = filled_in(address, secrets)
    with silent():
        try:
            service = Apprise.instantiate(full, suppress_exceptions=False)
        except Exception:  # the exception's text may contain the address
            service = None
    if service is None:
        raise HeadwaterError(
            "is not an address that apprise knows",
            remedy="docs/user-guide.md lists addresses: mailto://…, dingtalk://…, feishu://…, json://…",
        )
    if not names_in(address) and service.url(privacy=True) != service.url():  # type: ignore[no-untyped-call]
        raise HeadwaterError(
            "holds a password or a token",
            remedy="write ${NAME} in its place, and set NAME in the environment or in config/secrets.env",
        )
    if len(service) != 1:
        raise HeadwaterError(
            f"has {len(service)} recipients; if one fails, the others would get the message again",
            remedy="list each recipient as a separate person",
        )
    return service
