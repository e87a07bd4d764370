"""Calls to AWS: one table of timeouts, and one reading of what AWS answered."""

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from url_fetcher.aws_calls import PATIENCE, Refusal, client, refusal_in


@pytest.mark.parametrize("service", PATIENCE)
def test_a_client_waits_as_the_table_says(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No client has botocore's own patience, which is longer than an invocation."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    config = client(service, "eu-west-1").meta.config
    tried = config.retries["total_max_attempts"]

    assert (config.connect_timeout, config.read_timeout, tried) == PATIENCE[service]


def status(code: int) -> dict[str, dict[str, object]]:
    """The part of botocore's response that has the HTTP status."""
    return {"ResponseMetadata": {"HTTPStatusCode": code}}


@pytest.mark.parametrize(
    ("error", "expected", "servers_fault"),
    [
        (
            {"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 503}},
            ("SlowDown", 503),
            True,
        ),
        (
            {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}},
            ("AccessDenied", 403),
            False,
        ),
        ({"ResponseMetadata": {"HTTPStatusCode": 500}}, ("", 500), True),
        ({}, ("", 0), False),
    ],
)
def test_a_refusal_says_code_and_status(
    error: dict[str, dict[str, object]], expected: tuple[str, int], servers_fault: bool
) -> None:
    """What AWS leaves out is empty, and only a status from 500 is the service's own fault."""
    refusal = refusal_in(ClientError(error, "Call"))  # type: ignore[arg-type]

    assert (tuple(refusal), refusal.is_servers_fault) == (expected, servers_fault)


def test_a_call_without_an_answer_has_no_refusal() -> None:
    """An error of the connection, or of ours, carries no answer."""
    found = [refusal_in(error) for error in (ConnectTimeoutError(endpoint_url="x"), ValueError())]

    assert found == [Refusal("", 0), Refusal("", 0)]


def test_a_refusal_without_a_code_is_named_by_its_status() -> None:
    """A message always has something to look for."""
    assert (Refusal("", 416).name, Refusal("NoSuchKey", 404).name) == ("416", "NoSuchKey")
