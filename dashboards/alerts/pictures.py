"""Pictures of the pages that messages are about, with their charts, for attaching them to mails.

Here: making the pictures of new messages.
Not here: drawing a page (``dashboards.printing``), which messages there are (``dashboards.alerts.run``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from dashboards.access.guard import Visitor
from dashboards.app.page_files import printed
from dashboards.app.server import create_app
from dashboards.app.view import read_view
from dashboards.printing.chromium import ChromiumError
from dashboards.printing.pages import BusyError
from pipelines.delivery.outbox import Message, picture_folder
from pipelines.home.files import convert_write_errors, write_file
from pipelines.home.folder import Home

_MAIL = "mailto"


def with_pictures(home: Home, messages: Sequence[Message], people: Mapping[str, str]) -> Iterator[Message]:
    """*messages*, with a picture of their page if they are sent by mail; unchanged if there is no Chromium.

    Raises:
        HeadwaterError: a picture cannot be written.
    """
    made: dict[str, bytes | None] = {}
    for message in messages:
        is_mail = people.get(message.recipient, "").startswith(_MAIL)
        if not is_mail or not message.page or message.attachment:
            yield message
            continue
        if message.page not in made:
            made[message.page] = _picture(home, message.page)
        content = made[message.page]
        if content is None:
            yield message
            continue
        path = picture_folder(home) / message.file_name.replace(".json", ".png")
        with convert_write_errors(path):
            write_file(path, content)
        yield replace(message, attachment=path.relative_to(home.root).as_posix())


def _picture(home: Home, page: str) -> bytes | None:
    """The page at the address *page* as a PNG, with the rights of a viewer; None if it cannot be drawn now."""
    path, _, query = page.partition("?")
    view = read_view(path, query)
    if view is None:
        return None
    try:
        return printed(create_app(home).server, home, view, "png", Visitor(role="viewer"))
    except (BusyError, ChromiumError):  # the message is sent without the picture: its text has the numbers too
        return None
