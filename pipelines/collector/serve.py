"""``headwater collect``: the app behind gunicorn.

Here: making the app in each process, finishing files.
Not here: the app (``pipelines.collector.app``), gunicorn and connections (``pipelines.web``).
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from pipelines.collector.app import create_app
from pipelines.collector.landing import EventLog, events_folder, finish_left
from pipelines.collector.orders import install_shop
from pipelines.home.files import convert_write_errors
from pipelines.home.folder import Home
from pipelines.home.settings import load_settings
from pipelines.home.web_settings import CollectorSettings
from pipelines.web.network import Proxies
from pipelines.web.server import Server, options_for

_DEMO_FILE_SECONDS = 5
"""In the demo, files grow for at most this long, so that ``headwater run`` finds what was just clicked."""
_LOGGER = logging.getLogger("headwater.collector")


def serve(home: Home, host: str, port: int, workers: int, proxies: Proxies, *, is_demo: bool = False) -> None:
    """Collect events until stopped.

    Raises:
        HeadwaterError: the settings are wrong, the landing folder cannot be written, or the address cannot be used.
    """
    settings = load_settings(home).collector
    if is_demo:
        seconds = min(settings.file_seconds, _DEMO_FILE_SECONDS)
        settings = settings.model_copy(update={"file_seconds": seconds})
    banner, path = (f"demo shop of {home.root}", "/shop/") if is_demo else (f"collector of {home.root}", "")
    options = options_for("headwater-collector", host, port, workers, banner, path)
    with convert_write_errors(events_folder(home)):
        events_folder(home).mkdir(parents=True, exist_ok=True)
        if is_demo:
            install_shop(home)
    finish_left(home)
    # The main process finishes the file of each worker that has ended, however it ended.
    options["child_exit"] = lambda _server, _worker: finish_left(home)
    options["on_exit"] = lambda _server: finish_left(home)
    Server(lambda: _application(home, settings, proxies, is_demo), proxies, options).run()


def _application(home: Home, settings: CollectorSettings, proxies: Proxies, is_demo: bool) -> Any:
    log = EventLog(home, seconds=settings.file_seconds, is_synced=settings.durability == "fsync")
    threading.Thread(target=_finish_old, args=(log,), daemon=True).start()
    return create_app(home, settings, log, proxies, is_demo=is_demo)


def _finish_old(log: EventLog) -> None:
    while True:
        time.sleep(1)
        try:
            log.finish_old()
        except OSError as error:
            _LOGGER.warning("a file cannot get its final name: %s; the next start tries again", error.strerror)
