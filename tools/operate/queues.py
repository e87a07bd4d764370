"""An SQS queue: receives, sends, deletes and releases messages in batches, and checks the result of each."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from tools.ground.aws import explained

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

MESSAGES_A_CALL = 10
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html"""

BYTES_A_CALL = 256 * 1024
"""Most bytes of several messages together. One alone may have 1 MiB, in some Regions no more than this."""

WAIT_SECONDS = 1
"""With any wait, SQS asks all of its servers, so that an empty answer means an empty queue."""

ATTEMPTS, FIRST_PAUSE_SECONDS = 5, 0.2


class Message(NamedTuple):
    """A message that was received.

    Attributes:
        id: SQS's own, the same each time that it is received.
        handle: Receipt handle, which deletes or releases it.
        body: Its text.
        sent_at: When it was sent, in milliseconds since 1970.
        attributes: The sender's attributes and those of SQS, as texts.
    """

    id: str
    handle: str
    body: str
    sent_at: int
    attributes: Mapping[str, str]


class Counts(NamedTuple):
    """About how many messages a queue has: waiting, and received but neither deleted nor due again."""

    waiting: int
    in_flight: int


class Queue:
    """A queue.

    Args:
        sqs: A client.
        url: URL of the queue.
        hold_seconds: Time in which a received message is not received again, unless it is released.
    """

    def __init__(self, sqs: "SQSClient", url: str, *, hold_seconds: int = 120) -> None:
        self.url = url
        self._sqs = sqs
        self._hold_seconds = hold_seconds

    def receive(self) -> list[Message]:
        """Up to ten messages; none if the queue is empty."""
        with explained():
            answer = self._sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=MESSAGES_A_CALL,
                VisibilityTimeout=self._hold_seconds,
                WaitTimeSeconds=WAIT_SECONDS,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        return [_message(each) for each in answer.get("Messages", [])]

    def send(self, bodies: Sequence[str]) -> list[str]:
        """The reason why SQS refused each message, in order; empty for those that it accepted.

        Messages that failed inside of SQS are sent again, up to five times.
        """
        refusals = [""] * len(bodies)
        for some in _fitting(bodies):
            waiting, pause_seconds = some, FIRST_PAUSE_SECONDS
            for attempt in range(ATTEMPTS):
                waiting = self._send_once(bodies, waiting, refusals)
                if not waiting:
                    break
                if attempt < ATTEMPTS - 1:
                    time.sleep(pause_seconds)
                    pause_seconds *= 2
        return refusals

    def delete(self, messages: Sequence[Message]) -> set[str]:
        """The ids of the messages that could not be deleted, and will be received again."""
        left = set()
        for some in _tens(messages):
            entries: Any = [
                {"Id": str(number), "ReceiptHandle": each.handle} for number, each in enumerate(some)
            ]
            with explained():
                answer = self._sqs.delete_message_batch(QueueUrl=self.url, Entries=entries)
            left |= {some[int(failed["Id"])].id for failed in answer.get("Failed", [])}
        return left

    def release(self, handles: Iterable[str]) -> None:
        """Make received messages available again at once."""
        for some in _tens(list(handles)):
            entries: Any = [
                {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                for number, handle in enumerate(some)
            ]
            with explained():
                self._sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)

    def attribute(self, name: Any) -> str:
        """One of its attributes."""
        with explained():
            answer = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])
        return answer["Attributes"][name]

    def counts(self) -> Counts:
        """About how many messages it has."""
        names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        with explained():
            found = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return Counts(*(int(found[name]) for name in names))

    def now(self) -> int:
        """SQS's own time, in milliseconds since 1970, a second late at most."""
        with explained():
            answer = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        date = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
        return int(parsedate_to_datetime(date).timestamp() + 1) * 1000

    def _send_once(self, bodies: Sequence[str], numbers: list[int], refusals: list[str]) -> list[int]:
        """The numbers of those to send again; the reasons of all others are noted."""
        entries: Any = [{"Id": str(number), "MessageBody": bodies[number]} for number in numbers]
        with explained():
            answer = self._sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
        for number in numbers:
            refusals[number] = ""
        again = []
        for failed in answer.get("Failed", []):
            refusals[int(failed["Id"])] = f"{failed['Code']}: {failed.get('Message', '')}"
            if not failed["SenderFault"]:
                again.append(int(failed["Id"]))
        return again


def _message(received: "MessageTypeDef") -> Message:
    own = {name: each.get("StringValue", "") for name, each in received.get("MessageAttributes", {}).items()}
    system: Mapping[Any, str] = received.get("Attributes", {})
    return Message(
        received["MessageId"],
        received["ReceiptHandle"],
        received["Body"],
        int(system.get("SentTimestamp", "0")),
        {**system, **own},
    )


def _fitting(bodies: Sequence[str]) -> Iterator[list[int]]:
    """The numbers of the messages, as many at a time as one call takes."""
    some: list[int] = []
    size = 0
    for number, body in enumerate(bodies):
        length = len(body.encode())
        if some and (len(some) == MESSAGES_A_CALL or size + length > BYTES_A_CALL):
            yield some
            some, size = [], 0
        some.append(number)
        size += length
    if some:
        yield some


def _tens(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), MESSAGES_A_CALL):
        yield items[start : start + MESSAGES_A_CALL]
