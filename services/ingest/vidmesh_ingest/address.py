"""Which addresses may be fetched from."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Self

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# `is_global` of the standard library is true for NAT64, 6to4 and multicast, so the ranges are spelled out, after the
# registries of special-purpose addresses (RFC 6890).
_CLOSED_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and the metadata services of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
# Outside of it lie loopback, v4-mapped, NAT64, unique local, link-local, multicast and all that is not assigned.
_OPEN_V6 = IPv6Network("2000::/3")
_CLOSED_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which leads to any IPv4 address
        "3fff::/20",  # documentation
    )
)
_OPEN_LOW_PORTS = frozenset({80, 443})


def is_public(address: Address) -> bool:
    """Whether the address is one of the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    return address in _OPEN_V6 and not any(address in network for network in _CLOSED_V6)


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressRule:
    """The addresses that vidmesh may fetch from: the public internet, and what its operator allows besides."""

    networks: tuple[Network, ...] = ()
    """Networks allowed although they are not public."""

    hosts: frozenset[str] = frozenset()
    """Hosts allowed wherever they lead; one that begins with a dot stands for every host below it."""

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Self:
        """Reads entries such as `127.0.0.0/8`, `10.1.2.3`, `fd00::/8`, `media.internal` or `.corp.example`.

        Raises ValueError on a network that is none.
        """
        networks: list[Network] = []
        hosts: set[str] = set()
        for entry in (entry.strip().lower() for entry in entries):
            if "/" in entry or ":" in entry or entry.replace(".", "").isdigit():
                networks.append(ip_network(entry))
            elif entry:
                hosts.add(entry)
        return cls(networks=tuple(networks), hosts=frozenset(hosts))

    def allows_host(self, host: str) -> bool:
        """Whether the host is allowed by name."""
        name = host.lower().rstrip(".")
        parents = (name[at:] for at, character in enumerate(name) if character == ".")
        return name in self.hosts or any(parent in self.hosts for parent in parents)

    def allows(self, host: str, address: Address, port: int) -> bool:
        """Whether a connection to this address, found under this host's name, may be made."""
        if self.allows_host(host) or any(
            address.version == network.version and address in network for network in self.networks
        ):
            return True
        return is_public(address) and (port in _OPEN_LOW_PORTS or port >= 1024)


def parse_address(text: str) -> Address:
    """Reads an address as the resolver writes it, without its zone. Raises ValueError."""
    return ip_address(text.partition("%")[0])
