"""Requests pages with the function's own code, within the limits of a probe."""

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from url_fetcher.deadline import Deadline
from url_fetcher.errors import ConfigurationError, IngestionError
from url_fetcher.http.addresses import AddressPolicy
from url_fetcher.http.body import Body
from url_fetcher.http.connection import Dialer
from url_fetcher.http.transport import Credentials, Request, Response, Transport
from url_fetcher.source.auth.auth_kind import OwnRole, Session

if TYPE_CHECKING:
    from url_fetcher.source.auth.secrets import SecretCache

MAX_REQUESTS = 12
MAX_MIB = 8
_MIB = 1024 * 1024
MAX_DECOMPRESSED_MIB = 32
_SECONDS = 120.0
_PIECE_BYTES = 65_536


class BoundReached(Exception):
    """When the next request would exceed the limit of a probe."""


@dataclass
class Spent:
    """The requests of a probe, including redirects and token servers, and the bytes of their bodies."""

    requests: int = 0
    received_bytes: int = 0

    def count_request(self) -> None:
        """Counts a request before it is sent.

        Raises:
            BoundReached: When none is left.
        """
        if self.requests >= MAX_REQUESTS:
            raise BoundReached(f"a probe sends {MAX_REQUESTS} requests at most, redirects included")
        self.requests += 1


@dataclass(frozen=True)
class Answer:
    """An answer, with the beginning of its decompressed body.

    Attributes:
        is_cut: True if the body is longer than ``body``.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    received_bytes: int
    is_cut: bool


@dataclass(frozen=True)
class Secrets:
    """The credentials of a probe.

    Args:
        given: Sent instead of those of the source's ``auth``; None to use that ``auth``.
        open_cache: Returns the secrets of the source's ``auth``.
        own_role: Returns the keys that sign requests.
    """

    given: Credentials | None = None
    open_cache: "Callable[[], SecretCache] | None" = None
    own_role: Callable[[], OwnRole] | None = None


@dataclass
class Client:
    """Sends a probe's requests, without retries."""

    secrets: Secrets = field(default_factory=Secrets)
    policy: AddressPolicy = field(
        default_factory=lambda: AddressPolicy(allow_http=True, allow_private_networks=True)
    )
    spent: Spent = field(default_factory=Spent)
    ca_certificates: str = ""

    def __post_init__(self) -> None:
        self.deadline = Deadline(_SECONDS)
        dialer = Dialer(
            self.policy,
            deadline=self.deadline,
            connect_timeout_seconds=10,
            read_timeout_seconds=30,
            ca_certificates=self.ca_certificates,
        )
        self.transport = KeptTransport(dialer, self.spent, self.secrets.given)

    @property
    def session(self) -> Session:
        """The resources for the source's authentication."""
        secrets = self.secrets
        return Session(secrets.open_cache or _no_secrets, self.transport, secrets.own_role or _no_role)

    def close(self) -> None:
        """Close all connections."""
        self.transport.close()

    @property
    def answer(self) -> Answer | None:
        """The last answer, decompressed until it ends or the limit is reached; None if there was none.

        Raises:
            MalformedBody: When its body cannot be decompressed.
        """
        response = self.transport.last
        if response is None:
            return None
        response = response.again()
        is_cut = response.is_cut
        body = Body(
            response.read_kept,
            content_encoding=response.headers.get("Content-Encoding", ""),
            content_type=response.headers.get("Content-Type", "") if response.status < 400 else "",
            max_body_mib=MAX_MIB,
            max_decompressed_mib=1024,
        )
        content = bytearray()
        try:
            for chunk in body:
                content += chunk
                if len(content) > MAX_DECOMPRESSED_MIB * _MIB:
                    is_cut = True
                    break
        except IngestionError:
            # Cutting a compressed body makes it invalid, and error pages may be HTML: neither is a finding.
            if not is_cut and response.status < 400:
                raise
        return Answer(
            response.url, response.status, response.headers, bytes(content), response.received_bytes, is_cut
        )


class KeptResponse(Response):
    """An answer whose body was read before, as far as the limit of a probe lets it."""

    def __init__(self, response: Response, content: bytes, *, is_cut: bool) -> None:
        # The function's own code may use any attribute of an answer.
        vars(self).update(vars(response))
        # It would keep the connection open as long as this answer is kept.
        vars(self).pop("_raw", None)
        self.is_cut = is_cut
        self._content = content
        self._body = io.BytesIO(content)

    @property
    def received_bytes(self) -> int:
        """The length of the body as it was received."""
        return len(self._content)

    def again(self) -> "KeptResponse":
        """The same answer from its beginning."""
        return KeptResponse(self, self._content, is_cut=self.is_cut)

    def read(self, size: int) -> bytes:
        """Returns up to ``size`` bytes of the body.

        Raises:
            BoundReached: At the end of a body that was cut.
        """
        piece = self.read_kept(size)
        if not piece and self.is_cut:
            raise BoundReached(f"a probe reads {MAX_MIB} MiB at most")
        return piece

    def read_kept(self, size: int) -> bytes:
        """Returns up to ``size`` bytes of the part that was read."""
        return self._body.read(size)

    @contextmanager
    def hurried(self, seconds: float) -> Iterator[None]:  # noqa: ARG002 - the transport's
        """Does nothing: the body is there."""
        yield

    def close(self) -> None:
        """Does nothing: no connection is open."""


class KeptTransport(Transport):
    """Sends no request twice: its answers are kept. Counts every request, redirects and token servers' too.

    Args:
        dialer: Makes the connections.
        spent: Is increased by every request.
        given: Credentials that replace those of a source; None to use its own.

    Attributes:
        last: The answer to the last request.
        is_closed: True to refuse every further request by `Closed`.
    """

    def __init__(self, dialer: Dialer, spent: Spent, given: Credentials | None) -> None:
        super().__init__(dialer)
        self.is_closed = False
        self.last: KeptResponse | None = None
        self._spent = spent
        self._given = given
        self._kept: dict[object, KeptResponse] = {}

    def open(self, request: Request, credentials: Credentials) -> KeptResponse:
        """Returns the answer, from those that are kept if the same request was sent before.

        Raises:
            BoundReached: When no request is left.
            Closed: When no further request is wanted.
        """
        if self.is_closed:
            raise Closed
        key = (request.method, request.url, request.body, *sorted(request.headers.items()))
        if key not in self._kept:
            self._kept[key] = self._read(super().open(request, self._given or credentials))
        self.last = self._kept[key].again()
        return self.last

    def _read(self, response: Response) -> KeptResponse:
        left = MAX_MIB * _MIB - self._spent.received_bytes
        content, is_cut = bytearray(), False
        try:
            while piece := response.read(min(_PIECE_BYTES, left - len(content) + 1)):
                content += piece
                if len(content) > left:
                    is_cut = True
                    break
        finally:
            response.close()
            self._spent.received_bytes += min(len(content), left)
        return KeptResponse(response, bytes(content[:left]), is_cut=is_cut)

    def _send(
        self, method: str, url: str, body: bytes, request: Request, credentials: Credentials | None
    ) -> Response:
        self._spent.count_request()
        return super()._send(method, url, body, request, credentials)


class Closed(Exception):
    """When a request would be sent although no further one is wanted."""


def _no_secrets() -> "SecretCache":
    raise ConfigurationError("the source's secret is not read here; give it in PROBE_AUTHORIZATION")


def _no_role() -> OwnRole:
    raise ConfigurationError("requests are not signed here")
