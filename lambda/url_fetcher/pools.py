"""urllib3's connection pools on a dialer's sockets, reading in time."""

import functools
import http.client
import io
from typing import TYPE_CHECKING, Any, ClassVar, cast

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from url_fetcher.connection import Dialer, timeout_seconds

if TYPE_CHECKING:
    import socket

_BUFFER_BYTES = 65_536


def pool_classes(dialer: Dialer) -> dict[str, type[HTTPConnectionPool]]:
    """urllib3's pools by scheme, making connections through a dialer."""
    plain = type("DialedHTTPConnection", (_Dialed, HTTPConnection), {"dialer": dialer})
    secure = type("DialedHTTPSConnection", (_Dialed, HTTPSConnection), {"dialer": dialer})
    return {
        "http": type("DialedHTTPPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("DialedHTTPSPool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }


class _Dialed:
    """Mixed into urllib3's connections: the socket comes from the dialer, responses read in time."""

    dialer: ClassVar[Dialer]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.response_class = functools.partial(_TimedResponse, dialer=self.dialer)

    def _new_conn(self) -> "socket.socket":
        connection = cast("HTTPConnection", self)
        return self.dialer.connect(connection.host, connection.port)


class _TimedResponse(http.client.HTTPResponse):
    """A response none of whose reads, headers included, waits beyond the deadline."""

    def __init__(self, sock: "socket.socket", *args: Any, dialer: Dialer, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock, dialer), _BUFFER_BYTES)


class _TimedReader(io.RawIOBase):
    """Sets the socket's timeout anew before each read: a drip that never stalls still ends in time."""

    def __init__(self, raw: io.RawIOBase, sock: "socket.socket", dialer: Dialer) -> None:
        self._raw = raw
        self._sock = sock
        self._dialer = dialer

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what has arrived.

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
