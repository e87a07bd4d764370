"""Where the function may go."""

import socket
import threading
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.servers.hostile_source import HostileSource, answer, redirect
from tests.url_fetcher.reading import LOCAL, Hostile, bodies_of, reader_of
from url_fetcher.deadline import Deadline
from url_fetcher.errors import AddressRefused, SourceTimeout, SourceUnavailable
from url_fetcher.http.addresses import AddressPolicy, embedded_ipv4, same_host, same_origin
from url_fetcher.http.connection import Dialer
from url_fetcher.http.transport import Credentials, Request, Transport
from url_fetcher.settings_variables import SettingsVariables

STRICT = AddressPolicy()

NEVER = [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.100.1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "2002:808:808::1",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "::",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "198.18.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "224.0.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "ff0e::1",
    "fec0::1",
    "2001:db8::1",
    "3fff::1",
    "3fff:fff::1",
    "2001::1",
    "::7f00:1",
    "64:ff9b:1::1",
    "5f00::1",
    "192.0.0.192",
    "192.0.0.9",
    "::ffff:192.0.0.192",
    "64:ff9b::192.0.0.192",
    "192.31.196.1",
    "192.52.193.1",
    "192.175.48.1",
    "198.51.100.1",
    "203.0.113.1",
    "239.255.255.250",
    "100::1",
    "2001:1::1",
    "2001:2::1",
    "2001:20::1",
    "2620:4f:8000::1",
]
PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "::1",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "fd12::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
]
PUBLIC = [
    "1.1.1.1",
    "100.63.255.255",
    "100.128.0.0",
    "192.0.1.0",
    "192.0.3.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2a00:1450:4001:82a::200e",
    "93.184.215.14",
    "2606:2800:21f:cb07::1",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
]


EDGES = [
    *("9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1"),
    *("169.253.255.255", "169.255.0.1", "172.15.255.255", "172.32.0.1", "192.88.98.255", "192.88.100.1"),
    *("192.167.255.255", "192.169.0.1", "223.255.255.255", "1.0.0.1"),
    *("192.0.1.1", "192.0.3.1", "192.31.195.255", "192.31.197.1", "192.52.192.255", "192.52.194.1"),
    *("192.175.47.255", "192.175.49.1", "198.51.99.255", "198.51.101.1", "203.0.112.255", "203.0.114.1"),
    *("2001:200::1", "2003::1", "2620:4f:7fff::1", "2620:4f:8001::1", "3ffe::1", "3fff:1000::1"),
]
"""Public addresses next to networks that are not."""


def refusals(policy: AddressPolicy, addresses: list[str], port: int = 443) -> dict[str, str]:
    """The messages for the addresses that a policy refuses."""
    found: dict[str, str] = {}
    for address in addresses:
        try:
            policy.check_peer(address, port)
        except AddressRefused as error:
            found[address] = str(error)
    return found


def test_public_addresses_are_allowed() -> None:
    """A globally routable peer passes, also embedded in an IPv6 address."""
    assert refusals(STRICT, PUBLIC + EDGES) == {}


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6, network="2000::/3"), st.ip_addresses(v=6)))
def test_no_address_is_allowed_that_python_calls_special(address: IPv4Address | IPv6Address) -> None:
    """The tables are at least as strict as this Python's own."""
    refused = False
    try:
        STRICT.check_peer(str(address), 443)
    except AddressRefused:
        refused = True
    embedded = embedded_ipv4(address)

    assert refused or (embedded.is_global and not embedded.is_multicast)


@pytest.mark.parametrize("address", ["::ffff:8.8.4.5", "64:ff9b::8.8.4.5", "8.8.4.5"])
def test_an_embedded_address_is_where_packets_end(address: str) -> None:
    """All 32 bits of it count."""
    assert str(embedded_ipv4(ip_address(address))) == "8.8.4.5"


def test_any_other_address_is_refused() -> None:
    """A peer that is not globally routable is refused, however its address is written."""
    assert [each for each in NEVER + PRIVATE if each not in refusals(STRICT, NEVER + PRIVATE)] == []


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (
            "10.0.0.1",
            "address 10.0.0.1 port 8443 is private or loopback; "
            "set ALLOW_PRIVATE_NETWORKS=true if that is meant",
        ),
        (
            "fe80::1%eth0",
            "address fe80::1%eth0 port 8443 is link-local, metadata, shared or reserved; "
            "no setting allows it",
        ),
        ("127.0.0.1", "address 127.0.0.1 port 8443 is the function's own runtime; no setting allows it"),
    ],
    ids=["private", "link-local", "runtime"],
)
def test_a_refused_address_is_told_with_the_setting_that_allows_it(address: str, message: str) -> None:
    """The error names address and port, why they are refused, and the way out if there is one."""
    with pytest.raises(AddressRefused) as caught:
        AddressPolicy(runtime_api="127.0.0.1:8443").check_peer(address, 8443)

    assert (str(caught.value), caught.value.details) == (message, {"address": address, "port": 8443})


