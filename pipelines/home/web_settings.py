"""The settings of the programs that answer requests: the collector and the dashboards.

Here: their keys in ``config/headwater.yaml``.
Not here: the other keys, reading the file (``pipelines.home.settings``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipelines.home.yaml_files import Section, Whole, shaped

_ORIGIN = r"https?://([a-z0-9._-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?"


class CollectorSettings(Section):
    """What ``headwater collect`` accepts, and how it writes it.

    Attributes:
        origins: Sites whose pages may send events; empty: only pages on this computer. The collector's own pages may
            always send events.
        durability: What an event survives once it is answered: with ``flush`` a killed process, with ``fsync`` also a
            power cut.
        file_seconds: How long a file grows before ingestion can read it.
        events_per_second: Events that each process accepts from one address in a second.
    """

    origins: tuple[Annotated[str, shaped(_ORIGIN, "an origin in lower case such as https://shop.example")], ...] = ()
    durability: Literal["flush", "fsync"] = "flush"
    file_seconds: Whole = Field(60, ge=1, le=3600)
    events_per_second: Whole = Field(1000, ge=1, le=1_000_000)


class DashboardSettings(Section):
    """The dashboards.

    *address* is the URL at which people open them, for links in messages; '': links have only their path.
    """

    address: Annotated[
        str, shaped(f"({_ORIGIN})?", "an origin in lower case such as https://dashboards.shop.example")
    ] = ""
