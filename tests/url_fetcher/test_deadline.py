"""The invocation's time bounds every call to AWS, also one whose server never finishes its answer."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from local_aws.servers.hostile_source import Behaviour, HostileSource, answer, drip_head, stall
from tests.url_fetcher.reading import ARN, Hostile
from tests.url_fetcher.test_handler import Context, Stream
from url_fetcher import handler
from url_fetcher.clients import Clients
from url_fetcher.deadline import Deadline, unbounded
from url_fetcher.errors import DeadLettersUnavailable, DeadlineExceeded, IngestionError

ENVIRON = {"KINESIS_STREAM_NAME": "stream", "ALLOW_HTTP": "true", "ALLOW_PRIVATE_NETWORKS": "true"}


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
def endpoint(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> HostileSource:
    """AWS, as slow as the parameter says, at every endpoint."""
    server = hostile(Everywhere(request.param))
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url(""))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return server


def failure(source: HostileSource, environ: dict[str, str], auth: dict[str, str]) -> IngestionError:
    """How an invocation of three seconds ends."""
    settings = {"url": source.url("/"), "format": "ndjson", "auth": auth}
    configured = ENVIRON | environ | {"SOURCES": json.dumps([settings])}
    with pytest.raises(IngestionError) as caught:
        handler.run({}, Context(3), environ=configured, clients=Clients(kinesis=Stream()))
    return caught.value


# A dripped header never ends, and no timeout of a single read ends the wait for it.
@pytest.mark.timeout(60)
@pytest.mark.parametrize("endpoint", [drip_head, stall()], ids=["drips", "stalls"], indirect=True)
def test_dead_letters_end_with_the_invocation(hostile: Hostile, endpoint: HostileSource) -> None:
    """A bucket that does not answer ends in a retryable error, while its connection is still open."""
    source = hostile({"/": answer(b"1\n{bad\n")})
    error = failure(source, {"DEAD_LETTER_BUCKET": "bucket"}, {"kind": "none"})

    assert (type(error), error.retryable, endpoint.connections > 0) == (DeadLettersUnavailable, True, True)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("endpoint", [drip_head, stall()], ids=["drips", "stalls"], indirect=True)
def test_a_secret_ends_with_the_invocation(hostile: Hostile, endpoint: HostileSource) -> None:
    """Secrets Manager that does not answer ends in a retryable error before the source is asked."""
    source = hostile({"/": answer(b"1")})
    error = failure(source, {}, {"kind": "bearer", "secret_arn": ARN})

    assert (type(error), endpoint.connections > 0, source.connections) == (DeadlineExceeded, True, 0)


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
