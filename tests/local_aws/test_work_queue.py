"""The function on the local AWS's SQS and S3: messages in, messages out.

It shows that the requests are ones that such services understand. It does not show what Lambda's event
source mapping does with the answers, nor AWS's limits on sizes and characters.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from local_aws.emulator.instance import Emulator
from local_aws.servers.hostile_source import HostileSource, answer
from tests.url_fetcher.invoking import ENVIRON, Context, Stream
from url_fetcher.clients import Clients
from url_fetcher.errors import ConfigurationError
from url_fetcher.handler import run

GOOD = answer(b'[{"id": 1}]')


@dataclass
class Pipeline:
    """The function, its queues, and a bucket for lists."""

    sqs: Any
    s3: Any
    stream: Stream
    work: str
    dead: str
    bucket: str

    def run(self, event: object) -> dict[str, Any]:
        """The function's answer."""
        environ = {
            "WORK_QUEUE_URL": self.work,
            "DEAD_LETTER_QUEUE_URL": self.dead,
            "LISTS_URI": f"s3://{self.bucket}/lists/",
        }
        clients = Clients(kinesis=self.stream)
        return run(event, Context(), environ=ENVIRON | environ, clients=clients)

    def send(self, *events: object) -> None:
        """Put events on the work queue."""
        for event in events:
            self.sqs.send_message(QueueUrl=self.work, MessageBody=json.dumps(event))

    def received(self, queue: str | None = None) -> list[Any]:
        """What can be received now, with everything that SQS tells of it."""
        found: list[Any] = []
        while True:
            some = self.sqs.receive_message(
                QueueUrl=queue or self.work,
                MaxNumberOfMessages=10,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            ).get("Messages", [])
            if not some:
                return found
            found += some

    def consume(self) -> list[dict[str, str]]:
        """Hand all messages over as Lambda does, and forget those that succeeded; the others."""
        messages = self.received()
        failed = self.run({"Records": [_record(each) for each in messages]})["batchItemFailures"]
        ids = {each["itemIdentifier"] for each in failed}
        for each in messages:
            if each["MessageId"] not in ids:
                self.sqs.delete_message(QueueUrl=self.work, ReceiptHandle=each["ReceiptHandle"])
        return [each for each in messages if each["MessageId"] in ids]


def _record(message: Any) -> dict[str, Any]:
    """A message as Lambda hands it over."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: {"stringValue": each["StringValue"], "dataType": each["DataType"]}
            for name, each in message.get("MessageAttributes", {}).items()
        },
        "eventSource": "aws:sqs",
    }


@pytest.fixture
def pipeline(aws: Emulator, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """Queues and a bucket of this test's own."""
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    sqs, s3 = aws.client("sqs"), aws.client("s3")
    name = request.node.name.replace("_", "-")[:60].strip("-")
    s3.create_bucket(Bucket=name)
    work, dead = (sqs.create_queue(QueueName=f"{name}-{kind}"[-80:])["QueueUrl"] for kind in ("work", "dead"))
    return Pipeline(sqs, s3, Stream(), work, dead, name)


@pytest.fixture
def source() -> Iterator[HostileSource]:
    """A server with a good path and a bad one."""
    with ExitStack() as stack:
        yield stack.enter_context(HostileSource({"/": GOOD, "/bad": answer(b"", status=404)}))


def test_nine_of_ten_are_done(pipeline: Pipeline, source: HostileSource) -> None:
    """The tenth stays in the queue, and cannot be received again at once."""
    paths = ["/"] * 4 + ["/bad"] + ["/"] * 5
    pipeline.send(*({"url": source.url(path)} for path in paths))
    (failed,) = pipeline.consume()

    assert (json.loads(failed["Body"]), len(pipeline.stream.lines), pipeline.received()) == (
        {"url": source.url("/bad")},
        9,
        [],
    )


def test_a_delayed_message_comes_again(pipeline: Pipeline, source: HostileSource) -> None:
    """It is the same message, received once more, as soon as its delay is over."""
    pipeline.send({"url": source.url("/bad")})
    (failed,) = pipeline.consume()
    pipeline.sqs.change_message_visibility(
        QueueUrl=pipeline.work, ReceiptHandle=failed["ReceiptHandle"], VisibilityTimeout=0
    )
    (again,) = pipeline.received()

    assert (again["MessageId"], again["Attributes"]["ApproximateReceiveCount"]) == (failed["MessageId"], "2")


