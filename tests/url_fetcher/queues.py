"""SQS behind the client's seam, and what Lambda hands over of it; tests/local_aws has a real one."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from botocore.exceptions import ClientError

from tests.url_fetcher.invoking import ENVIRON, Context, Stream
from tests.url_fetcher.reading import Objects, Secrets
from url_fetcher.clients import Clients
from url_fetcher.handler import run

WORK, DEAD = "https://sqs.test/work", "https://sqs.test/dead"
QUEUES = {"WORK_QUEUE_URL": WORK, "DEAD_LETTER_QUEUE_URL": DEAD, "LISTS_URI": "s3://lake/lists/"}

Refuse = Callable[[int, Mapping[str, Any]], bool]
"""Says for an entry whether it is refused, given the number of the request, from 1."""


class Queues:
    """Takes messages as SQS does and keeps them.

    Args:
        refuse: Which entries are refused for now.
        fail: Raised instead of an answer, by the queue's address.
    """

    def __init__(
        self, *, refuse: Refuse = lambda *_: False, fail: Mapping[str, Exception] | None = None
    ) -> None:
        self.requests: list[list[Mapping[str, Any]]] = []
        self.taken: dict[str, list[Mapping[str, Any]]] = {WORK: [], DEAD: []}
        self.delays: dict[str, int] = {}
        self.deleted: list[str] = []
        self._refuse = refuse
        self._fail = fail or {}

    @property
    def work(self) -> list[Any]:
        """The events in the work queue."""
        return [json.loads(each["MessageBody"]) for each in self.taken[WORK]]

    @property
    def dead(self) -> list[Any]:
        """The events among the dead letters."""
        return [json.loads(each["MessageBody"]) for each in self.taken[DEAD]]

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> Mapping[str, Any]:  # noqa: N803
        """As boto3's."""
        if QueueUrl in self._fail:
            raise self._fail[QueueUrl]
        self.requests.append(list(Entries))
        refused = [each for each in Entries if self._refuse(len(self.requests), each)]
        accepted = [each for each in Entries if each not in refused]
        self.taken[QueueUrl] += accepted
        return {
            "Successful": [{"Id": each["Id"]} for each in accepted],
            "Failed": [{"Id": each["Id"], "SenderFault": False, "Code": "InternalError"} for each in refused],
        }

    def change_message_visibility(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        ReceiptHandle: str,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
    ) -> object:
        """As boto3's."""
        if QueueUrl in self._fail:
            raise self._fail[QueueUrl]
        self.delays[ReceiptHandle] = VisibilityTimeout
        return {}

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> object:  # noqa: N803
        """As boto3's."""
        if QueueUrl in self._fail:
            raise self._fail[QueueUrl]
        self.deleted.append(ReceiptHandle)
        return {}


def refusal(code: str, status: int) -> ClientError:
    """What boto3 raises."""
    answer = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(cast("Any", answer), "SendMessageBatch")


def record(
    number: int, event: object, *, received: int = 1, attributes: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A message as Lambda hands it over; an event that is text is its body."""
    return {
        "messageId": f"m{number}",
        "receiptHandle": f"r{number}",
        "body": event if isinstance(event, str) else json.dumps(event),
        "attributes": {"ApproximateReceiveCount": str(received), "SentTimestamp": "1545082649183"},
        "messageAttributes": dict(attributes or {}),
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:work",
        "awsRegion": "us-east-1",
    }


def tried(times: int) -> dict[str, Any]:
    """The attribute of a message that was sent after so many attempts."""
    return {"attempts": {"stringValue": str(times), "dataType": "Number"}}


def run_with(
    event: object,
    *,
    stream: Stream,
    queues: Queues | None = None,
    context: Context | None = None,
    secrets: Secrets | None = None,
    s3: Any = None,
    **environ: str,
) -> dict[str, Any]:
    """The function's answer, with queues unless there are none."""
    objects = Objects(environ.pop("SOURCES", "[]"))
    clients = Clients(kinesis=stream, secrets_manager=secrets, s3=s3 or objects, sqs=cast("Any", queues))
    deployed = ENVIRON | ({} if s3 else {"SOURCES_URI": objects.uri}) | (QUEUES if queues else {}) | environ
    return run(event, context or Context(), environ=deployed, clients=clients)


def consumed(
    records: Iterable[Mapping[str, Any]], *, stream: Stream, queues: Queues, **more: Any
) -> list[str]:
    """The ids of the messages that failed."""
    answer = run_with({"Records": list(records)}, stream=stream, queues=queues, **more)
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def counted(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an answer."""
    body: dict[str, Any] = json.loads(answer["body"])
    return body
