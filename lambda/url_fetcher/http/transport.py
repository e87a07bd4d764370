"""Sends one request, follows allowed redirects, and translates errors."""

import http.client
import ssl
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import urllib3.exceptions
from urllib3.util import Retry

from url_fetcher.errors import AddressRefused, SourceError, SourceRejected, SourceTimeout, SourceUnavailable
from url_fetcher.http.addresses import same_origin
from url_fetcher.http.connection import pool_classes
from url_fetcher.http.framing import BrokenHttp
from url_fetcher.http.headers import without_own_headers
from url_fetcher.http.urls import from_header, joined, with_query
from url_fetcher.telling.redaction import public_url

with warnings.catch_warnings():
    # requests warns that no character detection is installed. None is needed: bodies stay bytes here.
    warnings.filterwarnings("ignore", "Unable to find acceptable character detection")
    import requests
    from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from urllib3 import HTTPResponse

    from url_fetcher.http.connection import Dialer

_REDIRECTS = {301, 302, 303, 307, 308}
_KEEPS_METHOD = {307, 308}
_MAX_REDIRECTS = 5
_DEFAULT_HEADERS = {
    "Accept": "application/json, application/x-ndjson;q=0.9, text/csv;q=0.8, */*;q=0.5",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": "url-fetcher/1",
}