def test_private_addresses_are_one_setting_away() -> None:
    """allow_private_networks lets private and loopback peers pass."""
    assert refusals(LOCAL, PRIVATE, port=8080) == {}


def test_no_setting_allows_metadata_and_reserved_addresses() -> None:
    """Link-local, metadata, shared and reserved peers stay refused with allow_private_networks."""
    found = refusals(LOCAL, NEVER)

    assert [each for each in NEVER if "no setting allows it" not in found.get(each, "")] == []


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.9.9.9"])
def test_no_setting_allows_the_runtime_api(address: str) -> None:
    """Lambda's own runtime API stays refused with allow_private_networks."""
    policy = AddressPolicy(allow_http=True, allow_private_networks=True, runtime_api="127.0.0.1:9001")

    with pytest.raises(AddressRefused, match="own runtime"):
        policy.check_peer(address, 9001)


@pytest.mark.parametrize(
    ("address", "port", "is_allowed"),
    [
        ("10.0.0.5", 9001, False),
        ("10.0.0.5", 9002, True),
        ("10.0.0.6", 9001, True),
        ("127.0.0.1", 9001, False),
        ("127.0.0.1", 9002, True),
    ],
)
def test_only_host_and_port_of_the_runtime_api_are_refused(address: str, port: int, is_allowed: bool) -> None:
    """Its neighbours may be sources; its port on loopback may be another way to it."""
    policy = AddressPolicy(allow_private_networks=True, runtime_api="10.0.0.5:9001")

    def passes() -> bool:
        try:
            policy.check_peer(address, port)
        except AddressRefused:
            return False
        return True

    assert passes() is is_allowed


HTTPS = "is not allowed; use https, or set ALLOW_HTTP=true for http"
NO_HOST = "the URL has no host; write it as https://host/path"
PORTS = "is not allowed; use 80, 443 or 1024 to 65535"
AMBIGUOUS = (
    "url: the URL holds a space, a backslash, a control character or half of a surrogate pair; "
    "percent-encode it"
)
UNREADABLE = "url: the URL cannot be read; check its host and port"
USER = 'the URL holds a user or a password; keep them in a secret and set auth.kind = "basic"'


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://example.com/", f"http://example.com/: scheme 'http' {HTTPS}"),
        ("ftp://example.com/", f"ftp://example.com/: scheme 'ftp' {HTTPS}"),
        ("example.com", f"example.com: scheme '' {HTTPS}"),
        ("file:///etc/passwd", f"file:///etc/passwd: {NO_HOST}"),
        ("https:///path", f"https:///path: {NO_HOST}"),
        ("", f"url: {NO_HOST}"),
        ("https://example.com:22/", f"https://example.com:22/: port 22 {PORTS}"),
        ("https://example.com:1023/", f"https://example.com:1023/: port 1023 {PORTS}"),
        ("https://example.com:0/", f"https://example.com:0/: port 0 {PORTS}"),
        ("https://user:hunter2@example.com/", f"https://example.com/: {USER}"),
        ("https://:@example.com/", f"https://example.com/: {USER}"),
        ("https://example.com\\@evil.test/", AMBIGUOUS),
        ("https://exa mple.com/", AMBIGUOUS),
        ("https://example.com/\x00", AMBIGUOUS),
        ("https://example.com/\x7f", AMBIGUOUS),
        ("https://example.com/\ud800", AMBIGUOUS),
        ("https://example.com/\r\nHost: evil", AMBIGUOUS),
        ("https://[::1/", UNREADABLE),
        ("https://example.com:99999/", UNREADABLE),
    ],
)
def test_a_url_that_is_not_plain_https_is_refused(url: str, message: str) -> None:
    """Other schemes, ports, users and ambiguous characters are refused with the reason, secrets unshown."""
    with pytest.raises(AddressRefused) as caught:
        STRICT.check_url(url)

    assert (str(caught.value), caught.value.details) == (message, {"url": _shown(message)})


def _shown(message: str) -> str:
    return message.partition(": ")[0].removeprefix("url")


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://example.com/",
            "https://example.com/",
            "https://example.com:80/",
            "http://example.com:443/",
        ),
        *(
            "https://example.com:1024/",
            "https://example.com:65535/",
            "https://example.com/!~%7F?a=é\ud7ff\ue000",
        ),
    ],
)
def test_http_and_other_ports_are_allowed_where_the_policy_says_so(url: str) -> None:
    """The web's ports and those that need no privilege are open to both schemes."""
    assert AddressPolicy(allow_http=True).check_url(url).host == "example.com"


