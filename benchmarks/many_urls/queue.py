"""Our function at a work queue: what Lambda does with one, and its real handler.

python -m benchmarks.many_urls.queue    takes messages until standard input closes; the environment says which

Lambda takes messages from the queue, hands them to the function and deletes those that it does not name as
failed. Here each process does this for itself, with the function as its zip has it, one message at a time.
"""

import os
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from benchmarks.environment import kinesis_at

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from local_aws.emulator.instance import Emulator

QUEUED = "url_fetcher, through the work queue"
ATTEMPTS, TIMEOUT_SECONDS = 3, 60
"""The settings' defaults."""
_VISIBILITY_SECONDS = 6 * TIMEOUT_SECONDS
_CODE = "BENCHMARK_CODE"
_BUCKET = "benchmark-lake"
_QUEUES = ("WORK_QUEUE_URL", "DEAD_LETTER_QUEUE_URL")
_COUNTS = ("", "NotVisible", "Delayed")


@dataclass(frozen=True)
class Queues:
    """The work queue and the dead letter queue of one benchmark, new and empty.

    Args:
        work: Its URL.
        dead_letters: Its URL.
    """

    work: str
    dead_letters: str

    @classmethod
    def made(cls, aws: "Emulator") -> "Queues":
        """Two queues of a local AWS, as the stack makes them, and a bucket for lists."""
        sqs, name = aws.client("sqs"), uuid.uuid4().hex
        aws.client("s3").create_bucket(Bucket=_BUCKET)
        dead_letters = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["QueueArn"])
        arn = attributes["Attributes"]["QueueArn"]
        redrive = f'{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{ATTEMPTS}}}'
        settings = {"VisibilityTimeout": str(_VISIBILITY_SECONDS), "RedrivePolicy": redrive}
        return cls(sqs.create_queue(QueueName=name, Attributes=settings)["QueueUrl"], dead_letters)

    def environment(self, aws: "Emulator", code: Path) -> dict[str, str]:
        """What processes that consume the queue need, but for the stream's address.

        Args:
            aws: Where the queues are.
            code: The function's zip, unpacked.
        """
        return {
            **aws.environment,
            "AWS_ENDPOINT_URL_S3": aws.endpoint_url,
            "AWS_ENDPOINT_URL_SQS": aws.endpoint_url,
            **dict(zip(_QUEUES, (self.work, self.dead_letters), strict=True)),
            "LISTS_URI": f"s3://{_BUCKET}/lists/",
            "MAX_ATTEMPTS": str(ATTEMPTS),
            "MAX_CONCURRENCY": "10",
            "KINESIS_STREAM_NAME": "bench",
            "ALLOW_HTTP": "true",
            "ALLOW_PRIVATE_NETWORKS": "true",
            "DEAD_LETTER_BUCKET": "dead-letters",
            _CODE: str(code),
        }


class Poller:
    """Hands messages to the function, one at a time.

    Args:
        sqs: A client.
        url: The queue's.
        function: Given an event and the seconds that it may take, says what Lambda gets as an answer.
    """

    def __init__(
        self, sqs: "SQSClient", url: str, function: Callable[[object, float], Mapping[str, Any]]
    ) -> None:
        self._sqs = sqs
        self._url = url
        self._function = function

    def step(self, *, wait_seconds: int) -> bool:
        """Take one message, if one comes in that time; whether one came."""
        messages = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=1,
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        for message in messages:
            answer = self._function({"Records": [lambda_record(message)]}, TIMEOUT_SECONDS)
            if not answer["batchItemFailures"]:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return bool(messages)


def waiting(sqs: "SQSClient", url: str) -> int:
    """How many messages a queue has, those included that are worked on or delayed."""
    names: Any = [f"ApproximateNumberOfMessages{each}" for each in _COUNTS]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(each) for each in found.values())


def send_list(sqs: "SQSClient", s3: Any, work: str, text: bytes) -> None:
    """Upload a list of URLs, and put the event on the queue that asks for it."""
    key = f"lists/{uuid.uuid4().hex}.txt"
    s3.put_object(Bucket=_BUCKET, Key=key, Body=text)
    sqs.send_message(QueueUrl=work, MessageBody=f'{{"urls_from": "s3://{_BUCKET}/{key}"}}')


def ingest_list(url: str, endpoint: str) -> int:
    """Have a list of URLs ingested through the queue by this process alone, and say how many it has.

    The list's upload, its cutting into messages and all requests to the queue are part of it.

    Raises:
        RuntimeError: When a URL failed.
    """
    import boto3

    with urlopen(url) as answer:  # noqa: S310 - the benchmark's own server
        text: bytes = answer.read()
    sqs: SQSClient = boto3.client("sqs")
    work, dead_letters = (os.environ[name] for name in _QUEUES)
    with kinesis_at(endpoint):
        poller = Poller(sqs, work, _function())
        send_list(sqs, boto3.client("s3"), work, text)
        while poller.step(wait_seconds=0) or waiting(sqs, work):
            pass
    if failed := waiting(sqs, dead_letters):
        raise RuntimeError(f"{failed} messages failed; the server is not told to fail any")
    return text.count(b"\n")


class _Context:
    """What Lambda tells; the time runs from when it is made."""

    aws_request_id = "benchmark"

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * (self._ends - time.monotonic()))


_functions: list[Callable[[object, float], Mapping[str, Any]]] = []


def _function() -> Callable[[object, float], Mapping[str, Any]]:
    """The handler from the unpacked zip, the same for the life of the process as in Lambda."""
    if not _functions:
        sys.path.insert(0, os.environ[_CODE])
        from url_fetcher.handler import handler

        _functions.append(lambda event, seconds: handler(event, _Context(seconds)))
    return _functions[0]


def lambda_record(message: Any) -> dict[str, Any]:
    """A message as Lambda hands it over."""
    attributes = {
        name: {"stringValue": each.get("StringValue"), "dataType": each["DataType"]}
        for name, each in message.get("MessageAttributes", {}).items()
    }
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": attributes,
        "eventSource": "aws:sqs",
    }


def main() -> None:
    """Take messages until whoever started this process closes its standard input."""
    import boto3

    is_over = threading.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        is_over.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    poller = Poller(boto3.client("sqs"), os.environ[_QUEUES[0]], _function())
    while not is_over.is_set():
        poller.step(wait_seconds=1)


if __name__ == "__main__":
    main()
