"""Requests pages with the function's own code, within the limits of a probe."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import xxhash

from url_fetcher.deadline import Deadline
from url_fetcher.errors import ConfigurationError, IngestionError
from url_fetcher.http.addresses import AddressPolicy
from url_fetcher.http.body import Body
from url_fetcher.http.connection import Dialer
from url_fetcher.http.transport import Credentials, Request, Response, Transport
from url_fetcher.source.auth.auth_kind import OwnRole, Session
from url_fetcher.source.pages.pagination_kind import Step
from url_fetcher.source.request import request_of
from url_fetcher.source.schema import Source

if TYPE_CHECKING:
    from url_fetcher.source.auth.secrets import SecretCache

MAX_REQUESTS = 5
MAX_MIB = 4
_MIB = 1024 * 1024
_MAX_DECOMPRESSED_BYTES = 4 * MAX_MIB * _MIB
_SECONDS = 120.0


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

    @property
    def digest(self) -> int:
        """The digest of the body, for the guard against loops."""
        return xxhash.xxh3_64_intdigest(self.body)


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

    def __post_init__(self) -> None:
        dialer = Dialer(
            self.policy,
            deadline=Deadline(_SECONDS),
            connect_timeout_seconds=10,
            read_timeout_seconds=30,
        )
        self._transport = _CountingTransport(dialer, self.spent)

    def ask(self, source: Source, step: Step) -> Answer:
        """Requests one page.

        Raises:
            BoundReached: When no request is left.
            IngestionError: When there is no answer, or its body cannot be read.
        """
        response = self._transport.open(request_of(source, step), self._credentials(source))
        try:
            return self._answer(response)
        finally:
            response.close()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def _credentials(self, source: Source) -> Credentials:
        if self.secrets.given is not None:
            return self.secrets.given
        session = Session(
            self.secrets.open_cache or _no_secrets, self._transport, self.secrets.own_role or _no_role
        )
        return source.auth.credentials(session)

    def _answer(self, response: Response) -> Answer:
        """Reads the answer's body until it ends or the limit is reached."""
        is_cut, before = False, self.spent.received_bytes

        def read(size: int) -> bytes:
            nonlocal is_cut
            left = MAX_MIB * _MIB - self.spent.received_bytes
            piece = response.read(min(size, left)) if left > 0 else b""
            is_cut = is_cut or left <= 0
            self.spent.received_bytes += len(piece)
            return piece

        body = Body(
            read,
            content_encoding=response.headers.get("Content-Encoding", ""),
            content_type=response.headers.get("Content-Type", "") if response.status < 400 else "",
            max_body_mib=MAX_MIB,
            max_decompressed_mib=1024,
        )
        content = bytearray()
        try:
            for chunk in body:
                content += chunk
                if len(content) > _MAX_DECOMPRESSED_BYTES:
                    is_cut = True
                    break
        except IngestionError:
            # Cutting a compressed body makes it invalid, and error pages may be HTML: neither is a finding.
            if not is_cut and response.status < 400:
                raise
        received = self.spent.received_bytes - before
        return Answer(response.url, response.status, response.headers, bytes(content), received, is_cut)


class _CountingTransport(Transport):
    """Counts every request, including redirects and those to token servers."""

    def __init__(self, dialer: Dialer, spent: Spent) -> None:
        super().__init__(dialer)
        self._spent = spent

    def _send(
        self, method: str, url: str, body: bytes, request: Request, credentials: Credentials | None
    ) -> Response:
        self._spent.count_request()
        return super()._send(method, url, body, request, credentials)


def _no_secrets() -> "SecretCache":
    raise ConfigurationError("the source's secret is not read here; give it in PROBE_AUTHORIZATION")


def _no_role() -> OwnRole:
    raise ConfigurationError("requests are not signed here")
