"""A web server that behaves as badly as it is told, to show that a fetch survives it.

It listens on a free port of 127.0.0.1, and every connection ends with it. A behaviour is a function
that gets the connection and the request and writes whatever bytes it likes.

    with HostileSource({"/posts": answer(b"[]"), "/slow": drip()}) as source:
        source.url("/posts")
"""

import fcntl
import gzip
import itertools
import json
import socket
import ssl
import struct
import sys
import termios
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self
from urllib.parse import parse_qsl

_TICK_SECONDS = 0.02
_HEAD_BYTES = 65_536
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True)
class Request:
    """The request of a client."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    target: str = ""
    """Path and query as they came, before anything was decoded."""


@dataclass
class Connection:
    """One client's connection, and whether the server is being stopped."""

    sock: socket.socket
    stopped: threading.Event

    def send(self, data: bytes) -> None:
        """Sends these bytes unchanged."""
        self.sock.sendall(data)

    def unsent_bytes(self) -> int:
        """The bytes that the client's side has not acknowledged yet."""
        answer = fcntl.ioctl(self.sock, termios.TIOCOUTQ, bytes(4))
        return int.from_bytes(answer, sys.byteorder)

    def ticks(self) -> Iterator[int]:
        """Counts up, 50 times a second, until the server stops."""
        for number in itertools.count():
            if self.stopped.wait(_TICK_SECONDS):
                return
            yield number


Behaviour = Callable[[Connection, Request], None]