def test_a_host_that_is_not_allowed_is_named() -> None:
    """The error says what to add where."""
    with pytest.raises(AddressRefused) as caught:
        AddressPolicy(allowed_hosts=("a.test",)).check_url("https://b.test./x")

    assert str(caught.value) == "https://b.test./x: host 'b.test' is not in ALLOWED_HOSTS; add 'b.test' to it"


def test_the_parts_are_those_that_the_client_uses() -> None:
    """The host is in lower case and IDNA, as it is resolved and compared."""
    parts = STRICT.check_url("HTTPS://BÜCHER.example:8443/a?b=1")

    assert (parts.scheme, parts.host, parts.port) == ("https", "xn--bcher-kva.example", 8443)


@pytest.mark.parametrize("name", ["allowed_hosts", "allow_http", "allow_private_networks"])
def test_the_policy_is_that_of_the_settings(name: str) -> None:
    """Each setting of the function is one of its policy, strict by default."""
    given: dict[str, Any] = {"allowed_hosts": ("a.test",), "allow_http": True, "allow_private_networks": True}
    policy = AddressPolicy.of(SettingsVariables(**{name: given[name]}), runtime_api="127.0.0.1:9001")

    assert policy == replace(STRICT, **{name: given[name]}, runtime_api="127.0.0.1:9001")


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://api.example.com/", True),
        ("https://API.Example.COM./", True),
        ("https://a.b.example.org/", True),
        ("https://example.org/", False),
        ("https://badexample.org/", False),
        ("https://api.example.com.evil.test/", False),
        ("https://bücher.example/", True),
        ("https://xn--bcher-kva.example/", True),
    ],
)
def test_allowed_hosts_narrow(url: str, is_allowed: bool) -> None:
    """Hosts match exactly or below ``*.``, in any case and in IDNA."""
    policy = AddressPolicy(allowed_hosts=("api.example.com", "*.example.org", "xn--bcher-kva.example"))

    def passes() -> bool:
        try:
            policy.check_url(url)
        except AddressRefused:
            return False
        return True

    assert passes() is is_allowed


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("https://a.test/x", "https://A.test:443/y", True),
        ("https://a.test/", "http://a.test/", False),
        ("https://a.test/", "https://a.test:8443/", False),
        ("https://a.test/", "https://b.test/", False),
        ("http://a.test/", "http://a.test.:80/", True),
        ("http://a.test:443/", "https://a.test/", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(one: str, other: str, are_same: bool) -> None:
    """Two URLs have one origin only when scheme, host and port agree."""
    assert same_origin(one, other) is are_same


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("https://a.test/x", "http://A.test.:8080/y", True),
        ("https://a.test/", "https://b.test/", False),
        ("https://a.test/", "https://a.test.evil.test/", False),
    ],
)
def test_a_host_is_the_same_whatever_scheme_and_port(one: str, other: str, are_same: bool) -> None:
    """Only the names of the hosts are compared."""
    assert same_host(one, other) is are_same


def dialer(policy: AddressPolicy, **kwargs: Any) -> Dialer:
    """A dialer with short waits."""
    return Dialer(
        policy, deadline=Deadline(0.5), connect_timeout_seconds=0.3, read_timeout_seconds=0.3, **kwargs
    )


def test_the_name_is_resolved_once_for_check_and_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS that changes between check and connect gets nothing: the checked address is the one dialled."""
    dialled = []
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])

    def connect(address: tuple[str, int], **_: float) -> socket.socket:
        dialled.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("url_fetcher.http.connection.socket.create_connection", connect)
    with pytest.raises(SourceUnavailable):
        dialer(STRICT, resolve=lambda _host, _port: next(answers)).connect("rebinding.test", 443)

    assert dialled == [("93.184.215.14", 443)]


def test_the_connected_peer_is_checked_before_a_byte_is_sent(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket that ends at another address than the one dialled is closed with nothing sent."""
    source = hostile({"/": answer(b"[1]")})
    original = socket.create_connection

    def elsewhere(_address: tuple[str, int], timeout: float) -> socket.socket:
        return original(("127.0.0.1", source.port), timeout)

    monkeypatch.setattr("url_fetcher.http.connection.socket.create_connection", elsewhere)
    policy = AddressPolicy(allow_http=True)
    reader = reader_of(
        {"url": f"http://example.test:{source.port}/"},
        policy=policy,
        resolve=lambda _h, _p: ["93.184.215.14"],
    )
    with pytest.raises(AddressRefused):
        bodies_of(reader)

    assert source.requests == []


def test_one_refused_address_of_a_name_refuses_the_name() -> None:
    """A name that has a private address beside a public one is not dialled at all."""
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1"):
        dialer(STRICT, resolve=lambda _h, _p: ["93.184.215.14", "10.0.0.1"]).connect("mixed.test", 443)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "017700000001", "localhost", "[::1]"])