def test_a_message_that_comes_again_is_deleted_at_once(pipeline: Pipeline, source: HostileSource) -> None:
    """The function itself does it, before Lambda knows of any result."""
    pipeline.send({"url": source.url("/")})
    (first,) = pipeline.received()
    pipeline.sqs.change_message_visibility(
        QueueUrl=pipeline.work, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0
    )
    pipeline.run({"Records": [_record(each) for each in pipeline.received()]})
    left = pipeline.sqs.get_queue_attributes(
        QueueUrl=pipeline.work, AttributeNames=["ApproximateNumberOfMessagesNotVisible"]
    )["Attributes"]

    assert left == {"ApproximateNumberOfMessagesNotVisible": "0"}


def test_a_dead_letter_is_the_event_with_its_reason(pipeline: Pipeline, source: HostileSource) -> None:
    """After the last attempt the work queue is empty and the other has the very body."""
    body = json.dumps({"url": source.url("/bad")}, indent=1)
    pipeline.sqs.send_message(
        QueueUrl=pipeline.work,
        MessageBody=body,
        MessageAttributes={"attempts": {"DataType": "Number", "StringValue": "2"}},
    )
    failed = pipeline.consume()
    (letter,) = pipeline.received(pipeline.dead)

    assert (failed, letter["Body"], letter["MessageAttributes"]["error_type"]["StringValue"]) == (
        [],
        body,
        "SourceRejected",
    )


def test_a_list_is_ingested_and_its_failures_are_alone(pipeline: Pipeline, source: HostileSource) -> None:
    """From an object in S3 over messages of many URLs to the stream; one URL of 250 fails."""
    urls = [source.url(f"/?n={number}") for number in range(249)]
    urls.insert(120, source.url("/bad"))
    pipeline.s3.put_object(Bucket=pipeline.bucket, Key="lists/urls.txt", Body="\n".join(urls).encode())
    pipeline.send({"urls_from": f"s3://{pipeline.bucket}/lists/urls.txt", "format": "json"})
    failed = [pipeline.consume() for _ in range(3)]
    waiting = pipeline.sqs.get_queue_attributes(
        QueueUrl=pipeline.work, AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )["Attributes"]

    assert (
        failed,
        sorted(line["sourceUrl"] for line in pipeline.stream.lines),
        waiting["ApproximateNumberOfMessagesDelayed"],
    ) == ([[], [], []], sorted(url for url in urls if "bad" not in url), "1")


def test_a_list_is_read_as_it_was(pipeline: Pipeline) -> None:
    """S3 refuses the rest of a list that was replaced meanwhile."""
    uri = f"s3://{pipeline.bucket}/lists/urls.txt"
    etag = pipeline.s3.put_object(
        Bucket=pipeline.bucket, Key="lists/urls.txt", Body=b"https://a.test/1\n" * 9
    )["ETag"]
    pipeline.s3.put_object(Bucket=pipeline.bucket, Key="lists/urls.txt", Body=b"https://a.test/2\n" * 9)
    with pytest.raises(ConfigurationError, match="has changed"):
        pipeline.run({"urls_from": uri, "offset": 17, "etag": etag})


def test_a_list_is_read_from_where_it_stopped(pipeline: Pipeline) -> None:
    """The rest of a list is read with what the first part said it was."""
    lines = b"".join(b"https://a.test/%d\n" % number for number in range(10))
    put = pipeline.s3.put_object(Bucket=pipeline.bucket, Key="lists/urls.txt", Body=lines)
    uri = f"s3://{pipeline.bucket}/lists/urls.txt"
    pipeline.run({"urls_from": uri, "offset": lines.index(b"https://a.test/7"), "etag": put["ETag"]})
    (message,) = pipeline.received()

    assert json.loads(message["Body"]) == {"urls": [f"https://a.test/{number}" for number in (7, 8, 9)]}
