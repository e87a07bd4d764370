"""The invocation's time bounds every call to AWS, also one whose server never finishes its answer."""

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from local_aws.servers.hostile_source import Behaviour, HostileSource, answer, drip_head, stall
from tests.url_fetcher.invoking import ENVIRON, Context, Stream
from tests.url_fetcher.reading import ARN, Hostile, Objects
from url_fetcher import handler
from url_fetcher.aws_calls import PATIENCE, Patience
from url_fetcher.clients import Clients
from url_fetcher.deadline import Deadline, unbounded
from url_fetcher.errors import (
    ConfigurationUnavailable,
    DeadLettersUnavailable,
    DeadlineExceeded,
    IngestionError,
)


@dataclass(frozen=True)
class Everywhere(Mapping[str, Behaviour]):
    """The same behaviour at every path."""

    behaviour: Behaviour

    def __getitem__(self, path: str) -> Behaviour:
        return self.behaviour

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@pytest.fixture
def late_threads_end() -> Iterator[None]:
    """Wait for the threads that were left to their own timeouts; the server has stopped by then."""
    yield
    for thread in threading.enumerate():
        if thread.name == "bounded":
            thread.join()


@pytest.fixture
def endpoint(
    late_threads_end: None,  # noqa: ARG001 - set up before the server, so that it ends after it
    hostile: Hostile,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """AWS, as slow as the parameter says, at every endpoint."""
    server = hostile(Everywhere(request.param))
    # With more attempts, the threads that are left would go on to ask the server that has stopped.
    monkeypatch.setattr("url_fetcher.aws_calls.PATIENCE", {each: Patience(3, 10, 1) for each in PATIENCE})
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url(""))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def failure(clients: Clients, environ: dict[str, str], *, seconds: float = 2.2) -> IngestionError:
    """How a short invocation ends; two seconds of it are kept for reporting that."""
    with pytest.raises(IngestionError) as caught:
        handler.run({}, Context(seconds), environ=ENVIRON | environ, clients=clients)
    return caught.value


def configured(source: HostileSource, auth: dict[str, str]) -> Objects:
    """That source's settings."""
    return Objects(json.dumps([{"url": source.url("/"), "format": "ndjson", "auth": auth}]))


# A dripped header never ends, and no timeout of a single read ends the wait for it.
@pytest.mark.timeout(60)
@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize("endpoint", [drip_head, stall()], ids=["drips", "stalls"], indirect=True)
def test_dead_letters_end_with_the_invocation(hostile: Hostile) -> None:
    """A bucket that never finishes its answer ends in a retryable error."""
    source = hostile({"/": answer(b"1\n{bad\n")})
    objects = configured(source, {"kind": "none"})
    clients = Clients(kinesis=Stream(), s3=objects)
    error = failure(clients, {"SOURCES_URI": objects.uri, "DEAD_LETTER_BUCKET": "bucket"}, seconds=3)

    assert (type(error), error.retryable) == (DeadLettersUnavailable, True)


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize("endpoint", [drip_head, stall()], ids=["drips", "stalls"], indirect=True)
def test_a_secret_ends_with_the_invocation(hostile: Hostile) -> None:
    """Secrets Manager that does not answer ends in a retryable error before the source is asked."""
    source = hostile({"/": answer(b"1")})
    objects = configured(source, {"kind": "bearer", "secret_arn": ARN})
    error = failure(Clients(kinesis=Stream(), s3=objects), {"SOURCES_URI": objects.uri})

    assert (type(error), source.connections) == (DeadlineExceeded, 0)


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize("endpoint", [drip_head, stall()], ids=["drips", "stalls"], indirect=True)
def test_the_configured_sources_end_with_the_invocation() -> None:
    """An object of sources that does not come ends in a retryable error."""
    error = failure(Clients(kinesis=Stream()), {"SOURCES_URI": Objects.uri})

    assert (type(error), error.retryable) == (ConfigurationUnavailable, True)


def test_what_returns_in_time_is_returned() -> None:
    """The result comes from another thread."""
    assert Deadline(30).bounded(lambda: None) is None


def test_what_raises_in_time_raises() -> None:
    """An error is the caller's, as it was raised."""
    error = KeyError("x")

    def fail() -> None:
        raise error

    with pytest.raises(KeyError) as caught:
        unbounded().bounded(fail)

    assert caught.value is error


def test_nothing_begins_after_the_deadline() -> None:
    """A function is not called when there is no time for it."""
    called: list[bool] = []
    with pytest.raises(TimeoutError):
        Deadline(0).bounded(lambda: called.append(True))

    assert called == []