@dataclass(frozen=True)
class Credentials:
    """Proof of identity; sent only to the source's own origin.

    Args:
        headers: Added to the request.
        query: Set in its URL.
        sign: Signs the finished request; called again for each redirect.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    sign: "Callable[[requests.PreparedRequest], None] | None" = None


@dataclass(frozen=True)
class Request:
    """One request.

    Args:
        url: The URL to request.
        home: A URL of the only origin that may receive credentials, body and the source's own headers.
        follow_redirects: False if a redirect would carry secrets in the body.
        before_redirect: Called before a redirect is followed, which is a request of its own.
    """

    url: str
    home: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    follow_redirects: bool = True
    before_redirect: Callable[[], object] = lambda: None


class Response:
    """An answer whose body is not read yet."""

    def __init__(self, raw: "HTTPResponse", url: str, dialer: "Dialer") -> None:
        self.url = url
        self.status: int = raw.status
        self.headers = requests.structures.CaseInsensitiveDict(raw.headers)
        self._raw = raw
        self._dialer = dialer

    def read(self, size: int) -> bytes:
        """Returns up to ``size`` bytes of the body as received; none at its end.

        Raises:
            SourceTimeout: When the read timeout or the deadline passes; retryable.
            SourceRejected: When the body's chunks break HTTP; not retryable.
            SourceUnavailable: When the connection breaks or the body is cut short; retryable.
        """
        with translated(self.url, self._dialer):
            return self._raw.read(size, decode_content=False)

    @contextmanager
    def hurried(self, seconds: float) -> "Iterator[None]":
        """Ends every read within after that many seconds more, however long the source may take otherwise."""
        deadline = self._dialer.deadline
        self._dialer.deadline = deadline.earlier(seconds)
        try:
            yield
        finally:
            self._dialer.deadline = deadline

    def close(self) -> None:
        """Closes the connection, unless the body was read to its end and the pool already has it back."""
        self._raw.close()


class Transport:
    """Sends requests through a dialer's connections; no proxies, cookies or credentials of the environment.

    Args:
        dialer: Makes the connections.
    """

    def __init__(self, dialer: "Dialer") -> None:
        self._dialer = dialer
        self._adapter = _DialedAdapter(dialer)

    def open(self, request: Request, credentials: Credentials) -> Response:
        """Returns the answer after at most five redirects, with its body unread.

        Raises:
            AddressRefused: When the URL, a redirect or a peer is not allowed, or another origin would get
                the request's body; not retryable.
            SourceRejected: When there are too many redirects, the answer breaks HTTP, or the certificate is
                invalid; not retryable.
            SourceTimeout: When connecting or waiting takes too long; retryable.
            SourceUnavailable: When the connection fails; retryable.
        """
        url, method, body, is_home = request.url, request.method, request.body, True
        for _ in range(_MAX_REDIRECTS + 1):
            if body and not same_origin(url, request.home):
                raise AddressRefused(
                    f"{public_url(url)}: a redirect or a next page would take the request's body to another "
                    "origin (scheme, host or port); set the source's `url` to that one if that is meant"
                )
            # After a redirect to another origin no secret is sent any more, even if that redirects back.
            is_home = is_home and same_origin(url, request.home)
            response = self._send(method, url, body, request, credentials if is_home else None)
            location = response.headers.get("Location")
            if not location or response.status not in _REDIRECTS:
                return response
            # The redirect's body is not read: it could be endless.
            response.close()
            if not request.follow_redirects:
                raise AddressRefused(f"{public_url(url)}: redirects to another URL; set the URL to that one")
            request.before_redirect()
            url = joined(url, from_header(location))
            if response.status not in _KEEPS_METHOD and method != "GET":
                method, body = "GET", b""
        raise SourceRejected(
            f"{public_url(request.url)}: over {_MAX_REDIRECTS} redirects, the last to {public_url(url)}; "
            "set `url` to where they should end"
        )

    def _send(
        self, method: str, url: str, body: bytes, request: Request, credentials: Credentials | None
    ) -> Response:
        """Sends one request and returns its answer, whatever its status."""
        own = request.headers if credentials is not None else without_own_headers(request.headers)
        headers = {
            name: value for name, value in _DEFAULT_HEADERS.items() if name.lower() not in map(str.lower, own)
        }
        headers |= own
        if credentials is not None:
            headers |= credentials.headers
        with translated(url, self._dialer):
            prepared = requests.Request(
                method,
                with_query(url, credentials.query if credentials else {}),
                headers=headers,
                data=body or None,
                # None would be taken for a table, and asked whether it is a file.
                params="",
            ).prepare()
            if credentials is not None and credentials.sign is not None:
                credentials.sign(prepared)
            # The prepared URL is checked, because requests may have quoted it anew.
            self._dialer.policy.check_url(str(prepared.url), home=request.home)
            answer = self._adapter.send(
                prepared,
                stream=True,
                timeout=(self._dialer.connect_timeout_seconds, self._dialer.read_timeout_seconds),
                verify=True,
            )
        return Response(answer.raw, url, self._dialer)

    def close(self) -> None:
        """Close all connections."""
        self._adapter.close()


class _DialedAdapter(HTTPAdapter):
    """requests' adapter on a dialer's connections, without retries: those are made in ``exchange``."""

    def __init__(self, dialer: "Dialer") -> None:
        self._dialer = dialer
        super().__init__(pool_connections=4, pool_maxsize=1, max_retries=Retry(False))

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = pool_classes(self._dialer)

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:
        """As requests', with the dialer's own authorities; a connection serves no request with others."""
        host, pool = super().build_connection_pool_key_attributes(*args, **kwargs)
        own = self._dialer.ca_certificates
        return host, {**pool, "ca_cert_data": own} if own else pool


@contextmanager
def translated(url: str, dialer: "Dialer") -> Iterator[None]:
    """Translates errors of the libraries into ours and keeps their cause.

    Raises:
        SourceError: Of the matching class, which says whether it is retryable.
    """
    try:
        yield
    except (
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        http.client.HTTPException,
        OSError,
        UnicodeError,
    ) as error:
        raise _translate(error, public_url(url), dialer) from error


def _translate(error: Exception, url: str, dialer: "Dialer") -> SourceError:
    """The matching error of our own."""
    chain = list(_causes(error))
    if refused := next((each for each in chain if isinstance(each, ssl.SSLCertVerificationError)), None):
        # In OpenSSL's words, not in the server's.
        reason = getattr(refused, "verify_message", "unknown reason").rstrip(".")
        return SourceRejected(
            f"{url}: its certificate cannot be verified ({reason}); it must be valid for this host, and "
            "signed by a public authority or by one of the source's `ca_certificates`"
        )
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema | ValueError):
        return AddressRefused(f"{url}: not a URL that can be asked for", cause=type(error).__name__)
    if any(isinstance(each, TimeoutError | urllib3.exceptions.TimeoutError) for each in chain):
        limit = (
            "the deadline" if dialer.deadline.passed else f"{dialer.read_timeout_seconds:g} s without a byte"
        )
        return SourceTimeout(f"{url}: no answer or no more of it: {limit} passed", cause=type(error).__name__)
    if broken := next((each for each in chain if isinstance(each, BrokenHttp)), None):
        return SourceRejected(f"{url}: its answer breaks HTTP: {broken}; the server has to be fixed")
    if any(isinstance(each, http.client.BadStatusLine) for each in chain):
        # Retryable: the rest of a faulty answer before may be read from a kept connection as the next one.
        return SourceUnavailable(f"{url}: its answer is not HTTP/1", cause=type(error).__name__)
    if any(isinstance(each, http.client.IncompleteRead | ssl.SSLEOFError) for each in chain):
        return SourceUnavailable(f"{url}: the connection was cut short", cause=type(error).__name__)
    return SourceUnavailable(
        f"{url}: the connection failed: {type(chain[-1]).__name__}", cause=type(error).__name__
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yields the error and those that it wraps, by cause, context, or argument as urllib3 does."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        inner = [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
        waiting += [one for one in inner if isinstance(one, BaseException)]
