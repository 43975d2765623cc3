"""Keeps the libraries that send messages from writing addresses to logs.

apprise logs the address of each message, and urllib3 the path of each request, which for a chat's robot is its token.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("apprise", "urllib3", "requests", "requests_oauthlib", "charset_normalizer", "markdown", "MARKDOWN")


@contextmanager
def silent() -> Iterator[None]:
    """Make these libraries log nothing, whatever the process has configured."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    # A child logger such as urllib3.connectionpool may have a level of its own, so refuse its records by name too.
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in _LOGGERS]
    loggers += [logging.getLogger(name) for name in names if name not in _LOGGERS]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, was_disabled in zip(loggers, before, strict=True):
            logger.disabled = was_disabled
