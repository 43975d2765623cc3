"""A headless Chromium without a network: this program answers all its requests.

Here: finding and starting it, the messages to and from it (the Chrome DevTools Protocol).
Not here: what is done with it (``dashboards.printing.pages``).

The messages go through two pipes, so there is no port that other users of the host could connect to, and nothing on the
command line, which others can read, says which page is shown or by whose rights.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipelines.home.errors import HeadwaterError

SETTING = "HEADWATER_CHROMIUM"
"""The environment variable with the command that starts the browser; without it, one of _NAMES is looked for."""

ORIGIN = "http://headwater.invalid"
"""The origin of the pages in the browser. No such host exists: requests to it never leave this program."""

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_OPTIONS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--proxy-server=127.0.0.1:9",  # the discard port: a request that is not answered here reaches no server
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # because /dev/shm of a container is too small
    "--disable-breakpad",
    "--hide-scrollbars",
    "--mute-audio",
    "--no-first-run",
    "--renderer-process-limit=1",
    "--js-flags=--max-old-space-size=512",
)
# Chromium reads messages from descriptor 3 and writes them to 4. Another thread may fork at any time, so no code of
# ours can run between fork and exec; this small program moves the descriptors.
_LAUNCH = """
import os, sys
for number, wanted in ((int(sys.argv[1]), 3), (int(sys.argv[2]), 4)):
    os.dup2(number, wanted)
os.execvp(sys.argv[3], sys.argv[3:])
"""
_LOWEST = 10
"""The pipes get descriptor numbers from here on, so that moving one does not overwrite the other."""


class ChromiumError(HeadwaterError):
    """The browser did not start, failed, or took too long."""


@dataclass(frozen=True)
class Answer:
    """The answer to a request of the browser."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


Answers = Callable[[str, str, Mapping[str, str], bytes], Answer]
"""Method, path with query, headers and body of a request → its answer."""


def command() -> list[str]:
    """The command that starts Chromium: that of the environment variable ``SETTING``, else one found on the PATH.

    Empty if Chromium is not installed.
    """
    asked = shlex.split(os.environ.get(SETTING, ""))
    found = shutil.which(asked[0]) if asked else next(filter(None, map(shutil.which, _NAMES)), None)
    return [found, *asked[1:]] if found else []


class Chromium:
    """A running Chromium with one page; leaving the ``with`` block ends it."""

    def __init__(self, answers: Answers, seconds: float) -> None:
        """*answers*: the function that answers the browser's requests. The browser is killed after *seconds*."""
        self._answers = answers
        self._seconds = seconds
        self._last = 0
        self._session = ""
        self._buffer = bytearray()
        self._is_late = False

    def __enter__(self) -> Self:
        """Start Chromium.

        Raises:
            ChromiumError: there is no Chromium, or it does not start.
        """
        chromium = command()
        if not chromium:
            raise ChromiumError("there is no Chromium", remedy=f"install the package chromium, or set {SETTING}")
        self._folder = tempfile.TemporaryDirectory(prefix="headwater-", ignore_cleanup_errors=True)
        theirs_read, self._write = _pipe()
        self._read, theirs_write = _pipe()
        launch = (sys.executable, "-I", "-S", "-c", _LAUNCH, str(theirs_read), str(theirs_write))
        is_root = os.geteuid() == 0  # Chromium's sandbox does not work for root
        options = [*_OPTIONS, *(["--no-sandbox"] if is_root else []), f"--user-data-dir={self._folder.name}"]
        try:
            self._process = subprocess.Popen(
                [*launch, *chromium, *options, "about:blank"],
                pass_fds=(theirs_read, theirs_write),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(Path(self._folder.name)),
                start_new_session=True,
            )
        finally:
            os.close(theirs_read)
            os.close(theirs_write)
        self._timer = threading.Timer(self._seconds, self._stop)
        self._timer.daemon = True
        self._timer.start()
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            self.call("Fetch.enable")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """Kill the browser and remove its files."""
        self._timer.cancel()
        self._kill()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)
        self._folder.cleanup()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of *method* of the DevTools Protocol; requests of the browser are answered meanwhile.

        Raises:
            ChromiumError: the browser refuses it, has crashed, or takes too long.
        """
        number = self._send(method, parameters)
        while True:
            message = self._receive()
            if message.get("id") == number:
                if "error" in message:
                    raise ChromiumError(f"Chromium refuses {method}: {message['error'].get('message')}")
                result: dict[str, Any] = message.get("result", {})
                return result
            if message.get("method") == "Fetch.requestPaused":
                self._answer(message["params"])
            if message.get("method") == "Inspector.targetCrashed":
                raise ChromiumError("Chromium's page has crashed", remedy="the host may have too little memory")

    def evaluate(self, script: str) -> Any:
        """The value of *script* in the page; a promise is awaited."""
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise ChromiumError(f"a script failed in Chromium: {result['exceptionDetails'].get('text')}")
        return result["result"].get("value")

    def _answer(self, paused: Mapping[str, Any]) -> None:
        request, key = paused["request"], paused["requestId"]
        if not request["url"].startswith(f"{ORIGIN}/"):
            self._send("Fetch.failRequest", {"requestId": key, "errorReason": "BlockedByClient"})
            return
        path = request["url"][len(ORIGIN) :].partition("#")[0]
        entries = request.get("postDataEntries", ())
        body = b"".join(base64.b64decode(entry.get("bytes", "")) for entry in entries)
        answer = self._answers(request["method"], path, request["headers"], body)
        headers = [{"name": name, "value": value} for name, value in answer.headers]
        content = base64.b64encode(answer.body).decode()
        given = {"requestId": key, "responseCode": answer.status, "responseHeaders": headers, "body": content}
        self._send("Fetch.fulfillRequest", given)

    def _send(self, method: str, parameters: Mapping[str, Any]) -> int:
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        left = memoryview(json.dumps(message).encode() + b"\0")
        try:
            while left:
                left = left[os.write(self._write, left) :]
        except BrokenPipeError:
            raise self._ended() from None
        return self._last

    def _receive(self) -> dict[str, Any]:
        while (end := self._buffer.find(b"\0")) < 0:
            got = os.read(self._read, 1 << 20)
            if not got:
                raise self._ended()
            self._buffer += got
        message: dict[str, Any] = json.loads(self._buffer[:end])
        del self._buffer[: end + 1]
        return message

    def _ended(self) -> ChromiumError:
        if self._is_late:
            return ChromiumError(f"Chromium took longer than {self._seconds:.0f} seconds")
        return ChromiumError(
            "Chromium has ended", remedy=f"run {shlex.join(command())} --headless=new --dump-dom about:blank to see why"
        )

    def _stop(self) -> None:
        self._is_late = True
        self._kill()

    def _kill(self) -> None:
        """Kill all processes of the browser, which also closes the pipes, so that no thread waits at one."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


def _pipe() -> tuple[int, int]:
    """The ends of a new pipe, for reading and for writing."""
    return _raised(os.pipe())


def _raised(ends: Iterable[int]) -> tuple[int, int]:
    found = []
    for end in ends:
        found.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _LOWEST))
        os.close(end)
    read, write = found
    return read, write


def _environment(folder: Path) -> dict[str, str]:
    """The browser's environment variables: only what it needs, so none of this process's secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ}
    return {"PATH": os.defpath, **kept, "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
