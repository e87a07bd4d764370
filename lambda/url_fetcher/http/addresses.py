"""Decides which URLs and which peers this function may connect to.

A URL is checked before each request, redirect and next page. The peer's address is checked again on the
connected socket, so that neither a changed DNS answer nor a redirect bypasses the check.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, TypeAlias

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from url_fetcher.errors import AddressRefused
from url_fetcher.telling.redaction import public_url

if TYPE_CHECKING:
    from url_fetcher.settings_variables import SettingsVariables

Address: TypeAlias = IPv4Address | IPv6Address
_Networks: TypeAlias = tuple[IPv4Network | IPv6Network, ...]

FORBIDDEN: _Networks = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; some clouds keep their metadata in it
        "169.254.0.0/16",  # EC2 and ECS metadata, X-Ray, the Lambda extensions' host
        "192.0.0.0/24",  # protocol assignments; one cloud keeps its metadata in it
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        # Everything outside 2000::/3 is refused by is_global, so only ranges inside it are listed.
        "2001::/23",  # protocol assignments, Teredo and ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4, which hides an IPv4 address
        "2620:4f:8000::/48",
        "3fff::/20",
        "fd00:ec2::/32",  # EC2 metadata and EKS pod identity; the rest of fc00::/7 is private
    )
)
"""Always refused: IANA's special-purpose registries and multicast, without the networks of ``PRIVATE``.

Listed here because ``ipaddress`` knows a different state of the registries in each Python: 3.11 calls
192.0.0.192, the metadata service of Oracle Cloud, global. Sources:
iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry.
"""

PRIVATE: _Networks = tuple(
    ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "::1/128", "fc00::/7")
)
"""Refused unless private networks are allowed."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


def embedded_ipv4(ip: Address) -> Address:
    """The IPv4 address inside a mapped or NAT64 address, where its packets really go; else the address."""
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if isinstance(ip, IPv6Address) and ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def is_in(ip: Address, networks: _Networks) -> bool:
    """True if an address is in one of the networks."""
    return any(ip.version == network.version and ip in network for network in networks)


def is_global(ip: Address) -> bool:
    """True if an address is public and unicast."""
    is_unicast = isinstance(ip, IPv4Address) or ip in _GLOBAL_UNICAST
    return is_unicast and not is_in(ip, PRIVATE + FORBIDDEN)


_DEFAULT_PORTS = {"http": 80, "https": 443}
_FIRST_UNPRIVILEGED_PORT = 1024
# Parsers disagree about the host of a URL with one of these, so a check could be bypassed; half of a
# surrogate pair cannot be encoded at all.
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")


