"""Connections that check the peer before the first byte and end every wait at a deadline.

urllib3 opens a socket in one method and reads through one file object; both are replaced here.
requests-hardened 1.3.0 does not do: it resolves without a deadline, has no allow list, passes fec0::/10
and ::127.0.0.1, and refuses NAT64, by which IPv6-only subnets reach public sources.
"""

import functools
import io
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from url_fetcher.errors import AddressRefused, SourceTimeout, SourceUnavailable
from url_fetcher.http.framing import FramedResponse

if TYPE_CHECKING:
    from url_fetcher.deadline import Deadline
    from url_fetcher.http.addresses import AddressPolicy

_BUFFER_BYTES = 65_536
Resolve = Callable[[str, int], list[str]]
_MIN_TIMEOUT_SECONDS = 0.001  # a timeout of zero would make the socket non-blocking


def resolve(host: str, port: int) -> list[str]:
    """The host's addresses in the system's order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class Dialer:
    """Opens sockets to allowed peers only.

    Args:
        policy: The allowed peers.
        deadline: The end of every wait.
        connect_timeout_seconds: For name resolution, connection and TLS handshake together.
        read_timeout_seconds: For each wait for bytes.
        ca_certificates: Authorities to trust beside the public ones, in PEM.
        resolve: Returns a host's addresses.
    """

    def __init__(
        self,
        policy: "AddressPolicy",
        *,
        deadline: "Deadline",
        connect_timeout_seconds: float,
        read_timeout_seconds: float,
        ca_certificates: str = "",
        resolve: Resolve = resolve,
    ) -> None:
        self.policy = policy
        self.deadline = deadline
        self.connect_timeout_seconds = connect_timeout_seconds
        self.read_timeout_seconds = read_timeout_seconds
        self.ca_certificates = ca_certificates
        self._resolve = resolve

    def connect(self, host: str, port: int) -> socket.socket:
        """Returns a socket that is connected to an allowed peer, with the rest of the connect timeout set.

        Raises:
            AddressRefused: When one of the host's addresses is not allowed; nothing was sent.
            SourceTimeout: When the connect timeout has passed; retryable.
            SourceUnavailable: When the host is unknown or refuses; retryable.
        """
        deadline = self.deadline.earlier(self.connect_timeout_seconds)
        addresses = self._addresses(host, port, deadline)
        # All of them first: a name with one private address is an attack by DNS rebinding or a mistake.
        for address in addresses:
            self.policy.check_peer(address, port)
        failure: OSError | None = None
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                # Each address gets a part of the time: one that drops packets must leave some for the next.
                sock = socket.create_connection((address, port), timeout=timeout_seconds(deadline) / left)
            except OSError as error:
                failure = error
                continue
            return self._checked(sock, deadline)
        if deadline.passed or isinstance(failure, TimeoutError):
            raise SourceTimeout(
                f"{host}: no connection within {self.connect_timeout_seconds:g} s"
            ) from failure
        reason = failure.strerror if failure else "it has no address"
        raise SourceUnavailable(f"{host}: cannot connect to port {port}: {reason}") from failure

    def _checked(self, sock: socket.socket, deadline: "Deadline") -> socket.socket:
        """Returns the socket if the peer that it is connected to is allowed; else closes it and raises."""
        try:
            peer = sock.getpeername()
            self.policy.check_peer(peer[0], peer[1])
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (AddressRefused, OSError):
            sock.close()
            raise
        sock.settimeout(timeout_seconds(deadline))
        return sock

    def _addresses(self, host: str, port: int, deadline: "Deadline") -> list[str]:
        """Resolves the host in a thread, because the system's resolver has no timeout."""
        try:
            return deadline.bounded(lambda: self._resolve(host, port))
        except TimeoutError as error:
            raise SourceTimeout(f"{host}: its name was not resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise SourceUnavailable(f"{host}: its name cannot be resolved: {error}") from error


def timeout_seconds(deadline: "Deadline") -> float:
    """The time until a deadline, as a socket timeout."""
    return max(_MIN_TIMEOUT_SECONDS, deadline.remaining)


def pool_classes(dialer: Dialer) -> dict[str, type[HTTPConnectionPool]]:
    """urllib3's pools by scheme, whose connections are opened by a dialer."""
    plain = type("DialedHTTPConnection", (_Dialed, HTTPConnection), {"dialer": dialer})
    secure = type("DialedHTTPSConnection", (_Dialed, HTTPSConnection), {"dialer": dialer})
    return {
        "http": type("DialedHTTPPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("DialedHTTPSPool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }


class _Dialed:
    """A mixin for urllib3's connections: the dialer opens the socket, and reads end at the deadline."""

    dialer: ClassVar[Dialer]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.response_class = functools.partial(_TimedResponse, dialer=self.dialer)

    def _new_conn(self) -> "socket.socket":
        connection = cast("HTTPConnection", self)
        return self.dialer.connect(connection.host, connection.port)


class _TimedResponse(FramedResponse):
    """A response whose reads, including the headers, end at the deadline."""

    def __init__(self, sock: "socket.socket", *args: Any, dialer: Dialer, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        if isinstance(sock, ssl.SSLSocket):
            # Anybody on the way can close a connection; only TLS's close_notify proves a complete body.
            cast("Any", sock).suppress_ragged_eofs = False
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock, dialer), _BUFFER_BYTES)


class _TimedReader(io.RawIOBase):
    """Sets the socket's timeout before each read, so that a server that drips bytes cannot hold it open."""

    def __init__(self, raw: io.RawIOBase, sock: "socket.socket", dialer: Dialer) -> None:
        self._raw = raw
        self._sock = sock
        self._dialer = dialer

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Reads the bytes that have arrived.

        Raises:
            TimeoutError: When nothing arrives within the read timeout, or the deadline has passed.
        """
        if self._dialer.deadline.passed:
            raise TimeoutError("the deadline has passed")
        self._sock.settimeout(min(self._dialer.read_timeout_seconds, timeout_seconds(self._dialer.deadline)))
        return cast("int | None", self._raw.readinto(buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()
