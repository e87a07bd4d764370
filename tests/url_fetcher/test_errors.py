"""Every error that leaves the function is one of its own, and each of those can be met."""

import http.client
import socket
import ssl
from collections.abc import Callable

import botocore.exceptions
import pytest
import requests.exceptions
import urllib3.exceptions
from botocore.exceptions import EndpointConnectionError

from local_aws.servers.hostile_source import answer, redirect
from tests.url_fetcher.invoking import Stream, invoke
from tests.url_fetcher.reading import ARN, LOCAL, Hostile, Secrets, Waits, bodies_of, reader_of
from url_fetcher import errors
from url_fetcher.deadline import Deadline
from url_fetcher.errors import IngestionError, SourceError
from url_fetcher.http.addresses import AddressPolicy
from url_fetcher.http.connection import Dialer
from url_fetcher.http.transport import Credentials, Request, Transport
from url_fetcher.intake.source_list import GetsObjects, SourceList


def family(root: type[BaseException]) -> list[type[BaseException]]:
    """A class and all that derive from it."""
    return [root, *(each for child in root.__subclasses__() for each in family(child))]


def own(root: type[BaseException]) -> list[type[BaseException]]:
    """The family's classes of its own package."""
    package = root.__module__.partition(".")[0]
    found = {each for each in family(root) if each.__module__.partition(".")[0] == package}
    return sorted(found, key=lambda each: each.__name__)


FOREIGN = [
    *own(requests.exceptions.RequestException),
    *own(urllib3.exceptions.HTTPError),
    *own(http.client.HTTPException),
    ssl.SSLError,
    ssl.SSLCertVerificationError,
    TimeoutError,
    ConnectionResetError,
    BrokenPipeError,
    socket.gaierror,
]


@pytest.mark.parametrize("foreign", FOREIGN, ids=lambda each: f"{each.__module__}.{each.__name__}")
def test_foreign_errors_of_a_request_are_translated(
    foreign: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever requests, urllib3, http.client or a socket raises arrives as a SourceError with its cause."""
    error = foreign.__new__(foreign)

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("requests.adapters.HTTPAdapter.send", fail)
    dialer = Dialer(LOCAL, deadline=Deadline(5), connect_timeout_seconds=1, read_timeout_seconds=1)
    with pytest.raises(SourceError) as caught:
        Transport(dialer).open(Request(url="http://a.test/", home="http://a.test/"), Credentials())

    assert caught.value.__cause__ is error


@pytest.mark.parametrize("foreign", own(botocore.exceptions.BotoCoreError), ids=lambda each: each.__name__)
def test_foreign_errors_of_a_secret_are_translated(foreign: type[Exception]) -> None:
    """Whatever botocore raises for a secret arrives as ours with its cause."""
    error = foreign.__new__(foreign)

    class Failing(Secrets):
        """Raises."""

        def get_secret_value(self, **_: object) -> dict[str, str]:
            """Raise."""
            raise error

    with pytest.raises(IngestionError) as caught:
        Failing().cache().secret(ARN, "token")

    assert caught.value.__cause__ is error


def configuration(_: Hostile) -> None:
    """A source without a URL."""
    reader_of({})


def address(_: Hostile) -> None:
    """A private address that is not allowed."""
    bodies_of(reader_of({"url": "https://127.0.0.1/"}, policy=AddressPolicy()))


def rejected(hostile: Hostile) -> None:
    """A redirect without end."""
    bodies_of(reader_of({"url": hostile({"/": redirect("/")}).url("/")}))


def unavailable(hostile: Hostile) -> None:
    """503 for ever."""
    bodies_of(reader_of({"url": hostile({"/": answer(b"", status=503)}).url("/")}))


def timeout(_: Hostile) -> None:
    """A source whose time is over before it begins."""
    bodies_of(reader_of({"url": "http://127.0.0.1:1024/"}, deadline=Deadline(0)))


def limit(hostile: Hostile) -> None:
    """A body over its limit."""
    body = answer(b" " * (1024 * 1024 + 1))
    bodies_of(reader_of({"url": hostile({"/": body}).url("/"), "limits": {"max_body_mib": 1}}))


def malformed(hostile: Hostile) -> None:
    """HTML."""
    bodies_of(reader_of({"url": hostile({"/": answer(b"<html>")}).url("/")}))


def loop(hostile: Hostile) -> None:
    """A source that ignores the page's number."""
    source = hostile({"/": answer(b"[1]")})
    bodies_of(reader_of({"url": source.url("/"), "pagination": {"kind": "page"}}))


def late(hostile: Hostile) -> None:
    """A Retry-After that does not fit."""
    source = hostile({"/": answer(b"", status=429, headers={"Retry-After": "99"})})
    bodies_of(reader_of({"url": source.url("/")}, deadline=Waits().deadline(9)))


def sources_unavailable(hostile: Hostile) -> None:  # noqa: ARG001 - as all of them
    """The object of the sources is behind a port where nobody listens."""
    error = EndpointConnectionError(endpoint_url="https://s3.test")

    def client() -> GetsObjects:
        raise error

    _ = SourceList("s3://lake/config/sources.json", client).all


def urls(hostile: Hostile) -> None:
    """A URL of many fails, and there is no queue."""
    invoke(Stream(), {"urls": [hostile({}).url("/")]})


REACHED: dict[type[IngestionError], tuple[Callable[[Hostile], None], bool]] = {
    errors.ConfigurationError: (configuration, False),
    errors.ConfigurationUnavailable: (sources_unavailable, True),
    errors.AddressRefused: (address, False),
    errors.SourceRejected: (rejected, False),
    errors.SourceUnavailable: (unavailable, True),
    errors.SourceTimeout: (timeout, True),
    errors.LimitExceeded: (limit, False),
    errors.MalformedBody: (malformed, False),
    errors.PaginationLoop: (loop, False),
    errors.DeadlineExceeded: (late, True),
    errors.UrlsFailed: (urls, True),
}


@pytest.mark.parametrize("error", REACHED, ids=lambda each: each.__name__)
def test_each_error_of_fetching_can_be_met(hostile: Hostile, error: type[IngestionError]) -> None:
    """Each class is raised as itself, and says whether the same event may yet succeed."""
    provoke, is_retryable = REACHED[error]
    with pytest.raises(error) as caught:
        provoke(hostile)

    assert (type(caught.value), caught.value.retryable) == (error, is_retryable)


def test_no_error_is_forgotten() -> None:
    """Every class that has no children is met above, belongs to delivering or is for what nobody foresees."""
    leaves = {each for each in own(IngestionError) if not each.__subclasses__()}

    assert leaves - set(REACHED) - set(own(errors.DeliveryError)) == {errors.UnexpectedError}
