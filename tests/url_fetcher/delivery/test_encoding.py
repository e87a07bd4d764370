"""The client's request beside that of botocore's own serializer."""

import json
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest

from url_fetcher.delivery.kinesis import kinesis_client, send
from url_fetcher.delivery.packing import Entry

_ENTRIES = [Entry(b"one\n", "a", 1), Entry(b"\x00\xff\n", 'é"', 1)]


class _SentError(Exception):
    """Stands for the answer."""


def _body_of(client: Any) -> bytes:
    """What the client would send for the entries."""
    bodies: list[bytes] = []

    def take(request: AWSPreparedRequest, **_: object) -> None:
        bodies.append(request.body if isinstance(request.body, bytes) else str(request.body).encode())
        raise _SentError

    client.meta.events.register("before-send.kinesis.PutRecords", take)
    with pytest.raises(_SentError):
        send(client, "stream", _ENTRIES)
    return bodies[0]


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def test_the_sinks_client_is_one_that_encodes_directly() -> None:
    """Other bytes than botocore's serializer writes, but the same request."""
    own, plain = _body_of(kinesis_client()), _body_of(botocore.session.get_session().create_client("kinesis"))

    assert (own == plain, json.loads(own)) == (False, json.loads(plain))
