"""Addresses of the network, in one form each.

Here: what an address is called, whatever way it is written; which network one person has.
Not here: whose address it is (``dashboards.access.address``), what follows from it.
"""

from __future__ import annotations

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_WITH_PORT = re.compile(r"\[(?P<bracketed>[^\]]*)\](:\d+)?|(?P<plain>[\d.]+):\d+")
_MAPPED_BITS = 96
"""Of an IPv6 address that holds an IPv4 one, those before it."""
_BITS_OF_A_PERSON = 64
"""Of an IPv6 address: a provider gives everybody all that begin with them."""


def address_of(text: str) -> Address | None:
    """The address that *text* is, without port, brackets and zone; None: it is no address.

    A socket for both families calls 1.2.3.4 ``::ffff:1.2.3.4``; it is the same address here.
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
    """The one form of the address *text*; what is no address stays as it is."""
    address = address_of(text)
    return text.strip() if address is None else str(address)


def network_of(text: str) -> str:
    """The address *text*, or its network where one person has many addresses: /64 of IPv6."""
    address = address_of(text)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address), _BITS_OF_A_PERSON), strict=False))
    return plain_address(text)


def read_network(text: str) -> Network:
    """The network that *text* means, such as 10.0.0.5, 10.0.0.0/24 or ::ffff:10.0.0.0/120.

    Raises:
        ValueError: it is none.
    """
    network = ipaddress.ip_network(text)
    first = network.network_address
    if isinstance(first, ipaddress.IPv6Address) and first.ipv4_mapped and network.prefixlen >= _MAPPED_BITS:
        return ipaddress.IPv4Network((first.ipv4_mapped, network.prefixlen - _MAPPED_BITS))
    return network
