"""An SQS queue: receives, sends, deletes and releases messages in batches, and checks the result of each."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from tools.ground.aws import explained
from url_fetcher.work_queue.batches import MAX_ENTRIES, batches

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

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
                MaxNumberOfMessages=MAX_ENTRIES,
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
        entries = ({"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies))
        for batch in batches(entries):
            waiting, pause_seconds = batch, FIRST_PAUSE_SECONDS
            for attempt in range(ATTEMPTS):
                waiting = self._send_once(waiting, refusals)
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

    def attribute(self, name: str) -> str:
        """One of its attributes."""
        found: str = self._described(name)["Attributes"][name]
        return found

    def counts(self) -> Counts:
        """About how many messages it has."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        found = self._described(*names)["Attributes"]
        return Counts(*(int(found[name]) for name in names))

    def now(self) -> int:
        """SQS's own time, in milliseconds since 1970, a second late at most."""
        date = self._described("QueueArn")["ResponseMetadata"]["HTTPHeaders"]["date"]
        return int(parsedate_to_datetime(date).timestamp() + 1) * 1000

    def _described(self, *names: Any) -> Any:
        """SQS's answer about attributes of the queue."""
        with explained():
            return self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)

    def _send_once(self, entries: list[dict[str, Any]], refusals: list[str]) -> list[dict[str, Any]]:
        """The entries to send again; the reasons of all others are noted."""
        given: Any = entries
        with explained():
            answer = self._sqs.send_message_batch(QueueUrl=self.url, Entries=given)
        failed = {each["Id"]: each for each in answer.get("Failed", [])}
        for entry in entries:
            found = failed.get(entry["Id"])
            refusals[int(entry["Id"])] = f"{found['Code']}: {found.get('Message', '')}" if found else ""
        return [each for each in entries if each["Id"] in failed and not failed[each["Id"]]["SenderFault"]]


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


def _tens(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), MAX_ENTRIES):
        yield items[start : start + MAX_ENTRIES]
