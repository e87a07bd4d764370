"""Sends one request, follows its redirects by the rules, and translates what goes wrong."""

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
    # The zip has nothing to guess a text's encoding with, and requests warns of that; bodies here are bytes.
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
    """What proves who asks; sent to the source's own origin only.

    Args:
        headers: Added to the request.
        query: Set in its URL.
        sign: Changes the request last, when nothing else will; called anew for each that is sent.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    sign: "Callable[[requests.PreparedRequest], None] | None" = None


@dataclass(frozen=True)
class Request:
    """One request.

    Args:
        url: Where to.
        home: A URL of the origin that may get credentials, body and the source's own headers.
        follow_redirects: Off where a redirect would carry secrets in the body.
    """

    url: str
    home: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    follow_redirects: bool = True


class Response:
    """An answer whose body is still to be read."""

    def __init__(self, raw: "HTTPResponse", url: str, dialer: "Dialer") -> None:
        self.url = url
        self.status: int = raw.status
        self.headers = requests.structures.CaseInsensitiveDict(raw.headers)
        self._raw = raw
        self._dialer = dialer

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes of the body as they came over the wire; none at its end.

        Raises:
            SourceTimeout: When a read or the deadline runs out; retryable.
            SourceRejected: When the body's chunks break HTTP; not retryable.
            SourceUnavailable: When the connection breaks or the body is cut short; retryable.
        """
        with translated(self.url, self._dialer):
            return self._raw.read(size, decode_content=False)

    def close(self) -> None:
        """Close the connection; one that was read to its end has gone back to the pool by itself."""
        self._raw.close()


class Transport:
    """Sends requests through a dialer's connections; no proxies, cookies or credentials of the environment.

    Args:
        dialer: Makes the connections.
        verify: True, or a file with the certificates of the authorities to trust instead.
    """

    def __init__(self, dialer: "Dialer", *, verify: bool | str = True) -> None:
        self._dialer = dialer
        self._verify = verify
        self._adapter = _DialedAdapter(dialer)

    def open(self, request: Request, credentials: Credentials) -> Response:
        """The answer after at most five redirects, its body unread.

        Raises:
            AddressRefused: When the URL, a redirect or a peer is not allowed, or another origin would get
                the request's body; not retryable.
            SourceRejected: When it redirects without end, breaks HTTP or has no valid certificate; not
                retryable.
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
            # After a redirect to another origin no secret is sent any more, not even on the way back.
            is_home = is_home and same_origin(url, request.home)
            response = self._send(method, url, body, request, credentials if is_home else None)
            location = response.headers.get("Location")
            if not location or response.status not in _REDIRECTS:
                return response
            response.close()
            if not request.follow_redirects:
                raise AddressRefused(f"{public_url(url)}: redirects to another URL; set the URL to that one")
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
        """One exchange with one peer."""
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
            ).prepare()
            if credentials is not None and credentials.sign is not None:
                credentials.sign(prepared)
            # What was prepared is what is checked: requests may have requoted the URL.
            self._dialer.policy.check_url(str(prepared.url))
            answer = self._adapter.send(
                prepared,
                stream=True,
                timeout=(self._dialer.connect_timeout_seconds, self._dialer.read_timeout_seconds),
                verify=self._verify,
            )
        return Response(answer.raw, url, self._dialer)

    def close(self) -> None:
        """Close all connections."""
        self._adapter.close()


class _DialedAdapter(HTTPAdapter):
    """requests' adapter on a dialer's connections; retries are ours, so none are made below."""

    def __init__(self, dialer: "Dialer") -> None:
        self._dialer = dialer
        super().__init__(pool_connections=4, pool_maxsize=1, max_retries=Retry(False))

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = pool_classes(self._dialer)


@contextmanager
def translated(url: str, dialer: "Dialer") -> Iterator[None]:
    """Turn foreign errors into ours, the cause kept.

    Raises:
        SourceError: Of the kind that says the same; retryable if asking again may help.
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
    """The error of our tree that says the same."""
    chain = list(_causes(error))
    if any(isinstance(each, ssl.SSLCertVerificationError | ssl.CertificateError) for each in chain):
        return SourceRejected(f"{url}: its certificate cannot be verified; it must be valid for this host")
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
        # Worth another try: after a fault in the answer before, a kept connection is out of step.
        return SourceUnavailable(f"{url}: its answer is not HTTP/1", cause=type(error).__name__)
    if any(isinstance(each, http.client.IncompleteRead | ssl.SSLEOFError) for each in chain):
        return SourceUnavailable(f"{url}: the connection was cut short", cause=type(error).__name__)
    return SourceUnavailable(
        f"{url}: the connection failed: {type(chain[-1]).__name__}", cause=type(error).__name__
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps, by cause, by context and, as urllib3 does, by argument."""
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
