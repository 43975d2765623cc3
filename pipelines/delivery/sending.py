"""One attempt to deliver one message.

Here: calling apprise, and reading from the server's answer whether it accepted the message.
Not here: when to try again (``pipelines.delivery.deliver``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.delivery.silence import silent

if TYPE_CHECKING:
    from apprise.plugins import NotifyBase

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 15.0
"""How long to wait for a connection, and then for each answer."""

_MARGIN = 20
"""The number of bytes that a service may add between title and body."""

_CODES = ("errcode", "code", "StatusCode")
"""The fields in which chat robots report, in an answer with status 200, that they refused the message; 0: accepted."""


class NotDeliveredError(Exception):
    """The message was not accepted.

    The text is ``kind`` or ``kind:detail``, see ``Message.error``; it has no address.
    """


@dataclass
class _Answers:
    """What servers answered: the HTTP status, a refusal in the content, or the kind of exception."""

    statuses: list[int] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def send(service: NotifyBase, title: str, body: str, attachment: Path | None = None) -> None:
    """Send a message through *service*; only mail carries the *attachment*.

    Raises:
        NotDeliveredError: the server did not accept it, or did not answer in time.
    """
    from apprise import Apprise, NotifyFormat, OverflowMode

    service.socket_connect_timeout, service.socket_read_timeout = CONNECT_SECONDS, ANSWER_SECONDS
    service.retry = 0  # we repeat attempts ourselves, after a longer time
    service.overflow_mode = OverflowMode.TRUNCATE  # a message in several parts could arrive incomplete
    is_mail = service.secure_protocol == "mailtos"
    sender = Apprise()
    sender.add(service)
    with silent(), _answers() as answers:
        try:
            is_taken = sender.notify(
                body=_shortened(body, service.body_maxlen - len(title.encode()) - _MARGIN),
                title=title,
                body_format=NotifyFormat.TEXT,
                attach=str(attachment) if attachment and is_mail else None,
            )
        except Exception as error:  # the exception's text may contain the address
            raise NotDeliveredError(f"exception:{type(error).__name__}") from None
    if answers.refusals:  # for some services, apprise takes any answer with status 200 for success
        raise NotDeliveredError(f"refused:{answers.refusals[-1]}")
    if not is_taken:
        raise NotDeliveredError(_reason(answers, is_mail=is_mail))


def _shortened(body: str, most: int) -> str:
    """*body* in at most *most* bytes: lines before the last one, which is the link, are removed.

    apprise counts characters, but WeCom's limit is 2,048 bytes, which is 700 Chinese characters.
    """
    *lines, link = body.split("\n")
    if len(body.encode()) <= most:
        return body
    while lines and len("\n".join([*lines, "…", link]).encode()) > most:
        lines.pop()
    return "\n".join([*lines, "…", link])


def _reason(answers: _Answers, *, is_mail: bool) -> str:
    if answers.errors:
        if "Timeout" in answers.errors[-1]:
            return f"timeout:{ANSWER_SECONDS:g}"
        return "no_connection"
    if answers.statuses:
        return f"{'http' if answers.statuses[-1] >= 400 else 'not_taken'}:{answers.statuses[-1]}"
    return "mail" if is_mail else "not_sent"


@contextmanager
def _answers() -> Iterator[_Answers]:
    """Record the answers to all requests in this context.

    apprise only says whether a message was sent, and DingTalk and WeCom refuse a message with status 200. It makes a
    new session of requests for each request, so there is no other place to see the answer. Only one thread sends.
    """
    from requests import RequestException, Response, Session

    found, original = _Answers(), Session.send

    def recorded(session: Session, *arguments: Any, **options: Any) -> Response:
        try:
            response = original(session, *arguments, **options)
        except RequestException as error:
            found.errors.append(type(error).__name__)
            raise
        found.statuses.append(response.status_code)
        try:
            content = response.json()
        except ValueError:
            content = None
        for name in _CODES:
            code = content.get(name) if isinstance(content, dict) else None
            if isinstance(code, int) and code != 0 and response.ok:
                found.refusals.append(f"{name} {code}")
        return response

    Session.send = recorded  # type: ignore[assignment, method-assign]
    try:
        yield found
    finally:
        Session.send = original  # type: ignore[method-assign]
