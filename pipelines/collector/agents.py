"""What a browser's user agent text says about the sender.

Here: known crawlers, the platform. The user agent itself is not kept.
Not here: unusual behaviour of devices (``core``'s tables).
"""

from __future__ import annotations

import re
from functools import lru_cache

import crawleruseragents

_PLATFORMS = {
    "miniprogram": re.compile(r"miniProgram", re.IGNORECASE),
    "ios": re.compile(r"iPhone|iPad|iPod|\biOS\b"),
    "harmony": re.compile(r"OpenHarmony|HarmonyOS"),
    "android": re.compile(r"Android"),
    "web": re.compile(r"^Mozilla/"),
}
"""The first pattern that matches counts. So ios, harmony and android include browsers on such devices."""

_LONGEST = 1000


def describe_agent(agent: str) -> dict[str, str | bool]:
    """The fields that a user agent gives an event: ``platform`` if it is known, ``is_bot`` if it is a known crawler's.

    The crawlers are listed at https://github.com/monperrus/crawler-user-agents. HTTP libraries in the list (okhttp,
    axios) do not count, because apps and shops' servers use these to send their events.
    """
    return dict(_describe(agent[:_LONGEST]))


@lru_cache(maxsize=2000)  # cached, because searching all patterns takes a millisecond
def _describe(agent: str) -> tuple[tuple[str, str | bool], ...]:
    platform = next((name for name, pattern in _PLATFORMS.items() if pattern.search(agent)), None)
    return (
        *((("platform", platform),) if platform else ()),
        *((("is_bot", True),) if _is_crawler(agent) else ()),
    )


def _is_crawler(agent: str) -> bool:
    found = (crawleruseragents.CRAWLER_USER_AGENTS_DATA[place] for place in crawleruseragents.matching_crawlers(agent))
    return any("http-library" not in crawler.get("tags", ()) for crawler in found)
