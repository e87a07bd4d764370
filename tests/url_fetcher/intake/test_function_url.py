"""A function URL's requests: an event in the body, the answer in HTTP."""

import base64
import json
from typing import Any

import pytest

from local_aws.servers.hostile_source import Behaviour, answer, drip
from tests.url_fetcher.invoking import Stream
from tests.url_fetcher.queues import Queues, run_with
from tests.url_fetcher.reading import Hostile


def request(body: str | None, *, method: str = "POST", is_encoded: bool = False) -> dict[str, Any]:
    """A request as Lambda hands it over."""
    return {
        "version": "2.0",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"accountId": "123456789012", "http": {"method": method, "path": "/"}},
        **({} if body is None else {"body": body}),
        "isBase64Encoded": is_encoded,
    }


def posted(event: object, stream: Stream, **more: Any) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and body of the answer to an event."""
    text = event if isinstance(event, str) else json.dumps(event)
    found = run_with(request(text), stream=stream, **more)
    return found["statusCode"], found["headers"], json.loads(found["body"])


def test_what_was_ingested_is_answered(hostile: Hostile, stream: Stream) -> None:
    """An event in the body is ingested, and the counters are the answer."""
    status, headers, body = posted({"url": hostile({"/": answer(b"[1, 2]")}).url("/")}, stream)

    assert (status, headers["Content-Type"], body["recordsProcessed"], len(stream.lines)) == (
        200,
        "application/json",
        2,
        2,
    )


def test_a_body_may_be_base64(hostile: Hostile, stream: Stream) -> None:
    """Lambda encodes a body whose Content-Type it does not know as text."""
    event = json.dumps({"url": hostile({"/": answer(b"[1]")}).url("/")})
    encoded = base64.b64encode(event.encode()).decode()

    assert run_with(request(encoded, is_encoded=True), stream=stream)["statusCode"] == 200


@pytest.mark.parametrize("body", [None, "", " ", "{}"])
def test_no_body_is_the_first_source(hostile: Hostile, stream: Stream, body: str | None) -> None:
    """As `{}` is."""
    configured = json.dumps([{"url": hostile({"/": answer(b"[1]")}).url("/")}])

    assert run_with(request(body), stream=stream, SOURCES=configured)["statusCode"] == 200


def test_many_urls_may_be_posted(hostile: Hostile, stream: Stream) -> None:
    """An event of many URLs is answered with how many were ingested."""
    url = hostile({"/": answer(b"[1]")}).url("/")
    status, _, body = posted({"urls": [url, url]}, stream, queues=Queues())

    assert (status, body["urls"], body["recordsProcessed"]) == (200, 2, 2)


@pytest.mark.parametrize(
    "body",
    ["oops", "[" * 100_000, "\ud800", "5", '{"sauce": 1}', '{"source": "nobody"}', '{"url": "ftp://a.test"}'],
    ids=["text", "deep", "surrogate", "number", "key", "name", "scheme"],
)
def test_a_wrong_event_is_a_bad_request(stream: Stream, body: str) -> None:
    """The caller is told what to change, and that trying again does not help."""
    status, _, told = posted(body, stream)

    assert (status, told["errorType"], told["retryable"]) == (400, "ConfigurationError", False)


def test_a_wrong_base64_is_a_bad_request(stream: Stream) -> None:
    """It is no event."""
    assert run_with(request("*", is_encoded=True), stream=stream)["statusCode"] == 400


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS", ""])
def test_only_post_has_an_effect(stream: Stream, method: str) -> None:
    """What may be repeated or fetched ahead by anybody on the way ingests nothing."""
    found = run_with(request("{}", method=method), stream=stream)

    assert (found["statusCode"], found["headers"]["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("behaviour", "settings", "status", "error"),
    [
        (answer(b"", status=404), {}, 502, "SourceRejected"),
        (answer(b"[1"), {}, 502, "MalformedBody"),
        (answer(b"[1, 2]"), {"limits": {"max_records": 1}}, 502, "LimitExceeded"),
        (answer(b"", status=500), {"retry": {"max_attempts": 1}}, 503, "SourceUnavailable"),
        (drip(), {"limits": {"timeout_seconds": 0.2}, "retry": {"max_attempts": 1}}, 504, "SourceTimeout"),
        (
            answer(b"", status=302, headers={"Location": "http://169.254.169.254/"}),
            {},
            400,
            "AddressRefused",
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else None,
)
def test_the_status_says_who_failed(
    hostile: Hostile, stream: Stream, behaviour: Behaviour, settings: dict[str, Any], status: int, error: str
) -> None:
    """4xx: the event; 502: the source for good; 503 and 504: for now."""
    found, _, told = posted({"url": hostile({"/": behaviour}).url("/"), **settings}, stream)

    assert (found, told["errorType"], told["retryable"]) == (status, error, status in (503, 504))


def test_what_the_source_asks_for_is_passed_on(hostile: Hostile, stream: Stream) -> None:
    """A Retry-After reaches the caller."""
    source = hostile({"/": answer(b"", status=429, headers={"Retry-After": "7.5"})})
    event = {"url": source.url("/"), "retry": {"max_attempts": 1}}

    assert posted(event, stream)[1]["Retry-After"] == "8"


def test_no_secret_is_answered(hostile: Hostile, stream: Stream) -> None:
    """A key in the URL is hidden in the answer to a failure."""
    source = hostile({"/": answer(b"", status=302, headers={"Location": "/gone?echo=hunter2x"})})

    assert "hunter2x" not in str(posted({"url": source.url("/?api_key=hunter2x")}, stream))


def test_a_request_in_a_request_is_no_event(stream: Stream) -> None:
    """Nor are messages: what is posted is an event."""
    inner = {"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}

    assert [posted(each, stream)[0] for each in (request("{}"), inner)] == [400, 400]