def test_a_host_that_means_loopback_is_refused_however_it_is_written(host: str) -> None:
    """Numbers and names that the system resolves to loopback are refused by the address they mean."""
    reader = reader_of({"url": f"http://{host}:8080/"}, policy=AddressPolicy(allow_http=True))

    with pytest.raises(AddressRefused, match="private or loopback"):
        bodies_of(reader)


def test_a_resolver_that_hangs_ends_in_time() -> None:
    """The system's resolver has no timeout of its own, the dialer has."""
    forever = threading.Event()

    def hang(_host: str, _port: int) -> list[str]:
        forever.wait(2)
        return ["127.0.0.1"]

    with pytest.raises(SourceTimeout, match="not resolved"):
        dialer(LOCAL, resolve=hang).connect("slow.test", 443)
    forever.set()


def test_an_unknown_name_is_unavailable() -> None:
    """A name that does not resolve is an error that may be retried."""

    def unknown(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(SourceUnavailable, match=r"cannot be resolved"):
        dialer(LOCAL, resolve=unknown).connect("nowhere.test", 443)


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://[::ffff:169.254.170.2]/v2/credentials",
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://user:pw@127.0.0.1/",
        "http://[",
    ],
)
def test_a_redirect_out_of_bounds_is_refused(hostile: Hostile, target: str) -> None:
    """A redirect to metadata, another scheme or a URL with a user is refused."""
    source = hostile({"/": redirect(target)})

    with pytest.raises(AddressRefused):
        bodies_of(reader_of({"url": source.url("/")}))


def test_a_redirect_to_loopback_is_refused() -> None:
    """A public source cannot send the function to loopback."""

    class ButOne(AddressPolicy):
        """Takes the server that redirects for a public one."""

        def check_peer(self, address: str, port: int) -> None:
            if port != public.port:
                super().check_peer(address, port)

    with (
        HostileSource({"/": answer(b"[1]")}) as inner,
        HostileSource({"/": redirect(inner.url("/"))}) as public,
    ):
        with pytest.raises(AddressRefused, match="private or loopback"):
            bodies_of(reader_of({"url": public.url("/")}, policy=ButOne(allow_http=True)))

        assert inner.requests == []


ONE_HOST = AddressPolicy(allow_http=True, allow_private_networks=True, allowed_hosts=("127.0.0.1",))


def test_a_url_is_held_to_the_allowed_hosts(hostile: Hostile) -> None:
    """A host that is not allowed is not asked, although its address is."""
    source = hostile({"/": answer(b"[1]")})
    with pytest.raises(AddressRefused, match="'localhost' is not in ALLOWED_HOSTS"):
        bodies_of(reader_of({"url": source.url("/", host="localhost")}, policy=ONE_HOST))

    assert source.requests == []


def test_a_redirect_is_held_to_the_allowed_hosts(hostile: Hostile) -> None:
    """An allowed host cannot send the function to one that is not."""
    other = hostile({"/": answer(b"[1]")})
    source = hostile({"/": redirect(other.url("/", host="localhost"))})
    with pytest.raises(AddressRefused, match="ALLOWED_HOSTS"):
        bodies_of(reader_of({"url": source.url("/")}, policy=ONE_HOST))

    assert other.requests == []


def test_a_next_page_is_held_to_the_allowed_hosts(hostile: Hostile) -> None:
    """allow_other_hosts of a source does not widen what the function may ask."""
    other = hostile({"/": answer(b"[1]")})
    link = f'<{other.url("/", host="localhost")}>; rel="next"'
    source = hostile({"/": answer(b"[1]", headers={"Link": link})})
    pagination = {"kind": "link_header", "allow_other_hosts": True}
    with pytest.raises(AddressRefused, match="ALLOWED_HOSTS"):
        bodies_of(reader_of({"url": source.url("/"), "pagination": pagination}, policy=ONE_HOST))

    assert other.requests == []


@pytest.mark.parametrize("sign", [" ", "\\", "\t", "\n", "\x00", "\udc80"])
@pytest.mark.parametrize(
    "place", ["https://h.example{}@e.example/", "https://h.example/a{}b", "https://h.example/?a={}"]
)
def test_a_url_that_can_be_read_in_two_ways_is_never_sent(place: str, sign: str) -> None:
    """It is refused as it was given: requests would quote it, and send it to the one or the other."""
    url = place.format(sign)
    transport = Transport(dialer(STRICT, resolve=lambda _host, _port: ["127.0.0.1"]))

    with pytest.raises(AddressRefused, match="the URL holds a space, a backslash"):
        transport.open(Request(url=url, home=url), Credentials())
