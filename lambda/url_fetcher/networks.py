"""Which IP addresses are public, private, or never to be talked to."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
_Networks: TypeAlias = tuple[IPv4Network | IPv6Network, ...]

NEVER: _Networks = tuple(
    ip_network(text)
    for text in (
        "169.254.0.0/16",  # EC2 and ECS metadata, X-Ray, the Lambda extensions' host
        "fe80::/10",
        "fd00:ec2::/32",  # EC2 metadata and EKS pod identity over IPv6
        "100.64.0.0/10",  # carrier-grade NAT; other clouds keep their metadata in it
        "0.0.0.0/8",
        "224.0.0.0/4",
        "240.0.0.0/4",
        # Tunnels that hide an IPv4 address; Pythons disagree whether they are global.
        "192.88.99.0/24",
        "2001::/32",
        "2002::/16",
    )
)
"""Refused whatever is set."""

PRIVATE: _Networks = tuple(
    ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "::1/128", "fc00::/7")
)
"""Refused unless private networks are allowed."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_DOCUMENTATION = IPv6Network("3fff::/20")  # older Pythons count it as global
_NAT64 = IPv6Network("64:ff9b::/96")


def meant(ip: Address) -> Address:
    """Where packets to an address end: the IPv4 address in a mapped or NAT64 one, else itself."""
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if isinstance(ip, IPv6Address) and ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def is_in(ip: Address, networks: _Networks) -> bool:
    """Whether an address lies in one of the networks."""
    return any(ip.version == network.version and ip in network for network in networks)


def is_global(ip: Address) -> bool:
    """Whether an address is routed on the internet, to one host."""
    if isinstance(ip, IPv6Address) and (ip not in _GLOBAL_UNICAST or ip in _DOCUMENTATION):
        return False
    return ip.is_global and not ip.is_multicast