@dataclass
class HostileSource:
    """The server; a context manager.

    Args:
        behaviours: The behaviour for each path.
        tls: The server's side of TLS; plain HTTP without it.
    """

    behaviours: Mapping[str, Behaviour]
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list, init=False)
    connections: int = field(default=0, init=False)

    def __enter__(self) -> Self:
        self._stopped = threading.Event()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="hostile-source", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in list(self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def url(self, path: str, *, host: str = "127.0.0.1") -> str:
        """The URL of a path here."""
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    def _accept(self) -> None:
        threads = []
        while not self._stopped.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                break
            self._open.add(sock)
            self.connections += 1
            threads.append(threading.Thread(target=self._serve, args=(sock,), daemon=True))
            threads[-1].start()
        for thread in threads:
            thread.join()

    def _serve(self, plain: socket.socket) -> None:
        sock = plain
        # A client that gives up in the middle is what most behaviours are for.
        with suppress(OSError):
            if self.tls:
                sock = self.tls.wrap_socket(plain, server_side=True)
            connection = Connection(sock, self._stopped)
            while request := _read_request(sock):
                self.requests.append(request)
                self.behaviours.get(request.path, answer(b"no such path", status=404))(connection, request)
        self._open.discard(plain)
        sock.close()


def _read_request(sock: socket.socket) -> Request | None:
    """The next request of a connection; None when the client has closed it."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = sock.recv(_HEAD_BYTES)
        if not data:
            return None
        head += data
    top, _, body = head.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")) and (data := sock.recv(_HEAD_BYTES)):
        body += data
    path, _, query = target.partition("?")
    return Request(method, path, dict(parse_qsl(query, keep_blank_values=True)), headers, body, target)


def head(status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """A status line and headers."""
    lines = [f"HTTP/1.1 {status} {_PHRASES.get(status, '')}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def answer(
    body: bytes,
    *,
    status: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Behaviour:
    """Answers as a good server would."""

    def behave(connection: Connection, request: Request) -> None:  # noqa: ARG001 - the seam has it
        known = {"Content-Type": content_type, "Content-Length": str(len(body))}
        connection.send(head(status, known | dict(headers or {})) + body)

    return behave


def records(values: Sequence[object]) -> Behaviour:
    """Answers a JSON array."""
    return answer(json.dumps(values).encode())


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Uses the next behaviour for each request, and the last one for ever."""
    waiting = list(behaviours)

    def behave(connection: Connection, request: Request) -> None:
        (waiting.pop(0) if len(waiting) > 1 else waiting[0])(connection, request)

    return behave


def drip(prefix: bytes = b"[1", byte: bytes = b" ") -> Behaviour:
    """Send one byte after the other for ever, so that no single read ever times out."""

    def behave(connection: Connection, request: Request) -> None:  # noqa: ARG001 - the seam has it
        connection.send(head(headers={"Content-Type": "application/json"}) + prefix)
        for _ in connection.ticks():
            connection.send(byte)

    return behave


def drip_head(connection: Connection, request: Request) -> None:  # noqa: ARG001 - the seam has it
    """Send a header that never ends, byte by byte."""
    connection.send(b"HTTP/1.1 200 OK\r\nX-Endless: ")
    for _ in connection.ticks():
        connection.send(b"a")


def stall(prefix: bytes = b"") -> Behaviour:
    """Send the prefix, then nothing; the connection stays open."""

    def behave(connection: Connection, request: Request) -> None:  # noqa: ARG001 - the seam has it
        connection.send(prefix)
        for _ in connection.ticks():
            pass

    return behave


def reset(prefix: bytes = b"") -> Behaviour:
    """Send the prefix, then reset the connection when the client's side has all of it."""

    def behave(connection: Connection, request: Request) -> None:  # noqa: ARG001 - the seam has it
        connection.send(prefix)
        # A reset throws away what still waits to be sent.
        for _ in connection.ticks():
            if not connection.unsent_bytes():
                break
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sock.close()

    return behave


def raw(data: bytes) -> Behaviour:
    """Send these bytes, head and all, then close; under TLS without close_notify."""

    def behave(connection: Connection, request: Request) -> None:  # noqa: ARG001 - the seam has it
        connection.send(data)
        connection.sock.shutdown(socket.SHUT_RDWR)

    return behave


def ended_tls(data: bytes) -> Behaviour:
    """Send these bytes, head and all, then end TLS as a good server does."""

    def behave(connection: Connection, request: Request) -> None:  # noqa: ARG001 - the seam has it
        connection.send(data)
        if isinstance(connection.sock, ssl.SSLSocket):
            connection.sock.unwrap()

    return behave


def flood(prefix: bytes, piece: bytes) -> Behaviour:
    """Send the prefix, then the piece for ever, as fast as it is read."""

    def behave(connection: Connection, request: Request) -> None:  # noqa: ARG001 - the seam has it
        connection.send(prefix)
        while not connection.stopped.is_set():
            connection.send(piece)

    return behave


def wrong_length(body: bytes, length: int) -> Behaviour:
    """Promise ``length`` bytes, send the body, close."""
    return raw(head(headers={"Content-Type": "application/json", "Content-Length": str(length)}) + body)


def cut_chunks(body: bytes) -> Behaviour:
    """Send the body as one chunk of several, and close before the last."""
    start = head(headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
    return raw(start + f"{len(body):x}\r\n".encode() + body + b"\r\n")


def endless(piece: bytes = b'{"id":1},' * 8_192, prefix: bytes = b"[") -> Behaviour:
    """Send records for ever, as fast as they are read."""
    return flood(head(headers={"Content-Type": "application/json"}) + prefix, piece)


def gzip_bomb(mib: int) -> Behaviour:
    """Send a body that is a thousand times larger than what goes over the wire."""
    stream = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join([*(stream.compress(b" " * 1024 * 1024) for _ in range(mib)), stream.flush()])
    return answer(packed, headers={"Content-Encoding": "gzip"})


def gzipped(body: bytes, *, encoding: str = "gzip") -> Behaviour:
    """Answer with a body in gzip; as a file, without Content-Encoding, when ``encoding`` is empty."""
    return answer(gzip.compress(body), headers={"Content-Encoding": encoding} if encoding else {})


def redirect(target: str, *, status: int = 302) -> Behaviour:
    """Redirects to another URL."""
    return answer(b"", status=status, headers={"Location": target})