@dataclass(frozen=True)
class AddressPolicy:
    """The addresses that this function may connect to.

    Example:
        >>> AddressPolicy(allowed_hosts=("*.example.com",)).check_url("https://api.example.com/v1")
        Url(scheme='https', …)
        >>> AddressPolicy().check_peer("169.254.169.254", 80)
        AddressRefused: address 169.254.169.254 port 80 is link-local, metadata, shared or reserved; …

    Args:
        allowed_hosts: Host names, exact or as ``*.example.com`` (any depth, not the name itself);
            empty allows every host.
        allow_http: True if URLs without TLS are allowed.
        allow_private_networks: True if private and loopback addresses are allowed; link-local addresses,
            metadata services and the function's own runtime never are.
        runtime_api: ``host:port`` of Lambda's runtime API (AWS_LAMBDA_RUNTIME_API); empty outside Lambda.
    """

    allowed_hosts: tuple[str, ...] = ()
    allow_http: bool = False
    allow_private_networks: bool = False
    runtime_api: str = ""

    @classmethod
    def of(cls, variables: "SettingsVariables", *, runtime_api: str = "") -> "AddressPolicy":
        """The policy by the function's settings."""
        return cls(
            allowed_hosts=variables.allowed_hosts,
            allow_http=variables.allow_http,
            allow_private_networks=variables.allow_private_networks,
            runtime_api=runtime_api,
        )

    def check_url(self, url: str, *, home: str = "") -> Url:
        """Returns the URL's parts as the client will use them, the host in lower case and IDNA.

        Args:
            url: The URL.
            home: The URL of the source that leads there, if it may be another one.

        Raises:
            AddressRefused: When the scheme, port or host is not allowed; not retryable.
        """
        parts = _parse(url)
        host, scheme = (parts.host or "").rstrip("."), parts.scheme or ""
        if scheme != "https" and not (scheme == "http" and self.allow_http):
            way_out = "use https, or set ALLOW_HTTP=true for http"
            if home.lower().startswith("https:"):
                # A setting for every source is no way out for a link of one that has TLS.
                way_out = "the source leads there from https, by a redirect or a link that it has to mend"
            raise _refused(url, f"scheme {scheme!r} is not allowed", way_out)
        port = parts.port if parts.port is not None else _DEFAULT_PORTS[scheme]
        # Low ports belong to services such as SMTP or SSH, which a crafted request could talk to.
        if port not in _DEFAULT_PORTS.values() and port < _FIRST_UNPRIVILEGED_PORT:
            raise _refused(url, f"port {port} is not allowed", "use 80, 443 or 1024 to 65535")
        if self.allowed_hosts and not any(_matches(host, allowed) for allowed in self.allowed_hosts):
            raise _refused(url, f"host {host!r} is not in ALLOWED_HOSTS", f"add {host!r} to it")
        return parts

    def check_peer(self, address: str, port: int) -> None:
        """Raises if no request may be sent to an address in the form that the socket returns.

        Raises:
            AddressRefused: When it is neither public nor an allowed private address; not retryable.
        """
        ip = embedded_ipv4(ip_address(address.partition("%")[0]))
        is_private = is_in(ip, PRIVATE)
        if self._is_runtime_api(ip, port):
            reason, way_out = "is the function's own runtime", "no setting allows it"
        elif is_in(ip, FORBIDDEN) or not (is_private or is_global(ip)):
            reason, way_out = "is link-local, metadata, shared or reserved", "no setting allows it"
        elif not is_private or self.allow_private_networks:
            return
        else:
            reason, way_out = "is private or loopback", "set ALLOW_PRIVATE_NETWORKS=true if that is meant"
        raise AddressRefused(f"address {address} port {port} {reason}; {way_out}", address=address, port=port)

    def _is_runtime_api(self, ip: Address, port: int) -> bool:
        """True for Lambda's runtime API, which serves the events of this function and takes its results."""
        host, _, own_port = self.runtime_api.rpartition(":")
        return str(port) == own_port and (ip.is_loopback or str(ip) == host)


def same_origin(one: str, other: str) -> bool:
    """True if two URLs have the same scheme, host and port."""
    return one == other or _origin(one) == _origin(other)


def same_host(one: str, other: str) -> bool:
    """True if two URLs have the same host; schemes and ports may differ."""
    return _origin(one)[1] == _origin(other)[1]


def _origin(url: str) -> tuple[str, str, int]:
    parts = _parse(url)
    scheme = parts.scheme or ""
    return scheme, (parts.host or "").rstrip("."), parts.port or _DEFAULT_PORTS.get(scheme, 0)


def _parse(url: str) -> Url:
    """Parses a URL with the parser that requests and urllib3 use, so that both see the same host."""
    if _AMBIGUOUS.search(url):
        raise _refused(
            "",
            "the URL holds a space, a backslash, a control character or half of a surrogate pair",
            "percent-encode it",
        )
    try:
        parts = parse_url(url)
    except LocationParseError as error:
        raise _refused("", "the URL cannot be read", "check its host and port") from error
    # A URL is logged and stored with each record, so it must not carry a password.
    if parts.auth is not None:
        raise _refused(
            url, "the URL holds a user or a password", 'keep them in a secret and set auth.kind = "basic"'
        )
    if not parts.host:
        raise _refused(url, "the URL has no host", "write it as https://host/path")
    return parts


def _refused(url: str, reason: str, way_out: str) -> AddressRefused:
    shown = public_url(url)
    return AddressRefused(f"{shown or 'url'}: {reason}; {way_out}", url=shown)


def _matches(host: str, allowed: str) -> bool:
    """True if a host equals the allowed one, or is a subdomain of it when that begins with ``*.``."""
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed
