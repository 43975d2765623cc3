"""IP addresses in a single form.

Here: normalizing addresses, the network that belongs to one person, which proxies are trusted.
Not here: finding a visitor's address (``pipelines.web.address``), deciding what is allowed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.home.errors import HeadwaterError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_WITH_PORT = re.compile(r"\[(?P<bracketed>[^\]]*)\](:\d+)?|(?P<plain>[\d.]+):\d+")
_MAPPED_BITS = 96
"""Number of bits before the IPv4 address in an IPv6 address that contains one."""
_BITS_OF_A_PERSON = 64
"""Leading bits of an IPv6 address that identify one subscriber: a provider gives each subscriber a whole network."""


def address_of(text: str) -> Address | None:
    """The address in *text*, without port, brackets and zone; None if it is not an address.

    A dual-stack socket reports 1.2.3.4 as ``::ffff:1.2.3.4``; both give the same address here.
    """
    text = text.strip()
    found = _WITH_PORT.fullmatch(text)
    if found:
        text = found["bracketed"] or found["plain"] or ""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address


def plain_address(text: str) -> str:
    """The normalized form of the address *text*; other text is unchanged."""
    address = address_of(text)
    return text.strip() if address is None else str(address)


def network_of(text: str) -> str:
    """The address *text*; for IPv6 its /64 network, because all addresses of a /64 belong to one subscriber."""
    address = address_of(text)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address), _BITS_OF_A_PERSON), strict=False))
    return plain_address(text)


def read_network(text: str) -> Network:
    """The network in *text*, such as 10.0.0.5, 10.0.0.0/24 or ::ffff:10.0.0.0/120.

    Raises:
        ValueError: *text* is not a network.
    """
    network = ipaddress.ip_network(text)
    first = network.network_address
    if isinstance(first, ipaddress.IPv6Address) and first.ipv4_mapped and network.prefixlen >= _MAPPED_BITS:
        return ipaddress.IPv4Network((first.ipv4_mapped, network.prefixlen - _MAPPED_BITS))
    return network


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """The networks that the option ``--trust-proxy`` names.

    Raises:
        HeadwaterError: a text is not a network.
    """
    return tuple(map(_read_option, texts))


def _read_option(text: str) -> Network:
    try:
        return read_network(text)
    except ValueError as error:
        raise HeadwaterError(
            f"--trust-proxy {text}: not an address or network such as 10.0.0.5 or 10.0.0.0/24"
        ) from error


def is_loopback(host: str) -> bool:
    """Whether *host* is ``localhost`` or a loopback address; False for other names, which may mean any address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Proxies:
    """The trusted reverse proxies.

    Attributes:
        networks: Their addresses; headers from other peers are ignored.
    """

    networks: tuple[Network, ...] = ()

    def is_at(self, address: str) -> bool:
        """Whether *address* belongs to a trusted proxy."""
        place = address_of(address)
        return place is not None and any(place in network for network in self.networks)
