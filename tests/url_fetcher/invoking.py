"""Invokes the function on a stream in memory."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from local_aws.servers.stream_records import lines_of_record
from tests.url_fetcher.reading import Objects, Secrets
from url_fetcher.clients import Clients
from url_fetcher.handler import run

ENVIRON = {"KINESIS_STREAM_NAME": "stream", "ALLOW_HTTP": "true", "ALLOW_PRIVATE_NETWORKS": "true"}


class Stream:
    """A stream in memory that accepts everything."""

    def __init__(self) -> None:
        self.data: list[bytes] = []

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Every line that is on it."""
        return [json.loads(line) for data in self.data for line in lines_of_record(data).splitlines()]

    def put_records(self, *, StreamName: str, Records: Sequence[Any]) -> Mapping[str, Any]:  # noqa: N803, ARG002
        """As Kinesis answers when nothing is refused."""
        self.data += [record["Data"] for record in Records]
        results = [{"SequenceNumber": "1", "ShardId": "shardId-000000000000"} for _ in Records]
        return {"FailedRecordCount": 0, "Records": results}


class Context:
    """An invocation of that many seconds."""

    aws_request_id = "request-1"

    def __init__(self, seconds: float = 30.0) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        """The time that is left."""
        return int(self._seconds * 1000)


def invoke(
    stream: Stream, event: object, *, secrets: Secrets | None = None, seconds: float = 30.0, **environ: str
) -> dict[str, Any]:
    """The answer's body."""
    objects = Objects(environ.pop("SOURCES", "[]"))
    clients = Clients(kinesis=stream, secrets_manager=secrets, s3=objects)
    environ = ENVIRON | {"SOURCES_URI": objects.uri} | environ
    found = run(event, Context(seconds), environ=environ, clients=clients)
    assert found["statusCode"] == 200
    body: dict[str, Any] = json.loads(str(found["body"]))
    return body


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What was written to standard output, line by line."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]
